// SPDX-License-Identifier: Apache-2.0
#include "access/policy/on_change.h"

#include <algorithm>

#include "access/attest/unit_name.h"
#include "access/config/toml_fields.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr std::string_view kService = ".service";

}  // namespace

Result<void> check_service_name(std::string_view text) {
    if (!text.ends_with(kService) || text.size() == kService.size())
        return fail(Code::invalid, "expected a service by its whole name as in \"nginx.service\", found \"",
                    printable(text), '"');
    if (text.size() > kMaxUnitName)
        return fail(Code::invalid, "the name of a unit has at most ", kMaxUnitName, " bytes, found ",
                    text.size());
    if (text.front() == '-' || !has_unit_characters(text))
        return fail(
            Code::invalid, '"', printable(text),
            "\" is no name of a unit: expected [A-Za-z0-9:_.\\@-] without patterns, and no dash first");
    if (text.ends_with("@.service") || text.starts_with('@'))
        return fail(Code::invalid, '"', text,
                    "\" is a template, which never runs; write an instance as in \"app@1.service\"");
    return {};
}

Result<OnChange> read_on_change(const TomlValue& value, std::string_view file) {
    if (value.kind != TomlValue::Kind::table)
        return fail_at(file, value.place, "on_change: expected a table as in { reload = \"nginx.service\" }",
                       ", found ", to_text(value.kind));
    TomlFields fields(value, file, "on_change");
    OnChange out;
    auto items = fields.items("reload", true, false);
    if (!items) fields.error(fields.place(), "on_change has no reload, which it needs");
    for (const auto& item : items.value_or(std::vector<TomlFields::Item>())) {
        if (auto good = check_service_name(item.text); !good)
            fields.error(item.place, "reload: ", good.error().message);
        if (std::ranges::find(out.reload, item.text) != out.reload.end())
            fields.error(item.place, "reload names \"", printable(item.text), "\" twice");
        out.reload.push_back(item.text);
    }
    COFFER_CHECK(fields.finish());
    return out;
}

}  // namespace coffer
