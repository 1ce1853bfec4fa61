// SPDX-License-Identifier: Apache-2.0
#include "policy_example.h"

#include "base/result.h"

namespace coffer {

std::string policy_example(std::string_view org) {
    return concat(
        "Policies go here, as files whose names end in .toml; this file is not read.\n"
        "Until there is one, nobody reads anything. Folder and files must belong to root or to\n"
        "the user that cofferd runs as, and nobody else may write them. For example, checkout.toml:\n\n"
        "    [[rule]]\n"
        "    name    = \"checkout reads its production secrets\"\n"
        "    secrets = [\"",
        org,
        "/checkout/production/*\"]\n"
        "    unit    = \"checkout.service\"   # all selectors of a rule must match\n"
        "    user    = \"checkout\"\n\n"
        "cofferd takes a change over at once; a file with an error leaves the old policy in force.\n");
}

}  // namespace coffer
