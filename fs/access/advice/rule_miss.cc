// SPDX-License-Identifier: Apache-2.0
#include "access/advice/rule_miss.h"

#include <algorithm>

#include "access/policy/accounts.h"

namespace coffer {
namespace {

template <class Items, class Text>
std::string listed(const Items& items, Text text) {
    std::string out;
    for (const auto& item : items) {
        if (!out.empty()) out += ", ";
        out += text(item);
    }
    return out;
}

std::string or_none(const std::string& text) {
    return text.empty() ? "none" : text;
}

constexpr auto kPattern = [](const auto& pattern) { return pattern.text(); };

// Asks the rule's own matching about one key at a time, through a rule that has only this one: what is
// explained cannot differ from what is decided.
class Questions {
  public:
    Questions(const Rule& rule, const Caller& caller, Unseen unseen)
        : rule_(rule), caller_(caller), unseen_(unseen) {}

    std::vector<FailedKey> ask() {
        // To systemd's loader of credentials the rule is its unit's, whoever and whatever it is itself.
        if (!rule_.credential || !caller_.credential_loader) {
            ask_ids();
            ask_program();
        }
        ask_place("unit", &Rule::units, caller_.cgroup.unit, Unseen::nothing);
        ask_place("user_unit", &Rule::user_units, caller_.cgroup.user_unit, Unseen::nothing);
        ask_place("slice", &Rule::slices, caller_.cgroup.slice, Unseen::place);
        ask_place("cgroup", &Rule::cgroups, caller_.cgroup.path, Unseen::place);
        if (!rule_.names_tracer(caller_))
            add("traced", "no tracer", concat("traced by process ", caller_.tracer), Unseen::nothing);
        if (failed_.empty() && rule_.has_captures && rule_.captures(caller_).empty())
            add("captures", "one value for each name in braces", "selectors that disagree", Unseen::nothing);
        return std::move(failed_);
    }

  private:
    void add(std::string_view key, std::string wanted, std::string found, Unseen about) {
        bool unseen = has(unseen_, about);
        failed_.push_back({key, std::move(wanted), unseen ? "not known" : std::move(found), unseen});
    }

    void ask_ids() {
        Rule user, group;
        user.uids = rule_.uids;
        group.gids = rule_.gids;
        if (!user.names_lasting(caller_))
            add("user", listed(*rule_.uids, user_label), user_label(caller_.ids.fsuid), Unseen::nothing);
        if (group.names_changing(caller_)) return;
        std::string found = group_label(caller_.ids.fsgid);
        for (gid_t gid : caller_.groups) {
            if (gid != caller_.ids.fsgid) found += ", " + group_label(gid);
        }
        add("group", listed(*rule_.gids, group_label), std::move(found), Unseen::groups);
    }

    void ask_program() {
        Rule exe, hash;
        exe.exes = rule_.exes;
        hash.sha256s = rule_.sha256s;
        constexpr std::string_view kForeign =
            "a process in another user namespace, whose program is not believed";
        if (!exe.names_lasting(caller_)) {
            std::string found(caller_.foreign_user_namespace ? kForeign : or_none(caller_.exe.path));
            add("exe", listed(*rule_.exes, kPattern), std::move(found), Unseen::program);
        }
        // A denial holds also where the hash stays unknown.
        if (!rule_.allow && !caller_.sha256) return;
        if (hash.names_lasting(caller_) && hash.names_hash(caller_)) return;
        std::string found = caller_.foreign_user_namespace ? std::string(kForeign)
                            : caller_.sha256               ? caller_.sha256->hex()
                                                           : "a program that cannot be read or hashed";
        add("sha256", listed(*rule_.sha256s, [](const Hash& one) { return one.hex(); }), std::move(found),
            caller_.sha256 ? Unseen::nothing : Unseen::hash);
    }

    void ask_place(std::string_view key, std::optional<std::vector<CallerPattern>> Rule::*which,
                   const std::string& value, Unseen about) {
        Rule one;
        one.*which = rule_.*which;
        if (!one.names_changing(caller_))
            add(key, listed(*(rule_.*which), kPattern), or_none(value),
                value.empty() ? about : Unseen::nothing);
    }

    const Rule& rule_;
    const Caller& caller_;
    const Unseen unseen_;
    std::vector<FailedKey> failed_;
};

}  // namespace

std::string user_label(uid_t uid) {
    auto name = user_name(uid);
    return name ? concat(*name, " (", uid, ')') : concat(uid);
}

std::string group_label(gid_t gid) {
    auto name = group_name(gid);
    return name ? concat(*name, " (", gid, ')') : concat(gid);
}

std::string path_text(const SecretPath& path) {
    return concat(path.org, '/', path.project, '/', path.domain, '/', path.key);
}

bool is_about(const Rule& rule, const Caller& caller, const SecretPath& path) {
    if (!rule.has_captures || !rule.names_changing(caller)) return rule.matches(path);
    return std::ranges::any_of(rule.captured_secrets(caller),
                               [&](const SecretPattern& one) { return one.matches(path); });
}

std::vector<FailedKey> failed_keys(const Rule& rule, const Caller& caller, const SecretPath& path,
                                   const Circumstances& now, Unseen unseen) {
    auto failed = Questions(rule, caller, unseen).ask();
    if (!is_about(rule, caller, path))
        failed.push_back({"secrets", listed(rule.secret_texts, [](const auto& text) { return text; }),
                          path_text(path), false});
    const auto age = now.since_boot - start_of(caller);
    if (rule.allow && rule.within && age > *rule.within)
        failed.push_back({"within", concat(rule.within->count(), " s after the start of the process"),
                          concat(std::chrono::duration_cast<std::chrono::seconds>(age).count(), " s"),
                          false});
    return failed;
}

}  // namespace coffer
