# SPDX-License-Identifier: Apache-2.0
"""System calls that Python's os has not, by libc; a failure is an OSError as there."""
import ctypes
import os
import platform

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, AT_EACCESS = -100, 0x1000, 0x100, 0x200
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
STATX_BASIC, AT_STATX_DONT_SYNC = 0x7ff, 0x4000
IN_ALL_EVENTS = 0xfff
MS_BIND = 4096
_NUMBERS = {"x86_64": {"statx": 332, "faccessat2": 439}, "aarch64": {"statx": 291, "faccessat2": 439}}
NUMBER = _NUMBERS[platform.machine()]


def _long(value: int) -> ctypes.c_long:
    return ctypes.c_long(value)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def libc(name: str, *arguments) -> int:
    """A function of libc that returns -1 for a failure. Numbers are passed as long."""
    return _checked(getattr(LIBC, name)(*(_long(one) if isinstance(one, int) else one for one in arguments)))


def call(name: str, *arguments) -> int:
    return libc("syscall", NUMBER[name], *arguments)


def path(text) -> bytes:
    return os.fsencode(text)


def statx(where, flags: int = 0) -> bytes:
    out = ctypes.create_string_buffer(256)
    call("statx", AT_FDCWD, path(where), flags, STATX_BASIC, out)
    return out.raw


def handle_of(where) -> None:
    handle = ctypes.create_string_buffer((128).to_bytes(4, "little") + bytes(132), 136)
    libc("name_to_handle_at", AT_FDCWD, path(where), handle, ctypes.byref(ctypes.c_int()), 0)


def watch(where) -> None:
    fd = libc("inotify_init1", os.O_CLOEXEC)
    try:
        libc("inotify_add_watch", fd, path(where), IN_ALL_EVENTS)
    finally:
        os.close(fd)


def attribute(where, name: str, room: int) -> bytes:
    out = ctypes.create_string_buffer(max(room, 1))
    size = libc("getxattr", path(where), path(name), out, room)
    return out.raw[:size] if room else bytes(size)


def attribute_names(where, room: int) -> bytes:
    out = ctypes.create_string_buffer(max(room, 1))
    size = libc("listxattr", path(where), out, room)
    return out.raw[:size] if room else bytes(size)


class Directory:
    """readdir(3) with telldir, seekdir and rewinddir; and getdents64(2) with a buffer of any size."""

    class Entry(ctypes.Structure):
        _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("reclen", ctypes.c_uint16),
                    ("type", ctypes.c_uint8), ("name", ctypes.c_char * 256)]

    def __init__(self, where):
        LIBC.opendir.restype = ctypes.c_void_p
        LIBC.readdir.restype = ctypes.POINTER(self.Entry)
        LIBC.telldir.restype = ctypes.c_long
        self.stream = ctypes.c_void_p(LIBC.opendir(path(where)))
        if not self.stream:
            _checked(-1)

    def read(self):
        """(name, inode, type), or None at the end."""
        entry = LIBC.readdir(self.stream)
        return (os.fsdecode(entry.contents.name), entry.contents.ino, entry.contents.type) if entry else None

    def rest(self) -> list:
        return list(iter(self.read, None))

    def tell(self) -> int:
        return LIBC.telldir(self.stream)

    def seek(self, position: int) -> None:
        LIBC.seekdir(self.stream, _long(position))

    def rewind(self) -> None:
        LIBC.rewinddir(self.stream)

    def close(self) -> None:
        LIBC.closedir(self.stream)


def names_by_getdents(where, room: int) -> list[str]:
    names = []
    fd = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
    try:
        buffer = ctypes.create_string_buffer(room)
        while size := libc("getdents64", fd, buffer, room):
            at = 0
            while at < size:
                length = int.from_bytes(buffer.raw[at + 16:at + 18], "little")
                names.append(os.fsdecode(buffer.raw[at + 19:at + length].split(b"\0")[0]))
                at += length
    finally:
        os.close(fd)
    return names
