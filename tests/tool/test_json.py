# SPDX-License-Identifier: Apache-2.0
"""--json is as docs/coffer.schema.json says, for every verb; and the schema refuses what is not so."""
import copy
import json
import os
import re
import select
import signal
import subprocess
import unittest

import json_schema
from store_case import DONE, NOT_ALLOWED, PROGRAM, SCHEMA, SOURCE, UNAVAILABLE, USAGE, StoreCase

PATH = "acme/checkout/production/KEY"
# Tested where a systemd, or a mount, is: test_seal_identity.py, test_render.py.
ELSEWHERE = {"host seal-identity", "render"}
# What they print is another program's.
NO_DOCUMENT = {"exec", "task", "redact"}


class EveryVerb(StoreCase):
    def setUp(self):
        super().setUp()
        self.seen = set()

    def fits_the_schema(self, words, document):
        super().fits_the_schema(words, document)
        self.seen |= {" ".join(map(str, words[:2])), str(words[0])}

    def answer(self, status, *words):
        """A verb that prints its document and ends with another status than 0."""
        done = self.run_tool(*words, "--json")
        self.assertEqual(done.returncode, status, done.stderr.decode())
        self.fits_the_schema(words, json.loads(done.stdout))

    def verbs(self):
        def listed(*words):
            parts = self.do(*words, "--help").split("Subcommands:\n")
            return re.findall(r"^  ([a-z-]+) ", parts[1], re.MULTILINE) if len(parts) == 2 else []
        return {" ".join(filter(None, (verb, second))) for verb in listed() for second in listed(verb) or [""]}

    def test_every_verb_prints_what_the_schema_says(self):
        other = self.folder / "other"
        pin = self.json("init", "--org", "beta", "--dir", other, "--no-passphrase", "--owner", "o", "--host", "h")["pin"]
        self.json("init", "--join", pin, "--store", other / "store.db", "--identity", other / "owner.identity", "--dir",
                  self.folder / "joined")
        for path in ("acme/*/*/KEY", PATH, PATH, "acme/checkout/production/OTHER"):
            self.set(path, b"x", "--expires", "30d")
        for words in (("get", PATH), ("get", PATH, "--version", "1"), ("get", PATH, "--reveal"), ("ls",), ("ls", "--tree"),
                      ("ls", "--names"), ("history", PATH), ("restore", PATH, "1"), ("purge", PATH, "2", "--yes"),
                      ("rm", PATH, "--yes"), ("history", PATH), ("ls", "--removed"), ("ls", "--expiring", "60d"),
                      ("rm", "-r", "acme/checkout/production", "--yes"), ("scope", "add", "acme/web/staging"),
                      ("scope", "ls"), ("completion", "bash"), ("completion", "paths", "acme/"),
                      ("completion", "scopes", "")):
            self.json(*words)
        file, recipient = self.identity("alice")
        self.json("identity", "show", file)
        self.json("member", "add", "alice", "--role", "admin", "--pattern", "acme/*/*", recipient)
        _, recipient = self.identity("web2")
        self.json("host", "add", "web2", "--pattern", "acme/*/staging", recipient)
        for who in ("member", "host"):
            self.json(who, "rm", "alice" if who == "member" else "web2", "--yes")
            self.json(who, "ls", "--removed")
        self.json("rotate", "--all", "--reseal")
        values = self.folder / "values.env"
        values.write_text("A=1\nB=2\n")
        for words in (("--dry-run",), ()):
            self.json("import", "--scope", "acme/*/*", values, *words)
        self.json("export", "--scope", "acme/*/*", "--format", "json")
        self.json("export", "--scope", "acme/*/*", "--format", "dir", "--out", self.folder / "out")
        self.json("log")
        self.json("verify")
        self.policy_and_audit()
        self.watched()
        self.answer(DONE if self.run_tool("doctor").returncode == DONE else 1, "doctor")
        self.answer(UNAVAILABLE, "status", "--mount", self.folder)
        self.assertEqual(self.verbs() - self.seen, ELSEWHERE | NO_DOCUMENT)
        for verb in NO_DOCUMENT:
            self.assertEqual(self.run_tool(verb, "--json", "--", "true").returncode, USAGE)

    def policy_and_audit(self):
        rules = self.dir / "policy.d/rules.toml"
        rules.write_text(f'[[rule]]\nname = "a"\nsecrets = "acme/checkout/production/*"\nuid = {os.getuid()}\n')
        rules.chmod(0o600)
        self.json("policy", "check")
        self.json("policy", "explain", "--pid", os.getpid(), PATH)
        self.answer(NOT_ALLOWED, "policy", "explain", "--as", "uid=4242", PATH)
        log = self.dir / "audit.jsonl"
        log.write_bytes(b"")
        for words in (("audit", "verify"), ("audit", "show"), ("policy", "learn", log), ("policy", "explain", "--audit", log)):
            self.json(*words)

    def watched(self):
        watch = subprocess.Popen([PROGRAM, "watch", "--json", "--since", "0"], env=self.environment, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, bufsize=0)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        with watch.stdout as lines:
            for _ in range(sum(len(commit["operations"]) for commit in self.json("log"))):
                self.assertTrue(select.select([lines], [], [], 60)[0])
                self.fits_the_schema(("watch",), json.loads(lines.readline()))
            watch.send_signal(signal.SIGTERM)


class Schema(unittest.TestCase):
    """A schema that accepts everything would be satisfied by every test."""

    def problems(self, verb, document):
        return json_schema.problems(document, SCHEMA["properties"][verb], SCHEMA["$defs"])

    def test_what_is_missing_too_much_or_of_another_kind_is_found(self):
        good = {"secret": PATH, "version": 1, "revision": 3}
        self.assertEqual(self.problems("purge", good), [])
        for change in ({"version": "1"}, {"version": -1}, {"version": True}, {"secret": "acme/KEY"}, {"more": 1}, {"revision": None}):
            self.assertEqual(len(self.problems("purge", {**good, **change})), 1, change)
        for name in good:
            less = copy.copy(good)
            del less[name]
            self.assertEqual(len(self.problems("purge", less)), 1)
        self.assertTrue(self.problems("purge", [good]))
        self.assertTrue(self.problems("ls", [good]))
        self.assertTrue(self.problems("log", {}))

    def test_each_reference_leads_somewhere_and_each_definition_is_used(self):
        text = json.dumps(SCHEMA)
        self.assertEqual(set(re.findall(r"#/\$defs/([a-z_]+)", text)), set(SCHEMA["$defs"]))

    def test_what_the_checker_does_not_know_is_an_error(self):
        with self.assertRaises(ValueError):
            json_schema.problems(1, {"multipleOf": 2}, {})

    def test_the_document_names_every_verb(self):
        text = (SOURCE / "docs/json.md").read_text()
        for verb in SCHEMA["properties"]:
            self.assertIn(f"`{verb}`", text)


if __name__ == "__main__":
    unittest.main()
