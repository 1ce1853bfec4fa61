# SPDX-License-Identifier: Apache-2.0
"""A test that runs in namespaces of its own: its mounts, processes and network are not the machine's, nothing outlives it."""
import fcntl
import os
import socket
import struct
import subprocess
import sys

INSIDE = "COFFER_TEST_INSIDE"
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--mount-proc", "--kill-child"]


def left_out(test: str, needs: str) -> int:
    print(f"SKIPPED: {test} needs {needs}")
    return 1 if os.environ.get("COFFER_TESTS_NO_SKIP") else 77


def is_inside() -> bool:
    return INSIDE in os.environ


def enter(test: str) -> int:
    """Becomes this program inside of the namespaces; else the exit status."""
    if os.geteuid() != 0:
        return left_out(test, "root")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return left_out(test, "/dev/fuse")
    if subprocess.run(NAMESPACES + ["true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return left_out(test, "mount, network and pid namespaces")
    sys.stdout.flush()
    os.execvpe("unshare", NAMESPACES + [sys.executable, "-B"] + sys.argv, {**os.environ, INSIDE: "1"})


def mount(*arguments) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def start_loopback() -> None:
    with socket.socket() as any_socket:
        set_flags, up = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP of netdevice(7)
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH14x", b"lo", up))
