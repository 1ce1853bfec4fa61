// SPDX-License-Identifier: Apache-2.0
#include "input/secret_path.h"

#include <algorithm>
#include <vector>

#include "names/name.h"

namespace coffer {
namespace {

using Flag = std::optional<std::string>;

void add_flags(OptionSet& options, Flag& org, Flag& project, Flag& domain) {
    options.add("--org", org, "The organisation").type_name("ORG");
    options.add("--project", project, "The project; * or left out: all").type_name("PROJECT");
    options.add("--domain", domain, "The domain; * or left out: all").type_name("DOMAIN");
}

// "*" is how people write the empty segment; an empty flag is a mistake (an unset variable of a script).
Result<std::string> segment(std::string_view what, const Flag& flag) {
    if (!flag || *flag == "*") return std::string{};
    COFFER_CHECK(check_segment(what, *flag));
    return *flag;
}

std::vector<Flag> segments_of(std::string_view path) {
    std::vector<Flag> segments{""};
    for (char c : path) {
        if (c == '/') {
            segments.emplace_back("");
        } else {
            *segments.back() += c;
        }
    }
    return segments;
}

// A star stands where any character might, so that what is around it is checked as a name is.
Result<Glob> segment_glob(std::size_t place, const std::string& text) {
    constexpr std::array<std::string_view, 3> kPlaces{"org", "project", "domain"};
    std::string example = text;
    std::ranges::replace(example, '*', 'x');
    COFFER_CHECK(place < kPlaces.size() ? check_segment(kPlaces[place], example) : check_key(example));
    return Glob::compile(text);
}

Result<Scope> scope_of_flags(const Flag& org, const Flag& project, const Flag& domain) {
    if (!org) return fail(Code::invalid, "expected --org ORG beside the other flags, or one PATH");
    COFFER_TRY(auto p, segment("project", project));
    COFFER_TRY(auto d, segment("domain", domain));
    return Scope::make(*org, p, d);
}

}  // namespace

void ScopeOptions::add_to(OptionSet& options, bool required) {
    options.add("SCOPE", path_, concat("org/project/domain, with * for all", required ? "" : " (optional)"));
    add_flags(options, org_, project_, domain_);
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

void SecretOptions::add_to(OptionSet& options) {
    options.add("PATH", path_, "org/project/domain/KEY with * for all; or KEY beside --org").required();
    add_flags(options, org_, project_, domain_);
}

Result<SecretName> SecretOptions::name() const {
    if (!org_ && !project_ && !domain_) return SecretName::parse(path_);
    if (path_.find('/') != path_.npos)
        return fail(Code::invalid, "expected a KEY beside --org, --project and --domain, found \"",
                    printable(path_), '"');
    COFFER_TRY(auto scope, scope_of_flags(org_, project_, domain_));
    return SecretName::make(std::move(scope), path_);
}

Result<Scope> SecretOptions::scope() const {
    if (!org_ && !project_ && !domain_) return Scope::parse(path_);
    return fail(Code::invalid,
                "expected the scope as a PATH, such as acme/checkout/production, without flags");
}

void FilterOptions::add_to(OptionSet& options) {
    options.add("PATH", path_,
                "org[/project[/domain[/KEY]]]; * is any part of a name, what is left out is anything");
    add_flags(options, org_, project_, domain_);
}

bool FilterOptions::Filter::matches(const SecretName& name) const {
    return segments[0].matches(name.scope.org) && segments[1].matches(name.scope.project) &&
           segments[2].matches(name.scope.domain) && segments[3].matches(name.key);
}

Result<FilterOptions::Filter> FilterOptions::filter() const {
    if (path_ && (org_ || project_ || domain_))
        return fail(Code::invalid, "expected either a PATH or flags, found both");
    std::vector<Flag> segments{org_, project_, domain_};
    if (path_) segments = segments_of(*path_);
    if (segments.size() > 4)
        return fail(Code::invalid, "expected at most org/project/domain/KEY, found \"", printable(*path_),
                    '"');
    Filter out;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (!segments[i]) continue;
        COFFER_TRY(out.segments[i], segment_glob(i, *segments[i]));
    }
    return out;
}

}  // namespace coffer
