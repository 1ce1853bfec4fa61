// SPDX-License-Identifier: Apache-2.0
//
// RuleMiss: why a rule does not let one caller read one secret: each of its keys that does not match, with
// what it wants and what was found. Pure, but for the names of users and groups.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/policy/policy.h"
#include "access/policy/policy_rule.h"

namespace coffer {

// What whoever describes a caller may be unable to tell of it. Bits.
enum class Unseen : std::uint8_t {
    nothing = 0,
    groups = 1,      // supplementary ones
    place = 2,       // slice and cgroup
    program = 4,     // exe
    namespaces = 8,  // whether it is in another user namespace
    tracer = 16,
    age = 32,
    hash = 64,  // sha256
};
[[nodiscard]] constexpr Unseen operator|(Unseen a, Unseen b) {
    return static_cast<Unseen>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(Unseen set, Unseen one) {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}
// What an audit record does not hold.
inline constexpr Unseen kUnseenInRecord =
    Unseen::groups | Unseen::place | Unseen::namespaces | Unseen::tracer | Unseen::age;

struct FailedKey {
    std::string_view key;  // "unit", "user", "secrets", "traced", "within" ... as the policy names it
    std::string wanted, found;
    bool unseen = false;  // what it is about is not known, so it may match after all
};

struct RuleMiss {
    const Rule* rule = nullptr;  // as long as its policy
    std::vector<FailedKey> failed;
};

// The keys of `rule` that do not match; none: it names this caller now and is about the path.
[[nodiscard]] std::vector<FailedKey> failed_keys(const Rule& rule, const Caller& caller,
                                                 const SecretPath& path, const Circumstances& now,
                                                 Unseen unseen);
// Is the rule about this path, for this caller or, where its captures have no value, for anybody?
[[nodiscard]] bool is_about(const Rule& rule, const Caller& caller, const SecretPath& path);

// "checkout (1001)", or the number.
[[nodiscard]] std::string user_label(uid_t uid);
[[nodiscard]] std::string group_label(gid_t gid);
[[nodiscard]] std::string path_text(const SecretPath& path);

}  // namespace coffer
