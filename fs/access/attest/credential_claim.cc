// SPDX-License-Identifier: Apache-2.0
#include "access/attest/credential_claim.h"

#include <algorithm>

#include "access/attest/unit_name.h"
#include "names/name.h"

namespace coffer {
namespace {

Failure no_claim(std::string_view name) {
    return fail(Code::invalid,
                "the peer's socket name has to be RANDOM/unit/UNIT/ID, in the abstract namespace, as ",
                "systemd binds it for LoadCredential=; it is \"", printable(name), '"');
}

bool is_unit_name(std::string_view text) {
    return !text.empty() && text.size() <= kMaxUnitName && has_unit_characters(text);
}

// The text up to the next slash, which is taken off `rest` with it.
std::string_view take_segment(std::string_view& rest) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    return segment;
}

}  // namespace

Result<CredentialClaim> parse_credential_claim(std::string_view name) {
    if (!name.starts_with('\0')) return no_claim(name);
    std::string_view rest = name.substr(1);
    const std::string_view random = take_segment(rest), kind = take_segment(rest), unit = take_segment(rest);
    if (random.empty() || kind != "unit" || !is_unit_name(unit) || rest.empty())
        return no_claim(name.substr(1));
    if (auto good = check_key(rest); !good)
        return wrap(std::move(good).error(), "the ID of a credential has to be the KEY of a secret");
    return CredentialClaim{std::string(unit), std::string(rest)};
}

}  // namespace coffer
