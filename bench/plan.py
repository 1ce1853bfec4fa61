# SPDX-License-Identifier: Apache-2.0
"""Plan: how much is measured, with which programs, and where."""
import os
import pathlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    build: pathlib.Path  # has the programs
    folder: pathlib.Path  # everything that is made is below it; removed at the end
    rounds: int
    cpu: int  # clients and daemons stay on it where "pinned" is said
    quick: bool
    secrets: int  # in the large store

    @property
    def coffer(self):
        return self.build / "tools/coffer"

    @property
    def cofferd(self):
        return self.build / "fs/cofferd"

    def program(self, name):
        return self.build / "bench" / name

    def less(self, whole, quick):
        """A number of repeats."""
        return quick if self.quick else whole


def last_cpu():
    """Not the first, which most interrupts go to."""
    return max(os.sched_getaffinity(0))
