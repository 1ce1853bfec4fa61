# SPDX-License-Identifier: Apache-2.0
"""A second decoder of the store format, written from docs/store-format.md alone."""
import re
import struct

import primitives as algorithm

ROLES = {1: "owner", 2: "admin", 3: "editor", 4: "host"}
VISIBILITIES = {1: "masked", 2: "restricted"}
OPERATIONS = {1: "principal_add", 2: "principal_remove", 3: "scope_key", 4: "grant", 5: "put", 6: "remove", 7: "purge"}
MAX_COMMIT, MAX_VALUE = 1 << 20, 1 << 20


class Refused(Exception):
    """Its only argument is the rule that is broken."""


# ---- section 2: bytes

class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def raw(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise Refused("commit.truncated")
        self.at += size
        return self.data[self.at - size:self.at]

    def integer(self, size: int) -> int:
        return int.from_bytes(self.raw(size), "little")

    def lp(self) -> bytes:
        return self.raw(self.integer(4))

    def end(self):
        if self.at != len(self.data):
            raise Refused("commit.trailing-bytes")


def lp(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("ascii")


# ---- section 3: names

def check_name(name: bytes, limit: int = 64) -> str:
    if not name:
        raise Refused("name.empty")
    if len(name) > limit:
        raise Refused("name.too-long")
    if name[:1] in b".-":
        raise Refused("name.first-character")
    if not re.fullmatch(rb"[A-Za-z0-9._-]+", name):
        raise Refused("name.character")
    return name.decode("ascii")


def three_segments(reader: Reader, org_may_be_any: bool) -> str:
    segments = [reader.lp(), reader.lp(), reader.lp()]
    for i, segment in enumerate(segments):
        if segment or (i == 0 and not org_may_be_any):
            check_name(segment)
    return "/".join(segment.decode("ascii") or "*" for segment in segments)


def contains(pattern: str, scope: str) -> bool:
    return all(p in ("*", s) for p, s in zip(pattern.split("/"), scope.split("/")))


def meets(pattern: str, scope: str) -> bool:
    return all(p in ("*", s) or s == "*" for p, s in zip(pattern.split("/"), scope.split("/")))


# ---- section 4: commits

def parse_envelope(commit: bytes):
    if len(commit) > MAX_COMMIT:
        raise Refused("commit.too-large")
    if commit[:4] != b"CFRC":
        raise Refused("commit.magic")
    reader = Reader(commit)
    reader.raw(4)
    if reader.integer(2) != 1:
        raise Refused("commit.format")
    signer, signature, body = reader.raw(32), reader.raw(64), reader.lp()
    reader.end()
    return signer, signature, body


def signature_holds(signer: bytes, signature: bytes, body: bytes) -> bool:
    return algorithm.ed25519_verify(signer, b"coffer/commit-sign/1" + struct.pack("<H", 1) + signer + body, signature)


def enumeration(reader: Reader, names: dict) -> str:
    value = reader.integer(1)
    if value not in names:
        raise Refused("commit.enum")
    return names[value]


def safe_sealing_key(reader: Reader, rule: str) -> str:
    key = reader.raw(32)
    if not algorithm.x25519_is_safe(key):
        raise Refused(rule)
    return key.hex()


def principal_add(reader: Reader) -> dict:
    out = {"name": check_name(reader.lp()), "role": enumeration(reader, ROLES),
           "pattern": three_segments(reader, True)}
    signing = reader.raw(32)
    out["signing"], out["sealing"] = signing.hex(), safe_sealing_key(reader, "principal-add.public-key")
    if not algorithm.ed25519_is_prime_order(signing):
        raise Refused("principal-add.public-key")
    return out


def principal_remove(reader: Reader) -> dict:
    return {"principal": reader.raw(16).hex()}


def scope_key(reader: Reader) -> dict:
    return {"id": reader.raw(16).hex(), "scope": three_segments(reader, False),
            "visibility": enumeration(reader, VISIBILITIES), "generation": reader.integer(4),
            "public": safe_sealing_key(reader, "scope-key.public-key")}


def grant(reader: Reader) -> dict:
    return {"scope_key": reader.raw(16).hex(), "principal": reader.raw(16).hex(), "sealed": reader.raw(80).hex()}


def put(reader: Reader) -> dict:
    out = {"scope_key": reader.raw(16).hex(), "key": check_name(reader.lp(), 128), "version": reader.integer(8),
           "sealed_as": reader.integer(8), "not_after_ms": reader.integer(8), "payload": reader.raw(32).hex(),
           "padded_len": reader.integer(4)}
    if not is_padded_length(out["padded_len"]):
        raise Refused("put.padded-length")
    return out


def named_version(reader: Reader) -> dict:
    return {"name": three_segments(reader, False) + "/" + check_name(reader.lp(), 128), "version": reader.integer(8)}


FIELDS = {1: principal_add, 2: principal_remove, 3: scope_key, 4: grant, 5: put, 6: named_version, 7: named_version}


def decode_operation(body: Reader) -> dict:
    kind, fields = body.integer(1), Reader(body.lp())
    if kind not in OPERATIONS:
        raise Refused("commit.operation-type")
    out = {"op": OPERATIONS[kind], **FIELDS[kind](fields)}
    fields.end()
    return out


def decode_body(body: bytes) -> dict:
    reader = Reader(body)
    out = {"store": reader.raw(16).hex(), "revision": reader.integer(8), "previous": reader.raw(32).hex(),
           "time_ms": reader.integer(8)}
    count = reader.integer(4)
    if not 1 <= count <= 1000:
        raise Refused("commit.operation-count")
    out["operations"] = [decode_operation(reader) for _ in range(count)]
    reader.end()
    return out


def commit_hash(commit: bytes) -> bytes:
    return algorithm.blake2b(b"coffer/commit-hash/1" + commit, 32)


# ---- section 6: payloads

def padded_length(size: int) -> int:
    return 64 if size < 64 else 256 if size < 256 else (size // 1024 + 1) * 1024


def is_padded_length(size: int) -> bool:
    return size in (64, 256) or (size % 1024 == 0 and 1024 <= size <= MAX_VALUE + 1024)


def pad(value: bytes) -> bytes:
    return (value + b"\x80").ljust(padded_length(len(value)), b"\0")


def unpad(padded: bytes) -> bytes:
    stripped = padded.rstrip(b"\0")
    if stripped[-1:] != b"\x80" or padded_length(len(stripped) - 1) != len(padded):
        raise Refused("payload.padding")
    return stripped[:-1]


def context(store: bytes, name: str, visibility: str, sealed_as: int, scope_key_id: bytes) -> bytes:
    *scope, key = name.split("/")
    segments = b"".join(lp("" if segment == "*" else segment) for segment in scope)
    number = {text: value for value, text in VISIBILITIES.items()}[visibility]
    return algorithm.blake2b(b"coffer/secret/1" + store + segments + bytes([number]) + lp(key) +
                             struct.pack("<Q", sealed_as) + scope_key_id, 32)


def open_payload(payload: bytes, private: bytes, public: bytes, expected_context: bytes) -> bytes:
    if not is_padded_length(len(payload) - 80):
        raise Refused("payload.length")
    opened = algorithm.unseal(payload, public, private)
    if opened is None:
        raise Refused("payload.box")
    if opened[:32] != expected_context:
        raise Refused("payload.context")
    return unpad(opened[32:])


# ---- sections 7 and 8: identities and watermarks

def identity(seed: bytes) -> dict:
    import hashlib
    signing_seed, sealing_seed = algorithm.kdf(seed, 1), algorithm.kdf(seed, 2)
    signing = algorithm.ed25519_public(signing_seed)
    sealing = algorithm.x25519(hashlib.sha512(sealing_seed).digest()[:32], algorithm.X25519_BASE)
    return {"signing": signing.hex(), "sealing": sealing.hex(), "watermark-key": algorithm.kdf(seed, 3).hex(),
            "id": algorithm.blake2b(b"coffer/principal/1" + signing + sealing, 16).hex(),
            "recipient": "coffer1" + signing.hex() + sealing.hex(), "signing-seed": signing_seed}


DIGITS = "(?:0|[1-9][0-9]*)"
PLAIN = re.compile(r"coffer identity 1\nsigning: ([0-9a-f]{64})\nsealing: ([0-9a-f]{64})\nprotection: none\n"
                   r"seed: ([0-9a-f]{64})\n")
PROTECTED = re.compile(r"coffer identity 1\nsigning: [0-9a-f]{64}\nsealing: [0-9a-f]{64}\nprotection: argon2id\n"
                       rf"operations: ({DIGITS})\nmemory: ({DIGITS})\nsalt: [0-9a-f]{{32}}\nnonce: [0-9a-f]{{48}}\n"
                       r"seed: [0-9a-f]{96}\n")


def watermark_pin(text: str, key: bytes) -> str:
    form = re.fullmatch(r"(coffer watermark 1\nstore: ([0-9a-f]{32})\nowner: ([0-9a-f]{32})\n"
                        rf"revision: ({DIGITS})\nhead: ([0-9a-f]{{64}})\n)mac: (none|[0-9a-f]{{64}})\n", text)
    if not form:
        raise Refused("")
    mac = algorithm.blake2b(b"coffer/watermark/1" + form[1].encode(), 32, key).hex() if key else "none"
    if form[6] != mac:
        raise Refused("")
    return ":".join((form[2], form[3], form[4], form[5]))
