# SPDX-License-Identifier: Apache-2.0
"""What each operation gives on each kind of node: by POSIX and Linux's man pages for a file system that is read-only,
and by docs/design.md where coffer differs (a value is not for the page cache: EACCES for splice and sendfile).

Columns: a directory; a KEY; a rendered file; a file of /.coffer; a name that is not there in a directory that is. What
is below a hidden directory, or hidden, is ENOENT for everything; but what makes a name is refused in a directory that
can be seen by the name of the directory, and so the same for a hidden name as for one that is not there.

    "      as for a KEY
    A/B    for ordinary users / for root, where the kernel asks for a capability first
    A,B    either, by kernel or file system
    -      not tried
"""
import re

TABLE = """
operation                 | directory    | KEY      | rendered | status   | absent
stat                      | ok           | ok       | "        | "        | ENOENT
lstat                     | ok           | ok       | "        | "        | ENOENT
statx                     | ok           | ok       | "        | "        | ENOENT
statx without asking      | ok           | ok       | "        | "        | ENOENT
stat with a slash         | ok           | ENOTDIR  | "        | "        | ENOENT
stat of .                 | ok           | ENOTDIR  | "        | "        | ENOENT
stat of ..                | ok           | ENOTDIR  | "        | "        | ENOENT
stat through it           | ENOENT       | ENOTDIR  | "        | "        | ENOENT
stat of too long a name   | ENAMETOOLONG | ENOTDIR  | "        | "        | ENOENT
stat of the longest name  | ENOENT       | ENOTDIR  | "        | "        | ENOENT
mkdir of too long a name  | ENAMETOOLONG | ENOTDIR  | "        | "        | ENOENT
access F_OK               | ok           | ok       | "        | "        | ENOENT
access R_OK               | ok           | ok       | "        | "        | ENOENT
access W_OK               | EROFS        | EROFS    | "        | "        | ENOENT
access X_OK               | ok           | EACCES   | "        | "        | ENOENT
access R_OK and W_OK      | EROFS        | EROFS    | "        | "        | ENOENT
faccessat2 AT_EACCESS     | ok           | ok       | "        | "        | ENOENT
readlink                  | EINVAL       | EINVAL   | "        | "        | ENOENT
list                      | ok           | ENOTDIR  | "        | "        | ENOENT
chdir                     | ok           | ENOTDIR  | "        | "        | ENOENT
chroot                    | EPERM/ok     | ENOTDIR  | "        | "        | ENOENT
statfs                    | ok           | ok       | "        | "        | ENOENT
execve                    | EACCES       | EACCES   | "        | "        | ENOENT
name_to_handle_at         | ok           | ok       | "        | "        | ENOENT
inotify_add_watch         | ok           | ok       | "        | "        | ENOENT
bind mount of it          | EPERM/ok     | EPERM/ok | "        | "        | EPERM/ENOENT

open O_RDONLY             | ok           | ok       | "        | "        | ENOENT
open O_WRONLY             | EISDIR       | EROFS    | "        | "        | ENOENT
open O_RDWR               | EISDIR       | EROFS    | "        | "        | ENOENT
open O_TRUNC              | EISDIR       | EROFS    | "        | "        | ENOENT
open O_WRONLY|O_TRUNC     | EISDIR       | EROFS    | "        | "        | ENOENT
open O_APPEND             | ok           | ok       | "        | "        | ENOENT
open O_WRONLY|O_APPEND    | EISDIR       | EROFS    | "        | "        | ENOENT
open O_CREAT              | EISDIR       | ok       | "        | "        | EROFS
open O_WRONLY|O_CREAT     | EISDIR       | EROFS    | "        | "        | EROFS
open O_CREAT|O_EXCL       | EEXIST       | EEXIST   | "        | "        | EROFS
open O_CREAT|O_TRUNC      | EISDIR       | EROFS    | "        | "        | EROFS
open O_DIRECTORY          | ok           | ENOTDIR  | "        | "        | ENOENT
open O_NOFOLLOW           | ok           | ok       | "        | "        | ENOENT
open O_PATH               | ok           | ok       | "        | "        | ENOENT
open O_PATH|O_DIRECTORY   | ok           | ENOTDIR  | "        | "        | ENOENT
open O_TMPFILE            | EOPNOTSUPP   | ENOTDIR  | "        | "        | ENOENT
open O_DIRECT             | ok,EINVAL    | ok       | "        | "        | ENOENT
open O_NOATIME            | ok           | ok       | "        | "        | ENOENT
open O_SYNC|O_NONBLOCK    | ok           | ok       | "        | "        | ENOENT
open with a slash         | ok           | ENOTDIR  | "        | "        | ENOENT

mkdir                     | EEXIST       | EEXIST   | "        | "        | EROFS
mkdir with a slash        | EEXIST       | EEXIST   | "        | "        | EROFS
mknod of a file           | EEXIST       | EEXIST   | "        | "        | EROFS
mknod of a fifo           | EEXIST       | EEXIST   | "        | "        | EROFS
mknod of a device         | EEXIST       | EEXIST   | "        | "        | EPERM/EROFS
symlink                   | EEXIST       | EEXIST   | "        | "        | EROFS
bind of a socket          | EADDRINUSE   | EADDRINUSE | "      | "        | EROFS
link from it              | EPERM        | EROFS    | "        | "        | ENOENT
link onto it              | EEXIST       | EEXIST   | "        | "        | EXDEV
rename from it            | EROFS        | EROFS    | "        | "        | ENOENT
rename into itself        | EINVAL       | ENOTDIR  | "        | "        | ENOENT
rename NOREPLACE          | EROFS        | EROFS    | "        | "        | ENOENT
rename EXCHANGE, absent   | ENOENT       | ENOENT   | "        | "        | ENOENT
unlink                    | EISDIR       | EROFS    | "        | "        | ENOENT
unlink with a slash       | EISDIR       | ENOTDIR  | "        | "        | ENOENT
rmdir                     | EROFS        | ENOTDIR  | "        | "        | ENOENT
chmod                     | EROFS        | EROFS    | "        | "        | ENOENT
chown to oneself          | EROFS        | EROFS    | "        | "        | ENOENT
lchown to nobody          | EROFS        | EROFS    | "        | "        | ENOENT
truncate to nothing       | EISDIR       | EROFS    | "        | "        | ENOENT
truncate to its size      | EISDIR       | EROFS    | "        | "        | ENOENT
truncate to more          | EISDIR       | EROFS    | "        | "        | ENOENT
utimensat now             | EROFS        | EROFS    | "        | "        | ENOENT
utimensat to a moment     | EROFS        | EROFS    | "        | "        | ENOENT
utimensat of mtime alone  | EROFS        | EROFS    | "        | "        | ENOENT

listxattr                 | ok           | ok       | "        | "        | ENOENT
listxattr, exact room     | ok           | ok       | "        | "        | ENOENT
listxattr, small room     | ok           | ERANGE   | ok       | ok       | ENOENT
getxattr of the size      | ENODATA      | ok       | ENODATA  | ENODATA  | ENOENT
getxattr, exact room      | ENODATA      | ok       | ENODATA  | ENODATA  | ENOENT
getxattr, small room      | ENODATA      | ERANGE   | ENODATA  | ENODATA  | ENOENT
getxattr, unknown         | ENODATA      | ENODATA  | "        | "        | ENOENT
getxattr, security        | ENODATA      | ENODATA  | "        | "        | ENOENT
getxattr, trusted         | ENODATA      | ENODATA  | "        | "        | ENOENT
getxattr, no such class   | ENODATA,EOPNOTSUPP | ENODATA,EOPNOTSUPP | " | "     | ENOENT
getxattr of an ACL        | ENODATA,EOPNOTSUPP | ENODATA,EOPNOTSUPP | " | "     | ENOENT
setxattr                  | EROFS        | EROFS    | "        | "        | ENOENT
setxattr of ours          | EROFS        | EROFS    | "        | "        | ENOENT
setxattr, trusted         | EPERM/EROFS  | EPERM/EROFS | "     | "        | ENOENT
removexattr               | EROFS        | EROFS    | "        | "        | ENOENT
removexattr of ours       | EROFS        | EROFS    | "        | "        | ENOENT

read                      | EISDIR       | ok       | "        | "        | -
read of nothing           | EISDIR       | ok       | "        | "        | -
pread past the end        | EISDIR       | ok       | "        | "        | -
pread before the start    | EINVAL       | EINVAL   | "        | "        | -
readv                     | EISDIR       | ok       | "        | "        | -
preadv2 RWF_HIPRI         | EISDIR       | ok       | "        | "        | -
preadv2 RWF_NOWAIT        | EISDIR,EOPNOTSUPP | ok,EAGAIN,EOPNOTSUPP | " | "   | -
preadv2, unknown flag     | EISDIR,EOPNOTSUPP,EINVAL | EOPNOTSUPP,EINVAL | " | " | -
lseek SEEK_END            | ok           | ok       | "        | "        | -
lseek before the start    | EINVAL       | EINVAL   | "        | "        | -
lseek SEEK_DATA           | ok,EINVAL,ENXIO | ok    | ok       | ENXIO    | -
lseek SEEK_HOLE           | ok,EINVAL,ENXIO | ok    | ok       | ENXIO    | -
lseek, unknown            | EINVAL       | EINVAL   | "        | "        | -
write                     | EBADF        | EBADF    | "        | "        | -
pwrite                    | EBADF        | EBADF    | "        | "        | -
ftruncate                 | EINVAL       | EINVAL   | "        | "        | -
fallocate                 | EBADF        | EBADF    | "        | "        | -
fallocate of a hole       | EBADF        | EBADF    | "        | "        | -
fsync                     | ok           | ok       | "        | "        | -
fdatasync                 | ok           | ok       | "        | "        | -
syncfs                    | ok           | ok       | "        | "        | -
fstat                     | ok           | ok       | "        | "        | -
fstatat of the descriptor | ok           | ok       | "        | "        | -
fstatfs                   | ok           | ok       | "        | "        | -
fchmod                    | EROFS        | EROFS    | "        | "        | -
fchown                    | EROFS        | EROFS    | "        | "        | -
futimens                  | EROFS        | EROFS    | "        | "        | -
fsetxattr                 | EROFS        | EROFS    | "        | "        | -
fremovexattr              | EROFS        | EROFS    | "        | "        | -
fgetxattr                 | ENODATA      | ok       | ENODATA  | ENODATA  | -
fchdir                    | ok           | ENOTDIR  | "        | "        | -
flock LOCK_SH             | ok           | ok       | "        | "        | -
flock LOCK_EX             | ok           | ok       | "        | "        | -
fcntl lock to read        | -            | ok       | "        | "        | -
fcntl lock to write       | -            | EBADF    | "        | "        | -
open file lock to read    | -            | ok       | "        | "        | -
ioctl FS_IOC_GETFLAGS     | ENOTTY       | ENOTTY   | "        | "        | -
ioctl FS_IOC_SETFLAGS     | ENOTTY,EROFS,EPERM | ENOTTY,EROFS,EPERM | " | "     | -
ioctl FICLONE             | -            | EBADF    | "        | "        | -
ioctl, unknown            | ENOTTY       | ENOTTY   | "        | "        | -
mmap MAP_SHARED           | ENODEV       | ENODEV   | "        | "        | -
mmap to execute           | ENODEV,EPERM | EPERM    | "        | "        | -
mmap MAP_SHARED to write  | EACCES,ENODEV | EACCES,ENODEV | "  | "        | -
mmap MAP_PRIVATE, touched | ENODEV       | SIGBUS   | "        | "        | -
posix_fadvise             | -            | ok       | "        | "        | -
readahead                 | EINVAL       | ok,EINVAL | "       | "        | -
sendfile                  | EINVAL,EISDIR | EACCES  | "        | ok,EACCES | -
splice                    | EINVAL,EISDIR | EACCES  | "        | ok,EACCES | -
copy_file_range           | EISDIR       | EACCES,EXDEV,EINVAL | " | ok,EACCES,EXDEV,EINVAL | -
poll                      | -            | ok       | "        | "        | -
epoll_ctl                 | EPERM,ok     | ok,EPERM | "        | "        | -
open again O_RDONLY       | ok           | ok       | "        | "        | -
open again O_WRONLY       | EISDIR       | EROFS    | "        | "        | -
read through O_PATH       | EBADF        | EBADF    | "        | "        | -
fstat through O_PATH      | ok           | ok       | "        | "        | -
fchdir through O_PATH     | ok           | ENOTDIR  | "        | "        | -
open again from O_PATH    | ok           | ok       | "        | "        | -
"""

# What is not quite as its column has it.
VARIANTS = {
    # A mount point besides, and what is beside it is another file system's.
    "root": ("directory", {
        "rmdir": "EACCES/EBUSY", "unlink": "EACCES/EISDIR", "rename from it": "EACCES/EBUSY",
        "rename NOREPLACE": "EACCES/EBUSY", "rename into itself": "EXDEV", "link from it": "EXDEV"}),
    # The end is at the start: the kernel asks for nothing.
    "empty KEY": ("KEY", {
        "lseek SEEK_DATA": "ENXIO", "lseek SEEK_HOLE": "ENXIO", "sendfile": "ok", "splice": "ok",
        "copy_file_range": "ok,EXDEV,EINVAL"}),
    # With `owner` in its rule.
    "KEY of another owner": ("KEY", {"open O_NOATIME": "EPERM/ok"}),
    # docs/threat-model.md, "Known limits": the kernel keeps the names of directories that somebody has used, and
    # answers these by itself.
    "hidden directory": ("absent", {
        "statx without asking": "ENOENT,ok", "stat of ..": "ENOENT,ok", "readlink": "ENOENT,EINVAL",
        "statfs": "ENOENT,ok", "execve": "ENOENT,EACCES", "name_to_handle_at": "ENOENT,ok",
        "inotify_add_watch": "ENOENT,ok", "bind mount of it": "EPERM/ENOENT,ENOTDIR", "open O_WRONLY": "ENOENT,EISDIR",
        "open O_RDWR": "ENOENT,EISDIR", "open O_TRUNC": "ENOENT,EISDIR", "open O_WRONLY|O_TRUNC": "ENOENT,EISDIR",
        "open O_WRONLY|O_APPEND": "ENOENT,EISDIR", "open O_CREAT": "EROFS,EISDIR",
        "open O_WRONLY|O_CREAT": "EROFS,EISDIR"}),
}

COLUMNS = ("directory", "KEY", "rendered", "status", "absent")


def rows() -> dict[str, dict[str, str]]:
    out = {}
    for line in TABLE.strip().splitlines()[1:]:
        if not line.strip():
            continue
        operation, *cells = (cell.strip() for cell in re.split(r"\s\|\s", line))
        cells = [cells[1] if cell == '"' else cell for cell in cells]
        out[operation] = dict(zip(COLUMNS, cells, strict=True))
    return out


def wanted(operation: str, row: dict[str, str], kind: str, is_root: bool) -> set[str]:
    """All answers that are right. `kind`: a column, a variant of one, or "unreachable"."""
    column, others = VARIANTS.get(kind, (kind, {}))
    if kind == "unreachable":
        cell = row["absent"] if row["absent"] in ("-", "EPERM/ENOENT") else "ENOENT"
    else:
        cell = others.get(operation, row[column])
    if "/" in cell:
        cell = cell.split("/")[1 if is_root else 0]
    return set(cell.split(","))
