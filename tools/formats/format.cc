// SPDX-License-Identifier: Apache-2.0
#include "formats/format.h"

#include <algorithm>

#include "formats/dotenv.h"
#include "formats/json.h"
#include "formats/kestra.h"
#include "formats/text_cursor.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr Format kAll[] = {Format::dotenv, Format::kestra, Format::json, Format::dir, Format::pass};
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

bool may_be_base64(std::string_view value) {
    value = trimmed(value, kSpace);
    if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0])
        value = value.substr(1, value.size() - 2);
    return value.size() % 4 == 0 && value.find_first_not_of(kBase64) == value.npos;
}

// Whether every line would do for Kestra.
bool may_be_kestra(std::string_view text) {
    bool any = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        auto line = trimmed(text.substr(0, end), kSpace);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line[0] == '#') continue;
        if (line.starts_with("export ")) line = trimmed(line.substr(7), kSpace);
        const std::size_t sign = line.find('=');
        if (!line.starts_with(kKestraPrefix) || sign == line.npos || !may_be_base64(line.substr(sign + 1)))
            return false;
        any = true;
    }
    return any;
}

}  // namespace

std::string_view to_text(Format format) {
    switch (format) {
        case Format::dotenv:
            return "dotenv";
        case Format::kestra:
            return "kestra";
        case Format::json:
            return "json";
        case Format::dir:
            return "dir";
        case Format::pass:
            return "pass";
    }
    return "unknown";
}

Result<Format> parse_format(std::string_view text) {
    for (Format format : kAll) {
        if (text == to_text(format)) return format;
    }
    return fail(Code::invalid, "expected a format (dotenv, kestra, json, dir or pass), found \"",
                printable(text), '"');
}

Result<Format> guess_format(ByteView bytes) {
    auto text = as_text(bytes);
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    const auto content = trimmed(text, kSpace);
    if (content.starts_with('{')) return Format::json;
    if (may_be_kestra(text))
        return fail(
            Code::invalid,
            "the lines SECRET_NAME=... may be Kestra's, with values in base64, or dotenv's; say which "
            "with --format kestra or --format dotenv");
    const std::size_t filter = text.find("base64encode");
    if (text.find(kKestraPrefix) != text.npos && filter != text.npos && text.find("{{") < filter)
        return Format::kestra;
    return Format::dotenv;
}

Result<Entries> parse_entries(Format format, std::span<std::uint8_t> text) {
    if (format == Format::json) return parse_json(text);
    if (format == Format::kestra) return parse_kestra(text);
    if (format == Format::dotenv) return parse_dotenv(text);
    return fail(Code::failed, "a ", to_text(format), " is read from a folder");
}

}  // namespace coffer
