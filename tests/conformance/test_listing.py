# SPDX-License-Identifier: Apache-2.0
"""Listings, and the attributes that POSIX ties to them."""
import errno
import os
import random
import stat
import subprocess
import unittest

import served
import system_calls

ADA, BEN, ROOT = served.CALLERS
FOLDER = served.MOUNT / "acme/coffer-ada/many"
COUNT = 2000 if served.LONG else 50
DONE = served.FOLDER / "changes.done"
KEYS = {f"KEY_{i:04}" for i in range(served.MANY)} | {"WIDE"}
DT = {4: stat.S_ISDIR, 8: stat.S_ISREG}


def attributes_and_entries() -> list[str]:
    """What of a walk over the whole mount does not agree."""
    wrong = []
    for parent, folders, files in os.walk(served.MOUNT):
        above = os.stat(parent)
        stream = system_calls.Directory(parent)
        entries = stream.rest()
        stream.close()
        names = [name for name, _, _ in entries]
        if sorted(names) != sorted([".", "..", *folders, *files]) or len(set(names)) != len(names):
            wrong.append(f"{parent}: {names}")
        for name, inode, kind in entries:
            path = os.path.join(parent, name)
            status = os.lstat(path)
            if parent == str(served.MOUNT) and name == "..":
                continue  # of another file system
            if status.st_ino != inode:
                wrong.append(f"{path}: listed as inode {inode}, is {status.st_ino}")
            if not DT[kind](status.st_mode):
                wrong.append(f"{path}: listed as of type {kind}, is {status.st_mode:o}")
            if status.st_dev != above.st_dev:
                wrong.append(f"{path}: on another device than its directory")
            if (status.st_uid, status.st_gid) != (os.getuid(), os.getgid()) and name != "SHOWN_TO_ALL":
                wrong.append(f"{path}: of {status.st_uid}:{status.st_gid}")
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    size = len(file.read())
                if status.st_mode != stat.S_IFREG | 0o400 and name != "SHOWN_TO_ALL":
                    wrong.append(f"{path}: mode {status.st_mode:o}")
                if "/.coffer" not in path and (status.st_size != size or status.st_blocks != (size + 511) // 512):
                    wrong.append(f"{path}: {status.st_size} bytes and {status.st_blocks} blocks told, {size} read")
                if status.st_nlink != 1:
                    wrong.append(f"{path}: {status.st_nlink} links")
            elif stat.S_IMODE(status.st_mode) != 0o500:
                wrong.append(f"{path}: mode {status.st_mode:o}")
    return wrong


def seeks() -> list[str]:
    wrong = []
    stream = system_calls.Directory(FOLDER)
    whole, positions = [], []
    while True:
        positions.append(stream.tell())
        entry = stream.read()
        if entry is None:
            break
        whole.append(entry)
    source = random.Random(served.SEED)
    for _ in range(100):
        number = source.randrange(len(whole) + 1)
        stream.seek(positions[number])
        if stream.rest() != whole[number:]:
            wrong.append(f"after a seek to entry {number}")
    stream.rewind()
    if stream.rest() != whole:
        wrong.append("after rewinddir")
    stream.close()
    return wrong


class Listings(unittest.TestCase):
    def test_entries_and_attributes_agree_for_every_caller(self):
        for caller in served.CALLERS:
            self.assertEqual(served.as_caller(caller, attributes_and_entries), [], caller.name)

    def test_a_buffer_of_any_size_lists_each_name_once(self):
        for room in (64, 100, 320, 1000, 4096, 65536):
            names = served.as_caller(ADA, lambda: system_calls.names_by_getdents(FOLDER, room))
            self.assertEqual(sorted(names), sorted({".", "..", *KEYS}), room)

        def in_no_room():
            try:
                return system_calls.names_by_getdents(FOLDER, 16)
            except OSError as error:
                return error.errno

        self.assertEqual(served.as_caller(ADA, in_no_room), errno.EINVAL)

    def test_telldir_and_seekdir_find_the_same_place_again(self):
        self.assertEqual(served.as_caller(ADA, seeks), [])

    def test_a_listing_during_changes_has_each_name_that_stays_exactly_once(self):
        environment = {**os.environ, "COFFER_CONFIG": str(served.FOLDER / "store/coffer.toml"), "HOME": str(served.FOLDER)}
        changes = subprocess.Popen(
            ["sh", "-c", 'i=0; while [ ! -e "$1" ]; do echo x | "$0" set acme/coffer-ada/many/NEW_$i >/dev/null || exit 1; '
             '"$0" rm --yes acme/coffer-ada/many/NEW_$i >/dev/null || exit 1; i=$((i + 1)); done; echo $i',
             os.environ["COFFER_PROGRAM"], DONE], env=environment, stdout=subprocess.PIPE)

        def listings():
            wrong = []
            for _ in range(COUNT):
                names = [name for name in system_calls.names_by_getdents(FOLDER, 512) if not name.startswith("NEW_")]
                if sorted(names) != sorted({".", "..", *KEYS}):
                    wrong.append(names)
            return wrong

        wrong = served.as_caller(ADA, listings)
        DONE.touch()
        pairs = int(changes.communicate(timeout=60)[0])
        self.assertEqual(changes.returncode, 0)
        self.assertEqual(wrong, [])
        self.assertGreater(pairs, 0)
        print(f"\nFIGURE: conformance: listings: {COUNT} of {len(KEYS)} names each during {2 * pairs} changes, 0 with one lost or twice")
