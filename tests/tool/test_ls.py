# SPDX-License-Identifier: Apache-2.0
"""ls: the table, the tree, the search, what expires; and rm of a whole scope."""
import re
import unittest

from store_case import NOT_ALLOWED, NOT_FOUND, USAGE, StoreCase


class LsCase(StoreCase):
    def setUp(self):
        super().setUp()
        for path in ("acme/*/*/PROXY", "acme/checkout/*/DB_USER", "acme/checkout/production/DB_PASSWORD",
                     "acme/checkout/production/PROXY", "acme/checkout/staging/DB_PASSWORD", "acme/web/staging/TLS_KEY"):
            self.do("set", path, stdin=b"x")

    def names(self, *words):
        return [secret["secret"] for secret in self.json("ls", *words)]


class Search(LsCase):
    def test_a_star_is_any_part_of_a_name(self):
        self.assertEqual(self.names("acme/check*/production"),
                         ["acme/checkout/production/DB_PASSWORD", "acme/checkout/production/PROXY"])
        self.assertEqual(self.names("*/*/*/DB_*"), ["acme/checkout/*/DB_USER", "acme/checkout/production/DB_PASSWORD",
                                                    "acme/checkout/staging/DB_PASSWORD"])
        self.assertEqual(self.names("acme/*/*-none"), [])
        self.assertEqual(self.names("--domain", "stag*"), ["acme/checkout/staging/DB_PASSWORD", "acme/web/staging/TLS_KEY"])
        self.assertEqual(len(self.names("acme/*")), 6)
        self.refused(USAGE, "ls", "acme/a b*")
        self.refused(USAGE, "ls", "*" * 9 + "x")

    def test_find_looks_for_a_text_in_scope_and_key_in_any_case(self):
        self.assertEqual(self.names("--find", "tls"), ["acme/web/staging/TLS_KEY"])
        self.assertEqual(self.names("--find", "WEB/stag"), ["acme/web/staging/TLS_KEY"])
        self.assertEqual(self.names("acme/checkout", "--find", "password"),
                         ["acme/checkout/production/DB_PASSWORD", "acme/checkout/staging/DB_PASSWORD"])
        self.assertEqual(self.names("--find", "nowhere"), [])

    def test_names_are_paths_alone(self):
        self.assertEqual(self.do("ls", "--names", "acme/web"), "acme/web/staging/TLS_KEY\n")
        self.assertEqual(len(self.do("ls", "--names").splitlines()), 6)

    def test_expiring_lists_what_expires_until_then_the_first_first(self):
        for path, when in (("acme/web/staging/SOON", "20d"), ("acme/web/staging/SOONER", "1h"),
                           ("acme/web/staging/LATER", "40d")):
            self.do("set", path, "--expires", when, stdin=b"x")
        self.assertEqual(self.names("--expiring", "30d"), ["acme/web/staging/SOONER", "acme/web/staging/SOON"])
        self.assertEqual(self.names("--expiring", "30d", "--find", "sooner"), ["acme/web/staging/SOONER"])
        self.assertEqual(self.names("--expiring", "5m"), [])
        self.do("rm", "--yes", "acme/web/staging/SOON")
        self.assertEqual(self.names("--expiring", "30d", "--removed"), ["acme/web/staging/SOONER"])
        self.refused(USAGE, "ls", "--expiring", "soon", says="30d")


class Table(LsCase):
    def test_the_table_has_scope_version_visibility_age_and_expiry(self):
        self.do("set", "acme/web/staging/TLS_KEY", "--expires", "2099-01-31T00:00:00Z", stdin=b"y")
        self.do("set", "acme/web/staging/HIDDEN", "--visibility", "restricted", stdin=b"y")
        lines = self.do("ls", "acme/web").splitlines()
        self.assertEqual(lines[0].split(), ["SCOPE", "KEY", "VERSION", "VISIBILITY", "AGE", "EXPIRES"])
        self.assertRegex(lines[1], r"^acme/web/staging  HIDDEN +1 +restricted  \d+s +never$")
        self.assertRegex(lines[2], r"^acme/web/staging  TLS_KEY +2 +masked +\d+s +2099-01-31T00:00:00Z$")

    def test_the_tree_shows_which_secret_serves_each_path(self):
        lines = self.do("ls", "--tree", "acme/checkout").splitlines()
        words = [re.split(r"  +", line.rstrip())[:2] if line.startswith(" " * 6) else line.rstrip() for line in lines[1:]]
        found = [line.strip() if isinstance(line, str) else line[1:] for line in words]
        self.assertEqual(lines[0].split()[:2], ["PATH", "FROM"])
        self.assertEqual(found[:3], ["acme", "checkout", "production"])
        shown = {one["path"]: one["secret"] for one in self.json("ls", "--tree", "acme/checkout")}
        self.assertEqual(shown, {
            "acme/checkout/production/DB_PASSWORD": "acme/checkout/production/DB_PASSWORD",
            "acme/checkout/production/DB_USER": "acme/checkout/*/DB_USER",
            "acme/checkout/production/PROXY": "acme/checkout/production/PROXY",
            "acme/checkout/staging/DB_PASSWORD": "acme/checkout/staging/DB_PASSWORD",
            "acme/checkout/staging/DB_USER": "acme/checkout/*/DB_USER",
            "acme/checkout/staging/PROXY": "acme/*/*/PROXY"})
        self.assertIn("acme/checkout/*", next(line for line in lines if "DB_USER" in line))
        self.assertNotIn("acme/", next(line for line in lines if "DB_PASSWORD" in line))

    def test_a_tree_of_wide_secrets_alone_says_why_it_is_empty(self):
        other = self.folder / "other"
        self.do("init", "--org", "beta", "--dir", other, "--no-passphrase", "--owner", "o", "--host", "h")
        self.do("set", "beta/*/*/K", stdin=b"x", config=other / "coffer.toml")
        done = self.run_tool("ls", "--tree", config=other / "coffer.toml")
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertIn(b"`coffer ls`", done.stderr)

    def test_ways_of_showing_exclude_each_other(self):
        for words in (("--tree", "--names"), ("--tree", "--removed")):
            self.refused(USAGE, "ls", *words)


class WholeScope(LsCase):
    SCOPE = "acme/checkout/production"

    def test_every_secret_of_the_scope_goes_and_no_other(self):
        before = set(self.names())
        done = self.json("rm", "-r", self.SCOPE, "--yes")
        gone = {f"{self.SCOPE}/DB_PASSWORD", f"{self.SCOPE}/PROXY"}
        self.assertEqual((set(done["removed"]), set(self.names())), (gone, before - gone))
        self.assertEqual(done["uncovers"], ["acme/*/*/PROXY"])
        self.assertEqual(self.json("history", f"{self.SCOPE}/PROXY")[-1]["state"], "removed")
        self.refused(NOT_FOUND, "rm", "-r", self.SCOPE, "--yes", says="coffer ls")

    def test_a_scope_for_all_is_itself_alone(self):
        done = self.json("rm", "-r", "acme/checkout/*", "--yes")
        self.assertEqual(done["removed"], ["acme/checkout/*/DB_USER"])

    def test_without_a_terminal_and_a_yes_nothing_is_removed(self):
        before = self.revision()
        self.refused(USAGE, "rm", "-r", self.SCOPE, says="--yes")
        self.refused(USAGE, "rm", "-r", f"{self.SCOPE}/PROXY", "--yes")
        self.refused(USAGE, "rm", "-r", self.SCOPE, "--yes", "--if-version", "1", says="--if-version")
        self.refused(USAGE, "rm", self.SCOPE, "--yes")
        self.assertEqual(self.revision(), before)

    def test_an_editor_removes_nothing(self):
        env = self.member("ed", "editor")
        before = self.revision()
        self.refused(NOT_ALLOWED, "rm", "-r", self.SCOPE, "--yes", env=env)
        self.assertEqual(self.revision(), before)


if __name__ == "__main__":
    unittest.main()
