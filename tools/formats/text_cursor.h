// SPDX-License-Identifier: Apache-2.0
//
// TextCursor: a place in a text of lines, which knows their number. DecodedValue: what is decoded in that
// text, from a place that the cursor has reached on, and never ahead of it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "formats/entry.h"

namespace coffer {

// Without any of `blanks` at its beginning and end.
[[nodiscard]] std::string_view trimmed(std::string_view text, std::string_view blanks);

class TextCursor {
  public:
    // Begins behind a byte order mark. Code::invalid for a NUL byte, which no text of lines has.
    [[nodiscard]] static Result<TextCursor> open(std::span<std::uint8_t> text);

    [[nodiscard]] bool at_end() const { return place_ == text_.size(); }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : static_cast<char>(text_[place_]); }
    [[nodiscard]] char peek_next() const {
        return place_ + 1 < text_.size() ? static_cast<char>(text_[place_ + 1]) : '\0';
    }
    [[nodiscard]] bool at_blank() const { return peek() == ' ' || peek() == '\t'; }
    // Before "\n", "\r\n" or the end of the text.
    [[nodiscard]] bool at_line_end() const;
    [[nodiscard]] std::size_t line() const { return line_; }
    // From here to the end of the line, blanks at its end left out.
    [[nodiscard]] std::span<std::uint8_t> rest_of_line() const;
    [[nodiscard]] std::uint8_t* here() const { return text_.data() + place_; }

    char take();                            // not at the end
    bool take_word(std::string_view word);  // true: it stood here
    bool skip_blanks();                     // true: there were some
    void skip_line();                       // to the beginning of the next one
    // To the next line that has more than blanks and a comment; false: there is none.
    bool skip_to_content();
    // What stands before the next `=` of this line, which is taken too, without blanks around it and without
    // a leading "export ". An error when the line has none or the name is empty.
    [[nodiscard]] Result<std::string> take_name();

  private:
    explicit TextCursor(std::span<std::uint8_t> text) : text_(text) {}
    std::span<std::uint8_t> text_;
    std::size_t place_ = 0, line_ = 1;
};

class DecodedValue {
  public:
    explicit DecodedValue(std::uint8_t* start) : begin_(start), end_(start) {}
    void put(char c) { *end_++ = static_cast<std::uint8_t>(c); }
    void drop_blanks() {
        while (end_ != begin_ && (end_[-1] == ' ' || end_[-1] == '\t')) --end_;
    }
    [[nodiscard]] std::span<std::uint8_t> bytes() const { return {begin_, end_}; }

  private:
    std::uint8_t *begin_, *end_;
};

}  // namespace coffer
