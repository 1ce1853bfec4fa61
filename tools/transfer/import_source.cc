// SPDX-License-Identifier: Apache-2.0
#include "transfer/import_source.h"

#include <filesystem>

#include "formats/directory.h"
#include "formats/pass.h"
#include "input/value_source.h"

namespace coffer {

Result<ImportSource> ImportSource::read_tree(const std::string& path, Format format) {
    ImportSource out;
    out.format_ = format;
    const auto hidden = format == Format::pass ? HiddenFiles::skip : HiddenFiles::read;
    COFFER_TRY(out.entries_, read_directory(path, hidden, out.files_));
    if (format == Format::pass) COFFER_CHECK(take_as_pass(out.entries_));
    return out;
}

Result<ImportSource> ImportSource::read(const std::string& path, std::optional<Format> format) {
    std::error_code ignored;  // what is not there is told when it is opened
    const bool standard = path == "-";
    const bool folder = !standard && std::filesystem::is_directory(path, ignored);
    if (format && folder != is_tree(*format))
        return fail(Code::invalid, "expected a ", is_tree(*format) ? "folder" : "file", " for --format ",
                    to_text(*format), ", found ", path);
    if (folder) {
        const bool pass = std::filesystem::exists(path + "/.gpg-id", ignored);
        return read_tree(path, format.value_or(pass ? Format::pass : Format::dir));
    }
    ImportSource out;
    COFFER_TRY(out.text_,
               standard ? read_stdin(kMaxImport) : read_value_file(path, kMaxImport, FileTrust::any));
    const std::string what = standard ? "stdin" : path;
    auto found = format ? Result<Format>(*format) : guess_format(out.text_.view());
    if (!found) return wrap(std::move(found).error(), what);
    out.format_ = *found;
    auto entries = parse_entries(out.format_, out.text_.writable());
    if (!entries) return wrap(std::move(entries).error(), what, " as ", to_text(out.format_));
    out.entries_ = *std::move(entries);
    return out;
}

}  // namespace coffer
