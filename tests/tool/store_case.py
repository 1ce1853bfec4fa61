# SPDX-License-Identifier: Apache-2.0
"""StoreCase: a test with a real store in a folder of its own, and the real program to use it with."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import json_schema

PROGRAM = os.environ["COFFER_PROGRAM"]
SOURCE = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((SOURCE / "docs/coffer.schema.json").read_text())
DONE, FAILED, USAGE, NOT_FOUND, NOT_ALLOWED, CONFLICT, TAMPERED, UNAVAILABLE = range(8)


class StoreCase(unittest.TestCase):
    makes_store = True

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-tool-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.dir = self.folder / "store"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"),
                            "COFFER_CONFIG": str(self.dir / "coffer.toml")}
        (self.folder / "home").mkdir()
        if self.makes_store:
            self.do("init", "--org", "acme", "--dir", self.dir, "--no-passphrase", "--owner", "olga",
                    "--host", "web1")

    def run_tool(self, *arguments, stdin=b"", config=None, env=None, **options):
        """Runs the tool without a terminal; returns the completed process, outputs as bytes."""
        environment = dict(self.environment, **(env or {}))
        if config is not None:
            environment["COFFER_CONFIG"] = str(config)
        words = [os.fsencode(word) if not isinstance(word, bytes) else word for word in map(
            lambda word: word if isinstance(word, (bytes, os.PathLike)) else str(word), arguments)]
        return subprocess.run([os.fsencode(PROGRAM)] + words, input=stdin, env=environment, timeout=60,
                              start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, **options)

    def do(self, *arguments, **options):
        """Runs the tool, which must succeed; its output as text."""
        done = self.run_tool(*arguments, **options)
        self.assertEqual(done.returncode, DONE, done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def json(self, *arguments, **options):
        """What the tool prints with --json, which is as docs/coffer.schema.json has it."""
        document = json.loads(self.do(*arguments, "--json", **options))
        self.fits_the_schema(arguments, document)
        return document

    def fits_the_schema(self, words, document):
        verbs = SCHEMA["properties"]
        verb = next((verb for verb in (" ".join(map(str, words[:2])), str(words[0])) if verb in verbs), None)
        self.assertIsNotNone(verb, f"docs/coffer.schema.json has no {words[0]}")
        self.assertEqual(json_schema.problems(document, verbs[verb], SCHEMA["$defs"]), [], verb)

    def refused(self, status, *arguments, says="", **options):
        """Runs the tool, which must give this status, one line on stderr and nothing on stdout."""
        done = self.run_tool(*arguments, **options)
        error = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, status, error)
        self.assertTrue(error.startswith("coffer: "), error)
        self.assertEqual(error.count("\n"), 1, error)
        self.assertEqual(done.stdout, b"")
        self.assertIn(says, error)
        return error

    def set(self, path, value, *arguments, **options):
        return self.json("set", path, *arguments, stdin=value, **options)

    def reveal(self, path, *arguments, **options):
        done = self.run_tool("get", "--reveal", path, *arguments, **options)
        self.assertEqual(done.returncode, DONE, done.stderr.decode(errors="replace"))
        return done.stdout

    def revision(self):
        return self.json("log", "--limit", "1")[0]["revision"]

    def identity(self, name):
        """A new identity in the clear: its file, and its recipient text."""
        file = self.folder / f"{name}.identity"
        return file, self.json("identity", "new", file, "--no-passphrase")["recipient"]

    def member(self, name, role, pattern="*/*/*"):
        """Adds a member; the environment in which it acts."""
        file, recipient = self.identity(name)
        self.do("member", "add", name, "--role", role, "--pattern", pattern, recipient)
        return {"COFFER_IDENTITY": str(file)}

    def files_with(self, value):
        return [str(file) for file in self.dir.rglob("*") if file.is_file() and value in file.read_bytes()]
