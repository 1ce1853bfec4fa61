// SPDX-License-Identifier: Apache-2.0
//
// Entry: one secret as a file of secrets writes it. The parsers of tools/formats are pure: they decode values
// where they stand in the text that they are given, for a decoded value is never longer than its spelling,
// and so no value leaves the locked memory that it was read into. An error begins with "line N: ". No message
// quotes a value, nor a line that is not understood, for that may be a piece of one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace coffer {

struct Entry {
    std::string name;      // not checked: a KEY, or a path relative to the folder that was read
    ByteView value;        // within the text
    std::size_t line = 0;  // from 1; 0 where there are no lines
};

struct Entries {
    std::vector<Entry> list;            // in the order of the text, a name perhaps twice
    std::vector<std::string> warnings;  // of what was left out or may be meant otherwise
};

template <class... Parts>
[[nodiscard]] Failure fail_at(std::size_t line, const Parts&... parts) {
    return fail(Code::invalid, "line ", line, ": ", parts...);
}

}  // namespace coffer
