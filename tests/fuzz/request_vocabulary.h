// SPDX-License-Identifier: Apache-2.0
//
// What requests can be about: the operations of the kernel's protocol with the shape of each, the names that
// are looked for, and the nodes of the store that is served (support/served_store.h), with what its policies
// say of each.
#pragma once

#include <linux/fuse.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "support/served_store.h"

namespace coffer::fuzz {

using namespace test;

// What follows the header: the struct of that size, so many names, and bytes of some count.
struct RequestKind {
    char letter;
    std::uint32_t opcode;
    std::size_t size = 0;
    int names = 0;
    bool data = false;
};
inline constexpr std::array kRequestKinds{
    RequestKind{'l', FUSE_LOOKUP, 0, 1},
    RequestKind{'f', FUSE_FORGET, sizeof(fuse_forget_in)},
    RequestKind{'g', FUSE_GETATTR, sizeof(fuse_getattr_in)},
    RequestKind{'s', FUSE_SETATTR, sizeof(fuse_setattr_in)},
    RequestKind{'k', FUSE_READLINK},
    RequestKind{'y', FUSE_SYMLINK, 0, 2},
    RequestKind{'n', FUSE_MKNOD, sizeof(fuse_mknod_in), 1},
    RequestKind{'m', FUSE_MKDIR, sizeof(fuse_mkdir_in), 1},
    RequestKind{'u', FUSE_UNLINK, 0, 1},
    RequestKind{'U', FUSE_RMDIR, 0, 1},
    RequestKind{'v', FUSE_RENAME, sizeof(fuse_rename_in), 2},
    RequestKind{'V', FUSE_RENAME2, sizeof(fuse_rename2_in), 2},
    RequestKind{'h', FUSE_LINK, sizeof(fuse_link_in), 1},
    RequestKind{'o', FUSE_OPEN, sizeof(fuse_open_in)},
    RequestKind{'r', FUSE_READ, sizeof(fuse_read_in)},
    RequestKind{'w', FUSE_WRITE, sizeof(fuse_write_in), 0, true},
    RequestKind{'t', FUSE_STATFS},
    RequestKind{'c', FUSE_RELEASE, sizeof(fuse_release_in)},
    RequestKind{'S', FUSE_FSYNC, sizeof(fuse_fsync_in)},
    RequestKind{'x', FUSE_SETXATTR, sizeof(fuse_setxattr_in), 1, true},
    RequestKind{'a', FUSE_GETXATTR, sizeof(fuse_getxattr_in), 1},
    RequestKind{'b', FUSE_LISTXATTR, sizeof(fuse_getxattr_in)},
    RequestKind{'z', FUSE_REMOVEXATTR, 0, 1},
    RequestKind{'F', FUSE_FLUSH, sizeof(fuse_flush_in)},
    RequestKind{'i', FUSE_INIT, sizeof(fuse_init_in)},
    RequestKind{'O', FUSE_OPENDIR, sizeof(fuse_open_in)},
    RequestKind{'d', FUSE_READDIR, sizeof(fuse_read_in)},
    RequestKind{'C', FUSE_RELEASEDIR, sizeof(fuse_release_in)},
    RequestKind{'D', FUSE_FSYNCDIR, sizeof(fuse_fsync_in)},
    RequestKind{'q', FUSE_GETLK, sizeof(fuse_lk_in)},
    RequestKind{'Q', FUSE_SETLK, sizeof(fuse_lk_in)},
    RequestKind{'W', FUSE_SETLKW, sizeof(fuse_lk_in)},
    RequestKind{'A', FUSE_ACCESS, sizeof(fuse_access_in)},
    RequestKind{'N', FUSE_CREATE, sizeof(fuse_create_in), 1},
    RequestKind{'I', FUSE_INTERRUPT, sizeof(fuse_interrupt_in)},
    RequestKind{'B', FUSE_BMAP, sizeof(fuse_bmap_in)},
    RequestKind{'E', FUSE_DESTROY},
    RequestKind{'j', FUSE_IOCTL, sizeof(fuse_ioctl_in), 0, true},
    RequestKind{'p', FUSE_POLL, sizeof(fuse_poll_in)},
    RequestKind{'M', FUSE_BATCH_FORGET, sizeof(fuse_batch_forget_in)},
    RequestKind{'J', FUSE_FALLOCATE, sizeof(fuse_fallocate_in)},
    RequestKind{'P', FUSE_READDIRPLUS, sizeof(fuse_read_in)},
    RequestKind{'L', FUSE_LSEEK, sizeof(fuse_lseek_in)},
    RequestKind{'K', FUSE_COPY_FILE_RANGE, sizeof(fuse_copy_file_range_in)},
};

inline const std::vector<std::string>& names() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> out{"acme", "checkout", "production"};
        for (const ServedSecret& one : kSecrets) out.emplace_back(one.key);
        for (const ServedTemplate& one : templates()) out.emplace_back(one.name);
        for (const char* one :
             {".coffer", "status.json", "metrics", "revision", ".", "..", "", "other", "WIDE", "a/b",
              "user.coffer.scope", "user.coffer.version", "security.capability", "alpha"})
            out.emplace_back(one);
        for (std::size_t size : {128u, 129u, 255u, 256u, 70000u}) out.emplace_back(size, 'L');
        return out;
    }();
    return all;
}

// A node of the mount: its id, and what the policy says of it.
struct Node {
    std::uint64_t id = 0;
    enum class Kind { elsewhere, directory, secret, rendered, status } kind = Kind::elsewhere;
    std::string name = {};
};
inline Node::Kind kind_of(std::string_view name) {
    if (find_secret(name)) return Node::Kind::secret;
    for (const ServedTemplate& one : templates())
        if (one.name == name) return Node::Kind::rendered;
    return Node::Kind::elsewhere;
}

// Who asks, under which of the policies.
struct Asker {
    std::size_t policy = 0;
    unsigned reader = kNobody;
    bool admin = false;

    [[nodiscard]] bool is_anybody() const { return reader != kNobody; }
    // `by_name`: what the policy says alone, whatever became of the secret.
    [[nodiscard]] bool may_see(std::string_view key, bool by_name) const {
        const ServedSecret* one = find_secret(key);
        if (!one || !is_anybody()) return false;
        if (by_name && key == "EXPIRED") return true;
        return (one->readers[policy] & reader) != 0;
    }
    [[nodiscard]] bool may_see(Node::Kind kind, std::string_view name, bool by_name) const {
        if (kind == Node::Kind::status) return admin;
        if (kind == Node::Kind::secret) return may_see(name, by_name);
        if (kind == Node::Kind::elsewhere) return false;
        if (kind == Node::Kind::directory) return name.empty() || is_anybody();
        for (const ServedTemplate& one : templates())
            if (one.name == name)
                return std::ranges::all_of(one.keys,
                                           [&](std::string_view key) { return may_see(key, by_name); });
        return false;
    }
    // Through an open file of it: others too, where the rule lets them.
    [[nodiscard]] bool may_read(const ServedSecret& one) const {
        return (one.inherit && one.readers[policy] != kNobody) || (one.readers[policy] & reader);
    }
};

// What comes to light of the secrets: at least four bytes of it in a row.
inline std::vector<const ServedSecret*> marks_in(ByteView bytes) {
    std::vector<const ServedSecret*> out;
    for (std::size_t i = 0, run = 0; i < bytes.size(); ++i) {
        run = i > 0 && bytes[i] == bytes[i - 1] ? run + 1 : 1;
        const std::size_t number = bytes[i] - std::size_t{kSecrets.front().mark()};
        if (run == 4 && number < kSecrets.size()) out.push_back(&kSecrets[number]);
    }
    return out;
}

}  // namespace coffer::fuzz
