// SPDX-License-Identifier: Apache-2.0
#include "formats/text_cursor.h"

#include <algorithm>

namespace coffer {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kExport = "export";

}  // namespace

std::string_view trimmed(std::string_view text, std::string_view blanks) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

Result<TextCursor> TextCursor::open(std::span<std::uint8_t> text) {
    auto nul = std::find(text.begin(), text.end(), std::uint8_t{0});
    if (nul != text.end())
        return fail_at(1 + static_cast<std::size_t>(std::count(text.begin(), nul, std::uint8_t{'\n'})),
                       "a NUL byte, which no text has; save a UTF-16 file as UTF-8 first");
    TextCursor cursor(text);
    (void)cursor.take_word("\xef\xbb\xbf");
    return cursor;
}

bool TextCursor::at_line_end() const {
    if (at_end() || peek() == '\n') return true;
    return peek() == '\r' && (place_ + 1 == text_.size() || peek_next() == '\n');
}

std::span<std::uint8_t> TextCursor::rest_of_line() const {
    auto rest = text_.subspan(place_);
    rest = rest.first(
        static_cast<std::size_t>(std::find(rest.begin(), rest.end(), std::uint8_t{'\n'}) - rest.begin()));
    if (!rest.empty() && rest.back() == '\r') rest = rest.first(rest.size() - 1);
    while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t')) rest = rest.first(rest.size() - 1);
    return rest;
}

char TextCursor::take() {
    char c = static_cast<char>(text_[place_++]);
    if (c == '\n') ++line_;
    return c;
}

bool TextCursor::take_word(std::string_view word) {
    if (!as_text(text_.subspan(place_)).starts_with(word)) return false;
    for (std::size_t i = 0; i < word.size(); ++i) (void)take();
    return true;
}

bool TextCursor::skip_blanks() {
    bool any = false;
    for (; at_blank(); any = true) (void)take();
    return any;
}

void TextCursor::skip_line() {
    while (!at_end() && take() != '\n') {
    }
}

bool TextCursor::skip_to_content() {
    while (true) {
        (void)skip_blanks();
        if (at_end()) return false;
        if (!at_line_end() && peek() != '#') return true;
        skip_line();
    }
}

Result<std::string> TextCursor::take_name() {
    const auto line = as_text(rest_of_line());
    const std::size_t sign = line.find('=');
    if (sign == line.npos)
        return fail_at(line_,
                       "expected KEY=value, found no `=`; a value of several lines has to stand in quotes");
    auto name = trimmed(line.substr(0, sign), kBlanks);
    if (name.starts_with(kExport) && kBlanks.find(name.substr(kExport.size(), 1)) != kBlanks.npos &&
        name.size() > kExport.size())
        name = trimmed(name.substr(kExport.size()), kBlanks);
    if (name.empty()) return fail_at(line_, "expected KEY=value, found nothing before the `=`");
    std::string out(name);
    for (std::size_t i = 0; i <= sign; ++i) (void)take();
    return out;
}

}  // namespace coffer
