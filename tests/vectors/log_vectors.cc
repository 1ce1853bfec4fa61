// SPDX-License-Identifier: Apache-2.0
#include "vectors/log_vectors.h"

#include "support/team.h"
#include "vectors/commit_json.h"
#include "vectors/vector_file.h"
#include "view/resolve.h"

namespace coffer::test {
namespace {

constexpr auto kMasked = Visibility::masked;
constexpr auto kRestricted = Visibility::restricted;
const std::string kName = std::string(kTeamScope) + "/DB_PASSWORD";

class Writer {
  public:
    explicit Writer(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // The log as it stands, then `last`, which breaks `rule`.
    void refuse(const std::string& rule, LogBuilder& log, const Bytes& last, const std::string& comment) {
        auto before = log.commits;
        auto found = log.try_commit(last);
        if (found != rule) throw std::runtime_error(comment + ": expected " + rule + ", found " + found);
        VectorFile file = begin(comment, "refuse " + rule, log);
        for (const Bytes& commit : before) add_commit(file, commit, false);
        add_commit(file, last, true);
        file.write(folder_ / ("log-refuse-" + numbered(rule) + ".vector"));
    }
    void refuse(const std::string& rule, LogBuilder& log, const Identity& signer,
                std::vector<Operation> operations, const std::string& comment) {
        refuse(rule, log, LogBuilder::sign(log.body(std::move(operations)), signer), comment);
    }
    void refuse(const std::string& rule, const Identity& signer, std::vector<Operation> operations,
                const std::string& comment) {
        Team team;
        refuse(rule, team, signer, std::move(operations), comment);
    }

    // The log as it stands, and what these paths show at its end.
    void accept(const std::string& name, LogBuilder& log, const std::string& comment,
                const std::vector<std::array<std::string, 4>>& paths = {}) {
        VectorFile file = begin(comment, "accept", log);
        for (const Bytes& commit : log.commits) add_commit(file, commit, true);
        for (const auto& [org, project, domain, key] : paths) {
            auto shown = resolve(log.view, org, project, domain, key).value();
            file.add("path", concat(org, '/', project, '/', domain, '/', key));
            file.add("shows", shown ? concat(shown->name.text(), ' ', shown->live->version) : "nothing");
        }
        file.write(folder_ / ("log-accept-" + name + ".vector"));
    }

  private:
    static VectorFile begin(const std::string& comment, const std::string& expect, const LogBuilder& log) {
        VectorFile file;
        file.add("comment", comment);
        file.add("kind", "log");
        file.add("expect", expect);
        file.add("store", log.store.hex());
        file.add("owner", log.owner.id().hex());
        return file;
    }
    static void add_commit(VectorFile& file, const Bytes& commit, bool decoded) {
        file.add("commit", to_hex(commit));
        file.add("hash", commit_hash(commit).hex());
        auto envelope = parse_envelope(commit);
        auto body = envelope && decoded ? decode_body(envelope->body) : fail(Code::invalid);
        if (body) file.add("body", commit_json(*body));
    }
    std::string numbered(const std::string& rule) {
        int number = ++seen_[rule];
        return number == 1 ? rule : concat(rule, '-', number);
    }

    std::filesystem::path folder_;
    std::map<std::string, int> seen_;
};

// ---- form: bodies that a principal signed with a program of its own

Bytes body_bytes(const LogBuilder& log, Operation operation) {
    return encode_body(log.body({std::move(operation)}));
}

void write_envelopes(Writer& out) {
    auto good = [](LogBuilder& log) {
        return LogBuilder::sign(log.body({scope_key(1, "acme/*/*", kMasked)}), log.owner);
    };
    auto changed = [&](const std::string& rule, const std::string& comment, auto change) {
        LogBuilder log;
        Bytes commit = good(log);
        change(commit);
        out.refuse(rule, log, commit, comment);
    };
    changed("commit.magic", "another first byte", [](Bytes& commit) { commit[0] = 'c'; });
    changed("commit.magic", "nothing at all", [](Bytes& commit) { commit.clear(); });
    changed("commit.format", "a later format", [](Bytes& commit) { commit[4] = 2; });
    changed("commit.format", "format 257: both bytes count", [](Bytes& commit) { commit[5] = 1; });
    changed("commit.truncated", "the last byte is missing", [](Bytes& commit) { commit.pop_back(); });
    changed("commit.truncated", "it ends within the signature", [](Bytes& commit) { commit.resize(70); });
    changed("commit.truncated", "the body's length points past the end",
            [](Bytes& commit) { commit[105] = 0x7f; });
    changed("commit.trailing-bytes", "a byte behind the body", [](Bytes& commit) { commit.push_back(0); });
    changed("commit.signature", "one bit of the signature", [](Bytes& commit) { commit[38] ^= 1; });
    changed("commit.signature", "one bit of the body", [](Bytes& commit) { commit.back() ^= 1; });
    changed("commit.signature", "an operation count that no parser sees, for the signature comes first",
            [](Bytes& commit) { commit[106 + 64 + 3] = 0xff; });
}

void write_bodies(Writer& out) {
    auto body = [&](const std::string& rule, const std::string& comment, Operation operation, auto change) {
        LogBuilder log;
        Bytes bytes = body_bytes(log, std::move(operation));
        change(bytes);
        out.refuse(rule, log, LogBuilder::sign_bytes(bytes, log.owner), comment);
    };
    auto key = scope_key(1, "acme/*/*", kMasked);
    auto person = add(numbered_identity(2), "alice", Role::admin, "*/*/*");
    constexpr std::size_t kCount = 64, kType = 68, kFields = 73;
    body("commit.truncated", "the body ends within its header", key, [](Bytes& bytes) { bytes.resize(67); });
    body("commit.truncated", "two operations are announced, one is there", key,
         [](Bytes& bytes) { bytes[kCount] = 2; });
    body("commit.truncated", "the fields of an operation are one byte short", key, [](Bytes& bytes) {
        bytes.pop_back();
        bytes[kType + 1] -= 1;
    });
    body("commit.truncated", "a name is longer than the fields", person,
         [](Bytes& bytes) { bytes[kFields + 2] = 1; });
    body("commit.trailing-bytes", "a byte behind the last operation", key,
         [](Bytes& bytes) { bytes.push_back(0); });
    body("commit.trailing-bytes", "a byte behind the fields of an operation", key, [](Bytes& bytes) {
        bytes.push_back(0);
        bytes[kType + 1] += 1;
    });
    body("commit.operation-count", "no operation", key, [](Bytes& bytes) {
        bytes.resize(kType);
        bytes[kCount] = 0;
    });
    body("commit.operation-count", "1,001 operations", key, [](Bytes& bytes) {
        bytes[kCount] = 0xe9;
        bytes[kCount + 1] = 0x03;
    });
    body("commit.operation-type", "type 0", key, [](Bytes& bytes) { bytes[kType] = 0; });
    body("commit.operation-type", "type 8", key, [](Bytes& bytes) { bytes[kType] = 8; });
    body("commit.enum", "role 0", person, [](Bytes& bytes) { bytes[kFields + 9] = 0; });
    body("commit.enum", "role 5", person, [](Bytes& bytes) { bytes[kFields + 9] = 5; });
    body("commit.enum", "visibility 0", key, [](Bytes& bytes) { bytes[kFields + 32] = 0; });
    body("commit.enum", "visibility 3", key, [](Bytes& bytes) { bytes[kFields + 32] = 3; });

    auto same = [](Bytes&) {};
    auto with = [](auto value, auto change) {
        change(value);
        return value;
    };
    body("name.empty", "a scope without an org", with(key, [](auto& op) { op.scope.org = ""; }), same);
    body("name.empty", "a KEY of no bytes", put(key, "", 1), same);
    body("name.too-long", "a principal's name of 65 bytes",
         with(person, [](auto& op) { op.name.assign(65, 'a'); }), same);
    body("name.too-long", "a KEY of 129 bytes", put(key, std::string(129, 'A'), 1), same);
    body("name.first-character", "a project \"..\"", with(key, [](auto& op) { op.scope.project = ".."; }),
         same);
    body("name.first-character", "a KEY that looks like an option", put(key, "-rf", 1), same);
    body("name.character", "a slash in a KEY", put(key, "a/b", 1), same);
    body("name.character", "\"all\" is the empty segment and not a star",
         with(key, [](auto& op) { op.scope.project = "*"; }), same);
    body("name.character", "a KEY that is not ASCII", put(key, "\xc3\xa9", 1), same);
    body("name.character", "a KEY with a NUL", put(key, std::string_view("a\0b", 3), 1), same);
    body("principal-add.public-key", "a sealing key of zeros",
         with(person, [](auto& op) { op.recipient.sealing = {}; }), same);
    body("principal-add.public-key", "a sealing key with its highest bit set",
         with(person, [](auto& op) { op.recipient.sealing.bytes[31] |= 0x80; }), same);
    body("principal-add.public-key", "a signing key of order 2",
         with(person,
              [](auto& op) {
                  op.recipient.signing =
                      SigningPublic::parse("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
                          .value();
              }),
         same);
    body("scope-key.public-key", "a scope key of order 8",
         with(key,
              [](auto& op) {
                  op.public_half =
                      SealingPublic::parse("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
                          .value();
              }),
         same);
    body("put.padded-length", "a padded length of 512",
         with(put(key, "KEY", 1), [](auto& op) { op.padded_len = 512; }), same);
    body("put.padded-length", "a padded length of 0",
         with(put(key, "KEY", 1), [](auto& op) { op.padded_len = 0; }), same);
}

// ---- replay

void write_genesis(Writer& out) {
    auto other = numbered_identity(2);
    auto refused = [&](const std::string& rule, const Identity& signer, std::vector<Operation> operations,
                       const std::string& comment) {
        auto log = LogBuilder::empty();
        out.refuse(rule, log, signer, std::move(operations), comment);
    };
    auto owner = numbered_identity(1);
    refused("genesis.owner", owner, {add(owner, "owner", Role::admin, "*/*/*")},
            "the first principal is no owner");
    refused("genesis.owner", other, {add(owner, "owner", Role::owner, "*/*/*")},
            "the signer adds somebody else");
    refused("genesis.owner", owner, {scope_key(1, "acme/*/*", kMasked)}, "the first operation adds nobody");
    refused("genesis.pinned-owner", other, {add(other, "owner", Role::owner, "*/*/*")},
            "another owner's store");
}

void write_chain(Writer& out) {
    auto changed = [&](const std::string& rule, const std::string& comment, auto change) {
        Team team;
        auto body = team.body({put(team.masked, "OTHER", 1)});
        change(body);
        out.refuse(rule, team, LogBuilder::sign(body, team.owner), comment);
    };
    changed("commit.store", "a commit of another store", [](CommitBody& body) { body.store.bytes[0] ^= 1; });
    changed("commit.revision", "a revision is skipped", [](CommitBody& body) { body.revision += 1; });
    changed("commit.revision", "a revision that is there already",
            [](CommitBody& body) { body.revision -= 1; });
    changed("commit.previous", "another predecessor", [](CommitBody& body) { body.previous.bytes[0] ^= 1; });
    Team team;
    out.refuse("commit.unknown-signer", team.stranger, {put(team.masked, "OTHER", 1)},
               "signed by a stranger");
    team.commit(team.owner, {drop(team.admin)});
    out.refuse("commit.removed-signer", team, team.admin, {removal(kName, 2)},
               "signed by an admin who was removed");
    out.refuse("commit.no-owner", team.owner, {drop(team.owner)}, "the last owner goes");
    std::vector<Operation> large;
    for (int i = 0; i < 16; ++i) {
        auto value = put(team.masked, concat("BIG", i), 1);
        value.padded_len = kMaxPadded;
        large.emplace_back(value);
    }
    out.refuse("commit.payloads-too-large", team.owner, large, "16 values of 1 MiB, each with its padding");
}

void write_principals(Writer& out) {
    Team team;
    out.refuse("principal-add.signer", team.admin, {add(team.stranger, "mallory", Role::host, kTeamScope)},
               "an admin adds a host");
    out.refuse("principal-add.name", team.owner, {add(team.stranger, "alice", Role::host, "*/*/*")},
               "the name of a living principal");
    auto mixed = add(team.stranger, "mixed", Role::host, "*/*/*");
    mixed.recipient.sealing = team.host.recipient().sealing;
    out.refuse("principal-add.key-reused", team.owner, {mixed}, "another principal's sealing key");
    Team later;
    later.commit(later.owner, {drop(later.admin)});
    out.refuse("principal-add.key-reused", later, later.owner,
               {add(later.admin, "alice", Role::admin, "*/*/*")}, "a removed principal comes back");
    out.refuse("principal-add.owner-pattern", team.owner,
               {add(team.stranger, "second", Role::owner, "acme/*/*")}, "an owner of one org");
    out.refuse("principal-remove.signer", team.editor, {drop(team.admin)}, "an editor removes an admin");
    out.refuse("principal-remove.principal", team.owner, {drop(team.stranger)}, "nobody of that id");
    out.refuse("principal-remove.principal", team.owner, {drop(team.admin), drop(team.admin)},
               "removed twice");
}

void write_scope_keys(Writer& out) {
    Team team;
    out.refuse("scope-key.signer", team.admin, {scope_key(10, kTeamScope, kRestricted, 2)},
               "an admin starts a generation of a restricted key");
    out.refuse("scope-key.signer", team.admin, {scope_key(10, "acme/*/production", kMasked)},
               "an admin makes a key of a scope wider than its pattern");
    out.refuse("scope-key.signer", team.editor, {scope_key(10, kTeamScope, kMasked, 2)},
               "an editor makes a key");
    auto again = scope_key(1, "acme/billing/*", kMasked);
    out.refuse("scope-key.id-reused", team.owner, {again}, "an id that was used");
    again.id.bytes.fill(77);
    out.refuse("scope-key.key-reused", team.owner, {again}, "a public half that was used");
    out.refuse("scope-key.generation", team.owner, {scope_key(10, kTeamScope, kMasked, 1)},
               "the generation that is there");
    out.refuse("scope-key.generation", team.owner, {scope_key(10, "acme/billing/*", kMasked, 2)},
               "the first generation of a scope is 1");
    out.refuse("grant.scope-key", team.owner, {grant(scope_key(10, kTeamScope, kMasked), team.host)},
               "a scope key that there is not");
    out.refuse("grant.signer", team.admin, {grant(team.restricted, team.host)},
               "an admin grants a restricted key");
    out.refuse("grant.principal", team.owner, {grant(team.masked, team.stranger)}, "a grant to a stranger");
    out.refuse("grant.entitlement", team.owner, {grant(team.restricted, team.admin)},
               "an admin is granted a restricted key, be it by an owner");
    out.refuse("grant.entitlement", team.owner, {grant(team.masked, team.staging)},
               "a host of staging is granted a key of production");
    auto wide = scope_key(10, "acme/*/*", kMasked);
    out.refuse("grant.entitlement", team.owner, {wide, grant(wide, team.editor)},
               "an editor of a project is granted a key of the whole org");
}

void write_puts(Writer& out) {
    Team team;
    auto sealed_as = [&](std::uint64_t value) {
        auto op = put(team.masked, "DB_PASSWORD", 2);
        op.sealed_as = value;
        return op;
    };
    out.refuse("put.scope-key", team.owner, {put(scope_key(10, kTeamScope, kMasked), "OTHER", 1)},
               "a scope key that there is not");
    out.refuse("put.signer", team.editor, {put(team.masked, "OTHER", 1)}, "an editor puts");
    auto billing = scope_key(10, "acme/billing/*", kMasked);
    Team other;
    other.commit(other.owner, {billing});
    out.refuse("put.signer", other, other.admin, {put(billing, "OTHER", 1)},
               "an admin puts outside its pattern");
    out.refuse("put.visibility", team.owner, {put(team.restricted, "DB_PASSWORD", 2)},
               "masked once, masked for ever");
    out.refuse("put.version", team.owner, {put(team.masked, "DB_PASSWORD", 3)}, "a version is skipped");
    out.refuse("put.version", team.owner, {removal(kName, 2), put(team.masked, "DB_PASSWORD", 2)},
               "a removal consumes a version");
    out.refuse("put.sealed-as", team.owner, {sealed_as(0)}, "sealed as version 0");
    out.refuse("put.sealed-as", team.owner, {sealed_as(3)}, "sealed as a version to come");
    out.refuse("put.generation", team.owner,
               {scope_key(10, kTeamScope, kMasked, 2), put(team.masked, "DB_PASSWORD", 2)},
               "an older generation");
    auto reused = put(team.masked, "OTHER", 1);
    reused.payload = team.value.payload;
    out.refuse("put.payload-reused", team.owner, {reused}, "another secret's payload");
    out.refuse("put.stale-generation", team.owner, {drop(team.host), put(team.masked, "DB_PASSWORD", 2)},
               "somebody who was granted the key is removed");
    Team made;
    auto staging = scope_key(10, "acme/checkout/staging", kMasked);
    made.commit(made.admin, {staging, put(staging, "A", 1)});
    made.commit(made.owner, {drop(made.admin)});
    out.refuse("put.stale-generation", made, made.owner, {put(staging, "A", 2)},
               "the key's maker is removed");
}

void write_restores(Writer& out) {
    Team team;
    auto of_removal = restore(team.value, 3);
    of_removal.sealed_as = 2;
    out.refuse("restore.version", team.owner, {removal(kName, 2), of_removal}, "a removal has no payload");
    auto changed = restore(team.value, 2);
    changed.payload.bytes[0] ^= 1;
    out.refuse("restore.payload", team.owner, {changed}, "another payload than that version's");
    out.refuse("restore.purged", team.owner,
               {put(team.masked, "DB_PASSWORD", 2), purge(kName, 1), restore(team.value, 3)},
               "a purged version");
}

void write_removals(Writer& out) {
    Team team;
    out.refuse("remove.signer", team.host, {removal(kName, 2)}, "a host removes");
    out.refuse("remove.not-live", team.owner, {removal(kName, 2), removal(kName, 3)}, "removed already");
    out.refuse("remove.version", team.owner, {removal(kName, 1)}, "the version that is live");
    out.refuse("purge.signer", team.editor, {purge(kName, 1)}, "an editor purges");
    out.refuse("purge.version", team.owner, {removal(kName, 2), purge(kName, 2)}, "a removal has no payload");
    out.refuse("purge.again", team.owner, {removal(kName, 2), purge(kName, 1), purge(kName, 1)},
               "purged already");
    out.refuse("purge.live", team.owner, {purge(kName, 1)}, "the live version");
    out.refuse("purge.live", team.owner,
               {put(team.masked, "DB_PASSWORD", 2), restore(team.value, 3), purge(kName, 1)},
               "the version that the live one was restored from");
}

// ---- accepted

void write_accepted(Writer& out) {
    LogBuilder first;
    out.accept("genesis", first, "the smallest store: one owner");

    Team team;
    auto rotated = scope_key(10, kTeamScope, kMasked, 2);
    auto late = put(rotated, "DB_PASSWORD", 2);
    late.not_after_ms = 1'800'000'000'000;
    late.padded_len = kMaxPadded;
    team.commit(team.owner, {rotated, grant(rotated, team.owner), grant(rotated, team.admin), late});
    team.commit(team.admin, {restore(team.value, 3)});
    team.commit(team.admin, {removal(kName, 4), purge(kName, 2)});
    team.commit(team.owner, {drop(team.editor)});
    out.accept(
        "every-operation", team, "every operation, by an owner and an admin",
        {{"acme", "checkout", "production", "DB_PASSWORD"}, {"acme", "checkout", "production", "TOKEN"}});

    LogBuilder wide;
    auto org = scope_key(1, "acme/*/*", kMasked), domain = scope_key(2, "acme/*/production", kMasked),
         project = scope_key(3, "acme/checkout/*", kMasked), exact = scope_key(4, kTeamScope, kRestricted);
    wide.commit(wide.owner,
                {org, domain, project, exact, put(org, "A", 1), put(domain, "A", 1), put(project, "A", 1),
                 put(exact, "A", 1), put(org, "B", 1), put(domain, "B", 1), put(project, "B", 1),
                 put(org, "C", 1), put(domain, "C", 1), put(org, "D", 1), put(exact, "E", 1),
                 removal(std::string(kTeamScope) + "/E", 2), put(org, "E", 1)});
    out.accept("paths", wide,
               "the most specific live secret is shown: project and domain, project, domain, org",
               {{"acme", "checkout", "production", "A"},
                {"acme", "checkout", "production", "B"},
                {"acme", "checkout", "production", "C"},
                {"acme", "checkout", "production", "D"},
                {"acme", "checkout", "production", "E"},
                {"acme", "checkout", "staging", "A"},
                {"acme", "billing", "production", "A"},
                {"acme", "billing", "staging", "A"},
                {"acme", "checkout", "production", "F"},
                {"other", "checkout", "production", "A"}});

    Team names;
    auto key = scope_key(
        10, concat(std::string(64, 'o'), '/', std::string(64, 'p'), '/', std::string(64, 'd')), kMasked);
    names.commit(names.owner, {key, put(key, std::string(128, 'K'), 1), put(key, "_.-9z", 1)});
    out.accept("longest-names", names, "names and a KEY of the greatest length");

    Team left;
    auto second = numbered_identity(6);
    left.commit(left.owner, {add(second, "second", Role::owner, "*/*/*")});
    left.commit(left.owner, {drop(left.owner), removal(kName, 2)});
    out.accept("last-commit", left,
               "an owner removes itself and goes on within that commit: rights are those before it");
}

}  // namespace

void write_log_vectors(const std::filesystem::path& folder) {
    Writer out(folder);
    write_accepted(out);
    write_envelopes(out);
    write_bodies(out);
    write_genesis(out);
    write_chain(out);
    write_principals(out);
    write_scope_keys(out);
    write_puts(out);
    write_restores(out);
    write_removals(out);
}

}  // namespace coffer::test
