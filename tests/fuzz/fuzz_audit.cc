// SPDX-License-Identifier: Apache-2.0
//
// The lines of an audit log, which somebody may have edited. Properties: what is read of a line is written
// back the same way, and only a text whose lines chain is believed, with no more records than it has lines.
#include <algorithm>

#include "access/audit/audit_chain.h"
#include "access/audit/audit_line.h"
#include "keys/secret_buffer.h"
#include "require.h"

using namespace coffer;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::string_view line = text.substr(0, text.find('\n'));
    if (auto link = read_link(line)) {
        require(sealed_line(std::string(link->body), link->hash) == std::string(line) + "\n",
                "a line has one spelling");
        (void)kind_of(link->body);
        if (auto named = continued_from(link->body))
            require(link->body.find(named->hex()) != link->body.npos, "the hash that is named is there");
    }
    auto records = verify_audit(text);
    if (records)
        require(*records <= static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) + 1,
                "a record is a line");
    return 0;
}
