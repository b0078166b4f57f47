# The periodic self-test and the lock (security.md 19): firmware, keys, cryptography and journal,
# at the start and at least every 24 hours.
#
# At the start: what is cheap. Known answers are computed here; the key store was authenticated and
# every record of the journal read by its CRC while they were loaded; the bootloader has hashed the
# image and app boot the bundle. All of it, read again from flash, follows in the first quiet
# minutes, and from then on once a day: in pieces of milliseconds while nobody is served, as soon
# as it is due; when a shop never rests, beside the trade.
#
# What fails locks: no sale, no void, a screen with a code that names whom to call.
#
#   E-19-1 firmware   E-19-2 keys   E-19-3 cryptography    nothing is sent either: neither what
#                     would be sent nor what would protect it can be trusted
#   E-19-4 journal    what is owed is still uploaded and the batch can be settled: each record
#                     stands for itself, and what is good must reach the host
#
# The lock is kept over a restart. It goes when all tests pass again; with the journal only once
# the batch is settled, or a technician has run the self-test: a record may be missing without a
# trace.

import asyncio

from micropython import const

import board

from ..kernel import clock, log
from ..kernel.modules import forget
from ..kernel.supervisor import RESTART
from ..store import files
from ..ui.screens import Idle

NAMES = ("firmware", "keys", "crypto", "journal")
_FAIL = "fail"
_TESTS = const(("app.tech.checks", "app.tech.kat"))  # not kept from round to round
_LOOK_MS = 30_000
_SLICE_MS = 20
# Operating time [s] from the start and from round to round: when it is due, and when it waits for
# a quiet moment no longer.
_FIRST = (120, 3600)
_NEXT = (20 * 3600, 23 * 3600)


def code_of(name):
    """The code of what failed ("vault" and "flash" are the screens of a start that failed)."""
    name = {"vault": "keys", "flash": "journal"}.get(name, name)
    return "E-19-%d" % (NAMES.index(name) + 1) if name in NAMES else ""


class Health:
    """`terminal`: supervisor, ui, vault, journal, engine, saf and app (root.Terminal);
    `unserved`(): whether the screen keeps nobody waiting.

    code: "" or that of the lock; failed: name of what failed, why: its reason; results:
    {name: (status, reason)} of the last round; known: damaged records of batches that are over;
    last_s: operating time of its end, None: none yet.
    """

    def __init__(self, terminal, unserved):
        self._t = terminal
        self._unserved = unserved
        training = getattr(terminal, "training", None)
        self._vault = terminal.vault if training is None else training.vault
        # What happens to the journal of a training is not held against the real one.
        self._path = (board.DATA if training is None else training.folder) + "/health.json"
        self._day = None
        self.code = self.failed = self.why = ""
        self.results = {}
        self.last_s = None
        self._began_s = clock.uptime_s()
        self._wanted = False
        self._shown = ""  # the code that the screen shows
        self._held = False
        self._batch = 0  # that was open when the journal failed
        self.known = 0

    # ---- the start ------------------------------------------------------------------------------

    def start(self, day):
        """The cheap part, and the tasks: `day`(app) is what a healthy terminal does."""
        from . import checks

        self._day = day
        self._load()
        journal = self._t.journal
        self.known = min(self.known, journal.damaged())
        status, why = checks.crypto(True)
        if status == _FAIL:
            self._lock("crypto", why)
        elif not self.code and (journal.damaged() > self.known or journal.unreadable):
            n = journal.damaged() - self.known + journal.unreadable
            self._lock("journal", "%d damaged records" % n)
        forget(*_TESTS)
        self._bar()
        self._shown = self.code
        spawn = self._t.supervisor.spawn
        spawn("flows", self._flow, RESTART)
        spawn("health", self.run, RESTART)

    def _load(self):
        """What is kept: a lock, and what is known of it."""
        try:
            kept = files.load_json(self._path)
        except (OSError, ValueError):
            log.error("health: what was kept is damaged")
            self._wanted = True
            return
        if kept:
            self.failed, self.why = kept["failed"], kept["why"]
            self.code = code_of(self.failed)
            self._batch, self.known = kept["batch"], kept["known"]
            self._wanted = bool(self.code)

    def _save(self):
        kept = {"failed": self.failed, "why": self.why, "batch": self._batch, "known": self.known}
        try:
            files.replace_json(self._path, kept)
        except OSError as e:
            log.exception("health", e)  # it locks all the same, as long as there is power

    # ---- the lock -------------------------------------------------------------------------------

    @property
    def may_settle(self):
        return self.failed == "journal"

    def _lock(self, name, why):
        if name == self.failed:
            return
        self.code, self.failed, self.why = code_of(name), name, why
        self._batch = self._t.journal.batch
        log.error("locked %s: %s", self.code, why)
        audit = getattr(self._t, "audit", None)
        if audit is not None:
            audit.event("selftest_failed", "", self.code)
        self._save()

    def _unlock(self):
        log.warning("unlocked, was %s", self.code)
        self.code = self.failed = self.why = ""
        self._save()

    def _bar(self):
        self._t.engine.barred = bool(self.code)
        held = bool(self.code) and not self.may_settle
        if held != self._held:
            self._held = held
            self._t.saf.hold(held)

    def _flow(self):
        """What the screen shows: the lock or the day."""
        if not self.code:
            return self._day(self._t.app)
        from . import locked

        return locked.day(self._t.app, self)

    async def _turn(self):
        """From the day to the lock, or back. Who is being served is not thrown out; a sale would
        be refused by the engine."""
        t = self._t
        while t.engine.busy or not (t.app.operator is None or isinstance(t.ui.screen, Idle)):
            await asyncio.sleep_ms(_SLICE_MS)
        t.supervisor.cancel("flows")
        while t.supervisor.tasks["flows"].running():
            await asyncio.sleep_ms(0)
        t.app.operator = None
        t.ui.forget()
        self._shown = self.code
        t.supervisor.spawn("flows", self._flow, RESTART)

    # ---- the round ------------------------------------------------------------------------------

    def again(self):
        """A round soon: something has changed that may lift the lock."""
        self._wanted = True

    def _age(self, soon):
        """Whether a round is due, or overdue."""
        if self._wanted:
            return True
        now = clock.uptime_s()
        if self.last_s is None:
            return now - self._began_s >= _FIRST[0 if soon else 1]
        return now - self.last_s >= _NEXT[0 if soon else 1]

    def _quiet(self):
        return self._unserved() and not self._t.engine.busy

    async def _pause(self):
        await asyncio.sleep_ms(_SLICE_MS)
        while not self._quiet() and not self._age(False):
            await asyncio.sleep_ms(500)

    async def run(self):
        """Task: rounds when they are due."""
        while True:
            if self._age(False) or (self._age(True) and self._quiet()):
                await self.round(self._pause)
            if self.code != self._shown:
                await self._turn()
            await asyncio.sleep_ms(_LOOK_MS)

    async def round(self, pause, technician=False):
        """All tests; {name: (status, reason)}. What fails locks, what passes may unlock; the
        screen follows. `technician`: he has asked and reads what comes out."""
        from . import checks

        t = self._t
        self._wanted = False
        found = {"firmware": await checks.firmware(pause), "keys": checks.keys(self._vault)}
        found["crypto"] = checks.crypto()
        journal = t.journal
        if self.may_settle and (journal.batch != self._batch or technician and not len(journal)):
            # What is damaged belongs to a batch that is over, or somebody has seen it.
            self.known, journal.unreadable = journal.capacity * 8, 0
        status, why, damaged = await checks.journal(journal, pause, self.known)
        found["journal"] = status, why
        self.known = min(self.known, damaged)
        forget(*_TESTS)
        self.results, self.last_s = found, clock.uptime_s()
        self._judge(found, technician)
        return found

    def _judge(self, found, technician):
        for name in NAMES:
            if found[name][0] == _FAIL:
                self._lock(name, found[name][1])
                break
        else:
            kept = self.may_settle and self._t.journal.batch == self._batch and not technician
            if self.code and not kept:
                self._unlock()
        self._bar()
