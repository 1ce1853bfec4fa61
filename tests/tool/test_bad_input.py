# SPDX-License-Identifier: Apache-2.0
"""Bad names, bad stores, bad configurations: one clear line, the right exit status, nothing changed."""
import os
import shutil
import sqlite3
import stat
import subprocess
import unittest

from store_case import NOT_ALLOWED, NOT_FOUND, TAMPERED, UNAVAILABLE, USAGE, StoreCase

PATH = "acme/*/*/KEY"
NOBODY = 65534


class Names(StoreCase):
    def test_bad_names_are_refused_and_change_nothing(self):
        good = ["acme", "checkout", "production", "KEY"]
        bad = ["", "..", ".", ".hidden", "-dash", "a b", "new\nline", "tab\t", "quote\"", "k" * 300, "s" * 129,
               "*x", "é", b"\xff\xfe", "semi;colon", "a\\b", "\x1b[31m"]
        before = self.revision()
        for place in range(4):
            for name in bad:
                segments = [part.encode() for part in good]
                segments[place] = name if isinstance(name, bytes) else name.encode()
                path = b"/".join(segments)
                for verb in (("set",), ("get",), ("rm", "--yes"), ("history",)):
                    with self.subTest(verb=verb[0], path=path):
                        error = self.refused(USAGE, *verb, "--", path, stdin=b"v")
                        self.assertLess(len(error), 400)
                        self.assertNotIn("\x1b", error)
        for path in ("", "/", "acme", "acme/checkout", "acme/checkout/production", "/acme/a/b/K", "acme/a/b/K/",
                     "acme/a/b/c/K", "*/a/b/K", "acme/a/b/*", "acme//b/K", "acme/../b/K"):
            with self.subTest(path=path):
                self.refused(USAGE, "set", path, stdin=b"v")
        self.assertEqual(self.revision(), before)

    def test_the_longest_names_are_accepted(self):
        path = "/".join(["acme", "p" * 64, "d" * 64, "K" * 128])
        self.do("set", path, stdin=b"v")
        self.assertEqual(self.reveal(path), b"v")
        self.refused(USAGE, "set", "/".join(["acme", "p" * 65, "d", "K"]), stdin=b"v", says="65 bytes")

    def test_wrong_command_lines_are_refused(self):
        for words, says in (((), "verb"), (("frobnicate",), "frobnicate"), (("exec",), "exec --help"),
                            (("set",), "PATH"), (("get", PATH, "extra"), "extra"), (("ls", "--frob"), "--frob"),
                            (("scope",), "ubcommand"), (("scope", "frob"), "scope"), (("\x1b[31m",), "x1b"),
                            (("get", "--version"), "--version"), (("restore", PATH), "VERSION")):
            with self.subTest(words=words):
                self.refused(USAGE, *words, says=says)

    def test_destructive_verbs_need_a_yes(self):
        self.do("set", PATH, stdin=b"v")
        before = self.revision()
        for words in (("rm", PATH), ("purge", PATH, "1"), ("member", "rm", "olga"), ("host", "rm", "web1")):
            self.refused(USAGE, *words, says="--yes")
        self.assertEqual(self.revision(), before)

    def test_help_and_version_are_answered(self):
        for words in (("--help",), ("set", "--help"), ("scope", "add", "-h"), ("--version",)):
            self.assertIn("coffer", self.do(*words))


class Stores(StoreCase):
    """Each case spoils the store, and every kind of command says so with status 7 (or the one given)."""

    def setUp(self):
        super().setUp()
        self.do("set", PATH, stdin=b"v")
        self.store = self.dir / "store.db"

    def everything_refused(self, status, says=""):
        for words in (("get", PATH), ("ls",), ("log",), ("verify",), ("set", PATH), ("rm", "--yes", PATH)):
            with self.subTest(words=words):
                self.refused(status, *words, stdin=b"x", says=says)

    def remove_logs(self):
        for suffix in ("-wal", "-shm"):
            (self.dir / f"store.db{suffix}").unlink(missing_ok=True)

    def checkpointed(self):
        database = sqlite3.connect(self.store)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()

    def test_a_missing_store(self):
        self.store.unlink()
        self.remove_logs()
        self.everything_refused(UNAVAILABLE, "no store at")
        self.assertFalse(self.store.exists())

    def test_a_file_that_is_no_store(self):
        self.remove_logs()
        for content in (b"", b"hello\n" * 1000, b"SQLite format 3\0" + b"x" * 5000):
            self.store.write_bytes(content)
            for words in (("get", PATH), ("verify",), ("set", PATH)):
                done = self.run_tool(*words, stdin=b"x")
                self.assertIn(done.returncode, (UNAVAILABLE, TAMPERED), done.stderr)
                self.assertEqual((done.stdout, done.stderr.count(b"\n")), (b"", 1))
            self.assertEqual(self.store.read_bytes(), content)

    def test_a_folder_in_its_place(self):
        self.store.unlink()
        self.remove_logs()
        self.store.mkdir()
        self.everything_refused(UNAVAILABLE)

    def test_another_programs_database(self):
        self.store.unlink()
        self.remove_logs()
        database = sqlite3.connect(self.store)
        database.execute("CREATE TABLE t(x)")
        database.commit()
        database.close()
        self.store.chmod(0o640)
        self.everything_refused(UNAVAILABLE, "not a store")

    def test_a_future_format(self):
        database = sqlite3.connect(self.store)
        database.execute("PRAGMA user_version = 2")
        database.close()
        self.everything_refused(UNAVAILABLE, "format 2")

    def test_a_foreign_table(self):
        database = sqlite3.connect(self.store)
        database.execute("CREATE TABLE extra(x)")
        database.close()
        self.everything_refused(TAMPERED, "schema")

    def test_a_folder_or_file_that_others_can_write(self):
        for path in (self.dir, self.store):
            before = stat.S_IMODE(path.stat().st_mode)
            path.chmod(before | 0o020)
            self.refused(NOT_ALLOWED, "set", PATH, stdin=b"x", says="chmod go-w")
            path.chmod(before)
        self.do("set", PATH, stdin=b"x")

    @unittest.skipUnless(os.geteuid() == 0, "needs root: mounts a file system read-only")
    def test_a_read_only_file_system(self):
        self.checkpointed()
        script = """mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@" """
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", self.dir,
                               os.environ["COFFER_PROGRAM"], "set", PATH], input=b"x", env=self.environment,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, UNAVAILABLE, done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertEqual(self.reveal(PATH), b"v")

    @unittest.skipUnless(os.geteuid() == 0, "needs root: mounts a small tmpfs")
    def test_a_full_disk(self):
        script = """
            mount -t tmpfs -o size=1m,mode=0700 none "$1" || exit 99
            "$2" init --org acme --dir "$1/s" --no-passphrase --owner olga --host web1 >/dev/null || exit 98
            printf v | "$2" set 'acme/*/*/KEY' >/dev/null || exit 97
            dd if=/dev/zero of="$1/fill" bs=4k 2>/dev/null
            head -c 100000 /dev/urandom | "$2" set 'acme/*/*/KEY' >/dev/null; echo "status $?"
            rm "$1/fill"
            "$2" get --reveal 'acme/*/*/KEY'; echo
            "$2" verify >/dev/null; echo "verify $?"
            printf w | "$2" set 'acme/*/*/KEY' >/dev/null; echo "again $?" """
        small = self.folder / "small"
        small.mkdir()
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", str(small),
                               os.environ["COFFER_PROGRAM"]], env=dict(self.environment, COFFER_CONFIG=str(
                                   small / "s/coffer.toml")), capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.stdout.split("\n"), ["status 7", "v", "verify 0", "again 0", ""], done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    @unittest.skipUnless(os.geteuid() == 0, "needs root: init on a full tmpfs")
    def test_init_on_a_full_disk_leaves_nothing(self):
        script = """
            mount -t tmpfs -o size=100k,mode=0700 none "$1" || exit 99
            "$2" init --org acme --dir "$1/s" --no-passphrase --owner olga --host web1; echo "status $?"
            ls -A "$1" """
        small = self.folder / "small"
        small.mkdir()
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", str(small),
                               os.environ["COFFER_PROGRAM"]], env=self.environment, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.stdout, "status 7\n", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root: acts as another user")
    def test_another_user_cannot_write_and_has_a_state_folder_of_their_own(self):
        self.folder.chmod(0o755)
        self.dir.chmod(0o755)
        self.store.chmod(0o644)
        for suffix in ("-wal", "-shm"):
            (self.dir / f"store.db{suffix}").chmod(0o644)
        file, recipient = self.identity("nobody")
        self.do("member", "add", "nobody", "--role", "admin", "--pattern", "acme/*/*", recipient)
        os.chown(file, NOBODY, NOBODY)
        home = self.folder / "nobody-home"
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        program = self.folder / "coffer"
        shutil.copy(os.environ["COFFER_PROGRAM"], program)

        def as_nobody(*words, stdin=b""):
            return subprocess.run([program, *words], env=dict(self.environment, HOME=str(home),
                                                              COFFER_IDENTITY=str(file)),
                                  input=stdin, user=NOBODY, group=NOBODY, extra_groups=[], timeout=60,
                                  capture_output=True, check=False)
        done = as_nobody("set", PATH, stdin=b"x")
        self.assertEqual(done.returncode, NOT_ALLOWED, done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertEqual(as_nobody("get", "--reveal", PATH).stdout, b"v")
        state = list(home.rglob("watermark"))
        self.assertEqual(len(state), 1)
        self.assertEqual(state[0].parent.parent, home / ".local/state/coffer")


class Configurations(StoreCase):
    def refused_with(self, status, text, says=""):
        config = self.folder / "bad.toml"
        config.write_text(text)
        return self.refused(status, "ls", config=config, says=says)

    def test_a_missing_configuration_names_the_file(self):
        done = self.run_tool("ls", config=self.folder / "none.toml")
        self.assertIn(done.returncode, (USAGE, NOT_FOUND))
        self.assertIn(b"none.toml", done.stderr)

    def test_a_malformed_configuration_says_where(self):
        good = (self.dir / "coffer.toml").read_text()
        self.refused_with(USAGE, good + "\nstroe = 1\n", "stroe")
        self.refused_with(USAGE, good.replace("threads = 0", 'threads = "many"'), "threads")
        self.refused_with(USAGE, good + "\n[unclosed\n", "bad.toml:")
        self.refused_with(USAGE, "store = \"store.db\"\n")
        self.refused_with(USAGE, "")

    def test_a_configuration_that_others_can_write_is_refused(self):
        (self.dir / "coffer.toml").chmod(0o666)
        self.refused(NOT_ALLOWED, "ls", says="coffer.toml")

    def test_a_configuration_of_another_owner_refuses_the_store(self):
        config = self.dir / "coffer.toml"
        pinned = next(line for line in config.read_text().splitlines() if line.startswith("owner = "))
        config.write_text(config.read_text().replace(pinned, f'owner = "{"00" * 16}"'))
        self.refused(TAMPERED, "ls")
        self.refused(TAMPERED, "set", PATH, stdin=b"x")

    def test_a_missing_identity_is_named(self):
        (self.dir / "owner.identity").rename(self.folder / "moved")
        self.refused(NOT_FOUND, "set", PATH, stdin=b"x", says="owner.identity")
        self.do("set", PATH, "--identity", self.folder / "moved", stdin=b"x")
        self.do("set", PATH, env={"COFFER_IDENTITY": str(self.folder / "moved")}, stdin=b"x")


if __name__ == "__main__":
    unittest.main()
