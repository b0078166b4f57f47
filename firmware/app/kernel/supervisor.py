# The only place where tasks are created. It says what happens when one ends.

import asyncio

from . import clock, log

RESTART = 0  # runs for ever: start it again after a pause that doubles, 1 s .. 60 s
FATAL = 1  # the terminal is no use without it: log, flush, reset
ONESHOT = 2  # may end; an error is logged

_PAUSE_MIN_MS = 1000
_PAUSE_MAX_MS = 60_000
_HEALTHY_MS = 60_000  # a task that ran this long starts again without a long pause


class Supervised:
    """What is known of one task: name, policy, how often it was restarted, its last error."""

    def __init__(self, name, policy):
        self.name = name
        self.policy = policy
        self.restarts = 0
        self.last_error = None
        self.task = None

    def running(self):
        return self.task is not None and not self.task.done()


class Supervisor:
    """`reset` is called (with a reason) after a FATAL task ended; `flush` before it, to save what
    can be."""

    def __init__(self, reset, flush=None):
        self._reset = reset
        self._flush = flush
        self.tasks = {}

    def spawn(self, name, factory, policy):
        """Run `factory()` (a callable that makes a coroutine) as task `name`. A second spawn of a
        name whose task still runs is an error: ValueError."""
        old = self.tasks.get(name)
        if old is not None and old.running():
            raise ValueError("task runs already: " + name)
        entry = Supervised(name, policy)
        entry.task = asyncio.create_task(self._run(entry, factory))
        self.tasks[name] = entry
        return entry

    async def _run(self, entry, factory):
        pause = _PAUSE_MIN_MS
        while True:
            started = clock.ticks()
            try:
                await factory()
                if entry.policy == ONESHOT:
                    return
                log.error("task %s ended", entry.name)
                entry.last_error = "ended"
            except Exception as e:  # noqa: BLE001  the root of a task
                log.exception("task " + entry.name, e)
                entry.last_error = type(e).__name__
                if entry.policy == ONESHOT:
                    return
            if entry.policy == FATAL:
                if self._flush is not None:
                    self._flush()
                self._reset("task " + entry.name)
                return
            if clock.diff(clock.ticks(), started) > _HEALTHY_MS:
                pause = _PAUSE_MIN_MS
            await asyncio.sleep_ms(pause)
            entry.restarts += 1
            pause = min(pause * 2, _PAUSE_MAX_MS)

    def cancel(self, name):
        """End task `name`, if it runs."""
        entry = self.tasks.get(name)
        if entry is not None and entry.running():
            entry.task.cancel()
