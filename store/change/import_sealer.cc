// SPDX-License-Identifier: Apache-2.0
#include "change/import_sealer.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace coffer {
namespace {

constexpr unsigned kMaxSealers = 8;
constexpr std::size_t kAloneBelow = 32;  // values; for fewer no thread is worth its start

Result<void> seal_one(const StoreId& store, const Scope& scope, SealJob& job, SecretBuffer& scratch) {
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

bool is_for(const SealJob& sealed, const SealJob& job) {
    return !sealed.payload.empty() && sealed.key.id == job.key.id && sealed.visibility == job.visibility &&
           sealed.version == job.version;
}

}  // namespace

void ImportSealer::begin(std::vector<SealJob> next) {
    if (next.empty()) return;
    begun_ = std::async(std::launch::async, [this, jobs = std::move(next)]() mutable {
        SecretBuffer scratch;
        for (SealJob& job : jobs) {
            if (!seal_one(store_, scope_, job, scratch)) break;  // told when it is sealed in earnest
        }
        return std::move(jobs);
    });
}

void ImportSealer::take_what_was_begun(std::span<SealJob> jobs) {
    if (!begun_.valid()) return;
    std::vector<SealJob> sealed = begun_.get();
    for (SealJob& job : jobs) {
        const auto place = job.imported - sealed.front().imported;
        if (place < 0 || static_cast<std::size_t>(place) >= sealed.size()) continue;
        SealJob& found = sealed[static_cast<std::size_t>(place)];
        if (!is_for(found, job)) continue;
        job.put = std::move(found.put);
        job.payload = std::move(found.payload);
    }
}

Result<void> ImportSealer::seal(std::span<SealJob> jobs) {
    take_what_was_begun(jobs);
    std::vector<SealJob*> left;
    for (SealJob& job : jobs) {
        if (job.payload.empty()) left.push_back(&job);
    }
    const std::size_t sealers =
        left.size() < kAloneBelow ? 1 : std::clamp(std::thread::hardware_concurrency(), 1u, kMaxSealers);
    const auto share = [&](std::size_t first) -> Result<void> {
        SecretBuffer scratch;
        for (std::size_t i = first; i < left.size(); i += sealers)
            COFFER_CHECK(seal_one(store_, scope_, *left[i], scratch));
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

}  // namespace coffer
