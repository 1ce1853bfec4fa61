# SPDX-License-Identifier: Apache-2.0
"""A store of 1,000,000 secrets, 1,000 commits of 1,000 each, beside one of 100."""
import os
import statistics
import time

from client import CAT, READ
from entry import Entry, of_rounds, ratio
from store import Store

LIMITS = {READ: 1.15, CAT: 1.15}
BYTES_EACH, MIB_IN_ALL = 350, 16
READY_AT_FIRST, READY_AGAIN = 12, 3
SYNCS, BEYOND_SYNCS, AGAINST_SMALL = 3, 5, 1.2


def entries(plan, client):
    small, large = Store(plan, "small"), Store(plan, "large")
    small_keys = small.fill(100)
    start = time.monotonic()
    large_keys = large.fill(plan.secrets)
    many = f"{plan.secrets:,} secrets"
    yield Entry(f"{many}: made in", time.monotonic() - start, "s")

    with small.cofferd("plain") as few:
        few_files = [few.place / key for key in small_keys]
        client.each(READ, few_files)
        few_bytes = few.resident()
        yield Entry("100 secrets: resident", few_bytes / 2**20, "MiB", MIB_IN_ALL)
        for name, limit in (("with an empty state", READY_AT_FIRST), ("with its view file", READY_AGAIN)):
            full = large.cofferd("plain")
            try:
                yield Entry(f"{many}: ready, {name}", ready(full, large_keys[0]), "s", limit)
                full_files = [full.place / key for key in large_keys]
                client.each(READ, full_files)
                each = (full.resident() - few_bytes) / plan.secrets
                yield Entry(f"{many}: resident for each, {name}", each, "bytes", BYTES_EACH)
                if name == "with its view file":
                    for mount in (few, full):
                        mount.pin(plan.cpu)
                    for sequence, limit in LIMITS.items():
                        rounds = client.turns(sequence, {"few": few_files, "many": full_files}, plan.less(4000, 1000))
                        yield ratio(f"{sequence}, {many} against 100", rounds["many"], rounds["few"], limit)
            finally:
                full.stop()
    yield from changes(plan, small, small_keys[0], large, large_keys[0], many)


def ready(mount, key):
    """Seconds from the start of the daemon until a read of it works."""
    start = time.monotonic()
    mount.start()

    def works():
        try:
            with open(mount.place / key, "rb", buffering=0) as file:
                return len(file.read(4096)) > 0
        except OSError:
            return False
    mount.wait_for(works, 600)
    return time.monotonic() - start


def sync(file, number):
    """Milliseconds of the least that is durable: 4 KiB written over what is there, and fdatasync(2)."""
    block = number.to_bytes(8, "little") * 512
    start = time.monotonic()
    os.pwrite(file, block, 0)
    os.fdatasync(file)
    return 1000 * (time.monotonic() - start)


def changes(plan, small, small_key, large, large_key, many):
    """No daemon runs: the tool alone, on the same file system as the file that is synced."""
    syncs, of_small, of_large = [], [], []
    file = os.open(plan.folder / "synced", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for number in range(-1, plan.less(40, 10)):  # -1 warms caches
            value = f"value number {number}".encode()
            took = sync(file, number + 1), 1000 * small.set(small_key, value), 1000 * large.set(large_key, value)
            if number >= 0:
                for times, one in zip((syncs, of_small, of_large), took):
                    times.append(one)
    finally:
        os.close(file)
    one_sync = statistics.median(syncs)
    yield of_rounds("fdatasync of 4 KiB", syncs, "ms")
    yield of_rounds("coffer set, 100 secrets", of_small, "ms")
    yield of_rounds(f"coffer set, {many}", of_large, "ms", SYNCS * one_sync + BEYOND_SYNCS)
    yield Entry(f"coffer set, {many} against 100", statistics.median(of_large) / statistics.median(of_small), "x", AGAINST_SMALL)
