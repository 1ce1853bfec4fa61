# SPDX-License-Identifier: Apache-2.0
"""cofferd killed and failing at each of its calls on files, from its first start on and while it follows commits."""
import shutil
import unittest

import disk
import shim
from crash_case import A, B, CrashCase, faults_at_each
from crash_run import figure, problems_of, require, spread
from crash_store import CrashStore
from served import Served

WRITTEN = (b"a3", b"a4", b"a5")


class Daemon(CrashCase):
    def live(self, store: CrashStore, env: dict[str, str]) -> None:
        """A start, three commits that it follows, and reads after each; it may end at any moment."""
        written = [b"a2"]
        with Served(store, env) as daemon:
            for value in WRITTEN:
                store.do("set", A, stdin=value)
                written.append(value)
                shown = daemon.read(A) if daemon.runs() else None
                # Refused it may be, by an audit log that cannot be written; another value it may not.
                require(shown is None or shown in written, "served", shown)
            daemon.stop()

    def check(self, base: CrashStore, fault: shim.Fault, fresh: bool) -> None:
        store = base.copy(self.folder / f"{fault.kind}-{fault.at}-{fresh}")
        if fresh:
            shutil.rmtree(store.dir / "state/daemon")
        self.live(store, shim.environment(store.disk, fault))
        store.check_sound()
        with Served(store) as daemon:
            daemon.wait_for(len(store.hashes()))
            daemon.check_serves({A: WRITTEN[-1], B: b"b1" * 3000})
            store.do("set", A, stdin=b"goes on")
            daemon.wait_for(len(store.hashes()))
            daemon.check_serves({A: b"goes on"})
            daemon.stop()
        store.do("audit", "verify")
        shutil.rmtree(store.folder)

    def calls(self, base: CrashStore, fresh: bool) -> int:
        store = base.copy(self.folder / f"whole-{fresh}")
        if fresh:
            shutil.rmtree(store.dir / "state/daemon")
        trace = store.folder / "trace"
        trace.touch()
        self.live(store, shim.environment(store.disk, trace=trace))
        return len(disk.calls_in(trace.read_bytes()))

    def test_a_daemon_that_dies_or_meets_errors_serves_what_was_written_when_it_starts_again(self):
        base = self.used_store("base")
        cases = []
        for fresh in (True, False):
            cases += [(base, fault, fresh) for fault in faults_at_each(self.calls(base, fresh), fresh)]
        cases = spread(cases, 40)
        problems = problems_of(self.check, cases)
        kills = sum(case[1].kind in shim.KILLS for case in cases)
        figure("cofferd killed at a call on files", tried=kills)
        figure("cofferd with a call on files that fails", tried=len(cases) - kills)
        figure("cofferd, killed or failed", right_after_the_next_start=len(cases) - len(problems), not_so=len(problems))
        self.expect_none(problems)


if __name__ == "__main__":
    unittest.main()
