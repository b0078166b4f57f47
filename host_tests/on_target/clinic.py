# A terminal for tests of the technician's part: the real services over the flash of the tests and
# a small file system in memory, the real screens, a FakeHost; what root.Terminal would have made.

import asyncio
import sys

import vfs
from fakehost import SETTINGS, TMK, FakeHost
from harness import flash

SECRET = b"0123456789abcdef0123456789abcdef"


class Board:
    """What the technician's part asks of a board."""

    NAME, DATA, ASSETS = "SY_TEST", "/flash", "/rom"
    CAPS = {"journal": 30, "extras": ()}

    def device_secret(self):
        return SECRET

    def serial(self):
        return 4711


board = sys.modules["board"] = Board()

import esp32  # noqa: E402
from shop import Shop  # noqa: E402

from app.crypto import seal  # noqa: E402
from app.kernel.mailbox import Queue  # noqa: E402
from app.kernel.supervisor import Supervisor  # noqa: E402
from app.services import App  # noqa: E402
from app.store.operators import Operators  # noqa: E402
from app.store.settings import SCHEMA, Settings  # noqa: E402
from app.store.vault import Vault  # noqa: E402
from app.tech import health  # noqa: E402
from app.tech.context import Context  # noqa: E402
from app.ui.manager import UI  # noqa: E402
from app.ui.screens import Idle  # noqa: E402
from models.nor import BlockDevice, NorFlash, RamStorage  # noqa: E402

CASHIER, PASSWORD = "01", "147258"
# What must never come out of any command.
CANARY_PAN = "6225000000000014"
CANARY_TMK = bytes(range(0xC0, 0xD0))
CANARY_WIFI = "wifi-canary-7731"

_files = bytearray(16 * 1024)


class Paper:
    """A canvas that keeps the texts only, and the display under it."""

    rows, columns = 4, 16

    def __init__(self):
        self.texts = []

    def clear(self):
        self.texts = []

    def title(self, text):
        self.texts.append(text)

    def text(self, x, y, text, inverse=False):
        self.texts.append(text)

    def right(self, row, text):
        self.texts.append(text)

    center = over = right

    def paragraph(self, row, text, rows=None):
        self.texts.append(text)

    def bars(self, n):
        pass

    def lines(self):
        return self.texts

    def show(self):
        pass

    def beat(self):
        pass


class Printer:
    """Ends its jobs as `outcome` says."""

    outcome = ("ok", "")
    bytes_sent = 77

    def __init__(self):
        self.printed = []

    def selftest(self):
        yield "SELF TEST", "c"

    async def status(self):
        return type("Job", (), {"status": self.outcome[0], "reason": self.outcome[1]})

    async def print(self, lines):
        self.printed.append(list(lines))
        return await self.status()


class Keypad:
    """`names` as the drivers have them; press() does what root.Terminal's task does."""

    names = ("1", "2", "ENTER", "CANCEL")
    stuck = ()
    lost = 3

    def __init__(self, terminal):
        self._t = terminal

    def press(self, name):
        if self._t.keys_to is not None:
            self._t.keys_to(name)
        else:
            self._t.inputs.put(("key", name))


class Bearer:
    """A network that connects to hosts that are up."""

    name, signal, ready, reason = "4G", 3, True, None
    up = ("bank", 5000)
    closed = 0

    async def connect(self, host, port, timeout_ms):
        await asyncio.sleep_ms(120)
        if (host, port) != self.up:
            raise OSError(111)

    async def close(self):
        self.closed += 1


class Display:
    """A small glass that remembers every picture."""

    width, height, paper, ink, fault = 32, 16, 0, 1, None

    def __init__(self):
        import framebuf

        self.buffer = bytearray(64)
        self.fb = framebuf.FrameBuffer(self.buffer, 32, 16, framebuf.MONO_VLSB)
        self.pictures = []

    def flush(self):
        self.pictures.append(bytes(self.buffer))


class Image:
    """An application partition: `data` at its beginning."""

    data = b"\xff" * 64
    RUNNING = 1
    TYPE_APP, TYPE_DATA = 0, 1

    def __init__(self, which):
        self.kind = which

    @classmethod
    def find(cls, kind):
        return [cls(kind)]

    def info(self):
        return self.kind, 0, 0x10000 + self.kind, 0x10000, "ota_0", False

    def ioctl(self, op, arg=0):
        return 4096 if op == 5 else 16

    def readblocks(self, block, buf, offset=0):
        at = block * 4096 + offset
        piece = Image.data[at : at + len(buf)]
        buf[:] = piece + b"\xff" * (len(buf) - len(piece))


def file_system():
    """An empty /flash."""
    for at in range(0, len(_files), 512):
        _files[at : at + 512] = b"\xff" * 512
    storage = RamStorage(0)
    storage.data = memoryview(_files)
    dev = BlockDevice(NorFlash(storage, len(_files), 512), 0, len(_files) // 512)
    try:
        vfs.umount(board.DATA)
    except OSError:
        pass
    vfs.VfsLfs2.mkfs(dev)
    vfs.mount(vfs.VfsLfs2(dev), board.DATA)


class Terminal:
    """`on`: the flash of the Terminal before, to start it again; `host`: its FakeHost."""

    def __init__(self, on=None, host=None, **settings):
        esp32.Partition = Image
        if on is None:
            file_system()
            self.nor, self.dev = flash(512, 24)
        else:
            self.nor, self.dev = on.nor, on.dev
        self.resets = []
        self.problem, self.keys_to, self.audit, self.battery = "", None, None, None
        self.supervisor = Supervisor(self.resets.append)
        self._make_stores(on is None, settings)
        self.settings["tid"]
        self.shop = Shop(self.dev, host or FakeHost(), self.vault, self.settings).boot()
        s = self.shop
        self.journal, self.engine, self.saf = s.journal, s.engine, s.saf
        self.app = App(self.settings, self.operators, s.journal, s.session, s.engine, s.reversals,
                       s.settlement, s.saf, s.link)  # fmt: skip
        self.app.owed = s.owed
        paper = Paper()
        self.inputs = Queue(16)
        self.app.ui = self.ui = UI(paper, paper, self.inputs, paper)
        self.app.printer = self.printer = Printer()
        self.keypad, self.bearer = Keypad(self), Bearer()
        self.drivers = [self.bearer, self.printer]
        self.served = False  # somebody stands at the counter
        self.health = health.Health(self, lambda: not self.served)

    def _make_stores(self, new, settings):
        self.settings = Settings(board.DATA + "/settings.json")
        self.vault = Vault(board.DATA + "/vault.bin", seal.Sealer(SECRET))
        self.operators = Operators(board.DATA + "/operators.json", seal.pbkdf2_sha256, 2)
        if new:
            values = {k: v for k, v in SETTINGS.items() if k in SCHEMA}
            values.update(merchant_name="shop", receipt_copies=1, **settings)
            self.settings.set(**values)
            wifi = b"=" + CANARY_WIFI.encode()
            self.vault.put(TMK=bytearray(TMK), WIFI1=bytearray(wifi))
            self.operators.add(CASHIER, "cashier", PASSWORD.encode(), False)
        else:
            for store in (self.settings, self.vault, self.operators):
                store.load()

    async def day(self, app):
        """What a healthy terminal does: it stands at the idle screen."""
        app.operator = CASHIER
        while True:
            await self.ui.ask(Idle(app.idle_state, ("ENTER",)))

    def start(self):
        self.health.start(self.day)
        return self

    async def end(self):
        for name, entry in self.supervisor.tasks.items():
            self.supervisor.cancel(name)
            while entry.running():
                await asyncio.sleep_ms(1)

    def glass(self):
        return "".join(self.ui.visible()).replace(" ", "")

    def context(self, said=None):
        return Context(self, None, None if said is None else said.append)

    def spoil_record(self, trace):
        """Change a byte of the intent of a transaction in flash, as a worn cell does."""
        j = self.journal
        at = (j._base[j.find(trace)] << 4) + 20
        self.nor.storage.data[at] ^= 0x10
