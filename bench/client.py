# SPDX-License-Identifier: Apache-2.0
"""The client's measurements (client.cc), by name of the target."""
import json
import subprocess

READ = "open+read+close"
CAT = "open+fstat+read+read+close"


class Client:
    def __init__(self, plan):
        self.plan = plan

    def turns(self, sequence, targets, repeats, pinned=True, rounds=None):
        """Microseconds for one sequence. A target is a path, or a list of paths that are taken in turn."""
        rounds = rounds or self.plan.rounds
        words = ["turns", "--rounds", rounds + 1, "--repeats", repeats]  # the first round warms caches
        rows = self._run(words, sequence, targets.values(), pinned)
        return {name: row[1:] for name, row in zip(targets, rows, strict=True)}

    def load(self, sequence, targets, seconds, clients=8):
        """Sequences in a second by all clients together, on all CPUs."""
        words = ["load", "--rounds", self.plan.rounds, "--clients", clients, "--seconds", seconds]
        return dict(zip(targets, self._run(words, sequence, targets.values(), False), strict=True))

    def each(self, sequence, paths, passes=2):
        """Microseconds of each path, in a list for each pass."""
        return self._run(["each", "--passes", passes], sequence, [paths], True)

    def _run(self, words, sequence, targets, pinned):
        words = [self.plan.program("client"), *words, "--sequence", sequence]
        if pinned:
            words += ["--cpu", self.plan.cpu]
        for number, target in enumerate(targets):
            if isinstance(target, list):
                file = self.plan.folder / f"target-{number}"
                file.write_text("".join(f"{path}\n" for path in target))
                target = f"@{file}"
            words.append(target)
        done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, timeout=900,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace").strip())
        return json.loads(done.stdout)["rows"]
