# SPDX-License-Identifier: Apache-2.0
"""How what a read costs grows with the versions of a secret and with the readers. With rules: rules.py; with secrets: large.py."""
import contextlib

from client import READ
from entry import of_rounds, ratio
from mounts import null_fs
from reads import NULL_KEY
from store import Store

READERS = (1, 2, 4, 16)  # and 8, in reads.py


def entries(plan, client):
    store = Store(plan, "growth")
    once, often = store.fill(2)
    versions = plan.less(500, 50)
    took = [1000 * store.set(often, f"value number {number}".encode()) for number in range(2, versions + 1)]
    half = len(took) // 2
    yield ratio(f"coffer set, the later of {versions} versions against the earlier", took[half:2 * half], took[:half])
    with contextlib.ExitStack() as stack:
        coffer, null = stack.enter_context(store.cofferd("plain")), stack.enter_context(null_fs(plan, "growth-null"))
        for mount in (coffer, null):
            mount.pin(plan.cpu)
        rounds = client.turns(READ, {"once": coffer.place / once, "often": coffer.place / often}, plan.less(3000, 700))
        yield ratio(f"{READ}, {versions} versions against 1", rounds["often"], rounds["once"])
        for mount in (coffer, null):
            mount.pin(None)
        files = {"null": null.place / NULL_KEY, "coffer": coffer.place / once}
        for readers in READERS:
            clients = f"{readers} client{'s' if readers > 1 else ''}"
            rounds = client.load(READ, files, plan.less(0.3, 0.1), readers)
            for name, done in rounds.items():
                yield of_rounds(f"{clients}, reads in a second: {name}", done, "1/s")
            yield ratio(f"{clients}, coffer against null", rounds["coffer"], rounds["null"])
