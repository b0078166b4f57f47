# What the simulated chip hangs on when it is a process of an operating system: environment,
# files and sockets. The other simulated board (boards/qemu_rv32) has a module of the same name;
# machine, esp32, network, time and the event loop are the same on both.

import os
import select
import socket
import struct
import sys

import vfs

_HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."

ASSETS = "/rom"
# The folder of the board whose board.py runs on this chip: one of boards/, or any path
BOARD = os.getenv("SHOUYIN_BOARD") or "SY_CLASSIC"
if "/" not in BOARD:
    BOARD = _HERE + "/../" + BOARD


def setting(name):
    """A value from outside, None when it is not set: WIFI, SERIAL, TIME."""
    return os.getenv("SHOUYIN_" + name)


def table(name):
    """Text of board.json, pins.csv or partitions.csv."""
    with open(BOARD + "/" + name) as f:
        return f.read()


def modules():
    """Folders of the modules that come with a board. A build may replace some: SHOUYIN_MODULES
    names a folder that goes first (keys of its own in signers.py), SHOUYIN_FLAVOUR=dev makes it
    one for development."""
    found = [BOARD + "/modules", _HERE + "/../common/modules"]
    flavour = os.getenv("SHOUYIN_FLAVOUR")
    if flavour:
        found.insert(0, _HERE + "/../" + flavour + "/modules")
    extra = os.getenv("SHOUYIN_MODULES")
    if extra:
        found.insert(0, extra)
    return found


def mount_assets():
    """The assets lie where a board has them: here they are this repository's files."""
    try:
        os.stat(ASSETS)
    except OSError:
        vfs.mount(vfs.VfsPosix(_HERE + "/../../firmware/assets"), ASSETS)


# ---- the bus ------------------------------------------------------------------------------------


class Line:
    """The byte stream to the rack of device models: a TCP socket."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo(host, int(port))[0][-1])
        self.sock.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY: frames are small and answered
        self._poller = select.poll()
        self._poller.register(self.sock, select.POLLIN)

    def frame(self, op, unit, time_us, payload):
        """Send one frame of tools/models/frames.py."""
        data = struct.pack("<BBHI", op, unit, len(payload), time_us & 0xFFFFFFFF) + payload
        while data:
            n = self.sock.send(data)
            data = data[n:]

    def recv_into(self, buf):
        """Fill buf; False when the other side is gone."""
        view = memoryview(buf)
        while view:
            n = self.sock.readinto(view)
            if not n:
                return False
            view = view[n:]
        return True

    def pending(self):
        return bool(self._poller.poll(0))

    def wait_real(self, timeout_ms, streams):
        wait_real(timeout_ms, streams, self.sock)


def power_off():
    """End this process in the middle of whatever it does: no exception that somebody catches."""
    os.system("kill -9 $PPID")


def line():
    """The Line to the rack, None when the rack is to live in this process."""
    address = os.getenv("SHOUYIN_BUS")
    return Line(address) if address else None


# ---- the console --------------------------------------------------------------------------------

# Standard input is the console's when somebody is at the other end; otherwise nothing is ever
# typed. poll() of a file is a system call that does not wait.
_STDIN = sys.stdin.buffer
_typed = select.poll()
if setting("CONSOLE"):
    _typed.register(_STDIN, select.POLLIN)


def is_console(stream):
    return stream is _STDIN or stream is sys.stdin


# Sockets that the firmware itself waits for (Wi-Fi bearer) exist in real time only.
def wait_real(timeout_ms, streams, own=None):
    """Until one of the sockets is ready or real time is up."""
    poller = select.poll()
    if own is not None:
        poller.register(own, select.POLLIN)
    for s in streams:
        if isinstance(s, socket.socket):
            poller.register(s, select.POLLIN | select.POLLOUT)
        elif is_console(s) and setting("CONSOLE"):
            poller.register(_STDIN, select.POLLIN)
    poller.poll(timeout_ms)


def ready(stream, mask):
    """Events of `mask` that are there now. Streams made in Python (UART, ThreadSafeFlag) are asked
    directly: the interpreter's poll() waits at least a millisecond for them."""
    if isinstance(stream, socket.socket):
        poller = select.poll()
        poller.register(stream, mask)
        found = poller.poll(0)
        return found[0][1] if found else 0
    if is_console(stream):
        found = _typed.poll(0)
        return found[0][1] & mask if found else 0
    return stream.ioctl(3, mask)  # MP_STREAM_POLL


# ---- flash --------------------------------------------------------------------------------------


class FileStorage:
    """Cells of the flash chip in a file. Every write reaches the operating system at once: killing
    this process is a power cut."""

    def __init__(self, path, size):
        block = b"\xff" * 4096
        try:
            if os.stat(path)[6] != size:
                raise ValueError("flash image %s must have %d bytes" % (path, size))
        except OSError:
            with open(path, "wb") as f:
                for _ in range(size // len(block)):
                    f.write(block)
        self._f = open(path, "r+b", buffering=0)

    def read(self, addr, n):
        self._f.seek(addr)
        return self._f.read(n)

    def write(self, addr, data):
        self._f.seek(addr)
        self._f.write(data)


def _image():
    path = os.getenv("SHOUYIN_FLASH")
    if not path:
        raise OSError("SHOUYIN_FLASH must name the flash image of the simulated board")
    return path


def flash(size, block):
    """The flash chip: a models.nor.NorFlash over the file that SHOUYIN_FLASH names (made, erased,
    when it is missing)."""
    from models.nor import NorFlash

    return NorFlash(FileStorage(_image(), size), size, block)


def nvs_load():
    """Text that nvs_store() left, "" when there is none."""
    try:
        with open(_image() + ".nvs") as f:
            return f.read()
    except OSError:
        return ""


def nvs_store(text):
    path = _image() + ".nvs"
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)
