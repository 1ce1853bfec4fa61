// SPDX-License-Identifier: Apache-2.0
#include "access/policy/policy_reader.h"

#include <charconv>
#include <limits>
#include <set>
#include <span>

#include "access/config/toml_fields.h"
#include "access/policy/accounts.h"
#include "base/file_mode.h"
#include "names/name.h"

namespace coffer {
namespace {

using Items = std::vector<TomlFields::Item>;

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> out;
    while (true) {
        std::size_t slash = text.find('/');
        out.push_back(text.substr(0, slash));
        if (slash == text.npos) return out;
        text.remove_prefix(slash + 1);
    }
}

Result<void> check_secret_segment(std::string_view segment, std::string_view whole) {
    for (char c : segment) {
        bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-' || c == '*';
        if (!good)
            return fail(Code::invalid, '"', printable(whole),
                        "\" matches nothing: names have [A-Za-z0-9._-] only");
    }
    if (segment.empty()) return fail(Code::invalid, '"', printable(whole), "\" has an empty segment");
    if (segment.find("**") != segment.npos)
        return fail(Code::invalid, '"', printable(whole),
                    "\": ** stands for whole segments; within one, * is enough");
    if (segment.front() == '.' || segment.front() == '-')
        return fail(Code::invalid, '"', printable(whole),
                    "\" matches nothing: no name starts with '.' or '-'");
    return {};
}

// What a value of this selector always looks like: "checkout" for a unit would silently match nothing.
Result<void> check_shape(std::string_view key, std::string_view text) {
    if (text.ends_with('*') || text.ends_with('}')) return {};
    if (key == "exe" || key == "cgroup") {
        if (text.starts_with('/') || text.starts_with('*')) return {};
        return fail(Code::invalid, '"', printable(text), "\" matches nothing: write the whole path, from /");
    }
    std::string_view wanted[] = {".slice", ".service", ".scope", ".socket", ".mount", ".swap"};
    for (std::string_view suffix :
         std::span(wanted).subspan(key == "slice" ? 0 : 1, key == "slice" ? 1 : 5)) {
        if (text.ends_with(suffix)) return {};
    }
    return fail(Code::invalid, '"', printable(text), "\" matches nothing: write the whole name, as in \"",
                printable(text), key == "slice" ? ".slice\"" : ".service\"");
}

// Each text of an array, compiled; what does not compile is an error at its place.
template <class Pattern, class Compile>
void read_patterns(TomlFields& fields, std::string_view key, std::optional<std::vector<Pattern>>& out,
                   Compile compile) {
    auto items = fields.items(key, true, false);
    if (!items) return;
    out.emplace();
    for (const auto& item : *items) {
        auto pattern = compile(item.text);
        if (pattern)
            out->push_back(*std::move(pattern));
        else
            fields.error(item.place, key, ": ", pattern.error().message);
    }
}

void read_exes(TomlFields& fields, Rule& rule) {
    read_patterns(fields, "exe", rule.exes, [](const std::string& text) -> Result<Glob> {
        COFFER_CHECK(check_shape("exe", text));
        if (text.find('{') != text.npos)
            return fail(Code::invalid, '"', printable(text),
                        "\": a program can be forged, so nothing is captured from its path");
        return Glob::compile(text);
    });
}

void read_places(TomlFields& fields, std::string_view key, CallerPattern::Of of,
                 std::optional<std::vector<CallerPattern>>& out) {
    read_patterns(fields, key, out, [&](const std::string& text) -> Result<CallerPattern> {
        COFFER_CHECK(check_shape(key, text));
        return CallerPattern::compile(text, of);
    });
}

void read_hashes(TomlFields& fields, Rule& rule) {
    read_patterns(fields, "sha256", rule.sha256s, [](const std::string& text) -> Result<Hash> {
        auto hash = Hash::parse(text);
        if (hash) return *hash;
        return fail(Code::invalid, "found \"", printable(text),
                    "\", expected the 64 lower-case hexadecimal digits that sha256sum(1) prints");
    });
}

// Names by `by_name` and numbers by `by_number` into one list: both say the same thing.
template <class Id>
void read_ids(TomlFields& fields, std::string_view by_name, std::string_view by_number,
              Result<Id> (*look_up)(const std::string&), std::optional<std::vector<Id>>& out) {
    auto names = fields.items(by_name, true, false);
    auto numbers = fields.items(by_number, false, true);
    if (names && numbers)
        fields.error(fields.place(by_number), by_name, " and ", by_number, " exclude each other; use one");
    if (names || numbers) out.emplace();
    for (const auto& item : names.value_or(Items{})) {
        auto id = look_up(item.text);
        if (id) out->push_back(*id);
        if (!id) fields.error(item.place, id.error().message);
    }
    for (const auto& item : numbers.value_or(Items{})) {
        std::int64_t number = item.number;
        if (number >= 0 && number < std::numeric_limits<Id>::max())
            out->push_back(static_cast<Id>(number));
        else
            fields.error(item.place, by_number, " ", number, " is out of range");
    }
}

template <class Id>
std::optional<Id> read_id(TomlFields& fields, std::string_view key,
                          Result<Id> (*look_up)(const std::string&)) {
    auto items = fields.items(key, true, true);
    if (!items || items->empty()) return std::nullopt;
    const auto& item = items->front();
    if (items->size() > 1) fields.error(item.place, key, " takes one value");
    if (!item.is_text) {
        if (item.number >= 0 && item.number < std::numeric_limits<Id>::max())
            return static_cast<Id>(item.number);
        fields.error(item.place, key, " ", item.number, " is out of range");
        return std::nullopt;
    }
    auto id = look_up(item.text);
    if (!id) fields.error(item.place, id.error().message);
    return id ? std::optional(*id) : std::nullopt;
}

void read_secrets(TomlFields& fields, Rule& rule) {
    auto items = fields.items("secrets", true, false);
    if (!items) {
        (void)fields.required_text("secrets");  // reports that it is missing
        return;
    }
    for (const auto& item : *items) {
        auto names = capture_names(item.text);
        if (!names) {
            fields.error(item.place, "secrets: ", names.error().message);
            continue;
        }
        rule.has_captures |= !names->empty();
        auto pattern = read_secret_pattern(substitute(item.text, nullptr));
        if (pattern) rule.secrets.push_back(std::move(*pattern));
        if (!pattern) fields.error(item.place, "secrets: ", pattern.error().message);
        rule.secret_texts.push_back(item.text);
    }
}

// What `secrets` names has to have a value in whichever way the caller's place matches.
void check_captures(TomlFields& fields, Rule& rule) {
    std::set<std::string, std::less<>> bound;
    for (const auto* place : {&rule.units, &rule.user_units, &rule.slices, &rule.cgroups}) {
        if (!*place) continue;
        std::optional<std::set<std::string, std::less<>>> of_all;
        for (const CallerPattern& pattern : **place) {
            auto names = capture_names(pattern.text());
            std::set<std::string, std::less<>> here;
            if (names) here.insert(names->begin(), names->end());
            rule.has_captures |= !here.empty();
            if (of_all && *of_all != here)
                fields.error(fields.place(), "the alternatives of one selector capture different names");
            of_all = std::move(here);
        }
        if (of_all) bound.insert(of_all->begin(), of_all->end());
    }
    for (const std::string& text : rule.secret_texts) {
        auto names = capture_names(text);
        for (const std::string& name : names.value_or(std::vector<std::string>())) {
            if (!bound.contains(name))
                fields.error(fields.place("secrets"), "{", name,
                             "} is not captured by unit, user_unit, slice or cgroup of this rule");
        }
    }
}

// "30s", "5m", "2h".
void read_within(TomlFields& fields, Rule& rule) {
    auto text = fields.text("within");
    if (!text) return;
    std::uint32_t number = 0;
    const char* end = text->data() + text->size();
    auto digits = std::from_chars(text->data(), end, number);
    std::string_view unit(digits.ptr, static_cast<std::size_t>(end - digits.ptr));
    std::uint32_t seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (digits.ec != std::errc() || number == 0 || number > 1'000'000 || seconds == 0)
        fields.error(fields.place("within"), "within is a time as in \"30s\", \"5m\" or \"2h\", found \"",
                     printable(*text), '"');
    rule.within = std::chrono::seconds(std::uint64_t{number} * seconds);
}

void read_max_opens(TomlFields& fields, Rule& rule) {
    auto items = fields.items("max_opens", false, true);
    if (!items || items->empty()) return;
    const auto& item = items->front();
    if (items->size() > 1 || item.number < 1 || item.number > 1'000'000'000)
        fields.error(item.place, "max_opens is one number from 1 to 1000000000");
    rule.max_opens = static_cast<std::uint32_t>(item.number);
}

// "0440": as everybody writes modes. Reading only, for nothing can be written.
void read_mode(TomlFields& fields, Rule& rule) {
    auto text = fields.text("mode");
    if (!text) return;
    const auto mode = parse_mode(*text);
    if (!mode)
        fields.error(fields.place("mode"), "mode is four octal digits as in \"0440\", found \"",
                     printable(*text), '"');
    if (mode && (*mode & ~mode_t{0444}) != 0)
        fields.error(fields.place("mode"), "mode \"", *text,
                     "\" has more than reading; a secret's file is read-only");
    rule.mode = mode;
}

void read_on_change(TomlFields& fields, std::string_view file, Rule& rule) {
    const TomlMember* member = fields.find("on_change");
    if (!member) return;
    auto on_change = coffer::read_on_change(member->value, file);
    if (on_change)
        rule.on_change = *std::move(on_change);
    else
        fields.keep(std::move(on_change).error());
}

void read_effect(TomlFields& fields, Rule& rule) {
    auto effect = fields.text("effect");
    if (effect && *effect != "allow" && *effect != "deny")
        fields.error(fields.place("effect"), "effect is \"allow\" or \"deny\", found \"", printable(*effect),
                     '"');
    rule.allow = !effect || *effect == "allow";
}

void check_selectors(TomlFields& fields, const Rule& rule, TomlPlace at) {
    // A deny without selectors denies everybody, which is safe.
    if (rule.allow && !rule.has_selector())
        fields.error(at, "the rule names no caller; add user, uid, group, gid, unit, slice or cgroup");
    if (rule.has_program() && !rule.has_firm_selector())
        fields.error(
            at, rule.exes ? "exe" : "sha256",
            " alone proves nothing, since a process of the same user can forge it; add user, uid, group, "
            "gid, unit, slice or cgroup");
    if (rule.credential && !rule.units)
        fields.error(fields.place("credential"),
                     "credential is for a unit that loads the secret with LoadCredential=; add unit");
    if (rule.user_units && !rule.has_firm_selector())
        fields.error(at,
                     "user_unit alone proves nothing, since every user names its own units; add user or uid");
}

void check_permissions(TomlFields& fields, const Rule& rule, TomlPlace at) {
    bool presents = rule.mode || rule.owner || rule.owner_group || rule.inherit || rule.cached ||
                    rule.within || rule.max_opens || rule.traced || rule.credential || rule.on_change;
    if (!rule.allow && presents)
        fields.error(
            at,
            "mode, owner, owner_group, inherit, cached, within, max_opens, traced, credential and on_change "
            "say nothing in a rule that denies");
}

Result<Rule> read_rule(const TomlValue& table, std::string_view file) {
    TomlFields fields(table, file, "rule");
    const TomlPlace at = fields.place();
    Rule rule;
    rule.file = file;
    rule.place = at;
    rule.name = fields.required_text("name");
    if (fields.find("name") && (rule.name.empty() || rule.name.size() > kMaxRuleName))
        fields.error(fields.place("name"), "name has 1 to ", kMaxRuleName,
                     " bytes, for it is in each audit record");
    read_effect(fields, rule);
    read_secrets(fields, rule);
    read_ids<uid_t>(fields, "user", "uid", find_user, rule.uids);
    read_ids<gid_t>(fields, "group", "gid", find_group, rule.gids);
    read_exes(fields, rule);
    read_hashes(fields, rule);
    read_places(fields, "unit", CallerPattern::Of::unit, rule.units);
    read_places(fields, "user_unit", CallerPattern::Of::unit, rule.user_units);
    read_places(fields, "slice", CallerPattern::Of::slice, rule.slices);
    read_places(fields, "cgroup", CallerPattern::Of::cgroup, rule.cgroups);
    read_within(fields, rule);
    read_max_opens(fields, rule);
    read_mode(fields, rule);
    rule.owner = read_id<uid_t>(fields, "owner", find_user);
    rule.owner_group = read_id<gid_t>(fields, "owner_group", find_group);
    rule.inherit = fields.boolean("inherit").value_or(false);
    rule.cached = fields.boolean("cached").value_or(false);
    rule.traced = fields.boolean("traced").value_or(false);
    rule.credential = fields.boolean("credential").value_or(false);
    read_on_change(fields, file, rule);
    check_captures(fields, rule);
    check_selectors(fields, rule, at);
    check_permissions(fields, rule, at);
    COFFER_CHECK(fields.finish());
    return rule;
}

}  // namespace

Result<SecretPattern> read_secret_pattern(std::string_view text) {
    auto segments = split(text);
    std::vector<Glob> globs;
    bool deep = false;
    for (std::string_view segment : segments) {
        if (segment == "**") {
            if (deep) return fail(Code::invalid, '"', printable(text), "\" has two **; one stands for all");
            deep = true;
            for (std::size_t missing = segments.size() - 1; missing < 4; ++missing)
                globs.push_back(Glob::any());
            continue;
        }
        COFFER_CHECK(check_secret_segment(segment, text));
        COFFER_TRY(auto glob, segment == "*" ? Result<Glob>(Glob::any()) : Glob::compile(segment));
        globs.push_back(std::move(glob));
    }
    if (globs.size() != 4)
        return fail(Code::invalid, '"', printable(text),
                    "\" matches nothing: a secret is org/project/domain/KEY; found ", segments.size(),
                    " segments");
    return SecretPattern{globs[0], globs[1], globs[2], globs[3]};
}

Result<std::vector<Rule>> read_rules(const PolicySource& source) {
    COFFER_TRY(auto document, parse_toml(source.text, source.name));
    TomlFields fields(document, source.name, "policy");
    std::vector<Rule> rules;
    if (const TomlMember* member = fields.find("rule")) {
        const TomlValue& array = member->value;
        if (array.kind != TomlValue::Kind::array)
            return fail_at(source.name, member->place, "rules are written as [[rule]], found ",
                           to_text(array.kind));
        for (const TomlValue& table : array.items) {
            if (table.kind != TomlValue::Kind::table)
                return fail_at(source.name, table.place, "a rule is a table, found ", to_text(table.kind));
            COFFER_TRY(auto rule, read_rule(table, source.name));
            rules.push_back(std::move(rule));
        }
    }
    COFFER_CHECK(fields.finish());
    return rules;
}

}  // namespace coffer
