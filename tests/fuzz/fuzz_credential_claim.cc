// SPDX-License-Identifier: Apache-2.0
//
// Socket names of peers. Property: what is taken for a claim is, but for the random part, written back the
// same way, and its ID is a KEY.
#include "access/attest/credential_claim.h"
#include "names/name.h"
#include "require.h"

using namespace coffer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view name(reinterpret_cast<const char*>(data), size);
    auto claim = parse_credential_claim(name);
    if (!claim) return 0;
    require(name.front() == '\0' && name.ends_with(concat("/unit/", claim->unit, '/', claim->id)),
            "a claim has one spelling");
    require(check_key(claim->id).has_value(), "the ID is a KEY");
    require(claim->unit.find('/') == std::string::npos, "the unit is one segment");
    return 0;
}
