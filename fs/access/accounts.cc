// SPDX-License-Identifier: Apache-2.0
#include "access/accounts.h"

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

}  // namespace

Result<uid_t> find_user(const std::string& name) {
    return look_up<passwd, uid_t>(getpwnam_r, &passwd::pw_uid, name, "user");
}

Result<gid_t> find_group(const std::string& name) {
    return look_up<group, gid_t>(getgrnam_r, &group::gr_gid, name, "group");
}

}  // namespace coffer
