// SPDX-License-Identifier: Apache-2.0
#include "change/import.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "change/import_sealer.h"
#include "change/masked_values.h"

namespace coffer {
namespace {

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

// One commit's worth of values, from `start` on; made anew for each try.
class Batch {
  public:
    Batch(VerifiedStore& store, const Identity& signer, const ImportRequest& request, MaskedValues& masked,
          ImportSealer& sealer)
        : store_(store), signer_(signer), request_(request), masked_(masked), sealer_(sealer) {}

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

    // After a batch of new values the next ones are mostly new too, under the same key.
    [[nodiscard]] std::vector<SealJob> guessed_next() const {
        const Visibility visibility = request_.visibility.value_or(Visibility::masked);
        auto key = keys_.find(visibility);
        const bool all_new =
            std::all_of(jobs_.begin(), jobs_.end(), [](const SealJob& job) { return job.version == 1; });
        std::vector<SealJob> out;
        if (jobs_.empty() || !all_new || key == keys_.end()) return out;
        std::size_t bytes = 0;
        for (std::size_t i = after_.looked_at; i < request_.values.size() && out.size() < kMaxOperations;
             ++i) {
            bytes += padded_size(request_.values[i].value.size()) + kPayloadOverhead;
            if (bytes > kDraftPayloads) break;
            out.push_back({&request_.values[i], key->second, visibility, 1, {}, {}});
        }
        return out;
    }

    Result<Draft> sealed() {
        COFFER_CHECK(sealer_.seal(jobs_));
        sealer_.begin(guessed_next());
        for (SealJob& job : jobs_) {
            draft_.operations.emplace_back(std::move(job.put));
            draft_.payloads.push_back(std::move(job.payload));
        }
        return std::move(draft_);
    }

    VerifiedStore& store_;
    const Identity& signer_;
    const ImportRequest& request_;
    MaskedValues& masked_;
    ImportSealer& sealer_;
    std::map<Visibility, SealingKey> keys_;
    std::vector<SealJob> jobs_;
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
    ImportSealer sealer(store.view().pin().store, request.scope);
    ImportOutcome outcome;
    outcome.committed.head = store.view().head();
    while (outcome.looked_at < request.values.size()) {
        ImportOutcome after;
        COFFER_TRY(after.committed,
                   commit_change(store, signer, [&](VerifiedStore& current) -> Result<Draft> {
                       Batch batch(current, signer, request, masked, sealer);
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
