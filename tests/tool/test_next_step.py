# SPDX-License-Identifier: Apache-2.0
"""Every common failure says in its one line what to run next, and that is a command that there is."""
import os
import re
import unittest

from store_case import CONFLICT, NOT_ALLOWED, NOT_FOUND, TAMPERED, UNAVAILABLE, USAGE, StoreCase

PATH = "acme/checkout/production/KEY"
# What may be named beside the tool itself.
PROGRAMS = {"chmod", "mkdir", "fusermount3", "systemctl", "rm", "echo", "ls", "file"}
KEYS = {"store", "store_socket"}  # of the configuration


class NextStep(StoreCase):
    def setUp(self):
        super().setUp()
        self.do("set", PATH, stdin=b"x")
        self.known = set(re.findall(r"^  ([a-z-]+) ", self.do("--help").split("Subcommands:\n")[1], re.MULTILINE))

    def next_of(self, status, *words, **options):
        """The command that the error names, which has to be one."""
        error = self.refused(status, *words, **options)
        named = [words for words in re.findall(r"`([^`]+)`", error) if words not in KEYS]
        self.assertTrue(named, error)
        for command in named:
            program, *rest = command.split()
            if program == "coffer":
                self.assertIn(rest[0], self.known | {"--help"}, error)
            else:
                self.assertIn(program, PROGRAMS, error)
        return named[0]

    def test_a_malformed_command_line_leads_to_the_verbs_own_help(self):
        for words, help_text in ((("frobnicate",), "coffer --help"), ((), "coffer --help"), (("set",), "coffer set --help"),
                                 (("get", PATH, "--frob"), "coffer get --help"), (("set", "a/b"), "coffer set --help"),
                                 (("set", PATH, "--expires", "soon"), "coffer set --help"),
                                 (("scope", "add", "acme"), "coffer scope add --help"),
                                 (("restore", PATH, "x"), "coffer restore --help")):
            with self.subTest(words=words):
                self.assertEqual(self.next_of(USAGE, *words, stdin=b"v"), help_text)

    def test_what_is_not_there_leads_to_what_is(self):
        other = "acme/checkout/production/OTHER"
        self.assertEqual(self.next_of(NOT_FOUND, "get", other), "coffer ls --find OTHER")
        self.assertEqual(self.next_of(NOT_FOUND, "get", PATH, "--version", "9"), f"coffer history {PATH}")
        self.assertEqual(self.next_of(NOT_FOUND, "history", other), "coffer ls --removed --find OTHER")
        self.assertEqual(self.next_of(NOT_FOUND, "restore", PATH, "9"), f"coffer history {PATH}")
        self.assertEqual(self.next_of(NOT_FOUND, "rm", "--yes", other), "coffer ls")
        self.assertEqual(self.next_of(NOT_FOUND, "member", "rm", "nobody", "--yes"), "coffer member ls")
        self.assertEqual(self.next_of(NOT_FOUND, "host", "rm", "nobody", "--yes"), "coffer host ls")
        self.assertEqual(self.next_of(NOT_FOUND, "rotate", "acme/none/none"), "coffer scope ls")
        self.do("rm", "--yes", PATH)
        self.assertEqual(self.next_of(NOT_FOUND, "get", PATH), f"coffer history {PATH}")

    def test_a_program_that_cannot_run_leads_to_why(self):
        words = ("exec", "--identity", self.dir / "owner.identity", "--scope", "acme/checkout/production",
                 "--no-redact", "--")
        script = self.folder / "script"
        script.write_text("#!/no/such/interpreter\n")
        self.assertEqual(self.next_of(NOT_ALLOWED, *words, script), f"ls -ld {script}")
        script.chmod(0o755)
        self.assertEqual(self.next_of(NOT_FOUND, *words, script), f"file {script}")
        self.assertEqual(self.next_of(NOT_FOUND, *words, "no-such-program"), "echo $PATH")

    def test_what_is_not_allowed_leads_to_who_may(self):
        editor = self.member("ed", "editor")
        self.assertEqual(self.next_of(NOT_ALLOWED, "set", PATH, stdin=b"x", env=editor), "coffer member ls")
        self.next_of(NOT_ALLOWED, "rm", "--yes", PATH, env=editor)
        stranger, _ = self.identity("stranger")
        self.next_of(NOT_ALLOWED, "set", PATH, stdin=b"x", env={"COFFER_IDENTITY": str(stranger)})
        admin = self.member("ada", "admin", "acme/checkout/*")
        self.next_of(NOT_ALLOWED, "set", "acme/new/new/K", "--visibility", "restricted", stdin=b"x", env=admin)
        self.do("set", "acme/*/*/R", "--visibility", "restricted", stdin=b"x")
        self.next_of(NOT_ALLOWED, "get", "--reveal", "acme/*/*/R")
        self.dir.chmod(0o770)
        self.next_of(NOT_ALLOWED, "set", PATH, stdin=b"x")

    def test_a_conflict_leads_to_what_happened(self):
        self.assertEqual(self.next_of(CONFLICT, "set", PATH, "--if-version", "7", stdin=b"x"), f"coffer history {PATH}")
        self.next_of(CONFLICT, "member", "add", "olga", "--role", "editor", "--pattern", "acme/*/*", self.identity("twin")[1])

    def test_a_store_that_cannot_be_trusted_leads_to_verify(self):
        state = self.dir / "state/tool/watermark"
        old = (self.dir / "store.db").read_bytes(), [(self.dir / f"store.db{end}").read_bytes() for end in ("-wal", "-shm")]
        self.do("set", PATH, stdin=b"newer")
        self.assertTrue(state.exists())
        (self.dir / "store.db").write_bytes(old[0])
        for end, content in zip(("-wal", "-shm"), old[1]):
            (self.dir / f"store.db{end}").write_bytes(content)
        self.assertIn("verify", self.next_of(TAMPERED, "get", PATH))

    def test_a_store_that_is_not_there_leads_to_the_doctor(self):
        (self.dir / "store.db").rename(self.folder / "away")
        for end in ("-wal", "-shm"):
            (self.dir / f"store.db{end}").unlink(missing_ok=True)
        self.assertEqual(self.next_of(UNAVAILABLE, "get", PATH), "coffer init")
        (self.dir / "store.db").mkdir()
        self.assertEqual(self.next_of(UNAVAILABLE, "get", PATH), "coffer doctor")

    def test_without_a_configuration_the_way_is_init(self):
        self.assertEqual(self.next_of(NOT_FOUND, "ls", config=self.folder / "none.toml"), "coffer init")


if __name__ == "__main__":
    unittest.main()
