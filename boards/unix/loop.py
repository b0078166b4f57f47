# How the event loop waits on the simulated board: for the bus, not for the operating system.
#
# All inputs of the board come through the bus, so nothing has to be polled. In virtual time the
# wait makes time jump to the next thing that happens.

import select
from collections import OrderedDict

import bus
import wires


def _look(queue, core):
    """One look at every stream that a task waits for; asyncio.core's IOQueue keeps [reader,
    writer, stream]."""
    for entry in list(queue.map.values()):
        stream = entry[-1]
        writer = len(entry) - 2
        mask = (select.POLLIN if entry[0] is not None else 0) | (
            select.POLLOUT if entry[writer] is not None else 0
        )
        events = wires.ready(stream, mask)
        if not events:
            continue
        for i, wanted in ((0, ~select.POLLOUT), (writer, ~select.POLLIN)):
            if entry[i] is not None and events & wanted:
                core._task_queue.push(entry[i])
                entry[i] = None
        if entry[0] is None and entry[writer] is None:
            queue._dequeue(stream)


def install():
    """Call before the firmware's first `import asyncio`."""
    import vtasks

    vtasks.install()
    from asyncio import core

    def wait_io_event(queue, dt):
        # A port's C code does this: it is not the firmware's work.
        counter = bus.current.counter
        if counter is None:
            wait(queue, dt)
            return
        counter.pause()
        try:
            wait(queue, dt)
        finally:
            counter.resume()

    def wait(queue, dt):
        bus.current.pass_ends()
        look_and_wait(queue, dt)
        bus.current.pass_begins()

    def look_and_wait(queue, dt):
        while True:
            _look(queue, core)
            if dt == 0:
                bus.current.spin()
                return
            first = core._task_queue.peek()
            left = None if first is None else core.ticks_diff(first.ph_key, core.ticks())
            if left is not None and left <= 0:
                return
            until = None if left is None else bus.current.now_us() + left * 1000
            streams = [entry[-1] for entry in queue.map.values()]
            bus.current.wait(until, streams)

    class Queue(core.IOQueue):
        """Keeps the streams in the order in which they were waited for: a plain dict goes by
        address, which differs from run to run, and with it the order of the tasks."""

        def __init__(self):
            super().__init__()
            self.map = OrderedDict()

    core.IOQueue.wait_io_event = wait_io_event
    core.IOQueue = Queue
    core._io_queue = Queue()
