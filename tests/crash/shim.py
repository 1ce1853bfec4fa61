# SPDX-License-Identifier: Apache-2.0
"""The library that makes calls on files go wrong in the real programs, and writes down those that went well (shim/)."""
import os
import pathlib
from typing import NamedTuple

LIBRARY = os.environ["CRASH_SHIM"]
# See shim/fault_plan.h.
KILLS = ("kill", "kill-half")
KINDS = (*KILLS, "eio", "eio-on", "enospc", "full", "brief")


class Fault(NamedTuple):
    kind: str
    at: int
    call: str = ""
    file: str = ""


def environment(folder: pathlib.Path, fault: Fault | None = None, trace: pathlib.Path | None = None) -> dict[str, str]:
    """What a program is started with; `trace` has to be there."""
    variables = {"LD_PRELOAD": LIBRARY, "COFFER_CRASH_FOLDER": str(folder)}
    if fault:
        variables |= {"COFFER_CRASH_FAULT": fault.kind, "COFFER_CRASH_AT": str(fault.at),
                      "COFFER_CRASH_CALL": fault.call, "COFFER_CRASH_FILE": fault.file}
    if trace:
        variables["COFFER_CRASH_TRACE"] = str(trace)
    return variables
