// SPDX-License-Identifier: Apache-2.0
#include "change/import.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <map>
#include <thread>

#include "change/masked_values.h"
#include "change/sealing_key.h"

namespace coffer {
namespace {

constexpr std::size_t kDraftPayloads = 12u << 20;  // bytes; the rest goes into the next commit
constexpr unsigned kMaxSealers = 8;
constexpr std::size_t kAloneBelow = 32;  // values; for fewer no thread is worth its start

struct Planned : PlannedValue {
    Visibility visibility = Visibility::masked;
};

Failure other_visibility(const SecretName& name, Visibility found, Visibility wanted) {
    return fail(Code::invalid, name.text(), " is ", to_text(found),
                " since its first version, and that is for ever; import it without --visibility, or leave it "
                "out of a ",
                to_text(wanted), " import");
}

Result<Comparison> compare(MaskedValues& masked, const Secret& secret, ByteView value) {
    if (!secret.live) return Comparison::added;
    if (secret.visibility == Visibility::restricted) return Comparison::unknown;
    const Version& live = *secret.live;
    if (live.not_after_ms != 0 || live.padded_len != padded_size(value.size())) return Comparison::changed;
    auto found = masked.value(secret, live);
    if (!found && found.error().code == Code::no_key) return Comparison::unknown;
    if (!found) return Failure(std::move(found).error());
    return found->equals(value) ? Comparison::same : Comparison::changed;
}

// What is to be done with one value, by the view as it is now.
Result<Planned> plan(View& view, MaskedValues& masked, const ImportRequest& request,
                     const ImportedValue& imported) {
    const SecretName name{request.scope, imported.key};
    COFFER_TRY(auto secret, view.find(name));
    Planned out;
    out.version = secret ? secret->last_version + 1 : 1;
    out.visibility = secret ? secret->visibility : request.visibility.value_or(Visibility::masked);
    if (request.visibility && *request.visibility != out.visibility)
        return other_visibility(name, out.visibility, *request.visibility);
    if (!secret) return out;
    COFFER_TRY(out.comparison, compare(masked, *secret, imported.value));
    if (out.comparison == Comparison::same) out.version = secret->live->version;
    return out;
}

struct Job {
    const ImportedValue* imported = nullptr;
    SealingKey key;
    Visibility visibility = Visibility::masked;
    std::uint64_t version = 0;
    Put put;        // made by seal
    Bytes payload;  // made by seal
};

Result<void> seal(const StoreId& store, const Scope& scope, Job& job, SecretBuffer& scratch) {
    const SecretName name{scope, job.imported->key};
    const Hash context = payload_context(store, name, job.visibility, job.version, job.key.id);
    COFFER_TRY(job.payload, seal_payload(job.key.public_half, context, job.imported->value, scratch));
    job.put = Put{job.key.id,
                  name.key,
                  job.version,
                  job.version,
                  0,
                  payload_hash(job.payload),
                  static_cast<std::uint32_t>(job.payload.size() - kPayloadOverhead)};
    return {};
}

Result<void> seal_all(const StoreId& store, const Scope& scope, std::span<Job> jobs) {
    const std::size_t sealers =
        jobs.size() < kAloneBelow ? 1 : std::clamp(std::thread::hardware_concurrency(), 1u, kMaxSealers);
    const auto share = [&](std::size_t first) -> Result<void> {
        SecretBuffer scratch;
        for (std::size_t i = first; i < jobs.size(); i += sealers)
            COFFER_CHECK(seal(store, scope, jobs[i], scratch));
        return {};
    };
    // Futures of std::async wait in their destructors: no thread outlives the jobs.
    std::vector<std::future<Result<void>>> others;
    for (std::size_t i = 1; i < sealers; ++i) others.push_back(std::async(std::launch::async, share, i));
    Result<void> done = share(0);
    for (auto& other : others) {
        if (auto theirs = other.get(); !theirs) done = std::move(theirs);
    }
    return done;
}

// One commit's worth of values, from `start` on; made anew for each try.
class Batch {
  public:
    Batch(VerifiedStore& store, const Identity& signer, const ImportRequest& request, MaskedValues& masked)
        : store_(store), signer_(signer), request_(request), masked_(masked) {}

    Result<Draft> fill(const ImportOutcome& start) {
        after_ = start;
        COFFER_TRY(auto principal, signing_principal(store_, signer_));
        for (; after_.looked_at < request_.values.size(); ++after_.looked_at) {
            const ImportedValue& imported = request_.values[after_.looked_at];
            COFFER_CHECK(check_may_write(principal, {request_.scope, imported.key}));
            COFFER_TRY(auto planned, plan(store_.view(), masked_, request_, imported));
            if (planned.comparison == Comparison::same) {
                ++after_.same;
                continue;
            }
            COFFER_TRY(bool key, have_key(principal, planned.visibility));
            bytes_ += padded_size(imported.value.size()) + kPayloadOverhead;
            if (!key || draft_.operations.size() + jobs_.size() >= kMaxOperations || bytes_ > kDraftPayloads)
                break;
            ++(planned.comparison == Comparison::added ? after_.added : after_.changed);
            jobs_.push_back(
                {&imported, keys_.at(planned.visibility), planned.visibility, planned.version, {}, {}});
        }
        return sealed();
    }
    // The totals once the draft is committed.
    [[nodiscard]] const ImportOutcome& after() const { return after_; }

  private:
    // False: the key has to be made, and there is no room for that in front of what is in the batch.
    Result<bool> have_key(const Principal& principal, Visibility visibility) {
        if (keys_.contains(visibility)) return true;
        std::vector<Operation> making;
        COFFER_TRY(auto key,
                   sealing_key(store_.view().roster(), principal, request_.scope, visibility, making));
        if (!making.empty() && !jobs_.empty()) return false;
        keys_.emplace(visibility, key);
        std::move(making.begin(), making.end(), std::back_inserter(draft_.operations));
        return true;
    }

    Result<Draft> sealed() {
        COFFER_CHECK(seal_all(store_.view().pin().store, request_.scope, jobs_));
        for (Job& job : jobs_) {
            draft_.operations.emplace_back(std::move(job.put));
            draft_.payloads.push_back(std::move(job.payload));
        }
        return std::move(draft_);
    }

    VerifiedStore& store_;
    const Identity& signer_;
    const ImportRequest& request_;
    MaskedValues& masked_;
    std::map<Visibility, SealingKey> keys_;
    std::vector<Job> jobs_;
    std::size_t bytes_ = 0;
    Draft draft_;
    ImportOutcome after_;
};

// Before the first commit, so that nothing is in when it cannot all go in.
Result<void> check_visibility(View& view, const ImportRequest& request) {
    if (!request.visibility) return {};
    std::map<std::string, Visibility> others;
    COFFER_CHECK(view.for_each(request.scope, [&](const Secret& secret) {
        if (secret.visibility != *request.visibility) others.emplace(secret.name.key, secret.visibility);
        return true;
    }));
    for (const ImportedValue& imported : request.values) {
        auto other = others.find(imported.key);
        if (other != others.end())
            return other_visibility({request.scope, imported.key}, other->second, *request.visibility);
    }
    return {};
}

}  // namespace

std::string_view to_text(Comparison comparison) {
    switch (comparison) {
        case Comparison::added:
            return "new";
        case Comparison::changed:
            return "changed";
        case Comparison::same:
            return "same";
        case Comparison::unknown:
            return "unknown";
    }
    return "unknown";
}

Result<std::vector<PlannedValue>> plan_import(VerifiedStore& store, const Identity& signer,
                                              const ImportRequest& request) {
    COFFER_TRY(auto principal, signing_principal(store, signer));
    MaskedValues masked(store, signer);
    std::vector<PlannedValue> out;
    out.reserve(request.values.size());
    for (const ImportedValue& imported : request.values) {
        COFFER_CHECK(check_may_write(principal, {request.scope, imported.key}));
        COFFER_TRY(auto planned, plan(store.view(), masked, request, imported));
        out.push_back(planned);
    }
    return out;
}

Result<ImportOutcome> import_values(VerifiedStore& store, const Identity& signer,
                                    const ImportRequest& request,
                                    const std::function<void(const ImportOutcome&)>& told) {
    COFFER_CHECK(check_visibility(store.view(), request));
    MaskedValues masked(store, signer);
    ImportOutcome outcome;
    outcome.committed.head = store.view().head();
    while (outcome.looked_at < request.values.size()) {
        ImportOutcome after;
        COFFER_TRY(after.committed,
                   commit_change(store, signer, [&](VerifiedStore& current) -> Result<Draft> {
                       Batch batch(current, signer, request, masked);
                       auto draft = batch.fill(outcome);
                       after = batch.after();
                       return draft;
                   }));
        if (after.committed.changed) ++after.commits;
        outcome = after;
        told(outcome);
    }
    return outcome;
}

}  // namespace coffer
