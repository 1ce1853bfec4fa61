// SPDX-License-Identifier: Apache-2.0
#include "names/name.h"

namespace coffer {
namespace {

bool is_segment_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

}  // namespace

std::string printable(std::string_view text) {
    constexpr std::size_t kShown = 80;
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (char c : text.substr(0, kShown)) {
        auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
            out += c;
        } else {
            out += "\\x";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
    }
    if (text.size() > kShown) out += "...";
    return out;
}

Result<void> check_segment(std::string_view what, std::string_view segment, std::size_t limit) {
    if (segment.empty())
        return refuse(Code::invalid, "name.empty", what, " is empty; expected 1 to ", limit, " characters");
    if (segment.size() > limit)
        return refuse(Code::invalid, "name.too-long", what, " \"", printable(segment), "\" has ",
                      segment.size(), " bytes; at most ", limit, " are allowed");
    if (segment[0] == '.' || segment[0] == '-')
        return refuse(Code::invalid, "name.first-character", what, " \"", printable(segment),
                      "\" starts with '.' or '-'; start it with a letter, a digit or '_'");
    for (char c : segment) {
        if (!is_segment_character(c))
            return refuse(Code::invalid, "name.character", what, " \"", printable(segment),
                          "\" has a character outside [A-Za-z0-9._-]");
    }
    return {};
}

}  // namespace coffer
