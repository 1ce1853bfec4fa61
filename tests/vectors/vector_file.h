// SPDX-License-Identifier: Apache-2.0
//
// VectorFile: one test vector, lines of "name: value" in order, a name any number of times. README.md lists
// the names.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coffer::test {

class VectorFile {
  public:
    static VectorFile read(const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        if (!in) throw std::runtime_error("cannot read " + path.string());
        VectorFile file;
        for (std::string line; std::getline(in, line);) {
            auto colon = line.find(": ");
            if (colon == line.npos) throw std::runtime_error(path.string() + ": no \"name: value\": " + line);
            file.add(line.substr(0, colon), line.substr(colon + 2));
        }
        return file;
    }

    void add(std::string name, std::string value) { lines_.emplace_back(std::move(name), std::move(value)); }
    void write(const std::filesystem::path& path) const {
        std::ofstream out(path, std::ios::binary);
        for (const auto& [name, value] : lines_) out << name << ": " << value << '\n';
        if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
    }

    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& lines() const { return lines_; }
    [[nodiscard]] bool has(std::string_view name) const { return !all(name).empty(); }
    [[nodiscard]] std::vector<std::string> all(std::string_view name) const {
        std::vector<std::string> out;
        for (const auto& line : lines_) {
            if (line.first == name) out.push_back(line.second);
        }
        return out;
    }
    // The value of a name that stands there once.
    [[nodiscard]] std::string one(std::string_view name) const {
        auto values = all(name);
        if (values.size() != 1) throw std::runtime_error("expected one line \"" + std::string(name) + "\"");
        return values[0];
    }

  private:
    std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace coffer::test
