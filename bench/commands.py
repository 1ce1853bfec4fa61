# SPDX-License-Identifier: Apache-2.0
"""What people do instead: a program for each read, as whole processes. And cat(1) of a file of coffer's. On one CPU."""
import contextlib
import os
import shutil
import statistics
import subprocess
import time

from client import READ
from entry import LeftOut, of_rounds
from store import Store

VALUE = b"0123456789abcdef0123456789abcdef"
LIMITS = {"age -d": 50, "systemd-creds decrypt": 50}
HOST_SECRET = "/var/lib/systemd/credential.secret"


def must(words, environment, stdin=b""):
    return subprocess.run([str(word) for word in words], input=stdin, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout


class Commands:
    """Makes what each program decrypts; `words` are how it is called, by name."""

    def __init__(self, plan, stack):
        self.folder, self.cpu = plan.folder / "commands", plan.cpu
        self.folder.mkdir(mode=0o700)
        home = self.folder / "gpg"
        home.mkdir(mode=0o700)
        self.environment = {**os.environ, "GNUPGHOME": str(home), "PASSWORD_STORE_DIR": str(self.folder / "pass")}
        self.words, self.left_out = {}, []
        for name, make in (("age -d", self.age), ("gpg -d", self.gpg), ("pass show", self.keep_in_pass),
                           ("systemd-creds decrypt", self.creds)):
            try:
                if not shutil.which(name.split()[0]):
                    raise RuntimeError("it is not installed")
                words = [str(word) for word in make()]
                if must(words, self.environment).strip() != VALUE:
                    raise RuntimeError("it does not give back what was put in")
                self.words[name] = words
            except (RuntimeError, OSError, subprocess.CalledProcessError) as problem:
                self.left_out.append(LeftOut(name, str(problem)))
        if shutil.which("gpgconf"):  # the agent that gpg has started
            stack.callback(lambda: must(["gpgconf", "--kill", "all"], self.environment))

    def age(self):
        key, file = self.folder / "age.key", self.folder / "age"
        must(["age-keygen", "-o", key], self.environment)
        recipient = must(["age-keygen", "-y", key], self.environment).decode().strip()
        must(["age", "-e", "-r", recipient, "-o", file], self.environment, VALUE)
        return ["age", "-d", "-i", key, file]

    def gpg(self):
        file = self.folder / "value.gpg"
        must(["gpg", "--batch", "--passphrase", "", "--quick-gen-key", "benchmark", "default", "default"], self.environment)
        must(["gpg", "--batch", "--trust-model", "always", "-e", "-r", "benchmark", "-o", file], self.environment, VALUE)
        return ["gpg", "--batch", "--quiet", "-d", file]

    def keep_in_pass(self):
        must(["pass", "init", "benchmark"], self.environment)
        must(["pass", "insert", "-m", "value"], self.environment, VALUE)
        return ["pass", "show", "value"]

    def creds(self):
        file = self.folder / "value.cred"
        # No secret is made for a host that has none. The null key takes as long, without reading a file.
        key = "host" if os.path.exists(HOST_SECRET) else "tpm2-absent"
        must(["systemd-creds", "encrypt", f"--with-key={key}", "--name=value", "-", file], self.environment, VALUE)
        return ["systemd-creds", "decrypt", "--name=value", file, "-"]

    def milliseconds(self, words):
        everywhere = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self.cpu})  # which a child inherits
        try:
            start = time.monotonic()
            subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env=self.environment, check=True)
            return 1000 * (time.monotonic() - start)
        finally:
            os.sched_setaffinity(0, everywhere)


def entries(plan, client):
    with contextlib.ExitStack() as stack:
        commands = Commands(plan, stack)
        yield from commands.left_out
        store = Store(plan, "beside-commands")
        key = store.fill(100)[0]
        mount = stack.enter_context(store.cofferd("plain"))
        mount.pin(plan.cpu)
        file = mount.place / key
        words = {**commands.words, "cat of coffer's file": ["cat", str(file)]}
        took = {name: [] for name in words}
        read = []  # by a program that runs already
        for _ in range(plan.rounds):
            for name, one in words.items():
                took[name].append(statistics.median(commands.milliseconds(one) for _ in range(plan.less(9, 3))))
            read += client.turns(READ, {"coffer": file}, plan.less(3000, 1000), rounds=1)["coffer"]
        for name, rounds in took.items():
            yield of_rounds(f"a process: {name}", rounds, "ms")
        for name in commands.words:
            yield of_rounds(f"{READ} of coffer, faster than {name}",
                            [1000 * ms / us for ms, us in zip(took[name], read, strict=True)], "x", LIMITS.get(name), at_least=True)
