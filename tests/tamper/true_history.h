// SPDX-License-Identifier: Apache-2.0
//
// TrueHistory: a store in which everything has happened that can: each kind of operation, each role, both
// visibilities, generations, restores, removals and purges. Beside the log it keeps what is true at each
// revision, written down from what the test meant and never from what a reader says: the oracle of every
// case in this folder.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support/log_builder.h"
#include "tamper/memory_log.h"

namespace coffer::test {

struct TrueVersion {
    std::uint64_t version = 0;
    Change change = Change::put;
    std::uint64_t revision = 0, sealed_as = 0, not_after_ms = 0;
    PrincipalId signer;
    ScopeKeyId scope_key;
    Hash payload;
    std::string value;
    bool purged = false;
};
struct TrueSecret {
    Visibility visibility = Visibility::masked;
    std::uint64_t live = 0;  // 0: removed
    std::vector<TrueVersion> versions;
};
struct TrueKey {
    Scope scope;
    Visibility visibility = Visibility::masked;
};
struct Truth {
    std::map<std::string, TrueSecret> secrets;  // by full name
    std::set<std::pair<ScopeKeyId, PrincipalId>> granted;
    std::map<PrincipalId, PrincipalAdd> living;
    std::map<ScopeKeyId, TrueKey> keys;
};

struct Person {
    std::string name;
    const Identity* identity;
};

class TrueHistory : public LogBuilder {
  public:
    // Two of them have the same names, people and order of events; ids, keys and payloads differ.
    explicit TrueHistory(std::uint8_t store_number = 0xa0);

    [[nodiscard]] std::uint64_t last() const { return commits.size(); }
    // What is true after revision `revision`; 0: nothing.
    [[nodiscard]] const Truth& at(std::uint64_t revision) const { return truths_[revision]; }
    [[nodiscard]] Head head_at(std::uint64_t revision) const {
        return revision == 0 ? Head{} : Head{revision, commit_hash(commits[revision - 1])};
    }
    [[nodiscard]] Pin pin() const { return {store, owner.id()}; }
    // Whether this payload is purged at the end.
    [[nodiscard]] bool is_purged(const Hash& payload) const { return purged_.contains(payload); }
    // The whole log, for somebody to change.
    [[nodiscard]] std::shared_ptr<StoredRows> rows() const;
    // The first revision at which these rows are not this history's; one behind the shorter where they agree.
    [[nodiscard]] std::uint64_t first_difference(const std::vector<StoredCommit>& rows) const;
    [[nodiscard]] const Identity& signer_of(std::uint64_t revision) const { return *signers_[revision - 1]; }
    // Everybody who tries to read, with a stranger.
    [[nodiscard]] const std::vector<Person>& people() const { return people_; }
    // May this person sign these operations as the revision after `revision`, by the table of
    // docs/store-format.md, "Who may sign what"?
    [[nodiscard]] bool may_sign(const Identity& who, const std::vector<Operation>& operations,
                                std::uint64_t revision) const;

    Identity admin = numbered_identity(2);    // alice, of acme/checkout/*
    Identity editor = numbered_identity(3);   // eve, of acme/checkout/*
    Identity host = numbered_identity(4);     // web1, of acme/*/production
    Identity staging = numbered_identity(5);  // web2, a host of acme/*/staging
    Identity outside = numbered_identity(6);  // oscar, admin of acme/billing/*
    Identity removed = numbered_identity(7);  // rita, admin of acme/*/*, who is removed in the middle
    Identity second = numbered_identity(8);   // opal, an owner who is removed later
    Identity stranger = numbered_identity(9);
    Identity late = numbered_identity(10);  // web3, a host that comes late

    // The same payloads by their hash, purged ones too.
    std::map<Hash, Bytes> payloads;

    // ---- to go on with
    using Operations = std::vector<Operation>;
    // The next generation of a scope key, granted to all who are entitled as of the last revision, and to
    // `also`.
    Operations new_key(std::string_view scope, Visibility visibility,
                       const std::vector<const Identity*>& also = {});
    // A fresh put under the newest key of this scope and visibility.
    Operation fresh(std::string_view name, Visibility visibility, std::size_t size = 40,
                    std::uint64_t not_after_ms = 0);
    Operation restored(std::string_view name, std::uint64_t version) const;
    Operation removed_now(std::string_view name) const;
    // A grant of the key that is what it should be.
    Operation granted(const ScopeKeyId& key, const Identity& who) const;
    void step(const Identity& signer, Operations operations);
    [[nodiscard]] const ScopeKeyAdd& newest(std::string_view scope, Visibility visibility) const;
    [[nodiscard]] ByteView private_half(const ScopeKeyId& key) const {
        return private_halves_.at(key).private_half.view();
    }

  private:
    void tell_beginning();
    void tell_removals();
    void tell_end();
    void apply(Truth& truth, const Operation& operation, const Identity& signer);
    [[nodiscard]] std::uint64_t next_version(const std::string& name) const;

    std::vector<Truth> truths_;
    std::vector<const Identity*> signers_;
    std::vector<Person> people_;
    std::map<ScopeKeyId, ScopeKeyPair> private_halves_;
    std::map<std::pair<std::string, Visibility>, ScopeKeyAdd> newest_;
    std::map<Hash, std::string> values_;  // by payload
    std::set<Hash> purged_;
};

}  // namespace coffer::test
