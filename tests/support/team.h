// SPDX-License-Identifier: Apache-2.0
//
// Team: a log with somebody of each role, the two scope keys of one scope and a secret of each visibility.
#pragma once

#include "support/log_builder.h"

namespace coffer::test {

inline constexpr const char* kTeamScope = "acme/checkout/production";

struct Team : LogBuilder {
    Identity admin = numbered_identity(2);    // alice, of acme/checkout/*
    Identity editor = numbered_identity(3);   // eve, of acme/checkout/*
    Identity host = numbered_identity(4);     // web1, of acme/*/production
    Identity staging = numbered_identity(5);  // web2, a host of acme/*/staging
    Identity stranger = numbered_identity(9);
    ScopeKeyAdd masked = scope_key(1, kTeamScope, Visibility::masked);
    ScopeKeyAdd restricted = scope_key(2, kTeamScope, Visibility::restricted);
    Put value = put(masked, "DB_PASSWORD", 1), token = put(restricted, "TOKEN", 1);

    Team() {
        commit(owner, {add(admin, "alice", Role::admin, "acme/checkout/*"),
                       add(editor, "eve", Role::editor, "acme/checkout/*"),
                       add(host, "web1", Role::host, "acme/*/production"),
                       add(staging, "web2", Role::host, "acme/*/staging")});
        commit(owner, {masked, grant(masked, owner), grant(masked, host), restricted,
                       grant(restricted, owner), grant(restricted, host), value, token});
    }
    Secret secret(std::string_view name) {
        return view.find(SecretName::parse(name).value()).value().value();
    }
};

}  // namespace coffer::test
