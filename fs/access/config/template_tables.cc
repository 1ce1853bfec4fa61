// SPDX-License-Identifier: Apache-2.0
#include "access/config/template_tables.h"

#include <algorithm>

#include "access/config/toml_fields.h"
#include "base/file_mode.h"
#include "names/name.h"

namespace coffer {
namespace {

SecretName read_path(TomlFields& fields) {
    const std::string text = fields.required_text("path");
    auto path = SecretName::parse(text);
    if (!path)
        fields.error(fields.place("path"), "path: ", path.error().message);
    else if (path->scope.project.empty() || path->scope.domain.empty())
        fields.error(fields.place("path"),
                     "path: expected org/project/domain/NAME without a star, for a rendered file is in one "
                     "directory, found \"",
                     printable(text), '"');
    return path.value_or(SecretName{});
}

std::filesystem::path read_source(TomlFields& fields) {
    std::filesystem::path source = fields.required_text("source");
    if (!source.is_absolute() || source.native().find('\0') != std::string::npos)
        fields.error(fields.place("source"), "source: expected an absolute path, found \"",
                     printable(source.native()), '"');
    return source.lexically_normal();
}

// As in a rule of the policy: reading only, for nothing can be written.
mode_t read_mode(TomlFields& fields) {
    const std::string text = fields.text("mode").value_or("0400");
    const auto mode = parse_mode(text);
    if (!mode || (*mode & ~mode_t{0444}) != 0)
        fields.error(fields.place("mode"),
                     "mode: expected four octal digits that let read and no more, as in "
                     "\"0440\", found \"",
                     printable(text), '"');
    return mode.value_or(0);
}

Result<TemplateFile> read_table(const TomlValue& table, std::string_view file) {
    TomlFields fields(table, file, "template");
    TemplateFile out;
    out.path = read_path(fields);
    out.source = read_source(fields);
    out.mode = read_mode(fields);
    out.place = concat(file, ':', table.place.line, ':', table.place.column, ": ");
    COFFER_CHECK(fields.finish());
    return out;
}

}  // namespace

Result<void> read_template_tables(const TomlMember& member, std::string_view file,
                                  std::vector<TemplateFile>& out) {
    if (member.value.kind != TomlValue::Kind::array)
        return fail_at(file, member.place, "templates are written as [[template]], found ",
                       to_text(member.value.kind));
    for (const TomlValue& table : member.value.items) {
        if (table.kind != TomlValue::Kind::table)
            return fail_at(file, table.place, "a template is a table, found ", to_text(table.kind));
        COFFER_TRY(auto one, read_table(table, file));
        if (std::ranges::find(out, one.path, &TemplateFile::path) != out.end())
            return fail_at(file, table.place, "there is a template before this of the path ",
                           one.path.text());
        out.push_back(std::move(one));
    }
    return {};
}

std::string write_template_tables(const std::vector<TemplateFile>& templates) {
    std::string out;
    for (const TemplateFile& one : templates) {
        const char mode[] = {'0', static_cast<char>('0' + (one.mode >> 6u & 7u)),
                             static_cast<char>('0' + (one.mode >> 3u & 7u)),
                             static_cast<char>('0' + (one.mode & 7u))};
        out += concat("\n[[template]]\npath = ", quote_toml(one.path.text()),
                      "\nsource = ", quote_toml(one.source.native()), "\nmode = \"",
                      std::string_view(mode, sizeof mode), "\"\n");
    }
    return out;
}

}  // namespace coffer
