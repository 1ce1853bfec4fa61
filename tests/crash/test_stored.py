# SPDX-License-Identifier: Apache-2.0
"""coffer-stored killed and failing at each of its calls on files, from the making of the store on and during appends."""
import shutil
import unittest

import disk
import shim
from crash_case import A, B, CrashCase, faults_at_each
from crash_run import figure, problems_of, require, spread
from crash_store import DONE, UNAVAILABLE, CrashStore
from stored_host import StoredHost


class Stored(CrashCase):
    def setUp(self):
        super().setUp()
        StoredHost.install(self.folder)

    def host(self, base: CrashStore, name: str) -> StoredHost:
        host = StoredHost(base.copy(self.folder / name))
        config = host.store.dir / "coffer.toml"
        config.write_text(config.read_text().replace(str(base.folder), str(host.store.folder)))
        host.give()
        return host

    def append_all(self, host: StoredHost, env: dict[str, str]) -> list[tuple[bytes, bool]]:
        """Three values by the service, each with whether that was acknowledged."""
        out = []
        with host:
            host.start(env, serves=False)
            for value in (b"a3", b"a4", b"a5"):
                done = host.store.run("set", A, stdin=value)
                require(done.returncode in (DONE, UNAVAILABLE), "ended with", done.returncode, done.stderr.decode())
                out.append((value, done.returncode == DONE))
            host.stop()
        return out

    def check(self, base: CrashStore, fault: shim.Fault) -> None:
        host = self.host(base, f"{fault.kind}-{fault.at}")
        tried = self.append_all(host, shim.environment(host.disk, fault))
        with host:
            host.start()
            host.store.check_sound()
            written = [value for (name, version), value in sorted(host.store.values().items()) if name == A and version > 2]
            expected = iter(value for value, _ in tried)
            require(all(value in expected for value in written), "written", written, "of", tried)
            for value, acknowledged in tried:
                require(not acknowledged or value in written, value, "was acknowledged; written:", written)
            host.store.do("set", B, stdin=b"goes on")
            host.store.check_sound()
            host.stop()
        shutil.rmtree(host.store.folder)

    def test_a_service_that_dies_or_meets_errors_loses_nothing_that_it_acknowledged(self):
        base = self.used_store("base")
        StoredHost(base).take_over()
        whole = self.host(base, "whole")
        trace = whole.new_trace()
        tried = self.append_all(whole, shim.environment(whole.disk, trace=trace))
        self.assertTrue(all(acknowledged for _, acknowledged in tried), whole.said())
        cases = [(base, fault) for fault in faults_at_each(len(disk.calls_in(trace.read_bytes())))]
        cases = spread(cases, 50)
        problems = problems_of(self.check, cases)
        figure("coffer-stored killed or failing at a call on files", tried=len(cases), lost_nothing=len(cases) - len(problems),
               not_so=len(problems))
        self.expect_none(problems)

    def new_host(self, name: str) -> StoredHost:
        host = StoredHost(self.store(name))
        host.disk.mkdir()
        host.give()
        return host

    def check_first_start(self, fault: shim.Fault) -> None:
        host = self.new_host(f"first-{fault.kind}-{fault.at}")
        with host:
            host.start(shim.environment(host.disk, fault), serves=False)
            host.stop()
            host.start()
            host.stop()
        shutil.rmtree(host.store.folder)

    def test_a_service_that_dies_while_it_makes_the_store_makes_it_at_its_next_start(self):
        with self.new_host("whole") as whole:
            trace = whole.new_trace()
            whole.start(shim.environment(whole.disk, trace=trace))
            whole.stop()
        cases = [(shim.Fault(kind, at),) for at in range(1, len(disk.calls_in(trace.read_bytes())) + 1) for kind in shim.KINDS]
        cases = spread(cases, 45)
        problems = problems_of(self.check_first_start, cases)
        figure("coffer-stored killed or failing while it makes the store", tried=len(cases),
               made_at_the_next_start=len(cases) - len(problems), not_so=len(problems))
        self.expect_none(problems)


if __name__ == "__main__":
    unittest.main()
