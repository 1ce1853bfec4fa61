# SPDX-License-Identifier: Apache-2.0
"""Entry: one figure of the benchmark with its limit, and how it is made of the rounds."""
import statistics
from typing import NamedTuple, Optional

Rounds = dict[str, list[float]]  # of each target what each round gave, neighbours measured at the same time


class Entry(NamedTuple):
    name: str  # unique in a run
    value: float
    unit: str
    limit: Optional[float] = None
    at_least: bool = False  # the limit is a least value, else a greatest
    low: Optional[float] = None  # the rounds that `value` is the median of
    high: Optional[float] = None

    def is_within(self):
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def line(self):
        span = "" if self.low is None else f"{short(self.low)} to {short(self.high)}"
        limit = "" if self.limit is None else f"{'at least' if self.at_least else 'at most'} {short(self.limit)}"
        return f"  {self.name:<63} {short(self.value):>8} {self.unit:<6} {span:<20} {limit:<15}" \
               f"{'' if self.is_within() else ' MISSED'}".rstrip()

    def document(self):
        return {"name": self.name, "value": round(self.value, 4), "unit": self.unit, "limit": self.limit,
                "at_least": self.at_least, "within": self.is_within(), "low": self.low, "high": self.high}


class LeftOut(NamedTuple):
    """What this run says nothing about, and why."""
    name: str
    why: str


def short(number):
    """Three figures or more, and no exponent."""
    digits = max(0, 2 - len(str(int(abs(number)))) + 1) if abs(number) < 100 else 0
    return f"{number:,.{digits}f}"


def of_rounds(name, rounds, unit, limit=None, at_least=False):
    return Entry(name, statistics.median(rounds), unit, limit, at_least, min(rounds), max(rounds))


def ratio(name, over, under, limit=None, at_least=False):
    """Of neighbours, so that what drifts drifts in both."""
    return of_rounds(name, [a / b for a, b in zip(over, under, strict=True)], "x", limit, at_least)
