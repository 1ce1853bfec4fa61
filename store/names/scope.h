// SPDX-License-Identifier: Apache-2.0
//
// Where a secret applies, and which scopes a principal reaches. Both are three segments, org/project/domain,
// in which an empty one means "all" in a scope and "any" in a pattern; a scope's org is never empty.
// Written with '*' for the empty ones: "acme/*/production".
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace coffer {

struct Scope {
    std::string org, project, domain;  // project and domain: empty = all

    [[nodiscard]] static Result<Scope> make(std::string_view org, std::string_view project,
                                            std::string_view domain);
    [[nodiscard]] static Result<Scope> parse(std::string_view text);  // "acme/checkout/*"
    [[nodiscard]] std::string text() const;
    // NOLINTNEXTLINE(modernize-use-nullptr): the generated comparison with 0 is no pointer (clang-tidy 14)
    auto operator<=>(const Scope&) const = default;
};

struct Pattern {
    std::string org, project, domain;  // empty = any

    [[nodiscard]] static Result<Pattern> make(std::string_view org, std::string_view project,
                                              std::string_view domain);
    [[nodiscard]] static Result<Pattern> parse(std::string_view text);  // "acme/*/staging", "*/*/*"
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool is_any() const { return org.empty() && project.empty() && domain.empty(); }
    // NOLINTNEXTLINE(modernize-use-nullptr): the generated comparison with 0 is no pointer (clang-tidy 14)
    auto operator<=>(const Pattern&) const = default;
};

// Every segment of the pattern is any or equals the scope's; a scope's "all" is contained only by "any".
[[nodiscard]] bool contains(const Pattern& pattern, const Scope& scope);
// Every segment of the pattern is any, or the scope's is all, or they are equal.
[[nodiscard]] bool meets(const Pattern& pattern, const Scope& scope);

// A secret's full name: "acme/checkout/production/DB_PASSWORD", "acme/*/*/PROXY".
struct SecretName {
    Scope scope;
    std::string key;

    [[nodiscard]] static Result<SecretName> make(Scope scope, std::string_view key);
    [[nodiscard]] static Result<SecretName> parse(std::string_view text);
    [[nodiscard]] std::string text() const { return scope.text() + '/' + key; }
    // NOLINTNEXTLINE(modernize-use-nullptr): the generated comparison with 0 is no pointer (clang-tidy 14)
    auto operator<=>(const SecretName&) const = default;
};

// The scopes that /org/project/domain/KEY can show, the most specific first: project+domain, project,
// domain, org. The index is the scope's level, 0 to 3. All four segments given.
[[nodiscard]] std::array<Scope, 4> scopes_serving(std::string_view org, std::string_view project,
                                                  std::string_view domain);

}  // namespace coffer
