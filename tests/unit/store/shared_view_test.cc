// SPDX-License-Identifier: Apache-2.0
//
// Two processes of one user share a view file. Here the second gets its turn at the worst moment: after the
// first has looked at the head and before it reads.
#include <functional>

#include "support/forwarding_backend.h"
#include "support/test_store.h"
#include "view/verified_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

class Interrupted final : public ForwardingBackend {
  public:
    Interrupted(std::unique_ptr<Backend> inner, std::function<void()> after_head)
        : ForwardingBackend(std::move(inner)), after_head_(std::move(after_head)) {}
    Result<Head> head() override {
        auto out = ForwardingBackend::head();
        after_head_();
        return out;
    }

  private:
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
