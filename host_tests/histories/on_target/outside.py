# What is around the terminal of a history: a board on which waiting costs nothing, a flash that
# lasts through power cuts, and a host that lets itself be watched.

from binascii import unhexlify

import bus
from fakehost import FakeHost

from app.host import cup
from models.nor import BlockDevice, NorFlash, RamStorage

CARDS = (b"6225000000000014", b"6224242900000113")
BLOCK = 512
BLOCKS_MAX = 40
_cells = bytearray(BLOCK * BLOCKS_MAX)


class Stuck(BaseException):
    """A step does not end."""


class Clockwork(bus.Bus):
    """A board without devices: waiting makes the time jump."""

    limit_us = 0

    def wait(self, until_us, streams=()):
        if until_us is None:
            raise Stuck("nothing will ever happen")
        if until_us > self._now:
            self._now = until_us
        if self._now > self.limit_us:
            raise Stuck("step without end")


class Random:
    """For os: keys that come again when a day is replayed."""

    def __init__(self, rng):
        self.urandom = rng.bytes


class Host(FakeHost):
    """Tells `watch` of every request as its first byte goes out; counts what it refuses."""

    def __init__(self):
        FakeHost.__init__(self)
        self.seen = None
        self.watch = None
        self.refused = {}  # (batch, trace): final refusals of an advice

    async def connect(self, host, port, timeout_ms):
        if not self.ready:
            raise OSError(113)
        await FakeHost.connect(self, host, port, timeout_ms)

    async def send(self, data, timeout_ms):
        mti = "%02x%02x" % (data[13], data[14])
        self.watch.first_byte(mti, _trace(data))
        await FakeHost.send(self, data, timeout_ms)

    def close_by_hand(self):
        self._close(self.totals(self.batch))

    def hang_up(self):
        self.connected = False
        self._out = []

    def _deliver(self, mti, answer, fault, with_mac):
        if mti[:3] == "022" and not _may_be_taken(answer[39]):
            key = int(answer[60][2:8]), int(answer[11])
            self.refused[key] = self.refused.get(key, 0) + 1
        FakeHost._deliver(self, mti, answer, fault, with_mac)


def _may_be_taken(code):
    return (
        code
        in cup.APPROVED + (cup.DUPLICATE,) + cup.TEMPORARY + cup.OF_TERMINAL + cup.SIGN_IN_AGAIN
    )


def _trace(frame):
    """F11 of a request; only F2, F3 and F4 can lie before it."""
    at = 23
    bits = frame[15]
    if bits & 0x40:
        digits = (frame[at] >> 4) * 10 + (frame[at] & 15)
        at += 1 + (digits + 1) // 2
    at += (3 if bits & 0x20 else 0) + (6 if bits & 0x10 else 0)
    return int("%02x%02x%02x" % tuple(frame[at : at + 3])) if frame[16] & 0x20 else 0


def flash(blocks):
    """(NorFlash, BlockDevice), erased, of at most BLOCKS_MAX blocks. There is one: the latest
    call's."""
    n = BLOCK * blocks
    blank = b"\xff" * BLOCK
    for at in range(0, n, BLOCK):
        _cells[at : at + BLOCK] = blank
    storage = RamStorage(0)
    storage.data = memoryview(_cells)[:n]
    nor = NorFlash(storage, n, BLOCK)
    return nor, BlockDevice(nor, 0, blocks)


def _forms(pan):
    """A card's number as characters, and two digits to a byte at either half."""
    return pan, unhexlify(pan), unhexlify(pan[1:-1])


def holds(pan):
    """Whether the digits of a card's number are in the flash."""
    return any(_cells.find(form) >= 0 for form in _forms(pan))


def write_in_clear(pan, form):
    """For negative controls: put the number into the flash, in one of the forms of holds()."""
    data = _forms(pan)[form]
    _cells[700 : 700 + len(data)] = data
