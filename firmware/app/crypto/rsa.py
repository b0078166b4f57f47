# RSA signatures, to be checked only: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2). Keys of
# 2048 to 4096 bits; with e = 65537 a check of 2048 bits takes some 12 million instructions.

from micropython import const

_KEY_MIN, _KEY_MAX = const(256), const(512)  # bytes
# DER of DigestInfo with SHA-256, up to the hash (RFC 8017, 9.2, note 1)
_SHA256 = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


def verify(n, e, digest, signature):
    """Whether `signature` (bytes) is that of the SHA-256 `digest` (32 bytes) under the public key
    n (bytes, big endian, no leading zero), e: by comparing the whole encoded message."""
    size = len(n)
    if not _KEY_MIN <= size <= _KEY_MAX or len(signature) != size or len(digest) != 32:
        return False
    modulus = int.from_bytes(n, "big")
    s = int.from_bytes(signature, "big")
    if s >= modulus:
        return False
    filler = b"\xff" * (size - 3 - len(_SHA256) - 32)
    want = b"\x00\x01" + filler + b"\x00" + _SHA256 + digest
    return pow(s, e, modulus).to_bytes(size, "big") == want
