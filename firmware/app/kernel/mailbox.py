# How tasks hand things to each other: bounded, and it says what happens when full.

from asyncio import core, sleep_ms

_LONG_MS = 3_600_000


class Queue:
    """First in, first out, `size` items at most, one consumer task.

    put() never waits: at a full queue it drops the NEW item, counts it in `.lost` and returns
    False (a cashier's twentieth unread key press is better lost than the first).
    """

    def __init__(self, size):
        self._items = [None] * size
        self._at = 0
        self._n = 0
        self._task = None  # the consumer, while it waits
        self.lost = 0

    def __len__(self):
        return self._n

    def put(self, item):
        size = len(self._items)
        if self._n == size:
            self.lost += 1
            return False
        self._items[(self._at + self._n) % size] = item
        self._n += 1
        self._wake()
        return True

    def _wake(self):
        task = self._task
        # A task that is due already, or cancelled, is in the queue to run: a second push would
        # forget the cancel().
        if task is not None and core.ticks_diff(task.ph_key, core.ticks()) > 0:
            core._task_queue.remove(task)
            core._task_queue.push(task)

    async def _sleep(self, ms):
        # Not asyncio.wait_for_ms(): that makes a task for each wait, and loses a cancel() which
        # comes in the moment of its time-out.
        self._task = core.cur_task
        try:
            await sleep_ms(ms)
        finally:
            self._task = None

    def get_nowait(self):
        """The next item, or None."""
        if not self._n:
            return None
        item = self._items[self._at]
        self._items[self._at] = None  # nothing sensitive stays behind in the ring
        self._at = (self._at + 1) % len(self._items)
        self._n -= 1
        return item

    async def get(self):
        while not self._n:
            await self._sleep(_LONG_MS)
        return self.get_nowait()

    async def get_within(self, ms):
        """The next item, or None after `ms` milliseconds."""
        if not self._n:
            await self._sleep(ms)
        return self.get_nowait()

    def clear(self):
        while self._n:
            self.get_nowait()
