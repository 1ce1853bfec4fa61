# SPDX-License-Identifier: Apache-2.0
"""The machine that the figures are of."""
import os
import pathlib
import platform
import subprocess
import time


def said_by(*words):
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def field(file, name):
    for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def file_system(folder):
    """The type of the one that the stores lie on."""
    return said_by("findmnt", "--noheadings", "--output=FSTYPE", "--target", str(folder))


def describe(folder):
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": field("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mib": int(field("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "kernel": platform.release(),
        "file_system": file_system(folder),
        "libfuse": said_by("pkg-config", "--modversion", "fuse3"),
        "libsodium": said_by("pkg-config", "--modversion", "libsodium"),
        "sqlite": said_by("pkg-config", "--modversion", "sqlite3"),
        "coffer": said_by("git", "-C", str(pathlib.Path(__file__).parent), "rev-parse", "--short", "HEAD"),
        "load": round(os.getloadavg()[0], 2),
    }


def text(machine):
    return (f"{machine['cpus']} CPUs {machine['cpu']}, {machine['memory_mib']:,} MiB, {machine['system']}, "
            f"Linux {machine['kernel']}, stores on {machine['file_system']}\n"
            f"libfuse {machine['libfuse']}, libsodium {machine['libsodium']}, SQLite {machine['sqlite']}; "
            f"load {machine['load']} at the start, {machine['time']}, commit {machine['coffer']}")
