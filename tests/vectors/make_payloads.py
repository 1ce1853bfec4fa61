#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vectors of payloads, always the same bytes: make_payloads.py FOLDER.

The Python decoder's own sealing makes them, with ephemeral keys that are fixed, so the library has to open what another
implementation sealed; and boxes of any content, which the library itself would never seal.
"""
import hashlib
import sys
from pathlib import Path

import format as store_format
import primitives as algorithm

STORE = bytes(range(0xa0, 0xb0))
SCOPE_KEY = bytes([1]) * 16
PRIVATE = hashlib.sha256(b"scope key").digest()
PUBLIC = algorithm.x25519(PRIVATE, algorithm.X25519_BASE)
EPHEMERAL = hashlib.sha256(b"ephemeral key").digest()
PLACE = {"name": "acme/checkout/production/DB_PASSWORD", "visibility": "masked", "sealed_as": 1}


def context_of(store=STORE, scope_key_id=SCOPE_KEY, **place) -> bytes:
    place = {**PLACE, **place}
    return store_format.context(store, place["name"], place["visibility"], place["sealed_as"], scope_key_id)


def seal(content: bytes) -> bytes:
    return algorithm.seal(content, PUBLIC, EPHEMERAL)


def good(value: bytes, **place) -> bytes:
    return seal(context_of(**place) + store_format.pad(value))


def changed(payload: bytes, at: int) -> bytes:
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1:]


class Writer:
    def __init__(self, folder: str):
        self.folder, self.count = Path(folder), {}

    def write(self, expect: str, comment: str, payload: bytes, value=None, payload_hash=None, **place):
        place = {**PLACE, **place}
        lines = [("comment", comment), ("kind", "payload"), ("expect", expect), ("store", STORE.hex()),
                 ("name", place["name"]), ("visibility", place["visibility"]), ("sealed-as", place["sealed_as"]),
                 ("scope-key", SCOPE_KEY.hex()), ("private", PRIVATE.hex()), ("public", PUBLIC.hex()),
                 ("context", context_of(**place).hex()), ("payload", payload.hex()),
                 ("hash", (payload_hash or algorithm.blake2b(payload, 32)).hex())]
        if value is not None:
            lines.append(("value", value.hex()))
        stem = "payload-" + expect.replace(" ", "-")
        self.count[stem] = self.count.get(stem, 0) + 1
        number = "" if self.count[stem] == 1 else f"-{self.count[stem]}"
        text = "".join(f"{name}: {line}\n" for name, line in lines)
        (self.folder / f"{stem}{number}.vector").write_text(text, "ascii")

    def accept(self, comment: str, value: bytes, **place):
        self.write("accept", comment, good(value, **place), value, **place)


def main():
    out = Writer(sys.argv[1])
    out.accept("a password", b"hunter2")
    out.accept("an empty value", b"")
    out.accept("the last value that fits 64 bytes", b"x" * 63)
    out.accept("the first that does not", b"x" * 64)
    out.accept("the first of 1024 bytes", b"x" * 256)
    out.accept("a value of 1024 bytes takes 2048", b"x" * 1024)
    out.accept("a value that ends like a padding", b"x\x80\0\0")
    out.accept("zeros", bytes(10))
    out.accept("a restricted secret of a whole org", b"hunter2", name="acme/*/*/PROXY", visibility="restricted",
               sealed_as=2**63)

    box = context_of() + store_format.pad(b"hunter2")
    out.write("refuse payload.hash", "the hash of another payload", good(b"hunter2"), payload_hash=bytes(32))
    out.write("refuse payload.length", "a byte too few", good(b"hunter2")[:-1])
    out.write("refuse payload.length", "a byte too many", good(b"hunter2") + b"\0")
    out.write("refuse payload.length", "a padded length of 128, in a box that opens",
              seal(context_of() + (b"hunter2\x80").ljust(128, b"\0")))
    out.write("refuse payload.length", "nothing but a context", seal(context_of()))
    out.write("refuse payload.length", "no byte", b"")
    out.write("refuse payload.box", "one bit of the ciphertext", changed(good(b"hunter2"), 100))
    out.write("refuse payload.box", "one bit of the tag", changed(good(b"hunter2"), 32))
    out.write("refuse payload.box", "one bit of the ephemeral key", changed(good(b"hunter2"), 0))
    out.write("refuse payload.box", "an ephemeral key of low order", bytes(32) + good(b"hunter2")[32:])
    out.write("refuse payload.box", "sealed to another scope key",
              algorithm.seal(box, algorithm.x25519(EPHEMERAL, algorithm.X25519_BASE), PRIVATE))
    for comment, payload in (
            ("sealed for another KEY", good(b"hunter2", name="acme/checkout/production/OTHER")),
            ("sealed for a wider scope", good(b"hunter2", name="acme/checkout/*/DB_PASSWORD")),
            ("sealed for another version", good(b"hunter2", sealed_as=2)),
            ("sealed as restricted", good(b"hunter2", visibility="restricted")),
            ("sealed for another store", good(b"hunter2", store=bytes(16))),
            ("sealed under another scope key's id", good(b"hunter2", scope_key_id=bytes(16)))):
        out.write("refuse payload.context", comment, payload)
    for comment, padded in (
            ("zeros, without a mark", bytes(64)),
            ("no zero behind the mark", b"hunter2\x80".ljust(63, b"\0") + b"\1"),
            ("another mark", b"hunter2\x81".ljust(64, b"\0")),
            ("a value of 7 bytes in 256", b"hunter2\x80".ljust(256, b"\0")),
            ("a value of 64 bytes in 1024", (b"x" * 64 + b"\x80").ljust(1024, b"\0")),
            ("a value of 7 bytes in 2048", b"hunter2\x80".ljust(2048, b"\0")),
            ("64 bytes and no padding at all", b"x" * 64)):
        out.write("refuse payload.padding", comment, seal(context_of() + padded))


if __name__ == "__main__":
    main()
