# One terminal, its host and its cashier, through any number of power cuts, in virtual time.
#
# Owns the simulated board, the flash, the host model and the firmware of the present power cycle;
# every step of the cashier's is a coroutine here, and goes into the notebook. What happens when is
# decided elsewhere: at random in chance, by hand in scenarios.

import asyncio

import bus
import machine
from fakehost import SETTINGS, TMK
from notebook import APPROVED, OFFLINE, REFUSED, UNKNOWN, Notebook
from outside import CARDS, Clockwork, Host, Random, Stuck, flash, holds
from shop import MemoryVault, Shop
from watch import UNEXPLAINED, Watch, WatchedJournal

from app.host import cardstore, cup
from app.kernel import clock, log
from app.pay import txn, types
from app.pay.card import Card
from app.pay.types import OVERRIDABLE, Refused
from app.services import App
from models.nor import PowerCut

_TRACK = b"=30121010000000000"
_STEP_S = 6 * 3600  # no step takes longer


class WatchedShop(Shop):
    journal_type = WatchedJournal


class Day:
    """`rng` decides whatever is left open; `size`: blocks of the flash, and the transactions that
    a batch may have on it; `say` takes a line of what happens, or is None. All counters count the
    whole day."""

    def __init__(self, rng, settings=SETTINGS, size=(24, 30), serial=1, say=None):
        self.rng = rng
        self.settings = settings
        self.say = say
        self.serial = serial
        self.findings = []  # (class, text)
        self.cuts = self.boots = self.operations = self.offline = 0
        self._fresh_board()
        blocks, self._capacity = size
        self.nor, self.dev = flash(blocks)
        self.host = Host()
        self.vault = MemoryVault(TMK=bytearray(TMK))
        self.watch = Watch(self.tell, self._now_s, rng)
        self.host.watch = self.watch
        self.book = Notebook(self.tell)
        self.paper = True
        self.background = True  # rounds of uploads while nobody is served
        self.before_boot = None  # called when the power is on: may arm the next cut
        cardstore.os = Random(rng)

    def _fresh_board(self):
        self.board = Clockwork()
        bus.use(self.board)
        self._limit()
        clock.use_rtc(machine.RTC())
        machine.RTC().datetime((2026, 11, 23, 0, 9, 30, 0, 0))
        log.echo = self._log_line if self.say else None
        log.set_level(log.INFO if self.say else log.ERROR + 1)

    def _log_line(self, line):
        self.say("        " + line)

    def tell(self, what, text):
        """A finding."""
        self.findings.append((what, text))
        self.note("!!! %s: %s", what, text)

    def note(self, text, *args):
        if self.say:
            self.say("%9.3f %s" % (self.board.now_us() / 1e6, text % args if args else text))

    def _now_s(self):
        return self.board.now_us() // 1000000

    def _limit(self):
        self.board.limit_us = self.board.now_us() + _STEP_S * 1000000

    # ---- power ----------------------------------------------------------------------------------

    def boot(self):
        """Power on; again when the power is cut while it boots. Returns self."""
        while not self._boot_once():
            self.cuts += 1
            self.note("power cut while it boots")
            self.nor.power_on()
        self._set_up()
        return self

    def _boot_once(self):
        asyncio.new_event_loop().set_exception_handler(self._died)
        self.boots += 1
        self.host.hang_up()
        clock._up_s, clock._mark = 0, clock.ticks()
        self.watch.overruled = set()
        self.shop = WatchedShop(self.dev, self.host, self.vault, self.settings, self._spawn,
                                self.serial, self._capacity)  # fmt: skip
        self.shop.journal.watch = self.watch
        self.watch.shop = self.shop
        if self.before_boot:
            self.before_boot()
        try:
            self.shop.boot()
            return True
        except PowerCut:
            return False

    def _set_up(self):
        shop = self.shop
        self.watch.scan(shop.journal)
        self.note("on: batch %d, %s", shop.journal.batch, self.watch.states())
        if shop.journal.unreadable:
            self.tell(UNEXPLAINED, "%d records cannot be read" % shop.journal.unreadable)
        self.app = App(self.settings, None, shop.journal, shop.session, shop.engine,
                       shop.reversals, shop.settlement, shop.saf, shop.link)  # fmt: skip
        self.app.owed = shop.owed
        self.app.operator = "01"
        owed = set(shop.owed.receipts)
        for i in range(len(shop.journal)):
            owes = shop.journal.state(i) in txn.RECEIPT and not shop.journal.printed(i)
            if owes != (i in owed):
                self.tell(UNEXPLAINED, "F11: receipt of %d" % shop.journal.trace(i))
        self.book.judge_now(self.watch)
        if self.background:
            asyncio.create_task(shop.saf.run())

    def _spawn(self, factory):
        return asyncio.create_task(factory())

    def _died(self, loop, context):
        self.tell(UNEXPLAINED, "a task died: %s" % what(context["exception"], self.say))

    def reboot(self):
        """Power off and on between two operations of the flash."""
        self.note("off")
        self.nor.power_on()
        self.boot()

    def run(self, coroutine, cut_ms=0):
        """Whether the step ended. Otherwise the power was cut, at `cut_ms` or at an operation of
        the flash, and is on again."""
        self.operations += 1
        self._limit()
        try:
            asyncio.run(self._until(coroutine, cut_ms) if cut_ms else coroutine)
            self.watch.scan(self.shop.journal)
            self.book.judge_now(self.watch)
            return True
        except PowerCut as e:
            self.cuts += 1
            self.note("power cut: %s", e.args[0])
        except Stuck as e:
            self.tell(UNEXPLAINED, e.args[0])
        except Exception as e:  # noqa: BLE001  whatever it is, it is a finding
            self.tell(UNEXPLAINED, "a step died: %s" % what(e, self.say))
        self.nor.power_on()
        self.boot()
        return False

    async def _until(self, coroutine, ms):
        task = asyncio.create_task(coroutine)
        await asyncio.sleep_ms(ms)
        if task.done():
            await task
            return
        # Cancelling would give the firmware a chance to write: a cut does not.
        self.nor.power_off()
        raise PowerCut("between two operations")

    # ---- the cashier ----------------------------------------------------------------------------

    def _stage(self, name):
        pass

    def idle(self):
        self.shop.idle()

    async def tidy(self):
        self.idle()

    def _card(self, n):
        return Card(bytearray(CARDS[n] + _TRACK))

    async def sale(self, amount, card=0, pin=b"123456"):
        """Ask for a sale; pin None: without."""
        r = self.book.sale(amount)
        r.card = card
        self.note("sale of %d", amount)
        before = self.watch.outstanding()
        c = self._card(card)
        try:
            pin = bytearray(pin) if pin else None
            result = await self.shop.engine.sale(amount, c, pin, "01", self._stage)
        finally:
            c.wipe()
        await self._show(r, result)
        self._check_limits(r, result, before)
        return r

    async def void(self, of, card=0):
        """Ask for a void of the sale Request `of`; card None: without the card."""
        r = self.book.void(of)
        self.note("void of %d, number %d", of.amount, of.trace)
        c = None if card is None else self._card(card)
        try:
            original = self.shop.engine.find_voidable(of.trace)
            pin = None if c is None else bytearray(b"123456")
            result = await self.shop.engine.void(original, c, pin, "01", self._stage)
        except Refused as e:
            result = e.args[0]
        finally:
            if c is not None:
                c.wipe()
        await self._show(r, result)
        return r

    async def _show(self, r, result):
        record = result.txn
        shown = REFUSED
        if result.approved:
            shown = OFFLINE if record.kind == cup.OFFLINE else APPROVED
            if record.state != txn.CANCELLED:
                self.watch.approval_on_flash(record.trace)
        elif result.why == types.UNKNOWN_RESULT:
            shown = UNKNOWN
        self.offline += shown == OFFLINE and r.of is None
        # The number is known to the cashier from the receipt; a sale taken back keeps its own.
        self.book.show(r, shown, record.trace if record else 0, self.watch.epoch)
        self.note("%s: %s %s", r.name, shown, result.why or result.code)
        if result.approved and self.paper and record.state != txn.CANCELLED:
            await asyncio.sleep_ms(1500)  # the printer
            self._print(record)

    def _print(self, record):
        self.book.receipt(record, self.watch.epoch)
        self.app.receipt_printed(record)

    def print_owed(self):
        """The receipts that a power cut or the end of the paper has left behind."""
        for i in self.app.receipts_owed_list():
            record = self.app.load(i)
            if record is None:
                self.tell(UNEXPLAINED, "record of %d" % self.shop.journal.trace(i))
            else:
                self._print(record)
        if self.app.receipts_owed() and not self.watch.overruled:
            self.tell(UNEXPLAINED, "a receipt is owed for ever")
        slip = self.shop.settlement.slip_owed()
        if slip is not None:
            self.app.slip_printed(slip)

    def _check_limits(self, r, result, before):
        """I7 and I9: what the terminal approved itself was within the limits, and what it refused
        was not. `before`: what was outstanding; meanwhile it can only have become less."""
        s = self.settings
        self.watch.scan(self.shop.journal)
        count, total, age = self.watch.outstanding()
        if r.shown == OFFLINE:
            bad = count > s["offline_count_max"] or total > s["offline_total_max"]
            # A boot may lose what was not noted of the operating time: an hour.
            late = age > s["offline_age_max_h"] * 3600 + self.boots * 3600
            if bad or r.amount > s["offline_txn_max"] or (late and count > 1):
                self.tell(UNEXPLAINED, "I7: %s, outstanding %d, %d, %d s" % (
                    r.name, count, total, age))  # fmt: skip
        wrong = {
            types.OFFLINE_AMOUNT: r.amount <= s["offline_txn_max"],
            types.OFFLINE_COUNT: before[0] < s["offline_count_max"],
            types.OFFLINE_TOTAL: before[1] + r.amount <= s["offline_total_max"],
            types.OFFLINE_AGE: age < s["offline_age_max_h"] * 3600,
        }.get(result.why)
        if wrong:
            self.tell(UNEXPLAINED, "I7: %s refused: %s" % (r.name, result.why))

    async def upload_now(self):
        self.note("upload now")
        return await self.shop.saf.upload_now("01", self._stage)

    async def sign_in(self):
        self.note("sign in")
        await self.shop.engine.sign_in("01", self._stage)

    async def settle(self, override=False):
        """Settle; `override`: a supervisor is there who gives up what the host will not take.
        Settled, or the reason of a refusal."""
        self.note("settlement")
        for _ in range(2):
            try:
                s = await self.shop.settlement.run("01", self._stage)
            except Refused as e:
                why = e.args[0].why
                self.note("settlement: %s %s", why, e.args[0].code)
                if why not in OVERRIDABLE or not override:
                    return why
                s = await self._override(why)
                if s is None:
                    continue
            if self.paper:
                self.print_owed()
            failed = self.app.close_batch(s)
            self.note("settled: %s", "flash" if failed else ("balanced" if s.balanced else "not"))
            if failed is None and self.paper:
                self.print_owed()
            return s
        return why

    async def _override(self, why):
        for i in self.shop.settlement.given_up():
            self.book.given_up.add((self.watch.epoch, self.shop.journal.trace(i)))
        self.note("override of %s", why)
        done, s = await self.app.override(why)
        if not done:
            return None
        if s is not None and self.host.batch == s.batch:
            # The acquirer gets the exception report and settles by hand.
            self.host.close_by_hand()
        return s

    async def rest(self, ms):
        await asyncio.sleep_ms(ms)

    # ---- the end --------------------------------------------------------------------------------

    def make_well(self):
        """Whatever kept the terminal from working is over: everything owed goes through and the
        batch is settled."""
        self.note("---- making well")
        host = self.host
        host.schedule, host.faults, host.ready, host.requirement = None, [], True, 0
        self.paper = True
        self.before_boot = None
        self.nor.power_on()
        self.boot()
        self.print_owed()
        for _ in range(4):
            self.idle()
            if self.shop.settlement.unfinished():
                self.run(self.settle())
            self.run(self.upload_now())
            if not self.app.owes():
                break
        else:
            self.tell(UNEXPLAINED, "still owed: %s" % self.watch.states())
        self.idle()
        self.print_owed()
        for _ in range(3):
            self.run(self.settle())
            if not len(self.shop.journal) and not self.shop.settlement.unfinished():
                break
        else:
            self.tell(UNEXPLAINED, "cannot be settled")

    def judge(self):
        """After make_well(): [(class, text)] of the whole day."""
        self.watch.scan(self.shop.journal)
        self.book.judge(self.watch, self.host)
        for pan in CARDS:
            if holds(pan):
                self.tell(UNEXPLAINED, "I13: a card's number is in the flash")
        return self.findings


def what(e, say):
    if say:
        import io
        import sys

        out = io.StringIO()
        sys.print_exception(e, out)
        for line in out.getvalue().splitlines():
            say(line)
    return "%s %s" % (type(e).__name__, e.args[:1])
