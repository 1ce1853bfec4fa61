// SPDX-License-Identifier: Apache-2.0
//
// ProcFolder: a held descriptor on /proc/ID of one thread or process. It stays with that thread: once it is
// gone every read fails, also after its number is used again. Reads are thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "access/attest/proc_text.h"
#include "base/descriptor.h"

namespace coffer {

// Which file a process runs. The change time tells an inode number that has been used again.
struct ExeStamp {
    bool readable = false;  // false: a kernel thread, or not ours to see
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const ExeStamp&) const = default;
};

struct NamespaceId {
    dev_t device = 0;
    ino_t inode = 0;  // 0: not readable
    bool operator==(const NamespaceId&) const = default;
};

class ProcFolder {
  public:
    // Code::not_found where there is no such thread, Code::limit where descriptors ran out.
    [[nodiscard]] static Result<ProcFolder> open(pid_t id);

    [[nodiscard]] Result<ProcStatus> status() const;
    [[nodiscard]] Result<std::uint64_t> start_ticks() const;
    // Its cgroup file, held open: to be asked again and again with in_cgroup.
    [[nodiscard]] Descriptor open_cgroup() const;
    // None once the process is gone.
    [[nodiscard]] std::optional<ExeStamp> exe_stamp() const;
    [[nodiscard]] std::string exe_path() const;  // empty: not readable
    // Asks the file system of the program, which may never answer: see access/attest/exe_mount.h.
    [[nodiscard]] Descriptor open_exe() const;  // empty: not readable
    // Of the mount through which the program was started; none where that cannot be told.
    [[nodiscard]] std::optional<std::uint64_t> exe_mount() const;
    [[nodiscard]] Result<std::string> mount_table() const;  // as store/base/mount_table.h reads it
    [[nodiscard]] static ExeStamp stamp_of(const Descriptor& exe);
    [[nodiscard]] NamespaceId user_namespace() const;
    [[nodiscard]] bool alive() const;

    // Of a cgroup file; Code::not_found once its thread is gone.
    [[nodiscard]] static Result<std::string> cgroup_text(const Descriptor& file);
    // Is the thread whose cgroup file this is in the cgroup of this path (as parse_cgroup_lines finds it)? No
    // once it is gone. No allocation.
    [[nodiscard]] static bool in_cgroup(const Descriptor& file, std::string_view path);

  private:
    explicit ProcFolder(Descriptor fd) : fd_(std::move(fd)) {}
    [[nodiscard]] Result<std::string> read(const char* name) const;
    Descriptor fd_;
};

}  // namespace coffer
