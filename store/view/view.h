// SPDX-License-Identifier: Apache-2.0
//
// View: what the log says, verified: principals, scope keys, grants and, for every (scope, KEY), its
// visibility, its versions and the live one; tombstones stay. Kept as an SQLite file in the reader's own 0700
// folder, trusted by ownership, so that a commit's signature is verified once in the life of the file and a
// command costs the same in a store of ten secrets and of a million. One thread at a time; several processes
// may share the file.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "log/backend.h"
#include "log/commit.h"
#include "sqlite/database.h"
#include "view/roster.h"

namespace coffer {

// What a reader is told in advance, by its configuration: which store, and whose.
struct Pin {
    StoreId store;
    PrincipalId owner;  // the fingerprint of the principal who signed revision 1
    bool operator==(const Pin&) const = default;
};

enum class Change : std::uint8_t { put = 1, restore = 2, removal = 3 };
[[nodiscard]] std::string_view to_text(Change change);

struct Version {
    std::uint64_t version = 0;
    Change change = Change::put;
    std::uint64_t revision = 0, time_ms = 0;
    PrincipalId signer;
    // For a put or a restore:
    ScopeKeyId scope_key;
    std::uint64_t sealed_as = 0;
    std::uint64_t not_after_ms = 0;  // 0 = never
    Hash payload;
    std::uint32_t padded_len = 0;
    bool purged = false;
};

struct Secret {
    std::uint64_t number = 0;  // from 1, in order of first appearance in the log
    SecretName name;
    Visibility visibility = Visibility::masked;
    std::uint64_t last_version = 0;
    std::optional<Version> live;  // none: removed
};

struct GrantRecord {
    ScopeKeyId scope_key;
    PrincipalId principal;
    std::uint64_t revision = 0;
    SealedScopeKey sealed;
};

// What a reader says of a revision that the log should have: Code::tampered.
[[nodiscard]] Failure missing_commit();

class View {
  public:
    // Opens or makes the file (its folder is made with mode 0700, and refused when it is not this user's
    // own). A file of another store, of another view format or damaged is made anew, empty.
    [[nodiscard]] static Result<View> open(const std::filesystem::path& path, const Pin& pin);
    [[nodiscard]] static Result<View> in_memory(const Pin& pin);

    [[nodiscard]] const Pin& pin() const { return pin_; }
    [[nodiscard]] const Head& head() const { return head_; }
    [[nodiscard]] const Roster& roster() const { return roster_; }
    // Reads again what another process may have written to the file.
    [[nodiscard]] Result<void> refresh();
    // Empties the view.
    [[nodiscard]] Result<void> clear();

    [[nodiscard]] Result<std::optional<Secret>> find(const SecretName& name);
    [[nodiscard]] Result<std::optional<Version>> version(const SecretName& name, std::uint64_t version);
    [[nodiscard]] Result<std::vector<Version>> history(
        const SecretName& name);  // oldest first; empty: never was
    // Every secret, or those of one scope, removed ones included, in order of first appearance; `visit`
    // returns false to stop.
    [[nodiscard]] Result<void> for_each(const std::optional<Scope>& scope,
                                        const std::function<bool(const Secret&)>& visit);
    // The newest first.
    [[nodiscard]] Result<std::vector<GrantRecord>> grants_to(const PrincipalId& principal);
    [[nodiscard]] Result<std::vector<GrantRecord>> grants_of(const ScopeKeyId& scope_key,
                                                             const PrincipalId& principal);
    // Scope keys that a live put names.
    [[nodiscard]] Result<std::vector<ScopeKeyId>> scope_keys_in_use();
    // Whether a version that was not purged has this payload.
    [[nodiscard]] Result<bool> names_payload(const Hash& payload);
    // The commit_hash of a revision that is in the view.
    [[nodiscard]] Result<std::optional<Hash>> commit_hash_at(std::uint64_t revision);

    // A change of the view: any number of commits, kept together by keep() or undone together. One at a time.
    class Update {
      public:
        ~Update();
        Update(Update&& other) noexcept;
        Update& operator=(Update&&) = delete;
        // Verifies and folds the next commit. On a refusal the error's `rule` names what the commit breaks,
        // and the whole update is undone.
        [[nodiscard]] Result<CommitBody> apply(ByteView commit);
        [[nodiscard]] Result<void> keep();

      private:
        friend class View;
        Update(View* view, SqlTransaction transaction);
        [[nodiscard]] Result<CommitBody> fold(ByteView commit);
        void undo();
        View* view_;
        std::optional<SqlTransaction> transaction_;
        Head head_before_;
        std::optional<Roster> roster_before_;  // only once a commit has changed it
    };
    [[nodiscard]] Result<Update> begin();  // takes the file's write lock, then refreshes

    // Folds commits in their order, but for those that it has, up to the first that is refused, and keeps
    // them. A commit that stands under another number than its own leaves a hole where it belongs: that is
    // missing_commit(). `check`, where there is one, is asked before each, with the view as of the revision
    // before. The bodies of what was folded are then in `bodies`.
    using Check = std::function<Result<void>(const StoredCommit&)>;
    [[nodiscard]] Result<std::optional<Error>> fold(std::span<const StoredCommit> commits, const Check& check,
                                                    std::vector<CommitBody>* bodies = nullptr);

  private:
    friend class Update;
    View(Database database, const Pin& pin) : database_(std::move(database)), pin_(pin) {}
    [[nodiscard]] Result<bool> prepare();
    [[nodiscard]] Result<void> check_next(const StoredCommit& next, const Check& check) const;
    [[nodiscard]] Result<std::pair<Principal, CommitBody>> verify(const CommitEnvelope& envelope) const;
    [[nodiscard]] Result<void> load();
    Database database_;
    Pin pin_;
    Head head_;
    Roster roster_;
};

}  // namespace coffer
