// SPDX-License-Identifier: Apache-2.0
//
// Output: what a command says. Text goes to stdout as lines and tables, or, under --json, exactly one JSON
// document; notes and warnings go to stderr in either case. Everything is written at finish(), so that a
// command that fails half way prints nothing but its error, and a full disk or a closed pipe is an error; a
// command that has no end calls it for each line.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace coffer {

using Json = nlohmann::ordered_json;

// "1 secret", "2 secrets".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

class Output {
  public:
    explicit Output(bool json) : json_(json) {}
    [[nodiscard]] bool json() const { return json_; }

    // Text mode; ignored under --json.
    template <class... Parts>
    void line(const Parts&... parts) {
        if (!json_) text_ += concat(parts..., '\n');
    }
    // Columns as wide as their widest cell; the first row is the heading.
    void table(const std::vector<std::vector<std::string>>& rows);
    // "name        value" lines.
    void fields(std::initializer_list<std::pair<std::string_view, std::string>> fields);
    // JSON mode; ignored in text mode.
    void document(const Json& document);
    // JSON Lines, for a command without an end: one document a line.
    void document_line(const Json& document);

    // Secret bytes, straight to stdout and never buffered here; after finish().
    [[nodiscard]] static Result<void> raw(ByteView bytes);

    // stderr: "coffer: ...", always one line. None ends the command. On a terminal a warning is yellow and an
    // error red, unless NO_COLOR is set (no-color.org) or the terminal is dumb; nothing else has a colour.
    template <class... Parts>
    void note(const Parts&... parts) {
        to_stderr(concat("coffer: ", parts...), {});
    }
    template <class... Parts>
    void warning(const Parts&... parts) {
        to_stderr(concat("coffer: warning: ", parts...), kYellow);
    }
    template <class... Parts>
    void error(const Parts&... parts) {
        to_stderr(concat("coffer: ", parts...), kRed);
    }

    [[nodiscard]] Result<void> finish();

  private:
    static constexpr std::string_view kRed = "\x1b[31m", kYellow = "\x1b[33m";
    static void to_stderr(std::string text, std::string_view colour);
    bool json_;
    std::string text_;
};

}  // namespace coffer
