# The composition root: the only file that knows the board, the drivers and the services at once.

import asyncio
import gc

import machine
import micropython
from micropython import const

import board
import bootstate
import flavour

# Big buffers first: once the code is loaded the heap is no longer in one piece.
from .crypto import des as _des
from .store import journal as _journal

_capacity = board.CAPS["journal"]
_partition = board.journal_partition()
_index = _journal.reserve(_capacity, _partition.ioctl(4, 0) * _partition.ioctl(5, 0))
_des.load()

from . import fittings, train  # noqa: E402
from .crypto import seal  # noqa: E402
from .host import cup  # noqa: E402
from .host.cardstore import CardStore  # noqa: E402
from .host.keyring import KeyRing  # noqa: E402
from .host.link import Link  # noqa: E402
from .host.session import Session  # noqa: E402
from .kernel import clock, log  # noqa: E402
from .kernel.mailbox import Queue  # noqa: E402
from .kernel.modules import forget  # noqa: E402
from .kernel.supervisor import FATAL, ONESHOT, RESTART, Supervisor  # noqa: E402
from .kernel.watchdog import Watchdog  # noqa: E402
from .pay.engine import Engine  # noqa: E402
from .pay.reversal import Reversals  # noqa: E402
from .pay.saf import Saf  # noqa: E402
from .pay.settlement import Settlement  # noqa: E402
from .services import App  # noqa: E402
from .store.flashlog import FlashError, FlashLog, LogFull  # noqa: E402
from .store.journal import Journal  # noqa: E402
from .store.operators import OperatorError, Operators  # noqa: E402
from .store.settings import Settings, SettingsError  # noqa: E402
from .store.vault import Vault, VaultError  # noqa: E402
from .tech import health, port  # noqa: E402
from .text import strings  # noqa: E402
from .text.font import Font, FontError  # noqa: E402
from .text.gb18030 import Encoder  # noqa: E402
from .ui.canvas import for_display  # noqa: E402
from .ui.flows import main as flows  # noqa: E402
from .ui.manager import UI  # noqa: E402
from .ui.screens import Idle, Message  # noqa: E402

# Bytes between collections: three quarters of what is free beyond a reserve that stays in one
# piece; on a small heap few, on a large one no more than this.
_GC_THRESHOLD = 32_768
_GC_RESERVE = 16_384
_COLLECT_ROUNDS = 16  # of housekeeping, four a second
_IDLE_MS = 2000  # nothing pressed for so long: the flash may be erased
_STOPPED_MS = 3_600_000
_CTRL_C = 3
_RESTART_MS = 2000
# Needed at the start, or when something is wrong
_ONCE = const(("app.guard", "app.attention", "app.pay.recovery", "volume"))
_GONE_MS = 120_000  # nor for so long: nobody is there, whatever the screen asks


class ServiceNeeded(Exception):
    """The terminal cannot trade. args: (problem key,)"""


def _qr(data):
    """A QR code for paper; the encoder is loaded when the first one is printed."""
    from .text import qr

    return qr.encode(data)


class Terminal:
    """Everything there is, in the order in which it is made."""

    def __init__(self, events):
        self.supervisor = Supervisor(self._reset)
        self.watchdog = Watchdog(bootstate.watchdog)
        self.inputs = Queue(16)
        font = Font(board.ASSETS + "/font16.bin")
        self.encode = Encoder(font)
        canvas = for_display(bootstate.display, font)
        heart = self.watchdog.heartbeat("ui", 20_000)
        self.ui = UI(bootstate.display, canvas, self.inputs, heart)
        self._last_input = clock.ticks()
        self.audit = events
        self._life = None  # the task of run()
        self.journal = None
        self.vault = None  # store.vault.Vault that opens
        self.new_keys = None  # the same, or the Vault into which new keys go when it does not
        self.app = None
        self.problem = ""  # why it cannot trade
        self.keys_to = None  # callable(key name): a technician tries them, nobody else gets them
        self.training = train.begun(board.DATA, canvas)  # None, unless the terminal is in it
        clock.use_rtc(board.make_rtc())

    def _reset(self, why):
        log.error("reset: %s", why)
        task = self.supervisor.tasks.get(why.split(" ")[-1])
        bootstate.note(why if task is None else "%s: %s" % (why, task.last_error))
        machine.reset()

    def restart_soon(self):
        """Start anew, when the technician has read the answer. No request begins any more: what
        the terminal was has ended."""

        async def restart():
            if self.app is not None:
                # What is under way ends first, and nothing begins any more: parameters and keys
                # in memory are no longer those in flash. Never given back.
                await self.app.engine.turn.__aenter__()
            await asyncio.sleep_ms(_RESTART_MS)
            log.warning("restart, as wanted")
            machine.reset()  # no crash: it is not counted as one

        self.supervisor.spawn("restart", restart, ONESHOT)

    @staticmethod
    def unlock():
        from . import guard

        guard.unlock()

    def serve_console(self):
        """The technician's console, whatever the state of the terminal. Ctrl-C is a byte like
        others from now on."""
        micropython.kbd_intr(-1)
        self._life = asyncio.current_task()
        if board.CONSOLE is print:  # stdout is the console's, and so is stdin
            console = port.serve(self, board.CONSOLE)
            self.supervisor.spawn("console", console.run, RESTART)
        else:
            log.echo = board.CONSOLE

    def stop(self):
        """End run(), for development: whoever started it gets Ctrl-C back, and an hour until the
        watchdog bites."""
        bootstate.watchdog = board.make_watchdog(_STOPPED_MS)
        micropython.kbd_intr(_CTRL_C)
        self._life.cancel()

    # ---- making ---------------------------------------------------------------------------------

    def load(self):
        """Settings, keys, operators. ServiceNeeded says which screen to show."""
        if bootstate.vfs_problem:
            raise ServiceNeeded(bootstate.vfs_problem)
        if self.training is not None:
            # Not the vault and the operators: who looks for them here means the real ones.
            self.settings = self.training.load()
            strings.use(self.settings["language"])
            return
        from . import guard

        guard.finish_activation()
        self.settings = Settings(board.DATA + "/settings.json")
        try:
            self.settings.load()
        except SettingsError as e:
            log.error("settings: %s %s", e.args[0], e.args[1])
            raise ServiceNeeded("settings")
        strings.use(self.settings["language"])
        try:
            secret = board.device_secret()
        except OSError as e:
            log.exception("device secret", e)
            raise ServiceNeeded("nvs")
        self.new_keys = Vault(board.DATA + "/vault.bin", seal.Sealer(secret))
        try:
            self.new_keys.load()
            self.vault = self.new_keys
        except VaultError as e:
            log.error("%s", e.args[0])
        self.operators = Operators(board.DATA + "/operators.json", seal.pbkdf2_sha256)
        try:
            self.operators.load()
        except (OperatorError, KeyError, TypeError):
            raise ServiceNeeded("no_operators")
        if self.vault is None:
            raise ServiceNeeded("vault")
        if guard.locked():
            raise ServiceNeeded("tampered")
        if self.settings.missing():
            raise ServiceNeeded("not_set_up")
        if not self.operators.numbers():
            raise ServiceNeeded("no_operators")

    def _reader_capability(self):
        kinds = board.CAPS["card"]
        if "contactless" in kinds:
            return cup.READER_CONTACTLESS
        return cup.READER_IC if "ic" in kinds else cup.READER_MAG

    def build(self):
        """Drivers and services."""
        settings, training = self.settings, self.training
        bearers = (
            training.bearers(settings) if training else fittings.bearers(settings, self.vault)
        )
        self.printer = board.make_printer(clock, self.encode, _qr)
        self.card_reader = board.make_card_reader(clock)
        link = Link(bearers, settings)
        if training:
            self.printer, self.card_reader = training.devices(self.printer, self.card_reader)
            self.journal = training.journal(_capacity, _index)
            vault, operators = training.vault, training.operators
        else:
            self.journal = Journal(FlashLog(_partition), _capacity, _index)
            vault, operators = self.vault, self.operators
        keyring = KeyRing(vault)
        session = Session(link, keyring, self.journal, settings, self._reader_capability())
        reversals = Reversals(self.journal, session, settings)
        cards = CardStore(vault)
        self.engine = Engine(self.journal, session, settings, reversals, cards)
        self.saf = Saf(self.journal, session, settings, reversals, self.engine, cards, link,
                       self._spawn_upload, board.serial())  # fmt: skip
        settlement = Settlement(self.journal, session, settings, self.engine, self.saf, cards)
        app = App(settings, operators, self.journal, session, self.engine, reversals,
                  settlement, self.saf, link)  # fmt: skip
        # Nobody feeds the watchdog yet: a full ring takes longer to read than it waits.
        feed = bootstate.watchdog.feed
        from .pay import recovery

        app.owed = recovery.recover(self.journal, session, reversals, settlement, self.saf, feed)
        app.ui = self.ui
        app.printer = self.printer
        app.card_reader = self.card_reader
        app.audit = None if training else self.audit  # what was played is no event
        session.note = app.note
        app.board = board.NAME
        app.mark = "SHOUYIN DEV" if flavour.DEV else ""
        app.battery = self.battery
        app.training = training
        app.switch_training = self.switch_training
        self.app = app
        self.health = health.Health(self, self._unserved)
        self.drivers = bearers + [self.printer, self.card_reader]

    def switch_training(self, on):
        """Restart into training mode or out of it; returns only, with False, when that could not
        be written down."""
        from .train import mode

        owed = self.app.owed_count() if self.app else 0
        language = self.settings["language"] if on else ""  # in safe mode there are none
        if mode.switch(on, board.DATA, language, owed):
            who = self.app.operator if self.app and on else ""
            self.audit.event("config", who or "", "training %d" % on)
            log.warning("restart, training %d", on)
            machine.reset()  # no crash: it is not counted as one
        return False

    # ---- tasks ----------------------------------------------------------------------------------

    def _spawn_upload(self, factory):
        return self.supervisor.spawn("round", factory, ONESHOT).task

    async def _keys(self):
        told = False
        while True:
            pressed, name, _ = await self.keypad.get()
            if self.keypad.stuck and not told:
                log.warning("keys down at start: %s", " ".join(self.keypad.stuck))
                told = True
            if pressed:
                self._last_input = clock.ticks()
                if self.keys_to is not None:
                    self.keys_to(name)
                else:
                    self.inputs.put(("key", name))

    async def _touches(self):
        began = None
        while True:
            kind, x, y, _ = await self.touch.get()
            # A press counts for the screen and the cell on which it began: what comes up under a
            # finger, and what the finger slides to, is not meant.
            place = self.ui.screen, self.ui.canvas.cell(x, y)
            if kind == "down":
                began = place
            elif kind == "up" and began == place:
                self._last_input = clock.ticks()
                self.inputs.put(("touch", place))

    async def _cards(self):
        while True:
            swipe = await self.card_reader.get()
            self._last_input = clock.ticks()
            if not self.inputs.put(("card", swipe)):
                swipe.wipe()

    def _unserved(self):
        """Whether the screen keeps nobody waiting. Uploads go on at night too, when the terminal
        asks for an operator, or for paper: the log must not fill up behind such a screen."""
        quiet = clock.diff(clock.ticks(), self._last_input)
        if isinstance(self.ui.screen, Idle) or self.app.operator is None:
            return quiet > _IDLE_MS
        return quiet > _GONE_MS

    async def _housekeeping(self):
        """Erase flash and collect garbage ahead of time, only while nobody is served: an erase
        stops the processor."""
        rounds = 0
        while True:
            await asyncio.sleep_ms(250)
            if self._unserved() and not self.engine.busy:
                if self.journal.needs_housekeeping():
                    self.journal.housekeep()
                elif self.audit.needs_housekeeping():
                    self.audit.housekeep()
                rounds = (rounds + 1) % _COLLECT_ROUNDS
                if not rounds:
                    gc.collect()  # so that the next key need not wait for it

    def _click(self, tone):
        self.buzzer.click()

    def _secret(self, on):
        """A PIN is typed: keys must not be told apart by what is heard or when it is felt."""
        self.keypad.pin_mode(on)
        if self.buzzer is not None:
            self.buzzer.pin_mode(on)

    def start_basics(self):
        spawn = self.supervisor.spawn
        spawn("watchdog", self.watchdog.run, FATAL)
        spawn("ticker", self.ui.ticker, FATAL)
        for name, task in bootstate.display.tasks():
            spawn(name, task, RESTART)
        made = fittings.extras(self.supervisor)
        self.battery = made.get("battery")
        self.buzzer = buzzer = made.get("buzzer")
        if buzzer is not None:
            self.ui.play = buzzer.play
        self.touch = made.get("touch")
        if self.touch is not None:
            spawn("touches", self._touches, FATAL)
        if "tamper" in made:
            from . import guard

            spawn("case", lambda: guard.case(self, made["tamper"]), FATAL)
        self.keypad = board.make_keypad(clock, None if buzzer is None else self._click)
        for name, task in self.keypad.tasks():
            spawn(name, task, RESTART)
        self.ui.secret = self._secret
        spawn("keys", self._keys, FATAL)
        if made:
            spawn("accessories", lambda: fittings.watch(made, self.keypad), RESTART)

    def start(self):
        spawn = self.supervisor.spawn
        for driver in self.drivers:
            for name, task in driver.tasks():
                spawn(name, task, RESTART)
        spawn("cards", self._cards, FATAL)
        spawn("housekeeping", self._housekeeping, RESTART)
        spawn("uploads", self.saf.run, RESTART)
        self.health.start(flows.day)


async def run():
    """The terminal's life; returns only when a developer has stopped it."""
    terminal = await _make()
    terminal.serve_console()
    try:
        await _start(terminal)
        await _live()
    except asyncio.CancelledError:
        log.warning("stopped")


# What is imported here is forgotten behind it: a frame that lives for ever would hold it.


async def _make():
    from . import attention, guard

    events = guard.audit_log()
    guard.finish(events)
    try:
        return Terminal(events)
    except FontError as e:
        await attention.no_font(e)


async def _start(terminal):
    from . import attention, guard

    attention.tell_boot()
    terminal.audit.event("start", "", "cause %d" % bootstate.cause)
    guard.firmware(terminal.audit, attention.firmware())
    terminal.start_basics()
    ui = terminal.ui
    if bootstate.safe:
        await attention.service(terminal, "safe_mode")
    try:
        _say(ui, "starting")
        terminal.load()
        _say(ui, "checking_journal")
        terminal.build()
    except ServiceNeeded as e:
        await attention.service(terminal, e.args[0])
    except (FlashError, LogFull) as e:
        log.exception("journal", e)
        await attention.service(terminal, "flash")
    except OSError as e:
        log.exception("start", e)
        await attention.service(terminal, "vfs")
    terminal.start()


async def _live():
    forget(*_ONCE)
    gc.collect()
    spare = (gc.mem_free() - _GC_RESERVE) * 3 // 4
    gc.threshold(max(4096, min(_GC_THRESHOLD, spare)))
    await asyncio.sleep_ms(bootstate.HEALTHY_MS)
    bootstate.healthy()
    while True:
        await asyncio.sleep(3600)


def _say(ui, what):
    """On the glass at once: nothing waits before the journal has been read."""
    ui.show(Message(strings.text("product"), strings.text(what)))
    bootstate.display.flush()
