# SPDX-License-Identifier: Apache-2.0
"""redact: a pipe that leaves secrets out."""
import os
import select
import subprocess
import unittest

from store_case import FAILED, NOT_FOUND, PROGRAM, UNAVAILABLE, USAGE, StoreCase

SCOPE = "acme/checkout/production"
PATIENCE = 60


class Redact(StoreCase):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "value"
        self.file.write_bytes(b"hunter2!\n")

    def test_values_of_files_are_left_out(self):
        other = self.folder / "other"
        other.write_bytes(b"two\nlines of text")
        done = self.run_tool("redact", "--file", self.file, "--file", other, stdin=b"hunter2! aHVudGVyMiE=\nlines of text\0two")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"[redacted] [redacted]=\n[redacted]\0two", b""))

    def test_values_of_a_scope_are_left_out(self):
        self.set(f"{SCOPE}/KEY", b"a masked value")
        self.set("acme/*/*/WIDE", b"a wide value")
        done = self.run_tool("redact", "--identity", self.dir / "owner.identity", "--scope", SCOPE,
                             stdin=b"<a masked value> <a wide value> <another value>")
        self.assertEqual(done.stdout, b"<[redacted]> <[redacted]> <another value>")

    def test_what_is_certain_is_not_held(self):
        with subprocess.Popen([PROGRAM, "redact", "--file", self.file], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=self.environment) as process:
            for text in (b"a line\n", b"no line end", b"hunt"):
                process.stdin.write(text)
                process.stdin.flush()
                seen = b""
                while len(seen) < len(text):
                    self.assertTrue(select.select([process.stdout], [], [], PATIENCE)[0], seen)
                    seen += os.read(process.stdout.fileno(), 100)
                self.assertEqual(seen, text)
            self.assertEqual(process.communicate(b"er2! hunter2!", PATIENCE)[0], b"[redacted] [redacted]")

    def test_a_short_value_is_said_not_to_be_redacted(self):
        self.file.write_bytes(b"abc\n")
        done = self.run_tool("redact", "--file", self.file, stdin=b"abc")
        self.assertEqual((done.returncode, done.stdout), (0, b"abc"))
        self.assertIn(b"is shorter than 4 bytes and is not redacted", done.stderr)

    def test_wrong_choices_are_refused(self):
        self.refused(USAGE, "redact", says="--scope")
        self.refused(USAGE, "redact", "--file", self.file, "--json", says="--json")
        self.refused(NOT_FOUND, "redact", "--file", self.folder / "none", says="none")
        self.refused(UNAVAILABLE, "redact", "--scope", SCOPE, "--mount", self.folder, says="nothing is mounted")

    def test_an_output_or_input_that_fails_is_an_error(self):
        for options in ({"stdin": subprocess.DEVNULL, "stdout": "/dev/full"}, {"stdin": str(self.folder), "stdout": os.devnull}):
            with open(options["stdout"], "wb") as out:
                stdin = options["stdin"]
                descriptor = os.open(stdin, os.O_RDONLY) if isinstance(stdin, str) else os.open(PROGRAM, os.O_RDONLY)
                done = subprocess.run([PROGRAM, "redact", "--file", self.file], stdin=descriptor, stdout=out,
                                      stderr=subprocess.PIPE, env=self.environment, timeout=PATIENCE, check=False)
                os.close(descriptor)
            self.assertEqual(done.returncode, FAILED, done.stderr)


if __name__ == "__main__":
    unittest.main()
