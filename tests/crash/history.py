# SPDX-License-Identifier: Apache-2.0
"""The history of one secret under many writers and readers, and whether one register could have had it.

Versions are given by the store, which makes the question an exact one: the writes in the order of their versions are the
only order that there can be. What is left to look at is real time: no write, and no read on the same way, may say less
than what had been said before it began.
"""
from typing import NamedTuple


class Write(NamedTuple):
    begun: float
    ended: float
    value: bytes
    version: int | None  # as acknowledged; None: it failed or was killed, and may be there, once


class Read(NamedTuple):
    begun: float
    ended: float
    value: bytes
    reader: str  # what one reader reads never goes back
    # Versions that were acknowledged before this moment have to be seen; for a mount: before it served their revision.
    since: float


def problems_in(writes: list[Write], reads: list[Read], kept: dict[int, bytes]) -> list[str]:
    """`kept`: what the store has at the end, by version."""
    problems = []
    values = [value for _, value in sorted(kept.items())]
    version_of = {value: version for version, value in kept.items()}
    written = {write.value for write in writes}
    if sorted(kept) != list(range(1, len(kept) + 1)):
        problems.append(f"versions with a gap: {sorted(kept)}")
    if len(set(values)) != len(values):
        problems.append("a value was written twice")
    problems += [f"nobody wrote {value!r}" for value in values if value not in written]

    acknowledged = [write for write in writes if write.version is not None]
    if len({write.version for write in acknowledged}) != len(acknowledged):
        problems.append("a version was acknowledged twice")
    problems += [f"{write} was acknowledged, and kept is {kept.get(write.version)!r}" for write in acknowledged
                 if kept.get(write.version) != write.value]
    problems += out_of_order([(write.begun, write.ended, write.version, "write") for write in acknowledged], strictly=True)

    begun = {write.value: write.begun for write in writes}
    seen = []
    for read in reads:
        version = version_of.get(read.value)
        if version is None:
            problems.append(f"{read} is of no version")
            continue
        seen.append((read, version))
        if read.ended < begun.get(read.value, 0):
            problems.append(f"{read} came before its write")
        newest = max((write.version for write in acknowledged if write.ended < read.since), default=0)
        if version < newest:
            problems.append(f"{read} is version {version}, and {newest} was acknowledged before")
    for reader in {read.reader for read, _ in seen}:
        problems += out_of_order([(read.begun, read.ended, version, reader) for read, version in seen if read.reader == reader])
    return problems


def out_of_order(events: list[tuple[float, float, int, str]], strictly: bool = False) -> list[str]:
    """Of those that began after another had ended: which have an older version (or, strictly, the same)."""
    problems = []
    ends = sorted(events, key=lambda event: event[1])
    newest, at = 0, 0
    for begun, _, version, who in sorted(events):
        while at < len(ends) and ends[at][1] < begun:
            newest = max(newest, ends[at][2])
            at += 1
        if version < newest or (strictly and version == newest):
            problems.append(f"{who}: version {version} after {newest}")
    return problems
