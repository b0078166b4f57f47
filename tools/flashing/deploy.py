"""`make deploy`: a bundle, or single files, onto a development board, through mpremote.

A bundle goes into the slot that does not run: the slot's header is erased first and written last,
so that a transfer that is cut off leaves a blank slot, and the other one as it was. Only blocks
that differ travel. What was written is read back.
"""

import ast
import base64
import contextlib
import hashlib
import posixpath
from dataclasses import dataclass
from pathlib import Path

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial import SerialException

from . import FlashingError, stock, syb

BLOCK = 4096
_CHUNK = 1024  # bytes of a command: a running terminal has little memory to spare
_SERIAL_S = 5  # no byte for so long: nobody is there
# sys.implementation._mpy >> 10 (py/persistentcode.h)
_ARCHITECTURES = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa",
    "xtensawin", "rv32imc", "rv64imc",
)  # fmt: skip

# What the board is told, once. `h` gives 8 bytes of the SHA-256 of each of n blocks, so that one
# line says which differ.
_SLOT = """
import binascii, esp32, hashlib
p = esp32.Partition.find(esp32.Partition.TYPE_DATA, label={label!r})[0]
b = bytearray(4096)
def h(n):
    r = bytearray()
    for i in range(n):
        p.readblocks(i, b)
        r += hashlib.sha256(b).digest()[:8]
    print(binascii.hexlify(r).decode())
def w(n, at, text):
    p.writeblocks(n, binascii.a2b_base64(text), at)
def s(first, n):
    a = hashlib.sha256()
    for i in range(first, first + n):
        p.readblocks(i, b)
        a.update(b)
    print(binascii.hexlify(a.digest()).decode())
"""
_WHO = """
import identity
try:
    import bootstate
    r = getattr(bootstate, 'bundle_slot', None)
except ImportError:
    r = None
print(repr((identity.BOARD, r)))
"""
_HEADER = """
import binascii, esp32
for p in esp32.Partition.find(esp32.Partition.TYPE_DATA, label={label!r}):
    b = bytearray(4096)
    p.readblocks(0, b)
    print(binascii.b2a_base64(b).decode(), end='')
"""
# What the next start will make of the slot. () of a firmware that cannot tell, or of a board that
# has not started its boot chain.
_VERDICT = """
try:
    import slots
    print(repr(slots.verdict({slot})))
except (ImportError, AttributeError):
    print('()')
"""


@dataclass
class Report:
    """`done` are (what, bytes, action); `notes` say what the technician should know."""

    done: list
    notes: list

    def lines(self):
        rows = [f"{what:<32} {size:>10,}  {action}" for what, size, action in self.done]
        return rows + self.notes


@contextlib.contextmanager
def _board(port):
    """mpremote's transport at the prompt of a board."""
    transport = None
    try:
        transport = SerialTransport(port, timeout=_SERIAL_S)
        with contextlib.redirect_stdout(None):  # it prints what it did not expect
            transport.enter_raw_repl(soft_reset=False)
        yield transport
        if transport.in_raw_repl:
            transport.exit_raw_repl()
    except TransportExecError as e:
        last = e.error_output.strip().splitlines()[-1:] or ["no answer"]
        raise FlashingError(
            f"{port}: the board says {last[0]!r}. A release answers no Python: deploy is for "
            "development builds"
        ) from e
    except (TransportError, SerialException, OSError) as e:
        raise FlashingError(f"{port}: {e}") from e
    finally:
        if transport is not None:
            with contextlib.suppress(SerialException, OSError):
                transport.close()


def _say(transport, code):
    return transport.exec(code).decode().strip()


def _reset(transport):
    transport.exec_raw_no_follow("import machine; machine.reset()")
    transport.in_raw_repl = False


# ---- a bundle -----------------------------------------------------------------------------------


def bundle(port, path, slot=None, reset=True, progress=None):
    """Write the .syb file `path` into bundle slot 0 or 1 of the board at `port`, by default the
    one that does not run, and restart it. Returns a Report. FlashingError: the bundle is damaged
    or another board's, the slot runs, is missing or too small, nobody answers, or what was
    written reads back differently."""
    found = syb.read(path)
    with _board(port) as transport:
        name, running = ast.literal_eval(_say(transport, _WHO))
        if name != found.manifest["board"]:
            raise FlashingError(f"{port} is {name}, the bundle is {found.manifest['board']}'s")
        counters = [_counter(transport, n) for n in (0, 1)]
        target = _choose(slot, running, counters)
        writer = _Slot(transport, target, found.data, progress)
        writer.write()
        counter, other = found.manifest["counter"], counters[1 - target]
        notes = _verdict(transport, target)
        if other is not None and (other > counter or other == counter and target):
            notes.append(
                f"slot {1 - target} holds counter {other}, this bundle has {counter}: the board "
                f"takes the higher one, of equal ones slot 0; COUNTER={other + 1} goes before it"
            )
        if reset:
            _reset(transport)
    what = f"bundle {found.manifest['version']} in slot {target}"
    action = f"of {writer.room:,} in the slot; {writer.travelled:,} travelled"
    return Report([(what, len(found.data), action)], notes)


def _counter(transport, slot):
    """The counter of the bundle that a slot says it holds, None: there is none."""
    text = _say(transport, _HEADER.format(label=f"bundle_{slot}"))
    if not text:
        raise FlashingError(f"the board has no partition bundle_{slot}")
    parts = syb.manifest(base64.b64decode(text))
    counter = parts[0].get("counter") if parts else None
    return counter if isinstance(counter, int) else None


def _verdict(transport, slot):
    """Why the board will not run what now lies in the slot: a list of one line, or of none."""
    reason, lowest = (*ast.literal_eval(_say(transport, _VERDICT.format(slot=slot))), None, None)[
        :2
    ]
    if reason is None:
        return []
    if lowest is not None:
        how = f"make bundle COUNTER={lowest} or higher"
    elif reason in ("signer", "signature"):
        how = "it believes the keys of its signers.py, and none of them signed this"
    else:
        how = "it is not made for this firmware"
    return [f"the board WILL NOT RUN it ({reason}): {how}"]


def _choose(slot, running, counters):
    if slot is None:
        if running in (0, 1):
            return 1 - running
        return min((0, 1), key=lambda n: -1 if counters[n] is None else counters[n])
    if slot == running:
        raise FlashingError(f"slot {slot} runs now: SLOT={1 - slot}, or none")
    return slot


class _Slot:
    """One slot of the board, to become `data`."""

    def __init__(self, transport, slot, data, progress):
        self.transport = transport
        self.label = f"bundle_{slot}"
        self.data = data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\xff")
        self.blocks = len(self.data) // BLOCK
        self.progress = progress
        self.room = 0
        self.travelled = 0

    def write(self):
        _say(self.transport, _SLOT.format(label=self.label))
        self.room = BLOCK * int(_say(self.transport, "print(p.ioctl(4, 0))"))
        if len(self.data) > self.room:
            raise FlashingError(
                f"{self.label} does not fit: {len(self.data):,} bytes, the slot has {self.room:,}"
            )
        said = bytes.fromhex(_say(self.transport, f"h({self.blocks})"))
        _say(self.transport, "p.ioctl(6, 0)")  # whatever happens now, this slot is no bundle
        for n in range(1, self.blocks):
            block = self._block(n)
            if hashlib.sha256(block).digest()[:8] != said[8 * n : 8 * n + 8]:
                self._send(n, block)
            self._tell(n)
        self._compare(1, self.blocks - 1)
        self._send(0, self._block(0), erase=False)
        self._compare(0, self.blocks)
        self._tell(self.blocks)

    def _block(self, n):
        return self.data[n * BLOCK : (n + 1) * BLOCK]

    def _send(self, n, block, erase=True):
        if erase:
            _say(self.transport, f"p.ioctl(6, {n})")
        end = len(block.rstrip(b"\xff"))
        for at in range(0, end, _CHUNK):
            chunk = block[at : min(at + _CHUNK, end)]
            chunk += b"\xff" * (-len(chunk) % 16)  # an encrypted flash takes whole units of 16
            _say(self.transport, f"w({n}, {at}, {base64.b64encode(chunk).decode()!r})")
            self.travelled += len(chunk)

    def _compare(self, first, n):
        found = _say(self.transport, f"s({first}, {n})")
        if found != hashlib.sha256(self.data[first * BLOCK : (first + n) * BLOCK]).hexdigest():
            with contextlib.suppress(TransportError):
                _say(self.transport, "p.ioctl(6, 0)")
            raise FlashingError(f"{self.label} reads back differently: the flash is bad")

    def _tell(self, blocks):
        if self.progress:
            self.progress(f"writing {self.label}", blocks * BLOCK, len(self.data))


# ---- files --------------------------------------------------------------------------------------


def files(port, paths, to="/flash/lib", reset=True, progress=None):
    """Copy files into folder `to` of the board, modules compiled; those that the board has already
    do not travel. A file that is cut off leaves the old one. Returns a Report. FlashingError: a
    file is missing or does not compile, or nobody answers."""
    report = Report([], [])
    with _board(port) as transport:
        native = int(_say(transport, "import sys; print(sys.implementation._mpy >> 10)"))
        ready = _prepared(paths, _ARCHITECTURES[native])
        _make_folder(transport, to)
        for name, data in ready.items():
            place = posixpath.join(to, name)
            action = _copy(transport, place, data, progress)
            report.done.append((place, len(data), action))
        if reset:
            _reset(transport)
    return report


def _prepared(paths, arch):
    """{name on the board: bytes} of files; .py becomes .mpy."""
    ready = {}
    for path in map(Path, paths):
        try:
            data = path.read_bytes()
        except OSError as e:
            raise FlashingError(f"FILES={path}: {e.strerror}") from e
        if path.suffix == ".py":
            ready.update(stock.compiled({path.name: data.decode()}, arch))
        else:
            ready[path.name] = data
    return ready


def _make_folder(transport, folder):
    place = ""
    for part in folder.strip("/").split("/"):
        place += "/" + part
        if not transport.fs_exists(place):
            transport.fs_mkdir(place)


def _copy(transport, place, data, progress):
    same = hashlib.sha256(data).digest()
    if transport.fs_exists(place) and transport.fs_hashfile(place, "sha256") == same:
        return "already there"
    part = place + ".part"

    def tell(done, total):
        if progress:
            progress(f"copying {posixpath.basename(place)}", done, total)

    transport.fs_writefile(part, data, progress_callback=tell)
    if transport.fs_hashfile(part, "sha256") != same:
        raise FlashingError(f"{place} reads back differently")
    source = place.removesuffix(".mpy") + ".py"
    if place.endswith(".mpy") and transport.fs_exists(source):
        transport.fs_rmfile(source)  # it would be imported instead
    transport.exec(f"import os; os.rename({part!r}, {place!r})")
    return "copied"
