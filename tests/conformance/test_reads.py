# SPDX-License-Identifier: Apache-2.0
"""Random reads in every way that a program has, compared with the value: nothing but the value, and no byte missing."""
import collections
import mmap
import os
import random
import unittest

import served

QUICK, MANY = 6000, 1_000_000
ADA = served.CALLERS[0]


def spans(source: random.Random, size: int) -> tuple[int, int]:
    """Offset and length, more often at an end, a page's or a block's edge than anywhere."""
    edges = (0, 1, 63, 64, 1023, 4095, 4096, 16383, 16384, 65535, 131071, size // 2, size - 1, size, size + 1, 1 << 40)
    offset = max(0, source.choice(edges) + source.randint(-2, 2)) if source.random() < 0.5 else source.randrange(size + 8)
    length = source.choice((0, 1, 2, 63, 64, 511, 4096, 4097, 16385, 131072, 1 << 20))
    return offset, length if source.random() < 0.5 else source.randrange(1, length + 2)


class OpenFile:
    """One open file, of which the file offset is known too, and the ways of reading it."""

    def __init__(self, path: str, value: bytes, source: random.Random, cached: bool):
        self.value, self.source, self.cached = value, source, cached
        # With O_DIRECT the kernel's splice is a read into pages of its own, and not by the page cache.
        self.direct = source.random() < 0.2
        self.fd = os.open(path, os.O_RDONLY | (os.O_DIRECT if self.direct else 0))
        self.at = 0

    def close(self):
        os.close(self.fd)

    def check(self, seen: bytes, offset: int, length: int):
        wanted = self.value[offset:offset + length]
        # A short read is allowed before the end, an empty one is not.
        if not wanted.startswith(seen) or (wanted and not seen):
            raise AssertionError(f"{len(seen)} bytes at {offset}, of {length} asked for of {len(self.value)}: not the value")
        return len(seen)

    def read(self, offset, length):
        self.at += self.check(os.read(self.fd, length), self.at, length)

    def pread(self, offset, length):
        self.check(os.pread(self.fd, length, offset), offset, length)

    def readv(self, offset, length):
        parts = [bytearray(self.source.randrange(1, max(2, length))) for _ in range(self.source.randrange(1, 9))]
        size = os.readv(self.fd, parts)
        self.at += self.check(b"".join(parts)[:size], self.at, sum(map(len, parts)))

    def preadv(self, offset, length):
        parts = [bytearray(length // 3 + 1), bytearray(1), bytearray(length // 2 + 1)]
        size = os.preadv(self.fd, parts, offset, os.RWF_HIPRI if self.source.random() < 0.3 else 0)
        self.check(b"".join(parts)[:size], offset, sum(map(len, parts)))

    def seek(self, offset, length):
        whence = self.source.choice((os.SEEK_SET, os.SEEK_CUR, os.SEEK_END))
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: len(self.value)}[whence]
        found = os.lseek(self.fd, offset - base, whence)
        if found != offset:
            raise AssertionError(f"seek to {offset} is at {found}")
        self.at = offset
        self.read(offset, length)

    def duplicate(self, offset, length):
        """A duplicate shares the offset, a file that is opened again has its own."""
        other, again = os.dup(self.fd), os.open(f"/proc/self/fd/{self.fd}", os.O_RDONLY)
        try:
            self.at += self.check(os.read(other, length), self.at, length)
            self.check(os.read(again, length), 0, length)
        finally:
            os.close(other)
            os.close(again)

    def whole(self, offset, length):
        with open(f"/proc/self/fd/{self.fd}", "rb", buffering=self.source.choice((0, 512, 8192))) as file:
            if file.read() != self.value:
                raise AssertionError("the whole is another")

    def size(self, offset, length):
        if os.fstat(self.fd).st_size != len(self.value):
            raise AssertionError("another size")

    # --- by the kernel's page cache: where the rule permits, and refused where it does not ---

    def permitted(self, move, offset, length):
        try:
            seen = move()
        except PermissionError:
            if self.cached:
                raise
            return
        if seen and not (self.cached or self.direct):
            raise AssertionError("what was to be refused was not")
        if seen or self.cached or self.direct:
            self.check(seen, offset, length)

    def through_pipe(self, move, length):
        ends = os.pipe()
        try:
            size = move(ends[1], min(length, 65536))
            return os.read(ends[0], size) if size else b""
        finally:
            for end in ends:
                os.close(end)

    def sendfile(self, offset, length):
        length = max(1, min(length, 65536))
        self.permitted(lambda: self.through_pipe(lambda to, size: os.sendfile(to, self.fd, offset, size), length), offset, length)

    def splice(self, offset, length):
        length = max(1, min(length, 65536))
        self.permitted(lambda: self.through_pipe(lambda to, size: os.splice(self.fd, to, size, offset_src=offset), length),
                       offset, length)

    def map(self, offset, length):
        if not self.cached or not self.value:
            return self.pread(offset, length)  # a touch would be SIGBUS: table.py has it
        with mmap.mmap(self.fd, len(self.value), mmap.MAP_PRIVATE, mmap.PROT_READ) as memory:
            offset = min(offset, len(self.value) - 1)
            self.check(memory[offset:offset + length + 1], offset, length + 1)


WAYS = (OpenFile.read, OpenFile.pread, OpenFile.readv, OpenFile.preadv, OpenFile.seek, OpenFile.duplicate, OpenFile.whole,
        OpenFile.size, OpenFile.sendfile, OpenFile.splice, OpenFile.map)


def read_at_random(count: int, cached: bool) -> dict[str, int]:
    source = random.Random(f"{served.SEED} {cached}")
    folder = served.MOUNT / "acme/coffer-ada" / ("cached" if cached else "sizes")
    names = list(served.VALUES)
    done = collections.Counter()
    while sum(done.values()) < count:
        name = source.choice(names)
        files = [OpenFile(folder / name, served.VALUES[name], source, cached) for _ in range(source.randrange(1, 4))]
        for _ in range(source.randrange(1, 40)):
            file, way = source.choice(files), source.choice(WAYS)
            if way is OpenFile.whole and len(file.value) > 100000 and source.random() < 0.9:
                continue
            offset, length = spans(source, len(file.value))
            try:
                way(file, offset, length)
            except (AssertionError, OSError) as error:
                raise AssertionError(f"COFFER_TEST_SEED={served.SEED}: {way.__name__} of {folder / name}: {error}") from error
            done[way.__name__] += 1
        for file in files:
            file.close()
    return done


class RandomReads(unittest.TestCase):
    def test_reads_in_every_way_give_the_value(self):
        count = MANY if served.LONG else QUICK
        for cached in (False, True):
            done = served.as_caller(ADA, lambda: read_at_random(count // 2, cached))
            ways = ", ".join(f"{way} {number}" for way, number in sorted(done.items()))
            print(f"\nFIGURE: conformance: random reads{', cached = true' if cached else ''}: {sum(done.values())} compared, "
                  f"0 wrong, of {len(served.SIZES)} sizes ({ways})")
