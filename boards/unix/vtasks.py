# Task and TaskQueue for asyncio on the simulated board: they stand in for the interpreter's C
# module `_asyncio`.
#
# The C queue reads the interpreter's own clock, whose ticks do not wrap where the ESP32's do, and
# which knows nothing of virtual time. This one asks the time module's shadow. Tasks that are due
# at the same tick run in the order in which they became ready, so that a run in virtual time can
# be repeated.

import sys


def install():
    """Put this module in the place of `_asyncio`; must run before asyncio is first imported."""
    if "asyncio" in sys.modules or "asyncio.core" in sys.modules:
        raise RuntimeError("asyncio was imported before the simulated board's clock")
    sys.modules["_asyncio"] = sys.modules[__name__]


class TaskQueue:
    """Tasks in order of the tick at which they are due (a list: there are some twenty)."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        from asyncio import core

        task.data = None
        task.ph_key = core.ticks() if key is None else key
        at = len(self._tasks)
        while at and core.ticks_diff(self._tasks[at - 1].ph_key, task.ph_key) > 0:
            at -= 1
        self._tasks.insert(at, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    """A coroutine with what asyncio.core keeps of it: the attribute names are asyncio.core's.

    data: what the task waits for (a queue, another task) or, when finished, how it ended. state:
    True running, a TaskQueue of tasks that wait for its end, None ended unseen, False ended and
    seen.
    """

    def __init__(self, coro, globals=None):
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        from asyncio import core

        if not self.state:
            raise self.data
        self.state.push(core.cur_task)
        core.cur_task.data = self

    def done(self):
        return not self.state

    def cancel(self):
        from asyncio import core

        if not self.state:
            return False
        if self is core.cur_task:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            core._task_queue.push(task)
        elif core.ticks_diff(task.ph_key, core.ticks()) > 0:
            core._task_queue.remove(task)
            core._task_queue.push(task)
        task.data = core.CancelledError
        return True
