// SPDX-License-Identifier: Apache-2.0
#include "host/policy_example.h"

#include "base/result.h"

namespace coffer {
namespace {

std::string readme(std::string_view file, std::string_view rules) {
    return concat(
        "Policies go here, as files whose names end in .toml; this file is not read.\n"
        "Until there is one, nobody reads anything. Folder and files must belong to root or to\n"
        "the user that cofferd runs as, and nobody else may write them. For example, ",
        file, ":\n\n", rules,
        "\n"
        "cofferd takes a change over at once; a file with an error leaves the old policy in force.\n");
}

}  // namespace

std::string policy_example(std::string_view org) {
    return readme("checkout.toml",
                  concat("    [[rule]]\n"
                         "    name    = \"checkout reads its production secrets\"\n"
                         "    secrets = [\"",
                         org,
                         "/checkout/production/*\"]\n"
                         "    unit    = \"checkout.service\"   # all selectors of a rule must match\n"
                         "    user    = \"checkout\"\n"));
}

std::string own_policy_example(std::string_view org, std::string_view user) {
    return readme("own.toml", concat("    [[rule]]\n"
                                     "    name      = \"ssh reads my key\"\n"
                                     "    secrets   = [\"",
                                     org,
                                     "/laptop/home/ID_ED25519\"]\n"
                                     "    user      = \"",
                                     user,
                                     "\"             # all selectors of a rule must match\n"
                                     "    exe       = \"/usr/bin/ssh\"\n\n"
                                     "    [[rule]]\n"
                                     "    name      = \"my backup reads its password\"\n"
                                     "    secrets   = [\"",
                                     org,
                                     "/laptop/home/BACKUP_*\"]\n"
                                     "    user      = \"",
                                     user,
                                     "\"\n"
                                     "    user_unit = \"backup.service\"   # of systemctl --user\n"));
}

}  // namespace coffer
