// SPDX-License-Identifier: Apache-2.0
//
// DescribedCaller: the caller that a command line means: a process, or facts.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/advice/rule_miss.h"
#include "access/attest/caller.h"
#include "access/policy/policy.h"
#include "output/output.h"

namespace coffer {

struct DescribedCaller {
    Caller caller;
    Circumstances now;
    Unseen unseen = Unseen::nothing;
    std::vector<std::string> remarks;  // what could not be seen, for a person

    [[nodiscard]] std::string text() const;
    [[nodiscard]] Json json() const;
};

// "user=checkout,unit=checkout.service,exe=/usr/bin/app,traced". Without group or gid the user has the groups
// of its account; with them, the first is its own and the others are supplementary. `cgroup` also says unit,
// user_unit and slice where these are not given. What is not given the caller does not have.
[[nodiscard]] Result<DescribedCaller> caller_from_facts(std::string_view facts);
// A living process, attested as cofferd does; its program is hashed only when `policy` asks for it.
[[nodiscard]] Result<DescribedCaller> caller_of_process(pid_t pid,
                                                        const std::shared_ptr<const Policy>& policy);

}  // namespace coffer
