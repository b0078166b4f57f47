# Track encryption under the TDK: 16 digits of the track are replaced by their ciphertext, so that
# the field keeps its length (host-protocol section 4.6).

from . import des
from .keys import TDK, wipe

_SHORT = 17


def _nibble(c):
    return c - 48 if c <= 57 else c - 55


def encrypt(key, track):
    """Replace in place. `track`: bytearray of ASCII 0-9 and 'D' (for '='); returns the bytearray
    to send, which is a new one, padded with 'F' on the left, when the track has fewer than 17
    characters.

    The 16 digits are those that end one BYTE before the end of the packed track: for an odd number
    n of digits [n-17, n-1), for an even one [n-18, n-2).
    """
    n = len(track)
    if n < _SHORT:
        padded = bytearray(b"F" * _SHORT)
        padded[_SHORT - n :] = track
        track = padded
        n = _SHORT
    start = n - 17 if n & 1 else n - 18
    block = bytearray(8)
    for i in range(8):
        block[i] = _nibble(track[start + 2 * i]) << 4 | _nibble(track[start + 2 * i + 1])
    cipher = des.Des(key.use(TDK))
    cipher.encrypt(block)
    cipher.wipe()
    for i in range(8):
        for j, d in ((0, block[i] >> 4), (1, block[i] & 15)):
            track[start + 2 * i + j] = d + (48 if d < 10 else 55)
    wipe(block)
    return track
