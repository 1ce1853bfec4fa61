// SPDX-License-Identifier: Apache-2.0
#include "input/number_option.h"

#include <charconv>

#include "names/name.h"

namespace coffer {

void NumberOption::add_to(OptionSet& options, const std::string& name, const std::string& description) {
    name_ = name.substr(name.find(',') + 1);
    options.add(name, text_, description).type_name("N");
}

Result<std::optional<std::uint64_t>> NumberOption::value() const {
    if (!text_) return std::optional<std::uint64_t>();
    COFFER_TRY(auto number, parse_number(name_, *text_));
    return std::optional(number);
}

Result<std::uint64_t> parse_number(std::string_view what, std::string_view text) {
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || concat(value) != text)
        return fail(Code::invalid, "expected ", what, " as a number, found \"", printable(text), '"');
    return value;
}

}  // namespace coffer
