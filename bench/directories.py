# SPDX-License-Identifier: Apache-2.0
"""Listing a directory of 10,000."""
from entry import of_rounds, ratio
from mounts import null_fs
from store import Store

NAMES = 10_000


def entries(plan, client):
    store = Store(plan, "directories")
    store.fill(NAMES)
    restarts = plan.less(plan.rounds, 3)
    with null_fs(plan, "null-directory", "--names", NAMES) as null:
        null.pin(plan.cpu)
        empty, first, later = null.place / "a/b/c", [], []
        for _ in range(restarts):
            with store.cofferd("plain") as coffer:
                coffer.pin(plan.cpu)
                one, two = client.each("list+stat", [coffer.place / "acme/p0/d0"])
                first.append(one[0] / 1000)
                later.append(two[0] / 1000)
        nulls = [us / 1000 for us in client.turns("list+stat", {"null": empty}, 1, rounds=restarts)["null"]]
        with store.cofferd("plain") as coffer:
            coffer.pin(plan.cpu)
            listed = client.turns("list", {"null": empty, "coffer": coffer.place / "acme/p0/d0"}, plan.less(10, 3))
    for name, rounds in listed.items():
        yield of_rounds(f"ls of {NAMES:,}: {name}", [us / 1000 for us in rounds], "ms")
    yield ratio(f"ls of {NAMES:,}, coffer against null", listed["coffer"], listed["null"], 3)
    yield of_rounds(f"ls -l of {NAMES:,}: null", nulls, "ms")
    yield of_rounds(f"ls -l of {NAMES:,}: coffer, first time", first, "ms")
    yield of_rounds(f"ls -l of {NAMES:,}: coffer, again", later, "ms")
