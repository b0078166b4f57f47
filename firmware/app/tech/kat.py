# Known-answer tests of the cryptography: the functions that keys are used with, on published
# examples. Some 40,000 instructions in all, so that every start can afford them.
#
# Sources, row by row:
#   DES       FIPS 81 table B1 (ECB, first block)
#   3DES      NIST CAVP TECBMMT2 (two keys), first message
#   MAC       F64 of a published UnionPay "ECB" example (docs: host protocol 4.3)
#   PIN       ANSI X9.24-1:2009 A.4, clear format 0 block
#   SHA-256   FIPS 180-4 example B.1
#   HMAC      RFC 4231 test case 2
#   PBKDF2    RFC 7914 section 11, first 32 bytes
#   AES-256   NIST SP 800-38A F.2.5 (CBC), first block

import hashlib

import cryptolib

from ..crypto import des, mac, pinblock, seal
from ..crypto.keys import MAK, Key

_CBC = 2


def _des(key, data):
    """The block under the key, and back: what does not come back is no answer."""
    out = des.ecb(key, data)
    return bytes(out) if des.ecb(key, out, True) == data else b""


def _mac(key, data):
    return mac.union_pay_ecb(Key(MAK, key), data, 0, len(data))


def _pin(pin, pan):
    return bytes(pinblock.format_0(pin, pan))


def _sha256(data, _):
    return hashlib.sha256(data).digest()


def _pbkdf2(password, salt):
    return seal.pbkdf2_sha256(password, salt, 1)


def _aes256(key, data):
    iv = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
    out = cryptolib.aes(key, _CBC, iv).encrypt(data)
    return out if cryptolib.aes(key, _CBC, iv).decrypt(out) == data else b""


# (name, name of the function here, its two arguments, what must come out). The functions by name,
# so that the rows are constants and stay in ROM.
_ROWS = (
    ("DES", "_des", b"\x01\x23\x45\x67\x89\xab\xcd\xef", b"Now is t",
     b"\x3f\xa4\x0e\x8a\x98\x4d\x48\x15"),
    ("3DES", "_des", b"\xad\x19\x2f\xd0\x64\xb5\x57\x9e\x7a\x4f\xb3\xc8\xf7\x94\xf2\x2a",
     b"\x13\xba\xd5\x42\xf3\x65\x2d\x67", b"\x90\x8e\x54\x3c\xf2\xcb\x25\x4f"),
    ("MAC", "_mac", b"\x31\x32\x15\xfd\xa2\xc4\xab\x4c", b"\x8d\xba\x29\x33\xc4\xb6\xc3\x79",
     b"B7133B57"),
    ("PIN block", "_pin", b"1234", b"4012345678909", b"\x04\x12\x74\xed\xcb\xa9\x87\x6f"),
    ("SHA-256", "_sha256", b"abc", None,
     b"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
     b"\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad"),
    ("HMAC", "hmac_sha256", b"Jefe", b"what do ya want for nothing?",
     b"\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
     b"\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43"),
    ("PBKDF2", "_pbkdf2", b"passwd", b"salt",
     b"\x55\xac\x04\x6e\x56\xe3\x08\x9f\xec\x16\x91\xc2\x25\x44\xb6\x05"
     b"\xf9\x41\x85\x21\x6d\xde\x04\x65\xe6\x8b\x9d\x57\xc2\x0d\xac\xbc"),
    ("AES-256", "_aes256",
     b"\x60\x3d\xeb\x10\x15\xca\x71\xbe\x2b\x73\xae\xf0\x85\x7d\x77\x81"
     b"\x1f\x35\x2c\x07\x3b\x61\x08\xd7\x2d\x98\x10\xa3\x09\x14\xdf\xf4",
     b"\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a",
     b"\xf5\x8c\x4c\x04\xd6\xe5\xf1\xba\x77\x9e\xab\xfb\x5f\x7b\xfb\xd6"),
)  # fmt: skip

NAMES = tuple([row[0] for row in _ROWS])

hmac_sha256 = seal.hmac_sha256


def failed():
    """Names of the tests that gave another answer than the published one, () when all is well."""
    here = globals()
    return tuple([name for name, f, a, b, want in _ROWS if here[f](a, b) != want])
