// SPDX-License-Identifier: Apache-2.0
//
// Place: one path of the mount as four names: the root (all empty), /org, /org/project, /org/project/domain,
// /org/project/domain/KEY; and the daemon's own /.coffer (org = kStatusFolder) with its files (key). Whether
// anything is there is the catalogue's to say.
#pragma once

#include "serve/name_table.h"

namespace coffer {

struct Place {
    NameId org = kNoName, project = kNoName, domain = kNoName, key = kNoName;
    bool operator==(const Place&) const = default;

    [[nodiscard]] bool is_root() const { return org == kNoName; }
    [[nodiscard]] bool is_status() const { return org == kStatusFolder; }
    [[nodiscard]] bool is_directory() const { return key == kNoName; }
    // The directory that this is in; the root's is the root.
    [[nodiscard]] Place above() const {
        Place out = *this;
        (key ? out.key : domain ? out.domain : project ? out.project : out.org) = kNoName;
        return out;
    }
    // The directory in which KEYs are.
    [[nodiscard]] bool holds_keys() const { return domain != kNoName && key == kNoName; }
};

}  // namespace coffer
