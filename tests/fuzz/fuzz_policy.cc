// SPDX-License-Identifier: Apache-2.0
//
// Policies: whatever the text is, parsing ends with a policy or an error, and a policy decides about any
// caller. A policy that failed to parse must not have been looked at for a decision, so there is none then.
#include "access/policy/policy.h"
#include "require.h"

using namespace coffer;

namespace {

void check_decision(const Entitlement& entitlement) {
    const Decision decision = entitlement.decide({"acme", "checkout", "production", "DB_PASSWORD"});
    if (!decision.allow) return;
    require(!decision.rule.empty(), "who is allowed is allowed by a rule");
    require(entitlement.may_see({"acme", "checkout", "production"}), "what is readable can be reached");
    require((decision.presentation.mode & ~07777U) == 0, "a mode is permission bits");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    PolicySource source{"fuzz.toml", std::string(reinterpret_cast<const char*>(data), size)};
    auto policy = Policy::parse(std::span(&source, 1));
    if (!policy) {
        require(policy.error().message.find("fuzz.toml") != std::string::npos, "an error names its file");
        return 0;
    }
    Caller caller;
    caller.tid = caller.tgid = 1234;
    caller.ids = {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000};
    caller.groups = {4, 1000};
    caller.exe.path = "/usr/bin/checkout";
    for (const char* place :
         {"/system.slice/checkout.service",
          "/coffer.slice/coffer-checkout.slice/coffer-checkout-production.slice/run-1.scope",
          "/user.slice/user-1000.slice/user@1000.service/app.slice/checkout.service"}) {
        caller.cgroup = read_cgroup_path(place);
        check_decision(entitle(*policy, caller));
    }
    caller.ids = {};
    caller.credential_loader = true;
    const Entitlement loader = entitle(*policy, caller);
    for (const SecretPath& path : loader.credentials("DB_PASSWORD"))
        require(path.key == "DB_PASSWORD", "a credential is the one that was asked for");
    return 0;
}
