# Waiting with a time-out (drivers.flag, kernel.mailbox): a cancel() arrives whenever it comes.

import asyncio

from app.kernel.mailbox import Queue
from drivers.flag import Flag

_MS = 20


class PlainWait:
    """What people usually write."""

    def __init__(self):
        self._event = asyncio.Event()

    def set(self):
        self._event.set()

    async def wait_ms(self, ms):
        try:
            await asyncio.wait_for_ms(self._event.wait(), ms)
        except asyncio.TimeoutError:
            pass


class QueueWait:
    def __init__(self):
        self._queue = Queue(2)

    def set(self):
        self._queue.put(1)

    async def wait_ms(self, ms):
        return await self._queue.get_within(ms) is not None


def lost_cancels(make, order=""):
    """How many cancels are lost that come within 3 ms around the time-out; `order`: with a set()
    just before ("set") or behind ("late") each of them."""
    lost = 0

    async def waiter(flag):
        await flag.wait_ms(_MS)
        await asyncio.sleep_ms(100)
        nonlocal lost
        lost += 1

    async def main():
        for at in range(_MS - 3, _MS + 4):
            for spins in range(4):
                flag = make()
                task = asyncio.create_task(waiter(flag))
                await asyncio.sleep_ms(at)
                for _ in range(spins):
                    await asyncio.sleep_ms(0)
                if order == "set":
                    flag.set()
                task.cancel()
                if order == "late":
                    flag.set()
                try:
                    await task
                except asyncio.CancelledError:
                    pass

    asyncio.run(main())
    return lost


def test_a_cancel_around_the_time_out_always_arrives():
    for make in (Flag, QueueWait):
        for order in ("", "set", "late"):
            assert not lost_cancels(make, order), (make, order)
    # The way that everybody uses loses some: this test can see it.
    assert lost_cancels(PlainWait)


def test_set_ends_the_wait_at_once_and_time_out_says_no():
    async def main():
        import time

        for make in (Flag, QueueWait):
            flag = make()
            began = time.ticks_ms()
            assert not await flag.wait_ms(50)
            assert time.ticks_diff(time.ticks_ms(), began) >= 50

            async def later(flag=flag):
                await asyncio.sleep_ms(10)
                flag.set()

            task = asyncio.create_task(later())
            began = time.ticks_ms()
            assert await flag.wait_ms(5000)
            assert time.ticks_diff(time.ticks_ms(), began) < 50
            await task
        flag = Flag()
        flag.set()
        assert flag.is_set() and await flag.wait_ms(1000)
        flag.clear()
        assert not await flag.wait_ms(0)

    asyncio.run(main())


def test_two_sets_and_a_set_of_one_that_is_due_run_the_task_once():
    runs = []

    async def waiter(flag):
        for _ in range(3):
            runs.append(await flag.wait_ms(_MS))
            flag.clear()

    async def main():
        flag = Flag()
        task = asyncio.create_task(waiter(flag))
        await asyncio.sleep_ms(1)
        flag.set()
        flag.set()
        await asyncio.sleep_ms(_MS)  # the second wait ends in this very moment, or in the next
        flag.set()
        await task

    asyncio.run(main())
    assert len(runs) == 3 and runs[0], runs
