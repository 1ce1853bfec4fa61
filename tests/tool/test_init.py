# SPDX-License-Identifier: Apache-2.0
"""init: what it makes, what it never touches, what it leaves when it fails; and --join."""
import os
import pathlib
import stat
import subprocess
import unittest

from store_case import CONFLICT, NOT_ALLOWED, PROGRAM, TAMPERED, UNAVAILABLE, USAGE, StoreCase

INIT = ("init", "--org", "acme", "--no-passphrase", "--owner", "olga", "--host", "web1")


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class Init(StoreCase):
    makes_store = False

    def mode(self, name):
        return stat.S_IMODE(os.stat(self.dir / name).st_mode)

    def test_one_command_makes_everything_that_set_needs(self):
        made = self.json(*INIT, "--dir", self.dir)
        self.assertEqual(made["config"], str(self.dir / "coffer.toml"))
        for name in ("coffer.toml", "store.db", "owner.identity", "host.identity", "policy.d/README",
                     "state/tool/view.db", "state/tool/watermark"):
            self.assertIn(name, listing(self.dir))
        self.assertEqual([self.mode(name) for name in ("", "owner.identity", "host.identity", "state")],
                         [0o700, 0o400, 0o400, 0o700])
        self.do("set", "acme/checkout/production/DB_PASSWORD", stdin=b"v")
        self.assertEqual(self.reveal("acme/checkout/production/DB_PASSWORD"), b"v")
        self.assertTrue(self.json("verify")["ok"])

    def test_the_folder_can_be_moved(self):
        self.do(*INIT, "--dir", self.dir)
        self.do("set", "acme/*/*/K", stdin=b"v")
        moved = self.folder / "moved"
        self.dir.rename(moved)
        self.assertEqual(self.run_tool("get", "--reveal", "acme/*/*/K", config=moved / "coffer.toml").stdout, b"v")

    def test_nothing_is_overwritten(self):
        for name in ("coffer.toml", "store.db", "owner.identity", "host.identity", "policy.d/README"):
            with self.subTest(name=name):
                file = self.dir / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("mine")
                before = listing(self.dir)
                self.refused(CONFLICT, *INIT, "--dir", self.dir, says=name)
                self.assertEqual((file.read_text(), listing(self.dir)), ("mine", before))
                file.unlink()
        self.do(*INIT, "--dir", self.dir)
        before = (self.dir / "owner.identity").read_bytes()
        self.refused(CONFLICT, *INIT, "--dir", self.dir)
        self.assertEqual((self.dir / "owner.identity").read_bytes(), before)

    def test_a_dangling_link_is_something(self):
        self.dir.mkdir()
        (self.dir / "store.db").symlink_to(self.folder / "elsewhere")
        self.refused(CONFLICT, *INIT, "--dir", self.dir)
        self.assertEqual(listing(self.dir), ["store.db"])
        self.assertFalse((self.folder / "elsewhere").exists())

    def test_a_failure_leaves_nothing_of_its_own(self):
        # A folder that the group can write: found out when the store is opened, late in the making.
        self.dir.mkdir()
        (self.dir / "mine").write_text("mine")
        self.dir.chmod(0o770)
        self.refused(NOT_ALLOWED, *INIT, "--dir", self.dir, says="chmod go-w")
        self.assertEqual(listing(self.dir), ["mine"])
        self.dir.chmod(0o700)
        self.do(*INIT, "--dir", self.dir)

    def test_wrong_words_are_refused_before_anything_is_made(self):
        init = ("init", "--no-passphrase", "--dir", self.dir)
        for words, says in (
                ((), "--org"),
                (("--org", ""), "--org"),
                (("--org", "ac/me"), "ac/me"),
                (("--org", ".."), ".."),
                (("--org", "acme", "--host", "a b"), "--host"),
                (("--org", "acme", "--owner", "-x"), "owner"),
                (("--org", "acme", "--owner", "same", "--host", "same"), "same"),
                (("--org", "acme", "--store", "x"), "--join")):
            with self.subTest(words=words):
                self.refused(USAGE, *init, *words, says=says)
        self.refused(USAGE, "init", "--org", "acme", "--no-passphrase", "--dir", "", says="--dir")
        self.refused(USAGE, "init", "--org", "acme", "--dir", self.dir, says="--passphrase-file")
        self.assertFalse(self.dir.exists())

    def test_a_passphrase_from_a_file_protects_the_owner(self):
        secret = self.folder / "passphrase"
        secret.write_bytes(b"open sesame\n")
        secret.chmod(0o600)
        words = [word for word in INIT if word != "--no-passphrase"]
        self.do(*words, "--dir", self.dir, "--passphrase-file", secret)
        self.refused(USAGE, "set", "acme/*/*/K", stdin=b"v", says="COFFER_PASSPHRASE_FILE")
        self.do("set", "acme/*/*/K", stdin=b"v", env={"COFFER_PASSPHRASE_FILE": str(secret)})
        self.do("ls")  # looking needs no identity
        wrong = self.folder / "wrong"
        wrong.write_bytes(b"open barley")
        wrong.chmod(0o600)
        before = self.revision()
        self.refused(NOT_ALLOWED, "set", "acme/*/*/K", "--passphrase-file", wrong, stdin=b"v",
                     says="passphrase")
        secret.chmod(0o644)
        self.refused(NOT_ALLOWED, "set", "acme/*/*/K", "--passphrase-file", secret, stdin=b"v", says="chmod")
        self.refused(USAGE, "set", "acme/*/*/K", "--passphrase-file", "/dev/null", stdin=b"v", says="empty")
        self.assertEqual(self.revision(), before)
        self.assertEqual(self.files_with(b"open sesame"), [])

    @unittest.skipUnless(os.geteuid() == 0, "needs root: makes a mount namespace of its own")
    def test_without_a_folder_everything_is_where_debian_keeps_it(self):
        script = f"""set -e
            mount -t tmpfs none "$1"; cp -a /etc "$1/etc"; mount --bind "$1/etc" /etc
            mount -t tmpfs none /var/lib
            unset COFFER_CONFIG
            "$2" init --org acme --no-passphrase --owner olga --host web1 >/dev/null
            printf v | "$2" set acme/*/*/K >/dev/null
            test "$("$2" get --reveal 'acme/*/*/K')" = v
            ls -d /etc/coffer/coffer.toml /etc/coffer/policy.d /etc/coffer/host.identity \
                /var/lib/coffer/store.db /var/lib/coffer/state/tool "$HOME/.config/coffer/owner.identity" """
        scratch = self.folder / "scratch"
        scratch.mkdir()
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", str(scratch), PROGRAM],
                              env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 6)


class Join(StoreCase):
    def setUp(self):
        super().setUp()
        self.file, recipient = self.identity("alice")
        self.pin = self.json("member", "add", "alice", "--role", "admin", "--pattern", "acme/*/*", recipient)["pin"]
        self.theirs = self.folder / "theirs"
        self.join = ("init", "--join", self.pin, "--store", self.dir / "store.db", "--identity", self.file)

    def test_a_pin_makes_a_configuration_that_works(self):
        done = self.json(*self.join, "--dir", self.theirs)
        self.assertEqual((done["name"], done["role"]), ("alice", "admin"))
        config = self.theirs / "coffer.toml"
        self.do("set", "acme/*/*/K", stdin=b"by alice", config=config)
        self.assertEqual(self.reveal("acme/*/*/K"), b"by alice")
        self.assertEqual(self.json("log", "-n", "1")[0]["signer"], "alice")

    def test_without_a_folder_it_goes_to_the_home(self):
        self.do(*self.join)
        config = pathlib.Path(self.environment["HOME"]) / ".config/coffer/coffer.toml"
        self.assertTrue(config.exists())
        del self.environment["COFFER_CONFIG"]
        self.do("ls")

    def test_a_host_that_joins_gets_a_policy_folder_and_its_identity_for_the_daemon(self):
        file, recipient = self.identity("web2")
        pin = self.json("host", "add", "web2", "--pattern", "acme/*/*", recipient)["pin"]
        self.do("init", "--join", pin, "--store", self.dir / "store.db", "--identity", file, "--dir", self.theirs)
        self.assertIn(f'host_identity = "{file}"', (self.theirs / "coffer.toml").read_text())
        self.assertIn("policy.d/README", listing(self.theirs))

    def test_a_store_older_than_the_pin_is_refused(self):
        old = self.folder / "old"
        self.do("init", "--org", "acme", "--dir", old, "--no-passphrase", "--owner", "olga", "--host", "web1")
        join = ("init", "--join", self.pin, "--store", old / "store.db", "--identity", self.file)
        self.refused(TAMPERED, *join, "--dir", self.theirs)
        self.assertFalse(self.theirs.exists())

    def test_wrong_words_leave_nothing(self):
        file, _ = self.identity("stranger")
        parts = self.pin.split(":")
        for status, words, says in (
                (USAGE, ("--join", "nonsense", "--store", self.dir / "store.db", "--identity", self.file), ""),
                (USAGE, ("--join", self.pin, "--identity", self.file), "--store"),
                (USAGE, ("--join", self.pin, "--store", self.dir / "store.db"), "--identity"),
                (USAGE, (*self.join[1:], "--org", "acme"), "--join"),
                (UNAVAILABLE, ("--join", self.pin, "--store", self.dir / "none.db", "--identity", self.file), "none.db"),
                (NOT_ALLOWED, ("--join", self.pin, "--store", self.dir / "store.db", "--identity", file), "member add"),
                (TAMPERED, ("--join", ":".join([parts[0], "00" * 16] + parts[2:]), "--store",
                            self.dir / "store.db", "--identity", self.file), "")):
            with self.subTest(words=words):
                self.refused(status, "init", *words, "--dir", self.theirs, says=says)
                self.assertFalse(self.theirs.exists())
        self.do(*self.join, "--dir", self.theirs)
        self.refused(CONFLICT, *self.join, "--dir", self.theirs)


if __name__ == "__main__":
    unittest.main()
