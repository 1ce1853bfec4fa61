# SPDX-License-Identifier: Apache-2.0
"""What a read through coffer costs beside a read through other file systems, first of all the one that does nothing."""
import contextlib
import statistics

from client import CAT, READ
from entry import of_rounds, ratio
from mounts import null_fs
from others import FILE, mount_others
from store import VALUE_BYTES, Store

NULL_KEY = "a/b/c/KEY"
LIMITS = {READ: 1.4, CAT: 1.35}
FASTER_THAN = {"gocryptfs": 2, "securefs": 1.5}


def entries(plan, client):
    store = Store(plan, "reads")
    key = store.fill(100)[0]
    with contextlib.ExitStack() as stack:
        others, left_out = mount_others(plan, stack, b"x" * VALUE_BYTES)
        yield from left_out
        mounts = {"null": stack.enter_context(null_fs(plan, "null")),
                  "coffer": stack.enter_context(store.cofferd("plain")),
                  "null, fast names": stack.enter_context(null_fs(plan, "null-fast-names", "--fast-names")),
                  "coffer, fast names": stack.enter_context(store.cofferd("fast-names", fast_names=True)), **others}
        files = {name: mount.place / (FILE if name in others else NULL_KEY if name.startswith("null") else key)
                 for name, mount in mounts.items()}
        for mount in mounts.values():
            mount.pin(plan.cpu)
        for sequence in (READ, CAT):
            yield from pinned(plan, client, sequence, files)
        for mount in mounts.values():
            mount.pin(None)
        plain = {name: file for name, file in files.items() if "fast names" not in name}
        for sequence in (READ, CAT):
            yield from unpinned(plan, client, sequence, plain)
        yield from many_clients(plan, client, plain)
    yield first_reads(plan, client, store)


def pinned(plan, client, sequence, files):
    rounds = client.turns(sequence, files, plan.less(4000, 700))
    for name, took in rounds.items():
        yield of_rounds(f"{sequence}: {name}", took, "us")
    limit = LIMITS[sequence]
    yield ratio(f"{sequence}, coffer against null", rounds["coffer"], rounds["null"], limit)
    yield ratio(f"{sequence}, the same with fast names", rounds["coffer, fast names"], rounds["null, fast names"], limit)
    for name in FASTER_THAN:
        if name in rounds:
            yield ratio(f"{sequence}, faster than {name}", rounds[name], rounds["coffer"])
            # What nothing that is asked by the same requests can better.
            yield ratio(f"{sequence}, null faster than {name}", rounds[name], rounds["null"])


def unpinned(plan, client, sequence, files):
    """As everybody uses them. Those that encrypt are programs of many threads: on one CPU they are not at home."""
    rounds = client.turns(sequence, files, plan.less(2000, 500), pinned=False)
    for name, took in rounds.items():
        yield of_rounds(f"{sequence}, on any CPU: {name}", took, "us")
    for name, least in FASTER_THAN.items():
        if name in rounds:
            yield ratio(f"{sequence}, on any CPU, faster than {name}", rounds[name], rounds["coffer"], least, at_least=True)
            yield ratio(f"{sequence}, on any CPU, null faster than {name}", rounds[name], rounds["null"])


def many_clients(plan, client, files):
    rounds = client.load(READ, files, plan.less(0.5, 0.2))
    for name, done in rounds.items():
        yield of_rounds(f"8 clients, reads in a second: {name}", done, "1/s")
    yield ratio("8 clients, coffer against null", rounds["coffer"], rounds["null"], 0.75, at_least=True)


def first_reads(plan, client, store):
    """Each of a hundred secrets once, of a daemon just started, and once again."""
    beyond = []
    keys = [f"acme/p0/d0/KEY_{i}" for i in range(100)]
    for _ in range(plan.rounds):
        with store.cofferd("first") as mount:
            mount.pin(plan.cpu)
            first, again = client.each(READ, [mount.place / key for key in keys])
            beyond.append(statistics.median(a - b for a, b in zip(first, again, strict=True)))
    return of_rounds("first read of a version, beyond a later one", beyond, "us", 80)
