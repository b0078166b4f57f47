"""One connection of a terminal to the host, sans-I/O: bytes in, actions out.

Owns the cutting of the byte stream into frames. The asyncio server puts it behind a socket, a test
bench calls it in virtual time. Memory is bounded: never more than one frame waits here.
"""

from . import packing
from .actions import Close, Send

__all__ = ["Close", "Connection", "Send"]


class Connection:
    """Byte stream of one terminal. `closed` is True once a Close was handed out."""

    def __init__(self, host):
        self._host = host
        self._buffer = bytearray()
        self.closed = False

    def receive(self, data):
        """Actions (Send, Close) for bytes that came in, in order.

        Copes with frames that are split or merged in any way. A length that no message can have
        ends the connection: where the next frame begins is anybody's guess. Never raises because
        of `data`.
        """
        actions = []
        view = memoryview(bytes(data))
        while view and not self.closed:
            taken = self._fill(view)
            view = view[taken:]
            actions += self._complete()
        return actions

    def _fill(self, view):
        """Take from `view` what the frame at hand still misses; returns how many bytes."""
        wanted = 2 - len(self._buffer)
        if wanted <= 0:
            wanted = 2 + self._length() - len(self._buffer)
        taken = min(wanted, len(view))
        self._buffer += view[:taken]
        return taken

    def _length(self):
        return int.from_bytes(self._buffer[:2], "big")

    def _complete(self):
        """Actions for the frame in the buffer, when it is complete or can never be."""
        if len(self._buffer) < 2:
            return []
        if not packing.MIN_BODY <= self._length() <= packing.MAX_BODY:
            return self._end([Close()])
        if len(self._buffer) < 2 + self._length():
            return []
        body = bytes(self._buffer[2:])
        self._buffer.clear()
        actions = list(self._host.handle(body).actions)
        if any(isinstance(action, Close) for action in actions):
            return self._end(actions)
        return actions

    def _end(self, actions):
        self.closed = True
        self._buffer.clear()
        return actions
