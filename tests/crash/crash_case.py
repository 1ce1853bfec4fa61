# SPDX-License-Identifier: Apache-2.0
"""CrashCase: a folder for the cases of a test, and a store that they all begin with."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "support"))

import shim
from crash_run import LONG, chance
from crash_store import CrashStore
from served import Served

A, B, GONE = "acme/shop/live/A", "acme/shop/live/B", "acme/shop/live/GONE"


def faults_at_each(calls: int, *names: object) -> list[shim.Fault]:
    """At each call every kind of fault; in the quick form one, another one with each seed, which `names` take part in."""
    turn = chance("kinds", *names).randrange(len(shim.KINDS))
    return [shim.Fault(kind, at) for at in range(1, calls + 1)
            for kind in (shim.KINDS if LONG else [shim.KINDS[(at + turn) % len(shim.KINDS)]])]


@unittest.skipUnless(os.geteuid() == 0 and os.path.exists("/dev/fuse"), "SKIPPED: needs root and /dev/fuse")
class CrashCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-crash-"))
        self.folder.chmod(0o711)  # for who runs coffer-stored
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def store(self, name: str) -> CrashStore:
        (self.folder / name / "disk").mkdir(parents=True)
        return CrashStore(self.folder / name)

    def used_store(self, name: str) -> CrashStore:
        """With a history, a removed secret, a member, and a daemon that has served it."""
        store = self.store(name)
        store.init()
        store.allow_root()
        for secret, value in ((A, b"a1"), (A, b"a2"), (B, b"b1" * 3000), (GONE, b"gone")):
            store.do("set", secret, stdin=value)
        store.do("rm", "--yes", GONE)
        recipient = store.json("identity", "new", store.folder / "mia.identity", "--no-passphrase")["recipient"]
        store.do("member", "add", "mia", "--role", "admin", "--pattern", "acme/shop/*", recipient)
        with Served(store) as served:
            served.wait_for(store.check_sound()["revision"])
            served.check_serves({A: b"a2", B: b"b1" * 3000})
            served.stop()
        return store

    def expect_none(self, problems: list[str]) -> None:
        self.assertFalse(problems, "".join(f"\n{problem[:2000]}" for problem in problems[:20]))
