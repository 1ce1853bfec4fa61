# SPDX-License-Identifier: Apache-2.0
"""Questions at a real terminal: no echo, the right answers, echo back on after a signal."""
import os
import pty
import select
import signal
import termios
import time
import unittest

from store_case import DONE, FAILED, NOT_ALLOWED, PROGRAM, USAGE, StoreCase

PATH = "acme/*/*/KEY"


class Terminal:
    """The tool on a terminal of its own; stdin, stdout and stderr are that terminal."""

    def __init__(self, environment, *words):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(PROGRAM, [PROGRAM, *map(str, words)], environment)

    def read_until(self, text, seconds=30):
        until = time.monotonic() + seconds
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
                raise AssertionError(f"waited for {text!r}, saw {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                raise AssertionError(f"ended before {text!r}: {self.seen!r}") from None

    def answer(self, question, line):
        self.read_until(question)
        os.write(self.fd, line + b"\n")
        self.seen = self.seen.split(question, 1)[1]

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self):
        """The exit status; everything that was shown is in seen."""
        while True:
            try:
                chunk = os.read(self.fd, 4096)
            except OSError:
                chunk = b""
            if not chunk:
                break
            self.seen += chunk
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Prompts(StoreCase):
    def terminal(self, *words):
        return Terminal(self.environment, *words)

    def test_a_value_is_asked_for_without_echo(self):
        tty = self.terminal("set", PATH)
        tty.read_until(b"the value of acme/*/*/KEY: ")
        self.assertFalse(tty.echoes())
        tty.answer(b": ", b"typed value")
        self.assertEqual(tty.end(), DONE)
        self.assertNotIn(b"typed value", tty.seen)
        self.assertEqual(self.reveal(PATH), b"typed value")

    def test_a_new_passphrase_is_asked_for_twice_and_then_needed(self):
        mine = self.folder / "mine"
        self.environment["COFFER_CONFIG"] = str(mine / "coffer.toml")
        init = ("init", "--org", "acme", "--dir", mine, "--owner", "olga", "--host", "web1")
        tty = self.terminal(*init)
        tty.answer(b"a new passphrase for the owner's identity: ", b"one")
        tty.answer(b"again: ", b"other")
        self.assertEqual(tty.end(), USAGE)
        self.assertIn(b"differ", tty.seen)
        self.assertFalse(mine.exists())
        tty = self.terminal(*init)
        tty.answer(b"a new passphrase for the owner's identity: ", b"open sesame")
        tty.answer(b"again: ", b"open sesame")
        self.assertEqual(tty.end(), DONE)
        for answer, status in ((b"open sesame", DONE), (b"open barley", NOT_ALLOWED)):
            tty = self.terminal("set", PATH, "--value", "x")
            tty.answer(b"the passphrase of ", answer)
            self.assertEqual(tty.end(), status, tty.seen)
            self.assertNotIn(answer, tty.seen)

    def test_an_empty_new_passphrase_is_refused(self):
        tty = self.terminal("identity", "new", self.folder / "id")
        tty.answer(b": ", b"")
        self.assertEqual(tty.end(), USAGE)
        self.assertFalse((self.folder / "id").exists())

    def test_only_yes_removes(self):
        self.do("set", PATH, stdin=b"v")
        for answer, status in ((b"", FAILED), (b"n", FAILED), (b"maybe", FAILED), (b"y", DONE)):
            tty = self.terminal("rm", PATH)
            tty.answer(b"Remove acme/*/*/KEY? [y/N] ", answer)
            self.assertEqual(tty.end(), status, answer)

    def test_only_the_name_of_a_scope_removes_all_of_it(self):
        self.do("set", "acme/web/staging/A", stdin=b"v")
        self.do("set", "acme/web/staging/B", stdin=b"v")
        for answer, status in ((b"y", FAILED), (b"acme/web", FAILED), (b"acme/web/staging", DONE)):
            tty = self.terminal("rm", "-r", "acme/web/staging")
            tty.answer(b"This removes 2 secrets of acme/web/staging. Type acme/web/staging to go on: ", answer)
            self.assertEqual(tty.end(), status, answer)
        self.assertEqual(self.do("ls"), "")

    def test_colour_is_for_a_terminal_that_wants_it(self):
        self.do("set", PATH, stdin=b"shown")
        yellow, red = b"\x1b[33mcoffer: warning: showing a secret on a terminal\x1b[0m", b"\x1b[31mcoffer: no secret"
        for words, coloured in ((("get", "--reveal", PATH), yellow), (("get", "acme/*/*/NONE"), red)):
            for more, wanted in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                                 ({"TERM": "xterm", "NO_COLOR": ""}, True), ({"TERM": "dumb"}, False), ({}, False)):
                tty = Terminal(dict(self.environment, **more), *words)
                tty.end()
                self.assertEqual((coloured in tty.seen, b"\x1b" in tty.seen), (wanted, wanted), more)
            self.assertNotIn(b"\x1b", self.run_tool(*words, env={"TERM": "xterm"}).stderr)

    def test_an_interrupt_gives_the_echo_back_and_changes_nothing(self):
        before = self.revision()
        for number in (signal.SIGINT, signal.SIGTERM):
            tty = self.terminal("set", PATH)
            tty.read_until(b"KEY: ")
            self.assertFalse(tty.echoes())
            held = os.dup(tty.fd)  # the terminal's settings outlive the tool
            os.kill(tty.pid, number)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(tty.pid, 0)[1]), -number)
            self.assertTrue(bool(termios.tcgetattr(held)[3] & termios.ECHO))
            os.close(held)
            os.close(tty.fd)
        self.assertEqual(self.revision(), before)

    def test_revealing_on_a_terminal_warns(self):
        self.do("set", PATH, stdin=b"shown")
        tty = self.terminal("get", "--reveal", PATH)
        self.assertEqual(tty.end(), DONE)
        self.assertIn(b"warning: showing a secret on a terminal", tty.seen)
        self.assertIn(b"shown", tty.seen)


if __name__ == "__main__":
    unittest.main()
