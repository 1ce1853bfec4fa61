// SPDX-License-Identifier: Apache-2.0
#include "serve/directory_tree.h"

#include "support/catch.h"

using namespace coffer;

namespace {

constexpr NameId kOrg = 10, kShop = 11, kBilling = 12, kProduction = 13, kStaging = 14, kNothing = 15;

std::vector<NameId> names_in(const DirectoryTree& tree, const Place& directory, std::uint64_t cookie = 0) {
    std::vector<NameId> out;
    for (const ListedName& one : tree.list(directory, cookie)) out.push_back(one.name);
    return out;
}

}  // namespace

TEST_CASE("a project exists once a scope names it, its domains once the project or the org does") {
    DirectoryTree tree;
    tree.add_scope(kOrg, kNoName, kNoName);
    CHECK(tree.exists({}));
    CHECK(tree.exists({kOrg}));
    CHECK_FALSE(tree.exists({kOrg, kShop}));
    tree.add_scope(kOrg, kShop, kNoName);
    CHECK(tree.exists({kOrg, kShop}));
    CHECK_FALSE(tree.exists({kOrg, kShop, kProduction}));
    tree.add_scope(kOrg, kNoName, kProduction);
    CHECK(tree.exists({kOrg, kShop, kProduction}));
    tree.add_scope(kOrg, kBilling, kStaging);
    CHECK(tree.exists({kOrg, kBilling, kStaging}));
    CHECK(tree.exists({kOrg, kBilling, kProduction}));
    CHECK_FALSE(tree.exists({kOrg, kShop, kStaging}));
    CHECK_FALSE(tree.exists({kNothing}));
}

TEST_CASE("a listing goes on from its cookie while directories are added") {
    DirectoryTree tree;
    tree.add_scope(kOrg, kShop, kProduction);
    tree.add_scope(kOrg, kNoName, kStaging);
    tree.add_scope(kOrg, kNoName, kProduction);  // named twice, listed once
    CHECK(names_in(tree, {kOrg, kShop}) == std::vector<NameId>{kProduction, kStaging});
    const std::uint64_t after_first = tree.list({kOrg, kShop}, 0).front().next;
    tree.add_scope(kOrg, kShop, kNothing);
    CHECK(names_in(tree, {kOrg, kShop}, after_first) == std::vector<NameId>{kNothing, kStaging});
    const std::uint64_t after_last = tree.list({kOrg, kShop}, 0).back().next;
    CHECK(names_in(tree, {kOrg, kShop}, after_last).empty());
    CHECK(names_in(tree, {}) == std::vector<NameId>{kOrg});
}
