# SPDX-License-Identifier: Apache-2.0
"""From the return of `coffer set` to the first read that shows the new value."""
import statistics
import time

from entry import Entry
from store import Store


def read(path):
    with open(path, "rb", buffering=0) as file:
        return file.read(4096)


def entries(plan, _client):
    store = Store(plan, "commits")
    path = store.fill(100)[0]
    waited = []
    with store.cofferd("plain") as mount:
        file = mount.place / path
        read(file)
        for number in range(plan.less(400, 100)):
            value = f"value number {number}".encode()
            store.set(path, value)
            returned = time.monotonic()
            while read(file) != value:
                if time.monotonic() > returned + 10:
                    raise RuntimeError("a value that was set is not served after 10 seconds")
            waited.append(1000 * (time.monotonic() - returned))
    yield Entry("commit to served: median", statistics.median(waited), "ms")
    yield Entry("commit to served: p99", statistics.quantiles(waited, n=100)[98], "ms", 20, low=min(waited), high=max(waited))
