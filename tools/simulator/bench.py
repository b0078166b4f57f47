"""A terminal on the bench, in virtual time: firmware process, devices, network and acquirer in
lock-step.

Time passes only while the firmware waits, so that a day of trade takes seconds and every run with
the same seed is the same run. The bench is driven by plain calls: press(), swipe(), expect().
"""

import datetime
import socket
from pathlib import Path

from acquirer.host import Host

from . import board_process, pictures, preset, screen_text
from . import devices as wiring
from .board_process import BoardProcess
from .bus_port import BusPort
from .console import Console
from .network import VirtualNet

PWRON, HARD, WDT, SOFT = 1, 2, 3, 5
_PORT = 5000  # of the acquirer, in the virtual network
_REAL_S = 60  # the firmware must say something within this real time, or it hangs


class BenchError(Exception):
    """The terminal did not do what was waited for; the text shows its screen and its last log."""


class Bench:
    """`folder`: where the flash image, the log and the ledger live. `epoch`: the calendar at
    power-on. `board`: a folder of boards/. `flavour`: the firmware as released (None) or "dev"."""

    def __init__(
        self,
        folder,
        seed=1,
        epoch=None,
        settings=None,
        heap=board_process.HEAP,
        db=":memory:",
        board=board_process.BOARD,
        flavour=None,
    ):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.flash = self.folder / "flash.bin"
        self.log = self.folder / "terminal.log"
        self._heap = heap
        self.script = None  # what runs in the place of boot.py and main.py
        self.epoch = epoch or datetime.datetime(2026, 11, 23, 9, 30)
        self._settings = settings or {}
        self.host = Host(db_path=db, seed=seed, now=self.now)
        self.host.add_terminal(preset.TID, preset.MID, preset.tmk())
        self.events = []
        self.host.on_event(self.events.append)
        self.net = VirtualNet(self.host, _PORT)
        zone = datetime.timezone.utc
        self._epoch_s = int(self.epoch.replace(tzinfo=zone).timestamp())
        self.board = board
        self.flavour = flavour
        self.console = Console(self)
        self.devices = wiring.make(board, self.net, seed=seed, epoch_s=self._epoch_s)
        self.net.modem = self.devices.modem
        self.rack = self.devices.rack
        self.rack.attach(self.net)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._process = None
        self._socket = None
        self._bus = None
        self._longest_us = 0
        self.hold_ms = 60  # how long a finger stays on a key, and how long it is away
        self.restarts = 0
        self.papers = []
        self._text = (None, [])

    # ---- time -----------------------------------------------------------------------------------

    @property
    def now_ms(self):
        return self.rack.now_us // 1000

    @property
    def longest_us(self):
        """Virtual time of the longest pass of the event loop in all runs so far: how long a key
        or a byte may have had to wait."""
        return max(self._longest_us, self._bus.longest_us if self._bus else 0)

    def now(self):
        """The calendar, as the acquirer sees it."""
        return self.epoch + datetime.timedelta(microseconds=self.rack.now_us)

    # ---- power ----------------------------------------------------------------------------------

    def provision(self, **settings):
        """Set the terminal up as a technician would; returns the check value of the master key."""
        return board_process.provision(
            self.flash, preset.classic(_PORT, **{**self._settings, **settings}), self.board
        )

    def power_on(self, cause=PWRON):
        if cause == PWRON:
            self.devices.power(True)
        self._listener.settimeout(_REAL_S)
        self._process = self.spawn(self._port)
        self.console.attach(self._process)
        self._socket, _ = self._listener.accept()
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(_REAL_S)
        self._longest_us = self.longest_us
        self._bus = BusPort(self.rack, None, cause, self._epoch_s)
        self.launched()

    def spawn(self, port):
        """Start the board's processor, which connects to `port` of the loopback. Other boards
        override this."""
        return BoardProcess(
            self.flash,
            port,
            self.log,
            self._heap,
            self.script,
            board=self.board,
            console=True,
            flavour=self.flavour,
        )

    def launched(self):
        """The board has connected. Other boards override this."""

    def power_off(self):
        """Cut the power: the process is killed, wherever it is."""
        self._end_process()
        self.devices.power(False)

    def _end_process(self):
        if self._process is not None:
            self.console.detach()
            self._process.kill()
            self._socket.close()
            self._process = None

    def _reset(self, cause):
        self._end_process()
        self.rack.processor_reset()
        self.restarts += 1
        self.power_on(cause)

    def close(self):
        self._end_process()
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    # ---- the loop -------------------------------------------------------------------------------

    def step(self, until_us):
        """Do one thing: let the firmware work until it waits, or let time pass, at most until
        `until_us`."""
        bus = self._bus
        if bus.reset_wanted is not None:
            self._reset(bus.reset_wanted)
            return
        if self.rack.watchdog_expired():
            self._reset(WDT)
            return
        if bus.waiting is None:
            self._listen()
            return
        if self.console.deliver():
            bus.wake()
            self._send(bus.take_output())
            return
        if not self.rack.events:
            self.rack.advance(min(bus.waiting, until_us), True)
        if self.rack.events or self.rack.now_us >= bus.waiting:
            bus.wake()
            self._send(bus.take_output())

    def _listen(self):
        if not self.console.until_readable(self._socket, _REAL_S):
            raise BenchError(self.report("the firmware hangs"))
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.console.detach()
            self._process.kill()
            raise BenchError(
                self.report(f"the firmware ended (exit {self._process.returncode()})")
            )
        self._bus.feed(data)
        self._send(self._bus.take_output())
        if self._bus.waiting is not None:
            self.console.drain()

    def _send(self, data):
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it ended; the next receive says so

    def run_until(self, condition, what, timeout_ms=60_000):
        """Let the terminal live until condition() is true. BenchError after timeout_ms of virtual
        time."""
        end = self.rack.now_us + timeout_ms * 1000
        # Only what the terminal shows while it waits counts: a picture may be half drawn before.
        while self._bus.waiting is None or not condition():
            if self.rack.now_us >= end and self._bus.waiting is not None:
                raise BenchError(self.report(f"waited {timeout_ms} ms for {what}"))
            self.step(end)

    def run_for(self, ms):
        """Let the terminal live for `ms` of virtual time."""
        end = self.rack.now_us + ms * 1000
        while self.rack.now_us < end or self._bus.waiting is None:
            self.step(end)

    def report(self, what):
        self.console.drain()
        try:
            log = self.log.read_text(errors="replace")[-1500:]
        except OSError:
            log = ""
        return "\n".join([what, "screen:", *(f"  |{line}" for line in self.screen()), "log:", log])

    # ---- what a person does ---------------------------------------------------------------------

    def press(self, *keys):
        """Press keys one after the other, with a finger."""
        for key in keys:
            self.devices.keys.press(key, self.rack.now_us)
            self.rack.poke()
            self.run_for(self.hold_ms)
            self.devices.keys.release(key, self.rack.now_us)
            self.rack.poke()
            self.run_for(self.hold_ms)

    def type(self, digits):
        """Press the digits of a text."""
        self.press(*digits)

    def swipe(self, card, **how):
        """Draw a card (acquirer.cards entry) through the reader; `how` are the reader's faults."""
        self.devices.reader.swipe(card.track1, card.track2, card.track3, self.rack.now_us, **how)
        self.rack.poke()

    def network(self, on):
        """Cut or restore the radio, and with it everything behind it."""
        self.net.up = on
        self.devices.modem.set_signal(on, self.rack.now_us)
        self.rack.poke()

    def tear(self):
        """Tear off the paper; it is also kept in `papers`."""
        paper = self.devices.printer.tear()
        self.papers.append(paper)
        return paper

    # ---- what a person sees ---------------------------------------------------------------------

    def screen(self):
        """The glass as text, one str a row."""
        version = self.devices.display.version
        if self._text[0] != version:
            self._text = (version, screen_text.read(self.devices.display.pixels()))
        return self._text[1]

    def sees(self, text):
        """Whether `text` is on the glass; blanks and line ends do not count."""
        return text.replace(" ", "") in "".join(self.screen()).replace(" ", "")

    def expect(self, text, timeout_ms=60_000):
        """Wait until `text` is on the glass."""
        self.run_until(lambda: self.sees(text), f"{text!r} on the screen", timeout_ms)

    def screenshot(self, path):
        pictures.screen(self.devices.display.pixels()).save(path)

    def memory(self):
        """(free, used, ...) bytes of the firmware's heap after a collection: BusPort.memory."""
        self._bus.ask_memory()
        self.run_until(lambda: self._bus.memory is not None, "the heap", 5000)
        return self._bus.memory

    # ---- books ----------------------------------------------------------------------------------

    def journal(self):
        """The terminal's own books: the open batch, from its flash."""
        return board_process.journal(self.flash, self.board)

    # ---- common ways ----------------------------------------------------------------------------

    def start(self, **settings):
        """A terminal that is set up, switched on, and whose operator has signed on."""
        if not self.flash.exists():
            self.provision(**settings)
        self.power_on()
        self.login()

    def login(self, operator=preset.CASHIER):
        self.expect("操作员登录")
        self.run_for(200)  # nobody is faster; the keypad first looks for stuck keys
        self.type(operator[0])
        self.press("ENTER")
        self.expect("密码:")
        self.type(operator[1])
        self.press("ENTER")

    def wait_for_network(self):
        self.run_until(self.devices.network_ready, "the network", 120_000)
