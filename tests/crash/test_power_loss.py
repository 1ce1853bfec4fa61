# SPDX-License-Identifier: Apache-2.0
"""The power goes at any moment of a store's life: what was acknowledged is there, and nothing that is there is half."""
import itertools
import shutil
import unittest
from typing import NamedTuple

import disk
import shim
from crash_case import A, B, GONE, CrashCase
from crash_run import LONG, chance, figure, problems_of, require, spread
from crash_store import KILLED, TAMPERED, CrashStore
from served import Served


class Acknowledged(NamedTuple):
    """From this place of the trace on, the log has that many commits for ever."""
    place: int
    commits: int


class Life:
    """A store that is used, with everything that is written to its folder."""

    def __init__(self, store: CrashStore):
        self.store = store
        self.trace = store.folder / "trace"
        self.trace.touch()
        self.env = shim.environment(store.disk, trace=self.trace)
        self.acknowledged: list[Acknowledged] = []
        self.values: dict[tuple[str, int], bytes] = {}
        self.calls: list[disk.Call] = []
        self.modes: dict[str, int] = {}
        self.hashes: list[str] = []

    def __repr__(self) -> str:  # in the name of a case
        return f"{len(self.hashes)} commits"

    def look(self, place: int) -> None:
        """The log as it is; by a program that is in the trace itself, since it may write."""
        self.hashes = [commit["hash"] for commit in reversed(self.store.json("log", env=self.env))]
        self.acknowledged.append(Acknowledged(place, len(self.hashes)))

    def do(self, *arguments, **options) -> None:
        self.store.do(*arguments, env=self.env, **options)
        self.look(self.trace.stat().st_size)

    def set(self, name: str, version: int, value: bytes) -> None:
        self.values[name, version] = value
        self.do("set", name, stdin=value)

    def set_killed(self, name: str, version: int, value: bytes, fault: shim.Fault) -> None:
        """Unknown to who asked for it; it may be there from now on."""
        self.values[name, version] = value
        done = self.store.run("set", name, stdin=value, env=shim.environment(self.store.disk, fault, self.trace))
        require(done.returncode == KILLED, "not killed:", done.returncode, done.stderr)

    def init(self) -> None:
        self.store.init(env=self.env)
        place = self.trace.stat().st_size
        self.store.allow_root()  # not in the trace; each state gets it
        self.look(place)

    def end(self) -> None:
        self.calls = disk.calls_in(self.trace.read_bytes())
        self.modes = {str(path): path.stat().st_mode & 0o7777 for path in self.store.disk.rglob("*")}

    def serve(self) -> Served:
        return Served(self.store, self.env)


# The commit stands in the -wal file, whole, and nobody has synced it.
PURGE = 9  # its revision
BEFORE_ITS_SYNC = shim.Fault("kill", 2, call="sync", file="store.db-wal")


class PowerLoss(CrashCase):
    def live(self) -> Life:
        life = Life(self.store("life"))
        life.init()
        life.set(A, 1, b"a1")
        life.set(B, 1, b"b1" * 3000)
        life.set(GONE, 1, b"gone")
        life.do("rm", "--yes", GONE)
        life.set_killed(A, 2, b"a2", BEFORE_ITS_SYNC)
        life.do("ls")  # sees the commit that nobody has synced, and remembers it
        with life.serve() as served:
            served.wait_for(len(life.hashes))
            life.set(A, 3, b"a3")
            served.wait_for(len(life.hashes))
            served.check_serves({A: b"a3"})
            life.do("purge", "--yes", A, 1)
            require(len(life.hashes) == PURGE, "the purge is revision", len(life.hashes))
            served.kill()
        life.set_killed(B, 2, b"b2", BEFORE_ITS_SYNC)
        with life.serve() as served:  # so does this one
            served.wait_for(len(life.hashes) + 1)
            served.check_serves({B: b"b2"})
            served.stop()
        life.do("import", "--scope", "acme/shop/live", "-", "--format", "dotenv", stdin=b"I=imported\nJ=too\n")
        life.values |= {("acme/shop/live/I", 1): b"imported", ("acme/shop/live/J", 1): b"too"}
        life.do("rotate", "--all")
        life.set(A, 4, b"a4")
        life.end()
        return life

    def check(self, life: Life, at: int, names: str, content: str, served: bool) -> None:
        store = self.store(f"{at}-{LOSS_NUMBER[names]}-{LOSS_NUMBER[content]}")
        state = disk.Disk()
        for call in life.calls[:at]:
            state.apply(call)
        files = state.after_loss(names, content, chance(at, names, content))
        disk.write_out(files, str(life.store.disk), store.disk, life.modes)
        acknowledged = max((one.commits for one in life.acknowledged if one.place <= life.calls[at - 1].end), default=0)
        if acknowledged:
            store.allow_root()
            self.check_state(life, store, acknowledged, served)
        shutil.rmtree(store.folder)

    def check_state(self, life: Life, store: CrashStore, acknowledged: int, served: bool) -> None:
        mark = int((store.dir / "state/tool/watermark").read_text().split("revision: ")[1].split("\n")[0])
        require(mark >= acknowledged, "the watermark is at revision", mark, "of", acknowledged)
        if served:  # first, since the tool would put in order what it finds
            with Served(store) as daemon:
                require(daemon.is_serving(), "cofferd does not start:\n" + daemon.said())
                revision = daemon.revision()
                require(acknowledged <= revision <= len(life.hashes), "serves revision", revision, "of", acknowledged)
                values = store.check_values(life.values)
                daemon.wait_for(len(store.hashes()))
                daemon.check_serves(values)
                daemon.stop()
            store.do("audit", "verify")
        hashes = store.hashes()
        self.end_purge(store, acknowledged, len(hashes))
        store.check_sound()
        require(hashes == life.hashes[:len(hashes)], "another history:", hashes)
        require(len(hashes) >= acknowledged, "revision", acknowledged, "was acknowledged, and the log ends at", len(hashes))
        store.check_values(life.values)
        store.do("set", "acme/shop/live/ON", stdin=b"goes on")
        store.check_sound()

    @staticmethod
    def end_purge(store: CrashStore, acknowledged: int, commits: int) -> None:
        """One that was not acknowledged may have come to the log and no further; `verify` says so, and it is said again."""
        if acknowledged < PURGE <= commits and store.run("verify").returncode == TAMPERED:
            require(b"was purged and is stored still" in store.run("verify").stdout, "another problem than that")
            store.do("purge", "--yes", A, 1)

    def test_what_was_acknowledged_outlives_the_power(self):
        life = self.live()
        losses = list(itertools.product(disk.LOSSES, disk.LOSSES))
        cases = []
        for at in range(1, len(life.calls) + 1):
            for names, content in chance("loss", at).sample(losses, 6 if LONG else 1):
                cases.append((life, at, names, content))
        cases = [(*case, number % 8 == 0) for number, case in enumerate(spread(cases, 250))]
        problems = problems_of(self.check, cases)
        figure("states of the disk after a loss of power", tried=len(cases), whole=len(cases) - len(problems),
               not_so=len(problems))
        self.expect_none(problems)
        self.check_that_a_missing_sync_is_found(life)

    def check_that_a_missing_sync_is_found(self, life: Life) -> None:
        """A test that cannot fail is none: on a disk that ignores the syncs of the store's log, something is lost."""
        logs = {call.arguments[0] for call in life.calls if call.name == "create" and call.arguments[1].endswith("/store.db-wal")}
        life.calls = [call for call in life.calls if call.name != "sync" or call.arguments[0] not in logs]
        places = {one.place for one in life.acknowledged}
        cases = [(life, at, disk.ALL, disk.NOTHING, False) for at in range(1, len(life.calls) + 1)
                 if any(life.calls[at - 1].end >= place > life.calls[at - 2].end for place in places)]
        problems = problems_of(self.check, cases)
        require(problems, "the log was never synced, and nothing was lost in", len(cases), "states")
        figure("states of a disk that ignores the syncs of the log, to see that this is found", tried=len(cases),
               found=len(problems))


LOSS_NUMBER = {loss: number for number, loss in enumerate(disk.LOSSES)}

if __name__ == "__main__":
    unittest.main()
