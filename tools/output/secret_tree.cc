// SPDX-License-Identifier: Apache-2.0
#include "output/secret_tree.h"

#include <set>

namespace coffer {
namespace {

// A project is there when a scope of the org names it, and has the domains that are named under it or for the
// whole org.
struct OrgNames {
    std::set<std::string> domains;
    std::map<std::string, std::set<std::string>> projects;
};

std::map<std::string, OrgNames> names_of(const std::vector<Scope>& scopes) {
    std::map<std::string, OrgNames> orgs;
    for (const Scope& scope : scopes) {
        OrgNames& org = orgs[scope.org];
        auto& domains = scope.project.empty() ? org.domains : org.projects[scope.project];
        if (!scope.domain.empty()) domains.insert(scope.domain);
    }
    return orgs;
}

}  // namespace

std::vector<TreePlace> secret_tree(const std::vector<Scope>& scopes, const std::vector<Secret>& secrets) {
    std::map<Scope, std::vector<const Secret*>> by_scope;
    for (const Secret& secret : secrets) {
        if (secret.live) by_scope[secret.name.scope].push_back(&secret);
    }
    std::vector<TreePlace> places;
    for (auto& [org, names] : names_of(scopes)) {
        for (auto& [project, own_domains] : names.projects) {
            std::set<std::string> domains = own_domains;
            domains.insert(names.domains.begin(), names.domains.end());
            for (const std::string& domain : domains) {
                TreePlace place{org, project, domain, {}};
                // From the widest to the most specific, which has the last word.
                const auto serving = scopes_serving(org, project, domain);
                for (auto scope = serving.rbegin(); scope != serving.rend(); ++scope) {
                    auto found = by_scope.find(*scope);
                    if (found == by_scope.end()) continue;
                    for (const Secret* secret : found->second) place.keys[secret->name.key] = secret;
                }
                places.push_back(std::move(place));
            }
        }
    }
    return places;
}

}  // namespace coffer
