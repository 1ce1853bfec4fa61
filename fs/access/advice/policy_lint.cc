// SPDX-License-Identifier: Apache-2.0
#include "access/advice/policy_lint.h"

#include <algorithm>
#include <tuple>

#include "access/advice/interpreter.h"
#include "access/advice/rule_cover.h"
#include "access/policy/policy_rule.h"
#include "names/name.h"

namespace coffer {
namespace {

using Weight = Finding::Weight;

std::string in_quotes(std::string_view text) {
    return concat('"', printable(text), '"');
}

bool is_literal(std::string_view text) {
    return text.find_first_of("*{") == text.npos;
}

// Could this pattern match a path at which the secret is seen? A scope's "all" is seen at every name.
bool may_show(const SecretPattern& pattern, const SecretName& secret) {
    auto fits = [](const Glob& glob, const std::string& segment) {
        return segment.empty() || glob.matches(segment);
    };
    return fits(pattern.org, secret.scope.org) && fits(pattern.project, secret.scope.project) &&
           fits(pattern.domain, secret.scope.domain) && pattern.key.matches(secret.key);
}

// The instance of a template is its template's file.
std::string template_of(std::string_view unit) {
    std::size_t at = unit.find('@'), dot = unit.rfind('.');
    if (at == unit.npos || dot == unit.npos || dot < at) return std::string(unit);
    return concat(unit.substr(0, at + 1), unit.substr(dot));
}

class Linter {
  public:
    Linter(const Policy& policy, const HostFacts& host) : policy_(policy), host_(host) {}

    void add_source(const PolicySource& source) {
        auto document = parse_toml(source.text, source.name);
        if (document) documents_.emplace_back(source.name, *std::move(document));
    }

    std::vector<Finding> run() {
        for (const Rule& rule : policy_.rules()) {
            rule_ = &rule;
            table_ = table_of(rule);
            check_against_others();
            check_places();
            check_units();
            check_reload();
            check_secrets();
            check_programs();
            check_consequences();
        }
        std::ranges::stable_sort(findings_, {}, [this](const Finding& one) {
            return std::tuple(order_of(one.file), one.place.line, one.place.column);
        });
        return std::move(findings_);
    }

  private:
    template <class... Parts>
    void add(Weight weight, std::string_view check, TomlPlace place, const Parts&... parts) {
        findings_.push_back({weight, rule_->file, place, check, rule_->name, concat(parts...)});
    }

    [[nodiscard]] const TomlValue* table_of(const Rule& rule) const {
        for (const auto& [file, document] : documents_) {
            if (file != rule.file) continue;
            for (const TomlMember& member : document.members) {
                if (member.key != "rule") continue;
                for (const TomlValue& table : member.value.items) {
                    if (table.place.line == rule.place.line && table.place.column == rule.place.column)
                        return &table;
                }
            }
        }
        return nullptr;
    }

    [[nodiscard]] std::size_t order_of(std::string_view file) const {
        auto found = std::ranges::find(documents_, file, &decltype(documents_)::value_type::first);
        return static_cast<std::size_t>(found - documents_.begin());
    }

    // Where a key's value stands, or one of the values of its array.
    [[nodiscard]] TomlPlace place(std::string_view key, std::size_t index = 0) const {
        if (!table_) return rule_->place;
        for (const TomlMember& member : table_->members) {
            if (member.key != key) continue;
            const auto& items = member.value.items;
            return index < items.size() ? items[index].place : member.value.place;
        }
        return rule_->place;
    }

    // The same within on_change.
    [[nodiscard]] TomlPlace place_of_reload(std::size_t index) const {
        if (!table_) return rule_->place;
        for (const TomlMember& member : table_->members) {
            if (member.key != "on_change") continue;
            for (const TomlMember& inner : member.value.members) {
                if (inner.key != "reload") continue;
                const auto& items = inner.value.items;
                return index < items.size() ? items[index].place : inner.value.place;
            }
        }
        return rule_->place;
    }

    static std::string name_of(const Rule& rule) {
        return concat(in_quotes(rule.name), " (", rule.file, ':', rule.place.line, ')');
    }

    void check_against_others() {
        bool earlier = true;
        for (const Rule& other : policy_.rules()) {
            if (&other == rule_) {
                earlier = false;
                continue;
            }
            if (rule_->allow && !other.allow && covers(other, *rule_)) {
                add(Weight::warning, "denied", rule_->place, "this rule allows nothing: ", name_of(other),
                    " denies all that it allows; remove one of them");
                return;
            }
            if (earlier && makes_useless(other, *rule_)) {
                add(Weight::warning, "duplicate", rule_->place, "this rule adds nothing to the earlier ",
                    name_of(other), "; remove one of them");
                return;
            }
        }
    }

    // Selectors that no process can meet together.
    void check_places() {
        const Rule& rule = *rule_;
        auto never = [&](std::string_view key, const auto&... parts) {
            add(Weight::warning, "never-matches", place(key), "this rule never matches: ", parts...);
        };
        if (rule.user_units && rule.units && std::ranges::none_of(*rule.units, [](const CallerPattern& unit) {
                return !is_literal(unit.text()) || unit.text().starts_with("user@");
            }))
            never("user_unit",
                  "a user's units are below user@UID.service, and unit names another; use one of "
                  "unit and user_unit");
        if (!rule.cgroups || !std::ranges::all_of(*rule.cgroups, [](const CallerPattern& cgroup) {
                return is_literal(cgroup.text());
            }))
            return;
        auto contradicts = [&](const std::optional<std::vector<CallerPattern>>& wanted, auto value_of) {
            return wanted && std::ranges::none_of(*rule.cgroups, [&](const CallerPattern& cgroup) {
                       const std::string value = value_of(read_cgroup_path(cgroup.text()));
                       return !value.empty() && std::ranges::any_of(*wanted, [&](const CallerPattern& one) {
                           return one.matches(value);
                       });
                   });
        };
        if (contradicts(rule.units, [](const CgroupPlace& at) { return at.unit; }))
            never("unit", "its cgroup is that of another unit, or of none");
        if (contradicts(rule.slices, [](const CgroupPlace& at) { return at.slice; }))
            never("slice", "its cgroup is in another slice");
        if (contradicts(rule.user_units, [](const CgroupPlace& at) { return at.user_unit; }))
            never("user_unit", "its cgroup is that of another unit, or of none");
    }

    void check_units() {
        if (!host_.units || !rule_->units) return;
        for (std::size_t i = 0; i < rule_->units->size(); ++i) {
            const std::string& unit = (*rule_->units)[i].text();
            if (unit.ends_with(".scope")) continue;  // never a file
            is_literal(unit) ? check_unit(unit, place("unit", i))
                             : check_unit_pattern(unit, place("unit", i));
        }
    }

    void check_reload() {
        if (!host_.units || !rule_->on_change) return;
        for (std::size_t i = 0; i < rule_->on_change->reload.size(); ++i)
            check_unit(rule_->on_change->reload[i], place_of_reload(i));
    }

    void check_unit(const std::string& unit, TomlPlace at) {
        auto found = host_.units->find(unit);
        bool instance = found == host_.units->end();
        if (instance) found = host_.units->find(template_of(unit));
        if (found == host_.units->end()) {
            add(Weight::warning, "unknown-unit", at, "there is no unit ", in_quotes(unit),
                " on this host; install it, or correct the name");
        } else if (found->second == "/dev/null") {
            add(Weight::warning, "masked-unit", at, "the unit ", in_quotes(unit),
                " is masked and never runs");
        } else if (!found->second.empty() && found->second != template_of(unit)) {
            add(Weight::warning, "unit-alias", at, in_quotes(unit), " is an alias: its processes are in ",
                in_quotes(found->second), ", which is the name to write");
        }
    }

    void check_unit_pattern(const std::string& pattern, TomlPlace at) {
        auto glob = Glob::compile(substitute(pattern, nullptr));
        if (!glob) return;
        for (const auto& [unit, target] : *host_.units) {
            if (glob->matches(unit)) return;
            // A template's instances have any text where its name has none.
            std::size_t sign = unit.find("@.");
            if (sign != unit.npos && glob->text().starts_with(unit.substr(0, sign + 1))) return;
        }
        add(Weight::warning, "unknown-unit", at, "no unit of this host matches ", in_quotes(pattern),
            "; install one, or correct the pattern");
    }

    void check_secrets() {
        if (!host_.secrets) return;
        for (std::size_t i = 0; i < rule_->secrets.size(); ++i) {
            const SecretPattern& pattern = rule_->secrets[i];
            if (std::ranges::any_of(*host_.secrets,
                                    [&](const SecretName& one) { return may_show(pattern, one); }))
                continue;
            add(Weight::warning, "no-secret", place("secrets", i), in_quotes(rule_->secret_texts[i]),
                " matches no secret that the store has now; set one, or correct the pattern");
        }
    }

    void check_programs() {
        if (!rule_->exes) return;
        for (std::size_t i = 0; i < rule_->exes->size(); ++i) {
            const std::string& path = (*rule_->exes)[i].text();
            const TomlPlace at = place("exe", i);
            if (is_interpreter(path))
                add(Weight::warning, "interpreter", at, in_quotes(path),
                    " runs whatever it is given, so that this names every script of the caller; give what "
                    "reads the secret a unit or a user of its own");
            if (auto found = host_.programs.find(path); found != host_.programs.end())
                check_program(path, found->second, at);
        }
    }

    void check_program(const std::string& path, const ProgramFacts& facts, TomlPlace at) {
        if (!facts.exists) {
            if (!path.ends_with(" (deleted)"))
                add(Weight::warning, "no-program", at, "there is no program ", in_quotes(path),
                    " on this host; install it, or correct the path (in a container it may be there)");
            return;
        }
        if (!facts.regular) {
            add(Weight::warning, "no-program", at, in_quotes(path), " is no file and cannot run");
            return;
        }
        if (facts.real_path != path)
            add(Weight::warning, "program-link", at, in_quotes(path),
                " is a link, and a process is known by what "
                "it leads to: write ",
                in_quotes(facts.real_path));
        if (facts.real_path != path && is_interpreter(facts.real_path) && !is_interpreter(path))
            add(Weight::warning, "interpreter", at, in_quotes(facts.real_path),
                " runs whatever it is given, so that this names every script of the caller");
        if (facts.script)
            add(Weight::warning, "script", at, in_quotes(path),
                " is a script: the process is known by its interpreter, and this rule never matches; give "
                "the script a unit or a user of its own");
        if (!facts.writable_by.empty())
            add(Weight::warning, "program-writable", at, in_quotes(path), " can be changed by ",
                facts.writable_by,
                ", who then reads the secret; let it and its folders belong to root, writable by root alone");
        check_hash(path, facts);
    }

    void check_hash(const std::string& path, const ProgramFacts& facts) {
        if (!rule_->sha256s) return;
        if (!facts.readable)
            add(Weight::warning, "program-unreadable", place("sha256"), "the daemon's user may not read ",
                in_quotes(path), ", so that its hash stays unknown and the rule never matches: chmod o+r ",
                path);
        if (facts.sha256 && std::ranges::find(*rule_->sha256s, *facts.sha256) == rule_->sha256s->end())
            add(Weight::warning, "hash-differs", place("sha256"), in_quotes(path), " now has the hash ",
                facts.sha256->hex(), ", which the rule does not list; add it if the program was upgraded");
    }

    void check_consequences() {
        const Rule& rule = *rule_;
        if (rule.allow && rule.gids && !rule.uids && !rule.has_place())
            add(Weight::note, "group-only", rule.place,
                "whoever is in the group reads this, with any program; add user or unit to narrow it");
        if (!rule.allow && rule.has_program())
            add(Weight::note, "deny-by-program", place(rule.exes ? "exe" : "sha256"),
                "no wall: a process can show another program than it runs, and then is not denied; deny by "
                "user or unit");
        if (rule.cached)
            add(Weight::note, "cached", place("cached"),
                "what is in the page cache is served without the daemon: reads are not checked, and a "
                "removed or expired secret stays readable to whoever has it open");
        if (rule.inherit)
            add(Weight::note, "inherit", place("inherit"),
                "whoever gets the open file, also other users and later programs, reads on without being "
                "asked");
    }

    const Policy& policy_;
    const HostFacts& host_;
    std::vector<std::pair<std::string, TomlValue>> documents_;
    std::vector<Finding> findings_;
    const Rule* rule_ = nullptr;        // the one being looked at
    const TomlValue* table_ = nullptr;  // as it was written
};

}  // namespace

std::vector<Finding> lint(const Policy& policy, std::span<const PolicySource> sources,
                          const HostFacts& host) {
    Linter linter(policy, host);
    for (const PolicySource& source : sources) linter.add_source(source);
    return linter.run();
}

}  // namespace coffer
