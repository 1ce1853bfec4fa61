// SPDX-License-Identifier: Apache-2.0
#include "access/template/template_filter.h"

#include "base/utf8.h"
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
