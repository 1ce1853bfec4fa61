# SPDX-License-Identifier: Apache-2.0
"""StoredHost: a CrashStore that coffer-stored alone writes, as a user of its own, and the tool uses by its socket."""
import os
import shutil
import pathlib
import signal
import subprocess

import shim
from crash_run import require
from crash_store import CrashStore
from patience import soon

PROGRAM = os.environ["COFFER_STORED_PROGRAM"]
STORE_USER = 60010


class StoredHost:
    def __init__(self, store: CrashStore):
        self.store = store
        self.disk = store.disk / "service"  # the service's own
        self.socket = store.folder / "stored.sock"
        self.program, self.library = (store.folder.parent / pathlib.Path(file).name for file in (PROGRAM, shim.LIBRARY))
        self.process = None

    @staticmethod
    def install(folder: pathlib.Path) -> None:
        """The programs to where that user may go, for the stores in that folder; the checkout may lie elsewhere."""
        for file in (PROGRAM, shim.LIBRARY):
            shutil.copy(file, folder)

    def take_over(self) -> None:
        """What `init` made goes to the service; the tool finds it by the socket from now on."""
        self.disk.mkdir()
        for file in self.store.dir.glob("store.db*"):
            shutil.move(file, self.disk / file.name)
        config = self.store.dir / "coffer.toml"
        text = config.read_text().replace('store = "store.db"', f'store = "../service/store.db"\nstore_socket = "{self.socket}"')
        config.write_text(text)
        self.give()

    def give(self) -> None:
        for path in (self.disk, *self.disk.rglob("*")):
            os.chown(path, STORE_USER, STORE_USER)
        self.disk.chmod(0o750)
        self.store.folder.chmod(0o1777)  # for the socket
        self.store.disk.chmod(0o755)

    def new_trace(self) -> pathlib.Path:
        """Beside the store: coffer-stored opens no file elsewhere."""
        trace = self.disk / "trace"
        trace.touch()
        os.chown(trace, STORE_USER, STORE_USER)
        return trace

    def start(self, env: dict[str, str] | None = None, serves: bool = True) -> None:
        self.socket.unlink(missing_ok=True)
        with (self.store.folder / "stored.log").open("wb") as log:
            self.process = subprocess.Popen([self.program, "--store", self.disk / "store.db", "--socket", self.socket],
                                            env=self.store.environment | (env or {}) | ({"LD_PRELOAD": str(self.library)} if env else {}), user=STORE_USER, group=STORE_USER,
                                            extra_groups=[], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        soon(lambda: self.socket.exists() or self.process.poll() is not None, 60)
        require(not serves or self.process.poll() is None, "coffer-stored does not start:", self.said())

    def said(self) -> str:
        return (self.store.folder / "stored.log").read_text()

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
        if self.process:
            self.process.wait(60)

    def __enter__(self) -> "StoredHost":
        return self

    def __exit__(self, *_) -> None:
        self.stop(signal.SIGKILL)
