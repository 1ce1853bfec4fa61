// SPDX-License-Identifier: Apache-2.0
#include "output/version_text.h"

#include "base/wall_clock.h"

namespace coffer {

std::string_view version_state(const Secret& secret, const Version& version) {
    if (version.change == Change::removal) return "removed";
    if (version.purged) return "purged";
    if (!secret.live || secret.live->version != version.version) return "superseded";
    return is_past(version.not_after_ms) ? "expired" : "live";
}

std::string expiry_text(const Version& version) {
    return version.not_after_ms == 0 ? "never" : moment_text(version.not_after_ms);
}

Json version_json(const Secret& secret, const Version& version, std::string_view signer) {
    Json out{{"secret", secret.name.text()},
             {"org", secret.name.scope.org},
             {"project", secret.name.scope.project.empty() ? Json("*") : Json(secret.name.scope.project)},
             {"domain", secret.name.scope.domain.empty() ? Json("*") : Json(secret.name.scope.domain)},
             {"key", secret.name.key},
             {"version", version.version},
             {"state", version_state(secret, version)},
             {"change", to_text(version.change)},
             {"visibility", to_text(secret.visibility)},
             {"time", moment_text(version.time_ms)},
             {"time_ms", version.time_ms},
             {"signer", signer},
             {"revision", version.revision},
             {"expires", version.not_after_ms == 0 ? Json() : Json(moment_text(version.not_after_ms))}};
    if (version.change == Change::restore) out["restored_from"] = version.sealed_as;
    return out;
}

}  // namespace coffer
