// SPDX-License-Identifier: Apache-2.0
#include "serve/catalogue.h"

#include <algorithm>
#include <limits>
#include <mutex>

namespace coffer {
namespace {

constexpr std::uint64_t name_in_scope(std::uint32_t scope, NameId key) {
    return std::uint64_t{scope} << 32 | key;
}

// Where an element stands in one of the roster's vectors.
template <class T>
std::uint32_t place_in(const std::vector<T>& all, const T* one) {
    return static_cast<std::uint32_t>(one - all.data());
}

// The secret that an operation is about, if it is about one.
std::optional<SecretName> name_of(const Roster& roster, const Operation& operation) {
    if (const auto* put = std::get_if<Put>(&operation)) {
        const ScopeKey* key = roster.scope_key(put->scope_key);
        if (key) return SecretName{key->scope, put->key};
    }
    if (const auto* remove = std::get_if<Remove>(&operation)) return remove->name;
    return std::nullopt;
}

}  // namespace

std::size_t Catalogue::PlaceHash::operator()(const Place& place) const {
    std::uint64_t mixed = place.org;
    for (std::uint64_t next : {place.project, place.domain})
        mixed = (mixed ^ next) * 0x9e3779b97f4a7c15ull ^ mixed >> 29;
    return mixed;
}

// --- the writer ---

Result<void> Catalogue::load(View& view) {
    std::unique_lock lock(mutex_);
    COFFER_CHECK(add_roster(view.roster()));
    Result<void> stored;
    COFFER_CHECK(view.for_each(std::nullopt, [&](const Secret& secret) {
        stored = store(view.roster(), secret);
        return stored.has_value();
    }));
    revision_ = view.head().revision;
    return stored;
}

Result<Catalogue::Applied> Catalogue::apply(View& view, std::span<const CommitBody> commits) {
    const Roster& roster = view.roster();
    Applied applied;
    std::vector<Secret> secrets;
    std::set<SecretName> seen;
    for (const CommitBody& commit : commits) {
        for (const Operation& operation : commit.operations) {
            auto name = name_of(roster, operation);
            if (!name || !seen.insert(*name).second) continue;
            COFFER_TRY(auto secret, view.find(*name));
            if (!secret) continue;
            secrets.push_back(std::move(*secret));
            applied.changed.push_back(std::move(*name));
        }
    }
    std::unique_lock lock(mutex_);
    COFFER_CHECK(add_roster(roster));
    for (const Secret& secret : secrets) {
        auto number = find_number(secret.name);
        if (number && records_[*number].live) applied.dropped.push_back(records_[*number].payload);
        COFFER_CHECK(store(roster, secret));
    }
    for (const CommitBody& commit : commits)
        for (const Operation& operation : commit.operations) note_taken_back(operation);
    revision_ = view.head().revision;
    return applied;
}

Result<Place> Catalogue::intern(const SecretName& path) {
    std::unique_lock lock(mutex_);
    Place place;
    COFFER_TRY(place.org, names_.intern(path.scope.org));
    COFFER_TRY(place.project, names_.intern(path.scope.project));
    COFFER_TRY(place.domain, names_.intern(path.scope.domain));
    COFFER_TRY(place.key, names_.intern(path.key));
    return place;
}

// What is new in the roster: writers, and the scopes that scope keys name.
Result<void> Catalogue::add_roster(const Roster& roster) {
    const auto& principals = roster.principals();
    while (writers_.size() < principals.size()) writers_.push_back(principals[writers_.size()].name);
    const auto& keys = roster.scope_keys();
    for (; scope_keys_seen_ < keys.size(); ++scope_keys_seen_) {
        COFFER_TRY(auto number, scope_number(keys[scope_keys_seen_].scope));
        const Place& place = scopes_[number].place;
        tree_.add_scope(place.org, place.project, place.domain);
    }
    return {};
}

Result<std::uint32_t> Catalogue::scope_number(const Scope& scope) {
    Place place;
    COFFER_TRY(place.org, names_.intern(scope.org));
    if (!scope.project.empty()) {
        COFFER_TRY(place.project, names_.intern(scope.project));
    }
    if (!scope.domain.empty()) {
        COFFER_TRY(place.domain, names_.intern(scope.domain));
    }
    auto [found, fresh] = scope_numbers_.try_emplace(place, static_cast<std::uint32_t>(scopes_.size()));
    if (fresh) scopes_.push_back({place, scope.text(), {}});
    return found->second;
}

Result<void> Catalogue::store(const Roster& roster, const Secret& secret) {
    if (secret.number == 0 || secret.number > std::numeric_limits<std::uint32_t>::max() / 2)
        return fail(Code::limit, "secret number ", secret.number, " is out of range");
    const auto number = static_cast<std::uint32_t>(secret.number - 1);
    COFFER_TRY(auto scope, scope_number(secret.name.scope));
    COFFER_TRY(auto key, names_.intern(secret.name.key));
    if (records_.size() <= number) records_.resize(number + 1);
    Record& record = records_[number];
    if (record.key == kNoName) {
        scopes_[scope].secrets.push_back(number);
        numbers_.emplace(name_in_scope(scope, key), number);
    }
    live_ -= record.live ? 1 : 0;
    record.scope = scope;
    record.key = key;
    record.visibility = secret.visibility;
    record.live = secret.live.has_value();
    if (!secret.live) {
        record.removed_through = secret.last_version;
        return {};
    }
    const Version& version = *secret.live;
    const ScopeKey* scope_key = roster.scope_key(version.scope_key);
    const Principal* signer = roster.find(version.signer);
    if (!scope_key || !signer)
        return fail(Code::tampered,
                    "the view names a scope key or signer that it does not have; remove the"
                    " state folder's view.db to have it made anew");
    live_ += 1;
    record.version = version.version;
    record.sealed_as = version.sealed_as;
    record.not_after_ms = version.not_after_ms;
    record.time_ms = version.time_ms;
    record.payload = version.payload;
    record.padded_len = version.padded_len;
    record.scope_key = place_in(roster.scope_keys(), scope_key);
    record.writer = place_in(roster.principals(), signer);
    return {};
}

// A version that is removed or purged may be open: its handles must not be served any more. Kept even when a
// later commit of the same batch put the secret again.
void Catalogue::note_taken_back(const Operation& operation) {
    if (const auto* remove = std::get_if<Remove>(&operation)) {
        auto number = find_number(remove->name);
        if (!number) return;
        auto& through = records_[*number].removed_through;
        through = std::max(through, remove->version);
    } else if (const auto* purge = std::get_if<Purge>(&operation)) {
        auto number = find_number(purge->name);
        if (number) purged_.emplace(*number, purge->version);
    }
}

std::optional<std::uint32_t> Catalogue::find_number(const SecretName& name) const {
    auto scope = scope_numbers_.find(
        {names_.find(name.scope.org), names_.find(name.scope.project), names_.find(name.scope.domain)});
    if (scope == scope_numbers_.end()) return std::nullopt;
    const std::uint32_t* number = number_of(scope->second, names_.find(name.key));
    if (!number) return std::nullopt;
    return *number;
}

// --- the readers ---

NameId Catalogue::find_name(std::string_view text) const {
    std::shared_lock lock(mutex_);
    return names_.find(text);
}

bool Catalogue::exists(const Place& directory) const {
    std::shared_lock lock(mutex_);
    return tree_.exists(directory);
}

Catalogue::Levels Catalogue::levels(const Place& directory) const {
    const Place wanted[4] = {{directory.org, directory.project, directory.domain},
                             {directory.org, directory.project, kNoName},
                             {directory.org, kNoName, directory.domain},
                             {directory.org, kNoName, kNoName}};
    Levels out;
    for (std::size_t level = 0; level < 4; ++level) {
        auto found = scope_numbers_.find(wanted[level]);
        if (found != scope_numbers_.end()) out[level] = found->second;
    }
    return out;
}

const std::uint32_t* Catalogue::number_of(std::uint32_t scope, NameId key) const {
    auto found = numbers_.find(name_in_scope(scope, key));
    return found == numbers_.end() ? nullptr : &found->second;
}

std::optional<Shown> Catalogue::resolve(const Place& key) const {
    std::shared_lock lock(mutex_);
    if (key.key == kNoName || key.domain == kNoName || key.project == kNoName) return std::nullopt;
    if (!tree_.exists({key.org, key.project, key.domain})) return std::nullopt;
    const Levels all = levels(key);
    for (std::uint8_t level = 0; level < 4; ++level) {
        if (!all[level]) continue;
        const std::uint32_t* number = number_of(*all[level], key.key);
        if (!number || !records_[*number].live) continue;
        const Record& record = records_[*number];
        Shown shown = name_place(*number, level);
        static_cast<LiveVersion&>(shown) = record;
        shown.writer = writers_[record.writer];
        return shown;
    }
    return std::nullopt;
}

Shown Catalogue::name_place(std::uint32_t number, std::uint8_t level) const {
    const Record& record = records_[number];
    const ScopeRecord& scope = scopes_[record.scope];
    Shown out;
    out.secret = number;
    out.level = level;
    out.visibility = record.visibility;
    out.scope = scope.text;
    out.org = names_.text(scope.place.org);
    out.project = scope.place.project ? names_.text(scope.place.project) : std::string_view();
    out.domain = scope.place.domain ? names_.text(scope.place.domain) : std::string_view();
    out.key = names_.text(record.key);
    return out;
}

std::optional<Shown> Catalogue::place_at(const Place& key, std::uint8_t level) const {
    std::shared_lock lock(mutex_);
    const Levels all = levels(key);
    if (level >= all.size() || !all[level]) return std::nullopt;
    const std::uint32_t* number = number_of(*all[level], key.key);
    if (!number) return std::nullopt;
    return name_place(*number, level);
}

std::vector<Place> Catalogue::directories() const {
    std::shared_lock lock(mutex_);
    std::vector<Place> out;
    for (const ListedName& org : tree_.list({}, 0)) {
        out.push_back({.org = org.name});
        for (const ListedName& project : tree_.list(Place{.org = org.name}, 0)) {
            const Place parent{.org = org.name, .project = project.name};
            out.push_back(parent);
            for (const ListedName& domain : tree_.list(parent, 0))
                out.push_back({org.name, project.name, domain.name});
        }
    }
    return out;
}

std::vector<NameId> Catalogue::keys_ever(const Place& directory) const {
    std::shared_lock lock(mutex_);
    std::vector<NameId> out;
    for (const auto& scope : levels(directory)) {
        if (!scope) continue;
        for (std::uint32_t secret : scopes_[*scope].secrets) out.push_back(records_[secret].key);
    }
    return out;
}

std::vector<ListedName> Catalogue::list(const Place& directory, std::uint64_t cookie,
                                        std::size_t limit) const {
    std::shared_lock lock(mutex_);
    if (!tree_.exists(directory)) return {};
    return directory.holds_keys() ? list_keys(directory, cookie, limit) : tree_.list(directory, cookie);
}

bool Catalogue::is_shadowed(const Levels& levels, std::size_t level, NameId key) const {
    for (std::size_t above = 0; above < level; ++above) {
        if (!levels[above]) continue;
        const std::uint32_t* number = number_of(*levels[above], key);
        if (number && records_[*number].live) return true;
    }
    return false;
}

// Level by level, each scope's secrets in order of first appearance; the cookie is (level + 1) << 32 | index.
std::vector<ListedName> Catalogue::list_keys(const Place& directory, std::uint64_t cookie,
                                             std::size_t limit) const {
    std::vector<ListedName> out;
    const Levels all = levels(directory);
    std::uint64_t level = cookie ? (cookie >> 32) - 1 : 0, index = cookie & 0xffffffff;
    for (; level < 4; ++level, index = 0) {
        if (!all[level]) continue;
        const auto& secrets = scopes_[*all[level]].secrets;
        for (; index < secrets.size(); ++index) {
            if (out.size() == limit) return out;
            const Record& record = records_[secrets[index]];
            if (record.live && !is_shadowed(all, level, record.key))
                out.push_back({record.key, (level + 1) << 32 | (index + 1)});
        }
    }
    return out;
}

std::vector<Place> Catalogue::directories_showing(const Scope& scope) const {
    std::shared_lock lock(mutex_);
    const Place org{.org = names_.find(scope.org)};
    const NameId project = names_.find(scope.project), domain = names_.find(scope.domain);
    std::vector<Place> out;
    for (const ListedName& in_org : tree_.list(org, 0)) {
        if (project != kNoName && in_org.name != project) continue;
        const Place parent{.org = org.org, .project = in_org.name};
        for (const ListedName& in_project : tree_.list(parent, 0))
            if (domain == kNoName || in_project.name == domain)
                out.push_back({org.org, in_org.name, in_project.name});
    }
    return out;
}

bool Catalogue::is_live(std::uint32_t secret, std::uint64_t version) const {
    std::shared_lock lock(mutex_);
    return secret < records_.size() && records_[secret].live && records_[secret].version == version;
}

bool Catalogue::is_revoked(std::uint32_t secret, std::uint64_t version) const {
    std::shared_lock lock(mutex_);
    if (secret >= records_.size() || records_[secret].removed_through >= version) return true;
    return !purged_.empty() && purged_.contains({secret, version});
}

std::uint64_t Catalogue::revision() const {
    std::shared_lock lock(mutex_);
    return revision_;
}

Catalogue::Size Catalogue::size() const {
    std::shared_lock lock(mutex_);
    return {numbers_.size(), live_, scopes_.size()};
}

}  // namespace coffer
