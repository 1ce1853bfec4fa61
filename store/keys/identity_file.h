// SPDX-License-Identifier: Apache-2.0
//
// An identity as a file: a text header, the public halves, then the seed, in the clear or under a passphrase
// (Argon2id, XChaCha20-Poly1305, everything above the seed line as associated data). One spelling only:
// a file that would be written differently is refused. docs/store-format.md, "Identity file".
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"
#include "keys/identity.h"

namespace coffer {

// Asked once, and only when the file is under a passphrase.
using PassphraseSource = std::function<Result<SecretBuffer>()>;

struct Argon2Cost {
    std::uint64_t operations = 3;         // 1 to 16
    std::uint64_t memory = 256ull << 20;  // bytes, 8 MiB to 1 GiB, a multiple of 1 KiB
};

// The file's text, in locked memory since it may hold the seed in the clear.
[[nodiscard]] Result<SecretBuffer> encode_identity(const Identity& identity);
[[nodiscard]] Result<SecretBuffer> encode_identity(const Identity& identity, ByteView passphrase,
                                                   Argon2Cost cost = {});
// Code::not_allowed for a wrong passphrase (or an edited header: the two cannot be told apart),
// Code::tampered for public keys that are not the seed's, Code::invalid for anything that is not an identity
// file of this format. Pure but for `passphrase`.
[[nodiscard]] Result<Identity> decode_identity(ByteView text, const PassphraseSource& passphrase);

// Refuses a file that its group or others can read or write, or that is owned by neither root nor this user.
[[nodiscard]] Result<Identity> load_identity(const std::filesystem::path& path,
                                             const PassphraseSource& passphrase);
// Creates the file with mode 0400 and never replaces one. Durable on return.
[[nodiscard]] Result<void> save_identity(const std::filesystem::path& path, const SecretBuffer& text);
// The public half alone, without any passphrase.
[[nodiscard]] Result<Recipient> load_recipient(const std::filesystem::path& path);

}  // namespace coffer
