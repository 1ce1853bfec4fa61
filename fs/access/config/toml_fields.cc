// SPDX-License-Identifier: Apache-2.0
#include "access/config/toml_fields.h"

#include "names/name.h"

namespace coffer {

const TomlMember* TomlFields::find(std::string_view key) {
    asked_.emplace(key);
    for (const TomlMember& member : table_.members) {
        if (member.key == key) return &member;
    }
    return nullptr;
}

TomlPlace TomlFields::place(std::string_view key) const {
    for (const TomlMember& member : table_.members) {
        if (member.key == key) return member.value.place;
    }
    return table_.place;
}

std::optional<std::string> TomlFields::text(std::string_view key) {
    const TomlMember* member = find(key);
    if (!member) return std::nullopt;
    if (member->value.kind == TomlValue::Kind::text) return member->value.text;
    error(member->value.place, key, ": expected a string, found ", to_text(member->value.kind));
    return std::nullopt;
}

std::string TomlFields::required_text(std::string_view key) {
    if (!find(key)) error(table_.place, "the ", what_, " has no ", key, ", which it needs");
    return text(key).value_or("");
}

std::optional<bool> TomlFields::boolean(std::string_view key) {
    const TomlMember* member = find(key);
    if (!member) return std::nullopt;
    if (member->value.kind == TomlValue::Kind::boolean) return member->value.boolean;
    error(member->value.place, key, ": expected true or false, found ", to_text(member->value.kind));
    return std::nullopt;
}

std::optional<std::vector<TomlFields::Item>> TomlFields::items(std::string_view key, bool strings,
                                                               bool integers) {
    const TomlMember* member = find(key);
    if (!member) return std::nullopt;
    std::vector<Item> out;
    auto take = [&](const TomlValue& value) {
        if (strings && value.kind == TomlValue::Kind::text) {
            out.push_back({value.place, true, value.text, 0});
        } else if (integers && value.kind == TomlValue::Kind::integer) {
            out.push_back({value.place, false, {}, value.integer});
        } else {
            error(value.place, key, ": expected ", strings ? "strings" : "",
                  strings && integers ? " or " : "", integers ? "integers" : "", ", found ",
                  to_text(value.kind));
        }
    };
    if (member->value.kind != TomlValue::Kind::array) {
        take(member->value);
        return out;
    }
    for (const TomlValue& value : member->value.items) take(value);
    if (member->value.items.empty())
        error(member->value.place, key, " is empty, which nothing would match; fill it or leave it out");
    return out;
}

Result<void> TomlFields::finish() {
    for (const TomlMember& member : table_.members) {
        if (!asked_.contains(member.key))
            error(member.place, "unknown key \"", printable(member.key), "\" in the ", what_);
    }
    if (error_) return Failure(*std::move(error_));
    return {};
}

}  // namespace coffer
