// SPDX-License-Identifier: Apache-2.0
//
// StoredLog: the backend of who does not own the store's file: coffer-stored, over its socket. It is believed
// as little as any backend. A connection that ended meanwhile is made again, since nothing but an append
// changes anything; an append whose answer was lost is looked for in the log before it is sent again. Never
// hangs: each answer is waited for with a limit. One thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/descriptor.h"
#include "log/backend.h"
#include "service/stored_protocol.h"

namespace coffer {

class StoredLog final : public Backend {
  public:
    // Code::unavailable when nobody listens there, Code::not_allowed when this user may not connect,
    // Code::limit when it has too many connections.
    [[nodiscard]] static Result<std::unique_ptr<StoredLog>> connect(const std::filesystem::path& socket);

    // Where the service keeps the store, for those who read the file.
    [[nodiscard]] const std::string& store_file() const { return store_file_; }

    [[nodiscard]] Result<Head> head() override;
    [[nodiscard]] Result<std::vector<StoredCommit>> read(std::uint64_t from, std::size_t limit) override;
    // Refused, by the name of its rule, is also what readers would not believe.
    [[nodiscard]] Result<void> append(const Head& expected, ByteView commit,
                                      std::span<const Bytes> payloads) override;
    [[nodiscard]] Result<void> settle() override { return {}; }  // the service has done so at its start
    [[nodiscard]] Result<Bytes> payload(const Hash& hash) override;
    // Only what was purged, or what no commit names; else Code::not_allowed.
    [[nodiscard]] Result<void> drop_payload(const Hash& hash) override;
    [[nodiscard]] Result<std::vector<Hash>> payload_hashes() override;
    // Always Code::not_allowed: the owner of the file does that, with the service stopped.
    [[nodiscard]] Result<void> cut_after(std::uint64_t revision) override;
    // Asks now and then, so that the service holds nothing for who waits.
    [[nodiscard]] Result<void> wait(std::uint64_t after, std::chrono::milliseconds timeout) override;

  private:
    explicit StoredLog(std::filesystem::path path) : path_(std::move(path)) {}
    struct Reply {
        ReplyKind kind = ReplyKind::done;
        Bytes body;
    };
    [[nodiscard]] Result<void> open();
    // The body of the answer, on this connection or, when that has ended, on a new one.
    [[nodiscard]] Result<Bytes> ask(ByteView request);
    [[nodiscard]] Result<Bytes> ask_once(ByteView request);
    [[nodiscard]] Result<Reply> exchange(ByteView request);
    [[nodiscard]] Result<Bytes> receive(std::size_t size);
    [[nodiscard]] Failure silent(int error);

    std::filesystem::path path_;
    Descriptor socket_;
    std::string store_file_;
    bool lost_ = false;  // the connection ended before the whole answer was there
};

}  // namespace coffer
