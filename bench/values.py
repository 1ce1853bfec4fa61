# SPDX-License-Identifier: Apache-2.0
"""Large values: 1 MiB, read 128 KiB at a time as cat(1) does."""
import os

from entry import of_rounds, ratio
from mounts import null_fs
from reads import NULL_KEY
from store import Store

SIZE = 2**20


def entries(plan, client):
    store = Store(plan, "values")
    store.set("acme/b/c/LARGE", os.urandom(SIZE))
    with store.cofferd("plain") as coffer, null_fs(plan, "null-large", "--size", SIZE) as null:
        files = {"null": null.place / NULL_KEY, "coffer": coffer.place / "acme/b/c/LARGE"}
        for mount in (coffer, null):
            mount.pin(plan.cpu)
        for name, sequence, times in (("opened and read once", "read-all", 1), ("opened and read 16 times", "read-all-16-times", 16)):
            took = client.turns(sequence, files, plan.less(320, 64) // times)
            speed = {target: [times * SIZE / us for us in rounds] for target, rounds in took.items()}
            for target, rounds in speed.items():
                yield of_rounds(f"1 MiB {name}: {target}", rounds, "MB/s")
            yield ratio(f"1 MiB {name}, throughput against null", speed["coffer"], speed["null"], 0.6, at_least=True)
