# SPDX-License-Identifier: Apache-2.0
"""Store: a coffer store with secrets in it, and daemons that serve it."""
import os
import random
import re
import subprocess
import time

from mounts import Mount

VALUE_BYTES = 32  # as in null_fs
IN_A_SCOPE = 10_000


def dotenv(file, count):
    file.write_text("".join(f"KEY_{i}={random.randbytes(VALUE_BYTES // 2).hex()}\n" for i in range(count)))
    return file


def write_policy(folder, rules):
    """As on a host of some size: the rule that names the benchmark is the last, behind others' rules by unit."""
    folder.mkdir()
    others = [f'[[rule]]\nname = "service {i}"\nsecrets = "acme/project-{i}/production/*"\nunit = "service-{i}.service"\n'
              for i in range(1, rules)]
    for start in range(0, len(others), 1000):  # a file has at most 1 MiB
        (folder / f"services-{start:06}.toml").write_text("".join(others[start:start + 1000]))
    (folder / "the-benchmark.toml").write_text('[[rule]]\nname = "the benchmark"\nsecrets = "acme/**"\nuser = "root"\n')


class Store:
    def __init__(self, plan, name):
        self.plan, self.name = plan, name
        self.folder = plan.folder / name
        self.config = self.folder / "coffer.toml"
        self.identity = self.folder / "owner.identity"
        self.environment = {**os.environ, "COFFER_CONFIG": str(self.config)}
        self.coffer("init", "--org", "acme", "--dir", self.folder, "--no-passphrase")

    def run(self, *words, stdin=subprocess.DEVNULL):
        """Seconds of one process, from fork to wait."""
        start = time.monotonic()
        done = subprocess.run([str(word) for word in words], stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env=self.environment, check=False)
        seconds = time.monotonic() - start
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.decode(errors='replace').strip()}")
        return seconds

    def coffer(self, *words, stdin=subprocess.DEVNULL):
        return self.run(self.plan.coffer, *words, stdin=stdin)

    def import_some(self, scope, count):
        """Seconds for KEY_0 up to `count` in the scope, of 32 bytes each, a commit for each thousand."""
        return self.coffer("import", "--scope", scope, dotenv(self.folder / "import.env", count))

    def fill(self, count):
        """That many secrets, 10,000 in a domain and ten domains in a project. The paths of a hundred, of all domains."""
        paths = []
        for number, first in enumerate(range(0, count, IN_A_SCOPE)):
            scope, here = f"acme/p{number // 10}/d{number % 10}", min(IN_A_SCOPE, count - first)
            self.import_some(scope, here)
            paths += [f"{scope}/KEY_{i}" for i in range(here)]
        return paths if count <= 100 else random.Random(1).sample(paths, 100)

    def set(self, path, value):
        file = self.folder / "value"
        file.write_bytes(value)
        return self.coffer("set", path, "--from-file", file)

    def cofferd(self, name, rules=100, fast_names=False):
        """A daemon of its own policy and state. Asked for again by the same name it finds what it left."""
        name = f"{self.name}-{name}"
        config = self.folder / f"{name}.toml"
        if not config.exists():
            settings = {"state": f'"state-{name}"', "policy": f'"policy-{name}"', "audit_file": f'"audit-{name}.jsonl"',
                        "fast_names": "true" if fast_names else "false"}
            text = self.config.read_text()
            for key, value in settings.items():
                text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
                assert found == 1, key
            config.write_text(text)
            write_policy(self.folder / f"policy-{name}", rules)
        return Mount(self.plan, name, [self.plan.cofferd, "--foreground", "--mount", "{}", "--config", config])
