"""A serial port that is the console of a bench, in virtual time: pyserial's URL bench://NAME.

    port = protocol_bench.plug(bench, "classic")          'bench://classic'
    SerialTransport(port)                                 mpremote's, unmodified

Everything happens in one thread, and the terminal's time goes on only while the tool waits for it:
the same session with the same seed prints the same, however slow the machine. Tools that need a
file descriptor want ptyport instead.
"""

import serial
from serial.serialutil import PortNotOpenError, SerialBase, SerialException

_WAIT_MS = 200  # of the terminal's time in one look for bytes
_STEP_MS = 10

_plugged = {}


def plug(bench, name):
    """Make a bench's console a port; its URL."""
    _plugged[name] = [bench, None]
    package = __package__ or "simulator"
    if package not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(package)
    return "bench://" + name


def person(name, actions):
    """Somebody at the terminal while a tool works: a generator that acts on the bench and yields
    callables; it goes on when the last one is true."""
    _plugged[name][1] = _Person(actions)


class _Person:
    def __init__(self, actions):
        self._actions = actions
        self._until = lambda: True

    def live(self):
        if self._actions is None or not self._until():
            return
        try:
            self._until = next(self._actions)
        except StopIteration:
            self._actions = None


class Serial(SerialBase):
    """pyserial's interface, as far as mpremote uses it."""

    def open(self):
        name = self.port.partition("://")[2]
        if name not in _plugged:
            raise SerialException(f"no bench is plugged in as {name}")
        self._name = name
        self._came = bytearray()
        self.is_open = True

    def close(self):
        self.is_open = False

    def _reconfigure_port(self):
        pass  # a bench has no line speed

    def _update_dtr_state(self):
        pass

    def _update_rts_state(self):
        pass

    def _look(self, ms):
        """Let the terminal live until bytes are there, at most for ms."""
        if not self.is_open:
            raise PortNotOpenError()
        bench, somebody = _plugged[self._name]
        end = bench.now_ms + ms
        while True:
            self._came += bench.console.read()
            if self._came or bench.now_ms >= end:
                return
            bench.run_for(min(_STEP_MS, end - bench.now_ms))
            if somebody is not None:
                somebody.live()

    @property
    def in_waiting(self):
        self._look(_WAIT_MS)
        return len(self._came)

    def read(self, size=1):
        """bytes; fewer than `size` after the timeout."""
        bench = _plugged[self._name][0]
        end = None if self.timeout is None else bench.now_ms + int(self.timeout * 1000)
        out = bytearray()
        while len(out) < size and (end is None or bench.now_ms < end):
            self._look(_WAIT_MS if end is None else min(_WAIT_MS, end - bench.now_ms))
            n = size - len(out)
            out += self._came[:n]
            del self._came[:n]
        return bytes(out)

    def write(self, data):
        if not self.is_open:
            raise PortNotOpenError()
        _plugged[self._name][0].console.write(bytes(data))
        return len(data)
