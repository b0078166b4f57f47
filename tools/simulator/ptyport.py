"""The bench's console as a serial port of this machine, for tools that open one: a pty.

    with Served(bench) as port:
        subprocess.run(["mpremote", "connect", port.path, "exec", "tech.status()"])
        port.do(bench.press, "1")

The terminal lives on in a thread, at the pace of real time. Only that thread touches the bench:
everything else asks with do().
"""

import asyncio
import contextlib
import os
import queue
import select
import threading
import time
import tty

_PASS_S = 0.02  # the terminal's time goes on in steps of at most this
_BEHIND_S = 0.5  # who is later than this does not catch up
_UNREAD = 65536  # bytes that wait for a tool; the oldest go


class Pty:
    """A serial port of this machine: `path` is for tools, `master` our end, which never blocks.
    Tools may come and go."""

    def __init__(self):
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self._slave)
        self.unread = bytearray()

    def send(self, data=b""):
        """Write to the tool, as much as it takes; the rest waits."""
        self.unread += data
        del self.unread[:-_UNREAD]
        with contextlib.suppress(BlockingIOError, OSError):
            while self.unread:
                n = os.write(self.master, self.unread[:1024])
                del self.unread[:n]

    def receive(self):
        """bytes from the tool; none when there are none."""
        with contextlib.suppress(BlockingIOError, OSError):
            return os.read(self.master, 4096)
        return b""

    def close(self):
        for fd in (self.master, self._slave):
            os.close(fd)


class Served:
    """`bench`: a Bench that is switched on. `speed`: seconds of the terminal to one of real
    time."""

    def __init__(self, bench, speed=1.0):
        self._bench = bench
        self._speed = speed
        self._asked = queue.Queue()
        self._bell, self._ring = os.pipe()
        self._pty = Pty()
        self.path = self._pty.path
        self._over = False
        self.error = None  # what ended the thread
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)

    def __enter__(self):
        self._bench.console.drain()
        self._bench.console.read()  # what was said before anybody listened
        self._bench.console.on_output = self._pty.send
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over = True
        os.write(self._ring, b"!")
        self._thread.join(30)
        self._bench.console.on_output = None
        self._pty.close()
        for fd in (self._bell, self._ring):
            os.close(fd)

    def do(self, function, *args, **kw):
        """Run function(*args, **kw) where the bench lives; its result, or what it raises."""
        if not self._thread.is_alive():
            raise RuntimeError("the terminal does not run") from self.error
        answer = queue.Queue()
        self._asked.put((answer, lambda: function(*args, **kw)))
        os.write(self._ring, b"!")
        while True:
            try:
                good, value = answer.get(timeout=1)
                break
            except queue.Empty:
                if not self._thread.is_alive():
                    raise RuntimeError("the terminal does not run") from self.error
        if good:
            return value
        raise value

    # ---- the thread -----------------------------------------------------------------------------

    def _run(self):
        try:
            while not self._over:
                self._serve()
        except BaseException as e:  # noqa: BLE001  told to whoever asks next
            self.error = e

    def _serve(self):
        bench = self._bench
        real, virtual = time.monotonic(), bench.rack.now_us
        while not self._over:
            if self._answer():
                return  # time was spent: the pace is taken up anew
            due = virtual + int((time.monotonic() - real) * self._speed * 1e6)
            if due - bench.rack.now_us > _BEHIND_S * 1e6:
                return
            bench.run_for(max(0, (due - bench.rack.now_us) // 1000))
            self._wait()

    def _answer(self):
        done = False
        while True:
            try:
                answer, function = self._asked.get_nowait()
            except queue.Empty:
                return done
            try:
                answer.put((True, function()))
            except BaseException as e:  # noqa: BLE001  it is the asker's
                answer.put((False, e))
            done = True

    def _wait(self):
        """Until a tool types, somebody asks, or time has to go on."""
        self._pty.send()
        ready, _, _ = select.select([self._pty.master, self._bell], [], [], _PASS_S)
        if self._bell in ready:
            os.read(self._bell, 4096)
        if self._pty.master in ready:
            self._bench.console.write(self._pty.receive())
            self._take_it()

    def _take_it(self):
        """Let the terminal see what was typed, now."""
        bench = self._bench
        bench.run_until(lambda: True, "the processor")
        bench.step(bench.rack.now_us)
        bench.run_until(lambda: True, "the processor")


class LivePort:
    """The console of a live terminal (live.LiveBench) as a pty, in the running event loop."""

    def __init__(self):
        self._pty = Pty()
        self.path = self._pty.path
        self._process = None
        asyncio.get_running_loop().add_reader(self._pty.master, self._typed)

    def attach(self, process):
        """A run of the firmware begins: a BoardProcess with a console."""
        self._process = process
        os.set_blocking(process.stdin.fileno(), False)
        os.set_blocking(process.stdout.fileno(), False)
        asyncio.get_running_loop().add_reader(process.stdout.fileno(), self._said)

    def detach(self):
        """It ends: what it has said still counts."""
        if self._process is not None:
            asyncio.get_running_loop().remove_reader(self._process.stdout.fileno())
            self._said()
            self._process = None

    def close(self):
        asyncio.get_running_loop().remove_reader(self._pty.master)
        self._pty.close()

    def _typed(self):
        data = self._pty.receive()
        if self._process is not None and data:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self._process.stdin.fileno(), data)

    def _said(self):
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:  # it has ended: the bus says so, too
                asyncio.get_running_loop().remove_reader(self._process.stdout.fileno())
                return
            self._process.logged(data)
            self._pty.send(data)
