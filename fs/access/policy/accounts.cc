// SPDX-License-Identifier: Apache-2.0
#include "access/policy/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <vector>

#include "base/descriptor.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxEntry = 1u << 20;  // a group lists its members

// getpwnam_r and getgrnam_r alike: with a larger buffer as long as they ask for one.
template <class Entry, class Id>
Result<Id> look_up(int (*find)(const char*, Entry*, char*, std::size_t, Entry**), Id Entry::*id,
                   const std::string& name, std::string_view what) {
    std::vector<char> buffer(4096);
    while (true) {
        Entry entry;
        Entry* found = nullptr;
        int error = find(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE && buffer.size() < kMaxEntry) {
            buffer.resize(buffer.size() * 2);
            continue;
        }
        if (found) return entry.*id;
        bool unknown = error == 0 || error == ENOENT || error == ESRCH;
        return fail(unknown ? Code::not_found : Code::failed, "the ", what, " \"", printable(name), "\" ",
                    unknown ? "does not exist on this host" : errno_text(error));
    }
}

// getpwuid_r and getgrgid_r alike.
template <class Entry, class Id>
std::optional<std::string> name_of(int (*find)(Id, Entry*, char*, std::size_t, Entry**), char* Entry::*name,
                                   Id id) {
    std::vector<char> buffer(4096);
    while (true) {
        Entry entry;
        Entry* found = nullptr;
        int error = find(id, &entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE && buffer.size() < kMaxEntry) {
            buffer.resize(buffer.size() * 2);
            continue;
        }
        if (!found || !*(found->*name)) return std::nullopt;
        return std::string(found->*name);
    }
}

}  // namespace

Result<uid_t> find_user(const std::string& name) {
    return look_up<passwd, uid_t>(getpwnam_r, &passwd::pw_uid, name, "user");
}

Result<gid_t> find_group(const std::string& name) {
    return look_up<group, gid_t>(getgrnam_r, &group::gr_gid, name, "group");
}

std::optional<std::string> user_name(uid_t uid) {
    return name_of<passwd, uid_t>(getpwuid_r, &passwd::pw_name, uid);
}

std::optional<std::string> group_name(gid_t gid) {
    return name_of<group, gid_t>(getgrgid_r, &group::gr_name, gid);
}

std::vector<gid_t> groups_of(const std::string& user) {
    auto primary = look_up<passwd, gid_t>(getpwnam_r, &passwd::pw_gid, user, "user");
    if (!primary) return {};
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    while (getgrouplist(user.c_str(), *primary, groups.data(), &count) < 0) {
        if (groups.size() > kMaxEntry) return {*primary};
        groups.resize(groups.size() * 2);
        count = static_cast<int>(groups.size());
    }
    groups.resize(static_cast<std::size_t>(count));
    std::erase(groups, *primary);
    groups.insert(groups.begin(), *primary);
    return groups;
}

}  // namespace coffer
