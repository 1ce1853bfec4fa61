// SPDX-License-Identifier: Apache-2.0
#include "change/commit_change.h"

#include <chrono>
#include <thread>

#include "base/wall_clock.h"
#include "keys/hash.h"

namespace coffer {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{30};
constexpr unsigned kMaxBackOffMs = 256;

// Random, so that writers that lost together do not meet again; doubling, so that a crowd thins out.
void back_off(unsigned attempt) {
    unsigned limit = std::min(1u << std::min(attempt, 8u), kMaxBackOffMs);
    std::uint8_t random[2];
    random_bytes(random);
    unsigned wait_ms = 1 + (random[0] | unsigned{random[1]} << 8) % limit;
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
}

Result<void> check_believable(const VerifiedStore& store) {
    if (!store.alarm()) return {};
    const Alarm& alarm = *store.alarm();
    return wrap(
        alarm.error, "revision ", alarm.revision,
        " of the store does not verify, and nothing is written behind it (`coffer verify` says more)");
}

// One try. Code::conflict: somebody else appended first.
Result<Committed> attempt(VerifiedStore& store, const Identity& signer, const Intent& intent) {
    COFFER_CHECK(store.catch_up());
    COFFER_CHECK(check_believable(store));
    COFFER_TRY(auto draft, intent(store));
    const Head head = store.view().head();
    if (draft.operations.empty()) return Committed{head, false};

    CommitBody body{store.view().pin().store, head.revision + 1, head.hash, wall_clock_ms(),
                    std::move(draft.operations)};
    COFFER_TRY(auto bytes, sign_commit(body, signer));
    COFFER_TRY(auto update, store.view().begin());
    if (store.view().head() != head) return fail(Code::conflict, "the store moved on");
    // Folded first: what every other reader would refuse is never written.
    COFFER_CHECK(update.apply(bytes));
    COFFER_CHECK(store.backend().append(head, bytes, draft.payloads));
    // The commit stands, whatever happens to the view, which would only read it again.
    (void)update.keep();
    store.advance_watermark();
    return Committed{Head{body.revision, commit_hash(bytes)}, true};
}

bool lost_the_swap(const Error& error) {
    return error.code == Code::conflict && error.rule.empty();
}

}  // namespace

Result<Committed> commit_change(VerifiedStore& store, const Identity& signer, const Intent& intent) {
    const auto deadline = Clock::now() + kPatience;
    for (unsigned tries = 0;; ++tries) {
        auto done = attempt(store, signer, intent);
        if (done) {
            // Who tries again for this error would write the value twice.
            if (auto saved = store.persist_watermark(false); !saved)
                return wrap(std::move(saved).error(), "the change is in the store, as revision ",
                            done->head.revision, ", but what this reader remembers of it is not written");
            return done;
        }
        if (!lost_the_swap(done.error())) return done;
        if (Clock::now() >= deadline)
            return fail(Code::conflict, "other writers were first for 30 s; nothing was changed, try again");
        back_off(tries);
    }
}

Result<Principal> signing_principal(const VerifiedStore& store, const Identity& signer) {
    const Principal* principal = store.view().roster().find(signer.id());
    if (!principal)
        return fail(Code::not_allowed, "the identity ", signer.id().hex(),
                    " is no principal of this store; an owner can run `coffer member add`");
    if (!principal->living())
        return fail(Code::not_allowed, principal->name, " was removed from this store at revision ",
                    principal->removed);
    return *principal;
}

}  // namespace coffer
