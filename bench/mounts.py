# SPDX-License-Identifier: Apache-2.0
"""Mount: a file system that a program of its own serves while it is entered, and nobody's afterwards.

Looked for in mountinfo and never by a stat: that would wait for ever where a daemon has died.
"""
import os
import pathlib
import subprocess
import time


def is_mounted(place):
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return any(line.split()[4] == str(place) for line in file)


def take_off(place):
    """By force, and lazily: the one who served it is gone."""
    if is_mounted(place):
        subprocess.run(["umount", "-l", str(place)], check=False)


class Mount:
    """`words`: the program, which stays in the foreground; {} stands for the place."""

    def __init__(self, plan, name, words, environment=None):
        self.place = plan.folder / "mounts" / name
        self.log = plan.folder / f"{name}.log"
        self.words = [str(self.place) if word == "{}" else str(word) for word in words]
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def __enter__(self):
        self.start()
        try:
            self.wait_for(lambda: is_mounted(self.place), 60)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.place.mkdir(parents=True, exist_ok=True)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment)

    def wait_for(self, is_there, seconds):
        end = time.monotonic() + seconds
        while not is_there():
            if self.process.poll() is not None or time.monotonic() > end:
                said = self.log.read_text(errors="replace").strip() or "it said nothing"
                raise RuntimeError(f"{self.words[0]} did not mount: {said}")
            time.sleep(0.002)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        take_off(self.place)

    def pin(self, cpu):
        """All of its threads, which daemons start before they serve, to one CPU; None: to all."""
        cpus = os.sched_getaffinity(0) if cpu is None else {cpu}
        for thread in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cpus)

    def resident(self):
        """Bytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"no VmRSS of {self.words[0]}")


def null_fs(plan, name, *options):
    return Mount(plan, name, [plan.program("null_fs"), "{}", *options])
