// SPDX-License-Identifier: Apache-2.0
//
// The keys that a scan looks for, derived as the product derives them, with what libsodium makes of them on
// its way.
#pragma once

#include <sodium.h>

#include <array>

#include "keys/identity_file.h"
#include "memory/watched.h"

namespace coffer::test {

using Key = std::array<std::uint8_t, 32>;

// docs/store-format.md, "Identities".
inline Key derived(const Identity& identity, std::uint64_t number) {
    Key out;
    REQUIRE(crypto_kdf_derive_from_key(out.data(), out.size(), number, "cofferid", identity.seed().data()) ==
            0);
    return out;
}

inline void add_identity(Watched& watched, const std::string& whose, const Identity& identity) {
    watched.add(whose + "'s seed", identity.seed());
    watched.add(whose + "'s watermark key", identity.watermark_key());
    const Key signing = derived(identity, 1), sealing_seed = derived(identity, 2);
    watched.add(whose + "'s signing key", ByteView(signing));
    watched.add(whose + "'s seed of the sealing key", ByteView(sealing_seed));
    std::array<std::uint8_t, 64> scalar;  // what a signature hashes the signing key into
    crypto_hash_sha512(scalar.data(), signing.data(), signing.size());
    watched.add(whose + "'s scalar", ByteView(scalar).first(32));
    watched.add(whose + "'s prefix of nonces", ByteView(scalar).subspan(32));
    Key sealing, ignored;
    REQUIRE(crypto_box_seed_keypair(ignored.data(), sealing.data(), sealing_seed.data()) == 0);
    watched.add(whose + "'s sealing key", ByteView(sealing));
}

// The keys with which a secret's value is opened: of its scope, and of its box, with the shared point that
// the latter is hashed from.
inline void add_keys_of(Watched& watched, MountedStore& mounted, const Identity& reader,
                        const std::string& name) {
    VerifiedStore store = must(mounted.made.open());
    auto secret = must(store.view().find(must(SecretName::parse(name))));
    const auto payload = must(store.payload(*secret->live));
    const auto scope_key = must(store.scope_key(reader, secret->live->scope_key));
    watched.add(name + "'s scope key", scope_key.view());
    Key box_key, point;
    must(precompute_box_key(payload, scope_key.view(), box_key));
    REQUIRE(crypto_scalarmult(point.data(), scope_key.view().data(), payload.data()) == 0);
    watched.add(name + "'s box key", ByteView(box_key));
    watched.add(name + "'s shared point", ByteView(point));
}

}  // namespace coffer::test
