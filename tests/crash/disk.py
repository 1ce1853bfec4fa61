# SPDX-License-Identifier: Apache-2.0
"""What a disk may hold after a loss of power, from the trace of the calls that changed files.

The model promises no more than POSIX: what is written to a file is there once the file was synced, and its name once its
folder was. What was not synced is there or not, each write and each sector of it for itself; names follow each other in
their order, as journalling file systems have it, or not even that. The -shm files of SQLite are memory, and are lost. A file that is
only ever appended to, and never synced, is the audit log: it ends somewhere, with or without zeros behind that.
"""
import pathlib
import random
from typing import NamedTuple

SECTOR = 512
# How much of what was not synced is there.
NOTHING, ALL, SOME_FIRST, SOME = "nothing", "all", "the first of it", "some of it"
APPENDED = "audit.jsonl"
LOSSES = (NOTHING, ALL, SOME_FIRST, SOME)


class Call(NamedTuple):
    name: str
    arguments: tuple[str, ...]
    data: bytes
    end: int  # where its record ends in the trace


def calls_in(trace: bytes) -> list[Call]:
    out, at = [], 0
    while at < len(trace):
        end = trace.index(b"\n", at)
        name, *arguments = trace[at:end].decode().split(" ")
        at = end + 1
        size = int(arguments[2]) if name == "write" else 0
        out.append(Call(name, tuple(arguments), trace[at:at + size], at + size))
        at += size
    return out


class Change(NamedTuple):
    """Of a file's content: bytes at a place, or, with no bytes, another size."""
    at: int
    data: bytes | None

    def apply(self, content: bytearray) -> None:
        if self.data is None:
            del content[self.at:]
            content.extend(bytes(self.at - len(content)))
            return
        content.extend(bytes(max(0, self.at + len(self.data) - len(content))))
        content[self.at:self.at + len(self.data)] = self.data

    def torn(self, chosen: random.Random) -> list["Change"]:
        """The sectors of it that are there."""
        if self.data is None:
            return [self] if chosen.random() < 0.5 else []
        parts, at = [], self.at
        while at < self.at + len(self.data):
            end = min((at // SECTOR + 1) * SECTOR, self.at + len(self.data))
            if chosen.random() < 0.5:
                parts.append(Change(at, self.data[at - self.at:end - self.at]))
            at = end
        return parts


class File:
    def __init__(self):
        self.synced = b""
        self.pending: list[Change] = []

    def sync(self) -> None:
        self.synced, self.pending = self.content(self.pending), []

    def content(self, changes: list[Change]) -> bytes:
        out = bytearray(self.synced)
        for change in changes:
            change.apply(out)
        return bytes(out)

    def after_loss(self, loss: str, chosen: random.Random) -> bytes:
        if loss == SOME:
            return self.content([part for change in self.pending if chosen.random() < 0.7 for part in change.torn(chosen)])
        return self.content(kept(self.pending, loss, chosen))

    def appended_after_loss(self, loss: str, chosen: random.Random) -> bytes:
        whole = self.content(self.pending)
        if loss in (NOTHING, ALL):
            return self.synced if loss == NOTHING else whole
        end = min(len(whole), max(len(self.synced), chosen.randrange(len(whole) + 1) // SECTOR * SECTOR))
        return whole[:end] + bytes(len(whole) - end if loss == SOME else 0)


def kept(pending: list, loss: str, chosen: random.Random) -> list:
    if loss == NOTHING:
        return []
    if loss == SOME_FIRST:
        return pending[:chosen.randrange(len(pending) + 1)]
    return pending if loss == ALL else [change for change in pending if chosen.random() < 0.5]


class Disk:
    """An empty disk, and what the calls made of it."""

    def __init__(self):
        self.synced: dict[str, File | None] = {}  # by path; None: a folder
        self.now: dict[str, File | None] = {}
        self.pending: list[Call] = []  # that changed names
        self.files: dict[str, File] = {}  # by inode number; a number is used again

    def apply(self, call: Call) -> None:
        getattr(self, "do_" + call.name.replace("-", "_"))(call)

    def do_create(self, call: Call) -> None:
        self.files[call.arguments[0]] = File()
        self.rename_in(self.now, call, self.files[call.arguments[0]])
        self.pending.append(call._replace(data=self.files[call.arguments[0]]))

    def do_write(self, call: Call) -> None:
        self.files[call.arguments[0]].pending.append(Change(int(call.arguments[1]), call.data))

    def do_truncate(self, call: Call) -> None:
        self.files[call.arguments[0]].pending.append(Change(int(call.arguments[1]), None))

    def do_sync(self, call: Call) -> None:
        self.files[call.arguments[0]].sync()

    def do_sync_folder(self, call: Call) -> None:
        """What has happened in that folder is for ever."""
        def concerns(pending: Call) -> bool:
            return pathlib.PurePath(pending.arguments[-1]).parent == pathlib.PurePath(call.arguments[0])
        for pending in filter(concerns, self.pending):
            self.rename_in(self.synced, pending, pending.data)
        self.pending = [pending for pending in self.pending if not concerns(pending)]

    def change_names(self, call: Call) -> None:
        self.rename_in(self.now, call, None)
        self.pending.append(call)

    do_mkdir = do_rename = do_link = do_unlink = change_names

    @staticmethod
    def rename_in(names: dict, call: Call, file: File | None) -> None:
        *source, path = call.arguments
        if call.name == "create":
            names[path] = file
        elif call.name == "mkdir":
            names[path] = None
        elif call.name == "unlink":
            names.pop(path, None)
        elif source[0] in names:  # rename, link; the source may be lost
            names[path] = names[source[0]] if call.name == "link" else names.pop(source[0])

    def after_loss(self, names: str, content: str, chosen: random.Random) -> dict[str, bytes | None]:
        """Paths with their content, None for folders; what is in a folder that is lost is lost."""
        there = dict(self.synced)
        for call in kept(self.pending, names, chosen):
            self.rename_in(there, call, call.data or None)
        def content_of(path: str, file: File | None) -> bytes | None:
            if file is None:
                return None
            return (file.appended_after_loss if path.endswith(APPENDED) else file.after_loss)(content, chosen)
        return {path: content_of(path, file) for path, file in sorted(there.items()) if not path.endswith("-shm")}


def write_out(state: dict[str, bytes | None], root: str, folder: pathlib.Path, modes: dict[str, int]) -> None:
    """The state as files below `folder`, which stands for `root`."""
    for path, content in state.items():
        target = folder / pathlib.PurePath(path).relative_to(root)
        if not target.parent.is_dir():
            continue
        if content is None:
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(content)
        target.chmod(modes.get(path, 0o600 if content is not None else 0o700))
