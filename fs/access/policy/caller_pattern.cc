// SPDX-License-Identifier: Apache-2.0
#include "access/policy/caller_pattern.h"

#include <algorithm>

#include "names/name.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxCaptures = 4;

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// "a\x2db" is "a-b"; what is no such escape stays as it is.
std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i + 3 < text.size() && text[i] == '\\' && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
            hex_digit(text[i + 3]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3]));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

// False when this name has another value already.
bool bind(Captures& captures, const std::string& name, std::string value) {
    auto place = std::ranges::lower_bound(captures, name, {}, &Captures::value_type::first);
    if (place != captures.end() && place->first == name) return place->second == value;
    captures.emplace(place, name, std::move(value));
    return true;
}

}  // namespace

Result<std::vector<std::string>> capture_names(std::string_view text) {
    std::vector<std::string> names;
    auto wrong = [&](std::string_view problem) {
        return fail(Code::invalid, '"', printable(text), "\": ", problem,
                    "; a capture is written {name}, of lower-case letters, digits and _");
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '}') return wrong("a } without its {");
        if (text[i] != '{') continue;
        std::size_t end = text.find('}', i);
        if (end == text.npos) return wrong("a { without its }");
        std::string_view name = text.substr(i + 1, end - i - 1);
        if (name.empty() || !std::ranges::all_of(name, is_name_character))
            return wrong("a capture without a good name");
        names.emplace_back(name);
        i = end;
    }
    if (names.size() > kMaxCaptures)
        return fail(Code::invalid, '"', printable(text), "\" has more than ", kMaxCaptures, " captures");
    return names;
}

std::string substitute(std::string_view text, const Captures* captures) {
    std::string out;
    while (!text.empty()) {
        std::size_t open = text.find('{');
        out += text.substr(0, open);
        if (open == text.npos) break;
        std::size_t close = text.find('}', open);
        std::string_view name = text.substr(open + 1, close - open - 1);
        if (!captures) {
            out += '*';
        } else {
            auto found = std::ranges::find(*captures, name, &Captures::value_type::first);
            if (found != captures->end()) out += found->second;
        }
        text.remove_prefix(close + 1);
    }
    return out;
}

Result<CallerPattern> CallerPattern::compile(std::string_view text, Of of) {
    COFFER_TRY(auto names, capture_names(text));
    if (names.empty()) {
        COFFER_TRY(auto glob, Glob::compile(text));
        return CallerPattern(std::string(text), std::move(glob), of);
    }
    if (text.find('*') != text.npos)
        return fail(Code::invalid, '"', printable(text),
                    "\" has a star beside a capture, which could match in several ways; use more captures or "
                    "more rules");
    CallerPattern pattern(std::string(text), Glob::any(), of);
    while (!text.empty()) {
        std::size_t open = text.find('{');
        Part part{std::string(text.substr(0, open)), {}};
        std::size_t next = text.size();
        if (open != text.npos) {
            std::size_t close = text.find('}', open);
            part.capture = text.substr(open + 1, close - open - 1);
            next = close + 1;
        }
        if (part.literal.empty() && !pattern.parts_.empty())
            return fail(Code::invalid, '"', printable(text),
                        "\": two captures side by side; put something between them");
        pattern.parts_.push_back(std::move(part));
        text.remove_prefix(next);
    }
    return pattern;
}

std::optional<Captures> CallerPattern::match(std::string_view text) const {
    if (parts_.empty()) return glob_.matches(text) ? std::optional(Captures{}) : std::nullopt;
    Captures captures;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (!text.starts_with(parts_[i].literal)) return std::nullopt;
        text.remove_prefix(parts_[i].literal.size());
        if (parts_[i].capture.empty()) break;
        std::string ends = of_ == Of::slice ? "/-" : "/";
        if (i + 1 < parts_.size()) ends += parts_[i + 1].literal.front();
        std::string_view value = text.substr(0, text.find_first_of(ends));
        text.remove_prefix(value.size());
        std::string name = unescape(value);
        // Whatever else it is, it becomes a part of a secret's path.
        if (!check_segment("", name) || !bind(captures, parts_[i].capture, std::move(name)))
            return std::nullopt;
    }
    return text.empty() ? std::optional(std::move(captures)) : std::nullopt;
}

}  // namespace coffer
