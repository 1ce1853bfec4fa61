// SPDX-License-Identifier: Apache-2.0
#include "log/operation.h"

#include "names/name.h"

namespace coffer {

std::string_view to_text(Role role) {
    switch (role) {
        case Role::owner:
            return "owner";
        case Role::admin:
            return "admin";
        case Role::editor:
            return "editor";
        case Role::host:
            return "host";
    }
    return "unknown";
}

Result<Role> parse_role(std::string_view text) {
    for (Role role : {Role::owner, Role::admin, Role::editor, Role::host}) {
        if (text == to_text(role)) return role;
    }
    return fail(Code::invalid, "expected a role (owner, admin, editor or host), found \"", printable(text),
                '"');
}

std::string_view operation_name(const Operation& operation) {
    constexpr std::string_view kNames[] = {"principal_add", "principal_remove", "scope_key", "grant",
                                           "put",           "remove",           "purge"};
    return kNames[operation.index()];
}

}  // namespace coffer
