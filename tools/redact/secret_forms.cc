// SPDX-License-Identifier: Apache-2.0
#include "redact/secret_forms.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace coffer {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHexLower = "0123456789abcdef", kHexUpper = "0123456789ABCDEF";
// Bytes of a line of 64 or 76 characters: RFC 7468 (PEM) and RFC 2045, which base64(1) follows.
constexpr std::size_t kWrapped[] = {48, 57};

bool is_alphanumeric(std::uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}
bool is_blank(std::uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}
ByteView without_blanks_at_end(ByteView text) {
    while (!text.empty() && is_blank(text.back())) text = text.first(text.size() - 1);
    return text;
}
ByteView without_blanks(ByteView text) {
    while (!text.empty() && is_blank(text.front())) text = text.subspan(1);
    return without_blanks_at_end(text);
}

// Who escapes how in a URL: which bytes beside letters and digits stay, and what becomes of a blank.
struct UrlStyle {
    std::string_view kept;
    bool plus_for_blank = false;
};
constexpr UrlStyle kUrlStyles[] = {
    {"-._~"},           // RFC 3986; curl, Go
    {"-._~/"},          // Python's quote()
    {"-._~!*'()"},      // JavaScript's encodeURIComponent()
    {"-._*", true},     // an HTML form; Java
    {"-._~", true},     // Python's quote_plus(), Go's QueryEscape()
    {"-._!*()", true},  // .NET
};

struct JsonStyle {
    bool ascii = false;  // Python: everything beyond ASCII as \uXXXX
    bool html = false;   // Go: < > & as \uXXXX
    bool slash = false;  // PHP: \/
};
constexpr JsonStyle kJsonStyles[] = {
    {}, {true, false, false}, {false, true, false}, {false, false, true}, {true, false, true}};

// The code point at the front and its length; length 0 where it is no UTF-8.
struct CodePoint {
    std::uint32_t value = 0;
    std::size_t size = 0;
};
CodePoint first_code_point(ByteView text) {
    const std::uint8_t lead = text[0];
    const std::size_t size = lead < 0x80       ? 1
                             : lead >> 5 == 6  ? 2
                             : lead >> 4 == 14 ? 3
                             : lead >> 3 == 30 ? 4
                                               : 0;
    if (size == 0 || size > text.size()) return {};
    std::uint32_t value = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if (text[i] >> 6 != 2) return {};
        value = value << 6 | (text[i] & 0x3fu);
    }
    return {value, size};
}

}  // namespace

// Writes one form after the other to the end of the collection.
class FormWriter {
  public:
    explicit FormWriter(SecretForms& forms) : forms_(forms) {}

    void plain(ByteView text) {
        for (std::uint8_t byte : text) put(byte);
        finish();
    }
    // As a terminal shows it: with CR LF where there was LF.
    void shown(ByteView text) {
        for (std::uint8_t byte : text) {
            if (byte == '\n') put('\r');
            put(byte);
        }
        finish();
    }
    void lines(ByteView text) {
        while (!text.empty()) {
            const auto end = std::find(text.begin(), text.end(), std::uint8_t{'\n'});
            plain(without_blanks(text.first(static_cast<std::size_t>(end - text.begin()))));
            if (end == text.end()) break;
            text = text.subspan(static_cast<std::size_t>(end - text.begin()) + 1);
        }
    }
    // The characters that `text` alone determines when `before` bytes (0 to 2) of something else stand in
    // front and anything behind; `whole`: up to its end, where nothing stands behind.
    void base64(ByteView text, std::string_view alphabet, std::size_t before, bool whole) {
        const std::size_t bits = 8 * (before + text.size());
        const std::size_t first = (8 * before + 5) / 6, last = whole ? (bits + 5) / 6 : bits / 6;
        for (std::size_t i = first; i < last; ++i) {
            unsigned value = 0;
            for (std::size_t bit = 6 * i; bit < 6 * i + 6; ++bit) {
                const std::size_t at = bit / 8 - before;
                value = value << 1 | (at < text.size() ? text[at] >> (7 - bit % 8) & 1u : 0u);
            }
            put(static_cast<std::uint8_t>(alphabet[value]));
        }
        finish();
    }
    void base64_wrapped(ByteView text, std::string_view alphabet, std::size_t bytes_of_line) {
        while (text.size() > bytes_of_line) {
            base64(text.first(bytes_of_line), alphabet, 0, false);
            text = text.subspan(bytes_of_line);
        }
        base64(text, alphabet, 0, false);
    }
    void hex(ByteView text, std::string_view digits) {
        for (std::uint8_t byte : text) put_hex(byte, digits);
        finish();
    }
    void url(ByteView text, const UrlStyle& style, std::string_view digits) {
        for (std::uint8_t byte : text) {
            if (is_alphanumeric(byte) || style.kept.find(static_cast<char>(byte)) != style.kept.npos) {
                put(byte);
            } else if (byte == ' ' && style.plus_for_blank) {
                put('+');
            } else {
                put('%');
                put_hex(byte, digits);
            }
        }
        finish();
    }
    void json(ByteView text, const JsonStyle& style) {
        while (!text.empty()) {
            const auto [value, size] = first_code_point(text);
            json_character(text, value, size, style);
            text = text.subspan(std::max<std::size_t>(size, 1));
        }
        finish();
    }

  private:
    void json_character(ByteView text, std::uint32_t value, std::size_t size, const JsonStyle& style) {
        constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
        const std::uint8_t byte = text[0];
        if (size == 1) {
            if (std::size_t at = kEscaped.find(static_cast<char>(byte)); at != kEscaped.npos) {
                put('\\');
                put(static_cast<std::uint8_t>(kLetters[at]));
            } else if (byte == '/' && style.slash) {
                put('\\');
                put(byte);
            } else if (byte < 0x20 || (style.html && (byte == '<' || byte == '>' || byte == '&'))) {
                put_unicode(value);
            } else {
                put(byte);
            }
        } else if (size > 1 && style.ascii) {
            if (value >= 0x10000) put_unicode(0xd800 + ((value - 0x10000) >> 10));
            put_unicode(value >= 0x10000 ? 0xdc00 + ((value - 0x10000) & 0x3ff) : value);
        } else {
            for (std::size_t i = 0; i < std::max<std::size_t>(size, 1); ++i) put(text[i]);
        }
    }
    void put_unicode(std::uint32_t unit) {
        put('\\');
        put('u');
        put_hex(static_cast<std::uint8_t>(unit >> 8), kHexLower);
        put_hex(static_cast<std::uint8_t>(unit), kHexLower);
    }
    void put(std::uint8_t byte) { forms_.bytes_.push_back(byte); }
    void put_hex(std::uint8_t byte, std::string_view digits) {
        put(static_cast<std::uint8_t>(digits[byte >> 4]));
        put(static_cast<std::uint8_t>(digits[byte & 15]));
    }
    void finish() {
        const std::size_t start = forms_.ends_.empty() ? 0 : forms_.ends_.back();
        if (forms_.bytes_.size() - start < kShortestForm)
            forms_.bytes_.resize(start);
        else
            forms_.ends_.push_back(forms_.bytes_.size());
    }
    SecretForms& forms_;
};

bool SecretForms::add(ByteView value) {
    // Programs strip the line end that many values have, and encode what is left.
    const ByteView text = without_blanks_at_end(value);
    if (text.size() < kShortestForm) return value.empty();
    FormWriter write(*this);
    write.plain(value);
    write.plain(text);
    write.shown(text);
    write.lines(text);
    for (std::string_view alphabet : {kBase64, kBase64Url}) {
        for (std::size_t before : {0u, 1u, 2u}) write.base64(text, alphabet, before, false);
        write.base64(text, alphabet, 0, true);
        if (value.size() > text.size()) write.base64(value, alphabet, 0, true);
        for (std::size_t bytes : kWrapped) {
            if (text.size() > bytes) write.base64_wrapped(text, alphabet, bytes);
        }
    }
    if (text.size() > kAllFormsLimit) return true;
    for (std::string_view digits : {kHexLower, kHexUpper}) {
        write.hex(text, digits);
        for (const UrlStyle& style : kUrlStyles) write.url(text, style, digits);
    }
    for (const JsonStyle& style : kJsonStyles) write.json(text, style);
    return true;
}

std::vector<ByteView> SecretForms::all() const {
    std::vector<ByteView> out;
    std::size_t start = 0;
    for (std::size_t end : ends_) {
        out.push_back(ByteView(bytes_).subspan(start, end - start));
        start = end;
    }
    return out;
}

}  // namespace coffer
