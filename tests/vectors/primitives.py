# SPDX-License-Identifier: Apache-2.0
"""The algorithms of docs/store-format.md, section 2, in plain Python: slow, not constant time, for vectors only.

X25519 as in RFC 7748, Ed25519 as in RFC 8032, Salsa20 as in its specification, Poly1305 as in RFC 8439.
"""
import hashlib
import struct

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def blake2b(data: bytes, size: int, key: bytes = b"") -> bytes:
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def kdf(master: bytes, number: int, context: bytes = b"cofferid") -> bytes:
    """libsodium's crypto_kdf: keyed BLAKE2b-256 of nothing."""
    return hashlib.blake2b(b"", digest_size=32, key=master, salt=struct.pack("<QQ", number, 0),
                           person=context + bytes(8)).digest()


# ---- X25519

def x25519(scalar: bytes, point: bytes) -> bytes:
    k = bytearray(scalar)
    k[0] &= 248
    k[31] = (k[31] & 127) | 64
    k = int.from_bytes(k, "little")
    u = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = (k >> t) & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % P, c * b % P
        aa, bb = a * a % P, b * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, x3, z2, z3 = x3, x2, z3, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


X25519_BASE = bytes([9]) + bytes(31)


def x25519_is_safe(point: bytes) -> bool:
    return int.from_bytes(point, "little") < P and x25519(bytes([8]) + bytes(31), point) != bytes(32)


# ---- Ed25519, points in extended coordinates

def _add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


NEUTRAL = (0, 1, 1, 0)


def _multiply(scalar: int, p):
    q = NEUTRAL
    while scalar:
        if scalar & 1:
            q = _add(q, p)
        p = _add(p, p)
        scalar >>= 1
    return q


def _is_neutral(p) -> bool:
    return p[0] % P == 0 and (p[1] - p[2]) % P == 0


def _decompress(data: bytes):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _compress(p) -> bytes:
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BY = 4 * pow(5, P - 2, P) % P
_BASE = _decompress(_BY.to_bytes(32, "little"))


def _expand(seed: bytes):
    h = bytearray(hashlib.sha512(seed).digest())
    h[0] &= 248
    h[31] = (h[31] & 127) | 64
    return int.from_bytes(h[:32], "little"), bytes(h[32:])


def _reduced_hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def ed25519_public(seed: bytes) -> bytes:
    return _compress(_multiply(_expand(seed)[0], _BASE))


def ed25519_sign(seed: bytes, message: bytes) -> bytes:
    scalar, prefix = _expand(seed)
    public = _compress(_multiply(scalar, _BASE))
    r = _reduced_hash(prefix, message)
    point = _compress(_multiply(r, _BASE))
    return point + ((r + _reduced_hash(point, public, message) * scalar) % L).to_bytes(32, "little")


def ed25519_is_prime_order(public: bytes) -> bool:
    p = _decompress(public)
    return p is not None and not _is_neutral(p) and _is_neutral(_multiply(L, p))


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    a, r = _decompress(public), _decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    if _is_neutral(_multiply(8, a)) or _is_neutral(_multiply(8, r)):
        return False
    k = _reduced_hash(signature[:32], public, message)
    return _compress(_add(_multiply(s, _BASE), _multiply(L - k, a))) == signature[:32]


# ---- sealed boxes

def _salsa20_rounds(x):
    def quarter(a, b, c, d):
        for target, one, two, bits in ((b, a, d, 7), (c, b, a, 9), (d, c, b, 13), (a, d, c, 18)):
            word = (x[one] + x[two]) & 0xffffffff
            x[target] ^= ((word << bits) | (word >> (32 - bits))) & 0xffffffff
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
                           (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)):
            quarter(a, b, c, d)
    return x


def _salsa20_state(key: bytes, middle: bytes):
    sigma, k, n = struct.unpack("<4I", b"expand 32-byte k"), struct.unpack("<8I", key), struct.unpack("<4I", middle)
    return [sigma[0], *k[:4], sigma[1], *n, sigma[2], *k[4:], sigma[3]]


def hsalsa20(key: bytes, middle: bytes) -> bytes:
    x = _salsa20_rounds(_salsa20_state(key, middle))
    return struct.pack("<8I", *(x[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))


def xsalsa20(key: bytes, nonce: bytes, size: int) -> bytes:
    subkey, out = hsalsa20(key, nonce[:16]), b""
    for counter in range((size + 63) // 64):
        start = _salsa20_state(subkey, nonce[16:] + struct.pack("<Q", counter))
        x = _salsa20_rounds(list(start))
        out += struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(x, start)))
    return out[:size]


def poly1305(key: bytes, message: bytes) -> bytes:
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def _box(shared: bytes, nonce: bytes, text: bytes):
    stream = xsalsa20(hsalsa20(shared, bytes(16)), nonce, 32 + len(text))
    return stream[:32], bytes(a ^ b for a, b in zip(text, stream[32:]))


def seal(plain: bytes, recipient: bytes, ephemeral_private: bytes) -> bytes:
    ephemeral = x25519(ephemeral_private, X25519_BASE)
    key, cipher = _box(x25519(ephemeral_private, recipient), blake2b(ephemeral + recipient, 24), plain)
    return ephemeral + poly1305(key, cipher) + cipher


def unseal(box: bytes, recipient: bytes, private: bytes):
    """What the box holds, or None."""
    ephemeral, tag, cipher = box[:32], box[32:48], box[48:]
    shared = x25519(private, ephemeral)
    if shared == bytes(32):
        return None
    key, plain = _box(shared, blake2b(ephemeral + recipient, 24), cipher)
    return plain if poly1305(key, cipher) == tag else None
