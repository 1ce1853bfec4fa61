// SPDX-License-Identifier: Apache-2.0
//
// The protocol of coffer-stored, from both sides: what a client sends it, and what it sends a client. The
// first five bytes are a header, the rest a body. Property: there is one spelling of every request and of
// every reply but an error, whose message is cleaned for a terminal.
#include <algorithm>

#include "require.h"
#include "service/stored_protocol.h"

using namespace coffer;

namespace {

// `frame` is how a value that was read from `body` is written.
void require_same(const Bytes& frame, ByteView body) {
    require(std::ranges::equal(ByteView(frame).subspan(kFrameHeader), body), "a message has one spelling");
}

void read_replies(ByteView body) {
    if (auto head = parse_head(body)) require_same(encode_head(*head), body);
    if (auto greeting = parse_greeting(body)) require_same(encode_greeting(*greeting), body);
    if (auto commits = parse_commits(body)) require_same(encode_commits(*commits), body);
    if (auto payload = parse_payload(body)) require_same(encode_payload(*payload), body);
    if (auto hashes = parse_hashes(body)) require_same(encode_hashes(*hashes), body);
    require(parse_done(body).has_value() == body.empty(), "done is empty");
    if (auto error = parse_error(body)) {
        const Bytes again = encode_error(*error);
        require(parse_error(ByteView(again).subspan(kFrameHeader)).has_value(), "an error is read again");
        require(error->message.size() <= kMaxMessage, "a message is bounded");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    const ByteView head = input.first(std::min(size, kFrameHeader)), body = input.subspan(head.size());
    if (auto header = parse_request_header(head)) {
        require(header->size <= kMaxAppendBody, "a length is bounded before it is believed");
        if (auto request = parse_request(header->kind, body)) {
            require_same(encode(*request), body);
            if (const auto* append = std::get_if<AppendRequest>(&*request))
                require_same(encode_append(append->expected, append->commit, append->payloads), body);
        }
    }
    if (auto header = parse_reply_header(head)) require(header->size <= kMaxReplyBody, "a reply is bounded");
    read_replies(body);
    return 0;
}
