// SPDX-License-Identifier: Apache-2.0
//
// Socket names of peers. Properties: a claim is taken for one when it has the shape that systemd.exec(5)
// gives and at no other time; and, but for the random part, it is written back the same way.
#include <algorithm>
#include <vector>

#include "access/attest/credential_claim.h"
#include "names/name.h"
#include "require.h"

using namespace coffer;

namespace {

// NUL RANDOM / "unit" / UNIT / KEY, in so many words.
bool has_the_shape(std::string_view name) {
    if (name.empty() || name.front() != '\0') return false;
    std::vector<std::string_view> parts;
    for (std::string_view rest = name.substr(1);;) {
        const std::size_t slash = rest.find('/');
        parts.push_back(rest.substr(0, slash));
        if (slash == rest.npos) break;
        rest.remove_prefix(slash + 1);
    }
    if (parts.size() != 4 || parts[0].empty() || parts[1] != "unit") return false;
    const std::string_view unit = parts[2];
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
    return !unit.empty() && unit.size() < 256 && unit.find_first_not_of(kAllowed) == unit.npos &&
           check_key(parts[3]).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view name(reinterpret_cast<const char*>(data), size);
    auto claim = parse_credential_claim(name);
    require(claim.has_value() == has_the_shape(name), "a claim is what has its shape");
    if (!claim) {
        // What a peer has written goes to the journal.
        require(std::ranges::none_of(claim.error().message,
                                     [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
                "a refusal is harmless");
        return 0;
    }
    require(name.front() == '\0' && name.ends_with(concat("/unit/", claim->unit, '/', claim->id)),
            "a claim has one spelling");
    return 0;
}
