# SPDX-License-Identifier: Apache-2.0
"""MountedStore: a real store with the secrets of all cases, served by a real cofferd on a mount."""
import json
import os
import pathlib
import signal
import subprocess

from patience import soon
from users import READERS, User

PATIENCE = 30  # seconds; for the end of the daemon


class MountedStore:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.mount = folder / "mount"
        self.log = folder / "cofferd.log"
        self.daemon = None
        self.mount.mkdir()
        self.environment = {**os.environ, "HOME": str(folder), "COFFER_CONFIG": str(folder / "store/coffer.toml")}
        self.tool("init", "--org", "acme", "--dir", folder / "store", "--no-passphrase")
        # Everybody sees that both folders are there: what is refused below is refused at the secret itself.
        self.policy = "".join(f'[[rule]]\nname = "{user.name} is known"\nsecrets = "{user.secret("KNOWN")}"\n'
                              f"uid = {[reader.uid for reader in READERS]}\n\n" for user in READERS)
        for user in READERS:
            self.set(user, "KNOWN", b"known")

    def tool(self, *arguments, stdin: bytes = b"") -> None:
        done = subprocess.run([os.environ["COFFER_PROGRAM"], *map(str, arguments)], input=stdin, env=self.environment,
                              timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"coffer {arguments}: {done.stdout.decode()}")

    def set(self, user: User, key: str, value: bytes) -> None:
        self.tool("set", user.secret(key), stdin=value)

    def add(self, rules: str, secrets: dict[str, bytes]) -> None:
        """Before the mount: both users get the secrets, and the rules, in which USER stands for each of them."""
        for user in READERS:
            self.policy += rules.replace("USER", user.name) + "\n"
            for key, value in secrets.items():
                self.set(user, key, value)

    def refusals(self, user: User, secret: str) -> int:
        """How many processes of that user were refused that secret, as the audit log tells."""
        records = map(json.loads, (self.folder / "store/audit.jsonl").read_text().splitlines())
        return sum(record.get("decision") == "deny" and record["path"] == secret and record["uid"] == user.uid
                   for record in records)

    def __enter__(self):
        policy = self.folder / "store/policy.d/programs.toml"
        policy.write_text(self.policy)
        policy.chmod(0o600)
        with self.log.open("wb") as log:
            self.daemon = subprocess.Popen(
                [os.environ["COFFERD_PROGRAM"], "--foreground", "--mount", self.mount, "--config",
                 self.environment["COFFER_CONFIG"]], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        serving = soon(lambda: "serving" in self.log.read_text() or self.daemon.poll() is not None)
        if not serving or self.daemon.poll() is not None:
            raise RuntimeError("cofferd does not serve:\n" + self.log.read_text())
        return self

    def __exit__(self, *_):
        if self.daemon.poll() is not None:
            raise RuntimeError("cofferd has ended:\n" + self.log.read_text())
        self.daemon.send_signal(signal.SIGTERM)
        status = self.daemon.wait(PATIENCE)
        mounted = f" {self.mount} fuse." in pathlib.Path("/proc/self/mountinfo").read_text()
        if status != 0 or mounted:
            raise RuntimeError(f"cofferd ended with status {status}, mounted: {mounted}\n" + self.log.read_text())
