// SPDX-License-Identifier: Apache-2.0
#include "formats/pass.h"

#include <algorithm>

namespace coffer {

Result<void> take_as_pass(Entries& entries) {
    std::size_t longer = 0;
    for (Entry& entry : entries.list) {
        if (entry.name.ends_with(".gpg") || entry.name.ends_with(".age"))
            return fail(Code::invalid, entry.name,
                        " is encrypted; write the tree in plain files first, each by "
                        "`pass show NAME`");
        if (!entry.value.empty() && entry.value.back() == '\n')
            entry.value = entry.value.first(entry.value.size() - 1);
        if (std::find(entry.value.begin(), entry.value.end(), std::uint8_t{'\n'}) != entry.value.end())
            ++longer;
    }
    if (longer > 0)
        entries.warnings.push_back(concat(longer, longer == 1 ? " entry has" : " entries have",
                                          " several lines; all of them are the value, not the first alone"));
    return {};
}

}  // namespace coffer
