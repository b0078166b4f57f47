# The services as the flows see them: one object, small questions, small answers.
#
# Knows every service of the terminal and no driver; app.root builds it.

from .host import cup
from .kernel import log
from .pay import txn
from .pay.steps import apply
from .pay.types import Refused, Result
from .staff import Staff
from .store.flashlog import FlashError, LogFull
from .store.records import RecordError
from .text import strings
from .text.money import yuan
from .version import VERSION

t = strings.text


class App(Staff):
    """operator: number of the operator who is signed on, None when nobody is."""

    yuan = staticmethod(yuan)

    def __init__(
        self, settings, operators, journal, session, engine, reversals, settlement, saf, link
    ):
        self.settings = settings
        self.operators = operators
        self.engine = engine
        self.settlement = settlement
        self.saf = saf
        self._operator = None
        self.audit = None  # store.audit.AuditLog
        self.owed = None  # pay.recovery.Owed
        self.ui = None
        self.printer = None
        self.card_reader = None
        self.training = None  # train.mode.Training while the terminal is in training
        self.switch_training = None  # callable(on): restart into training or out of it
        self._journal = journal
        self._session = session
        self._reversals = reversals
        self._link = link
        self._counts = (-1, None, (0, 0), False)  # what idle_state() has counted, and when
        self._slip_for = ()  # reversals for which a fault slip was printed
        self.board = ""
        self.mark = ""  # in the place of the product's name, for what is no release
        self.battery = None  # where the board has one: percent, low, critical, charging

    # ---- operators ------------------------------------------------------------------------------

    @property
    def operator(self):
        return self._operator

    @operator.setter
    def operator(self, no):
        if no != self._operator:
            if no is None:
                self.note("logoff")
            self._operator = no
            if no is not None:
                self.note("logon")

    # ---- the master key -------------------------------------------------------------------------

    def lacks_master_key(self):
        return not self._session.keys.has_master()

    def key_load(self):
        """A tech.keys.KeyLoad, for app.ui.flows.keyentry."""
        from .tech.keys import KeyLoad

        return KeyLoad(self, self._session.keys.vault, self._session.sign_off, self.engine.turn)

    # ---- what the idle screen shows -------------------------------------------------------------

    def network_reason(self):
        return self._link.reason()

    def network_text(self):
        return strings.short("net.%s" % self._link.reason(), "net.no_data")

    def idle_state(self):
        """(name, signal, network reason, status line): the most urgent thing is the status."""
        reason = self._link.reason()
        reversals, uploads, receipts = self._count()
        if reversals is not None:
            status = _owed_line("reversal_owed", *reversals)
        elif receipts:
            status = t("receipt_owed_line")
        elif self._journal.nearly_full():
            status = t("nearly_full_line")
        elif self.battery is not None and self.battery.low and not self.battery.charging:
            status = t("battery_line", self.battery.percent)
        elif uploads[0]:
            status = _owed_line("upload_owed", *uploads)
        elif reason is not None:
            status = self.network_text()
        elif self.training is not None and self.training.owed:
            status = t("training_owed", self.training.owed)
        elif not self._journal.signed_on:
            status = t("not_signed_in")
        else:
            status = t("operator_batch", self.operator or "--", self._journal.batch)
        name = self.mark or t("product") if self.training is None else t("training_name")
        return name, self._link.signal(), reason, status

    def owed_count(self):
        """How many transactions the host does not have yet, or is to take back."""
        reversals, uploads, _ = self._count()
        return uploads[0] + (reversals[0] if reversals else 0)

    def login_hint(self):
        """Who may sign on, where everybody may know."""
        return "" if self.training is None else t("training_login")

    def test_card(self):
        """A callable that gives a swipe of a card without a card, None but in training."""
        return None if self.training is None else self.training.card

    def too_weak(self):
        """Whether the battery may not last to the end of a receipt."""
        return self.battery is not None and self.battery.critical

    def _count(self):
        """(reversals owed or None, uploads owed, whether paper is owed). The idle screen asks
        twice a second, of a journal that may hold a thousand and seldom changes."""
        changes = self._journal.changes
        if self._counts[0] != changes:
            paper = self.receipts_owed() or self.settlement.slip_owed() is not None
            self._counts = (
                changes, self._reversals.pending(), self.saf.outstanding(), paper
            )  # fmt: skip
        return self._counts[1:]

    def nearly_full(self):
        return self._journal.nearly_full()

    def fault_slip_due(self):
        """Whether a slip for the reversals that are owed is to be printed: once for each."""
        journal = self._journal
        owed = tuple(
            journal.trace(i) for i in range(len(journal)) if journal.state(i) == txn.UNKNOWN
        )
        due = bool(self.settings["fault_slip"]) and owed != self._slip_for
        self._slip_for = owed
        return due

    # ---- receipts and totals --------------------------------------------------------------------

    def receipt_printed(self, record):
        """The merchant's copy is on paper."""
        if record.printed or record.state not in txn.RECEIPT:
            return
        try:
            # An upload may have gone on meanwhile.
            self._journal.refresh(record)
            apply(self._journal, self._session, record, txn.PRINT_DONE)
        except (FlashError, LogFull) as e:
            log.exception("printed", e)  # it is printed once more than needed, no harm

    def slip_printed(self, settled):
        try:
            self.settlement.slip_printed(settled)
        except (FlashError, LogFull) as e:
            log.exception("slip", e)  # as above

    def _owes_receipt(self, i):
        return self._journal.state(i) in txn.RECEIPT and not self._journal.printed(i)

    def receipts_owed(self):
        return any(self._owes_receipt(i) for i in range(len(self._journal)))

    def receipts_owed_list(self):
        """Numbers (for load()) of the transactions whose receipt is not on paper, oldest first."""
        return [i for i in range(len(self._journal)) if self._owes_receipt(i)]

    def load(self, i):
        """Journal record number i, None when it cannot be read any more."""
        try:
            record = self._journal.load(i)
        except (FlashError, RecordError) as e:
            log.exception("load", e)
            return None
        return _with_code(record)

    def last_printable(self):
        for i in range(len(self._journal) - 1, -1, -1):
            if self._journal.state(i) in txn.PRINTABLE:
                return self.load(i)
        return None

    def printable(self, trace):
        i = self._journal.find(trace)
        if i < 0 or self._journal.state(i) not in txn.PRINTABLE:
            return None
        return self.load(i)

    def totals(self):
        """((sales, amount), (voids, amount)) of the open batch, amounts in fen; offline sales are
        sales, also those that the host does not have yet."""
        from .pay import totals

        kinds = totals.of_batch(self._journal)
        sales, offline, voids = kinds[cup.SALE], kinds[cup.OFFLINE], kinds[cup.VOID]
        owed = self.saf.outstanding()
        return tuple(sales[k] + offline[k] + owed[k] for k in (0, 1)), voids

    async def totals_rows(self):
        """pay.totals.rows() of the open batch."""
        from .pay import totals

        return await totals.rows(self._journal)

    def states(self):
        """[(state, count, amount in fen)] of the open batch."""
        from .pay import totals

        return totals.by_state(self._journal)

    def records(self, states=None):
        """Journal records in order of their creation, those in `states` (None: all that count
        or are owed) only. One at a time: there may be a thousand.
        None is left out: of one that cannot be read there is number, kind, amount and state."""
        wanted = states or txn.RECEIPT + (txn.UNKNOWN,)
        for i in range(len(self._journal)):
            if self._journal.state(i) in wanted:
                yield _with_code(self._journal.load_whatever(i))

    def problem_records(self, given_up=False):
        """Records for the list of what the host does not have or has refused; with given_up those
        only that are still owed: what a supervisor gives up."""
        owed = (txn.UNKNOWN,) + txn.OWED_UPLOAD
        return self.records(owed if given_up else owed + (txn.REJECTED, txn.EXPIRED))

    def batch(self):
        return self._journal.batch

    def owes(self):
        """Whether anything is to be sent to the host."""
        return self.saf.owes()

    # ---- settlement -----------------------------------------------------------------------------

    def close_batch(self, settled):
        """None when the batch is closed, else a Result."""
        try:
            self.settlement.close(settled)
            self.note("settlement", "%06d" % settled.batch)
            return None
        except (FlashError, LogFull) as e:
            log.exception("close", e)
            return Result(why="flash")

    async def override(self, why):
        """(True, Settled or None) as Settlement.override(), (False, Result) when it failed."""
        try:
            settled = await self.settlement.override(self.operator, why)
            self.note("override", why)
            return True, settled
        except Refused as e:
            return False, e.args[0]

    # ---- the rest -------------------------------------------------------------------------------

    def set_language(self, language):
        self.settings.set(language=language)
        self.note("config", "language")
        strings.use(language)

    def version_text(self):
        return "%s %s %s" % (self.mark or "Shouyin", VERSION, self.board)


def _with_code(record):
    """An offline sale shows the terminal's own code until the host gives one."""
    if record.kind == cup.OFFLINE and not record.auth_code:
        record.auth_code = cup.offline_code(record.trace)
    return record


def _owed_line(name, count, amount):
    if count > 9 or amount >= 1_000_000:  # more would not fit on a row of 16 columns
        return t(name + "_short", count)
    return t(name + "_line", count, yuan(amount))
