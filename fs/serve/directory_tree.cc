// SPDX-License-Identifier: Apache-2.0
#include "serve/directory_tree.h"

#include <algorithm>

namespace coffer {
namespace {

bool has(const std::vector<NameId>& names, NameId name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

void add(std::vector<NameId>& names, NameId name) {
    if (!has(names, name)) names.push_back(name);
}

// A directory's names may come from two lists: the cookie is (list + 1) << 32 | place in it.
constexpr std::uint64_t cookie_of(std::uint64_t list, std::size_t index) {
    return (list + 1) << 32 | index;
}

void list_from(std::vector<ListedName>& out, const std::vector<NameId>& names, std::uint64_t list,
               std::uint64_t cookie, const std::vector<NameId>* except = nullptr) {
    std::uint64_t start = 0;
    if (cookie >> 32 > list + 1) return;
    if (cookie >> 32 == list + 1) start = cookie & 0xffffffff;
    for (std::size_t i = start; i < names.size(); ++i)
        if (!except || !has(*except, names[i])) out.push_back({names[i], cookie_of(list, i + 1)});
}

}  // namespace

const DirectoryTree::Org* DirectoryTree::org(NameId name) const {
    auto found = orgs_.find(name);
    return found == orgs_.end() ? nullptr : &found->second;
}

void DirectoryTree::add_scope(NameId org_name, NameId project, NameId domain) {
    auto [place, fresh] = orgs_.try_emplace(org_name);
    if (fresh) names_.push_back(org_name);
    Org& found = place->second;
    if (project == kNoName) {
        if (domain != kNoName) add(found.domains, domain);
        return;
    }
    auto [domains, first] = found.project_domains.try_emplace(project);
    if (first) found.projects.push_back(project);
    if (domain != kNoName) add(domains->second, domain);
}

bool DirectoryTree::exists(const Place& directory) const {
    if (directory.is_root()) return true;
    const Org* in = org(directory.org);
    if (!in || directory.project == kNoName) return in != nullptr;
    auto domains = in->project_domains.find(directory.project);
    if (domains == in->project_domains.end()) return false;
    return directory.domain == kNoName || has(domains->second, directory.domain) ||
           has(in->domains, directory.domain);
}

std::vector<ListedName> DirectoryTree::list(const Place& directory, std::uint64_t cookie) const {
    std::vector<ListedName> out;
    if (directory.is_root()) {
        list_from(out, names_, 0, cookie);
        return out;
    }
    const Org* in = org(directory.org);
    if (!in) return out;
    if (directory.project == kNoName) {
        list_from(out, in->projects, 0, cookie);
        return out;
    }
    auto domains = in->project_domains.find(directory.project);
    if (domains == in->project_domains.end()) return out;
    list_from(out, domains->second, 0, cookie);
    list_from(out, in->domains, 1, cookie, &domains->second);
    return out;
}

}  // namespace coffer
