// SPDX-License-Identifier: Apache-2.0
#include "tamper/true_history.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "keys/seal.h"

namespace coffer::test {
namespace {

constexpr std::string_view kShop = "acme/checkout/production", kProject = "acme/checkout/*",
                           kStaging = "acme/*/staging", kAll = "acme/*/*", kBills = "acme/billing/production";
constexpr Visibility kMasked = Visibility::masked, kRestricted = Visibility::restricted;

// Written anew here, from the format's text, so that the oracle shares no line with what it judges.
bool segment_contains(const std::string& pattern, const std::string& scope) {
    return pattern.empty() || pattern == scope;
}
bool pattern_contains(const Pattern& pattern, const Scope& scope) {
    return segment_contains(pattern.org, scope.org) && segment_contains(pattern.project, scope.project) &&
           segment_contains(pattern.domain, scope.domain);
}
bool segment_meets(const std::string& pattern, const std::string& scope) {
    return pattern.empty() || scope.empty() || pattern == scope;
}
bool pattern_meets(const Pattern& pattern, const Scope& scope) {
    return segment_meets(pattern.org, scope.org) && segment_meets(pattern.project, scope.project) &&
           segment_meets(pattern.domain, scope.domain);
}
bool entitled(const PrincipalAdd& person, const Scope& scope, Visibility visibility) {
    if (person.role == Role::owner) return true;
    if (person.role == Role::host) return pattern_meets(person.pattern, scope);
    return visibility == kMasked && pattern_contains(person.pattern, scope);
}

}  // namespace

TrueHistory::TrueHistory(std::uint8_t store_number) : LogBuilder(numbered_store(store_number)) {
    people_ = {{"owner", &owner},       {"alice", &admin},   {"eve", &editor},   {"web1", &host},
               {"web2", &staging},      {"oscar", &outside}, {"rita", &removed}, {"opal", &second},
               {"stranger", &stranger}, {"web3", &late}};
    truths_.emplace_back();
    tell_beginning();
    tell_removals();
    tell_end();
}

void TrueHistory::tell_beginning() {
    step(owner, {add(owner, "owner", Role::owner, "*/*/*")});
    step(owner, {add(admin, "alice", Role::admin, "acme/checkout/*"),
                 add(editor, "eve", Role::editor, "acme/checkout/*"),
                 add(host, "web1", Role::host, "acme/*/production"),
                 add(staging, "web2", Role::host, "acme/*/staging"),
                 add(outside, "oscar", Role::admin, "acme/billing/*")});
    step(owner, {add(removed, "rita", Role::admin, "acme/*/*"), add(second, "opal", Role::owner, "*/*/*")});

    Operations shop = new_key(kShop, kMasked);
    std::ranges::move(new_key(kShop, kRestricted), std::back_inserter(shop));
    shop.push_back(fresh(concat(kShop, "/DB_PASSWORD"), kMasked));
    shop.push_back(fresh(concat(kShop, "/TOKEN"), kRestricted));
    step(owner, std::move(shop));

    Operations project = new_key(kProject, kMasked);
    project.push_back(fresh(concat(kProject, "/PROXY"), kMasked, 0));
    step(admin, std::move(project));
    Operations stage = new_key(kStaging, kMasked);
    stage.push_back(fresh(concat(kStaging, "/SMTP"), kMasked));
    step(second, std::move(stage));
    Operations all = new_key(kAll, kMasked);
    std::ranges::move(new_key(kAll, kRestricted), std::back_inserter(all));
    all.push_back(fresh(concat(kAll, "/DB_PASSWORD"), kMasked, 63));
    all.push_back(fresh(concat(kAll, "/ROOT_KEY"), kRestricted, 200));
    step(owner, std::move(all));

    step(admin, {fresh(concat(kShop, "/DB_PASSWORD"), kMasked)});
    step(admin, {fresh(concat(kShop, "/TOKEN"), kRestricted)});  // which she can never read
    Operations bills = new_key(kBills, kMasked);
    bills.push_back(fresh(concat(kBills, "/INVOICE"), kMasked));
    step(removed, std::move(bills));
}

void TrueHistory::tell_removals() {
    step(admin, {fresh(concat(kShop, "/DB_PASSWORD"), kMasked, 255)});
    step(admin, {restored(concat(kShop, "/DB_PASSWORD"), 1)});
    step(admin, {removed_now(concat(kProject, "/PROXY"))});
    step(admin, {fresh(concat(kProject, "/PROXY"), kMasked, 64, 4'000'000'000'000)});
    step(owner, {purge(concat(kProject, "/PROXY"), 1), purge(concat(kShop, "/DB_PASSWORD"), 2)});
    step(owner, {drop(removed)});
    Operations rotated;
    for (std::string_view scope : {kShop, kProject, kStaging, kAll, kBills})
        std::ranges::move(new_key(scope, kMasked), std::back_inserter(rotated));
    step(owner, std::move(rotated));
    step(outside, {fresh(concat(kBills, "/INVOICE"), kMasked)});
    step(admin, {fresh(concat(kShop, "/DB_PASSWORD"), kMasked), removed_now(concat(kShop, "/TOKEN"))});
    step(admin, {restored(concat(kShop, "/DB_PASSWORD"), 3)});  // of the older generation
}

void TrueHistory::tell_end() {
    Operations coming{add(late, "web3", Role::host, "acme/*/production")};
    for (auto visibility : {kMasked, kRestricted})
        coming.push_back(granted(newest(kShop, visibility).id, late));
    step(second, std::move(coming));
    step(owner, {fresh(concat(kShop, "/CERTIFICATE"), kRestricted, 1500, 4'000'000'000'000),
                 fresh(concat(kShop, "/TOKEN"), kRestricted)});
    step(owner, {drop(second)});
    Operations rotated;
    for (std::string_view scope : {kShop, kAll}) {
        for (auto visibility : {kMasked, kRestricted})
            std::ranges::move(new_key(scope, visibility), std::back_inserter(rotated));
    }
    step(owner, std::move(rotated));
    step(owner,
         {fresh(concat(kShop, "/TOKEN"), kRestricted), fresh(concat(kAll, "/ROOT_KEY"), kRestricted, 256)});
    step(owner, {purge(concat(kShop, "/TOKEN"), 1)});
    step(admin, {fresh(concat(kShop, "/DB_PASSWORD"), kMasked)});
}

// ---- operations

const ScopeKeyAdd& TrueHistory::newest(std::string_view scope, Visibility visibility) const {
    return newest_.at({std::string(scope), visibility});
}

Operation TrueHistory::granted(const ScopeKeyId& key, const Identity& who) const {
    return Grant{key, who.id(), seal_scope_key(private_half(key), who.recipient().sealing).value()};
}

TrueHistory::Operations TrueHistory::new_key(std::string_view scope, Visibility visibility,
                                             const std::vector<const Identity*>& also) {
    auto pair = generate_scope_key().value();
    auto before = newest_.find({std::string(scope), visibility});
    ScopeKeyAdd key{random_fixed<ScopeKeyId>(), Scope::parse(scope).value(), visibility,
                    before == newest_.end() ? 1 : before->second.generation + 1, pair.public_half};
    private_halves_.emplace(key.id, std::move(pair));
    newest_.insert_or_assign({std::string(scope), visibility}, key);
    Operations out{key};
    std::vector<const Identity*> holders = also;
    for (const Person& person : people_) {
        auto living = truths_.back().living.find(person.identity->id());
        if (living != truths_.back().living.end() && entitled(living->second, key.scope, visibility))
            holders.push_back(person.identity);
    }
    for (const Identity* holder : holders) out.push_back(granted(key.id, *holder));
    return out;
}

std::uint64_t TrueHistory::next_version(const std::string& name) const {
    auto secret = truths_.back().secrets.find(name);
    return secret == truths_.back().secrets.end() ? 1 : secret->second.versions.size() + 1;
}

Operation TrueHistory::fresh(std::string_view full_name, Visibility visibility, std::size_t size,
                             std::uint64_t not_after_ms) {
    auto name = SecretName::parse(full_name).value();
    const ScopeKeyAdd& key = newest(name.scope.text(), visibility);
    const std::uint64_t version = next_version(name.text());
    std::string value = concat("version ", version, " of ", name.text(), ' ');
    while (value.size() < size) value += value;
    value.resize(size);
    Bytes payload = seal_payload(key.public_half, payload_context(store, name, visibility, version, key.id),
                                 as_bytes(value))
                        .value();
    const Hash hash = payload_hash(payload);
    const auto padded = static_cast<std::uint32_t>(payload.size() - kPayloadOverhead);
    payloads.emplace(hash, std::move(payload));
    values_.emplace(hash, std::move(value));
    return Put{key.id, name.key, version, version, not_after_ms, hash, padded};
}

Operation TrueHistory::restored(std::string_view name, std::uint64_t version) const {
    const TrueVersion& from = truths_.back().secrets.at(std::string(name)).versions.at(version - 1);
    return Put{from.scope_key,
               SecretName::parse(name).value().key,
               next_version(std::string(name)),
               version,
               0,
               from.payload,
               static_cast<std::uint32_t>(payloads.at(from.payload).size() - kPayloadOverhead)};
}

Operation TrueHistory::removed_now(std::string_view name) const {
    return removal(name, next_version(std::string(name)));
}

// ---- what is true

void TrueHistory::step(const Identity& signer, Operations operations) {
    Truth truth = truths_.back();
    for (const Operation& operation : operations) apply(truth, operation, signer);
    commit(signer, std::move(operations));
    truths_.push_back(std::move(truth));
    signers_.push_back(&signer);
}

void TrueHistory::apply(Truth& truth, const Operation& operation, const Identity& signer) {
    const std::uint64_t revision = truths_.size();
    if (const auto* op = std::get_if<PrincipalAdd>(&operation)) truth.living[op->recipient.id()] = *op;
    if (const auto* op = std::get_if<PrincipalRemove>(&operation)) truth.living.erase(op->principal);
    if (const auto* op = std::get_if<ScopeKeyAdd>(&operation))
        truth.keys[op->id] = {op->scope, op->visibility};
    if (const auto* op = std::get_if<Grant>(&operation)) truth.granted.insert({op->scope_key, op->principal});
    if (const auto* op = std::get_if<Put>(&operation)) {
        const TrueKey& key = truth.keys.at(op->scope_key);
        TrueSecret& secret = truth.secrets[concat(key.scope.text(), '/', op->key)];
        secret.visibility = key.visibility;
        secret.live = op->version;
        secret.versions.push_back({op->version, op->sealed_as == op->version ? Change::put : Change::restore,
                                   revision, op->sealed_as, op->not_after_ms, signer.id(), op->scope_key,
                                   op->payload, values_.at(op->payload), false});
    }
    if (const auto* op = std::get_if<Remove>(&operation)) {
        TrueSecret& secret = truth.secrets.at(op->name.text());
        secret.live = 0;
        TrueVersion version;
        version.version = op->version;
        version.change = Change::removal;
        version.revision = revision;
        version.signer = signer.id();
        secret.versions.push_back(std::move(version));
    }
    if (const auto* op = std::get_if<Purge>(&operation)) {
        auto& versions = truth.secrets.at(op->name.text()).versions;
        const Hash payload = versions.at(op->version - 1).payload;
        purged_.insert(payload);
        for (TrueVersion& version : versions) {
            if (version.change != Change::removal && version.payload == payload) version.purged = true;
        }
    }
}

std::shared_ptr<StoredRows> TrueHistory::rows() const {
    auto out = std::make_shared<StoredRows>();
    for (const Bytes& commit : commits) out->commits.push_back({out->commits.size() + 1, commit});
    out->payloads = payloads;
    for (const Hash& payload : purged_) out->payloads.erase(payload);
    return out;
}

std::uint64_t TrueHistory::first_difference(const std::vector<StoredCommit>& rows) const {
    std::uint64_t revision = 1;
    for (const StoredCommit& row : rows) {
        if (row.revision == 0) continue;  // which nobody asks for
        if (revision > last() || row.revision != revision || row.bytes != commits[revision - 1]) break;
        ++revision;
    }
    return revision;
}

bool TrueHistory::may_sign(const Identity& who, const std::vector<Operation>& operations,
                           std::uint64_t revision) const {
    const Truth& before = truths_[revision];
    auto found = before.living.find(who.id());
    if (found == before.living.end()) return false;
    const PrincipalAdd& signer = found->second;
    if (signer.role == Role::owner) return true;
    if (signer.role != Role::admin) return false;
    std::map<ScopeKeyId, TrueKey> keys = before.keys;
    for (const Operation& operation : operations) {
        std::optional<TrueKey> touched;
        if (const auto* op = std::get_if<ScopeKeyAdd>(&operation))
            touched = keys[op->id] = {op->scope, op->visibility};
        if (const auto* op = std::get_if<Grant>(&operation)) touched = keys.at(op->scope_key);
        if (touched && touched->visibility == kRestricted) return false;
        if (const auto* op = std::get_if<Put>(&operation)) touched = keys.at(op->scope_key);
        if (const auto* op = std::get_if<Remove>(&operation)) touched = TrueKey{op->name.scope, kMasked};
        if (const auto* op = std::get_if<Purge>(&operation)) touched = TrueKey{op->name.scope, kMasked};
        if (!touched || !pattern_contains(signer.pattern, touched->scope)) return false;
    }
    return true;
}

}  // namespace coffer::test
