// SPDX-License-Identifier: Apache-2.0
//
// Changes to secrets. Each is one call that signs and appends, or one clear error and nothing changed.
#pragma once

#include <optional>
#include <vector>

#include "change/commit_change.h"

namespace coffer {

struct SetRequest {
    SecretName name;
    std::optional<Visibility> visibility;  // none: the secret's own, or masked for a new one
    std::uint64_t not_after_ms = 0;
    std::optional<std::uint64_t> if_version;  // commit only if this is the last version (0: never was)
};
struct SetOutcome {
    Committed committed;
    std::uint64_t version = 0;
    Visibility visibility = Visibility::masked;
    bool made_scope_key = false;
    std::vector<SecretName> shadows;  // wider live secrets that this one now hides
};
// Makes the scope key it needs in the same commit where the signer may; else Code::not_allowed with the
// command that an owner has to run. `value` at most kMaxValue.
[[nodiscard]] Result<SetOutcome> set_secret(VerifiedStore& store, const Identity& signer,
                                            const SetRequest& request, ByteView value);

struct RemoveOutcome {
    Committed committed;
    std::uint64_t version = 0;
    std::vector<SecretName> uncovers;  // wider live secrets that now show where this one did
};
[[nodiscard]] Result<RemoveOutcome> remove_secret(VerifiedStore& store, const Identity& signer,
                                                  const SecretName& name,
                                                  std::optional<std::uint64_t> if_version);

// Removes all of these that are live, in as many commits as it takes. When a commit fails, the message says
// how many were removed before it.
struct RemoveAllOutcome {
    Committed committed;
    std::vector<SecretName> removed;
};
[[nodiscard]] Result<RemoveAllOutcome> remove_secrets(VerifiedStore& store, const Identity& signer,
                                                      const std::vector<SecretName>& names);

// Makes the payload of an earlier version the live one again, without unsealing it.
struct RestoreOutcome {
    Committed committed;
    std::uint64_t version = 0, restored = 0;
};
[[nodiscard]] Result<RestoreOutcome> restore_secret(VerifiedStore& store, const Identity& signer,
                                                    const SecretName& name, std::uint64_t version,
                                                    std::optional<std::uint64_t> if_version);

// Destroys the payload of a version that is not live, for good, in the log and in the file.
[[nodiscard]] Result<Committed> purge_version(VerifiedStore& store, const Identity& signer,
                                              const SecretName& name, std::uint64_t version);

// The value of a masked secret. Code::not_allowed for a restricted one: nobody's tool reveals it.
[[nodiscard]] Result<SecretBuffer> reveal(VerifiedStore& store, const Identity& identity,
                                          const Secret& secret, const Version& version);

}  // namespace coffer
