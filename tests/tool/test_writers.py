# SPDX-License-Identifier: Apache-2.0
"""Several writers at once: no update is ever lost."""
import subprocess
import threading
import unittest

from store_case import PROGRAM, StoreCase


class Writers(StoreCase):
    def loop(self, path, count, failures):
        for number in range(count):
            done = subprocess.run([PROGRAM, "set", path], input=b"%d" % number, env=self.environment,
                                  capture_output=True, timeout=120, check=False)
            if done.returncode != 0:
                failures.append(done.stderr)

    def together(self, paths, count):
        failures = []
        writers = [threading.Thread(target=self.loop, args=(path, count, failures)) for path in paths]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        self.assertEqual(failures, [])

    def test_two_loops_of_200_writes_make_400_commits(self):
        before = self.revision()
        self.together(["acme/*/*/ONE", "acme/*/*/TWO"], 200)
        self.assertEqual(self.revision(), before + 400)
        self.assertEqual([len(self.json("history", f"acme/*/*/{key}")) for key in ("ONE", "TWO")], [200, 200])
        report = self.json("verify")
        self.assertTrue(report["ok"])
        self.assertEqual((report["revision"], report["versions"]), (before + 400, 400))

    def test_writers_of_one_key_each_get_a_version(self):
        self.together(["acme/new/scope/KEY"] * 4, 15)
        history = self.json("history", "acme/new/scope/KEY")
        self.assertEqual([version["version"] for version in history], list(range(1, 61)))
        scopes = {scope["scope"]: scope for scope in self.json("scope", "ls")}
        self.assertEqual(scopes["acme/new/scope"]["masked"]["generation"], 1)
        self.assertTrue(self.json("verify")["ok"])

    def test_a_condition_lets_exactly_one_writer_through(self):
        self.do("set", "acme/*/*/KEY", stdin=b"first")
        runs = [subprocess.Popen([PROGRAM, "set", "acme/*/*/KEY", "--if-version", "1", "--value", str(number)],
                                 env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for number in range(6)]
        self.assertEqual(sorted(run.wait(timeout=60) for run in runs), [0, 5, 5, 5, 5, 5])
        self.assertEqual(self.json("get", "acme/*/*/KEY")["version"], 2)


if __name__ == "__main__":
    unittest.main()
