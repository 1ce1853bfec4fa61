# SPDX-License-Identifier: Apache-2.0
"""set, get, ls, rm, history, restore, purge, log."""
import base64
import subprocess
import unittest

from store_case import CONFLICT, NOT_ALLOWED, NOT_FOUND, PROGRAM, USAGE, StoreCase

PATH = "acme/checkout/production/DB_PASSWORD"


class Secrets(StoreCase):
    def test_a_value_comes_back_byte_for_byte(self):
        for value in (b"x", b"two\nlines\n", b"\0\xff\0", b"", b"a" * 4096, bytes(range(256)) * 40):
            with self.subTest(size=len(value)):
                self.do("set", PATH, stdin=value)
                self.assertEqual(self.reveal(PATH), value)
                shown = self.json("get", "--reveal", PATH)
                self.assertEqual(base64.b64decode(shown["value_base64"]), value)

    def test_a_value_of_one_mebibyte_is_the_largest(self):
        value = b"\xa5" * (1 << 20)
        self.do("set", PATH, stdin=value)
        self.assertEqual(self.reveal(PATH), value)
        before = self.revision()
        self.refused(USAGE, "set", PATH, stdin=value + b"!", says="1048576 bytes")
        large = self.folder / "large"
        large.write_bytes(value + b"!")
        self.refused(USAGE, "set", PATH, "--from-file", large, says="1048576 bytes")
        self.assertEqual(self.revision(), before)

    def test_a_value_can_come_from_a_file_or_the_command_line(self):
        file = self.folder / "value"
        file.write_bytes(b"from a file\n")
        self.do("set", PATH, "--from-file", file)
        self.assertEqual(self.reveal(PATH), b"from a file\n")
        done = self.run_tool("set", PATH, "--value", "on the line")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"warning: --value", done.stderr)
        self.assertEqual(self.reveal(PATH), b"on the line")
        self.refused(NOT_FOUND, "set", PATH, "--from-file", self.folder / "none")
        self.refused(USAGE, "set", PATH, "--from-file", self.folder, says="folder")
        self.refused(USAGE, "set", PATH, "--from-file", file, "--value", "x", says="exclude")

    def test_no_value_is_found_in_any_file(self):
        value = b"correct horse battery staple"
        self.do("set", PATH, stdin=value)
        self.do("set", "acme/*/*/ALSO", "--visibility", "restricted", stdin=value)
        self.assertEqual(self.reveal(PATH), value)
        for form in (value, base64.b64encode(value), value.hex().encode()):
            self.assertEqual(self.files_with(form), [])
        self.assertNotEqual(self.files_with(b"DB_PASSWORD"), [])  # the search does find what is there

    def test_get_shows_dots_and_never_the_value_or_its_length(self):
        self.do("set", PATH, stdin=b"s3cr3t-value")
        short = self.do("get", PATH)
        self.assertNotIn("s3cr3t", short)
        self.assertIn("********\n", short)
        self.do("set", PATH, stdin=b"s3cr3t-value" * 300)
        self.assertEqual([line for line in self.do("get", PATH).splitlines() if line.startswith("value")],
                         [line for line in short.splitlines() if line.startswith("value")])
        facts = self.json("get", PATH)
        self.assertEqual((facts["version"], facts["visibility"], facts["signer"]), (2, "masked", "olga"))
        self.assertNotIn("value_base64", facts)

    def test_flags_name_the_same_secret_as_a_path(self):
        self.do("set", "--org", "acme", "--project", "checkout", "--domain", "production", "DB_PASSWORD",
                stdin=b"one")
        self.assertEqual(self.reveal(PATH), b"one")
        self.do("set", "--org", "acme", "--project", "*", "PROXY", stdin=b"wide")
        self.assertEqual(self.reveal("acme/*/*/PROXY"), b"wide")
        self.refused(USAGE, "get", "--org", "acme", PATH, says="KEY")
        self.refused(USAGE, "get", "--project", "checkout", "PROXY", says="--org")
        self.refused(USAGE, "get", "--org", "", "PROXY", says="org is empty")
        self.refused(USAGE, "get", "--org", "acme", "--project", "", "PROXY", says="project is empty")

    def test_versions_can_be_listed_shown_and_restored(self):
        for value in (b"one", b"two", b"three"):
            self.do("set", PATH, stdin=value)
        self.assertEqual(self.reveal(PATH, "--version", "2"), b"two")
        self.assertEqual(self.json("restore", PATH, "1")["version"], 4)
        self.assertEqual(self.reveal(PATH), b"one")
        history = self.json("history", PATH)
        self.assertEqual([(v["version"], v["change"], v["state"]) for v in history],
                         [(1, "set", "superseded"), (2, "set", "superseded"), (3, "set", "superseded"),
                          (4, "restored", "live")])
        self.assertEqual(history[3]["restored_from"], 1)
        self.assertIn("olga", self.do("history", PATH))
        self.refused(NOT_FOUND, "get", PATH, "--version", "9", says="last one is 4")
        self.refused(NOT_FOUND, "restore", PATH, "9")
        self.refused(USAGE, "restore", PATH, "two")

    def test_a_removed_secret_is_gone_and_can_be_restored(self):
        self.do("set", PATH, stdin=b"one")
        self.do("rm", "--yes", PATH)
        self.refused(NOT_FOUND, "get", PATH, says="removed")
        self.refused(NOT_FOUND, "rm", "--yes", PATH)
        self.assertEqual(self.json("ls"), [])
        self.assertEqual(self.json("ls", "--removed")[0]["state"], "removed")
        self.assertIn("removed", self.do("ls", "--removed"))
        self.do("restore", PATH, "1")
        self.assertEqual(self.reveal(PATH), b"one")
        self.assertEqual(self.json("get", PATH)["version"], 3)

    def test_a_purged_version_is_gone_for_good(self):
        self.do("set", PATH, stdin=b"one")
        self.refused(NOT_ALLOWED, "purge", "--yes", PATH, "1", says="live")
        self.do("set", PATH, stdin=b"two")
        self.do("purge", "--yes", PATH, "1")
        self.assertEqual(self.json("history", PATH)[0]["state"], "purged")
        self.refused(NOT_FOUND, "get", "--reveal", PATH, "--version", "1", says="purged")
        self.refused(NOT_FOUND, "restore", PATH, "1", says="purged")
        self.refused(NOT_FOUND, "purge", "--yes", PATH, "7")
        self.assertTrue(self.json("verify")["ok"])

    def test_a_condition_on_the_version_gives_a_conflict_and_no_change(self):
        self.do("set", PATH, "--if-version", "0", stdin=b"one")
        self.do("set", PATH, "--if-version", "1", stdin=b"two")
        before = self.revision()
        self.refused(CONFLICT, "set", PATH, "--if-version", "1", stdin=b"late", says="version 2")
        self.refused(CONFLICT, "set", PATH, "--if-version", "0", stdin=b"late")
        self.refused(CONFLICT, "rm", "--yes", PATH, "--if-version", "1")
        self.refused(CONFLICT, "restore", PATH, "1", "--if-version", "1")
        self.refused(USAGE, "set", PATH, "--if-version", "-1", stdin=b"late")
        self.assertEqual(self.revision(), before)
        self.assertEqual(self.reveal(PATH), b"two")

    def test_nobody_reveals_a_restricted_value(self):
        self.do("set", PATH, "--visibility", "restricted", stdin=b"hosts only")
        self.refused(NOT_ALLOWED, "get", "--reveal", PATH, says="restricted")
        self.assertEqual(self.json("get", PATH)["visibility"], "restricted")
        self.refused(USAGE, "set", PATH, "--visibility", "masked", stdin=b"x", says="for ever")
        self.refused(USAGE, "set", PATH, "--visibility", "secret", stdin=b"x", says="restricted")
        self.assertEqual(self.set(PATH, b"again")["visibility"], "restricted")

    def test_an_expiry_is_kept_and_shown(self):
        self.do("set", PATH, "--expires", "2099-01-31T01:00:00+01:00", stdin=b"x")
        self.assertEqual(self.json("get", PATH)["expires"], "2099-01-31T00:00:00Z")
        self.assertIn("2099-01-31T00:00:00Z", self.do("ls"))
        self.refused(USAGE, "set", PATH, "--expires", "2001-01-01T00:00:00Z", stdin=b"x", says="over")
        self.refused(USAGE, "set", PATH, "--expires", "soon", stdin=b"x", says="30d")

    def test_shadowing_and_uncovering_a_wider_secret_is_said(self):
        self.do("set", "acme/*/*/TOKEN", stdin=b"wide")
        self.refused(NOT_FOUND, "get", "acme/checkout/production/TOKEN", says="acme/*/*/TOKEN")
        done = self.set("acme/checkout/*/TOKEN", b"narrow")
        self.assertEqual(done["shadows"], ["acme/*/*/TOKEN"])
        done = self.run_tool("rm", "--yes", "acme/checkout/*/TOKEN")
        self.assertIn(b"acme/*/*/TOKEN takes over", done.stderr)

    def test_ls_filters_by_segments_and_flags(self):
        for path in ("acme/*/*/A", "acme/checkout/*/B", "acme/checkout/production/A", "acme/web/staging/A"):
            self.do("set", path, stdin=b"x")
        names = lambda *words: [secret["secret"] for secret in self.json("ls", *words)]
        self.assertEqual(len(names()), 4)
        self.assertEqual(names("acme/checkout"), ["acme/checkout/*/B", "acme/checkout/production/A"])
        self.assertEqual(names("acme/*/staging"), ["acme/web/staging/A"])
        self.assertEqual(len(names("*/*/*/A")), 3)
        self.assertEqual(names("--project", "web"), ["acme/web/staging/A"])
        self.assertEqual(names("other"), [])
        self.refused(USAGE, "ls", "a/b/c/d/e")
        self.refused(USAGE, "ls", "acme//x")

    def test_the_log_names_who_did_what_the_newest_first(self):
        self.do("set", PATH, stdin=b"x")
        self.do("rm", "--yes", PATH)
        log = self.json("log")
        self.assertEqual([commit["revision"] for commit in log], [4, 3, 2, 1])
        self.assertEqual(log[0]["operations"], [{"operation": log[0]["operations"][0]["operation"],
                                                 "secret": PATH, "version": 2}])
        self.assertEqual({commit["signer"] for commit in log}, {"olga"})
        self.assertEqual([commit["revision"] for commit in self.json("log", "-n", "2")], [4, 3])
        self.assertEqual(self.json("log", "-n", "0"), [])
        text = self.do("log")
        self.assertIn(f"put {PATH} version 1", text)
        self.assertIn("add host web1 of acme/*/*", text)

    def test_output_that_cannot_be_written_is_an_error(self):
        self.do("set", PATH, stdin=b"x")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "ls"], env=self.environment, stdout=full,
                                  stderr=subprocess.PIPE, check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)


if __name__ == "__main__":
    unittest.main()
