// SPDX-License-Identifier: Apache-2.0
#include "input/described_caller.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <set>

#include "access/attest/attest.h"
#include "access/attest/exe_hasher.h"
#include "access/policy/accounts.h"
#include "input/number_option.h"
#include "names/name.h"

namespace coffer {
namespace {

template <class Id>
Result<Id> parse_id(std::string_view key, std::string_view text) {
    COFFER_TRY(auto number, parse_number(key, text));
    if (number >= std::numeric_limits<Id>::max())
        return fail(Code::invalid, key, ' ', number, " is out of range");
    return static_cast<Id>(number);
}

// Takes one fact after the other; finish() fills in what follows from them.
class FactReader {
  public:
    Result<void> take(std::string_view fact) {
        if (fact == "traced") {
            caller_.tracer = 1;
            return {};
        }
        std::size_t equals = fact.find('=');
        std::string_view key = fact.substr(0, equals);
        std::string value(equals == fact.npos ? "" : fact.substr(equals + 1));
        if (value.empty())
            return fail(Code::invalid, "expected facts as in user=checkout,unit=checkout.service, found \"",
                        printable(fact), '"');
        if (key != "group" && key != "gid" && !seen_.insert(std::string(key)).second)
            return fail(Code::invalid, key, " is given twice; a process has one");
        return assign(key, std::move(value));
    }

    Result<Caller> finish() {
        if (!uid_)
            return fail(Code::invalid, "expected user= or uid= among the facts: every process has a user");
        if (gids_.empty()) gids_ = groups_of(user_);
        // A number without an account: a group that no rule is likely to name.
        const gid_t gid = gids_.empty() ? static_cast<gid_t>(*uid_) : gids_.front();
        caller_.ids = {*uid_, *uid_, *uid_, *uid_, gid, gid, gid, gid};
        if (!gids_.empty()) caller_.groups.assign(gids_.begin() + 1, gids_.end());
        std::ranges::sort(caller_.groups);
        CgroupPlace place = read_cgroup_path(caller_.cgroup.path);
        if (caller_.cgroup.unit.empty()) caller_.cgroup.unit = place.unit;
        if (caller_.cgroup.user_unit.empty()) caller_.cgroup.user_unit = place.user_unit;
        if (caller_.cgroup.slice.empty()) caller_.cgroup.slice = place.slice;
        return std::move(caller_);
    }

  private:
    Result<void> assign(std::string_view key, std::string value) {
        if (key == "user") {
            COFFER_TRY(uid_, find_user(value));
            user_ = std::move(value);
        } else if (key == "uid") {
            COFFER_TRY(uid_, parse_id<uid_t>(key, value));
            user_ = user_name(*uid_).value_or("");
        } else if (key == "group") {
            COFFER_TRY(gid_t gid, find_group(value));
            gids_.push_back(gid);
        } else if (key == "gid") {
            COFFER_TRY(gid_t gid, parse_id<gid_t>(key, value));
            gids_.push_back(gid);
        } else if (key == "sha256") {
            COFFER_TRY(caller_.sha256, Hash::parse(value));
        } else if (std::string* text = text_of(key)) {
            *text = std::move(value);
        } else {
            return fail(Code::invalid, "unknown fact \"", printable(key),
                        "\"; there are user, uid, group, gid, unit, user_unit, slice, cgroup, exe, sha256 "
                        "and traced");
        }
        if (seen_.contains("user") && seen_.contains("uid"))
            return fail(Code::invalid, "user and uid are the same fact; give one");
        return {};
    }

    std::string* text_of(std::string_view key) {
        if (key == "unit") return &caller_.cgroup.unit;
        if (key == "user_unit") return &caller_.cgroup.user_unit;
        if (key == "slice") return &caller_.cgroup.slice;
        if (key == "cgroup") return &caller_.cgroup.path;
        if (key == "exe") return &caller_.exe.path;
        return nullptr;
    }

    Caller caller_;
    std::set<std::string> seen_;
    std::optional<uid_t> uid_;
    std::string user_;
    std::vector<gid_t> gids_;  // its own first
};

void hash_program(DescribedCaller& described, const Attested& attested) {
    ExeHasher::Limits limits;
    limits.patience = std::chrono::minutes(1);
    auto hash = ExeHasher(limits).hash(attested.open_exe());
    if (hash) {
        described.caller.sha256 = *hash;
        return;
    }
    if (geteuid() != 0) described.unseen = described.unseen | Unseen::hash;
    described.remarks.push_back(concat("a rule asks for the hash of its program: ", hash.error().message));
}

}  // namespace

Result<DescribedCaller> caller_from_facts(std::string_view facts) {
    FactReader reader;
    while (!facts.empty()) {
        std::string_view one = facts.substr(0, facts.find(','));
        facts.remove_prefix(std::min(one.size() + 1, facts.size()));
        COFFER_CHECK(reader.take(one));
    }
    DescribedCaller out;
    COFFER_TRY(out.caller, reader.finish());
    if (!out.caller.sha256) out.unseen = Unseen::hash;
    return out;
}

Result<DescribedCaller> caller_of_process(pid_t pid, const std::shared_ptr<const Policy>& policy) {
    COFFER_TRY(auto attestor, Attestor::create(AttestMethod::automatic, 1));
    COFFER_TRY(auto attested, attestor->attest_thread(pid));
    DescribedCaller out;
    out.caller = attested->caller();
    out.now = Circumstances::now();
    if (out.caller.exe.path.empty() && geteuid() != 0) {
        out.unseen = Unseen::program | Unseen::namespaces | Unseen::hash;
        out.remarks.emplace_back(
            "its program and its user namespace are not visible to this user; run as root");
    } else if (entitle(policy, out.caller).wants_sha256()) {
        hash_program(out, *attested);
    }
    return out;
}

std::string DescribedCaller::text() const {
    std::string out =
        concat("user ", user_label(caller.ids.fsuid), ", group ", group_label(caller.ids.fsgid));
    for (gid_t gid : caller.groups) {
        if (gid != caller.ids.fsgid) out += ", " + group_label(gid);
    }
    auto add = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) out += concat(", ", name, ' ', value);
    };
    add("unit", caller.cgroup.unit);
    add("user_unit", caller.cgroup.user_unit);
    add("slice", caller.cgroup.slice);
    add("exe", caller.exe.path);
    if (caller.sha256) add("sha256", caller.sha256->hex());
    if (caller.tracer != 0) out += ", traced";
    return out;
}

Json DescribedCaller::json() const {
    Json out{{"uid", caller.ids.fsuid}, {"gid", caller.ids.fsgid}, {"groups", caller.groups}};
    if (caller.tgid != 0) out["pid"] = caller.tgid;
    auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) out[name] = value;
    };
    add("unit", caller.cgroup.unit);
    add("user_unit", caller.cgroup.user_unit);
    add("slice", caller.cgroup.slice);
    add("cgroup", caller.cgroup.path);
    add("exe", caller.exe.path);
    if (caller.sha256) out["sha256"] = caller.sha256->hex();
    out["traced"] = caller.tracer != 0;
    return out;
}

}  // namespace coffer
