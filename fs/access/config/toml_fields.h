// SPDX-License-Identifier: Apache-2.0
//
// TomlFields: takes the keys of one TOML table one by one, strictly. The first error (a wrong type, a value
// out of range, a key that nobody asked for) is kept and every later answer is empty, so that a record is
// read in a row and finish() asked once.
#pragma once

#include <optional>
#include <set>

#include "access/config/toml_document.h"

namespace coffer {

class TomlFields {
  public:
    // `table` must outlive this. `what` names the table in messages: "rule", "policy".
    TomlFields(const TomlValue& table, std::string_view file, std::string_view what)
        : table_(table), file_(file), what_(what) {}

    [[nodiscard]] const TomlMember* find(std::string_view key);
    [[nodiscard]] std::optional<std::string> text(std::string_view key);
    [[nodiscard]] std::string required_text(std::string_view key);
    [[nodiscard]] std::optional<bool> boolean(std::string_view key);
    // A value or an array of values, each a string or, with `integers`, an integer.
    struct Item {
        TomlPlace place;
        bool is_text = false;
        std::string text;
        std::int64_t number = 0;
    };
    [[nodiscard]] std::optional<std::vector<Item>> items(std::string_view key, bool strings, bool integers);

    // Where a key's value stands, for errors about what it says; the table's place when it is not there.
    [[nodiscard]] TomlPlace place(std::string_view key) const;
    [[nodiscard]] TomlPlace place() const { return table_.place; }
    template <class... Parts>
    void error(TomlPlace at, const Parts&... parts) {
        if (!error_) error_ = fail_at(file_, at, parts...).value();
    }
    // Of a table within this one, which says its place itself.
    void keep(Error error) {
        if (!error_) error_ = std::move(error);
    }
    // The first error, an unknown key among them.
    [[nodiscard]] Result<void> finish();

  private:
    const TomlValue& table_;
    const std::string_view file_, what_;
    std::set<std::string, std::less<>> asked_;
    std::optional<Error> error_;
};

}  // namespace coffer
