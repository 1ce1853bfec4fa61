# SPDX-License-Identifier: Apache-2.0
"""What the tool takes: many listed, a program with its environment, output without secrets, many secrets in."""
import random

from entry import of_rounds
from store import Store, dotenv

MANY = 100_000
LISTED = 10_000


def entries(plan, _client):
    store = Store(plan, "tool")
    yield from exec_some(plan, store)
    yield redact(plan, store)
    store.import_some("acme/listed/all", LISTED)
    yield of_rounds(f"ls of {LISTED:,}", [1000 * store.coffer("ls") for _ in range(plan.rounds)], "ms", 300)


def imports(plan, _client):
    store = Store(plan, "imports")
    times = [store.import_some(f"acme/many/m{i}", MANY) for i in range(3)]
    yield of_rounds(f"import of {MANY:,}", times, "s", 8)


def added(store, rounds, words):
    """Milliseconds that the tool takes beyond true(1), measured in turn."""
    return [1000 * (store.coffer(*words, "--", "true") - store.run("true")) for _ in range(rounds)]


def exec_some(plan, store):
    for count in (5, 100):
        store.import_some(f"acme/some/with-{count}", count)
    with store.cofferd("plain") as mount:
        for count, limit in ((5, 30), (100, None)):
            words = ["exec", "--scope", f"acme/some/with-{count}"]
            for way, option in (("from the store", ("--identity", store.identity)), ("through the mount", ("--mount", mount.place))):
                yield of_rounds(f"exec adds, {count} secrets {way}", added(store, plan.rounds, [*words, *option]), "ms", limit)


def redact(plan, store):
    """Of output in which every value comes now and then."""
    file = dotenv(store.folder / "redacted.env", 100)
    store.coffer("import", "--scope", "acme/redacted/all", file)
    values = [line.partition("=")[2] for line in file.read_text().splitlines()]
    lines = [f"{random.randbytes(40).hex()} some words of a log that nothing is in\n" for _ in range(10_000)]
    lines += [f"connecting with {value}\n" for value in values]
    random.shuffle(lines)
    block = "".join(lines).encode()
    text = store.folder / "output"
    text.write_bytes(block * (plan.less(256, 64) * 2**20 // len(block) + 1))
    speeds = []
    for _ in range(plan.rounds):
        with open(text, "rb") as stdin:
            seconds = store.coffer("redact", "--identity", store.identity, "--scope", "acme/redacted/all", stdin=stdin)
        speeds.append(text.stat().st_size / 1e6 / seconds)
    text.unlink()
    return of_rounds("redact, 100 values", speeds, "MB/s", 200, at_least=True)
