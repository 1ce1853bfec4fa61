// SPDX-License-Identifier: Apache-2.0
#include "confinement/landlock_domain.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/descriptor.h"
#include "confinement/in_force.h"

namespace coffer {
namespace {

// Younger than Debian 12's linux/landlock.h, with the version of Landlock that brought each.
constexpr std::uint64_t kFsTruncate = 1ull << 14;  // 3
constexpr std::uint64_t kFsIoctlDev = 1ull << 15;  // 5
constexpr std::uint64_t kNetBindConnect = 3;       // 4: TCP
constexpr std::uint64_t kScopeAbstractSocket = 1;  // 6
constexpr std::uint64_t kScopeSignal = 2;          // 6
constexpr std::uint64_t kFsOfVersion1 = (1ull << 13) - 1;

// The kernel's struct landlock_ruleset_attr as of version 6; older kernels take its beginning.
struct RulesetAttributes {
    std::uint64_t files = 0, network = 0, scoped = 0;
};

constexpr std::size_t kSizeOfVersion1 = 8, kSizeOfVersion4 = 16;

std::size_t size_for(int version) {
    return version < 4 ? kSizeOfVersion1 : version < 6 ? kSizeOfVersion4 : sizeof(RulesetAttributes);
}

RulesetAttributes all_of(int version, bool abstract_sockets) {
    RulesetAttributes out;
    out.files = kFsOfVersion1;
    if (version >= 2) out.files |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) out.files |= kFsTruncate;
    if (version >= 4) out.network = kNetBindConnect;
    if (version >= 5) out.files |= kFsIoctlDev;
    if (version >= 6) out.scoped = kScopeSignal | (abstract_sockets ? 0 : kScopeAbstractSocket);
    return out;
}

// What a folder with a database in it needs: no devices, no programs, no links.
constexpr std::uint64_t kUseFolder = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                                     LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                     LANDLOCK_ACCESS_FS_REMOVE_DIR | kFsTruncate;

constexpr std::uint64_t kMakeSockets = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;

Result<void> allow(int ruleset, const std::filesystem::path& path, std::uint64_t rights) {
    Descriptor held(::open(path.c_str(), O_PATH | O_CLOEXEC));
    landlock_path_beneath_attr rule{};
    rule.allowed_access = rights;
    rule.parent_fd = held.get();
    if (!held || ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return fail(Code::failed, "a Landlock rule for ", path.string(), ": ", errno_text());
    return {};
}

}  // namespace

Result<int> enter_landlock_domain(const LandlockRules& rules) {
    if (!kConfined) return 0;
    const auto version =
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
    // EPERM is never the kernel's own answer here: a container's filter of system calls that does not know
    // Landlock.
    if (version < 1 && (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM)) return 0;
    if (version < 1) return fail(Code::failed, "asking for Landlock: ", errno_text());
    const RulesetAttributes all = all_of(version, rules.abstract_sockets);
    Descriptor ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, size_for(version), 0)));
    if (!ruleset) return fail(Code::failed, "a Landlock ruleset: ", errno_text());
    for (const auto& folder : rules.writable)
        COFFER_CHECK(allow(ruleset.get(), folder, kUseFolder & all.files));
    if (!rules.socket_folder.empty()) COFFER_CHECK(allow(ruleset.get(), rules.socket_folder, kMakeSockets));
    // SQLite's source of chance. Without it, it would take the time of day.
    COFFER_CHECK(allow(ruleset.get(), "/dev/urandom", LANDLOCK_ACCESS_FS_READ_FILE));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
        return fail(Code::failed, "entering the Landlock domain: ", errno_text());
    return version;
}

}  // namespace coffer
