#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every vector in a folder with the Python decoder: decode.py FOLDER. Exit status 1 when one differs.

It decodes and verifies commits, opens payloads, derives identities and reads watermarks. It does not replay logs and has no
Argon2id; for those vectors it checks the form alone.
"""
import json
import sys
from pathlib import Path

import format as store_format
import primitives as algorithm
from format import Refused

# Rules of the form, which need no replay: the decoder has to find them by itself.
FORM = ("commit.magic", "commit.format", "commit.truncated", "commit.trailing-bytes", "commit.operation-count",
        "commit.operation-type", "commit.enum", "commit.signature", "name.", "principal-add.public-key",
        "scope-key.public-key", "put.padded-length")


class Vector:
    def __init__(self, path: Path):
        self.lines = [tuple(line.split(": ", 1)) for line in path.read_text("ascii").splitlines()]

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.lines if found == name]

    def one(self, name: str) -> str:
        values = self.all(name)
        assert len(values) == 1, f"{len(values)} lines {name}"
        return values[0]

    def data(self, name: str) -> bytes:
        return bytes.fromhex(self.one(name))


def outcome(action) -> tuple[str, object]:
    try:
        return "accept", action()
    except Refused as refused:
        return f"refuse {refused}".strip(), None


def expect(found, wanted, what: str):
    assert found == wanted, f"{what}: expected {wanted}, found {found}"


def decode_commit(commit: bytes) -> dict:
    signer, signature, body = store_format.parse_envelope(commit)
    if not store_format.signature_holds(signer, signature, body):
        raise Refused("commit.signature")
    return store_format.decode_body(body)


def check_log(vector: Vector):
    commits = [bytes.fromhex(commit) for commit in vector.all("commit")]
    expect([store_format.commit_hash(commit).hex() for commit in commits], vector.all("hash"), "hashes")
    for commit in commits[:-1]:
        decode_commit(commit)
    wanted = vector.one("expect")
    of_form = wanted.startswith(tuple("refuse " + rule for rule in FORM))
    expect(outcome(lambda: decode_commit(commits[-1]))[0], wanted if of_form else "accept", "the last commit")
    commit = b""
    for name, value in vector.lines:
        if name == "commit":
            commit = bytes.fromhex(value)
        if name == "body":
            expect(store_format.decode_body(store_format.parse_envelope(commit)[2]), json.loads(value), "body")


def check_payload(vector: Vector):
    context = store_format.context(vector.data("store"), vector.one("name"), vector.one("visibility"),
                                   int(vector.one("sealed-as")), vector.data("scope-key"))
    expect(context.hex(), vector.one("context"), "context")
    private, public = vector.data("private"), vector.data("public")
    expect(algorithm.x25519(private, algorithm.X25519_BASE), public, "scope key")

    def open_payload():
        payload = vector.data("payload")
        if algorithm.blake2b(payload, 32).hex() != vector.one("hash"):
            raise Refused("payload.hash")
        return store_format.open_payload(payload, private, public, context)

    found, value = outcome(open_payload)
    expect(found, vector.one("expect"), "opening")
    if found == "accept":
        expect(value, vector.data("value"), "value")


def check_identity(vector: Vector):
    found = store_format.identity(vector.data("seed"))
    for name in ("signing", "sealing", "watermark-key", "id", "recipient"):
        expect(found[name], vector.one(name), name)
    expect(algorithm.ed25519_sign(found["signing-seed"], vector.data("message")).hex(), vector.one("signature"),
           "signature")


def identity_file_rule(text: str) -> str:
    """Accept, or the rule; what needs Argon2id passes."""
    if not text.startswith("coffer identity 1\n"):
        return "refuse identity.format"
    plain = store_format.PLAIN.match(text)
    protected = store_format.PROTECTED.match(text)
    if plain:
        if plain.end() != len(text):
            return "refuse identity.trailing-bytes"
        keys = store_format.identity(bytes.fromhex(plain[3]))
        return "accept" if plain.groups()[:2] == (keys["signing"], keys["sealing"]) else "refuse identity.public-half"
    if protected:
        operations, memory = int(protected[1]), int(protected[2])
        good = 1 <= operations <= 16 and 8 << 20 <= memory <= 1 << 30 and memory % 1024 == 0
        return "accept" if good else "refuse identity.cost"
    return "refuse identity.line"


def check_identity_file(vector: Vector):
    wanted = {"refuse identity.passphrase": "accept", "refuse identity.spelling": "refuse identity.line"}
    expect(identity_file_rule(vector.data("file").decode("ascii")),
           wanted.get(vector.one("expect"), vector.one("expect")), "identity file")


def check_watermark(vector: Vector):
    key = bytes.fromhex("".join(vector.all("key")))
    found, pin = outcome(lambda: store_format.watermark_pin(vector.data("file").decode("ascii"), key))
    expect(found, vector.one("expect"), "watermark")
    if found == "accept":
        expect(pin, vector.one("pin"), "pin")


def check_pattern(vector: Vector):
    for row in vector.all("row"):
        pattern, scope, *wanted = row.split(" ")
        found = ["contains" if store_format.contains(pattern, scope) else "-",
                 "meets" if store_format.meets(pattern, scope) else "-"]
        expect(found, wanted, row)


CHECKS = {"log": check_log, "payload": check_payload, "identity": check_identity, "identity-file": check_identity_file,
          "watermark": check_watermark, "pattern": check_pattern}


def main() -> int:
    paths = sorted(Path(sys.argv[1]).glob("*.vector"))
    failed, kinds = 0, set()
    for path in paths:
        vector = Vector(path)
        kinds.add(vector.one("kind"))
        try:
            CHECKS[vector.one("kind")](vector)
        except (AssertionError, Refused, ValueError) as error:
            failed += 1
            print(f"{path.name}: {error}")
    print(f"{len(paths)} vectors, {failed} of them wrong")
    return 0 if paths and not failed and kinds == set(CHECKS) else 1


if __name__ == "__main__":
    sys.exit(main())
