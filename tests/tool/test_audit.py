# SPDX-License-Identifier: Apache-2.0
"""audit verify, audit show: over logs that this file writes itself, by docs/audit.md alone."""
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import unittest

from store_case import DONE, NOT_ALLOWED, NOT_FOUND, PROGRAM, TAMPERED, USAGE, StoreCase

ZERO = bytes(32)


class Chain:
    """Records as the daemon writes them."""

    def __init__(self):
        self.sequence, self.head = 0, ZERO

    def line(self, kind, **members):
        self.sequence += 1
        record = {"seq": self.sequence, "time": f"2026-01-31T12:00:{self.sequence % 60:02}.000Z", "kind": kind, **members}
        body = json.dumps(record, separators=(",", ":"))[:-1]
        self.head = hashlib.blake2b(b"coffer/audit/1" + self.head + body.encode(), digest_size=32).digest()
        return f'{body},"hash":"{self.head.hex()}"}}\n'

    def decision(self, decision="allow", path="acme/checkout/production/KEY", uid=1001, **members):
        why = {"rule": "a rule"} if decision == "allow" else {"reason": "no rule allows it"}
        return self.line("decision", decision=decision, operation="open", path=path, **why, tid=7, tgid=7, uid=uid, gid=uid, **members)

    def continued(self):
        return self.line("continued", previous=self.head.hex())


class AuditCase(StoreCase):
    makes_store = False

    def log(self, name, *lines):
        file = self.folder / name
        file.write_text("".join(lines))
        return file

    def report(self, *arguments, status=DONE):
        done = self.run_tool("audit", "verify", "--json", *arguments)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        self.assertEqual(done.stderr.count(b"\n"), 0 if status == DONE else 1)
        report = json.loads(done.stdout)
        self.assertEqual(report["ok"], status == DONE)
        return report


class Verify(AuditCase):
    def test_a_good_log_is_counted_and_its_last_hash_printed(self):
        chain = Chain()
        log = self.log("log", chain.line("start", detail="x"), chain.decision(), chain.line("repeat", of=2, count=5))
        self.assertEqual(self.do("audit", "verify", log), f"3 records verified, 1 to 3\nhead {chain.head.hex()}\n")
        self.assertEqual(self.report(log), {
            "ok": True, "files": 1, "records": 3, "first": 1, "last": 3, "head": chain.head.hex(),
            "follows": None, "unfinished": False})

    def test_an_empty_log_has_no_records(self):
        self.assertEqual(self.do("audit", "verify", self.log("log")), "0 records verified\n")

    def test_an_edited_line_is_named_with_what_was_expected_and_found(self):
        chain = Chain()
        lines = [chain.decision() for _ in range(4)]
        real = json.loads(lines[2])["hash"]
        lines[2] = lines[2].replace("1001", "1002")
        log = self.log("log", *lines)
        report = self.report(log, status=TAMPERED)
        self.assertEqual((report["file"], report["line"], report["found"]), (str(log), 3, real))
        self.assertNotEqual(report["expected"], real)
        self.assertEqual((report["records"], report["head"]), (2, json.loads(lines[1])["hash"]))
        done = self.run_tool("audit", "verify", log)
        self.assertEqual(done.returncode, TAMPERED)
        self.assertIn(f"problem: {log}:3: ", done.stdout.decode())
        self.assertIn(f"expected: {report['expected']}\nfound:    {real}\n", done.stdout.decode())
        self.assertIn("2 records verified", done.stdout.decode())
        self.assertTrue(done.stderr.startswith(b"coffer: the audit log does not hold: "), done.stderr)

    def test_lines_that_were_deleted_inserted_swapped_or_cut_in_the_middle_are_found(self):
        chain = Chain()
        lines = [chain.decision(uid=uid) for uid in range(1, 7)]
        for text in ([*lines[:2], *lines[3:]], [*lines[:3], lines[1], *lines[3:]], [lines[1], lines[0], *lines[2:]],
                     lines[1:], [*lines[:2], lines[2][:50] + "\n", *lines[3:]], [*lines[:2], "\n", *lines[2:]],
                     [*lines, "junk\n"], [*lines[:3], Chain().decision(), *lines[3:]]):
            self.assertIn("line", self.report(self.log("log", *text), status=TAMPERED))

    def test_a_cut_end_is_found_with_a_head_that_was_kept_elsewhere(self):
        chain = Chain()
        first = [chain.decision(), chain.decision()]
        early = chain.head.hex()
        rest = [chain.decision(), chain.decision()]
        cut, whole = self.log("cut", *first), self.log("whole", *first, *rest)
        self.report(cut)
        self.report(cut, "--head", early)
        self.report(whole, "--head", early)
        self.report(whole, "--head", chain.head.hex())
        report = self.report(cut, "--head", chain.head.hex(), status=TAMPERED)
        self.assertIn(chain.head.hex(), report["problem"])
        self.refused(USAGE, "audit", "verify", whole, "--head", "abc", says="--head")

    def test_rotated_files_are_checked_in_the_order_given(self):
        chain = Chain()
        first = self.log("log.2", chain.decision(), chain.decision())
        after_first = chain.head.hex()
        second = self.log("log.1", chain.continued(), chain.decision())
        third = self.log("log", chain.continued(), chain.decision())
        report = self.report(first, second, third)
        self.assertEqual((report["files"], report["records"], report["head"]), (3, 6, chain.head.hex()))
        later = self.report(second, third)
        self.assertEqual((later["follows"], later["first"]), (after_first, 3))
        self.assertIn(f"note: begins after {after_first}", self.do("audit", "verify", second, third))
        broken = self.report(first, third, status=TAMPERED)
        self.assertEqual((broken["file"], broken["line"], broken["expected"]), (str(third), 1, after_first))
        self.report(second, first, status=TAMPERED)

    def test_a_line_that_a_crash_cut_short_is_accounted_for(self):
        chain = Chain()
        lines = [chain.decision(), '{"seq":2,"ti\n', '{"seq"\n', chain.line("torn", detail="cut short"), chain.decision()]
        self.assertEqual(self.report(self.log("log", *lines))["records"], 3)
        self.assertFalse(self.report(self.log("log", *lines))["unfinished"])
        open_end = self.report(self.log("log", *lines, chain.decision()[:30]))
        self.assertTrue(open_end["unfinished"])
        self.assertEqual(open_end["records"], 3)

    def test_a_log_comes_from_a_pipe_as_well(self):
        chain = Chain()
        text = "".join(chain.decision(uid=uid) for uid in range(20000)).encode()
        self.assertIn("20000 records verified", self.do("audit", "verify", "-", stdin=text))
        done = self.run_tool("audit", "verify", "-", stdin=text[:3_000_000] + b"x" + text[3_000_001:])
        self.assertEqual(done.returncode, TAMPERED)

    def test_what_is_no_log_is_refused(self):
        self.refused(NOT_FOUND, "audit", "verify", self.folder / "none")
        done = self.run_tool("audit", "verify", self.log("log", "x" * 2_000_000))
        self.assertEqual(done.returncode, TAMPERED)
        if os.geteuid() == 0:
            secret = self.log("secret", Chain().decision())
            secret.chmod(0o600)
            self.folder.chmod(0o711)
            # Of its own, since this checkout may lie where that user may not go.
            program = self.folder / "coffer"
            shutil.copy(os.environ["COFFER_PROGRAM"], program)
            done = subprocess.run([program, "audit", "verify", secret], user=60001, group=60001, extra_groups=[],
                                  env=self.environment, timeout=60, capture_output=True, check=False)
            self.assertEqual(done.returncode, NOT_ALLOWED, done.stderr)


class Configured(AuditCase):
    makes_store = True

    def test_without_a_file_the_configured_log_is_meant(self):
        chain = Chain()
        (self.dir / "audit.jsonl").write_text(chain.decision())
        self.assertEqual(self.report()["head"], chain.head.hex())
        self.assertEqual(len(self.json("audit", "show")), 1)

    def test_a_log_in_the_journal_alone_has_no_file(self):
        config = self.dir / "coffer.toml"
        text = config.read_text()
        self.assertIn('audit_file = "audit.jsonl"', text)
        config.write_text(text.replace('audit_file = "audit.jsonl"', 'audit_file = ""').replace(
            "audit_journal = false", "audit_journal = true"))
        self.refused(USAGE, "audit", "verify", says="journalctl")


class Show(AuditCase):
    def setUp(self):
        super().setUp()
        self.chain = chain = Chain()
        self.file = self.log(
            "log", chain.line("start", detail="cofferd 1"), chain.decision(exe="/usr/bin/web", unit="web.service", version=3),
            chain.decision("deny", uid=1002), chain.line("repeat", of=2, count=5), chain.line("repeat", of=3, count=7),
            chain.decision(path="acme/other/production/KEY"))

    def shown(self, *arguments):
        return [record["seq"] for record in self.json("audit", "show", self.file, *arguments)]

    def test_records_are_a_table(self):
        lines = self.do("audit", "show", self.file).splitlines()
        self.assertEqual(len(lines), 7)
        self.assertEqual(lines[0].split(), ["SEQ", "TIME", "WHAT", "PATH", "UID", "BY", "WHY"])
        for word in ("allow open", "acme/checkout/production/KEY v3", "1001", "/usr/bin/web web.service", "a rule"):
            self.assertIn(word, lines[2])
        self.assertIn("deny open", lines[3])
        self.assertIn("no rule allows it", lines[3])
        self.assertIn("again 5 times", lines[4])

    def test_records_are_chosen_and_their_counts_with_them(self):
        self.assertEqual(self.shown(), [1, 2, 3, 4, 5, 6])
        self.assertEqual(self.shown("--denied"), [3, 5])
        self.assertEqual(self.shown("--uid", "1001"), [2, 4, 6])
        self.assertEqual(self.shown("--path", "acme/other/**"), [6])
        self.assertEqual(self.shown("--path", "acme/*/production/KEY", "--uid", "1002"), [3, 5])
        self.assertEqual(self.shown("--uid", "7"), [])

    def test_what_a_program_is_called_does_nothing_to_the_terminal(self):
        log = self.log("log", Chain().decision(exe="/tmp/\x1b[2Jx\u009b\n"))
        self.assertIn("/tmp/?[2Jx??", self.do("audit", "show", log))

    def test_wrong_choices_are_refused(self):
        self.refused(USAGE, "audit", "show", self.file, "--uid", "root", says="--uid")
        self.refused(USAGE, "audit", "show", self.file, "--path", "*" * 40)
        self.refused(USAGE, "audit", "show", self.file, "--follow", "--json", says="--follow")
        self.refused(USAGE, "audit", says="--help")

    def test_follow_goes_on_over_a_rotation(self):
        show = subprocess.Popen([os.fsencode(PROGRAM), "audit", "show", "--follow", "--denied", self.file],
                                stdout=subprocess.PIPE, bufsize=0, env=self.environment)
        self.addCleanup(show.stdout.close)
        self.addCleanup(show.wait)
        self.addCleanup(show.send_signal, signal.SIGTERM)

        def next_line():
            self.assertTrue(select.select([show.stdout], [], [], 30)[0], "nothing came")
            return show.stdout.readline().decode()

        self.assertIn("deny open", next_line())
        self.assertIn("again 7 times", next_line())
        with self.file.open("a") as file:
            file.write(self.chain.decision())
            line = self.chain.decision("deny", uid=1003)
            file.write(line[:20])
            file.flush()
            file.write(line[20:])
        self.assertIn("1003", next_line())
        self.file.rename(self.folder / "log.1")
        with (self.folder / "log.1").open("a") as file:
            file.write(self.chain.decision("deny", uid=1004))
        self.log("log", self.chain.continued(), self.chain.decision("deny", uid=1005))
        self.assertIn("1004", next_line())
        self.assertIn("1005", next_line())


if __name__ == "__main__":
    unittest.main()
