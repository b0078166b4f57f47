# Waiting for a socket, through the event loop's own poll.

import select
from asyncio import core  # type: ignore[attr-defined]

from micropython import const

_BAD = const(0x18)  # POLLERR, POLLHUP


def ready(stream, write):
    """Awaitable: until `stream` can be read (written). Cancelled, it leaves nothing behind."""
    queue = core._io_queue
    if write:
        yield queue.queue_write(stream)
    else:
        yield queue.queue_read(stream)


def broken(stream):
    """Whether a connection that was waited for has failed. (The port cannot tell SO_ERROR.)"""
    poller = select.poll()
    poller.register(stream, select.POLLOUT | _BAD)
    for entry in poller.poll(0):
        if entry[1] & _BAD:
            return True
    return False


def close(stream):
    """Close, whatever state it is in."""
    try:
        stream.close()
    except OSError:
        pass  # it is gone then
