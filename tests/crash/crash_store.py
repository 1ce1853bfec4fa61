# SPDX-License-Identifier: Apache-2.0
"""CrashStore: a store in a folder that is copied for each case, and what it says about itself afterwards."""
import json
import os
import pathlib
import shutil
import subprocess

from crash_run import require

PROGRAM = os.environ["COFFER_PROGRAM"]
DONE, FAILED, USAGE, NOT_FOUND, NOT_ALLOWED, CONFLICT, TAMPERED, UNAVAILABLE = range(8)
KILLED = -9
POLICY = '[[rule]]\nname = "root reads all"\nsecrets = "acme/**"\nuid = 0\n'
# What differs from run to run, or says no more than the rest.
RANDOM = {"id", "hash", "time", "time_ms", "principal", "recipient", "scope_key"}


class CrashStore:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.disk = folder / "disk"  # what faults and losses are about
        self.dir = self.disk / "store"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "COFFER_CONFIG": str(self.dir / "coffer.toml")}

    def __repr__(self) -> str:  # in the name of a case
        return self.folder.name

    def run(self, *arguments, stdin: bytes = b"", env: dict[str, str] | None = None, **options) -> subprocess.CompletedProcess:
        return subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, env=self.environment | (env or {}), timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)

    def do(self, *arguments, **options) -> bytes:
        done = self.run(*arguments, **options)
        require(done.returncode == DONE, "coffer", *arguments, "ended with", done.returncode, done.stderr.decode())
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.do(*arguments, "--json", **options))

    def init(self, **options) -> None:
        self.do("init", "--org", "acme", "--dir", self.dir, "--no-passphrase", "--owner", "olga", "--host", "web1", **options)

    def allow_root(self) -> None:
        policy = self.dir / "policy.d/crash.toml"
        policy.write_text(POLICY)
        policy.chmod(0o600)

    def copy(self, folder: pathlib.Path) -> "CrashStore":
        shutil.copytree(self.folder, folder, symlinks=True)
        return CrashStore(folder)

    # ---- what it says

    def commits(self) -> list:
        """Each commit, the oldest first, without what is random."""
        return [without_random(commit) for commit in reversed(self.json("log"))]

    def hashes(self) -> list[str]:
        return [commit["hash"] for commit in reversed(self.json("log"))]

    def live(self) -> dict[str, int]:
        return {secret["secret"]: secret["version"] for secret in self.json("ls")}

    def values(self) -> dict[tuple[str, int], bytes]:
        """Each version that can be revealed."""
        out = {}
        for name in self.live():
            for version in self.json("history", name):
                shown = self.run("get", "--reveal", name, "--version", version["version"])
                if shown.returncode == DONE:
                    out[name, version["version"]] = shown.stdout
        return out

    def check_sound(self) -> dict:
        """The whole store verifies, every payload is there, and the tool's memory of it agrees."""
        report = self.json("verify")
        require(report["ok"] and report["problems"] == [] and report["orphans"] == 0, "verify says", report)
        return report

    def check_values(self, expected: dict[tuple[str, int], bytes]) -> dict[str, bytes]:
        """What is live has the value that it was given; all of that, by name."""
        out = {}
        for name, version in self.live().items():
            out[name] = self.do("get", "--reveal", name)
            require((name, version) in expected, name, "has a version that nobody wrote:", version)
            require(out[name] == expected[name, version], name, "version", version, "is", out[name], "and was",
                    expected[name, version])
        return out


def without_random(value):
    if isinstance(value, dict):
        return {name: without_random(inner) for name, inner in value.items() if name not in RANDOM}
    return [without_random(inner) for inner in value] if isinstance(value, list) else value
