"""The bench's end of the terminal's console: what is typed goes into the firmware's standard
input, what it prints comes out.

In virtual time: bytes are handed over only while the firmware waits, and everything that it has
printed before a wait is there when it waits, so that a run stays repeatable.
"""

import os
import select

_PIECE = 4096  # less than a pipe holds


class Console:
    """`bench`: a Bench. `on_output`: callable(bytes), for everything that comes out."""

    def __init__(self, bench):
        self._bench = bench
        self._process = None
        self._to_go = bytearray()
        self._out = bytearray()
        self.on_output = None

    def attach(self, process):
        """A run of the firmware begins. A process without pipes has no console."""
        self._process = process if getattr(process, "stdin", None) is not None else None
        self._to_go.clear()
        if self._process is not None:
            os.set_blocking(process.stdin.fileno(), False)
            os.set_blocking(process.stdout.fileno(), False)

    def detach(self):
        """The run ends: what it has printed is kept."""
        self.drain()
        self._process = None

    # ---- for the bench --------------------------------------------------------------------------

    def deliver(self):
        """While the firmware waits: give it what was typed. Whether it got anything."""
        if not self._to_go or self._process is None:
            return False
        try:
            n = os.write(self._process.stdin.fileno(), self._to_go[:_PIECE])
        except (BlockingIOError, BrokenPipeError):
            return False
        del self._to_go[:n]
        return True

    def drain(self):
        """Take what the firmware has printed."""
        while self._process is not None:
            try:
                data = os.read(self._process.stdout.fileno(), 65536)
            except BlockingIOError:
                return
            if not data:
                return
            self._process.logged(data)
            self._out += data
            if self.on_output is not None:
                self.on_output(data)

    def until_readable(self, sock, timeout_s):
        """Wait until `sock` can be read, and keep the firmware from standing still before a full
        pipe. False when the time is up."""
        if self._process is None:
            return bool(select.select([sock], [], [], timeout_s)[0])
        out = self._process.stdout
        while True:
            ready, _, _ = select.select([sock, out], [], [], timeout_s)
            if sock in ready or not ready:
                return bool(ready)
            before = len(self._out)
            self.drain()
            if len(self._out) == before:  # it has ended: the socket says so, too
                return bool(select.select([sock], [], [], timeout_s)[0])

    # ---- for people -----------------------------------------------------------------------------

    def write(self, data):
        """Type bytes; the firmware sees them when it waits next."""
        if self._process is None:
            raise RuntimeError("this board has no console, or is off")
        self._to_go += data

    def read(self):
        """bytes that came out since the last read."""
        self.drain()
        data = bytes(self._out)
        self._out.clear()
        return data

    def read_until(self, ending, timeout_ms=10_000):
        """bytes up to and with `ending`; the terminal lives meanwhile. BenchError after
        timeout_ms of virtual time."""
        self._bench.run_until(
            lambda: ending in self._out and not self._to_go, f"{ending!r} at the console",
            timeout_ms,
        )  # fmt: skip
        end = self._out.index(ending) + len(ending)
        data = bytes(self._out[:end])
        del self._out[:end]
        return data

    def execute(self, text, timeout_ms=60_000):
        """Run a block as a tool does, in raw mode: (what it printed, what went wrong), str."""
        self.write(b"\r\x03\x01")
        self.read_until(b"raw REPL; CTRL-B to exit\r\n>")
        self.write(text.encode() + b"\x04")
        self.read_until(b"OK")
        said = self.read_until(b"\x04", timeout_ms)[:-1]
        wrong = self.read_until(b"\x04", timeout_ms)[:-1]
        self.read_until(b">")
        self.write(b"\r\x02")
        self.read_until(b">>> ")
        return said.decode(), wrong.decode()
