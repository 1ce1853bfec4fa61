// SPDX-License-Identifier: Apache-2.0
#include "view/view.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/descriptor.h"
#include "view/replay.h"
#include "view/view_rows.h"

namespace coffer {
namespace {

constexpr std::uint64_t kApplicationId = 0x43465657;  // "CFVW"
constexpr std::uint64_t kFormat = 1;
constexpr std::uint64_t kLeftLog = 512u << 10;  // what some ten commands write; read in half a millisecond

// The state folder, 0700 and this user's own. Locked while a view is opened or made, so that two first runs
// do not make it twice.
Result<Descriptor> lock_folder(const std::filesystem::path& folder) {
    std::error_code error;
    if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), error);
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return fail(Code::unavailable, "making the state folder ", folder.string(), ": ", errno_text());
    Descriptor held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status {};
    if (!held || fstat(held.get(), &status) != 0)
        return fail(Code::unavailable, "opening the state folder ", folder.string(), ": ", errno_text());
    if (status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return fail(
            Code::not_allowed, "the state folder ", folder.string(),
            " is trusted and must be this user's own with mode 0700; run `chmod 700` on it, or name another"
            " in `state` of the configuration");
    if (flock(held.get(), LOCK_EX) != 0)
        return fail(Code::failed, "locking ", folder.string(), ": ", errno_text());
    return held;
}

void remove_database(const std::filesystem::path& path) {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix, ignored);
}

// At rest a reader keeps 16 MiB of pages. While commits are folded all that they change stays in memory:
// payload hashes lie anywhere in their index, so that its pages would be written, read and written again. A
// million secrets change some 200 MiB.
constexpr std::string_view kSmallCache = "PRAGMA cache_size = -16384";
constexpr std::string_view kLargeCache = "PRAGMA cache_size = -262144";

bool changes_roster(const Operation& operation) {
    return operation.index() <= 2;
}  // principals and scope keys

}  // namespace

std::string_view to_text(Change change) {
    switch (change) {
        case Change::put:
            return "set";
        case Change::restore:
            return "restored";
        case Change::removal:
            return "removed";
    }
    return "unknown";
}

// ---- opening

Result<View> View::open(const std::filesystem::path& path, const Pin& pin) {
    COFFER_TRY(auto folder, lock_folder(path.parent_path()));
    for (bool again : {false, true}) {
        // Made here, for SQLite would make it readable by all; its -wal and -shm follow its mode.
        Descriptor made(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        made.reset();  // before SQLite opens it: closing later would drop SQLite's own locks on the file
        auto database = Database::open(path, OpenMode::create);
        if (database) {
            database->leave_log(kLeftLog);
            View view(std::move(*database), pin);
            auto usable = view.prepare();
            if (usable && *usable) return view;
            if (!usable && usable.error().code != Code::tampered) return tl::make_unexpected(usable.error());
        } else if (database.error().code != Code::tampered) {
            return tl::make_unexpected(database.error());
        }
        if (again) break;
        // Another store's, another format's or damaged: everything in it can be derived again.
        remove_database(path);
    }
    return fail(Code::unavailable, "the view ", path.string(), " cannot be made; remove it and try again");
}

Result<View> View::in_memory(const Pin& pin) {
    COFFER_TRY(auto database, Database::in_memory());
    View view(std::move(database), pin);
    COFFER_TRY(bool usable, view.prepare());
    if (!usable) return fail(Code::failed, "an empty database that is not empty");
    return view;
}

// False: a database that is not this store's view.
Result<bool> View::prepare() {
    COFFER_CHECK(
        database_.execute(concat("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ", kSmallCache)));
    COFFER_TRY(auto application, database_.integer("PRAGMA application_id"));
    COFFER_TRY(auto schema, database_.schema());
    if (application == 0 && schema.empty()) {
        std::string create = ViewRows::schema();
        std::replace(create.begin(), create.end(), '\n', ';');
        COFFER_CHECK(database_.execute(concat("BEGIN IMMEDIATE; PRAGMA application_id = ", kApplicationId,
                                              "; PRAGMA user_version = ", kFormat, "; ", create, "COMMIT")));
        COFFER_CHECK(ViewRows(database_, roster_).write_head(pin_, head_));
        return true;
    }
    COFFER_TRY(auto format, database_.integer("PRAGMA user_version"));
    if (application != kApplicationId || format != kFormat || schema != ViewRows::schema()) return false;
    COFFER_TRY(auto stored, ViewRows(database_, roster_).read_head());
    if (!stored || stored->first != pin_) return false;
    COFFER_CHECK(load());
    return true;
}

Result<void> View::load() {
    ViewRows rows(database_, roster_);
    COFFER_TRY(auto stored, rows.read_head());
    if (!stored || stored->first != pin_)
        return fail(Code::tampered, "the view was changed under this program; run the command again");
    COFFER_TRY(auto roster, rows.read_roster());
    roster_ = std::move(roster);
    head_ = stored->second;
    return {};
}

Result<void> View::refresh() {
    COFFER_TRY(auto stored, ViewRows(database_, roster_).read_head());
    if (stored && stored->first == pin_ && stored->second == head_) return {};
    return load();
}

Result<void> View::clear() {
    COFFER_TRY(auto transaction, SqlTransaction::begin(database_));
    ViewRows rows(database_, roster_);
    COFFER_CHECK(rows.clear());
    COFFER_CHECK(rows.write_head(pin_, Head{}));
    COFFER_CHECK(transaction.commit());
    head_ = {};
    roster_ = {};
    return {};
}

// ---- questions

Result<std::optional<Secret>> View::find(const SecretName& name) {
    ViewRows rows(database_, roster_);
    COFFER_TRY(auto row, rows.secret(name));
    if (!row) return std::nullopt;
    Secret secret{row->number, name, row->visibility, row->last_version, std::nullopt};
    if (row->live_version != 0) {
        COFFER_TRY(secret.live, rows.version(row->number, row->live_version));
    }
    return secret;
}

Result<std::optional<Version>> View::version(const SecretName& name, std::uint64_t version) {
    ViewRows rows(database_, roster_);
    COFFER_TRY(auto row, rows.secret(name));
    if (!row) return std::nullopt;
    return rows.version(row->number, version);
}

Result<std::vector<Version>> View::history(const SecretName& name) {
    ViewRows rows(database_, roster_);
    COFFER_TRY(auto row, rows.secret(name));
    if (!row) return std::vector<Version>{};
    return rows.versions(row->number);
}

Result<void> View::for_each(const std::optional<Scope>& scope,
                            const std::function<bool(const Secret&)>& visit) {
    ViewRows rows(database_, roster_);
    if (!scope) return rows.for_each(std::nullopt, visit);
    auto number = roster_.scope_number(*scope);
    if (!number) return {};
    return rows.for_each(number, visit);
}

Result<std::vector<GrantRecord>> View::grants_to(const PrincipalId& principal) {
    return ViewRows(database_, roster_).grants_to(principal);
}

Result<std::vector<GrantRecord>> View::grants_of(const ScopeKeyId& scope_key, const PrincipalId& principal) {
    return ViewRows(database_, roster_).grants_of(scope_key, principal);
}

Result<std::vector<ScopeKeyId>> View::scope_keys_in_use() {
    return ViewRows(database_, roster_).scope_keys_in_use();
}

Result<bool> View::names_payload(const Hash& payload) {
    return ViewRows(database_, roster_).is_kept(payload);
}

Result<std::optional<Hash>> View::commit_hash_at(std::uint64_t revision) {
    return ViewRows(database_, roster_).commit_hash(revision);
}

// ---- changes

Result<View::Update> View::begin() {
    COFFER_TRY(auto transaction, SqlTransaction::begin(database_));
    COFFER_CHECK(refresh());
    COFFER_CHECK(database_.execute(kLargeCache));
    return Update(this, std::move(transaction));
}

View::Update::Update(View* view, SqlTransaction transaction)
    : view_(view), transaction_(std::move(transaction)), head_before_(view->head_) {}

View::Update::Update(Update&& other) noexcept
    : view_(std::exchange(other.view_, nullptr)),
      transaction_(std::move(other.transaction_)),
      head_before_(other.head_before_),
      roster_before_(std::move(other.roster_before_)) {}

View::Update::~Update() {
    if (!view_) return;
    undo();
    (void)view_->database_.execute(kSmallCache);
}

void View::Update::undo() {
    if (!transaction_) return;
    transaction_.reset();
    view_->head_ = head_before_;
    if (roster_before_) view_->roster_ = *std::move(roster_before_);
}

Result<void> View::Update::keep() {
    if (!transaction_) return fail(Code::failed, "a view's update that was refused cannot be kept");
    COFFER_CHECK(ViewRows(view_->database_, view_->roster_).write_head(view_->pin_, view_->head_));
    COFFER_CHECK(transaction_->commit());
    transaction_.reset();
    return {};
}

// The signer as of the revision before, and the body, which is parsed only under a signature that holds.
Result<std::pair<Principal, CommitBody>> View::verify(const CommitEnvelope& envelope) const {
    const bool genesis = head_.revision == 0;
    const Principal* known = roster_.find_signer(envelope.signer);
    if (!genesis && !known)
        return refuse(Code::tampered, "commit.unknown-signer", "signed by ", envelope.signer.hex(),
                      ", who was never a principal");
    if (!genesis && !known->living())
        return refuse(Code::not_allowed, "commit.removed-signer", "signed by ", known->name,
                      ", who was removed at revision ", known->removed);
    if (!signature_holds(envelope))
        return refuse(Code::tampered, "commit.signature", "the signature does not hold");
    COFFER_TRY(auto body, decode_body(envelope.body));
    if (body.store != pin_.store)
        return refuse(Code::tampered, "commit.store", "of store ", body.store.hex(), ", expected ",
                      pin_.store.hex());
    if (body.revision != head_.revision + 1)
        return refuse(Code::tampered, "commit.revision", "revision ", body.revision, ", expected ",
                      head_.revision + 1);
    if (body.previous != head_.hash)
        return refuse(Code::tampered, "commit.previous", "it follows ", body.previous.hex(),
                      ", but revision ", head_.revision, " is ", head_.hash.hex());
    if (!genesis) return std::pair{*known, std::move(body)};

    const auto* first = std::get_if<PrincipalAdd>(&body.operations[0]);
    if (!first || first->role != Role::owner || first->recipient.signing != envelope.signer)
        return refuse(Code::tampered, "genesis.owner", "revision 1 must begin by adding its signer as owner");
    if (first->recipient.id() != pin_.owner)
        return refuse(Code::tampered, "genesis.pinned-owner", "this store was founded by ",
                      first->recipient.id().hex(), ", the configuration expects the owner ",
                      pin_.owner.hex());
    Principal owner{first->recipient.id(), first->name, Role::owner, {}, first->recipient, 1, 0};
    return std::pair{std::move(owner), std::move(body)};
}

Result<CommitBody> View::Update::apply(ByteView commit) {
    auto body = fold(commit);
    if (!body) undo();
    return body;
}

Result<CommitBody> View::Update::fold(ByteView commit) {
    if (!transaction_) return fail(Code::failed, "a view's update that was refused takes no more");
    COFFER_TRY(auto envelope, parse_envelope(commit));
    COFFER_TRY(auto verified, view_->verify(envelope));
    auto& [signer, body] = verified;
    if (!roster_before_ && std::ranges::any_of(body.operations, changes_roster))
        roster_before_ = view_->roster_;
    ViewRows rows(view_->database_, view_->roster_);
    Head head{body.revision, commit_hash(commit)};
    COFFER_CHECK(rows.add_commit(head, body.time_ms, signer.id));
    COFFER_CHECK(Replay(view_->roster_, rows, std::move(signer), body).run());
    view_->head_ = head;
    return std::move(body);
}

Failure missing_commit() {
    return refuse(Code::tampered, "store.missing-commit", "the commit is missing from the store");
}

Result<void> View::check_next(const StoredCommit& next, const Check& check) const {
    if (next.revision != head_.revision + 1) return missing_commit();
    return check ? check(next) : Result<void>();
}

// Nothing to go back to is kept within an update, which would cost as much as the folding. Where a commit is
// refused, which happens to a log that was tampered with, those before it are folded again.
Result<std::optional<Error>> View::fold(std::span<const StoredCommit> commits, const Check& check,
                                        std::vector<CommitBody>* bodies) {
    std::optional<Error> refused;
    while (!commits.empty()) {
        COFFER_TRY(auto update, begin());
        if (bodies) bodies->clear();
        auto next = commits.begin();
        for (; next != commits.end(); ++next) {
            if (next->revision <= head_.revision) continue;  // another process was quicker
            auto body = check_next(*next, check).and_then([&] { return update.apply(next->bytes); });
            if (!body) {
                refused = std::move(body).error();
                break;
            }
            if (bodies) bodies->push_back(*std::move(body));
        }
        if (next == commits.end()) {
            COFFER_CHECK(update.keep());
            break;
        }
        commits = commits.first(static_cast<std::size_t>(next - commits.begin()));
    }
    return refused;
}

}  // namespace coffer
