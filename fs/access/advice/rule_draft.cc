// SPDX-License-Identifier: Apache-2.0
#include "access/advice/rule_draft.h"

#include <algorithm>

#include "access/advice/interpreter.h"
#include "access/config/toml_document.h"
#include "access/policy/accounts.h"
#include "access/policy/policy_rule.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

// May a rule name it as it is?
bool can_be_named(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return c >= 0x20 && c < 0x7f && c != '*' && c != '{' && c != '}'; });
}

bool all_of_digits(std::string_view text, std::string_view digits) {
    return !text.empty() && text.find_first_not_of(digits) == text.npos;
}

// "run-u12.service", "run-r4f...service", "run-p12-i34.service": systemd-run(1) without a name.
bool is_made_up(std::string_view unit) {
    if (!unit.starts_with("run-")) return false;
    std::string_view stem = unit.substr(4, unit.rfind('.') - 4);
    if (stem.empty()) return false;
    std::string_view rest = stem.substr(1);
    return (stem[0] == 'u' && all_of_digits(rest, "0123456789")) ||
           (stem[0] == 'r' && all_of_digits(rest, "0123456789abcdef")) ||
           (stem[0] == 'p' && all_of_digits(rest, "0123456789-i"));
}

// A unit that is there again after a restart under the same name. A scope is a session, a container, an
// application's run; user@UID.service is all that a user does.
bool is_lasting(std::string_view unit) {
    return !unit.empty() && !unit.ends_with(".scope") && !unit.starts_with("user@") && !is_made_up(unit) &&
           can_be_named(unit);
}

// systemd's range for DynamicUser=: such a user has a name only while the unit runs.
bool is_dynamic(uid_t uid) {
    return uid >= 61184 && uid <= 65519;
}

void name_program(RuleDraft& draft, std::string_view path) {
    std::string_view base = path;
    if (base.ends_with(kDeleted)) base.remove_suffix(kDeleted.size());
    draft.exes.emplace_back(base);
    if (base.size() == path.size()) return;
    draft.exes.emplace_back(path);
    draft.comments.emplace_back(
        "The program was replaced while it ran; after a restart its plain path will do.");
}

std::string base_name(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

std::string user_text(uid_t uid) {
    return user_name(uid).value_or(concat("uid ", uid));
}

void assign(std::string& out, std::string_view key, const std::string& value) {
    out += key;
    out.append(std::max<std::size_t>(8, key.size() + 1) - key.size(), ' ');
    out += concat("= ", value, '\n');
}

std::string value_of(const std::vector<std::string>& texts) {
    if (texts.size() == 1) return quote_toml(texts.front());
    std::string out = "[\n";
    for (const std::string& text : texts) out += concat("    ", quote_toml(text), ",\n");
    return out + ']';
}

// At most `limit` bytes, whole characters of UTF-8 if it has whole ones.
std::string shortened(std::string_view text, std::size_t limit) {
    constexpr std::string_view kDots = "...";
    if (text.size() <= limit) return std::string(text);
    std::size_t end = limit - kDots.size();
    while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
    return concat(text.substr(0, end), kDots);
}

bool decides(const std::shared_ptr<const Policy>& policy, const Caller& caller, const SecretPath& path) {
    return entitle(policy, caller).decide(path).allow;
}

}  // namespace

// A comment quotes what a caller has chosen (a path): nothing in it may end the line.
std::string comment_line(std::string_view text) {
    std::string out = "# ";
    for (char c : text) out += c >= 0x20 && c < 0x7f ? c : '?';
    return out + '\n';
}

std::string RuleDraft::who() const {
    std::string what = !unit.empty()        ? unit
                       : !user_unit.empty() ? user_unit
                       : !exes.empty()      ? base_name(exes.front())
                                            : "anything";
    if (uid) what += concat(" as ", user_text(*uid));
    return what;
}

std::string RuleDraft::toml() const {
    std::string out;
    for (const std::string& comment : comments) out += comment_line(comment);
    out += "[[rule]]\n";
    assign(out, "name", quote_toml(name));
    assign(out, "secrets", value_of(secrets));
    if (!unit.empty()) assign(out, "unit", quote_toml(unit));
    if (!user_unit.empty()) assign(out, "user_unit", quote_toml(user_unit));
    if (uid) {
        // A name is what people read; a name that means another number here would allow somebody else.
        auto user = user_name(*uid);
        auto back = user ? find_user(*user) : Result<uid_t>(*uid + 1);
        if (back && *back == *uid)
            assign(out, "user", quote_toml(*user));
        else
            assign(out, "uid", concat(*uid));
    }
    if (!exes.empty()) assign(out, "exe", value_of(exes));
    return out;
}

Result<RuleDraft> draft_for(const Caller& caller) {
    RuleDraft draft;
    const CgroupPlace& place = caller.cgroup;
    if (is_lasting(place.unit)) {
        draft.unit = place.unit;
        if (!is_dynamic(caller.ids.fsuid))
            draft.uid = caller.ids.fsuid;
        else
            draft.comments.emplace_back(
                "The user is made for each run (DynamicUser=), so the unit stands alone.");
        return draft;
    }
    draft.uid = caller.ids.fsuid;
    if (is_lasting(place.user_unit)) {
        draft.user_unit = place.user_unit;
        return draft;
    }
    if (caller.exe.path.empty() || caller.foreign_user_namespace) {
        draft.comments.emplace_back("Its program is not known: this is for everything that the user runs.");
        return draft;
    }
    if (!can_be_named(caller.exe.path))
        return fail(Code::invalid, "no pattern can name the program ", printable(caller.exe.path));
    name_program(draft, caller.exe.path);
    if (is_interpreter(draft.exes.front()))
        draft.comments.push_back(
            concat(base_name(draft.exes.front()),
                   " runs whatever it is given, so this is for every script of the user: "
                   "a unit or a user of its own is better."));
    else
        draft.comments.emplace_back("No unit that lasts: the user's other programs can pass for this one.");
    return draft;
}

std::string unique_name(std::string_view name, std::set<std::string>& taken) {
    std::string number;
    for (int next = 2;; ++next) {
        std::string out = concat(shortened(name, kMaxRuleName - number.size()), number);
        if (taken.insert(out).second) return out;
        number = concat(" (", next, ')');
    }
}

Result<void> check_draft(const RuleDraft& draft, const Caller& caller, const SecretPath& path) {
    PolicySource source{"the suggested rule", draft.toml()};
    COFFER_TRY(auto policy, Policy::parse({&source, 1}));
    Caller calm = caller;
    calm.tracer = 0;
    if (!decides(policy, calm, path)) return fail(Code::failed, "the suggested rule does not allow it");
    std::vector<Caller> strangers;
    auto stranger = [&](auto change) { change(strangers.emplace_back(calm)); };
    if (draft.uid) stranger([](Caller& who) { who.ids.fsuid ^= 1; });
    if (!draft.unit.empty()) stranger([](Caller& who) { who.cgroup.unit += ".service"; });
    if (!draft.user_unit.empty()) stranger([](Caller& who) { who.cgroup.user_unit += ".service"; });
    if (!draft.exes.empty()) stranger([](Caller& who) { who.exe.path += "-other"; });
    for (const Caller& who : strangers) {
        if (decides(policy, who, path)) return fail(Code::failed, "the suggested rule allows others too");
    }
    bool wide =
        std::ranges::any_of(draft.secrets, [](const auto& text) { return text.find('*') != text.npos; });
    std::string next(path.key);
    while (std::ranges::any_of(draft.secrets, [&](const auto& text) { return text.ends_with("/" + next); }))
        next += '_';
    if (!wide && decides(policy, calm, {path.org, path.project, path.domain, next}))
        return fail(Code::failed, "the suggested rule allows other secrets too");
    return {};
}

}  // namespace coffer
