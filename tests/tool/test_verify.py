# SPDX-License-Identifier: Apache-2.0
"""verify, --repair, --accept-rollback: stores that somebody has written to without a key."""
import json
import shutil
import sqlite3
import unittest

from store_case import CONFLICT, NOT_FOUND, TAMPERED, USAGE, StoreCase

PATH = "acme/*/*/KEY"


class TamperCase(StoreCase):
    def setUp(self):
        super().setUp()
        for value in (b"one", b"two", b"three"):
            self.do("set", PATH, stdin=value)

    def sql(self, statement, *values):
        database = sqlite3.connect(self.dir / "store.db")
        with database:
            rows = database.execute(statement, values).fetchall()
        database.close()
        return rows

    def flip(self, table, key, value, offset=-1):
        bytes_ = bytearray(self.sql(f"SELECT bytes FROM {table} WHERE {key} = ?", value)[0][0])
        bytes_[offset] ^= 1
        self.sql(f"UPDATE {table} SET bytes = ? WHERE {key} = ?", bytes(bytes_), value)

    def problems(self):
        """The problems that verify reports; it must give exit status 6."""
        done = self.run_tool("verify", "--json")
        self.assertEqual(done.returncode, TAMPERED, done.stderr.decode())
        self.assertEqual(done.stderr.count(b"\n"), 1)
        report = json.loads(done.stdout)
        self.assertFalse(report["ok"])
        return report["problems"]


class Verify(TamperCase):
    def test_a_good_store_is_counted(self):
        report = self.json("verify")
        self.assertEqual((report["ok"], report["revision"], report["secrets"], report["versions"],
                          report["payloads"], report["orphans"]), (True, 5, 1, 3, 3, 0))
        self.assertIn("3 payloads verified", self.do("verify"))
        self.do("verify", "--repair")
        self.assertEqual(self.revision(), 5)

    def test_a_changed_commit_is_found_wherever_it_is(self):
        for revision in (1, 3, 5):
            for offset in (0, 6, 50, 110, -1):
                with self.subTest(revision=revision, offset=offset):
                    self.flip("commits", "revision", revision, offset)
                    self.assertIn(f"revision {revision} does not verify", self.problems()[0])
                    self.flip("commits", "revision", revision, offset)
        self.assertTrue(self.json("verify")["ok"])

    def test_a_missing_commit_is_found(self):
        self.sql("DELETE FROM commits WHERE revision = 3")
        self.assertIn("revision 3 does not verify", self.problems()[0])

    def test_a_changed_a_missing_and_a_foreign_payload_are_told_apart(self):
        first, second = [row[0] for row in self.sql("SELECT hash FROM payloads ORDER BY hash LIMIT 2")]
        self.flip("payloads", "hash", first)
        self.sql("DELETE FROM payloads WHERE hash = ?", second)
        problems = self.problems()
        self.assertEqual(len(problems), 2)
        self.assertEqual(sum("was changed" in problem for problem in problems), 1)
        self.assertEqual(sum("missing" in problem for problem in problems), 1)

    def test_a_live_payload_that_was_changed_is_not_revealed(self):
        for (payload,) in self.sql("SELECT hash FROM payloads"):
            self.flip("payloads", "hash", payload)
        self.refused(TAMPERED, "get", "--reveal", PATH, says="changed")
        self.do("get", PATH)

    def test_a_payload_that_no_commit_names_is_noted_and_removed_by_repair(self):
        self.sql("INSERT INTO payloads VALUES(?, ?)", b"\1" * 32, b"junk")
        self.assertEqual(self.json("verify")["orphans"], 1)
        self.assertIn("1 payload that no commit names", self.do("verify"))
        self.assertEqual(self.json("verify", "--repair")["orphans"], 0)
        self.assertEqual(len(self.sql("SELECT hash FROM payloads")), 3)

    def test_a_purged_payload_that_came_back_is_found_and_repaired(self):
        before = dict(self.sql("SELECT hash, bytes FROM payloads"))
        self.do("purge", "--yes", PATH, "1")
        gone = set(before) - {row[0] for row in self.sql("SELECT hash FROM payloads")}
        self.assertEqual(len(gone), 1)
        for payload in gone:
            self.sql("INSERT INTO payloads VALUES(?, ?)", payload, before[payload])
        self.assertIn("purged and is stored still", self.problems()[0])
        self.do("verify", "--repair")
        self.assertEqual(len(self.sql("SELECT hash FROM payloads")), 2)

    def test_a_tail_that_does_not_verify_stops_writers_and_warns_readers(self):
        self.sql("INSERT INTO commits VALUES(6, ?)", b"CFRC" + b"\1" * 200)
        self.refused(TAMPERED, "set", PATH, stdin=b"four", says="revision 6")
        done = self.run_tool("get", "--reveal", PATH)
        self.assertEqual((done.returncode, done.stdout), (0, b"three"))
        self.assertIn(b"warning: the store does not verify from revision 6", done.stderr)
        self.refused(USAGE, "verify", "--repair", says="--yes")
        self.assertEqual(len(self.sql("SELECT 1 FROM commits")), 6)

    def test_repair_cuts_what_does_not_verify_and_nothing_else(self):
        self.sql("INSERT INTO commits VALUES(6, ?)", b"CFRC" + b"\1" * 200)
        self.sql("INSERT INTO commits VALUES(7, ?)", b"more")
        self.do("verify", "--repair", "--yes")
        self.assertEqual([row[0] for row in self.sql("SELECT revision FROM commits")], [1, 2, 3, 4, 5])
        self.assertTrue(self.json("verify")["ok"])
        self.do("set", PATH, stdin=b"four")
        self.assertEqual(self.reveal(PATH), b"four")

    def test_repair_does_not_empty_a_store(self):
        self.flip("commits", "revision", 1)
        self.refused(TAMPERED, "verify", "--repair", "--yes", says="revision 1")
        self.assertEqual(len(self.sql("SELECT 1 FROM commits")), 5)

    def test_log_does_not_show_what_was_not_verified(self):
        self.flip("commits", "revision", 3)
        self.refused(TAMPERED, "log", says="revision 3")

    def test_a_store_of_another_owner_is_refused(self):
        other = self.folder / "other"
        self.do("init", "--org", "acme", "--dir", other, "--no-passphrase", "--owner", "eve", "--host", "web1")
        for name in ("store.db", "store.db-wal", "store.db-shm"):
            shutil.copy(other / name, self.dir / name)
        self.refused(TAMPERED, "set", PATH, stdin=b"x")
        self.problems()


class Rollback(TamperCase):
    def setUp(self):
        super().setUp()
        self.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.backup = self.folder / "backup.db"
        shutil.copy(self.dir / "store.db", self.backup)
        self.do("set", PATH, stdin=b"four")

    def put_back(self):
        for name in ("store.db-wal", "store.db-shm"):
            (self.dir / name).unlink(missing_ok=True)
        shutil.copy(self.backup, self.dir / "store.db")

    def test_an_older_store_is_refused_until_it_is_accepted_by_hand(self):
        self.put_back()
        error = self.refused(TAMPERED, "ls", says="--accept-rollback 5:")
        self.refused(TAMPERED, "set", PATH, stdin=b"x")
        self.assertIn("revision 6", self.problems()[0])
        head = error.split("--accept-rollback ")[1].split("`")[0].strip()
        self.refused(USAGE, "verify", "--accept-rollback", head, says="--yes")
        self.do("verify", "--accept-rollback", head, "--yes")
        self.assertEqual(self.reveal(PATH), b"three")
        self.assertTrue(self.json("verify")["ok"])
        self.do("set", PATH, stdin=b"another four")

    def test_only_a_head_that_the_store_has_can_be_accepted(self):
        self.put_back()
        self.refused(NOT_FOUND, "verify", "--accept-rollback", "9:" + "00" * 32, "--yes")
        self.refused(CONFLICT, "verify", "--accept-rollback", "5:" + "00" * 32, "--yes")
        for words in ("5", "5:", "x:" + "00" * 32, "5:" + "zz" * 32, ""):
            self.refused(USAGE, "verify", "--accept-rollback", words, "--yes")
        self.refused(USAGE, "verify", "--accept-rollback", "5:" + "00" * 32, "--repair")
        self.refused(USAGE, "verify", "--daemon", says="--accept-rollback")
        self.refused(TAMPERED, "ls")

    def test_the_daemons_watermark_is_moved_with_the_hosts_identity(self):
        head = self.json("log", "-n", "1")[0]
        words = f"{head['revision']}:{head['hash']}"
        self.do("verify", "--accept-rollback", words, "--daemon", "--yes")
        self.assertTrue((self.dir / "state/daemon/watermark").exists())

    def test_a_fork_at_the_same_height_is_refused(self):
        self.put_back()
        shutil.copytree(self.dir, self.folder / "fork")
        shutil.rmtree(self.folder / "fork/state")
        self.do("set", PATH, stdin=b"another four", config=self.folder / "fork/coffer.toml")
        for name in ("store.db", "store.db-wal", "store.db-shm"):
            shutil.copy(self.folder / "fork" / name, self.dir / name)
        self.refused(TAMPERED, "get", PATH)


if __name__ == "__main__":
    unittest.main()
