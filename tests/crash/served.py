# SPDX-License-Identifier: Apache-2.0
"""Served: a cofferd of its own for a CrashStore, which may be killed at any moment."""
import os
import pathlib
import signal
import subprocess

from crash_run import require
from crash_store import CrashStore
from patience import soon

PROGRAM = os.environ["COFFERD_PROGRAM"]
PATIENCE = 60  # seconds, for each start, end and read


class Served:
    def __init__(self, store: CrashStore, env: dict[str, str] | None = None):
        self.store = store
        self.mount = store.folder / "mount"
        self.log = store.folder / "cofferd.log"
        self.mount.mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([PROGRAM, "--foreground", "--mount", self.mount, "--config", store.dir / "coffer.toml"],
                                            env=store.environment | (env or {}), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ended = soon(lambda: self.is_serving() or self.process.poll() is not None, PATIENCE)
        if not ended:
            self.kill()
            raise AssertionError("cofferd neither serves nor ends:\n" + self.said())

    def said(self) -> str:
        return self.log.read_text()

    def is_serving(self) -> bool:
        return "serving" in self.said()

    def runs(self) -> bool:
        return self.process.poll() is None

    def read(self, name: str) -> bytes | None:
        """The value in the mount by a process of its own, which a dead mount does not take along; None: it is refused."""
        try:
            done = subprocess.run(["cat", self.mount / name], timeout=PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  check=False)
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    def revision(self) -> int:
        """The revision that it serves; 0 where it does not."""
        shown = self.read(".coffer/revision")
        return int(shown) if shown else 0

    def wait_for(self, revision: int) -> None:
        require(soon(lambda: self.revision() >= revision, PATIENCE), "cofferd does not come to revision", revision, "\n" + self.said())

    def check_serves(self, values: dict[str, bytes]) -> None:
        """It is there, raises no alarm, and shows exactly these."""
        require(self.runs() and self.is_serving(), "cofferd does not serve:\n" + self.said())
        for name, value in values.items():
            shown = self.read(name)
            require(shown == value, name, "is served as", shown, "and was", value, "\n" + self.said())
        for word in ("tampering", "rollback", "not believed"):
            require(word not in self.said(), "an alarm on an honest store:\n" + self.said())

    def stop(self) -> None:
        if self.runs():
            self.process.send_signal(signal.SIGTERM)
        self.end()

    def kill(self) -> None:
        if self.runs():
            self.process.kill()
        self.end()

    def end(self) -> None:
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.unmount()

    def unmount(self) -> None:
        for _ in range(3):
            if f" {self.mount} " not in pathlib.Path("/proc/self/mountinfo").read_text():
                return
            subprocess.run(["umount", "-l", self.mount], check=False, stderr=subprocess.DEVNULL)

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_) -> None:
        self.kill()
