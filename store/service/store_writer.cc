// SPDX-License-Identifier: Apache-2.0
#include "service/store_writer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/descriptor.h"
#include "base/trusted_path.h"
#include "keys/seal.h"
#include "service/stored_protocol.h"

namespace coffer {
namespace {

// Short, for everybody waits meanwhile. Nobody but root and who serves the file can hold its locks for long.
constexpr std::chrono::milliseconds kPatience{250};
constexpr std::size_t kReadAtOnce = 8;

// Whose store a first commit founds. The rules that it has to keep are looked at when it is folded.
Result<Pin> pin_of(ByteView first_commit) {
    COFFER_TRY(auto envelope, parse_envelope(first_commit));
    if (!signature_holds(envelope))
        return refuse(Code::tampered, "commit.signature", "the signature does not hold");
    COFFER_TRY(auto body, decode_body(envelope.body));
    const auto* first = std::get_if<PrincipalAdd>(&body.operations[0]);
    if (!first) return refuse(Code::tampered, "genesis.owner", "revision 1 must begin by adding its signer");
    return Pin{body.store, first->recipient.id()};
}

// Exactly the payloads that the commit's fresh puts name: one too few would be damage, one too many a place
// to put what nobody signed.
Result<void> check_payloads(const CommitBody& body, std::span<const Bytes> payloads) {
    std::vector<std::pair<Hash, std::size_t>> named, given;
    for (const Operation& operation : body.operations) {
        const auto* put = std::get_if<Put>(&operation);
        if (put && put->sealed_as == put->version)
            named.emplace_back(put->payload, put->padded_len + kPayloadOverhead);
    }
    given.reserve(payloads.size());
    for (const Bytes& payload : payloads) given.emplace_back(payload_hash(payload), payload.size());
    std::ranges::sort(named);
    std::ranges::sort(given);
    if (named == given) return {};
    for (const auto& [hash, size] : named) {
        if (!std::ranges::binary_search(given, std::pair{hash, size}))
            return refuse(Code::tampered, "payload.missing", "the commit puts the payload ", hash.hex(),
                          " of ", size, " bytes, which did not come with it");
    }
    return refuse(Code::tampered, "payload.hash", "expected the ", named.size(),
                  " payloads that the commit puts, found ", given.size(), ", among them others");
}

// What readers of the file's group need, whatever put the file there.
void keep_modes(const std::filesystem::path& path) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
        const std::string file = path.string() + suffix;
        struct stat status {};
        if (::lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid())
            (void)::chmod(file.c_str(), 0640);
    }
}

Result<void> make_folder(const std::filesystem::path& folder, mode_t mode) {
    if (::mkdir(folder.c_str(), mode) == 0 || errno == EEXIST) return {};
    return fail(Code::unavailable, "making the folder ", folder.string(), ": ", errno_text());
}

}  // namespace

StoreWriter::StoreWriter(std::filesystem::path path, std::filesystem::path state,
                         std::unique_ptr<SqliteLog> log)
    : path_(std::move(path)), state_(std::move(state)), log_(std::move(log)) {}

Result<void> StoreWriter::make_folders(const std::filesystem::path& store,
                                       const std::filesystem::path& state) {
    COFFER_CHECK(make_folder(store.parent_path(), 0750));
    return make_folder(state, 0700);
}

Result<std::unique_ptr<StoreWriter>> StoreWriter::open(const std::filesystem::path& store,
                                                       const std::filesystem::path& state) {
    COFFER_CHECK(make_folders(store, state));
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(store, ignored)))
        COFFER_CHECK(SqliteLog::create(store));
    keep_modes(store);
    COFFER_CHECK(SqliteLog::check_closed_to_others(store));
    std::unique_ptr<StoreWriter> writer(new StoreWriter(store, state, nullptr));
    COFFER_TRY(writer->log_, writer->open_log());
    COFFER_CHECK(check_folders_above(state / kWatermarkFile));
    COFFER_CHECK(writer->log_->head());  // a first look makes -wal and -shm where a backup came without them
    keep_modes(store);
    COFFER_TRY(auto pin, writer->find_pin());
    if (pin) COFFER_CHECK(writer->follow(*pin));
    return writer;
}

Result<std::unique_ptr<SqliteLog>> StoreWriter::open_log() const {
    COFFER_TRY(auto log, SqliteLog::open(path_));
    log->set_patience(kPatience);
    return log;
}

Result<std::optional<Pin>> StoreWriter::find_pin() {
    COFFER_TRY(auto mark, Watermark::load(state_ / kWatermarkFile, {}));
    if (mark) return mark->pin;
    COFFER_TRY(auto first, log_->read(1, 1));
    if (first.empty()) return std::nullopt;
    auto pin = pin_of(first[0].bytes);
    if (!pin) return wrap(std::move(pin).error(), "the first commit of ", path_.string());
    return *pin;
}

Result<void> StoreWriter::follow(const Pin& pin) {
    COFFER_TRY(auto log, open_log());
    StoreOptions options;
    options.state_dir = state_;
    options.pin = pin;
    auto store = VerifiedStore::open(std::move(log), std::move(options));
    if (!store && store.error().code == Code::tampered)
        return fail(Code::tampered, path_.string(),
                    " is not the store that was written here: ", store.error().message,
                    ". For coffer-stored that is done by removing ", state_.string());
    if (!store) return tl::make_unexpected(std::move(store).error());
    store_.emplace(*std::move(store));
    return {};
}

Result<std::vector<StoredCommit>> StoreWriter::read(std::uint64_t from, std::size_t limit) {
    std::vector<StoredCommit> out;
    std::size_t bytes = 0;
    while (out.size() < limit && bytes < kPageBytes) {
        const std::size_t wanted = std::min(kReadAtOnce, limit - out.size());
        COFFER_TRY(auto some, log_->read(from, wanted));
        const bool all = some.size() < wanted;
        for (StoredCommit& commit : some) {
            if (bytes >= kPageBytes) return out;
            bytes += commit.bytes.size();
            from = commit.revision + 1;
            out.push_back(std::move(commit));
        }
        if (all) break;
    }
    return out;
}

Result<std::vector<Hash>> StoreWriter::payload_hashes(const std::optional<Hash>& after) {
    return log_->payload_hashes(after, kMaxPageHashes);
}

Result<void> StoreWriter::check_believable() {
    COFFER_CHECK(store_->catch_up());
    if (!store_->alarm()) return {};
    const Alarm& alarm = *store_->alarm();
    return wrap(alarm.error, "revision ", alarm.revision,
                " of the store does not verify, and nothing is written behind it; stop coffer-stored and run"
                " `coffer verify --repair` as the owner of the file");
}

// The view of a store that is not there yet: this commit makes one if it keeps the rules.
Result<void> StoreWriter::found(ByteView commit, bool may_found) {
    COFFER_TRY(auto pin, find_pin());  // it may have been founded by another program of this user
    if (pin) return follow(*pin);
    if (!may_found)
        return fail(Code::not_allowed,
                    "there is no store yet, and only root makes one: run `coffer init` as root");
    COFFER_TRY(pin, pin_of(commit));
    COFFER_TRY(auto trial, View::in_memory(*pin));
    COFFER_TRY(auto update, trial.begin());
    COFFER_CHECK(update.apply(commit));
    return follow(*pin);
}

Result<void> StoreWriter::append(const Head& expected, ByteView commit, std::span<const Bytes> payloads,
                                 bool may_found) {
    if (!store_) {
        if (expected != Head{})
            return fail(Code::conflict, "the store is empty, expected revision ", expected.revision);
        COFFER_CHECK(found(commit, may_found));
    }
    auto done = append_verified(expected, commit, payloads);
    // Not founded after all: the next first commit may be another's.
    if (!done && store_->view().head().revision == 0) store_.reset();
    return done;
}

Result<void> StoreWriter::append_verified(const Head& expected, ByteView commit,
                                          std::span<const Bytes> payloads) {
    COFFER_CHECK(check_believable());
    COFFER_TRY(auto update, store_->view().begin());
    const Head& head = store_->view().head();
    if (head != expected)
        return fail(Code::conflict, "the store is at revision ", head.revision, ", expected ",
                    expected.revision);
    COFFER_TRY(auto body, update.apply(commit));
    COFFER_CHECK(check_payloads(body, payloads));
    COFFER_CHECK(store_->backend().append(expected, commit, payloads));
    // The commit stands, whatever happens to the view, which would only read it again.
    (void)update.keep();
    store_->advance_watermark();
    (void)store_->persist_watermark(false);
    return {};
}

Result<void> StoreWriter::drop_payload(const Hash& hash) {
    if (!store_) {
        COFFER_TRY(auto pin, find_pin());
        if (!pin) return {};  // an empty store has none
        COFFER_CHECK(follow(*pin));
    }
    COFFER_CHECK(check_believable());
    COFFER_TRY(bool named, store_->view().names_payload(hash));
    if (named)
        return fail(Code::not_allowed, "the payload ", hash.hex(),
                    " belongs to a version that was not purged; run `coffer purge` on it first");
    return store_->backend().drop_payload(hash);
}

Result<void> StoreWriter::persist(bool now) {
    if (!store_) return {};
    return store_->persist_watermark(now);
}

}  // namespace coffer
