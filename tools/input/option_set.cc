// SPDX-License-Identifier: Apache-2.0
#include "input/option_set.h"

#include <CLI/CLI.hpp>

namespace coffer {

Option Option::required() const {
    option_->required();
    return *this;
}

Option Option::type_name(const std::string& name) const {
    option_->type_name(name);
    return *this;
}

Option Option::excludes(const Option& other) const {
    option_->excludes(other.option_);
    return *this;
}

Option Option::needs(const Option& other) const {
    option_->needs(other.option_);
    return *this;
}

Option Option::delimiter(char character) const {
    option_->delimiter(character);
    return *this;
}

Option Option::shows_default() const {
    option_->capture_default_str();
    return *this;
}

Option Option::value_may_be_missing() const {
    option_->expected(0, 1);
    return *this;
}

bool Option::given() const {
    return option_->count() > 0;
}

Option OptionSet::add(const std::string& name, std::string& value, const std::string& help) const {
    return Option(app_.add_option(name, value, help));
}

Option OptionSet::add(const std::string& name, std::optional<std::string>& value,
                      const std::string& help) const {
    return Option(app_.add_option(name, value, help));
}

Option OptionSet::add(const std::string& name, std::vector<std::string>& values,
                      const std::string& help) const {
    return Option(app_.add_option(name, values, help));
}

Option OptionSet::add_flag(const std::string& name, bool& value, const std::string& help) const {
    return Option(app_.add_flag(name, value, help));
}

}  // namespace coffer
