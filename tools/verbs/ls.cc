// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/wall_clock.h"
#include "command.h"
#include "input/secret_path.h"
#include "names/name.h"
#include "output/secret_tree.h"
#include "output/version_text.h"
#include "session.h"

namespace coffer {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

class Ls final : public Command {
  public:
    Ls() : Command("ls", "List secrets") {}

    void add_options(OptionSet& options) override {
        filter_.add_to(options);
        options.add("--find", find_, "Those with TEXT in scope or KEY, in any case").type_name("TEXT");
        options
            .add("--expiring", expiring_,
                 "Those that expire until then (30d, or a date) or have, the first to expire first")
            .type_name("WHEN");
        auto removed = options.add_flag("--removed", removed_, "Those that were removed as well");
        auto names = options.add_flag("--names", names_, "The paths alone, one on a line");
        options
            .add_flag("--tree", tree_, "The directories of the mount, and which secret each KEY there shows")
            .excludes(removed)
            .excludes(names);
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(filter_now_, filter_.filter());
        if (expiring_) {
            COFFER_TRY(until_ms_, parse_expiry(*expiring_, wall_clock_ms()));
        }
        if (find_) std::ranges::transform(*find_, find_->begin(), lower);
        COFFER_TRY(auto session, Session::read(common, out));
        COFFER_TRY(auto secrets, all(session.view()));
        if (tree_) {
            print_tree(session, out, secrets);
            return {};
        }
        std::erase_if(secrets, [&](const Secret& secret) { return !is_wanted(secret.name, secret); });
        std::sort(secrets.begin(), secrets.end(), [&](const Secret& a, const Secret& b) {
            if (expiring_ && a.live->not_after_ms != b.live->not_after_ms)
                return a.live->not_after_ms < b.live->not_after_ms;
            return a.name < b.name;
        });
        print(session, out, secrets);
        return {};
    }

  private:
    static Result<std::vector<Secret>> all(View& view) {
        std::vector<Secret> secrets;
        COFFER_CHECK(view.for_each(std::nullopt, [&](const Secret& secret) {
            secrets.push_back(secret);
            return true;
        }));
        return secrets;
    }

    // `name`: the secret's own, or the path in the tree that shows it.
    [[nodiscard]] bool is_wanted(const SecretName& name, const Secret& secret) const {
        if ((!secret.live && !removed_) || !filter_now_.matches(name)) return false;
        if (expiring_ &&
            (!secret.live || secret.live->not_after_ms == 0 || secret.live->not_after_ms > until_ms_))
            return false;
        if (!find_) return true;
        std::string text = name.text();
        std::ranges::transform(text, text.begin(), lower);
        return text.find(*find_) != text.npos;
    }

    static std::string expiry_cell(const Secret& secret) {
        if (!secret.live) return "";
        return expiry_text(*secret.live) +
               (version_state(secret, *secret.live) == "expired" ? " (expired)" : "");
    }

    void print(const Session& session, Output& out, const std::vector<Secret>& secrets) const {
        const std::uint64_t now = wall_clock_ms();
        std::vector<std::vector<std::string>> rows{
            {"SCOPE", "KEY", "VERSION", "VISIBILITY", "AGE", "EXPIRES"}};
        Json list = Json::array();
        for (const Secret& secret : secrets) {
            if (names_) {
                out.line(secret.name.text());
                list.push_back(secret.name.text());
            } else if (!out.json()) {
                rows.push_back({secret.name.scope.text(), secret.name.key, concat(secret.last_version),
                                std::string(to_text(secret.visibility)),
                                secret.live ? age_text(secret.live->time_ms, now) : "removed",
                                expiry_cell(secret)});
            } else if (secret.live) {
                list.push_back(version_json(secret, *secret.live, session.name_of(secret.live->signer)));
            } else {
                list.push_back({{"secret", secret.name.text()},
                                {"version", secret.last_version},
                                {"state", "removed"},
                                {"visibility", to_text(secret.visibility)}});
            }
        }
        if (rows.size() > 1) out.table(rows);
        out.document(list);
    }

    void print_tree(const Session& session, Output& out, const std::vector<Secret>& secrets) const {
        const std::uint64_t now = wall_clock_ms();
        std::vector<std::vector<std::string>> rows;
        Json list = Json::array();
        TreePlace above;  // the directories that have their line already
        for (TreePlace& place : secret_tree(session.roster().scopes(), secrets)) {
            const Scope here{place.org, place.project, place.domain};
            std::erase_if(place.keys, [&](const auto& one) {
                return !is_wanted(SecretName{here, one.first}, *one.second);
            });
            if (place.keys.empty()) continue;
            const bool new_org = place.org != above.org,
                       new_project = new_org || place.project != above.project;
            if (new_org) rows.push_back({place.org});
            if (new_project) rows.push_back({"  " + place.project});
            rows.push_back({"    " + place.domain});
            for (const auto& [key, secret] : place.keys) {
                const bool wider = secret->name.scope != here;
                rows.push_back({"      " + key, wider ? secret->name.scope.text() : "",
                                concat(secret->last_version), std::string(to_text(secret->visibility)),
                                age_text(secret->live->time_ms, now), expiry_cell(*secret)});
                if (!out.json()) continue;
                Json one{{"path", SecretName{here, key}.text()}};
                one.update(version_json(*secret, *secret->live, session.name_of(secret->live->signer)));
                list.push_back(std::move(one));
            }
            above = std::move(place);
        }
        if (!rows.empty()) {
            rows.insert(rows.begin(),
                        std::vector<std::string>{"PATH", "FROM", "VERSION", "VISIBILITY", "AGE", "EXPIRES"});
            out.table(rows);
        } else if (!secrets.empty()) {
            out.note(
                "nothing to show in a tree: a directory is there once a scope names its project and domain;"
                " `coffer ls` lists the secrets themselves");
        }
        out.document(list);
    }

    FilterOptions filter_;
    FilterOptions::Filter filter_now_;
    std::optional<std::string> find_, expiring_;
    std::uint64_t until_ms_ = 0;
    bool removed_ = false, names_ = false, tree_ = false;
};

}  // namespace

std::unique_ptr<Command> make_ls() {
    return std::make_unique<Ls>();
}

}  // namespace coffer
