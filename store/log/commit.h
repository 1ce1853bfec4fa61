// SPDX-License-Identifier: Apache-2.0
//
// Commit, format 1: docs/store-format.md, "Commit". Pure: bytes in, values out, and back. There is one
// spelling of every commit and no fall-back parser: an unknown format, type, enum value or trailing byte is
// refused. The order of use is the order of trust: parse_envelope (fixed offsets only), then the signature,
// then decode_body, so that nobody but a principal of the store reaches the body's parser.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "keys/identity.h"
#include "log/operation.h"

namespace coffer {

inline constexpr std::size_t kMaxCommit = 1u << 20;
inline constexpr std::size_t kMaxCommitPayloads = 16u << 20;
inline constexpr std::uint32_t kMaxOperations = 1000;

struct CommitBody {
    StoreId store;
    std::uint64_t revision = 0;  // 1, 2, 3, ...
    Hash previous;               // commit_hash of revision - 1; zero for revision 1
    std::uint64_t time_ms = 0;   // the signer's claim: shown, never trusted
    std::vector<Operation> operations;
    bool operator==(const CommitBody&) const = default;
};

// The outside of a commit; `body` and `whole` point into the bytes that were parsed.
struct CommitEnvelope {
    SigningPublic signer;
    Signature signature;
    ByteView body;
    ByteView whole;
};

[[nodiscard]] Result<CommitEnvelope> parse_envelope(ByteView commit);
[[nodiscard]] bool signature_holds(const CommitEnvelope& envelope);
[[nodiscard]] Result<CommitBody> decode_body(ByteView body);

// Code::limit when the commit would be over kMaxCommit or kMaxOperations.
[[nodiscard]] Result<Bytes> sign_commit(const CommitBody& body, const Identity& signer);
// BLAKE2b-256("coffer/commit-hash/1" | commit): what the next commit names as `previous`.
[[nodiscard]] Hash commit_hash(ByteView commit);
[[nodiscard]] Bytes encode_body(const CommitBody& body);

}  // namespace coffer
