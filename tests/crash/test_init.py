# SPDX-License-Identifier: Apache-2.0
"""What makes keys and stores, killed and failing at each of its calls on files: whole, or an error and nothing."""
import shutil
import unittest

import disk
import shim
from crash_case import A, CrashCase, faults_at_each
from crash_run import figure, problems_of, require, spread
from crash_store import DONE, FAILED, KILLED, UNAVAILABLE, CrashStore

INIT = ("init", "--org", "acme", "--no-passphrase", "--owner", "olga", "--host", "web1", "--dir")
IDENTITY = ("identity", "new", "--no-passphrase")


class Init(CrashCase):
    def calls(self, arguments: tuple) -> int:
        store = self.store("whole-" + arguments[0])
        trace = store.folder / "trace"
        trace.touch()
        store.do(*arguments, store.dir, env=shim.environment(store.disk, trace=trace))
        return len(disk.calls_in(trace.read_bytes()))

    def run_with(self, arguments: tuple, fault: shim.Fault) -> tuple[CrashStore, int]:
        store = self.store(f"{arguments[0]}-{fault.kind}-{fault.at}")
        done = store.run(*arguments, store.dir, env=shim.environment(store.disk, fault))
        said = done.stderr.decode()
        require(done.returncode in (DONE, FAILED, UNAVAILABLE, KILLED), "ended with", done.returncode, said)
        require((done.returncode == KILLED) <= (fault.kind in shim.KILLS), "killed by nobody", said)
        if done.returncode in (FAILED, UNAVAILABLE):
            require(said.startswith("coffer: ") and said.count("\n") == 1, "said", said)
            # From an error on that lasts, nothing can be removed either.
            left = [str(path) for path in store.disk.iterdir()]
            require(not left or fault.kind == "eio-on", "failed, and left", left)
        return store, done.returncode

    def check_init(self, fault: shim.Fault) -> None:
        store, status = self.run_with(INIT, fault)
        if status != DONE:
            shutil.rmtree(store.dir, ignore_errors=True)
            store.init()
        store.do("set", A, stdin=b"a1")
        store.check_sound()
        shutil.rmtree(store.folder)

    def check_identity(self, fault: shim.Fault) -> None:
        store, status = self.run_with(IDENTITY, fault)
        if status == DONE:
            store.do("identity", "show", store.dir)
        shutil.rmtree(store.folder)

    def check(self, arguments: tuple, fault: shim.Fault) -> None:
        (self.check_init if arguments == INIT else self.check_identity)(fault)

    def test_a_store_or_an_identity_is_made_whole_or_not_at_all(self):
        cases = [(arguments, fault) for arguments in (INIT, IDENTITY) for fault in faults_at_each(self.calls(arguments))]
        cases = spread(cases, 100)
        problems = problems_of(self.check, cases)
        figure("init and identity new, killed or failing at a call on files", tried=len(cases),
               whole_or_nothing=len(cases) - len(problems), not_so=len(problems))
        self.expect_none(problems)


if __name__ == "__main__":
    unittest.main()
