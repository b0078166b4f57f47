"""The emulator: starts and ends, memory that outlives it, and the raw prompt of MicroPython."""

import json
import mmap
import shutil
import socket
import subprocess
from pathlib import Path

from .layout import AREAS, RAM, RAM_SIZE

_PROMPT_S = 60

# At the prompt there is no rack of device models: what asks for one gets nothing at all.
NO_RACK = """
import sys
class Nothing:
    now_us = 0
    events = ()
    def __getattr__(self, name):
        return lambda *args: None
class Module:
    Rack = Nothing
sys.modules["models.rack"] = Module
"""


class PromptError(Exception):
    """The emulated MicroPython did not answer as its raw prompt does. The text is what came."""


class Memory:
    """The machine's RAM as a file: what lies in it stays when the emulator is killed, as flash
    does."""

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.exists():
            with self.path.open("wb") as f:
                f.truncate(RAM_SIZE)
            for area in ("flash", "nvs"):
                self.write(area, b"\xff" * AREAS[area][1])

    def _map(self):
        with self.path.open("r+b") as f:
            return mmap.mmap(f.fileno(), RAM_SIZE)

    def read(self, area):
        address, size = AREAS[area]
        with self._map() as m:
            return m[address - RAM : address - RAM + size]

    def write(self, area, data):
        """Put `data` at the beginning of an area."""
        address, size = AREAS[area]
        if len(data) > size:
            raise ValueError(f"{len(data)} bytes do not fit into {area}")
        with self._map() as m:
            m[address - RAM : address - RAM + len(data)] = data

    def lose_power(self):
        """Forget what RAM forgets: everything below the areas that are not RAM."""
        with self._map() as m:
            end = min(address for address, _ in AREAS.values()) - RAM
            m[:end] = bytes(end)

    def load_image(self, flash):
        """Take over a flash image of the simulated board, with its NVS beside it."""
        self.write("flash", Path(flash).read_bytes())
        text = Path(str(flash) + ".nvs").read_bytes()
        self.write("nvs", len(text).to_bytes(2, "little") + text)

    def save_image(self, flash):
        """Write the flash as an image of the simulated board, with its NVS."""
        Path(flash).write_bytes(self.read("flash"))
        nvs = self.read("nvs")
        n = int.from_bytes(nvs[:2], "little")
        Path(str(flash) + ".nvs").write_bytes(b"{}" if n == 0xFFFF else nvs[2 : 2 + n])


class Qemu:
    """One run of the machine. It connects its serial line to `port` of the loopback.

    icount: instructions are counted exactly, and an instruction takes 1 ns of the machine's time.
    """

    def __init__(self, elf, assets, memory, port, icount=False):
        command = [
            shutil.which("qemu-system-riscv32"), "-machine", "virt,memory-backend=ram",
            "-m", f"{RAM_SIZE >> 20}M", "-bios", "none", "-display", "none", "-monitor", "none",
            "-object",
            f"memory-backend-file,id=ram,size={RAM_SIZE},mem-path={memory.path},share=on",
            "-kernel", str(elf),
            "-device", f"loader,file={assets},addr={AREAS['rom'][0]:#x},force-raw=on",
            "-serial", f"tcp:127.0.0.1:{port},nodelay=on",
        ]  # fmt: skip
        memory.lose_power()
        if icount:
            command += ["-icount", "shift=0"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def alive(self):
        return self._process.poll() is None

    def returncode(self):
        return self._process.poll()

    def kill(self):
        """The power is cut, at once."""
        if self.alive():
            self._process.kill()
        self._process.wait()
        self._process.stderr.close()


class Prompt:
    """MicroPython's raw prompt over a connected socket."""

    def __init__(self, sock):
        self._sock = sock
        sock.settimeout(_PROMPT_S)
        self._in = b""
        self._until(b">>> ")
        self._sock.sendall(b"\r\x01")
        self._until(b"raw REPL; CTRL-B to exit\r\n>")

    def _until(self, end):
        while end not in self._in:
            try:
                data = self._sock.recv(65536)
            except TimeoutError:
                data = b""
            if not data:
                raise PromptError(f"waited for {end!r}, got {self._in[-500:]!r}")
            self._in += data
        at = self._in.index(end) + len(end)
        out, self._in = self._in[:at], self._in[at:]
        return out

    def start(self, code):
        """Start code without waiting for its end."""
        self._sock.sendall(code.encode() + b"\x04")
        self._until(b"OK")

    def reset(self):
        """Soft reset: the heap is as after a start; the connection stays."""
        self._sock.sendall(b"\x04")
        self._until(b"raw REPL; CTRL-B to exit\r\n>")

    def lines(self, limit_s=_PROMPT_S):
        """Lines that the started code prints, until its end. PromptError with its traceback, or
        when nothing is printed for limit_s."""
        self._sock.settimeout(limit_s)
        while True:
            for end in (b"\n", b"\x04"):
                if end in self._in:
                    break
            else:
                try:
                    data = self._sock.recv(65536)
                except TimeoutError:
                    raise PromptError(f"nothing was printed for {limit_s} s") from None
                if not data:
                    raise PromptError("the machine has ended")
                self._in += data
                continue
            line, self._in = self._in.split(end, 1)
            if end == b"\x04" or b"\x04" in line:
                break
            yield line.decode(errors="replace").rstrip("\r")
        error = self._until(b"\x04>")[:-2].decode(errors="replace")
        if error.strip():
            raise PromptError(error)

    def run(self, code, limit_s=_PROMPT_S):
        """The lines that code prints."""
        self.start(code)
        return list(self.lines(limit_s))

    def switch(self, mark):
        """Wait for `mark` in what the started code prints; returns what came behind it. From there
        on the line belongs to the caller."""
        self._until(mark)
        rest, self._in = self._in, b""
        return rest


def serve():
    """A listening socket for one machine: (socket, port)."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(_PROMPT_S)
    return listener, listener.getsockname()[1]


def call(function, *args, **kwargs):
    """Source of a call, for Prompt."""
    parts = [json.dumps(a) for a in args] + [f"{k}={json.dumps(v)}" for k, v in kwargs.items()]
    return f"import launch\nlaunch.{function}({', '.join(parts)})\n"
