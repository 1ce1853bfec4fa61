// SPDX-License-Identifier: Apache-2.0
#include "formats/json.h"

#include <algorithm>

#include "base/utf8.h"
#include "formats/text_cursor.h"
#include "keys/base64.h"
#include "names/name.h"

namespace coffer {
namespace {

// ---- reading

class JsonParser {
  public:
    explicit JsonParser(TextCursor at) : at_(at) {}

    Result<Entries> parse() {
        COFFER_CHECK(expect('{', "one object, {\"KEY\": \"value\"}"));
        if (!next_is('}')) {
            do {
                COFFER_CHECK(member());
            } while (next_is(','));
            COFFER_CHECK(expect('}', "a comma or the end of the object"));
        }
        skip_space();
        if (!at_.at_end()) return fail_at(at_.line(), "text behind the end of the object");
        return std::move(entries_);
    }

  private:
    Result<void> member() {
        skip_space();
        Entry entry;
        entry.line = at_.line();
        COFFER_TRY(auto name, string("a KEY in double quotes"));
        entry.name = as_text(name);
        COFFER_CHECK(expect(':', "a colon"));
        skip_space();
        if (at_.peek() == '"') {
            COFFER_TRY(entry.value, string("a string"));
        } else if (next_is('{')) {
            COFFER_TRY(entry.value, encoded());
        } else {
            return fail_at(at_.line(), "the value of \"", printable(entry.name),
                           "\" is no string; put it into double quotes");
        }
        entries_.list.push_back(std::move(entry));
        return {};
    }

    // {"base64": "..."}; the brace was taken.
    Result<ByteView> encoded() {
        constexpr std::string_view kWanted = "a string, or {\"base64\": \"...\"}";
        skip_space();
        COFFER_TRY(auto name, string(kWanted));
        if (as_text(name) != "base64") return fail_at(at_.line(), "expected ", kWanted);
        COFFER_CHECK(expect(':', "a colon"));
        skip_space();
        COFFER_TRY(auto text, string("base64 in double quotes"));
        auto bytes = decode_base64(text);
        if (!bytes) return fail_at(at_.line(), "what stands under \"base64\" is no base64");
        COFFER_CHECK(expect('}', "the end of {\"base64\": \"...\"}"));
        return *bytes;
    }

    Result<std::span<std::uint8_t>> string(std::string_view wanted) {
        const std::size_t line = at_.line();
        if (at_.peek() != '"') return fail_at(line, "expected ", wanted);
        (void)at_.take();
        DecodedValue value(at_.here());
        while (at_.peek() != '"') {
            if (at_.at_end()) return fail_at(line, "the string that begins here has no closing quote");
            const char c = at_.take();
            if (static_cast<unsigned char>(c) < 0x20)
                return fail_at(line, "a control character in a string; JSON writes it \\n, \\t or \\u00XX");
            if (c == '\\') {
                COFFER_CHECK(escaped(value));
            } else {
                value.put(c);
            }
        }
        (void)at_.take();
        return value.bytes();
    }

    Result<void> escaped(DecodedValue& value) {
        constexpr std::string_view kSpelt = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
        if (at_.take_word("u")) return code_point(value);
        const std::size_t which = at_.at_end() ? kSpelt.npos : kSpelt.find(at_.peek());
        if (which == kSpelt.npos) return fail_at(at_.line(), "a backslash that JSON gives no meaning");
        (void)at_.take();
        value.put(kMeant[which]);
        return {};
    }

    // Behind \u. At most three bytes for the six that were read, four for twelve.
    Result<void> code_point(DecodedValue& value) {
        COFFER_TRY(unsigned code, four_digits());
        if (code >= 0xd800 && code < 0xe000) {
            if (code >= 0xdc00 || !at_.take_word("\\u")) return half();
            COFFER_TRY(unsigned low, four_digits());
            if (low < 0xdc00 || low >= 0xe000) return half();
            code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
        }
        const auto put = [&value](unsigned byte) { value.put(static_cast<char>(byte)); };
        if (code < 0x80) {
            put(code);
            return {};
        }
        if (code < 0x800) {
            put(0xc0 | code >> 6);
        } else if (code < 0x10000) {
            put(0xe0 | code >> 12);
            put(0x80 | (code >> 6 & 63));
        } else {
            put(0xf0 | code >> 18);
            put(0x80 | (code >> 12 & 63));
            put(0x80 | (code >> 6 & 63));
        }
        put(0x80 | (code & 63));
        return {};
    }

    [[nodiscard]] Failure half() const { return fail_at(at_.line(), "half of a surrogate pair"); }

    Result<unsigned> four_digits() {
        unsigned code = 0;
        for (int i = 0; i < 4; ++i) {
            const char c = at_.peek();
            const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                                   : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                                   : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                                          : 16;
            if (digit == 16) return fail_at(at_.line(), "expected four hexadecimal digits behind \\u");
            (void)at_.take();
            code = code << 4 | digit;
        }
        return code;
    }

    void skip_space() {
        while (!at_.at_end() && std::string_view(" \t\r\n").find(at_.peek()) != std::string_view::npos)
            (void)at_.take();
    }

    bool next_is(char c) {
        skip_space();
        return at_.take_word(std::string_view(&c, 1));
    }

    Result<void> expect(char c, std::string_view wanted) {
        if (next_is(c)) return {};
        return fail_at(at_.line(), "expected ", wanted);
    }

    TextCursor at_;
    Entries entries_;
};

// ---- writing

void put_string(SecretChunks& out, ByteView text) {
    out.put("\"");
    while (!text.empty()) {
        const auto special = std::find_if(text.begin(), text.end(),
                                          [](std::uint8_t c) { return c < 0x20 || c == '"' || c == '\\'; });
        out.put(text.first(static_cast<std::size_t>(special - text.begin())));
        text = text.subspan(static_cast<std::size_t>(special - text.begin()));
        if (text.empty()) break;
        const std::uint8_t c = text[0];
        if (c >= 0x20) {
            out.put("\\");
            out.put(text.first(1));
        } else if (c == '\n') {
            out.put("\\n");
        } else {
            constexpr std::string_view kDigits = "0123456789abcdef";
            out.put("\\u00");
            out.put(kDigits.substr(c >> 4, 1));
            out.put(kDigits.substr(c & 15, 1));
        }
        text = text.subspan(1);
    }
    out.put("\"");
}

}  // namespace

Result<Entries> parse_json(std::span<std::uint8_t> text) {
    COFFER_TRY(auto cursor, TextCursor::open(text));
    return JsonParser(cursor).parse();
}

Result<void> JsonWriter::add(std::string_view key, ByteView value) {
    out_.put(first_ ? "\n  " : ",\n  ");
    first_ = false;
    put_string(out_, as_bytes(key));
    out_.put(": ");
    if (is_utf8(value)) {
        put_string(out_, value);
    } else {
        COFFER_TRY(auto text, base64(value));
        out_.put("{\"base64\": \"");
        out_.put(text.view());
        out_.put("\"}");
    }
    return out_.check();
}

Result<void> JsonWriter::finish() {
    out_.put(first_ ? "}\n" : "\n}\n");
    return out_.check();
}

}  // namespace coffer
