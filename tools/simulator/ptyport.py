"""The bench's console as a serial port of this machine, for tools that open one: a pty.

    with Served(bench) as port:
        subprocess.run(["mpremote", "connect", port.path, "exec", "tech.status()"])
        port.do(bench.press, "1")

The terminal lives on in a thread, at the pace of real time. Only that thread touches the bench:
everything else asks with do().
"""

import contextlib
import os
import queue
import select
import threading
import time
import tty

_PASS_S = 0.02  # the terminal's time goes on in steps of at most this
_BEHIND_S = 0.5  # who is later than this does not catch up


class Served:
    """`bench`: a Bench that is switched on. `speed`: seconds of the terminal to one of real
    time."""

    def __init__(self, bench, speed=1.0):
        self._bench = bench
        self._speed = speed
        self._asked = queue.Queue()
        self._bell, self._ring = os.pipe()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)  # held open too, so that tools may come and go
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._to_tool = bytearray()
        self._over = False
        self.error = None  # what ended the thread
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)

    def __enter__(self):
        self._bench.console.drain()
        self._bench.console.read()  # what was said before anybody listened
        self._bench.console.on_output = self._to_tool.extend
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over = True
        os.write(self._ring, b"!")
        self._thread.join(30)
        self._bench.console.on_output = None
        for fd in (self._bell, self._ring, self._master, self._slave):
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
            self._write()
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
        writers = [self._master] if self._to_tool else []
        ready, _, _ = select.select([self._master, self._bell], writers, [], _PASS_S)
        if self._bell in ready:
            os.read(self._bell, 4096)
        if self._master in ready:
            with contextlib.suppress(BlockingIOError, OSError):
                self._bench.console.write(os.read(self._master, 4096))
            self._take_it()

    def _take_it(self):
        """Let the terminal see what was typed, now."""
        bench = self._bench
        bench.run_until(lambda: True, "the processor")
        bench.step(bench.rack.now_us)
        bench.run_until(lambda: True, "the processor")
        self._write()

    def _write(self):
        with contextlib.suppress(BlockingIOError, OSError):
            while self._to_tool:
                n = os.write(self._master, self._to_tool[:1024])
                del self._to_tool[:n]
