# SPDX-License-Identifier: Apache-2.0
"""task: a program in the slice of its project and domain, here by cgroups; tests/host has systemd."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import unittest

from store_case import NOT_ALLOWED, NOT_FOUND, PROGRAM, USAGE, StoreCase

ROOTS = [root for root in map(pathlib.Path, ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup")) if (root / "cgroup.procs").exists()]
# Cgroups are the machine's, and another run of these tests may be there: each has a project of its own.
PROJECT = f"checkout{os.getpid()}"
TASK = ("task", "--project", PROJECT, "--domain", "production")
SLICES = ("acme.slice", f"acme-{PROJECT}.slice", f"acme-{PROJECT}-production.slice")


def place():
    """Where this process is, in the hierarchy that names units."""
    lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    named = [line.split(":", 2)[2] for line in lines if ":name=systemd:" in line]
    return (named or [line.split(":", 2)[2] for line in lines if line.startswith("0::")])[0]


SHOW = ("sh", "-c", "sed -n 's/^[0-9]*:name=systemd:\\|^0:://p' /proc/self/cgroup")


class Choices(StoreCase):
    def test_malformed_choices(self):
        self.refused(USAGE, *TASK, says="expected -- and a command")
        self.refused(USAGE, "task", "--project", "checkout", "--", "true", says="--domain")
        self.refused(USAGE, *TASK, "--json", "--", "true", says="--json")
        self.refused(USAGE, "task", "--project", "a/b", "--domain", "d", "--", "true", says="project")
        self.refused(USAGE, *TASK, "--org", ".", "--", "true", says="organisation")
        self.refused(USAGE, *TASK, "--slice", "x-{project}.slice", "--", "true", says="{domain}")

    def test_without_a_store_the_organisation_has_to_be_said(self):
        self.refused(USAGE, *TASK, "--", "true", config=self.folder / "none.toml", says="--org ORG")


@unittest.skipIf(os.path.exists("/run/systemd/system"), "systemd runs here: tests/host has this")
@unittest.skipUnless(os.geteuid() == 0 and ROOTS, "needs root and cgroups")
class Cgroups(StoreCase):
    def task(self, *options, command, **more):
        return self.run_tool(*TASK, *options, "--", *command, **more)

    def left_none_behind(self):
        self.assertFalse((ROOTS[0] / SLICES[0] / SLICES[1]).exists())

    def test_it_runs_in_the_slice_and_leaves_none_behind(self):
        done = self.task(command=SHOW)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout.decode(), rf"(?m)^/{re.escape('/'.join(SLICES))}/coffer-task-\d+\.scope$")
        self.left_none_behind()

    def test_names_with_dashes_and_other_slices(self):
        done = self.task("--org", "a-b", "--slice", "coffer-{project}-{org}-{domain}.slice", command=SHOW)
        self.assertIn(rf"/coffer-{PROJECT}-a\x2db-production.slice/", done.stdout.decode())

    def test_what_is_around_it_stays_where_it_is(self):
        mine = place()
        # It has been where the task is, to start it there.
        show = "while grep -q acme /proc/$PPID/cgroup; do sleep 0.05; done; cat /proc/$PPID/cgroup"
        done = subprocess.run([PROGRAM, *TASK, "--", "sh", "-c", show], capture_output=True, text=True,
                              env=self.environment, timeout=60, check=True)
        self.assertIn(f":{mine}\n", done.stdout)
        self.assertNotIn("acme", done.stdout)

    def test_two_tasks_of_one_place_run_side_by_side(self):
        first = subprocess.Popen([PROGRAM, *TASK, "--", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 env=self.environment)
        first.stdin.write(b"x")
        first.stdin.flush()
        self.assertEqual(os.read(first.stdout.fileno(), 1), b"x")
        self.assertEqual(self.task(command=["true"]).returncode, 0)
        first.communicate(timeout=60)
        self.assertEqual(first.returncode, 0)
        self.left_none_behind()

    def test_what_a_killed_task_of_the_same_number_left_behind_is_used_and_removed(self):
        def leave_behind():
            (ROOTS[0].joinpath(*SLICES) / f"coffer-task-{os.getpid()}.scope").mkdir(parents=True)
        done = self.task(command=SHOW, preexec_fn=leave_behind)
        def clean_up():
            for folder, _, _ in os.walk(ROOTS[0] / SLICES[0] / SLICES[1], topdown=False):
                os.rmdir(folder)
            with contextlib.suppress(OSError):  # another run's tasks may be in it
                os.rmdir(ROOTS[0] / SLICES[0])
        self.addCleanup(clean_up)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(f"/{SLICES[2]}/coffer-task-", done.stdout.decode())
        self.assertEqual(list((ROOTS[0] / SLICES[0]).joinpath(SLICES[1]).rglob("*.scope")), [])

    def test_status_signals_and_a_missing_program(self):
        self.assertEqual(self.task(command=["sh", "-c", "exit 9"]).returncode, 9)
        self.assertEqual(self.task(command=["sh", "-c", "kill -TERM $$"]).returncode, -signal.SIGTERM)
        self.refused(NOT_FOUND, *TASK, "--", "no-such-program", says="no-such-program")
        self.left_none_behind()

    def test_an_ordinary_user_is_told(self):
        os.chmod(self.folder, 0o711)
        program = self.folder / "coffer"
        program.write_bytes(pathlib.Path(PROGRAM).read_bytes())
        program.chmod(0o755)
        done = subprocess.run([program, *TASK, "--org", "acme", "--", "true"], capture_output=True, text=True, timeout=60,
                              env=self.environment, user=60001, group=60001, check=False)
        self.assertEqual(done.returncode, NOT_ALLOWED, done.stderr)
        self.assertIn("started by root", done.stderr)


if __name__ == "__main__":
    unittest.main()
