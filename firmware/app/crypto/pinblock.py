# PIN blocks. The PIN comes in as a bytearray of ASCII digits and is wiped by whoever owns it.

from . import des
from .keys import PIK, wipe

PIN_MIN = 4
PIN_MAX = 12


class PinError(Exception):
    """The PIN cannot be made into a block. args: (what,) and never a digit."""


def format_0(pin, pan):
    """bytearray(8): clear ISO 9564-1 format 0 block of `pin` (4-12 ASCII digits) and `pan` (13-19
    ASCII digits; the twelve digits left of the check digit are used)."""
    n = len(pin)
    if not PIN_MIN <= n <= PIN_MAX:
        raise PinError("PIN length")
    if len(pan) < 13:
        raise PinError("PAN length")
    block = bytearray(b"\xff" * 8)
    block[0] = n
    for i in range(n):
        d = pin[i] - 48
        if not 0 <= d <= 9:
            wipe(block)
            raise PinError("PIN digit")
        at = 1 + (i >> 1)
        block[at] = (block[at] & 0x0F | d << 4) if not i & 1 else (block[at] & 0xF0 | d)
    first = len(pan) - 13
    for i in range(0, 12, 2):
        block[2 + (i >> 1)] ^= (pan[first + i] - 48) << 4 | pan[first + i + 1] - 48
    return block


def encrypt_format_0(key, pin, pan):
    """bytes(8): the format 0 block under PIK `key`."""
    block = format_0(pin, pan)
    cipher = des.Des(key.use(PIK))
    cipher.encrypt(block)
    cipher.wipe()
    return bytes(block)
