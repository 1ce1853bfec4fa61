// SPDX-License-Identifier: Apache-2.0
//
// The library is used header-only and without exceptions: one object file, no shared library to load, and
// an error is a value.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0

#include "access/toml_document.h"

#include <toml++/toml.h>
#include <algorithm>
#include <optional>

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

// Follows strings and comments as far as it takes to know where they end.
class StrayByteSearch {
  public:
    explicit StrayByteSearch(std::string_view text) : text_(text) {}
    // The place of the first byte beyond ASCII that stands in neither.
    std::optional<TomlPlace> run() {
        for (; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\n') {
                ++line_;
                line_start_ = at_ + 1;
            }
            if (!take(text_[at_])) return TomlPlace{line_, static_cast<std::uint32_t>(at_ - line_start_ + 1)};
        }
        return std::nullopt;
    }

  private:
    enum class In : std::uint8_t { plain, comment, string };

    bool take(char c) {
        if (in_ == In::comment) {
            if (c == '\n') in_ = In::plain;
        } else if (in_ == In::string) {
            take_in_string(c);
        } else if (c == '#') {
            in_ = In::comment;
        } else if (c == '"' || c == '\'') {
            quote_ = c;
            in_ = In::string;
            triple_ = is_triple();
            if (triple_) at_ += 2;
        } else {
            return static_cast<unsigned char>(c) < 0x80;
        }
        return true;
    }
    void take_in_string(char c) {
        if (c == '\\' && quote_ == '"') {
            if (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
        } else if (!triple_ && (c == quote_ || c == '\n')) {
            in_ = In::plain;
        } else if (triple_ && is_triple()) {
            in_ = In::plain;
            at_ += 2;
            // The last of up to five quotes end it; those before are its own.
            for (int more = 0; more < 2 && at_ + 1 < text_.size() && text_[at_ + 1] == quote_; ++more) ++at_;
        }
    }
    [[nodiscard]] bool is_triple() const { return text_.substr(at_, 3) == std::string(3, quote_); }

    std::string_view text_;
    std::size_t at_ = 0, line_start_ = 0;
    std::uint32_t line_ = 1;
    In in_ = In::plain;
    char quote_ = '"';
    bool triple_ = false;
};

}  // namespace

Result<TomlValue> parse_toml(std::string_view text, std::string_view file) {
    if (text.size() > kMaxText)
        return fail(Code::invalid, file, ": has ", text.size(), " bytes; at most ", kMaxText, " are allowed");
    // TOML has none, and toml++ 3.3 runs into undefined behaviour on some (its __builtin_unreachable).
    if (auto place = StrayByteSearch(text).run())
        return fail_at(file, *place,
                       "not valid TOML: a character beyond ASCII outside of strings and comments");
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
