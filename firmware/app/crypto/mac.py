# Message authentication codes over a packed message.

import micropython

from . import des
from .keys import MAK, wipe


@micropython.viper
def _fold(data: ptr8, start: int, end: int, out: ptr8):
    for i in range(8):
        out[i] = 0
    at = start
    i = 0
    while at < end:
        out[i] = int(out[i]) ^ int(data[at])
        at += 1
        i = (i + 1) & 7


_HEX = b"0123456789ABCDEF"


def _hex(data):
    out = bytearray(len(data) * 2)
    for i, b in enumerate(data):
        out[2 * i] = _HEX[b >> 4]
        out[2 * i + 1] = _HEX[b & 15]
    return out


def union_pay_ecb(key, data, start, end):
    """UnionPay "ECB" MAC of data[start:end] (MTI up to the field before F64, bit 64 set): 8 bytes,
    upper-case hex characters. `key`: a MAK of 8 bytes (single DES) or 16 bytes (triple DES).

    XOR of the zero-padded 8-byte blocks, written as 16 hex characters; E(first 8), xor last 8, E
    again; the first 8 hex characters of the result are the MAC (host-protocol section 4.3).
    """
    folded = bytearray(8)
    _fold(data, start, end, folded)
    text = _hex(folded)
    cipher = des.Des(key.use(MAK))
    block = bytearray(text[:8])
    cipher.encrypt(block)
    for i in range(8):
        block[i] ^= text[8 + i]
    cipher.encrypt(block)
    cipher.wipe()
    out = bytes(_hex(block)[:8])
    wipe(block)
    return out


def same(a, b):
    """Whether two MACs are equal, in a time that does not depend on where they differ."""
    if len(a) != len(b):
        return False
    d = 0
    for i in range(len(a)):
        d |= a[i] ^ b[i]
    return d == 0
