// SPDX-License-Identifier: Apache-2.0
//
// MemoryLog: a log that somebody has in their hands. Rows and payloads lie open, so that a test changes them
// under a reader as whoever writes to the store's file would; numbers of rows are as free as SQLite's.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "log/backend.h"
#include "log/commit.h"

namespace coffer::test {

struct StoredRows {
    std::vector<StoredCommit> commits;  // by revision
    std::map<Hash, Bytes> payloads;
};

class MemoryLog final : public Backend {
  public:
    explicit MemoryLog(std::shared_ptr<const StoredRows> rows) : rows_(std::move(rows)) {}

    Result<Head> head() override {
        if (rows_->commits.empty()) return Head{};
        const StoredCommit& last = rows_->commits.back();
        return Head{last.revision, commit_hash(last.bytes)};
    }
    Result<std::vector<StoredCommit>> read(std::uint64_t from, std::size_t limit) override {
        std::vector<StoredCommit> out;
        for (const StoredCommit& commit : rows_->commits) {
            if (commit.revision < from) continue;
            if (out.size() == limit) break;
            out.push_back(commit);
        }
        return out;
    }
    Result<Bytes> payload(const Hash& hash) override {
        auto found = rows_->payloads.find(hash);
        if (found == rows_->payloads.end()) return fail(Code::not_found, "no payload");
        return found->second;
    }
    Result<std::vector<Hash>> payload_hashes() override {
        std::vector<Hash> out;
        out.reserve(rows_->payloads.size());
        for (const auto& [hash, bytes] : rows_->payloads) out.push_back(hash);
        return out;
    }
    Result<void> wait(std::uint64_t, std::chrono::milliseconds) override { return {}; }
    Result<void> settle() override { return {}; }

    // Nobody writes through it.
    Result<void> append(const Head&, ByteView, std::span<const Bytes>) override { return refused(); }
    Result<void> drop_payload(const Hash&) override { return refused(); }
    Result<void> cut_after(std::uint64_t) override { return refused(); }

  private:
    static Result<void> refused() { return fail(Code::read_only, "the test's log is for reading"); }
    std::shared_ptr<const StoredRows> rows_;
};

}  // namespace coffer::test
