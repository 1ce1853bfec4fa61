# SPDX-License-Identifier: Apache-2.0
"""Many writers and readers, some of them killed: what they were told is what one register would have told them."""
import collections
import signal
import subprocess
import threading
import time
import unittest

from crash_case import CrashCase
from crash_run import LONG, chance, figure, require
from crash_store import DONE, KILLED, PROGRAM, UNAVAILABLE, CrashStore
from history import Read, Write, problems_in
from served import Served
from stored_host import StoredHost

SECRETS = ("acme/shop/live/ONE", "acme/shop/live/TWO")
WRITERS, WRITES = 4, 120 if LONG else 12


class Oracle(unittest.TestCase):
    """The check itself finds what it is for."""

    def test_a_good_history_is_good(self):
        writes = [Write(0, 1, b"a", 1), Write(2, 4, b"b", 2), Write(3, 5, b"c", None), Write(6, 7, b"d", 4), Write(6, 8, b"x", None)]
        kept = {1: b"a", 2: b"b", 3: b"c", 4: b"d"}
        reads = [Read(1.5, 2, b"a", "r", 1.5), Read(2.5, 3.5, b"b", "r", 2.5), Read(3.1, 3.2, b"a", "s", 3.1), Read(9, 9, b"d", "r", 9)]
        self.assertEqual(problems_in(writes, reads, kept), [])

    def test_each_bad_one_is_found(self):
        a, b = Write(0, 1, b"a", 1), Write(2, 3, b"b", 2)
        kept = {1: b"a", 2: b"b"}
        for name, writes, reads, store in (
                ("an acknowledged write is lost", [a, b], [], {1: b"a"}),
                ("a gap", [a, b._replace(version=3)], [], {1: b"a", 3: b"b"}),
                ("a version twice", [a, b._replace(version=1)], [], {1: b"a"}),
                ("real time is broken", [a._replace(begun=5, ended=6), b], [], kept),
                ("a value from nowhere", [a], [], {1: b"a", 2: b"?"}),
                ("an unknown write twice", [a, b._replace(version=None)], [], kept | {3: b"b"}),
                ("a stale read", [a, b], [Read(4, 5, b"a", "r", 4)], kept),
                ("a read that goes back", [a, b], [Read(2.1, 2.2, b"b", "r", 0), Read(2.3, 2.4, b"a", "r", 0)], kept),
                ("a read of what is nowhere", [a, b], [Read(4, 5, b"?", "r", 0)], kept),
                ("a read before its write", [a, b], [Read(1.1, 1.2, b"b", "r", 0)], kept)):
            with self.subTest(name):
                self.assertNotEqual(problems_in(writes, reads, store), [])


class History(CrashCase):
    def setUp(self):
        super().setUp()
        self.writes = collections.defaultdict(list)
        self.reads = collections.defaultdict(list)
        self.problems: list[str] = []
        self.writing = threading.Event()
        self.ends = {DONE, KILLED}  # of a write that are no problem

    def write(self, store: CrashStore, writer: int) -> None:
        """Writes of one writer, some with a condition on the version; now and then the tool is killed."""
        random = chance("writer", writer)
        for number in range(WRITES):
            name, value = random.choice(SECRETS), b"%d by %d" % (number, writer)
            begun = time.monotonic()
            with subprocess.Popen([PROGRAM, "set", name, "--json"], env=store.environment, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tool:
                if random.random() < 0.25:
                    threading.Timer(random.random() * 0.06, tool.kill).start()
                out, error = tool.communicate(value)
            ended = time.monotonic()
            version = self.version_in(out) if tool.returncode == DONE else None
            if tool.returncode not in self.ends:
                self.problems.append(f"set ended with {tool.returncode}: {error.decode()}")
            self.writes[name].append(Write(begun, ended, value, version))

    @staticmethod
    def version_in(document: bytes) -> int:
        return int(document.split(b'"version":')[1].split(b",")[0])

    def read_store(self, store: CrashStore, reader: str) -> None:
        while self.writing.is_set():
            for name in SECRETS:
                begun = time.monotonic()
                done = store.run("get", "--reveal", name)
                if done.returncode == DONE:
                    self.reads[name].append(Read(begun, time.monotonic(), done.stdout, reader, begun))
                else:
                    self.problems.append(f"get ended with {done.returncode}: {done.stderr.decode()}")

    def read_mount(self, served: Served, store: CrashStore, reader: str) -> None:
        """What the daemon says that it has come to, it shows; how soon it comes there, nobody promises."""
        while self.writing.is_set():
            asked = time.monotonic()
            revision = len(store.json("log"))
            served.wait_for(revision)
            for name in SECRETS:
                begun = time.monotonic()
                value = served.read(name)
                if value is None:
                    self.problems.append(f"{name} is refused in the mount:\n{served.said()}")
                else:
                    self.reads[name].append(Read(begun, time.monotonic(), value, reader, asked))

    def kill_service(self, host: StoredHost) -> None:
        random = chance("service")
        while self.writing.is_set():
            time.sleep(random.random() * 0.3)
            host.stop(signal.SIGKILL)
            self.service_kills += 1
            host.start()

    def together(self, store: CrashStore, beside: list[tuple]) -> None:
        for name in SECRETS:
            begun = time.monotonic()
            store.do("set", name, stdin=b"first")
            self.writes[name].append(Write(begun, time.monotonic(), b"first", 1))
        self.writing.set()
        readers = [threading.Thread(target=self.guarded, args=part) for part in beside]
        writers = [threading.Thread(target=self.guarded, args=(self.write, store, writer)) for writer in range(WRITERS)]
        for thread in readers + writers:
            thread.start()
        for thread in writers:
            thread.join()
        self.writing.clear()
        for thread in readers:
            thread.join()

    def guarded(self, part, *arguments) -> None:
        try:
            part(*arguments)
        except Exception as problem:
            self.problems.append(f"{part.__name__}: {problem}")

    def judge(self, store: CrashStore, what: str) -> None:
        kept = collections.defaultdict(dict)
        for (name, version), value in store.values().items():
            kept[name][version] = value
        for name in SECRETS:
            self.problems += [f"{name}: {problem}" for problem in problems_in(self.writes[name], self.reads[name], kept[name])]
        writes = [write for name in SECRETS for write in self.writes[name]]
        unknown = [write for write in writes if write.version is None]
        figure(f"histories, {what}", writes=len(writes), of_them_killed_or_failed=len(unknown),
               of_these_there=sum(write.value in kept[name].values() for name in SECRETS for write in self.writes[name]
                                  if write.version is None),
               reads=sum(map(len, self.reads.values())), not_linearizable=len(self.problems))
        require(any(write.version for write in writes) and any(self.reads.values()), "nothing was tried")
        self.expect_none(self.problems)
        store.check_sound()

    def test_writers_and_readers_of_a_store_and_a_mount_agree_on_one_order(self):
        store = self.store("own")
        store.init()
        store.allow_root()
        store.do("set", SECRETS[0].replace("ONE", "OTHER"), stdin=b"makes the scope")
        with Served(store) as served:
            self.together(store, [(self.read_store, store, "store"), (self.read_mount, served, store, "mount")])
            served.wait_for(len(store.hashes()))
            served.check_serves({name: store.do("get", "--reveal", name) for name in SECRETS})
            served.stop()
        self.judge(store, "writers with the file")

    def test_writers_through_a_service_that_is_killed_agree_on_one_order(self):
        StoredHost.install(self.folder)
        store = self.store("service")
        store.init()
        store.do("set", SECRETS[0].replace("ONE", "OTHER"), stdin=b"makes the scope")
        host = StoredHost(store)
        host.take_over()
        with host:
            host.start()
            self.ends.add(UNAVAILABLE)  # told so, and perhaps there
            self.service_kills = 0
            self.together(store, [(self.read_store, store, "store"), (self.kill_service, host)])
            figure("kills of coffer-stored under its writers", tried=self.service_kills)
            require(self.service_kills > 0, "the service was never killed")
            self.judge(store, "writers through coffer-stored")
            host.stop()


if __name__ == "__main__":
    unittest.main()
