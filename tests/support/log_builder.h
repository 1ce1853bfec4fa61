// SPDX-License-Identifier: Apache-2.0
//
// LogBuilder: a log made by hand, commit by commit, through the same verification as every reader's, so that
// a test can try what no tool of the project would sign. Always the same bytes: identities, scope keys and
// times are numbered. Grants carry no real sealed key, for replay cannot look into them.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "keys/hash.h"
#include "log/commit.h"
#include "view/view.h"

namespace coffer::test {

// Identity number `number`, 1 to 255.
inline Identity numbered_identity(std::uint8_t number) {
    Bytes seed(32, number);
    return Identity::from_seed(SecretBuffer::take(seed).value()).value();
}

inline PrincipalAdd add(const Identity& who, std::string name, Role role, std::string_view pattern) {
    return {std::move(name), role, Pattern::parse(pattern).value(), who.recipient()};
}
inline PrincipalRemove drop(const Identity& who) {
    return {who.id()};
}
// Scope key number `number`, 1 to 99: its id and public half.
inline ScopeKeyAdd scope_key(std::uint8_t number, std::string_view scope, Visibility visibility,
                             std::uint32_t generation = 1) {
    ScopeKeyId id;
    id.bytes.fill(number);
    auto half = numbered_identity(static_cast<std::uint8_t>(100 + number)).recipient().sealing;
    return {id, Scope::parse(scope).value(), visibility, generation, half};
}
inline Grant grant(const ScopeKeyAdd& key, const Identity& who) {
    return {key.id, who.id(), {}};
}
inline Put put(const ScopeKeyAdd& key, std::string_view name, std::uint64_t version) {
    std::string label = concat(key.id.hex(), ' ', name, ' ', version);
    return {key.id, std::string(name), version, version, 0, hash256("", {as_bytes(label)}), 64};
}
// The put that makes `original` live again as `version`.
inline Put restore(Put original, std::uint64_t version) {
    original.version = version;
    return original;
}
inline Remove removal(std::string_view name, std::uint64_t version) {
    return {SecretName::parse(name).value(), version};
}
inline Purge purge(std::string_view name, std::uint64_t version) {
    return {SecretName::parse(name).value(), version};
}

class LogBuilder {
  public:
    // Revision 1: the owner, and nobody else.
    LogBuilder() : LogBuilder(numbered_store(0xa0)) {
        commit(owner, {add(owner, "owner", Role::owner, "*/*/*")});
    }
    // No revision at all.
    static LogBuilder empty() { return LogBuilder(numbered_store(0xa0)); }
    explicit LogBuilder(const StoreId& id) : store(id), view(value(View::in_memory({store, owner.id()}))) {}
    static StoreId numbered_store(std::uint8_t first) {
        StoreId id;
        for (std::uint8_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(first + i);
        return id;
    }

    // The next commit, right in everything but what its operations say.
    [[nodiscard]] CommitBody body(std::vector<Operation> operations) const {
        const Head& head = view.head();
        return {store, head.revision + 1, head.hash, 1'700'000'000'000 + head.revision,
                std::move(operations)};
    }
    [[nodiscard]] static Bytes sign(const CommitBody& body, const Identity& signer) {
        return value(sign_commit(body, signer));
    }
    // Any bytes as a body, under a signature that holds: what a principal with a program of its own may
    // write.
    [[nodiscard]] static Bytes sign_bytes(ByteView body, const Identity& signer) {
        ByteWriter message;
        message.raw(as_bytes("coffer/commit-sign/1"));
        message.u16(1);
        message.fixed(signer.recipient().signing);
        message.raw(body);
        ByteWriter out;
        out.raw(as_bytes("CFRC"));
        out.u16(1);
        out.fixed(signer.recipient().signing);
        out.fixed(signer.sign(message.bytes()));
        out.lp(body);
        return out.take();
    }

    // The rule by which the commit is refused; empty when it was accepted, and is then part of the log.
    std::string try_commit(const Bytes& commit) {
        auto update = value(view.begin());
        const Head before = view.head();
        auto applied = update.apply(commit);
        if (!applied) {
            if (view.head() != before) throw std::logic_error("a refused commit moved the head");
            return applied.error().rule.empty() ? "(no rule) " + applied.error().message
                                                : std::string(applied.error().rule);
        }
        if (auto kept = update.keep(); !kept) throw std::runtime_error(kept.error().message);
        commits.push_back(commit);
        return {};
    }
    std::string try_commit(const Identity& signer, std::vector<Operation> operations) {
        return try_commit(sign(body(std::move(operations)), signer));
    }
    // Must be accepted.
    void commit(const Identity& signer, std::vector<Operation> operations) {
        if (auto rule = try_commit(signer, std::move(operations)); !rule.empty())
            throw std::runtime_error("a commit that the test builds on is refused: " + rule);
    }

    Identity owner = numbered_identity(1);
    StoreId store;
    View view;
    std::vector<Bytes> commits;  // what was accepted

  private:
    template <class T>
    static T value(Result<T> result) {
        if (!result) throw std::runtime_error(result.error().message);
        return *std::move(result);
    }
};

}  // namespace coffer::test
