"""Keys and what is done with them: wrapping for F62, KCV, MAC, PIN block, track decryption.

Owns the host's cryptography (host-protocol.md 4). Knows no message and keeps no state. Block
cipher: pyca/cryptography; PIN block format and parity: psec. Errors never carry a key, a PIN or a
track.
"""

import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from psec import des as psec_des
from psec import pinblock as psec_pinblock

try:  # pyca/cryptography moved triple DES in release 43
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

BLOCK = 8
KCV_SIZE = 4


class PinBlockError(ValueError):
    """The deciphered block is no ISO 9564 format 0 block for this card (host answers 99)."""


class TrackError(ValueError):
    """The deciphered track is no track (host answers 30)."""


def _ecb(key):
    # A single key is the triple cipher with three times the same key; 16 bytes are K1 K2 K1.
    full = {8: key * 3, 16: key + key[:8], 24: key}[len(key)]
    return Cipher(TripleDES(full), modes.ECB())


def encrypt(key, data):
    """ECB encryption of whole 8-byte blocks under an 8, 16 or 24-byte DES key."""
    return _ecb(key).encryptor().update(data)


def decrypt(key, data):
    """ECB decryption of whole 8-byte blocks under an 8, 16 or 24-byte DES key."""
    return _ecb(key).decryptor().update(data)


def kcv(key, size=KCV_SIZE):
    """Key check value: the first `size` bytes of a block of zeros enciphered under the key."""
    return encrypt(key, bytes(BLOCK))[:size]


def combine(*components):
    """Key of two or more components: their exclusive or. All must have one length."""
    if len({len(c) for c in components}) != 1:
        raise ValueError("components differ in length")
    key = bytes(len(components[0]))
    for component in components:
        key = bytes(a ^ b for a, b in zip(key, component, strict=True))
    return key


class Randomness:
    """Source of key bytes: the operating system's, or with a seed a repeatable stream for tests.

    A seeded draw depends on seed, label and number only, so that a host which is closed and opened
    again with the same seed does not hand out its first keys a second time: the ledger counts on.
    """

    def __init__(self, seed=None):
        self._seed = None if seed is None else repr(seed).encode()

    def bytes(self, label, number, size):
        """`size` (up to 32) bytes for the purpose `label`, draw `number`."""
        if self._seed is None:
            return os.urandom(size)
        text = f"{label}/{number}"
        return hmac.new(self._seed, text.encode(), hashlib.sha256).digest()[:size]

    def des_key(self, label, number, size):
        """DES key of `size` bytes with odd parity."""
        return psec_des.adjust_key_parity(self.bytes(label, number, size))


@dataclass(frozen=True)
class WorkingKeys:
    """Keys of one sign-in: PIN, MAC and (60.3 = 004) track. Kept out of repr()."""

    pik: bytes = field(repr=False)
    mak: bytes = field(repr=False)
    tdk: "bytes | None" = field(repr=False, default=None)


# F62 of the sign-in response by network code: bytes of PIK, MAK, literal zeros after the MAK, TDK.
# Each key is followed by its KCV (host-protocol.md 4.2).
F62_LAYOUTS = {
    "001": (8, 8, 0, 0),
    "003": (16, 8, 8, 0),
    "004": (16, 8, 8, 16),
}


def new_working_keys(network_code, randomness, number):
    """WorkingKeys for a sign-in with this network code."""
    pik, mak, _, tdk = F62_LAYOUTS[network_code]
    return WorkingKeys(
        randomness.des_key("PIK", number, pik),
        randomness.des_key("MAK", number, mak),
        randomness.des_key("TDK", number, tdk) if tdk else None,
    )


def wrap(tmk, keys, network_code):
    """F62: the working keys enciphered under the terminal's master key, each with its KCV.

    24, 40 or 60 bytes. The second half of the MAK is literal zeros: real hosts send it like that.
    """
    _, _, zeros, tdk = F62_LAYOUTS[network_code]
    out = encrypt(tmk, keys.pik) + kcv(keys.pik)
    out += encrypt(tmk, keys.mak) + bytes(zeros) + kcv(keys.mak)
    if tdk:
        out += encrypt(tmk, keys.tdk) + kcv(keys.tdk)
    return out


def ecb_mac(mak, data):
    """UnionPay "ECB" MAC (host-protocol.md 4.3) over MTI..F63: 8 upper-case hex characters."""
    data += bytes(-len(data) % BLOCK)
    folded = bytes(BLOCK)
    for at in range(0, len(data), BLOCK):
        folded = combine(folded, data[at : at + BLOCK])
    text = folded.hex().upper().encode()
    first = encrypt(mak, text[:BLOCK])
    second = encrypt(mak, combine(first, text[BLOCK:]))
    return second.hex().upper()[:BLOCK]


def clear_pin(pik, block, pan):
    """PIN in an enciphered format 0 PIN block (8 bytes) for this PAN. Raises PinBlockError."""
    try:
        return psec_pinblock.decode_pinblock_iso_0(decrypt(pik, block), pan)
    except ValueError:
        # psec puts what it found into the text of the error: that may be PIN digits.
        raise PinBlockError("not a format 0 block for this card") from None


def track_window(length):
    """(start, end) of the 16 digits of a track of `length` digits that the TDK enciphers.

    The 16 digits end one byte before the track's end (host-protocol.md 4.6). Raises TrackError
    when the track is too short to hold them.
    """
    end = length - 1 if length % 2 else length - 2
    if end < 16:
        raise TrackError("shorter than 17 digits")
    return end - 16, end


def clear_track(tdk, track):
    """Track (digits and D) whose 16 digits in the window are deciphered. Raises TrackError."""
    start, end = track_window(len(track))
    middle = decrypt(tdk, bytes.fromhex(track[start:end])).hex().upper()
    clear = track[:start] + middle + track[end:]
    if not re.fullmatch(r"[0-9D]+", clear):
        raise TrackError("not digits after deciphering")
    return clear
