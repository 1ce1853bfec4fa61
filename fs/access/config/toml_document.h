// SPDX-License-Identifier: Apache-2.0
//
// A TOML text as a small tree of values with their places in the file, so that every complaint can say
// file:line:column. Configuration and policy are read from it; only toml_document.cc knows the TOML library.
// Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace coffer {

struct TomlPlace {
    std::uint32_t line = 0, column = 0;  // from 1
};

struct TomlMember;

struct TomlValue {
    enum class Kind : std::uint8_t {
        text,
        integer,
        boolean,
        array,
        table,
        other
    };  // other: float, date, time
    Kind kind = Kind::other;
    TomlPlace place;
    std::string text;
    std::int64_t integer = 0;
    bool boolean = false;
    std::vector<TomlValue> items;     // of an array
    std::vector<TomlMember> members;  // of a table, in the order of the file
};

struct TomlMember {
    std::string key;
    TomlPlace place;  // of the key
    TomlValue value;
};

// A text of at most 1 MiB; `file` is for messages. The library refuses keys given twice.
[[nodiscard]] Result<TomlValue> parse_toml(std::string_view text, std::string_view file);

// "a string", "an integer" ... as found, for messages.
[[nodiscard]] std::string_view to_text(TomlValue::Kind kind);

// Code::invalid with "file:line:column: " in front.
template <class... Parts>
[[nodiscard]] Failure fail_at(std::string_view file, TomlPlace place, const Parts&... parts) {
    return fail(Code::invalid, file, ":", place.line, ":", place.column, ": ", parts...);
}

// `text` as a basic string of TOML, quotes included.
[[nodiscard]] std::string quote_toml(std::string_view text);

}  // namespace coffer
