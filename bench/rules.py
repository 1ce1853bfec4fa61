# SPDX-License-Identifier: Apache-2.0
"""What a policy of many rules costs: three daemons on one store."""
import contextlib

from client import READ
from entry import of_rounds, ratio
from store import Store

LIMITS = {200: 1.05, 10_000: 1.5}


def entries(plan, client):
    store = Store(plan, "rules")
    key = store.fill(100)[0]
    with contextlib.ExitStack() as stack:
        mounts = {count: stack.enter_context(store.cofferd(f"{count}-rules", rules=count)) for count in (1, *LIMITS)}
        for mount in mounts.values():
            mount.pin(plan.cpu)
        rounds = client.turns(READ, {count: mount.place / key for count, mount in mounts.items()}, plan.less(4000, 1000))
    for count, took in rounds.items():
        yield of_rounds(f"{READ}: {count:,} rule{'s' if count > 1 else ''}", took, "us")
    for count, limit in LIMITS.items():
        yield ratio(f"{READ}, {count:,} rules against 1", rounds[count], rounds[1], limit)
