// SPDX-License-Identifier: Apache-2.0
#include "view/verified_store.h"

#include "keys/seal.h"

namespace coffer {
namespace {

constexpr std::size_t kBatch = 1000;
constexpr std::chrono::milliseconds kPersistInterval{100};

ByteView watermark_key(const StoreOptions& options) {
    return options.watermark_identity ? options.watermark_identity->watermark_key() : ByteView{};
}

Failure rolled_back(const Head& believed, const Head& found, const std::optional<Alarm>& alarm) {
    std::string why =
        alarm ? concat("; revision ", alarm->revision, " does not verify: ", alarm->error.message) : "";
    return refuse(Code::tampered, "store.rollback", "the log ends at revision ", found.revision, " (",
                  found.hash.hex(), "), but this reader has believed revision ", believed.revision, " (",
                  believed.hash.hex(), ')', why,
                  ". Put the newer store back; after restoring an old backup on purpose run `coffer verify"
                  " --accept-rollback ",
                  found.revision, ':', found.hash.hex(), '`');
}

}  // namespace

Error unreadable_log(Error error) {
    if (error.rule.empty()) error.rule = "store.unreadable";
    return error;
}

VerifiedStore::VerifiedStore(std::unique_ptr<Backend> backend, View view, StoreOptions options)
    : backend_(std::move(backend)), view_(std::move(view)), options_(std::move(options)) {}

Result<VerifiedStore> VerifiedStore::open(std::unique_ptr<Backend> backend, StoreOptions options) {
    const bool kept = !options.state_dir.empty();
    COFFER_TRY(auto view,
               kept ? View::open(options.state_dir / kViewFile, options.pin) : View::in_memory(options.pin));
    std::optional<Watermark> mark;
    if (kept) {
        COFFER_TRY(mark, Watermark::load(options.state_dir / kWatermarkFile, watermark_key(options)));
    }
    const std::uint64_t persisted = mark ? mark->head.revision : 0;
    if (!mark) mark = options.seed;
    if (mark && mark->pin != options.pin)
        return fail(Code::tampered, "the watermark is of store ", mark->pin.store.hex(),
                    ", the configuration names ", options.pin.store.hex());
    // The view was believed too, and may be ahead of a watermark that a crash left low.
    Head believed = mark ? mark->head : Head{};
    if (view.head().revision > believed.revision) believed = view.head();

    VerifiedStore store(std::move(backend), std::move(view), std::move(options));
    store.watermark_ = Watermark{store.options_.pin, believed};
    store.persisted_revision_ = persisted;
    COFFER_CHECK(store.rebuild_if_forked());
    COFFER_CHECK(store.catch_up());
    if (store.view_.head().revision < believed.revision)
        return rolled_back(believed, store.view_.head(), store.alarm_);
    COFFER_CHECK(store.persist_watermark(true));
    return store;
}

// The stored commit at the view's head must be the one that the view has; else everything is verified anew.
Result<void> VerifiedStore::rebuild_if_forked() {
    const Head& head = view_.head();
    if (head.revision == 0) return {};
    COFFER_TRY(auto stored, backend_->read(head.revision, 1));
    bool same =
        !stored.empty() && stored[0].revision == head.revision && commit_hash(stored[0].bytes) == head.hash;
    if (same) return {};
    // The view is evidence of what was believed; it is emptied only once the watermark says so too.
    COFFER_CHECK(persist_watermark(true));
    return view_.clear();
}

Result<void> VerifiedStore::catch_up(const Applied& applied) {
    COFFER_CHECK(view_.refresh());
    auto head = backend_->head();
    if (!head && head.error().code != Code::tampered) return tl::make_unexpected(std::move(head).error());
    const Head& mine = view_.head();
    alarm_.reset();
    if (head &&
        (head->revision < mine.revision || (head->revision == mine.revision && head->hash != mine.hash))) {
        auto error = rolled_back(mine, *head, std::nullopt).value();
        alarm_ = Alarm{std::min(head->revision, mine.revision), std::move(error)};
        return {};
    }
    if (!head || view_.head().revision < head->revision) COFFER_CHECK(backend_->settle());
    while (!alarm_ && (!head || view_.head().revision < head->revision)) COFFER_CHECK(ingest_batch(applied));
    if (!head) alarm_ = Alarm{view_.head().revision + 1, unreadable_log(std::move(head).error())};
    advance_watermark();
    return {};
}

Result<void> VerifiedStore::ingest_batch(const Applied& applied) {
    auto read = backend_->read(view_.head().revision + 1, kBatch);
    if (!read && read.error().code == Code::tampered) {
        alarm_ = Alarm{view_.head().revision + 1, unreadable_log(std::move(read).error())};
        return {};
    }
    COFFER_TRY(auto commits, std::move(read));
    // The head said that there is more: a hole in the file is a tail that does not verify.
    if (commits.empty()) alarm_ = Alarm{view_.head().revision + 1, missing_commit().value()};
    std::vector<CommitBody> bodies;
    COFFER_TRY(auto refused, view_.fold(
                                 commits, [this](const auto& commit) { return check_watermark(commit); },
                                 applied ? &bodies : nullptr));
    if (refused) alarm_ = Alarm{view_.head().revision + 1, *std::move(refused)};
    for (const CommitBody& body : bodies) applied(body);
    return {};
}

// On the way past the watermark's revision, the commit there must be the one that was believed.
Result<void> VerifiedStore::check_watermark(const StoredCommit& next) const {
    if (!watermark_ || watermark_->head.revision != view_.head().revision + 1 ||
        commit_hash(next.bytes) == watermark_->head.hash)
        return {};
    return refuse(Code::tampered, "store.fork", "it is not the revision that this reader has believed");
}

void VerifiedStore::advance_watermark() {
    if (!watermark_ || view_.head().revision > watermark_->head.revision)
        watermark_ = Watermark{options_.pin, view_.head()};
}

Result<void> VerifiedStore::persist_watermark(bool now) {
    if (options_.state_dir.empty() || !watermark_ || watermark_->head.revision <= persisted_revision_)
        return {};
    auto time = std::chrono::steady_clock::now();
    if (!now && time - persisted_at_ < kPersistInterval) return {};
    COFFER_CHECK(watermark_->save(options_.state_dir / kWatermarkFile, watermark_key(options_)));
    persisted_revision_ = watermark_->head.revision;
    persisted_at_ = time;
    return {};
}

Result<void> VerifiedStore::accept_rollback(Backend& backend, const StoreOptions& options, const Head& head) {
    COFFER_TRY(auto commits, backend.read(head.revision, 1));
    if (head.revision == 0 || commits.empty() || commits[0].revision != head.revision)
        return fail(Code::not_found, "the store has no revision ", head.revision);
    Hash found = commit_hash(commits[0].bytes);
    if (found != head.hash)
        return fail(Code::conflict, "revision ", head.revision, " of the store is ", found.hex(), ", not ",
                    head.hash.hex());
    COFFER_TRY(auto view, View::open(options.state_dir / kViewFile, options.pin));
    COFFER_CHECK(view.clear());
    return Watermark{options.pin, head}.save(options.state_dir / kWatermarkFile, watermark_key(options));
}

Result<Bytes> VerifiedStore::payload(const Version& version) {
    if (version.change == Change::removal)
        return fail(Code::not_found, "version ", version.version, " is a removal");
    if (version.purged) return fail(Code::revoked, "version ", version.version, " was purged");
    auto payload = backend_->payload(version.payload);
    if (!payload && payload.error().code == Code::not_found)
        return refuse(Code::tampered, "payload.missing", "the payload of version ", version.version,
                      " is missing from the store and was never purged");
    if (!payload) return payload;
    if (payload_hash(*payload) != version.payload || payload->size() != version.padded_len + kPayloadOverhead)
        return refuse(Code::tampered, "payload.hash", "the payload of version ", version.version,
                      " was changed in the store");
    return payload;
}

Result<SecretBuffer> VerifiedStore::scope_key(const Identity& identity, const ScopeKeyId& id) {
    const ScopeKey* key = view_.roster().scope_key(id);
    if (!key) return fail(Code::not_found, "no scope key ", id.hex());
    COFFER_TRY(auto grants, view_.grants_of(id, identity.id()));
    for (const GrantRecord& grant : grants) {
        auto opened = identity.unseal_scope_key(grant.sealed);
        if (opened && is_key_pair(opened->view(), key->public_half)) return opened;
    }
    return fail(Code::no_key, "this identity holds no ", to_text(key->visibility), " key of ",
                key->scope.text(), " (generation ", key->generation,
                grants.empty() ? "): no grant" : "): no grant to it opens");
}

}  // namespace coffer
