# SPDX-License-Identifier: Apache-2.0
"""Shell: somebody at a bash of their own, which keeps its folder, its variables and its jobs from line to line."""
import os
import pathlib
import pwd
import select
import subprocess

PATIENCE = 60  # seconds; for a command

# Of each three texts that come in: a line, run with the second as stdin, whose output goes to the third. Out go statuses.
LOOP = """while IFS= read -r -d '' line && IFS= read -r -d '' in && IFS= read -r -d '' out; do
    eval "$line" <"$in" >"$out" 2>&1
    echo $?
done"""


class Shell:
    def __init__(self, user: str, place: pathlib.Path, folder: pathlib.Path, variables: dict[str, str]):
        """At `place`; `folder` is for what goes in and out."""
        self.account = pwd.getpwnam(user)
        self.name, self.place, self.folder, self.count = user, place, folder / f"shell-{user}", 0
        self.folder.mkdir()
        os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "USER": user, "LOGNAME": user,
                       "HOME": self.account.pw_dir, **variables}
        self.process = subprocess.Popen(["bash", "-c", LOOP], cwd=place, env=environment, user=self.account.pw_uid,
                                        group=self.account.pw_gid, extra_groups=[], umask=0o022, bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def type(self, line: str, answer: str) -> tuple[int, str, pathlib.Path]:
        """The status, what is shown, and where that of a job in the background goes on."""
        self.count += 1
        typed, shown = self.folder / f"{self.count}.in", self.folder / f"{self.count}.out"
        typed.write_text(answer)
        self.process.stdin.write(b"".join(os.fsencode(text) + b"\0" for text in (line, typed, shown)))
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise TimeoutError(f"{self.name}: {line}\n{shown.read_text(errors='replace')}")
        status = int(self.process.stdout.readline())
        return status, shown.read_text(errors="replace"), shown

    def log_out(self) -> int:
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(PATIENCE)
