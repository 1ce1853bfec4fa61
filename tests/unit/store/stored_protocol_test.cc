// SPDX-License-Identifier: Apache-2.0
#include "service/stored_protocol.h"

#include "keys/hash.h"
#include "service/rule_names.h"
#include "support/catch.h"

using namespace coffer;

namespace {

Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

ByteView body_of(const Bytes& frame) {
    return ByteView(frame).subspan(kFrameHeader);
}

Result<Request> parse(const Bytes& frame) {
    COFFER_TRY(auto header, parse_request_header(ByteView(frame).first(kFrameHeader)));
    CHECK(header.size == frame.size() - kFrameHeader);
    return parse_request(header.kind, body_of(frame));
}

std::vector<Request> every_request() {
    return {HelloRequest{},
            HelloRequest{7},
            HeadRequest{},
            ReadRequest{3, 1000},
            AppendRequest{{2, random_fixed<Hash>()}, bytes_of("a commit"), {bytes_of("one"), bytes_of("")}},
            AppendRequest{},
            PayloadRequest{random_fixed<Hash>()},
            DropPayloadRequest{random_fixed<Hash>()},
            PayloadHashesRequest{},
            PayloadHashesRequest{random_fixed<Hash>()}};
}

}  // namespace

TEST_CASE("every request comes out as it went in") {
    for (const Request& request : every_request()) {
        auto again = parse(encode(request));
        REQUIRE(again);
        CHECK(*again == request);
    }
}

TEST_CASE("a request with a byte too few or too many is refused") {
    for (const Request& request : every_request()) {
        const Bytes frame = encode(request);
        const auto kind = static_cast<RequestKind>(frame[4]);
        ByteView body = body_of(frame);
        Bytes longer(body.begin(), body.end());
        longer.push_back(0);
        CHECK_FALSE(parse_request(kind, longer));
        for (std::size_t size = 0; size < body.size(); ++size) {
            INFO("kind " << int(frame[4]) << ", " << size << " of " << body.size() << " bytes");
            CHECK_FALSE(parse_request(kind, body.first(size)));
        }
    }
}

TEST_CASE("a header is refused for an unknown kind, and for a length before anything is allocated for it") {
    auto header = [](std::uint32_t size, std::uint8_t kind) {
        ByteWriter out;
        out.u32(size);
        out.u8(kind);
        return parse_request_header(out.bytes());
    };
    CHECK(header(0, 2));
    for (std::uint8_t kind : Bytes{0, 8, 9, 0x80, 0x81, 255})
        CHECK(header(0, kind).error().code == Code::invalid);
    CHECK(header(1, 2).error().code == Code::limit);
    CHECK(header(7, 1).error().code == Code::limit);
    CHECK(header(kMaxAppendBody, 4));
    CHECK(header(kMaxAppendBody + 1, 4).error().code == Code::limit);
    CHECK(header(0xffffffff, 4).error().code == Code::limit);
    CHECK_FALSE(parse_request_header({}));
}

TEST_CASE("counts and lengths within a request are bounded") {
    auto append = [](std::size_t commit, std::uint32_t count) {
        ByteWriter out;
        out.u64(0);
        out.fixed(Hash{});
        out.lp(Bytes(commit));
        out.u32(count);
        return parse_request(RequestKind::append, out.bytes());
    };
    CHECK(append(kMaxCommit, 0));
    CHECK_FALSE(append(kMaxCommit + 1, 0));
    CHECK_FALSE(append(0, kMaxOperations + 1));
    CHECK_FALSE(append(0, 0xffffffff));
    CHECK_FALSE(parse(encode(ReadRequest{1, 0})));
    CHECK_FALSE(parse(encode(ReadRequest{1, 1001})));
    Bytes hello = encode(HelloRequest{});
    hello[kFrameHeader] ^= 1;
    CHECK_FALSE(parse(hello));
}

TEST_CASE("every reply comes out as it went in") {
    const Head head{7, random_fixed<Hash>()};
    CHECK(parse_head(body_of(encode_head(head))).value() == head);
    CHECK(parse_done(body_of(encode_done())));
    CHECK_FALSE(parse_done(bytes_of("x")));
    const Greeting greeting{1, "/var/lib/coffer-store/store.db"};
    CHECK(parse_greeting(body_of(encode_greeting(greeting))).value() == greeting);
    const std::vector<StoredCommit> commits{{1, bytes_of("one")}, {2, bytes_of("two")}};
    auto read = parse_commits(body_of(encode_commits(commits)));
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK((*read)[1].revision == 2);
    CHECK((*read)[1].bytes == bytes_of("two"));
    CHECK(parse_payload(body_of(encode_payload(bytes_of("sealed")))).value() == bytes_of("sealed"));
    const std::vector<Hash> hashes{random_fixed<Hash>(), random_fixed<Hash>()};
    CHECK(parse_hashes(body_of(encode_hashes(hashes))).value() == hashes);
    ByteWriter many;
    many.u32(0xffffffff);
    CHECK_FALSE(parse_hashes(many.bytes()));
    CHECK_FALSE(parse_commits(many.bytes()));
}

TEST_CASE("a reply of too many bytes, or of another kind, is refused") {
    auto header = [](std::uint32_t size, std::uint8_t kind) {
        ByteWriter out;
        out.u32(size);
        out.u8(kind);
        return parse_reply_header(out.bytes());
    };
    CHECK(header(kMaxReplyBody, 0x80));
    CHECK(header(0, 0x81)->kind == ReplyKind::error);
    CHECK_FALSE(header(kMaxReplyBody + 1, 0x80));
    CHECK_FALSE(header(0, 1));
}

TEST_CASE("an error keeps its code, its message and the name of its rule") {
    std::uint8_t number = 0;
    for (Code code : kAllCodes) {
        const Bytes frame = encode_error(Error{code, "why", "put.signer"});
        CHECK(frame[kFrameHeader] == ++number);  // these numbers are the protocol: docs/store-service.md
        auto error = parse_error(body_of(frame));
        REQUIRE(error);
        CHECK(error->code == code);
        CHECK(error->message == "why");
        CHECK(error->rule == "put.signer");
    }
    CHECK(parse_error(body_of(encode_error(Error{Code::conflict, "swap", {}})))->rule.empty());
    // A rule that this program does not know is still a rule: a lost swap, which has none, is tried again.
    CHECK(parse_error(body_of(encode_error(Error{Code::conflict, "new", "put.newer"})))->rule ==
          kUnknownRule);
    CHECK(parse_error(body_of(encode_error(Error{Code::failed, "a\n\x1b[2Jb", {}})))->message == "a??[2Jb");
    CHECK(
        parse_error(body_of(encode_error(Error{Code::failed, std::string(9000, 'x'), {}})))->message.size() ==
        kMaxMessage);
    for (std::uint8_t code : Bytes{0, 13, 255}) {
        Bytes frame = encode_error(Error{Code::failed, "why", {}});
        frame[kFrameHeader] = code;
        CHECK_FALSE(parse_error(body_of(frame)));
    }
}
