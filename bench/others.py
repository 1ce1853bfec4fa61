# SPDX-License-Identifier: Apache-2.0
"""The other file systems that a value may be read from: memory, and two that encrypt."""
import shutil
import subprocess

from entry import LeftOut
from mounts import Mount, is_mounted, take_off

FILE = "KEY"


class Tmpfs:
    def __init__(self, plan):
        self.place = plan.folder / "mounts/tmpfs"

    def __enter__(self):
        self.place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", self.place], check=True)
        return self

    def __exit__(self, *_):
        take_off(self.place)
        assert not is_mounted(self.place)

    def pin(self, cpu):
        """It has no process."""


def gocryptfs(plan):
    data, password = plan.folder / "gocryptfs", plan.folder / "gocryptfs.password"
    data.mkdir()
    password.write_text("of the benchmark\n")
    subprocess.run(["gocryptfs", "-init", "-q", "-scryptn", "10", "-passfile", password, data], check=True,
                   stdout=subprocess.DEVNULL)
    return Mount(plan, "gocryptfs", ["gocryptfs", "-fg", "-q", "-passfile", password, data, "{}"])


def securefs(plan):
    data = plan.folder / "securefs"
    data.mkdir()
    subprocess.run(["securefs", "create", "--pass", "of the benchmark", "--pbkdf", "pkcs5-pbkdf2-hmac-sha256", "-r", "1000",
                    data], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Mount(plan, "securefs", ["securefs", "mount", "--pass", "of the benchmark", data, "{}"])


def mount_others(plan, stack, value):
    """By name, each mounted with `value` in FILE; and what is left out."""
    mounts, left_out = {"tmpfs": stack.enter_context(Tmpfs(plan))}, []
    for make in (gocryptfs, securefs):
        name = make.__name__
        try:
            if not shutil.which(name):
                raise RuntimeError("it is not installed")
            mounts[name] = stack.enter_context(make(plan))
        except (RuntimeError, OSError, subprocess.CalledProcessError) as problem:
            left_out.append(LeftOut(name, str(problem)))
    for mount in mounts.values():
        (mount.place / FILE).write_bytes(value)
    return mounts, left_out
