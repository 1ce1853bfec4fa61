# SPDX-License-Identifier: Apache-2.0
"""What is tried on each node: each operation of table.py, as a function of the node's path. It fails with an OSError."""
import ctypes
import errno
import fcntl
import mmap
import os
import select
import signal
import socket
import stat
import struct

import system_calls as sys

LONGEST = 128  # what statfs and pathconf say
MOMENT = (1, 1)
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FICLONE, UNKNOWN_IOCTL = 0x80086601, 0x40086602, 0x40049409, 0x634d
F_OFD_SETLK = 37
RWF_HIPRI, RWF_NOWAIT, RWF_UNKNOWN = 1, 8, 1 << 30


def beside(path: str) -> str:
    """A name that is not there, in the same directory."""
    return os.path.join(os.path.dirname(path), "BESIDE")


def opened(flags: int, mode: int = 0o600):
    def operation(path):
        os.close(os.open(path, flags, mode))
    return operation


def with_open(use, flags: int = os.O_RDONLY):
    """By descriptor. What fails is `use`: what cannot be opened is told by the table's lines of open."""
    def operation(path):
        fd = os.open(path, flags)
        try:
            use(fd)
        finally:
            os.close(fd)
    return operation


def in_child(use):
    """What would change this process, or kill it: a signal's name is an answer, too."""
    def operation(path):
        child = os.fork()
        if child == 0:
            try:
                use(path)
                os._exit(0)
            except OSError as error:
                os._exit(error.errno)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            raise InterruptedError(signal.Signals(os.WTERMSIG(status)).name)
        if os.WEXITSTATUS(status):
            raise OSError(os.WEXITSTATUS(status), "in a child")
    return operation


def through_path_descriptor(use):
    return with_open(use, os.O_PATH)


def again(flags: int):
    return lambda fd: os.close(os.open(f"/proc/self/fd/{fd}", flags))


def pread(fd, size, offset):
    sys.libc("pread", fd, ctypes.create_string_buffer(max(size, 1)), size, offset)


def preadv2(fd, flags):
    buffer = ctypes.create_string_buffer(16)
    vector = struct.pack("PN", ctypes.addressof(buffer), 16)
    sys.libc("preadv2", fd, ctypes.create_string_buffer(vector), 1, 0, flags)


def lseek(whence, offset=0):
    return lambda fd: os.lseek(fd, offset, whence)


def map_page(fd, flags, protection) -> int:
    sys.LIBC.mmap.restype = ctypes.c_void_p
    address = sys.LIBC.mmap(None, ctypes.c_size_t(4096), protection, flags, fd, ctypes.c_long(0))
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")
    return address


def map_file(flags, protection):
    def operation(fd):
        sys.libc("munmap", ctypes.c_void_p(map_page(fd, flags, protection)), 4096)
    return operation


def touch_map(fd):
    ctypes.string_at(map_page(fd, mmap.MAP_PRIVATE, mmap.PROT_READ), 1)


def into_pipe(move):
    def operation(fd):
        ends = os.pipe()
        try:
            move(fd, ends[1])
        finally:
            for end in ends:
                os.close(end)
    return operation


def copy_range(fd):
    to = os.memfd_create("copy")
    try:
        os.copy_file_range(fd, to, 16)
    finally:
        os.close(to)


def lock_record(command, kind):
    return lambda fd: fcntl.fcntl(fd, command, struct.pack("hhqqi4x", kind, 0, 0, 0, 0))


def poll(fd):
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    if poller.poll(0) != [(fd, select.POLLIN)]:
        raise OSError(errno.EAGAIN, "not ready")
    if select.select([fd], [], [], 0)[0] != [fd]:
        raise OSError(errno.EAGAIN, "not ready")


def epoll(fd):
    with select.epoll() as poller:
        poller.register(fd, select.EPOLLIN)


def bind_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        # The path may be longer than an address: by its directory.
        folder = os.open(os.path.dirname(path), os.O_PATH)
        try:
            one.bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        finally:
            os.close(folder)


def bind_mount(path):
    target = "/run/conformance-target" + ("" if os.path.isdir(path) else ".file")
    sys.libc("mount", sys.path(path), sys.path(target), None, sys.MS_BIND, None)
    sys.libc("umount2", sys.path(target), 2)


def link_onto(path):
    os.link("/run/conformance-source", path)


def set_attribute(name, use=os.setxattr):
    return lambda path: use(path, name, b"x")


def exact_attribute(path):
    size = len(sys.attribute(path, "user.coffer.scope", 0))
    if len(sys.attribute(path, "user.coffer.scope", size)) != size:
        raise OSError(errno.EIO, "another size than told")


def exact_names(path):
    size = len(sys.attribute_names(path, 0))
    if len(sys.attribute_names(path, size)) != size:
        raise OSError(errno.EIO, "another size than told")


def truncate(path, size):
    sys.libc("truncate", sys.path(path), size)


def size_of(path) -> int:
    return os.stat(path).st_size


OPERATIONS = {
    "stat": os.stat, "lstat": os.lstat, "statx": sys.statx,
    "statx without asking": lambda path: sys.statx(path, sys.AT_STATX_DONT_SYNC),
    "stat with a slash": lambda path: os.stat(path + "/"),
    "stat of .": lambda path: os.stat(path + "/."),
    "stat of ..": lambda path: os.stat(path + "/.."),
    "stat through it": lambda path: os.stat(path + "/ANYTHING"),
    "stat of too long a name": lambda path: os.stat(path + "/" + "N" * (LONGEST + 1)),
    "stat of the longest name": lambda path: os.stat(path + "/" + "N" * LONGEST),
    "mkdir of too long a name": lambda path: os.mkdir(path + "/" + "N" * (LONGEST + 1)),
    "access F_OK": lambda path: sys.libc("access", sys.path(path), os.F_OK),
    "access R_OK": lambda path: sys.libc("access", sys.path(path), os.R_OK),
    "access W_OK": lambda path: sys.libc("access", sys.path(path), os.W_OK),
    "access X_OK": lambda path: sys.libc("access", sys.path(path), os.X_OK),
    "access R_OK and W_OK": lambda path: sys.libc("access", sys.path(path), os.R_OK | os.W_OK),
    "faccessat2 AT_EACCESS": lambda path: sys.call("faccessat2", sys.AT_FDCWD, sys.path(path), os.R_OK, sys.AT_EACCESS),
    "readlink": os.readlink, "list": os.listdir,
    "chdir": in_child(os.chdir), "chroot": in_child(os.chroot), "statfs": os.statvfs,
    "execve": in_child(lambda path: os.execve(path, [path], {})),
    "name_to_handle_at": sys.handle_of, "inotify_add_watch": sys.watch, "bind mount of it": bind_mount,

    "open O_RDONLY": opened(os.O_RDONLY), "open O_WRONLY": opened(os.O_WRONLY), "open O_RDWR": opened(os.O_RDWR),
    "open O_TRUNC": opened(os.O_RDONLY | os.O_TRUNC), "open O_WRONLY|O_TRUNC": opened(os.O_WRONLY | os.O_TRUNC),
    "open O_APPEND": opened(os.O_APPEND), "open O_WRONLY|O_APPEND": opened(os.O_WRONLY | os.O_APPEND),
    "open O_CREAT": opened(os.O_CREAT), "open O_WRONLY|O_CREAT": opened(os.O_WRONLY | os.O_CREAT),
    "open O_CREAT|O_EXCL": opened(os.O_CREAT | os.O_EXCL),
    "open O_CREAT|O_TRUNC": opened(os.O_RDWR | os.O_CREAT | os.O_TRUNC),
    "open O_DIRECTORY": opened(os.O_DIRECTORY), "open O_NOFOLLOW": opened(os.O_NOFOLLOW), "open O_PATH": opened(os.O_PATH),
    "open O_PATH|O_DIRECTORY": opened(os.O_PATH | os.O_DIRECTORY), "open O_TMPFILE": opened(os.O_TMPFILE | os.O_RDWR),
    "open O_DIRECT": opened(os.O_DIRECT), "open O_NOATIME": opened(os.O_NOATIME),
    "open O_SYNC|O_NONBLOCK": opened(os.O_SYNC | os.O_NONBLOCK),
    "open with a slash": lambda path: opened(os.O_RDONLY)(path + "/"),

    "mkdir": os.mkdir, "mkdir with a slash": lambda path: os.mkdir(path + "/"),
    "mknod of a file": lambda path: os.mknod(path, stat.S_IFREG | 0o600),
    "mknod of a fifo": os.mkfifo,
    "mknod of a device": lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    "symlink": lambda path: os.symlink("anywhere", path), "bind of a socket": bind_socket,
    "link from it": lambda path: os.link(path, beside(path)), "link onto it": link_onto,
    "rename from it": lambda path: os.rename(path, beside(path)),
    "rename into itself": lambda path: os.rename(path, path + "/BELOW"),
    "rename NOREPLACE": lambda path: sys.libc(
        "renameat2", sys.AT_FDCWD, sys.path(path), sys.AT_FDCWD, sys.path(beside(path)), sys.RENAME_NOREPLACE),
    "rename EXCHANGE, absent": lambda path: sys.libc(
        "renameat2", sys.AT_FDCWD, sys.path(path), sys.AT_FDCWD, sys.path(beside(path)), sys.RENAME_EXCHANGE),
    "unlink": os.unlink, "unlink with a slash": lambda path: os.unlink(path + "/"), "rmdir": os.rmdir,
    "chmod": lambda path: os.chmod(path, 0o777),
    "chown to oneself": lambda path: os.chown(path, os.getuid(), os.getgid()),
    "lchown to nobody": lambda path: os.lchown(path, -1, -1),
    "truncate to nothing": lambda path: truncate(path, 0),
    "truncate to its size": lambda path: truncate(path, size_of(path)),
    "truncate to more": lambda path: truncate(path, size_of(path) + 1),
    "utimensat now": os.utime, "utimensat to a moment": lambda path: os.utime(path, ns=MOMENT),
    "utimensat of mtime alone": lambda path: sys.libc(
        "utimensat", sys.AT_FDCWD, sys.path(path), struct.pack("qqqq", 0, 0x3ffffffe, 1, 1), 0),

    "listxattr": os.listxattr, "listxattr, exact room": exact_names,
    "listxattr, small room": lambda path: sys.attribute_names(path, 3),
    "getxattr of the size": lambda path: sys.attribute(path, "user.coffer.scope", 0),
    "getxattr, exact room": exact_attribute,
    "getxattr, small room": lambda path: sys.attribute(path, "user.coffer.scope", 2),
    "getxattr, unknown": lambda path: sys.attribute(path, "user.coffer.nothing", 64),
    "getxattr, security": lambda path: sys.attribute(path, "security.capability", 64),
    "getxattr, trusted": lambda path: sys.attribute(path, "trusted.any", 64),
    "getxattr, no such class": lambda path: sys.attribute(path, "other.any", 64),
    "getxattr of an ACL": lambda path: sys.attribute(path, "system.posix_acl_access", 64),
    "setxattr": set_attribute("user.any"), "setxattr of ours": set_attribute("user.coffer.version"),
    "setxattr, trusted": set_attribute("trusted.any"),
    "removexattr": lambda path: os.removexattr(path, "user.any"),
    "removexattr of ours": lambda path: os.removexattr(path, "user.coffer.version"),

    "read": with_open(lambda fd: os.read(fd, 16)), "read of nothing": with_open(lambda fd: os.read(fd, 0)),
    "pread past the end": with_open(lambda fd: pread(fd, 16, 1 << 40)),
    "pread before the start": with_open(lambda fd: pread(fd, 16, -1)),
    "readv": with_open(lambda fd: os.readv(fd, [bytearray(3), bytearray(5)])),
    "preadv2 RWF_HIPRI": with_open(lambda fd: preadv2(fd, RWF_HIPRI)),
    "preadv2 RWF_NOWAIT": with_open(lambda fd: preadv2(fd, RWF_NOWAIT)),
    "preadv2, unknown flag": with_open(lambda fd: preadv2(fd, RWF_UNKNOWN)),
    "lseek SEEK_END": with_open(lseek(os.SEEK_END)), "lseek before the start": with_open(lseek(os.SEEK_SET, -1)),
    "lseek SEEK_DATA": with_open(lseek(os.SEEK_DATA)), "lseek SEEK_HOLE": with_open(lseek(os.SEEK_HOLE)),
    "lseek, unknown": with_open(lseek(99)),
    "write": with_open(lambda fd: os.write(fd, b"x")), "pwrite": with_open(lambda fd: os.pwrite(fd, b"x", 0)),
    "ftruncate": with_open(lambda fd: os.ftruncate(fd, 0)),
    "fallocate": with_open(lambda fd: sys.libc("fallocate", fd, 0, 0, 4096)),
    "fallocate of a hole": with_open(lambda fd: sys.libc("fallocate", fd, 3, 0, 4096)),
    "fsync": with_open(os.fsync), "fdatasync": with_open(os.fdatasync),
    "syncfs": with_open(lambda fd: sys.libc("syncfs", fd)),
    "fstat": with_open(os.fstat), "fstatfs": with_open(os.fstatvfs),
    "fstatat of the descriptor": with_open(lambda fd: sys.libc(
        "fstatat", fd, b"", ctypes.create_string_buffer(256), sys.AT_EMPTY_PATH)),
    "fchmod": with_open(lambda fd: os.fchmod(fd, 0o777)),
    "fchown": with_open(lambda fd: os.fchown(fd, os.getuid(), os.getgid())),
    "futimens": with_open(lambda fd: os.utime(fd, ns=MOMENT)),
    "fsetxattr": with_open(set_attribute("user.any")),
    "fremovexattr": with_open(lambda fd: os.removexattr(fd, "user.any")),
    "fgetxattr": with_open(lambda fd: os.getxattr(fd, "user.coffer.version")),
    "fchdir": in_child(with_open(os.fchdir)),
    "flock LOCK_SH": with_open(lambda fd: fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    "flock LOCK_EX": with_open(lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)),
    "fcntl lock to read": with_open(lock_record(fcntl.F_SETLK, fcntl.F_RDLCK)),
    "fcntl lock to write": with_open(lock_record(fcntl.F_SETLK, fcntl.F_WRLCK)),
    "open file lock to read": with_open(lock_record(F_OFD_SETLK, fcntl.F_RDLCK)),
    "ioctl FS_IOC_GETFLAGS": with_open(lambda fd: fcntl.ioctl(fd, FS_IOC_GETFLAGS, bytes(8))),
    "ioctl FS_IOC_SETFLAGS": with_open(lambda fd: fcntl.ioctl(fd, FS_IOC_SETFLAGS, bytes(8))),
    "ioctl FICLONE": with_open(lambda fd: fcntl.ioctl(fd, FICLONE, fd)),
    "ioctl, unknown": with_open(lambda fd: fcntl.ioctl(fd, UNKNOWN_IOCTL)),
    "mmap MAP_SHARED": with_open(map_file(mmap.MAP_SHARED, mmap.PROT_READ)),
    "mmap to execute": with_open(map_file(mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)),
    "mmap MAP_SHARED to write": with_open(map_file(mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)),
    "mmap MAP_PRIVATE, touched": in_child(with_open(touch_map)),
    "posix_fadvise": with_open(lambda fd: os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)),
    "readahead": with_open(lambda fd: sys.libc("readahead", fd, 0, 4096)),
    "sendfile": with_open(into_pipe(lambda fd, to: os.sendfile(to, fd, 0, 16))),
    "splice": with_open(into_pipe(lambda fd, to: os.splice(fd, to, 16, offset_src=0))),
    "copy_file_range": with_open(copy_range),
    "poll": with_open(poll), "epoll_ctl": with_open(epoll),
    "open again O_RDONLY": with_open(again(os.O_RDONLY)), "open again O_WRONLY": with_open(again(os.O_WRONLY)),
    "read through O_PATH": through_path_descriptor(lambda fd: os.read(fd, 1)),
    "fstat through O_PATH": through_path_descriptor(os.fstat),
    "fchdir through O_PATH": in_child(through_path_descriptor(os.fchdir)),
    "open again from O_PATH": through_path_descriptor(again(os.O_RDONLY)),
}


def answer(operation: str, path: str) -> str:
    """What the table's cells say: "ok", an errno's name, or a signal's."""
    try:
        OPERATIONS[operation](path)
    except InterruptedError as error:
        return str(error)
    except OSError as error:
        return "EOPNOTSUPP" if error.errno == errno.EOPNOTSUPP else errno.errorcode[error.errno]
    return "ok"
