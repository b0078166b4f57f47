"""A stopped terminal behind a pty: the simulated board at MicroPython's prompt, as mpremote finds
it. What the interpreter of this machine does differently from a board is put right here: the
translation of line ends, Ctrl-C as a signal, and a reset, which ends the process."""

import contextlib
import os
import pty
import select
import signal
import termios
import threading
import tty

from simulator import board_process


class PtyBoard:
    """`with PtyBoard(root, env) as board:` mpremote opens board.path. `starts` counts them."""

    def __init__(self, root, env):
        self._command = [
            board_process.interpreter(), "-X", "heapsize=1m", "-i",
            str(root / "boards" / "unix" / "launch.py"), "--repl",
        ]  # fmt: skip
        self._env = {"PATH": "/usr/bin:/bin"} | env
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)  # held open: tools come and go
        self.path = os.ttyname(self._slave)
        self._bell, self._ring = os.pipe()
        self._raw = False
        self.starts = 0
        self._started = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.wait_starts(1)
        return self

    def __exit__(self, *error):
        os.write(self._ring, b"!")
        self._thread.join(20)
        assert not self._thread.is_alive()
        for fd in (self._master, self._slave, self._bell, self._ring):
            os.close(fd)

    def wait_starts(self, n):
        """Until it has started n times (a reset is a start)."""
        with self._started:
            assert self._started.wait_for(lambda: self.starts >= n, 20)

    def cut(self):
        """The power goes, and comes back at once: everything in RAM is lost."""
        os.kill(self._pid, signal.SIGKILL)

    # ---- the thread -----------------------------------------------------------------------------

    def _spawn(self):
        pid, fd = pty.fork()
        if pid == 0:
            modes = termios.tcgetattr(0)
            modes[0] &= ~(termios.ICRNL | termios.IXON | termios.INLCR | termios.IGNCR)
            modes[1] &= ~termios.OPOST  # or mpremote sees \r\r\n
            modes[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
            termios.tcsetattr(0, termios.TCSANOW, modes)
            os.execve(self._command[0], self._command, self._env)
        self._pid, self._fd = pid, fd
        # At the prompt only: a Ctrl-C before that would end launch.py half done
        self._until(b">>> ")
        if self._raw:
            # mpremote is in the raw REPL and does not notice the restart of a process
            os.write(fd, b"\x01")
            self._until(b"\n")
        with self._started:
            self.starts += 1
            self._started.notify_all()

    def _until(self, end):
        said = b""
        while not said.endswith(end):
            try:
                byte = os.read(self._fd, 1)
            except OSError:
                byte = b""
            assert byte, said
            said += byte

    def _catches_ctrl_c(self):
        with open(f"/proc/{self._pid}/status") as f:
            mask = next(line for line in f if line.startswith("SigCgt")).split()[1]
        return int(mask, 16) & 1 << signal.SIGINT - 1

    def _run(self):
        self._spawn()
        while True:
            ready, _, _ = select.select([self._fd, self._master, self._bell], [], [])
            if self._bell in ready:
                break
            if self._fd in ready:
                said = b""
                with contextlib.suppress(OSError):
                    said = os.read(self._fd, 65536)
                if said:
                    os.write(self._master, said)
                else:
                    os.close(self._fd)
                    os.waitpid(self._pid, 0)
                    self._spawn()
            if self._master in ready:
                self._typed(os.read(self._master, 65536))
        os.close(self._fd)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _typed(self, data):
        for byte in data:
            if byte in (1, 2):
                self._raw = byte == 1
        if 3 in data and self._catches_ctrl_c():
            os.kill(self._pid, signal.SIGINT)
            data = data.replace(b"\x03", b"")
        os.write(self._fd, data)
