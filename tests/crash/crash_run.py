# SPDX-License-Identifier: Apache-2.0
"""What all crash tests share: the long form, the seed, the figures, and many cases beside each other."""
import concurrent.futures
import os
import random
import time
import traceback

LONG = os.environ.get("COFFER_TEST_LONG") == "1"
SEED = int(os.environ.get("COFFER_TEST_SEED") or time.time_ns() % 1_000_000_007)
BESIDE = 2 * (os.cpu_count() or 1)  # cases that run at once: they wait for the disk more than they compute


def chance(*names) -> random.Random:
    """Random choices of the run's seed, the same for the same names."""
    return random.Random(f"{SEED} {names}")


def figure(what: str, **counts: int) -> None:
    print(f"\nFIGURE: crash: {what}: " + ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items()),
          flush=True)


def spread(cases: list, most: int) -> list:
    """At most that many of them, evenly; another choice with each seed."""
    if LONG or len(cases) <= most:
        return cases
    step = len(cases) / most
    offset = chance("spread").random() * step
    return [cases[int(offset + number * step)] for number in range(most)]


def problems_of(case, arguments: list, beside: int = BESIDE) -> list[str]:
    """Runs case(*arguments) for each; what was wrong, with the case and the seed."""
    def one(argument) -> str | None:
        try:
            case(*argument)
        except AssertionError as problem:
            return f"seed {SEED}, {argument}: {problem}"
        except Exception:  # whatever else goes wrong is a problem of that case too
            return f"seed {SEED}, {argument}: {traceback.format_exc()}"
        return None

    with concurrent.futures.ThreadPoolExecutor(beside) as pool:
        return [problem for problem in pool.map(one, arguments) if problem]


def require(holds, *words) -> None:
    if not holds:
        raise AssertionError(" ".join(map(str, words)))
