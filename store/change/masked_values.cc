// SPDX-License-Identifier: Apache-2.0
#include "change/masked_values.h"

namespace coffer {

Result<SecretBuffer> MaskedValues::value(const Secret& secret, const Version& version) {
    if (secret.visibility == Visibility::restricted)
        return fail(
            Code::not_allowed, secret.name.text(),
            " is restricted: no tool shows its value; a program reads it through the mount of a host, and "
            "`coffer policy explain` says which");
    COFFER_TRY(auto payload, store_.payload(version));
    auto key = keys_.find(version.scope_key);
    if (key == keys_.end()) {
        COFFER_TRY(auto opened, store_.scope_key(identity_, version.scope_key));
        key = keys_.emplace(version.scope_key, std::move(opened)).first;
    }
    const ScopeKey* scope_key = store_.view().roster().scope_key(version.scope_key);
    Hash context = payload_context(store_.view().pin().store, secret.name, secret.visibility,
                                   version.sealed_as, version.scope_key);
    return unseal_payload(payload, key->second.view(), scope_key->public_half, context);
}

}  // namespace coffer
