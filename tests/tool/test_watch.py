# SPDX-License-Identifier: Apache-2.0
"""watch: changes as they come, by the real program on a real store. What needs a mount is in tests/mount."""
import json
import os
import select
import signal
import subprocess
import time
import unittest

from store_case import DONE, NOT_FOUND, PROGRAM, USAGE, StoreCase

KEY = "acme/checkout/production/DB_PASSWORD"
PATIENCE = 60


class Watch:
    """A running `coffer watch`, its lines taken as they come."""

    def __init__(self, case, *arguments, wait_for="watching from"):
        self.case = case
        self.process = subprocess.Popen(
            [os.fsencode(PROGRAM), "watch", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, bufsize=0, env=case.environment, start_new_session=True)
        case.addCleanup(self.process.stdout.close)
        case.addCleanup(self.process.stderr.close)
        case.addCleanup(self.process.wait)
        case.addCleanup(self.process.kill)
        if wait_for:
            self.told(wait_for)

    def _line(self, stream):
        text = b""
        end = time.monotonic() + PATIENCE
        while not text.endswith(b"\n"):
            self.case.assertTrue(select.select([stream], [], [], end - time.monotonic())[0], f"nothing came after {text!r}")
            byte = os.read(stream.fileno(), 1)
            self.case.assertTrue(byte, "the end came")
            text += byte
        return text.decode()

    def line(self):
        return self._line(self.process.stdout)

    def told(self, words):
        """The next line on stderr, which has to hold these words."""
        line = self._line(self.process.stderr)
        self.case.assertIn(words, line)
        return line

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.case.assertEqual(self.process.wait(PATIENCE), DONE)
        return self.process.stdout.read().decode()


class Printing(StoreCase):
    def test_each_operation_is_a_line_as_the_log_shows_it(self):
        watch = Watch(self)
        self.set(KEY, b"one")
        self.do("rm", KEY, "--yes")
        texts = [watch.line() for _ in range(5)]
        log = self.json("log", "--limit", "2")
        self.assertEqual(texts[0].split("  ")[0], str(log[1]["revision"]))
        self.assertIn("  olga  scope key acme/checkout/production masked generation 1\n", texts[0])
        self.assertIn(f"put {KEY} version 1\n", texts[3])
        self.assertIn(f"{log[0]['revision']}  {log[0]['time']}  olga  remove {KEY} version 2\n", texts[4])
        self.assertEqual(watch.stop(), "")

    def test_json_is_a_line_for_each_operation(self):
        watch = Watch(self, "--json")
        self.set(KEY, b"never shown")
        operations = self.json("log", "--limit", "1")[0]["operations"]
        lines = [json.loads(watch.line()) for _ in operations]
        for line, operation in zip(lines, operations):
            self.assertEqual({key: line[key] for key in operation}, operation)
            self.assertEqual((line["revision"], line["signer"]), (self.revision(), "olga"))
        self.assertEqual(watch.stop(), "")

    def test_from_now_on_is_the_default_and_since_begins_earlier(self):
        self.set(KEY, b"one")
        first = self.revision()
        self.set(KEY, b"two")
        self.set(KEY, b"three")
        watch = Watch(self, "--json", "--since", first)
        self.assertEqual([json.loads(watch.line())["version"] for _ in range(2)], [2, 3])
        now = Watch(self, "--json")
        self.set(KEY, b"four")
        self.assertEqual(json.loads(now.line())["version"], 4)
        self.assertEqual(json.loads(watch.line())["version"], 4)
        self.assertEqual(watch.stop() + now.stop(signal.SIGINT), "")

    def test_from_the_first_revision_the_whole_log_is_shown(self):
        for number in range(30):
            self.set(f"acme/checkout/production/KEY{number}", b"x")
        commits = self.json("log")
        watch = Watch(self, "--json", "--since", 0)
        wanted = [(commit["revision"], operation["operation"]) for commit in reversed(commits) for operation in commit["operations"]]
        found = [json.loads(watch.line()) for _ in wanted]
        self.assertEqual([(line["revision"], line["operation"]) for line in found], wanted)
        self.assertEqual(watch.stop(), "")

    def test_nothing_is_missed_or_shown_twice_when_other_commands_of_the_user_are_quicker(self):
        # They share what the user's commands have verified, and take new commits into it.
        self.set(KEY, b"first")
        watch = Watch(self, "--json")
        for number in range(40):
            self.set(KEY, str(number).encode())
        self.assertEqual([json.loads(watch.line())["version"] for _ in range(40)], list(range(2, 42)))
        self.assertEqual(watch.stop(), "")

    def test_wrong_choices_are_refused(self):
        self.refused(USAGE, "watch", "--since", "x", says="--since")
        self.refused(NOT_FOUND, "watch", "--since", "99", says="no revision 99")
        self.refused(USAGE, "watch", "--audit", "x", says="--reload")
        self.refused(USAGE, "watch", "--touch", "", says="--touch MOUNT")
        config = self.dir / "coffer.toml"
        config.write_text("".join(line for line in config.read_text().splitlines(True) if not line.startswith("mount")))
        self.refused(USAGE, "watch", "--reload", says="mount")

    def test_a_closed_output_ends_it_with_an_error(self):
        watch = Watch(self)
        watch.process.stdout.close()
        self.set(KEY, b"one")
        self.assertEqual(watch.process.wait(PATIENCE), 1)


class Waiting(StoreCase):
    def test_a_store_that_goes_away_for_a_while_is_waited_for_and_told(self):
        self.set(KEY, b"one")
        watch = Watch(self, "--json")
        (self.dir / "store.db").rename(self.dir / "away.db")
        watch.told("waiting for the store")
        (self.dir / "away.db").rename(self.dir / "store.db")
        watch.told("the store is there again")
        self.set(KEY, b"two")
        self.assertEqual(json.loads(watch.line())["version"], 2)
        self.assertEqual(watch.stop(), "")

    def test_a_store_that_is_not_there_at_the_start_is_waited_for(self):
        self.set(KEY, b"one")
        (self.dir / "store.db").rename(self.dir / "away.db")
        watch = Watch(self, "--json", wait_for="waiting for the store")
        (self.dir / "away.db").rename(self.dir / "store.db")
        watch.told("the store is there")
        watch.told("watching from")
        self.set(KEY, b"two")
        self.assertEqual(json.loads(watch.line())["version"], 2)
        self.assertEqual(watch.stop(), "")

    def test_while_it_waits_it_can_be_stopped(self):
        (self.dir / "store.db").rename(self.dir / "away.db")
        self.assertEqual(Watch(self, wait_for="waiting for the store").stop(), "")


class Executing(StoreCase):
    def setUp(self):
        super().setUp()
        self.set(KEY, b"one")
        self.out = self.folder / "out"

    def lines(self, count):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.out.read_text().splitlines() if self.out.exists() else []
            if len(found) >= count:
                return found
            time.sleep(0.02)
        self.fail(f"{count} lines did not come")

    def test_a_command_runs_for_each_change_with_its_facts(self):
        watch = Watch(self, "--exec", f'echo "$COFFER_PATH $COFFER_VERSION $COFFER_OPERATION $COFFER_REVISION" >> {self.out}')
        first = self.revision()
        self.set(KEY, b"two")
        self.do("rm", KEY, "--yes")
        self.do("purge", KEY, "1", "--yes")
        self.set("acme/*/*/WIDE", b"x")
        found = self.lines(4)
        self.assertEqual(found[:3], [f"{KEY} 2 put {first + 1}", f"{KEY} 3 remove {first + 2}", f"{KEY} 1 purge {first + 3}"])
        self.assertEqual(found[3], f"acme/*/*/WIDE 1 put {self.revision()}")
        watch.stop()

    def test_one_runs_at_a_time_and_a_failure_is_told_and_not_the_end(self):
        lock = self.folder / "lock"
        watch = Watch(self, "--exec", f"mkdir {lock} && sleep 0.05 && rmdir {lock} && echo $COFFER_VERSION >> {self.out} && exit 3")
        for value in (b"two", b"three", b"four"):
            self.set(KEY, value)
        for version in (2, 3, 4):
            self.assertIn("ended with status 3", watch.told(f"{KEY} version {version}"))
        self.assertEqual(self.lines(3), ["2", "3", "4"])
        watch.stop()

    def test_its_output_does_not_mix_with_the_lines(self):
        watch = Watch(self, "--json", "--exec", "echo hello; cat")
        self.set(KEY, b"two")
        watch.told("hello")
        self.assertEqual(json.loads(watch.line())["version"], 2)
        self.assertEqual(watch.stop(), "")

    def test_a_command_that_does_not_end_is_stopped_with_it(self):
        watch = Watch(self, "--exec", f"echo $$ > {self.out}; exec sleep 1000")
        self.set(KEY, b"two")
        child = int(self.lines(1)[0])
        watch.stop()
        with self.assertRaises(ProcessLookupError):
            os.kill(child, 0)

    def test_signals_are_as_they_were_for_the_command(self):
        watch = Watch(self, "--exec", f"grep -E '^Sig(Blk|Ign)' /proc/self/status >> {self.out}")
        self.set(KEY, b"two")
        found = dict(line.split(":\t") for line in self.lines(2))
        self.assertEqual(int(found["SigBlk"], 16), 0)
        self.assertEqual(int(found["SigIgn"], 16) & 1 << (signal.SIGPIPE - 1), 0)
        watch.stop()


class Tampering(StoreCase):
    def test_a_store_that_was_turned_back_is_told_and_not_shown(self):
        self.set(KEY, b"one")
        old = (self.dir / "store.db").read_bytes()
        self.set(KEY, b"two")
        watch = Watch(self, "--json")
        for name in ("store.db-wal", "store.db-shm"):
            (self.dir / name).unlink(missing_ok=True)
        (self.dir / "old.db").write_bytes(old)
        (self.dir / "old.db").chmod(0o600)
        (self.dir / "old.db").rename(self.dir / "store.db")
        watch.told("is not believed")
        self.assertEqual(watch.stop(), "")


if __name__ == "__main__":
    unittest.main()
