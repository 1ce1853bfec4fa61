// SPDX-License-Identifier: Apache-2.0
#include "view/resolve.h"

#include "names/name.h"

namespace coffer {

Result<std::optional<Secret>> resolve(View& view, std::string_view org, std::string_view project,
                                      std::string_view domain, std::string_view key) {
    COFFER_CHECK(check_segment("org", org));
    COFFER_CHECK(check_segment("project", project));
    COFFER_CHECK(check_segment("domain", domain));
    COFFER_CHECK(check_key(key));
    for (Scope& scope : scopes_serving(org, project, domain)) {
        COFFER_TRY(auto secret, view.find({std::move(scope), std::string(key)}));
        if (secret && secret->live) return secret;
    }
    return std::nullopt;
}

Result<std::vector<Secret>> wider_live(View& view, const SecretName& name) {
    const Scope& scope = name.scope;
    std::vector<Scope> wider;
    if (!scope.project.empty() && !scope.domain.empty()) wider.push_back({scope.org, scope.project, {}});
    if (!scope.project.empty()) {
        // A project-wide secret stands before the domain-wide ones in each of the project's domains.
        for (const Scope& other : view.roster().scopes()) {
            bool domain_wide = other.org == scope.org && other.project.empty() && !other.domain.empty();
            if (domain_wide && (scope.domain.empty() || scope.domain == other.domain)) wider.push_back(other);
        }
    }
    if (!scope.project.empty() || !scope.domain.empty()) wider.push_back({scope.org, {}, {}});

    std::vector<Secret> out;
    for (Scope& other : wider) {
        COFFER_TRY(auto secret, view.find({std::move(other), name.key}));
        if (secret && secret->live) out.push_back(std::move(*secret));
    }
    return out;
}

}  // namespace coffer
