# SPDX-License-Identifier: Apache-2.0
"""host seal-identity: with the real systemd-creds and a host key of its own, in a private mount namespace."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from store_case import CONFLICT, DONE, FAILED, NOT_ALLOWED, NOT_FOUND, PROGRAM, USAGE, StoreCase

CREDS = shutil.which("systemd-creds")
MISSING = None if os.geteuid() == 0 and CREDS else "root and systemd-creds (package systemd)"


class SealCase(StoreCase):
    def setUp(self):
        super().setUp()
        self.plain = self.dir / "host.identity"
        self.sealed = self.folder / "credstore/coffer.host.identity.plain"
        # What systemd keeps for this host; in place of the machine's, and gone with the test.
        self.systemd = self.folder / "systemd"
        self.systemd.mkdir()

    def seal(self, *arguments, path=None, after="true", etc=None, cwd=None):
        """Runs the tool with the test's own host key; `after` is a shell command in the same place, `etc` its /etc."""
        own_etc = f'mount --bind "{etc}" /etc &&' if etc else ""
        script = f'mount --bind "{self.systemd}" /var/lib/systemd && {own_etc} "$@"; status=$?; {after}; exit $status'
        environment = dict(self.environment, **({"PATH": path} if path else {}))
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh", PROGRAM, "host",
             "seal-identity", *map(str, arguments)], env=environment, cwd=cwd, timeout=120, stdin=subprocess.DEVNULL,
            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def wrapper(self, script):
        """A folder with a systemd-creds that runs this, and the real one as $REAL."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "systemd-creds"
        program.write_text(f"#!/bin/sh\nREAL={CREDS}\n{script}\n")
        program.chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"


@unittest.skipIf(MISSING, f"SKIPPED: these tests need {MISSING}")
class Sealing(SealCase):
    def test_the_credential_opens_to_the_identity_and_what_is_next_is_said(self):
        decrypt = f'systemd-creds decrypt --name=host.identity "{self.sealed}" "{self.folder}/back" >&2'
        done = self.seal(self.plain, self.sealed, "--key", "host", after=decrypt)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual((self.folder / "back").read_bytes(), self.plain.read_bytes())
        self.assertEqual(self.sealed.stat().st_mode & 0o7777, 0o600)
        self.assertEqual(self.sealed.parent.stat().st_mode & 0o7777, 0o700)
        text = done.stdout.decode()
        for words in (f"LoadCredentialEncrypted=host.identity:{self.sealed}", f"rm {self.plain}",
                      self.json("identity", "show", self.plain)["id"]):
            self.assertIn(words, text)
        self.assertNotIn(self.plain.read_text().splitlines()[-1], self.sealed.read_text())

    def test_a_credential_of_another_name_or_host_does_not_open(self):
        wrong_name = f'systemd-creds decrypt --name=other "{self.sealed}" - > "{self.folder}/named"'
        self.assertEqual(self.seal(self.plain, self.sealed, "--key", "host", after=wrong_name).returncode, DONE)
        self.assertEqual((self.folder / "named").read_bytes(), b"")

    def test_without_names_the_configured_identity_goes_where_the_unit_looks_for_it(self):
        etc = self.folder / "etc"
        etc.mkdir()
        shutil.copy("/etc/machine-id", etc)
        done = self.seal("--json", "--key", "host", etc=etc)
        self.assertEqual(done.returncode, DONE, done.stderr)
        sealed = "/etc/credstore.encrypted/coffer.host.identity"
        self.assertEqual(json.loads(done.stdout), {
            "credential": sealed, "id": self.json("identity", "show", self.plain)["id"], "key": "host",
            "from": str(self.plain), "removed": False})
        self.assertTrue((self.folder / sealed[1:]).exists())
        unit = pathlib.Path(__file__).parents[2] / "systemd/cofferd.service"
        self.assertIn(f"LoadCredentialEncrypted=host.identity:{pathlib.Path(sealed).name}", unit.read_text())

    def test_a_relative_name_is_said_as_the_unit_needs_it(self):
        done = self.seal("store/host.identity", "sealed", "--key", "host", cwd=self.folder)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn(f"LoadCredentialEncrypted=host.identity:{self.folder}/sealed", done.stdout.decode())
        self.assertTrue((self.folder / "sealed").exists())

    def test_the_plain_file_is_removed_when_that_is_said_twice(self):
        refused = self.seal(self.plain, self.sealed, "--key", "host", "--remove-plain")
        self.assertEqual(refused.returncode, USAGE, refused.stderr)
        self.assertFalse(self.sealed.exists())
        self.assertTrue(self.plain.exists())
        done = self.seal(self.plain, self.sealed, "--key", "host", "--remove-plain", "--yes")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertFalse(self.plain.exists())
        self.assertTrue(self.sealed.exists())

    def test_what_is_there_is_never_overwritten(self):
        self.sealed.parent.mkdir()
        self.sealed.write_text("mine")
        done = self.seal(self.plain, self.sealed, "--key", "host")
        self.assertEqual(done.returncode, CONFLICT, done.stderr)
        self.assertEqual(self.sealed.read_text(), "mine")

    def failed(self, script, says):
        done = self.seal(self.plain, self.sealed, "--key", "host", "--remove-plain", "--yes", path=self.wrapper(script))
        self.assertEqual(done.returncode, FAILED, done.stderr)
        self.assertIn(says, done.stderr.decode())
        self.assertFalse(self.sealed.exists())
        self.assertTrue(self.plain.exists())

    def test_the_null_key_is_refused_whoever_chose_it(self):
        self.failed('[ "$1" = encrypt ] || exec $REAL "$@"; exec $REAL encrypt --name=host.identity --with-key=tpm2-absent - -',
                    "the null key")

    def test_what_does_not_open_again_to_the_same_identity_is_not_kept(self):
        other, _ = self.identity("other")
        self.failed(f'[ "$1" = encrypt ] || exec cat {other}; exec $REAL "$@"', "opens to the identity")
        self.failed('[ "$1" = encrypt ] || exec echo nothing; exec $REAL "$@"', "no identity")
        self.failed('[ "$1" = encrypt ] || exit 3; exec $REAL "$@"', "status 3")
        self.failed('[ "$1" = encrypt ] || exec yes; exec $REAL "$@"', "more than")

    def test_no_file_ever_holds_the_identity(self):
        # Every file that systemd-creds is given by name, and what it is given on stdin.
        seen = self.folder / "seen"
        path = self.wrapper(f'echo "$@" >> {seen}; readlink /proc/self/fd/0 >> {seen}; exec $REAL "$@"')
        self.assertEqual(self.seal(self.plain, self.sealed, "--key", "host", path=path).returncode, DONE)
        lines = seen.read_text().splitlines()
        self.assertEqual(lines[0], "encrypt --name=host.identity --with-key=host - -")
        self.assertEqual(lines[2], "decrypt --name=host.identity - -")
        self.assertTrue(lines[1].startswith("pipe:") and lines[3].startswith("pipe:"), lines)


class Refusing(SealCase):
    def test_a_key_that_is_none_is_refused(self):
        for key in ("null", "tpm2-absent", "auto-initrd", "", "host,null"):
            self.refused(USAGE, "host", "seal-identity", self.plain, self.sealed, "--key", key, says="--key")

    def test_an_identity_under_a_passphrase_is_refused(self):
        words = self.folder / "words"
        words.write_text("a long passphrase")
        words.chmod(0o600)
        file = self.folder / "locked.identity"
        self.do("identity", "new", file, "--passphrase-file", words)
        self.refused(NOT_ALLOWED, "host", "seal-identity", file, self.sealed, says="under a passphrase")

    def test_a_file_that_is_none_is_refused(self):
        self.refused(NOT_FOUND, "host", "seal-identity", self.folder / "none", self.sealed)
        junk = self.folder / "junk"
        junk.write_text("junk\n")
        junk.chmod(0o400)
        self.refused(USAGE, "host", "seal-identity", junk, self.sealed)

    def test_a_host_without_systemd_creds_is_told_so(self):
        done = self.run_tool("host", "seal-identity", self.plain, self.sealed, env={"PATH": str(pathlib.Path("/nowhere"))})
        self.assertEqual(done.returncode, NOT_FOUND if os.geteuid() == 0 else NOT_ALLOWED, done.stderr)
        self.assertIn("systemd-creds" if os.geteuid() == 0 else "root", done.stderr.decode())
        self.assertFalse(self.sealed.exists())


if __name__ == "__main__":
    unittest.main()
