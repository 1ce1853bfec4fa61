// SPDX-License-Identifier: Apache-2.0
#include "service/stored_protocol.h"

#include <algorithm>

#include "names/name.h"
#include "service/rule_names.h"

namespace coffer {
namespace {

constexpr std::string_view kMagic = "CFST";
constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxRule = 64;
constexpr std::uint32_t kMaxPageCommits = 1000;

std::size_t largest_body(RequestKind kind) {
    switch (kind) {
        case RequestKind::hello:
            return kMagic.size() + 2;
        case RequestKind::head:
            return 0;
        case RequestKind::read:
            return 12;
        case RequestKind::append:
            return kMaxAppendBody;
        case RequestKind::payload:
        case RequestKind::drop_payload:
            return Hash::kSize;
        case RequestKind::payload_hashes:
            return 1 + Hash::kSize;
    }
    return 0;
}

// The header's size is known only when the body is written, so it is put in front then.
Bytes frame(std::uint8_t kind, const ByteWriter& body) {
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(body.bytes().size()));
    out.u8(kind);
    out.raw(body.bytes());
    return out.take();
}
Bytes request_frame(RequestKind kind, const ByteWriter& body) {
    return frame(static_cast<std::uint8_t>(kind), body);
}
Bytes done_frame(const ByteWriter& body) {
    return frame(static_cast<std::uint8_t>(ReplyKind::done), body);
}

Failure misspelt(std::string_view what) {
    return fail(Code::invalid, "expected ", what, " as docs/store-service.md has it, found other bytes");
}

// A body that was read to its end, and to its end only.
Result<void> check_end(const ByteReader& in, std::string_view what) {
    if (!in.at_end()) return misspelt(what);
    return {};
}

Bytes copy(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}

Result<AppendRequest> parse_append(ByteReader& in) {
    AppendRequest out;
    out.expected.revision = in.u64();
    out.expected.hash = in.fixed<Hash>();
    const ByteView commit = in.lp();
    const std::uint32_t count = in.u32();
    if (!in.ok() || commit.size() > kMaxCommit || count > kMaxOperations) return misspelt("an append");
    out.commit = copy(commit);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const ByteView payload = in.lp();
        if (payload.size() > kMaxPayload) return misspelt("an append");
        out.payloads.push_back(copy(payload));
    }
    return out;
}

Result<PayloadHashesRequest> parse_payload_hashes(ByteReader& in) {
    const std::uint8_t more = in.u8();
    if (more > 1) return misspelt("a request for hashes");
    if (more == 0) return PayloadHashesRequest{};
    return PayloadHashesRequest{in.fixed<Hash>()};
}

Result<Request> parse_fields(RequestKind kind, ByteReader& in) {
    switch (kind) {
        case RequestKind::hello: {
            if (as_text(in.raw(kMagic.size())) != kMagic) return misspelt("a hello");
            return HelloRequest{in.u16()};
        }
        case RequestKind::head:
            return HeadRequest{};
        case RequestKind::read: {
            ReadRequest read{in.u64(), 0};
            read.limit = in.u32();
            if (in.ok() && (read.limit < 1 || read.limit > kMaxPageCommits))
                return fail(Code::invalid, "a read is of 1 to ", kMaxPageCommits, " commits, found ",
                            read.limit);
            return read;
        }
        case RequestKind::append:
            return parse_append(in);
        case RequestKind::payload:
            return PayloadRequest{in.fixed<Hash>()};
        case RequestKind::drop_payload:
            return DropPayloadRequest{in.fixed<Hash>()};
        case RequestKind::payload_hashes:
            return parse_payload_hashes(in);
    }
    return misspelt("a request");
}

struct FieldWriter {
    ByteWriter& out;
    void operator()(const HelloRequest& hello) const {
        out.raw(as_bytes(kMagic));
        out.u16(hello.version);
    }
    void operator()(const HeadRequest&) const {}
    void operator()(const ReadRequest& read) const {
        out.u64(read.from);
        out.u32(read.limit);
    }
    void operator()(const AppendRequest& append) const {
        write_append(append.expected, append.commit, append.payloads);
    }
    void operator()(const PayloadRequest& payload) const { out.fixed(payload.hash); }
    void operator()(const DropPayloadRequest& payload) const { out.fixed(payload.hash); }
    void operator()(const PayloadHashesRequest& hashes) const {
        out.u8(hashes.after ? 1 : 0);
        if (hashes.after) out.fixed(*hashes.after);
    }
    void write_append(const Head& expected, ByteView commit, std::span<const Bytes> payloads) const {
        out.u64(expected.revision);
        out.fixed(expected.hash);
        out.lp(commit);
        out.u32(static_cast<std::uint32_t>(payloads.size()));
        for (const Bytes& payload : payloads) out.lp(payload);
    }
};

}  // namespace

// ---- headers

Result<RequestHeader> parse_request_header(ByteView bytes) {
    ByteReader in(bytes);
    const std::uint32_t size = in.u32();
    const std::uint8_t kind = in.u8();
    if (!in.at_end() || kind < 1 || kind > static_cast<std::uint8_t>(RequestKind::payload_hashes))
        return fail(Code::invalid, "expected a request of kind 1 to 7, found kind ", unsigned{kind});
    const auto known = static_cast<RequestKind>(kind);
    if (size > largest_body(known))
        return fail(Code::limit, "a request of kind ", unsigned{kind}, " has at most ", largest_body(known),
                    " bytes, this one ", size);
    return RequestHeader{known, size};
}

Result<ReplyHeader> parse_reply_header(ByteView bytes) {
    ByteReader in(bytes);
    const std::uint32_t size = in.u32();
    const auto kind = static_cast<ReplyKind>(in.u8());
    if (!in.at_end() || (kind != ReplyKind::done && kind != ReplyKind::error)) return misspelt("a reply");
    if (size > kMaxReplyBody)
        return fail(Code::limit, "a reply has at most ", kMaxReplyBody, " bytes, this one ", size);
    return ReplyHeader{kind, size};
}

// ---- requests

Bytes encode(const Request& request) {
    ByteWriter body;
    std::visit(FieldWriter{body}, request);
    return request_frame(static_cast<RequestKind>(request.index() + 1), body);
}

Bytes encode_append(const Head& expected, ByteView commit, std::span<const Bytes> payloads) {
    ByteWriter body;
    FieldWriter{body}.write_append(expected, commit, payloads);
    return request_frame(RequestKind::append, body);
}

Result<Request> parse_request(RequestKind kind, ByteView body) {
    ByteReader in(body);
    COFFER_TRY(auto request, parse_fields(kind, in));
    COFFER_CHECK(check_end(in, "a request"));
    return request;
}

// ---- replies

Bytes encode_done() {
    return done_frame({});
}

Bytes encode_error(const Error& error) {
    ByteWriter body;
    const auto* code = std::ranges::find(kAllCodes, error.code);
    body.u8(static_cast<std::uint8_t>(code - std::begin(kAllCodes) + 1));
    body.lp(std::string_view(error.message).substr(0, kMaxMessage));
    body.lp(error.rule.substr(0, kMaxRule));
    return frame(static_cast<std::uint8_t>(ReplyKind::error), body);
}

Bytes encode_greeting(const Greeting& greeting) {
    ByteWriter body;
    body.u16(greeting.version);
    body.lp(greeting.store);
    return done_frame(body);
}

Bytes encode_head(const Head& head) {
    ByteWriter body;
    body.u64(head.revision);
    body.fixed(head.hash);
    return done_frame(body);
}

Bytes encode_commits(std::span<const StoredCommit> commits) {
    ByteWriter body;
    body.u32(static_cast<std::uint32_t>(commits.size()));
    for (const StoredCommit& commit : commits) {
        body.u64(commit.revision);
        body.lp(commit.bytes);
    }
    return done_frame(body);
}

Bytes encode_payload(ByteView payload) {
    ByteWriter body;
    body.lp(payload);
    return done_frame(body);
}

Bytes encode_hashes(std::span<const Hash> hashes) {
    ByteWriter body;
    body.u32(static_cast<std::uint32_t>(hashes.size()));
    for (const Hash& hash : hashes) body.fixed(hash);
    return done_frame(body);
}

Result<void> parse_done(ByteView body) {
    return check_end(ByteReader(body), "an empty reply");
}

Result<Error> parse_error(ByteView body) {
    ByteReader in(body);
    const std::uint8_t code = in.u8();
    std::string message = in.lp_text();
    const std::string rule = in.lp_text();
    COFFER_CHECK(check_end(in, "an error"));
    if (code < 1 || code > std::size(kAllCodes) || message.size() > kMaxMessage || rule.size() > kMaxRule)
        return misspelt("an error");
    // It goes to a terminal: one line, whatever the other side has written.
    std::ranges::replace_if(
        message, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return Error{kAllCodes[code - 1], std::move(message), known_rule(rule)};
}

Result<Greeting> parse_greeting(ByteView body) {
    ByteReader in(body);
    Greeting out;
    out.version = in.u16();
    out.store = in.lp_text();
    COFFER_CHECK(check_end(in, "a greeting"));
    if (out.store.size() > kMaxPath || out.store.find('\0') != std::string::npos)
        return misspelt("a greeting");
    return out;
}

Result<Head> parse_head(ByteView body) {
    ByteReader in(body);
    Head head;
    head.revision = in.u64();
    head.hash = in.fixed<Hash>();
    COFFER_CHECK(check_end(in, "a head"));
    return head;
}

Result<std::vector<StoredCommit>> parse_commits(ByteView body) {
    ByteReader in(body);
    const std::uint32_t count = in.u32();
    if (count > kMaxPageCommits) return misspelt("a page of commits");
    std::vector<StoredCommit> out;
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const std::uint64_t revision = in.u64();
        out.push_back({revision, copy(in.lp())});
    }
    COFFER_CHECK(check_end(in, "a page of commits"));
    return out;
}

Result<Bytes> parse_payload(ByteView body) {
    ByteReader in(body);
    Bytes payload = copy(in.lp());
    COFFER_CHECK(check_end(in, "a payload"));
    return payload;
}

Result<std::vector<Hash>> parse_hashes(ByteView body) {
    ByteReader in(body);
    const std::uint32_t count = in.u32();
    if (count > kMaxPageHashes) return misspelt("a page of hashes");
    std::vector<Hash> out;
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) out.push_back(in.fixed<Hash>());
    COFFER_CHECK(check_end(in, "a page of hashes"));
    return out;
}

}  // namespace coffer
