# Cards of the training. A card that is drawn through the reader gives only what a receipt may show
# of it: the digits between the first six and the last four are replaced before anybody sees the
# swipe, so that no real number gets into a message or under a key.

from ..kernel import log

GOOD = "good"

# The acquirer's first test number (tools/acquirer/cards.py): it leads to no account anywhere.
_TRACK2 = b"6225000000000014=30121010000012345000"
_TAIL = b"=30121010000000000"  # expiry YYMM, service code 101, zeros: 37 characters with 19 digits
_EQUALS = (61, 68)  # = and D


class TestSwipe:
    """What a reader hands over (drivers.card.swipe.Swipe): track2 a bytearray of ASCII."""

    reason = GOOD
    track3 = None
    detail = ""

    def __init__(self, track2=_TRACK2):
        self.track2 = bytearray(track2)

    def wipe(self):
        _wipe(self.track2)


def _wipe(buf):
    for i in range(len(buf)):
        buf[i] = 0


def _fits(pan):
    """Whether the check digit fits (ISO/IEC 7812-1 annex B)."""
    total = 0
    for i in range(len(pan)):
        d = pan[len(pan) - 1 - i] - 48
        if i & 1:
            d = d * 2 - 9 if d > 4 else d * 2
        total += d
    return total % 10 == 0


def harmless(swipe):
    """The swipe to be used in the place of `swipe`, which is wiped. One that is no bank card's, or
    could not be read, comes back as it is: the flow refuses it."""
    track = swipe.track2
    if swipe.reason != GOOD or track is None:
        return swipe
    n = 0
    while n < len(track) and 48 <= track[n] <= 57:
        n += 1
    view = memoryview(track)
    if not 13 <= n <= 19 or n == len(track) or track[n] not in _EQUALS or not _fits(view[:n]):
        return swipe
    pan = bytearray(b"0" * n)
    pan[:6], pan[n - 4 :] = view[:6], view[n - 4 : n]
    while not _fits(pan):  # one of the ten digits at this place does
        pan[n - 5] += 1
    swipe.wipe()
    log.info("card replaced")
    return TestSwipe(pan + _TAIL)


class Reader:
    """The board's card reader, whose swipes are made harmless."""

    def __init__(self, reader):
        self._reader = reader

    def __getattr__(self, name):
        return getattr(self._reader, name)

    async def get(self):
        return harmless(await self._reader.get())
