# An event for one waiting task, with a time-out.
#
# asyncio.wait_for_ms() makes a task and three coroutines for each wait, and loses a cancel() that
# comes in the moment of its time-out. This one lets the task itself sleep, and set() ends the
# sleep: it allocates nothing, and a cancel() always arrives.

from asyncio import core, sleep_ms  # type: ignore[attr-defined]


class Flag:
    """Not for interrupt handlers (asyncio.ThreadSafeFlag), and for one waiting task only."""

    def __init__(self):
        self._set = False
        self._task = None

    def is_set(self):
        return self._set

    def clear(self):
        self._set = False

    def set(self):
        self._set = True
        task = self._task
        # A task that is due already, or cancelled, is in the queue to run: a second push would
        # forget the cancel().
        if task is not None and core.ticks_diff(task.ph_key, core.ticks()) > 0:
            core._task_queue.remove(task)
            core._task_queue.push(task)

    async def wait_ms(self, ms):
        """Whether it is set, at the latest after `ms` milliseconds."""
        if not self._set and ms > 0:
            self._task = core.cur_task
            try:
                await sleep_ms(ms)
            finally:
                self._task = None
        return self._set
