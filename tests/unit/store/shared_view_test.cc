// SPDX-License-Identifier: Apache-2.0
//
// Two processes of one user share a view file. Here the second gets its turn at the worst moment: after the
// first has looked at the head and before it reads.
#include <functional>

#include "support/test_store.h"
#include "view/verified_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

class Interrupted final : public Backend {
  public:
    Interrupted(std::unique_ptr<Backend> inner, std::function<void()> after_head)
        : inner_(std::move(inner)), after_head_(std::move(after_head)) {}
    Result<Head> head() override {
        auto out = inner_->head();
        after_head_();
        return out;
    }
    Result<std::vector<StoredCommit>> read(std::uint64_t from, std::size_t limit) override {
        return inner_->read(from, limit);
    }
    Result<void> append(const Head& expected, ByteView commit, std::span<const Bytes> payloads) override {
        return inner_->append(expected, commit, payloads);
    }
    Result<Bytes> payload(const Hash& hash) override { return inner_->payload(hash); }
    Result<void> drop_payload(const Hash& hash) override { return inner_->drop_payload(hash); }
    Result<std::vector<Hash>> payload_hashes() override { return inner_->payload_hashes(); }
    Result<void> cut_after(std::uint64_t revision) override { return inner_->cut_after(revision); }
    Result<void> wait(std::uint64_t after, std::chrono::milliseconds timeout) override {
        return inner_->wait(after, timeout);
    }

  private:
    std::unique_ptr<Backend> inner_;
    std::function<void()> after_head_;
};

}  // namespace

TEST_CASE("commits that another process has folded into a shared view meanwhile are not missing") {
    TestStore test;
    auto writer = must(test.open("writer"));
    auto other = must(test.open("shared"));
    StoreOptions options{test.folder / "shared", test.pin, nullptr, {}};
    auto reader = must(VerifiedStore::open(
        std::make_unique<Interrupted>(must(SqliteLog::open(test.path())), [&] { must(other.catch_up()); }),
        options));
    test.set(writer, "acme/checkout/production/KEY", "value");
    must(reader.catch_up());
    CHECK_FALSE(reader.alarm());
    CHECK(reader.view().head() == other.view().head());
    CHECK(reader.view().head().revision == 2);
}
