// SPDX-License-Identifier: Apache-2.0
//
// A log as it is, for a test that wants a word at one of its calls: overrides that one and asks this for the
// rest.
#pragma once

#include <memory>

#include "log/backend.h"

namespace coffer::test {

class ForwardingBackend : public Backend {
  public:
    explicit ForwardingBackend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}
    Result<Head> head() override { return inner_->head(); }
    Result<std::vector<StoredCommit>> read(std::uint64_t from, std::size_t limit) override {
        return inner_->read(from, limit);
    }
    Result<void> append(const Head& expected, ByteView commit, std::span<const Bytes> payloads) override {
        return inner_->append(expected, commit, payloads);
    }
    Result<void> settle() override { return inner_->settle(); }
    Result<Bytes> payload(const Hash& hash) override { return inner_->payload(hash); }
    Result<void> drop_payload(const Hash& hash) override { return inner_->drop_payload(hash); }
    Result<std::vector<Hash>> payload_hashes() override { return inner_->payload_hashes(); }
    Result<void> cut_after(std::uint64_t revision) override { return inner_->cut_after(revision); }
    Result<void> wait(std::uint64_t after, std::chrono::milliseconds timeout) override {
        return inner_->wait(after, timeout);
    }

  private:
    std::unique_ptr<Backend> inner_;
};

}  // namespace coffer::test
