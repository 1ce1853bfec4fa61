// SPDX-License-Identifier: Apache-2.0
//
// OptionSet: what a verb takes on the command line. In front of CLI11, whose header costs a compiler several
// seconds for each file that includes it, and a verb needs but this much of it. What is found is written into
// the variables that were named here, which must stay where they are until the command line is parsed.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace coffer {

// One of them. A handle: copies are the same option.
class Option {
  public:
    explicit Option(CLI::Option* option) : option_(option) {}
    Option required() const;
    Option type_name(const std::string& name) const;  // of its value in the help: "FILE"
    Option excludes(const Option& other) const;
    Option needs(const Option& other) const;
    Option delimiter(char character) const;  // between the values of a list
    Option shows_default() const;            // what the variable holds now is said in the help
    Option value_may_be_missing() const;
    [[nodiscard]] bool given() const;  // once the command line is parsed

  private:
    CLI::Option* option_;
};

class OptionSet {
  public:
    // Both must outlive this.
    explicit OptionSet(CLI::App& app) : app_(app) {}
    // `name`: "--long", "-s,--long", or "WORD" for a place without a name.
    Option add(const std::string& name, std::string& value, const std::string& help) const;
    Option add(const std::string& name, std::optional<std::string>& value, const std::string& help) const;
    Option add(const std::string& name, std::vector<std::string>& values, const std::string& help) const;
    Option add_flag(const std::string& name, bool& value, const std::string& help) const;

  private:
    CLI::App& app_;
};

}  // namespace coffer
