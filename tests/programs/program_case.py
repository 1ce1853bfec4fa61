# SPDX-License-Identifier: Apache-2.0
"""ProgramCase: a test of a program as its users run it, with a secret in the mount."""
import os
import pathlib
import socket
import subprocess
import unittest

from mounted_store import MountedStore
from patience import soon
from users import ADA, BEN, User


class ProgramCase(unittest.TestCase):
    programs: tuple[str, ...] = ()  # what has to be installed
    rules = ""                      # of the policy; USER is each of the two users
    store: MountedStore             # set before anything runs

    @classmethod
    def make_secrets(cls, folder: pathlib.Path) -> dict[str, bytes]:
        """KEY and value; `folder` is root's, and everybody can look into it."""
        return {}

    @property
    def folder(self) -> pathlib.Path:
        return self.store.folder

    def give(self, user: User, path: pathlib.Path, text: str, mode: int = 0o600) -> pathlib.Path:
        """A file of that user's, in a folder of that user's."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path.parent, user.uid, user.uid)
        os.chown(path, user.uid, user.uid)
        return path

    def environment(self, user: User, more=None) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(user.home), "TMPDIR": str(user.home), "LANG": "C.UTF-8",
                "USER": user.name, "LOGNAME": user.name, **{name: str(value) for name, value in (more or {}).items()}}

    def run_as(self, user: User, *command, env=None, stdin: str = "") -> subprocess.CompletedProcess:
        return subprocess.run([str(word) for word in command], input=stdin, env=self.environment(user, env), cwd=user.home,
                              user=user.uid, group=user.uid, extra_groups=[], umask=0o077, timeout=60, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def do_as(self, user: User, *command, **options) -> str:
        """As run_as, and it must succeed; its output."""
        done = self.run_as(user, *command, **options)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def serve(self, user, port: int, *command, env=None) -> subprocess.Popen:
        """A server that listens on that port, until the end of the test; None for root's."""
        log_path = self.folder / f"{port}.log"
        who = {} if user is None else {"user": user.uid, "group": user.uid, "extra_groups": [], "cwd": user.home,
                                       "env": self.environment(user, env)}
        with log_path.open("wb") as log:
            server = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      umask=0o077, **who)
        self.addCleanup(self.end, server)
        listening = soon(lambda: server.poll() is not None or self.listens(port))
        self.assertTrue(listening and server.poll() is None, log_path.read_text(errors="replace"))
        return server

    @staticmethod
    def listens(port: int) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    @staticmethod
    def end(server: subprocess.Popen) -> None:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    def each_with_its_own(self, key: str, use, shows: str = "", says: str = "") -> None:
        """use(user, file) is a program that reads the file. It works for each user with the user's own secret, and
        does not with the other's, though nothing else is different; and that is coffer's refusal.

        shows: what a run that works prints; says: what one that fails complains about.
        """
        for user, other in ((ADA, BEN), (BEN, ADA)):
            with self.subTest(user=user.name):
                done = use(user, user.file(key))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(shows, done.stdout)
                self.refused(user, other, key, lambda: use(user, other.file(key)), says)

    def refused(self, user: User, owner: User, key: str, run, says: str = "") -> None:
        """The run of this user's fails, because the secret of the owner's was refused to it."""
        before = self.store.refusals(user, owner.secret(key))
        done = run()
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(says, done.stdout + done.stderr)
        self.assertGreater(self.store.refusals(user, owner.secret(key)), before, done.stderr)

    def for_its_program_alone(self, key: str) -> None:
        """The rule names the program with `exe`: its user, too, gets the value with no other."""
        self.refused(ADA, ADA, key, lambda: self.run_as(ADA, "/usr/bin/cat", ADA.file(key)), "No such file or directory")
