# A card as it was read: what the swipe gave, checked and ready for a message.
#
# Owns the only copy of PAN and tracks during a transaction; wipe() ends their life. Nothing here
# is ever printed: masked() is what may be shown.

from ..store.records import mask_pan

TRACK2_MAX = 37
TRACK3_MAX = 104
PAN_MIN, PAN_MAX = 13, 19
_SEPARATORS = b"=D"


class CardError(Exception):
    """The card cannot be used. args: (why,): a word the screen has a text for; never a digit of
    the card."""


def luhn(pan):
    """Whether the check digit of `pan` (ASCII digits) fits (ISO/IEC 7812-1 annex B)."""
    total = 0
    n = len(pan)
    for i in range(n):
        d = pan[n - 1 - i] - 48
        if i & 1:
            d = d * 2 - 9 if d > 4 else d * 2
        total += d
    return total % 10 == 0


def _separator(track):
    for i, c in enumerate(track):
        if c in _SEPARATORS:
            return i
    return -1


class Card:
    """`track2`, `track3`: bytearrays of ASCII digits as they go into F35, F36 ('=' is 'D'); track3
    may be None. Takes them over: they are wiped with the card."""

    def __init__(self, track2, track3=None):
        at = _separator(track2)
        if at < 0 or len(track2) > TRACK2_MAX or len(track2) < at + 8:
            raise CardError("format")
        for i, c in enumerate(track2):
            if i != at and not 48 <= c <= 57:
                raise CardError("format")
        if not PAN_MIN <= at <= PAN_MAX or not luhn(memoryview(track2)[:at]):
            raise CardError("number")
        track2[at] = 68
        # By way of views: a slice would leave a copy behind that nobody can wipe.
        self.pan = bytearray(memoryview(track2)[:at])
        self.track2 = track2
        self.track3 = self._clean_track3(track3)
        self.expiry = bytes(track2[at + 1 : at + 5]).decode()
        self.service_code = bytes(track2[at + 5 : at + 8]).decode()

    def _clean_track3(self, track3):
        if not track3:
            return None
        good = len(track3) <= TRACK3_MAX
        for i, c in enumerate(track3):
            if c == 61:
                track3[i] = 68
            elif not (48 <= c <= 57 or c == 68):
                good = False
        if good:
            return track3
        for i in range(len(track3)):
            track3[i] = 0
        return None

    def masked(self):
        return mask_pan(self.pan)

    def has_chip(self):
        """Service code 2xx or 6xx: the card should be inserted where the terminal can."""
        return self.service_code[0] in "26"

    def wipe(self):
        for b in (self.pan, self.track2, self.track3):
            if b is not None:
                for i in range(len(b)):
                    b[i] = 0
