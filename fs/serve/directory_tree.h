// SPDX-License-Identifier: Apache-2.0
//
// DirectoryTree: which directories exist, from the scopes of the store (docs/store-format.md, "Paths"):
// /org/P when a scope of the org names P; /org/P/D when, moreover, D is named under P or by a scope of the
// whole org. Scopes are never taken back, so directories only come. Not synchronised: part of the catalogue.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "serve/place.h"

namespace coffer {

// One name of a directory, and where a listing goes on after it. Cookies stay valid while names are added.
struct ListedName {
    NameId name = kNoName;
    std::uint64_t next = 0;
};

class DirectoryTree {
  public:
    void add_scope(NameId org, NameId project, NameId domain);  // kNoName: all
    [[nodiscard]] bool exists(const Place& directory) const;
    // The directories within one that holds no KEYs, from `cookie` (0: from the start).
    [[nodiscard]] std::vector<ListedName> list(const Place& directory, std::uint64_t cookie) const;

  private:
    struct Org {
        std::vector<NameId> projects, domains;  // domains: those of the whole org
        std::unordered_map<NameId, std::vector<NameId>> project_domains;
    };
    [[nodiscard]] const Org* org(NameId name) const;
    std::vector<NameId> names_;  // of the orgs, in order of appearance
    std::unordered_map<NameId, Org> orgs_;
};

}  // namespace coffer
