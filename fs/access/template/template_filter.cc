// SPDX-License-Identifier: Apache-2.0
#include "access/template/template_filter.h"

#include "keys/base64.h"

namespace coffer {
namespace {

Failure too_long() {
    return fail(Code::limit, "it comes to more than ", kMaxRendered, " bytes, which is the limit");
}

// Each way of writing is given the value and a `put` for each byte that it writes. It is run twice: to learn
// the size, and into locked memory of that size.
template <class Write>
Result<SecretBuffer> written_twice(const Write& write) {
    std::size_t size = 0;
    write([&](std::uint8_t) { ++size; });
    if (size > kMaxRendered) return too_long();
    COFFER_TRY(auto out, SecretBuffer::allocate(size));
    auto place = out.writable().begin();
    write([&](std::uint8_t byte) { *place++ = byte; });
    return out;
}

std::uint8_t hex_digit(unsigned value, char ten) {
    return static_cast<std::uint8_t>(value < 10 ? '0' + value : static_cast<unsigned>(ten) + value - 10);
}

template <class Put>
void put_text(std::string_view text, const Put& put) {
    for (char c : text) put(static_cast<std::uint8_t>(c));
}

template <class Put>
void write_json(ByteView value, const Put& put) {
    put_text("\"", put);
    for (std::uint8_t byte : value) {
        if (byte == '"' || byte == '\\') {
            put_text("\\", put);
            put(byte);
        } else if (byte >= 0x20) {
            put(byte);
        } else if (byte == '\n' || byte == '\r' || byte == '\t') {
            put_text(byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : "\\t", put);
        } else {
            put_text("\\u00", put);
            put(hex_digit(byte >> 4u, 'a'));
            put(hex_digit(byte & 15u, 'a'));
        }
    }
    put_text("\"", put);
}

template <class Put>
void write_url(ByteView value, const Put& put) {
    for (std::uint8_t byte : value) {
        const bool plain = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                           byte == '~';
        if (plain) {
            put(byte);
            continue;
        }
        put_text("%", put);
        put(hex_digit(byte >> 4u, 'A'));
        put(hex_digit(byte & 15u, 'A'));
    }
}

template <class Put>
void write_shell_word(ByteView value, const Put& put) {
    put_text("'", put);
    for (std::uint8_t byte : value) {
        if (byte == '\'')
            put_text("'\\''", put);
        else
            put(byte);
    }
    put_text("'", put);
}

// How many bytes the character has that begins here; 0: this is no UTF-8 (RFC 3629).
std::size_t utf8_length(ByteView text) {
    const std::uint8_t first = text[0];
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((text[i] & 0xc0u) != 0x80) return 0;
    const std::uint8_t second = text[1];
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || beyond ? 0 : length;
}

bool is_utf8(ByteView text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text = text.subspan(length);
    }
    return true;
}

bool has_nul(ByteView value) {
    return as_text(value).find('\0') != std::string_view::npos;
}

}  // namespace

std::optional<TemplateFilter> template_filter(std::string_view name) {
    if (name == "base64encode") return TemplateFilter::base64encode;
    if (name == "json") return TemplateFilter::json;
    if (name == "urlencode") return TemplateFilter::urlencode;
    if (name == "shellquote") return TemplateFilter::shellquote;
    return std::nullopt;
}

std::string_view template_filter_names() {
    return "base64encode, json, urlencode, shellquote";
}

Result<SecretBuffer> apply_filter(TemplateFilter filter, ByteView value) {
    switch (filter) {
        case TemplateFilter::base64encode:
            if (value.size() > kMaxRendered / 4 * 3) return too_long();
            return base64(value);
        case TemplateFilter::json:
            if (!is_utf8(value))
                return fail(Code::invalid,
                            "json: the value is not UTF-8, and a JSON string holds nothing else; "
                            "use base64encode");
            return written_twice([&](auto put) { write_json(value, put); });
        case TemplateFilter::urlencode:
            return written_twice([&](auto put) { write_url(value, put); });
        case TemplateFilter::shellquote:
            if (has_nul(value))
                return fail(Code::invalid,
                            "shellquote: the value has a NUL, which no word of a shell holds; "
                            "use base64encode");
            return written_twice([&](auto put) { write_shell_word(value, put); });
    }
    return fail(Code::failed, "no such filter");
}

}  // namespace coffer
