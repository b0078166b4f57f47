# Sealing of what rests in flash: encrypt-then-MAC with keys that are derived from the device's
# secret.
#
# AES-256-CBC and HMAC-SHA-256 because they are what the ESP32 port has (cryptolib.aes,
# hashlib.sha256). Sealer: encrypt, then MAC, a random IV. Siv: the short form for many small
# records, after the construction of RFC 5297: the MAC of the clear text is the IV.

import hashlib
import os

import cryptolib

from .mac import same

_BLOCK = 64
_CBC = 2


class SealError(ValueError):
    """A sealed thing was changed, or sealed by another device. args: (what,)"""


def _pads(key):
    """The two blocks that stand for `key` in HMAC (RFC 2104)."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    inner = bytearray(b"\x36" * _BLOCK)
    outer = bytearray(b"\x5c" * _BLOCK)
    for i, b in enumerate(key):
        inner[i] ^= b
        outer[i] ^= b
    return inner, outer


def hmac_sha256(key, *parts):
    """bytes(32): HMAC-SHA-256 (RFC 2104) of the joined parts."""
    return _hmac(_pads(key), *parts)


def _hmac(pads, *parts):
    inner, outer = pads
    h = hashlib.sha256(inner)
    for p in parts:
        h.update(p)
    g = hashlib.sha256(outer)
    g.update(h.digest())
    return g.digest()


def pbkdf2_sha256(password, salt, rounds):
    """bytes(32): first block of PBKDF2-HMAC-SHA-256 (RFC 8018). Blocks the caller for some 0.1 ms
    a round."""
    pads = _pads(password)
    u = _hmac(pads, salt, b"\x00\x00\x00\x01")
    out = bytearray(u)
    for _ in range(rounds - 1):
        u = _hmac(pads, u)
        for i in range(32):
            out[i] ^= u[i]
    return bytes(out)


class Sealer:
    """`secret`: 32 bytes that only this device has."""

    def __init__(self, secret, purpose=b"vault"):
        if len(secret) < 16:
            raise ValueError("device secret is too short")
        self._cipher_key = hmac_sha256(secret, purpose, b" encrypt")
        self._mac_key = hmac_sha256(secret, purpose, b" authenticate")

    def seal(self, data, context=b""):
        """bytes: IV 16 | ciphertext | HMAC 32. `context` is authenticated, not stored."""
        iv = os.urandom(16)
        pad = 16 - len(data) % 16
        clear = bytes(data) + bytes([pad]) * pad
        body = iv + cryptolib.aes(self._cipher_key, _CBC, iv).encrypt(clear)
        return body + hmac_sha256(self._mac_key, context, body)

    def open(self, sealed, context=b""):
        """bytearray: what was sealed. SealError."""
        if len(sealed) < 64 or len(sealed) % 16:
            raise SealError("length")
        body, tag = sealed[:-32], sealed[-32:]
        if not same(tag, hmac_sha256(self._mac_key, context, body)):
            raise SealError("authentication")
        clear = bytearray(
            cryptolib.aes(self._cipher_key, _CBC, bytes(body[:16])).decrypt(bytes(body[16:]))
        )
        pad = clear[-1]
        if not 1 <= pad <= 16:
            raise SealError("padding")
        return clear[:-pad]


class Siv:
    """`key`: 32 bytes. What is sealed twice in the same context comes out the same: a context must
    name one thing only."""

    OVERHEAD = 16

    def __init__(self, key):
        self._cipher_key = hmac_sha256(key, b"siv encrypt")
        self._mac_pads = _pads(hmac_sha256(key, b"siv authenticate"))

    def seal(self, data, context):
        """bytes: tag 16 | ciphertext, padded to blocks of 16. `data` is a bytearray, so that no
        copy of it stays behind; `context` is authenticated, not stored."""
        n = len(data)
        pad = 16 - n % 16
        clear = bytearray(n + pad)
        clear[:n] = data
        for i in range(n, n + pad):
            clear[i] = pad
        tag = _hmac(self._mac_pads, context, clear)[:16]
        out = tag + cryptolib.aes(self._cipher_key, _CBC, tag).encrypt(clear)
        _wipe(clear)
        return out

    def open(self, sealed, context):
        """bytearray: what was sealed; the caller wipes it. SealError."""
        n = len(sealed) - 16
        if n < 16 or n % 16:
            raise SealError("length")
        tag = bytes(sealed[:16])
        clear = bytearray(n)
        cryptolib.aes(self._cipher_key, _CBC, tag).decrypt(bytes(sealed[16:]), clear)
        if not same(tag, _hmac(self._mac_pads, context, clear)[:16]):
            _wipe(clear)
            raise SealError("authentication")
        out = bytearray(memoryview(clear)[: n - clear[-1]])
        _wipe(clear)
        return out


def _wipe(buf):
    for i in range(len(buf)):
        buf[i] = 0
