# Helpers for tests inside MicroPython.

import asyncio

from models.nor import BlockDevice, NorFlash, RamStorage


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


def flash(blocks=16, **options):
    """(NorFlash, BlockDevice) in RAM, erased."""
    nor = NorFlash(RamStorage(blocks * 4096), blocks * 4096, **options)
    return nor, BlockDevice(nor, 0, blocks)


class _Cancelled(BaseException):
    pass


def raises(exception, function, *args):
    """The exception that function(*args) raises; AssertionError when it raises none."""
    try:
        function(*args)
    except exception as e:
        return e
    raise AssertionError("no " + exception.__name__)


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
