// SPDX-License-Identifier: Apache-2.0
#include "secret_path.h"

#include <vector>

#include "names/name.h"

namespace coffer {
namespace {

using Flag = std::optional<std::string>;

void add_flags(CLI::App& app, Flag& org, Flag& project, Flag& domain) {
    app.add_option("--org", org, "The organisation")->type_name("ORG");
    app.add_option("--project", project, "The project; * or left out: all")->type_name("PROJECT");
    app.add_option("--domain", domain, "The domain; * or left out: all")->type_name("DOMAIN");
}

// "*" is how people write the empty segment; an empty flag is a mistake (an unset variable of a script).
Result<std::string> segment(std::string_view what, const Flag& flag) {
    if (!flag || *flag == "*") return std::string{};
    COFFER_CHECK(check_segment(what, *flag));
    return *flag;
}

Result<Scope> scope_of_flags(const Flag& org, const Flag& project, const Flag& domain) {
    if (!org) return fail(Code::invalid, "expected --org ORG beside the other flags, or one PATH");
    COFFER_TRY(auto p, segment("project", project));
    COFFER_TRY(auto d, segment("domain", domain));
    return Scope::make(*org, p, d);
}

}  // namespace

void ScopeOptions::add_to(CLI::App& app, bool required) {
    app.add_option("SCOPE", path_,
                   concat("org/project/domain, with * for all", required ? "" : " (optional)"));
    add_flags(app, org_, project_, domain_);
}

Result<std::optional<Scope>> ScopeOptions::scope() const {
    bool flags = org_ || project_ || domain_;
    if (path_ && flags) return fail(Code::invalid, "expected either a SCOPE or flags, found both");
    if (!path_ && !flags) return std::optional<Scope>{};
    COFFER_TRY(auto scope, path_ ? Scope::parse(*path_) : scope_of_flags(org_, project_, domain_));
    return std::optional<Scope>(std::move(scope));
}

Result<Scope> ScopeOptions::required_scope() const {
    COFFER_TRY(auto given, scope());
    if (!given) return fail(Code::invalid, "expected a scope such as acme/checkout/production or acme/*/*");
    return *given;
}

void SecretOptions::add_to(CLI::App& app) {
    app.add_option("PATH", path_, "org/project/domain/KEY with * for all; or KEY beside --org")->required();
    add_flags(app, org_, project_, domain_);
}

Result<SecretName> SecretOptions::name() const {
    if (!org_ && !project_ && !domain_) return SecretName::parse(path_);
    if (path_.find('/') != path_.npos)
        return fail(Code::invalid, "expected a KEY beside --org, --project and --domain, found \"",
                    printable(path_), '"');
    COFFER_TRY(auto scope, scope_of_flags(org_, project_, domain_));
    return SecretName::make(std::move(scope), path_);
}

void FilterOptions::add_to(CLI::App& app) {
    app.add_option("PATH", path_, "org[/project[/domain[/KEY]]]; * and what is left out match anything");
    add_flags(app, org_, project_, domain_);
}

bool FilterOptions::Filter::matches(const SecretName& name) const {
    return contains(scope, name.scope) && (key.empty() || key == name.key);
}

Result<FilterOptions::Filter> FilterOptions::filter() const {
    bool flags = org_ || project_ || domain_;
    Filter out;
    if (path_ && flags) return fail(Code::invalid, "expected either a PATH or flags, found both");
    if (!path_) {
        COFFER_TRY(out.scope.org, segment("org", org_));
        COFFER_TRY(out.scope.project, segment("project", project_));
        COFFER_TRY(out.scope.domain, segment("domain", domain_));
        return out;
    }
    std::vector<std::string> segments{""};
    for (char c : *path_) {
        if (c == '/') {
            segments.emplace_back();
        } else {
            segments.back() += c;
        }
    }
    if (segments.size() > 4)
        return fail(Code::invalid, "expected at most org/project/domain/KEY, found \"", printable(*path_),
                    '"');
    segments.resize(4, "*");
    COFFER_TRY(out.scope.org, segment("org", segments[0]));
    COFFER_TRY(out.scope.project, segment("project", segments[1]));
    COFFER_TRY(out.scope.domain, segment("domain", segments[2]));
    if (segments[3] != "*") {
        COFFER_CHECK(check_key(segments[3]));
        out.key = segments[3];
    }
    return out;
}

}  // namespace coffer
