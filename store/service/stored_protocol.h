// SPDX-License-Identifier: Apache-2.0
//
// What coffer-stored and its clients say to each other: docs/store-service.md has the byte tables. Pure:
// bytes in, values out, and back. A frame is a header that says what and how long, then a body; a length over
// what its kind may have is refused before anything is allocated for it. There is one spelling of every
// message.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "keys/seal.h"
#include "log/backend.h"
#include "log/commit.h"

namespace coffer {

inline constexpr const char* kStoreSocket = "/run/coffer-store.sock";
inline constexpr std::uint16_t kServiceVersion = 1;
inline constexpr std::size_t kFrameHeader = 5;  // u32 size of the body, u8 kind
inline constexpr std::size_t kMaxAppendBody = kMaxCommit + kMaxCommitPayloads + (64u << 10);
// What one reply may carry; a page of commits is closed once it is past kPageBytes.
inline constexpr std::size_t kPageBytes = 256u << 10;
inline constexpr std::size_t kMaxReplyBody = 4u << 20;
inline constexpr std::size_t kMaxMessage = 4096;  // of an error, in bytes
inline constexpr std::uint32_t kMaxPageHashes = 1000;

// The number is the frame's kind.
enum class RequestKind : std::uint8_t {
    hello = 1,
    head = 2,
    read = 3,
    append = 4,
    payload = 5,
    drop_payload = 6,
    payload_hashes = 7,
};
enum class ReplyKind : std::uint8_t { done = 0x80, error = 0x81 };

struct HelloRequest {
    std::uint16_t version = kServiceVersion;
    bool operator==(const HelloRequest&) const = default;
};
struct HeadRequest {
    bool operator==(const HeadRequest&) const = default;
};
struct ReadRequest {
    std::uint64_t from = 0;
    std::uint32_t limit = 0;  // 1 to 1,000
    bool operator==(const ReadRequest&) const = default;
};
struct AppendRequest {
    Head expected;
    Bytes commit;
    std::vector<Bytes> payloads;
    bool operator==(const AppendRequest&) const = default;
};
struct PayloadRequest {
    Hash hash;
    bool operator==(const PayloadRequest&) const = default;
};
struct DropPayloadRequest {
    Hash hash;
    bool operator==(const DropPayloadRequest&) const = default;
};
struct PayloadHashesRequest {
    std::optional<Hash> after;  // none: from the first
    bool operator==(const PayloadHashesRequest&) const = default;
};
// The alternatives stand in the order of RequestKind.
using Request = std::variant<HelloRequest, HeadRequest, ReadRequest, AppendRequest, PayloadRequest,
                             DropPayloadRequest, PayloadHashesRequest>;

// Who serves: for a client that has just connected.
struct Greeting {
    std::uint16_t version = kServiceVersion;
    std::string store;  // the path of the store's file, for the configuration of who reads it
    bool operator==(const Greeting&) const = default;
};

struct RequestHeader {
    RequestKind kind = RequestKind::hello;
    std::size_t size = 0;  // of the body that follows
};
struct ReplyHeader {
    ReplyKind kind = ReplyKind::done;
    std::size_t size = 0;
};

// `bytes`: kFrameHeader of them. Code::invalid for an unknown kind, Code::limit for a body that is too long.
[[nodiscard]] Result<RequestHeader> parse_request_header(ByteView bytes);
[[nodiscard]] Result<ReplyHeader> parse_reply_header(ByteView bytes);

// Whole frames.
[[nodiscard]] Bytes encode(const Request& request);
[[nodiscard]] Bytes encode_append(const Head& expected, ByteView commit, std::span<const Bytes> payloads);
[[nodiscard]] Bytes encode_done();
[[nodiscard]] Bytes encode_error(const Error& error);
[[nodiscard]] Bytes encode_greeting(const Greeting& greeting);
[[nodiscard]] Bytes encode_head(const Head& head);
[[nodiscard]] Bytes encode_commits(std::span<const StoredCommit> commits);
[[nodiscard]] Bytes encode_payload(ByteView payload);
[[nodiscard]] Bytes encode_hashes(std::span<const Hash> hashes);

// Bodies. Code::invalid, with what was expected, for anything that is not spelt as encode does it.
[[nodiscard]] Result<Request> parse_request(RequestKind kind, ByteView body);
[[nodiscard]] Result<void> parse_done(ByteView body);
[[nodiscard]] Result<Error> parse_error(ByteView body);
[[nodiscard]] Result<Greeting> parse_greeting(ByteView body);
[[nodiscard]] Result<Head> parse_head(ByteView body);
[[nodiscard]] Result<std::vector<StoredCommit>> parse_commits(ByteView body);
[[nodiscard]] Result<Bytes> parse_payload(ByteView body);
[[nodiscard]] Result<std::vector<Hash>> parse_hashes(ByteView body);

}  // namespace coffer
