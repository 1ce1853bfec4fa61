// SPDX-License-Identifier: Apache-2.0
#include "names/scope.h"

#include <vector>

#include "names/name.h"

namespace coffer {
namespace {

std::string_view starred(std::string_view segment) {
    return segment.empty() ? "*" : segment;
}

std::string joined(std::string_view org, std::string_view project, std::string_view domain) {
    return concat(starred(org), '/', starred(project), '/', starred(domain));
}

Result<void> check_optional(std::string_view what, std::string_view segment) {
    if (segment.empty()) return {};
    return check_segment(what, segment);
}

// Splits at '/' into exactly `count` segments and turns "*" into the empty segment.
Result<std::vector<std::string>> split(std::string_view text, std::size_t count, std::string_view form) {
    std::vector<std::string> segments;
    std::size_t start = 0;
    while (true) {
        std::size_t slash = text.find('/', start);
        std::string_view segment = text.substr(start, slash == text.npos ? text.npos : slash - start);
        if (segment.empty())
            return fail(Code::invalid, "expected ", form, ", found an empty segment in \"", printable(text),
                        '"');
        segments.emplace_back(segment == "*" ? std::string_view{} : segment);
        if (slash == text.npos) break;
        start = slash + 1;
    }
    if (segments.size() != count)
        return fail(Code::invalid, "expected ", form, " (", count, " segments), found ", segments.size(),
                    " in \"", printable(text), '"');
    return segments;
}

}  // namespace

Result<Scope> Scope::make(std::string_view org, std::string_view project, std::string_view domain) {
    COFFER_CHECK(check_segment("org", org));
    COFFER_CHECK(check_optional("project", project));
    COFFER_CHECK(check_optional("domain", domain));
    return Scope{std::string(org), std::string(project), std::string(domain)};
}

Result<Scope> Scope::parse(std::string_view text) {
    COFFER_TRY(auto segments, split(text, 3, "org/project/domain"));
    if (segments[0].empty())
        return fail(Code::invalid, "a scope names its org; found \"", printable(text),
                    "\", only project and domain may be *");
    return make(segments[0], segments[1], segments[2]);
}

std::string Scope::text() const {
    return joined(org, project, domain);
}

Result<Pattern> Pattern::make(std::string_view org, std::string_view project, std::string_view domain) {
    COFFER_CHECK(check_optional("org", org));
    COFFER_CHECK(check_optional("project", project));
    COFFER_CHECK(check_optional("domain", domain));
    return Pattern{std::string(org), std::string(project), std::string(domain)};
}

Result<Pattern> Pattern::parse(std::string_view text) {
    COFFER_TRY(auto segments, split(text, 3, "org/project/domain"));
    return make(segments[0], segments[1], segments[2]);
}

std::string Pattern::text() const {
    return joined(org, project, domain);
}

bool contains(const Pattern& pattern, const Scope& scope) {
    auto segment = [](const std::string& wanted, const std::string& have) {
        return wanted.empty() || wanted == have;
    };
    return segment(pattern.org, scope.org) && segment(pattern.project, scope.project) &&
           segment(pattern.domain, scope.domain);
}

bool meets(const Pattern& pattern, const Scope& scope) {
    auto segment = [](const std::string& wanted, const std::string& have) {
        return wanted.empty() || have.empty() || wanted == have;
    };
    return segment(pattern.org, scope.org) && segment(pattern.project, scope.project) &&
           segment(pattern.domain, scope.domain);
}

Result<SecretName> SecretName::make(Scope scope, std::string_view key) {
    COFFER_CHECK(check_key(key));
    return SecretName{std::move(scope), std::string(key)};
}

Result<SecretName> SecretName::parse(std::string_view text) {
    COFFER_TRY(auto segments, split(text, 4, "org/project/domain/KEY"));
    if (segments[3].empty())
        return fail(Code::invalid, "a secret needs a KEY; found \"", printable(text), '"');
    COFFER_TRY(auto scope, Scope::make(segments[0], segments[1], segments[2]));
    return make(std::move(scope), segments[3]);
}

std::array<Scope, 4> scopes_serving(std::string_view org, std::string_view project, std::string_view domain) {
    std::string o(org), p(project), d(domain);
    return {Scope{o, p, d}, Scope{o, p, {}}, Scope{o, {}, d}, Scope{o, {}, {}}};
}

}  // namespace coffer
