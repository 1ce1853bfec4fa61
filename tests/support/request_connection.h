// SPDX-License-Identifier: Apache-2.0
//
// RequestConnection: a daemon's callbacks behind libfuse, with no kernel before it: requests go in as the
// kernel would write them, and what is answered comes out. One thread; it is new for each input but for the
// store, so that an input does the same each time.
#pragma once

#define FUSE_USE_VERSION 314
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>

#include <vector>

#include "serve/fuse_ops.h"
#include "support/served_store.h"

namespace coffer::test {

struct RequestReply {
    fuse_out_header header{};
    Bytes body;
};

class RequestConnection {
  public:
    explicit RequestConnection(ServedStore& store)
        : nodes(store.catalogue, store.watermark_key()),
          status_files_({store.catalogue, store.unsealer, handles, store.keys, store.status, "store", "host",
                         "0", "pidfd"}),
          operations_({store.catalogue, nodes, store.unsealer, handles, store.gate, store.status,
                       *store.audit, status_files_, store.past_versions, store.rendered}),
          context_{operations_, invalidator_} {
        store.unsealer.clear();
        store.use_policy(0);
        for (const Place& place : store.rendered.places()) (void)nodes.hand_out(place);
        char program[] = "cofferd";
        char* arguments[] = {program, nullptr};
        fuse_args args = FUSE_ARGS_INIT(1, arguments);
        session_ = fuse_session_new(&args, &fuse_operations(), sizeof(fuse_lowlevel_ops), &context_);
        fuse_opt_free_args(&args);
        fuse_custom_io io{};
        io.writev = &take;
        io.read = [](int, void*, std::size_t, void*) { return ssize_t{-1}; };
        const int device = ::open("/dev/null", O_RDWR | O_CLOEXEC);  // the session's, which closes it
        if (!session_ || fuse_session_custom_io(session_, &io, device) != 0)
            throw std::runtime_error("libfuse gives no session");
        serve_with(&store.worker);
    }
    ~RequestConnection() { fuse_session_destroy(session_); }
    RequestConnection(const RequestConnection&) = delete;
    RequestConnection& operator=(const RequestConnection&) = delete;

    // One request; what was answered by then, in order.
    std::vector<RequestReply> send(const Requester& who, std::uint32_t opcode, std::uint64_t unique,
                                   std::uint64_t node, ByteView body) {
        fuse_in_header header{};
        header.len = static_cast<std::uint32_t>(sizeof header + body.size());
        header.opcode = opcode;
        header.unique = unique;
        header.nodeid = node;
        header.uid = who.uid;
        header.gid = who.gid;
        header.pid = static_cast<std::uint32_t>(who.tid);
        Bytes bytes(sizeof header + body.size());
        std::memcpy(bytes.data(), &header, sizeof header);
        std::ranges::copy(body, bytes.begin() + sizeof header);
        fuse_buf buffer{};
        buffer.mem = bytes.data();
        buffer.size = bytes.size();
        replies().clear();
        note_resent(who.resent);
        fuse_session_process_buf(session_, &buffer);
        return std::move(replies());
    }

  private:
    // libfuse hands the session's user data, which is the callbacks': one connection at a time.
    static std::vector<RequestReply>& replies() {
        static std::vector<RequestReply> all;
        return all;
    }
    static ssize_t take(int, iovec* parts, int count, void*) {
        Bytes bytes;
        for (const iovec& part : std::span(parts, static_cast<std::size_t>(count))) {
            const auto* start = static_cast<const std::uint8_t*>(part.iov_base);
            bytes.insert(bytes.end(), start, start + part.iov_len);
        }
        RequestReply reply;
        if (bytes.size() < sizeof reply.header) throw std::logic_error("a reply without a header");
        std::memcpy(&reply.header, bytes.data(), sizeof reply.header);
        if (reply.header.len != bytes.size()) throw std::logic_error("a reply of another length");
        reply.body.assign(bytes.begin() + sizeof reply.header, bytes.end());
        replies().push_back(std::move(reply));
        return static_cast<ssize_t>(bytes.size());
    }

    Invalidator invalidator_;  // whose orders nobody sends

  public:
    NodeIds nodes;
    // Small enough that a short input comes to each limit.
    Handles handles{{.total = 12, .per_uid = 8, .large_bytes_per_uid = 50000}, 0};

  private:
    StatusFiles status_files_;
    Operations operations_;
    FuseContext context_;
    fuse_session* session_ = nullptr;
};

}  // namespace coffer::test
