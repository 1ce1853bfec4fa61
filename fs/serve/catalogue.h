// SPDX-License-Identifier: Apache-2.0
//
// Catalogue: the verified view as the workers need it, in memory: which directories exist, and for every path
// which live version it shows. About 240 bytes a secret. One thread (the store watch) writes, any number
// read; a reader holds the lock for a few look-ups, never across a system call, and what it gets are values
// and texts that stay put.
//
// A secret's number is its place in the order of first appearance in the log; removed ones keep theirs, so
// that the order of a listing and its cookies hold across removals and restarts.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "serve/directory_tree.h"
#include "view/view.h"

namespace coffer {

struct LiveVersion {
    std::uint64_t version = 0, sealed_as = 0, not_after_ms = 0, time_ms = 0;
    Hash payload;
    std::uint32_t padded_len = 0;
    std::uint32_t scope_key = 0;  // its place in the roster
    Visibility visibility = Visibility::masked;
};

// The live version that a path shows.
struct Shown : LiveVersion {
    std::uint32_t secret = 0;
    std::uint8_t level = 0;                      // 0 project+domain, 1 project, 2 domain, 3 org
    std::string_view scope;                      // "acme/checkout/*"
    std::string_view writer;                     // the signer's name
    std::string_view org, project, domain, key;  // of the secret's own name: its scope's are empty for "all"
};

class Catalogue {
  public:
    // --- by the one writer ---

    // Everything that the view has. Code::limit when there is more than the tables can number.
    [[nodiscard]] Result<void> load(View& view);
    // What commits, now in the view, have changed: looked up first, then shown all at once. Gives the
    // names, and the payloads that no path shows any more.
    struct Applied {
        std::vector<SecretName> changed;
        std::vector<Hash> dropped;
    };
    [[nodiscard]] Result<Applied> apply(View& view, std::span<const CommitBody> commits);
    // The place of a path that is no secret's, so that its names are known.
    [[nodiscard]] Result<Place> intern(const SecretName& path);

    // --- by anybody, at any time ---

    [[nodiscard]] std::string_view text(NameId name) const { return names_.text(name); }
    // The names of a path by their texts; an unknown name gives kNoName.
    [[nodiscard]] NameId find_name(std::string_view text) const;
    [[nodiscard]] bool exists(const Place& directory) const;
    [[nodiscard]] std::optional<Shown> resolve(const Place& key) const;
    // The secret that this path shows from this level, whatever its live version is; none: nothing ever was
    // there. Of the version only the names of its place are filled in.
    [[nodiscard]] std::optional<Shown> place_at(const Place& key, std::uint8_t level) const;
    // Every directory below the root, and every KEY that a directory shows or has ever shown.
    [[nodiscard]] std::vector<Place> directories() const;
    [[nodiscard]] std::vector<NameId> keys_ever(const Place& directory) const;
    // Names in a directory, from `cookie` (0: from the start), at most `limit` when it holds KEYs.
    [[nodiscard]] std::vector<ListedName> list(const Place& directory, std::uint64_t cookie,
                                               std::size_t limit) const;
    // The directories in which a secret of this scope can be seen.
    [[nodiscard]] std::vector<Place> directories_showing(const Scope& scope) const;
    // Is this version the secret's live one?
    [[nodiscard]] bool is_live(std::uint32_t secret, std::uint64_t version) const;
    // Has this version been taken back (removed or purged) since the daemon started?
    [[nodiscard]] bool is_revoked(std::uint32_t secret, std::uint64_t version) const;
    [[nodiscard]] std::uint64_t revision() const;

    struct Size {
        std::size_t secrets = 0, live = 0, scopes = 0;
    };
    [[nodiscard]] Size size() const;

  private:
    struct Record : LiveVersion {
        std::uint64_t removed_through = 0;  // this version and all before it are taken back
        std::uint32_t scope = 0, writer = 0;
        NameId key = kNoName;
        bool live = false;
    };
    struct ScopeRecord {
        Place place;
        std::string text;
        std::vector<std::uint32_t> secrets;
    };
    struct PlaceHash {
        std::size_t operator()(const Place& place) const;
    };
    using Levels =
        std::array<std::optional<std::uint32_t>, 4>;  // the scope of each level, where there is one

    [[nodiscard]] Result<void> add_roster(const Roster& roster);
    [[nodiscard]] Result<void> store(const Roster& roster, const Secret& secret);
    void note_taken_back(const Operation& operation);
    [[nodiscard]] Result<std::uint32_t> scope_number(const Scope& scope);
    [[nodiscard]] std::optional<std::uint32_t> find_number(const SecretName& name) const;
    [[nodiscard]] Levels levels(const Place& directory) const;
    [[nodiscard]] Shown name_place(std::uint32_t number, std::uint8_t level) const;
    [[nodiscard]] const std::uint32_t* number_of(std::uint32_t scope, NameId key) const;
    [[nodiscard]] bool is_shadowed(const Levels& levels, std::size_t level, NameId key) const;
    [[nodiscard]] std::vector<ListedName> list_keys(const Place& directory, std::uint64_t cookie,
                                                    std::size_t limit) const;

    mutable std::shared_mutex mutex_;  // a leaf: nothing else is locked or called under it; guards all below
    NameTable names_;
    DirectoryTree tree_;
    std::deque<ScopeRecord> scopes_;
    std::unordered_map<Place, std::uint32_t, PlaceHash> scope_numbers_;
    std::deque<Record> records_;
    std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // by scope << 32 | key
    std::deque<std::string> writers_;                           // as in the roster
    std::size_t scope_keys_seen_ = 0;
    std::set<std::pair<std::uint32_t, std::uint64_t>> purged_;  // secret, version
    std::size_t live_ = 0;
    std::uint64_t revision_ = 0;
};

}  // namespace coffer
