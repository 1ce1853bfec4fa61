# SPDX-License-Identifier: Apache-2.0
"""Each verb that writes, killed at each of its calls on files, and with each of them failing."""
import shutil
import unittest
from typing import NamedTuple

import disk
import shim
from crash_case import A, B, GONE, CrashCase, faults_at_each
from crash_run import figure, problems_of, require, spread
from crash_store import CONFLICT, DONE, FAILED, KILLED, UNAVAILABLE, CrashStore
from served import Served

DOTENV = "".join(f"K{number}=value {number}\n" for number in range(40)).encode()


class Verb(NamedTuple):
    name: str
    arguments: tuple
    stdin: bytes = b""
    fresh: bool = False  # with a state folder that is not there yet


VERBS = (
    Verb("set", ("set", A), b"a3"),
    Verb("set with no state", ("set", A), b"a3", fresh=True),
    Verb("set in a new scope", ("set", "acme/new/scope/N"), b"n1"),
    Verb("rm", ("rm", "--yes", B)),
    Verb("restore", ("restore", GONE, 1)),
    Verb("purge", ("purge", "--yes", A, 1)),
    Verb("rotate", ("rotate", "--all", "--reseal")),
    Verb("member add", ("member", "add", "ben", "--role", "editor", "--pattern", "acme/shop/*", "RECIPIENT")),
    Verb("member rm", ("member", "rm", "--yes", "mia")),
    Verb("import", ("import", "--scope", "acme/shop/live", "-", "--format", "dotenv"), DOTENV),
)


class Outcome(NamedTuple):
    """Of a verb where nothing goes wrong."""
    before: list
    after: list
    values: dict[tuple[str, int], bytes]
    calls: int

    def __repr__(self) -> str:  # in the name of a case
        return f"{self.calls} calls"


class Verbs(CrashCase):
    def begin(self, base: CrashStore, verb: Verb, name: str) -> CrashStore:
        store = base.copy(self.folder / name.replace(" ", "-"))
        if verb.fresh:
            shutil.rmtree(store.dir / "state/tool")
        return store

    def run_verb(self, store: CrashStore, verb: Verb, **options):
        return store.run(*(self.recipient if word == "RECIPIENT" else word for word in verb.arguments), stdin=verb.stdin, **options)

    def outcome(self, base: CrashStore, verb: Verb) -> Outcome:
        store = self.begin(base, verb, "whole " + verb.name)
        trace = store.folder / "trace"
        trace.touch()
        done = self.run_verb(store, verb, env=shim.environment(store.disk, trace=trace))
        require(done.returncode == DONE, verb.name, done.stderr)
        return Outcome(base.commits(), store.commits(), base.values() | store.values(), len(disk.calls_in(trace.read_bytes())))

    def check(self, base: CrashStore, verb: Verb, outcome: Outcome, fault: shim.Fault, served: bool) -> None:
        store = self.begin(base, verb, f"{verb.name} {fault.kind} {fault.at}")
        done = self.run_verb(store, verb, env=shim.environment(store.disk, fault))
        said = done.stderr.decode()
        require(done.returncode in (DONE, UNAVAILABLE, KILLED), "ended with", done.returncode, said)
        require((done.returncode == KILLED) <= (fault.kind in shim.KILLS), "killed by nobody", said)
        if done.returncode == UNAVAILABLE:
            require(said.startswith("coffer: ") and said.count("\n") == 1 and done.stdout == b"", "said", said, done.stdout)

        commits = store.commits()
        require(commits[:len(outcome.before)] == outcome.before, "lost what was acknowledged before", commits)
        require(commits == outcome.after[:len(commits)], "neither what was nor what should be", commits)
        require(done.returncode != DONE or commits == outcome.after, "acknowledged and not there", commits)
        if done.returncode == UNAVAILABLE and commits == outcome.after and len(commits) == len(outcome.before) + 1 and verb.name != "purge":
            require("the change is in the store, as revision " in said, "it is there, which was not said:", said)
        # A purge has two halves, and says how to go on.
        if not (verb.name == "purge" and done.returncode != DONE):
            store.check_sound()
        values = store.check_values(outcome.values)
        if served:
            with Served(store) as daemon:
                daemon.wait_for(len(commits))
                daemon.check_serves(values)
        if commits == outcome.before or verb.name == "purge":
            again = self.run_verb(store, verb)
            require(again.returncode == DONE, "cannot be done again:", again.stderr.decode())
            require(store.commits() == outcome.after, "again, and it is not as it should be", store.commits())
        else:
            store.do("set", B, stdin=b"goes on")
        store.check_sound()
        shutil.rmtree(store.folder)

    def test_a_verb_that_is_killed_or_meets_errors_is_done_or_not_done(self):
        base = self.used_store("base")
        self.recipient = base.json("identity", "new", self.folder / "ben.identity", "--no-passphrase")["recipient"]
        cases = []
        for verb in VERBS:
            outcome = self.outcome(base, verb)
            cases += [(base, verb, outcome, fault) for fault in faults_at_each(outcome.calls, verb.name)]
        cases = [(*case, number % 10 == 0) for number, case in enumerate(spread(cases, 150))]
        problems = problems_of(self.check, cases)
        kills = sum(case[3].kind in shim.KILLS for case in cases)
        figure("verbs killed at a call on files", tried=kills)
        figure("verbs with a call on files that fails (EIO, ENOSPC, short write, failed sync)", tried=len(cases) - kills)
        figure("verbs, killed or failed", whole_or_not_there=len(cases) - len(problems), not_so=len(problems))
        self.expect_none(problems)

    def test_where_the_log_cannot_be_synced_it_is_said_that_the_change_may_be_there(self):
        base = self.used_store("base")
        set_a = VERBS[0]
        outcome = self.outcome(base, set_a)
        faults = [shim.Fault("eio-on", at, call="sync", file="store.db-wal") for at in (1, 2)]
        self.expect_none(problems_of(self.check, [(base, set_a, outcome, fault, False) for fault in faults]))


if __name__ == "__main__":
    unittest.main()
