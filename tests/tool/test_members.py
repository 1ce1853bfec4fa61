# SPDX-License-Identifier: Apache-2.0
"""Roles, patterns, scopes, rotation: member, host, scope, rotate, identity."""
import os
import stat
import unittest

from store_case import CONFLICT, NOT_ALLOWED, NOT_FOUND, USAGE, StoreCase

CHECKOUT = "acme/checkout/production/KEY"
WEB = "acme/web/production/KEY"


class Members(StoreCase):
    def test_a_member_gets_a_pin_and_is_listed(self):
        file, recipient = self.identity("alice")
        done = self.json("member", "add", "alice", "--role", "admin", "--pattern", "acme/*/production",
                         recipient)
        store, owner, revision, head = done["pin"].split(":")
        self.assertEqual((len(store), len(owner), len(head)), (32, 32, 64))
        self.assertEqual(int(revision), self.revision())
        self.assertEqual(head, self.json("log", "-n", "1")[0]["hash"])
        alice = [m for m in self.json("member", "ls") if m["name"] == "alice"][0]
        self.assertEqual((alice["role"], alice["pattern"], alice["recipient"]),
                         ("admin", "acme/*/production", recipient))
        self.assertEqual(self.json("identity", "show", file)["id"], alice["id"])

    def test_a_name_or_key_is_used_once(self):
        _, recipient = self.identity("alice")
        add = ("member", "add", "alice", "--role", "editor", "--pattern", "acme/*/*")
        self.do(*add, recipient)
        _, other = self.identity("other")
        self.refused(CONFLICT, *add, other, says="alice")
        self.refused(CONFLICT, "member", "add", "alice2", "--role", "editor", "--pattern", "acme/*/*",
                     recipient)

    def test_wrong_words_for_a_member_are_refused(self):
        _, recipient = self.identity("alice")
        before = self.revision()
        for words, says in (
                (("alice", "--role", "boss", "--pattern", "acme/*/*", recipient), "boss"),
                (("alice", "--role", "host", "--pattern", "acme/*/*", recipient), "host add"),
                (("alice", "--role", "admin", recipient), "--pattern"),
                (("alice", "--role", "owner", "--pattern", "acme/*/*", recipient), "*/*/*"),
                (("alice", "--role", "admin", "--pattern", "acme", recipient), "org/project/domain"),
                (("al/ice", "--role", "admin", "--pattern", "acme/*/*", recipient), "al/ice"),
                (("alice", "--role", "admin", "--pattern", "acme/*/*", "coffer1abc"), "coffer1"),
                (("alice", "--pattern", "acme/*/*", recipient), "--role")):
            with self.subTest(words=words):
                self.refused(USAGE, "member", "add", *words, says=says)
        self.assertEqual(self.revision(), before)

    def test_an_editor_reveals_masked_values_and_sets_nothing(self):
        self.do("set", CHECKOUT, stdin=b"masked")
        self.do("set", "acme/checkout/production/HARD", "--visibility", "restricted", stdin=b"x")
        editor = self.member("ed", "editor", "acme/checkout/*")
        before = self.revision()
        self.assertEqual(self.reveal(CHECKOUT, env=editor), b"masked")
        self.refused(NOT_ALLOWED, "get", "--reveal", "acme/checkout/production/HARD", env=editor)
        self.refused(NOT_ALLOWED, "set", CHECKOUT, env=editor, stdin=b"mine", says="editor")
        self.refused(NOT_ALLOWED, "rm", "--yes", CHECKOUT, env=editor)
        self.refused(NOT_ALLOWED, "scope", "add", "acme/x/y", env=editor)
        self.refused(NOT_ALLOWED, "member", "rm", "--yes", "olga", env=editor)
        self.assertEqual(self.revision(), before)

    def test_an_admin_acts_within_the_pattern_alone(self):
        self.do("set", WEB, stdin=b"web")
        admin = self.member("ada", "admin", "acme/checkout/*")
        self.assertTrue(self.set(CHECKOUT, b"v", env=admin)["made_scope_key"])
        self.assertEqual(self.reveal(CHECKOUT, env=admin), b"v")
        before = self.revision()
        self.refused(NOT_ALLOWED, "set", WEB, env=admin, stdin=b"x", says="acme/checkout/*")
        self.refused(NOT_ALLOWED, "set", "acme/*/*/KEY", env=admin, stdin=b"x")
        self.refused(NOT_ALLOWED, "get", "--reveal", WEB, env=admin)
        _, recipient = self.identity("more")
        self.refused(NOT_ALLOWED, "host", "add", "more", "--pattern", "acme/checkout/*", recipient, env=admin)
        self.assertEqual(self.revision(), before)

    def test_an_admin_needs_an_owner_for_the_first_restricted_secret_of_a_scope(self):
        admin = self.member("ada", "admin", "acme/checkout/*")
        restricted = ("set", CHECKOUT, "--visibility", "restricted")
        self.refused(NOT_ALLOWED, *restricted, env=admin, stdin=b"v",
                     says="coffer scope add acme/checkout/production")
        self.assertEqual(len(self.json("scope", "add", "acme/checkout/production")["made"]), 2)
        self.do(*restricted, env=admin, stdin=b"v")
        self.refused(NOT_ALLOWED, "get", "--reveal", CHECKOUT, env=admin, says="restricted")

    def test_a_removed_admin_can_do_nothing_more_and_what_it_knew_is_listed(self):
        admin = self.member("ada", "admin", "acme/checkout/*")
        self.do("set", CHECKOUT, env=admin, stdin=b"v")
        self.do("set", WEB, stdin=b"web")
        self.refused(USAGE, "member", "rm", "ada", says="--yes")
        done = self.json("member", "rm", "--yes", "ada")
        self.assertEqual(done["to_change"], [CHECKOUT])
        self.assertEqual(done["rotated"], 1)
        before = self.revision()
        self.refused(NOT_ALLOWED, "set", CHECKOUT, env=admin, stdin=b"x", says="removed")
        self.do("set", CHECKOUT, stdin=b"changed")
        self.refused(NOT_ALLOWED, "get", "--reveal", CHECKOUT, env=admin)
        self.assertEqual(self.revision(), before + 1)
        self.assertEqual([m["name"] for m in self.json("member", "ls")], ["olga"])
        self.assertEqual([m["name"] for m in self.json("member", "ls", "--removed")], ["olga", "ada"])
        self.refused(NOT_FOUND, "member", "rm", "--yes", "ada")

    def test_the_last_owner_stays(self):
        self.refused(NOT_ALLOWED, "member", "rm", "--yes", "olga", says="owner")
        owner = self.member("oscar", "owner")
        self.do("member", "rm", "--yes", "olga", env=owner)
        self.assertEqual([m["name"] for m in self.json("member", "ls")], ["oscar"])
        self.do("set", CHECKOUT, env=owner, stdin=b"v")

    def test_hosts_are_added_listed_and_removed_apart_from_members(self):
        file, recipient = self.identity("web2")
        self.assertIn("pin", self.json("host", "add", "web2", "--pattern", "acme/*/staging", recipient))
        self.assertEqual([h["name"] for h in self.json("host", "ls")], ["web1", "web2"])
        self.refused(NOT_FOUND, "member", "rm", "--yes", "web2", says="coffer host rm")
        self.refused(NOT_FOUND, "host", "rm", "--yes", "olga", says="coffer member rm")
        self.refused(NOT_FOUND, "host", "rm", "--yes", "web3", says="web3")
        self.refused(NOT_ALLOWED, "set", CHECKOUT, env={"COFFER_IDENTITY": str(file)}, stdin=b"v")
        self.do("host", "rm", "--yes", "web2")
        self.assertEqual([h["name"] for h in self.json("host", "ls")], ["web1"])

    def test_a_stranger_is_told_so(self):
        file, _ = self.identity("stranger")
        self.refused(NOT_ALLOWED, "set", CHECKOUT, "--identity", file, stdin=b"v", says="no principal")
        self.do("set", CHECKOUT, stdin=b"v")
        self.refused(NOT_ALLOWED, "get", "--reveal", CHECKOUT, "--identity", file)

    def test_scopes_are_made_listed_and_rotated(self):
        self.do("scope", "add", "--org", "acme", "--project", "web")
        self.assertEqual(self.json("scope", "add", "acme/web/*")["made"], [])
        self.do("set", "acme/web/*/KEY", stdin=b"v")
        scope = [s for s in self.json("scope", "ls") if s["scope"] == "acme/web/*"][0]
        self.assertEqual((scope["masked"]["generation"], scope["secrets"]), (1, 1))
        self.assertEqual(self.json("rotate")["rotated"], 0)
        self.assertEqual(self.json("rotate", "acme/web/*")["rotated"], 2)
        self.assertEqual(self.json("rotate", "--all", "--reseal"), {"rotated": 4, "resealed": 1,
                                                                    "revision": self.revision()})
        self.assertEqual(self.reveal("acme/web/*/KEY"), b"v")
        self.assertEqual(self.reveal("acme/web/*/KEY", "--version", "1"), b"v")
        scope = [s for s in self.json("scope", "ls") if s["scope"] == "acme/web/*"][0]
        self.assertEqual(scope["masked"]["generation"], 3)
        self.refused(NOT_FOUND, "rotate", "acme/none/*", says="scope ls")
        self.refused(USAGE, "rotate", "--all", "acme/web/*")
        self.refused(USAGE, "scope", "add", "*/*/*")
        self.refused(USAGE, "scope", "add", says="scope")
        self.assertTrue(self.json("verify")["ok"])

    def test_an_identity_file_is_private_and_never_replaced(self):
        file, recipient = self.identity("me")
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o400)
        self.refused(CONFLICT, "identity", "new", file, "--no-passphrase", says="exists")
        self.assertEqual(self.json("identity", "show", file)["recipient"], recipient)
        self.assertIn(recipient, self.do("identity", "show", file))
        shown = self.json("identity", "show")
        self.assertEqual(shown["file"], str(self.dir / "owner.identity"))
        file.chmod(0o440)
        self.refused(NOT_ALLOWED, "identity", "show", file, says="chmod")
        self.refused(NOT_FOUND, "identity", "show", self.folder / "none")
        other = self.folder / "other"
        other.write_text("not an identity")
        other.chmod(0o400)
        self.refused(USAGE, "identity", "show", other, says="coffer identity 1")


if __name__ == "__main__":
    unittest.main()
