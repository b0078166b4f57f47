# Helpers for tests inside MicroPython.

# Big buffers first: the flash that the tests share is made before the heap is full of code.
_cells = bytearray(16 * 1024)

import asyncio  # noqa: E402
import json  # noqa: E402

import wires  # noqa: E402

from models.nor import BlockDevice, NorFlash, RamStorage  # noqa: E402


class Skip(Exception):
    """Raised by a test that cannot run here. args: (why,)"""


class Rng:
    """Small repeatable random numbers (xorshift32): the same on every port."""

    def __init__(self, seed):
        self._x = (seed * 2654435761 + 1) & 0xFFFFFFFF or 1

    def bits(self):
        x = self._x
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self._x = x
        return x

    def below(self, n):
        return self.bits() % n

    def bytes(self, n):
        return bytes(self.below(256) for _ in range(n))

    def choice(self, items):
        return items[self.below(len(items))]


_BLANK = b"\xff" * 512


def flash(block=1024, blocks=16, **options):
    """(NorFlash, BlockDevice), erased, of at most 16 KiB. There is one: the latest call's."""
    n = block * blocks
    for at in range(0, n, 512):
        _cells[at : at + 512] = _BLANK
    storage = RamStorage(0)
    storage.data = memoryview(_cells)[:n]
    nor = NorFlash(storage, n, block, **options)
    return nor, BlockDevice(nor, 0, blocks)


def raises(exception, function, *args):
    """The exception that function(*args) raises; AssertionError when it raises none."""
    try:
        function(*args)
    except exception as e:
        return e
    raise AssertionError("no " + exception.__name__)


def seed(default):
    """The seed of a randomised test, printed and accepted back in SEED."""
    n = int(wires.setting("SEED") or default)
    print("SEED=%d" % n)
    return n


def rounds(n):
    """How often to do what costs much: n, or n / SLOW on a slow machine."""
    return max(1, n // int(wires.setting("SLOW") or 1))


def vectors(name):
    """The dicts of a public vector file ($SHOUYIN_VECTORS), one after the other: the file is
    larger than the heap. Skip when it is not there."""
    folder = wires.setting("VECTORS") or ""
    try:
        f = open(folder + "/" + name)  # noqa: SIM115
    except OSError:
        raise Skip("no vectors: SHOUYIN_VECTORS=%s" % folder)
    with f:
        lines = None
        for line in f:
            if line.startswith("  {"):
                lines = []
            if lines is not None:
                lines.append(line)
            if line.startswith("  }"):
                text = "".join(lines).rstrip().rstrip(",")
                lines = None
                yield json.loads(text)


async def araises(exception, awaitable):
    try:
        await awaitable
    except exception as e:
        return e
    raise AssertionError("no " + exception.__name__)


async def until(condition, ms, what="condition"):
    """Wait in (virtual) time until condition() holds."""
    import time

    start = time.ticks_ms()
    while not condition():
        if time.ticks_diff(time.ticks_ms(), start) > ms:
            raise AssertionError("waited %d ms for %s" % (ms, what))
        await asyncio.sleep_ms(5)


async def cancel_at(ms, make):
    """Run make() as a task and cancel it after `ms` of virtual time. Returns True when it had
    already ended."""
    task = asyncio.create_task(make())
    await asyncio.sleep_ms(ms)
    done = task.done()
    if not done:
        task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    return done
