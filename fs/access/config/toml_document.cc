// SPDX-License-Identifier: Apache-2.0
//
// The library is used header-only and without exceptions: one object file, no shared library to load, and
// an error is a value.
//
// toml++ 3.3 tells the optimiser that what it did not expect cannot happen, and bad input makes it happen:
// some characters beyond ASCII outside of strings, a NUL in a table's header (tests/fuzz/corpus has both).
// Its assumptions are therefore switched off, and its "unreachable" answers no; what follows reports an
// error.
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0

#include "access/config/toml_document.h"

// clang-format off: the order is the point
#include <toml++/impl/forward_declarations.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE \
    return {}
#include <toml++/impl/unicode.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()
#include <toml++/toml.h>
// clang-format on
#include <algorithm>

#include "names/name.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxText = 1u << 20;

TomlPlace place_of(const toml::source_region& source) {
    return {source.begin.line, source.begin.column};
}

// The library bounds the nesting (256), so that recursion is safe.
TomlValue convert(const toml::node& node) {
    TomlValue value;
    value.place = place_of(node.source());
    if (const auto* text = node.as_string()) {
        value.kind = TomlValue::Kind::text;
        value.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
        value.kind = TomlValue::Kind::integer;
        value.integer = integer->get();
    } else if (const auto* boolean = node.as_boolean()) {
        value.kind = TomlValue::Kind::boolean;
        value.boolean = boolean->get();
    } else if (const auto* array = node.as_array()) {
        value.kind = TomlValue::Kind::array;
        for (const toml::node& item : *array) value.items.push_back(convert(item));
    } else if (const auto* table = node.as_table()) {
        value.kind = TomlValue::Kind::table;
        for (auto&& [key, item] : *table)
            value.members.push_back({std::string(key.str()), place_of(key.source()), convert(item)});
        // The library keeps members by name; the first error of a file is the first one from its top.
        std::stable_sort(
            value.members.begin(), value.members.end(), [](const TomlMember& a, const TomlMember& b) {
                return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
            });
    }
    return value;
}

}  // namespace

Result<TomlValue> parse_toml(std::string_view text, std::string_view file) {
    if (text.size() > kMaxText)
        return fail(Code::invalid, file, ": has ", text.size(), " bytes; at most ", kMaxText, " are allowed");
    toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        const toml::parse_error& error = parsed.error();
        return fail_at(file, place_of(error.source()), "not valid TOML: ", error.description());
    }
    return convert(parsed.table());
}

std::string_view to_text(TomlValue::Kind kind) {
    switch (kind) {
        case TomlValue::Kind::text:
            return "a string";
        case TomlValue::Kind::integer:
            return "an integer";
        case TomlValue::Kind::boolean:
            return "true or false";
        case TomlValue::Kind::array:
            return "an array";
        case TomlValue::Kind::table:
            return "a table";
        case TomlValue::Kind::other:
            break;
    }
    return "a float, a date or a time";
}

std::string quote_toml(std::string_view text) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out = "\"";
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\u00";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

}  // namespace coffer
