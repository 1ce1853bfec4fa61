// SPDX-License-Identifier: Apache-2.0
#include "serve/past_versions.h"

#include <algorithm>

namespace coffer {

Result<Shown> PastVersions::find(const Place& place, std::uint8_t level, std::uint64_t version) {
    auto shown = catalogue_.place_at(place, level);
    if (!shown) return fail(Code::not_found, "no secret was ever there");
    const SecretName name{
        Scope{std::string(shown->org), std::string(shown->project), std::string(shown->domain)},
        std::string(shown->key)};

    std::lock_guard lock(mutex_);
    if (!view_) {
        COFFER_TRY(view_, View::open(view_file_, pin_));
    }
    COFFER_CHECK(view_->refresh());
    COFFER_TRY(auto history, view_->history(name));
    const auto past = std::ranges::find(history, version, &Version::version);
    if (past == history.end() || past->change == Change::removal)
        return fail(Code::not_found, name.text(), " has no version ", version);
    const bool removed = std::any_of(past, history.end(),
                                     [](const Version& later) { return later.change == Change::removal; });
    if (removed || past->purged)
        return fail(Code::revoked, "version ", version, " of ", name.text(), " was taken back");
    const auto& keys = view_->roster().scope_keys();
    const auto key = std::ranges::find(keys, past->scope_key, &ScopeKey::id);
    if (key == keys.end()) return fail(Code::no_key, "the scope key of ", name.text(), " is not known");

    shown->version = version;
    shown->sealed_as = past->sealed_as;
    shown->not_after_ms = past->not_after_ms;
    shown->time_ms = past->time_ms;
    shown->payload = past->payload;
    shown->padded_len = past->padded_len;
    shown->scope_key = static_cast<std::uint32_t>(key - keys.begin());
    return *shown;
}

}  // namespace coffer
