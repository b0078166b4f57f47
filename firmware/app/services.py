# The services as the flows see them: one object, small questions, small answers.
#
# Knows every service of the terminal and no driver; app.root builds it.

from .kernel import log
from .pay import settlement as settling
from .pay import txn
from .pay.engine import apply
from .pay.types import SALE, VOID
from .store.flashlog import FlashError, LogFull
from .store.operators import OperatorError
from .store.records import RecordError
from .text import strings
from .text.money import yuan
from .version import VERSION

t = strings.text


class App:
    """operator: number of the operator who is signed on, None when nobody is."""

    yuan = staticmethod(yuan)

    def __init__(self, settings, operators, journal, session, engine, reversals, settlement, link):
        self.settings = settings
        self.operators = operators
        self.engine = engine
        self.settlement = settlement
        self.operator = None
        self.owed = None  # pay.recovery.Owed
        self.ui = None
        self.printer = None
        self.card_reader = None
        self._journal = journal
        self._session = session
        self._reversals = reversals
        self._link = link
        self.board = ""

    # ---- operators ------------------------------------------------------------------------------

    def check_password(self, no, password, roles=None):
        """None when it is right, else (why, text)."""
        try:
            self.operators.verify(no, password, roles)
            return None
        except OperatorError as e:
            why = e.args[0]
            if why == "wrong":
                return why, t("err.wrong", self.operators.tries_left(no))
            return why, t("err." + why if "err." + why in strings.TEXT else "err.unknown")

    def change_password(self, no, password):
        """None when it was changed, else a text."""
        try:
            self.operators.change_password(no, password)
            return None
        except OperatorError as e:
            return t("err." + e.args[0])

    # ---- what the idle screen shows -------------------------------------------------------------

    def network_reason(self):
        return self._link.reason()

    def network_text(self):
        return strings.short("net.%s" % self._link.reason(), "net.no_data")

    def idle_state(self):
        """(name, signal, network reason, status line): the most urgent thing is the status."""
        reason = self._link.reason()
        owed = self._reversals.pending()
        if owed is not None:
            status = t("reversal_owed_line", owed[0], yuan(owed[1]))
            if owed[0] > 9 or owed[1] >= 1_000_000:  # it would not fit on a row of 16 columns
                status = t("reversal_owed_short", owed[0])
        elif self.receipts_owed() or self.settlement.slip_owed() is not None:
            status = t("receipt_owed_line")
        elif reason is not None:
            status = self.network_text()
        elif not self._journal.signed_on:
            status = t("not_signed_in")
        else:
            status = t("operator_batch", self.operator or "--", self._journal.batch)
        return t("product"), self._link.signal(), reason, status

    # ---- receipts and totals --------------------------------------------------------------------

    def receipt_printed(self, record):
        """The merchant's copy is on paper."""
        if record.printed or record.state not in txn.COUNTED:
            return
        try:
            apply(self._journal, self._session, record, txn.PRINT_DONE)
        except (FlashError, LogFull) as e:
            log.exception("printed", e)  # it is printed once more than needed, no harm

    def slip_printed(self, settled):
        try:
            self.settlement.slip_printed(settled)
        except (FlashError, LogFull) as e:
            log.exception("slip", e)  # as above

    def _owes_receipt(self, i):
        return self._journal.state(i) in txn.COUNTED and not self._journal.printed(i)

    def receipts_owed(self):
        return any(self._owes_receipt(i) for i in range(len(self._journal)))

    def receipts_owed_list(self):
        """Numbers (for load()) of the transactions whose receipt is not on paper, oldest first."""
        return [i for i in range(len(self._journal)) if self._owes_receipt(i)]

    def load(self, i):
        """Journal record number i, None when it cannot be read any more."""
        try:
            return self._journal.load(i)
        except (FlashError, RecordError) as e:
            log.exception("load", e)
            return None

    def last_printable(self):
        for i in range(len(self._journal) - 1, -1, -1):
            if self._journal.state(i) in txn.COUNTED:
                return self.load(i)
        return None

    def printable(self, trace):
        i = self._journal.find(trace)
        if i < 0 or self._journal.state(i) not in txn.COUNTED:
            return None
        return self.load(i)

    def totals(self):
        """((sales, amount), (voids, amount)) of the open batch, amounts in fen."""
        both = settling.totals(self._journal)
        return both[SALE], both[VOID]

    # ---- the rest -------------------------------------------------------------------------------

    def set_language(self, language):
        self.settings.set(language=language)
        strings.use(language)

    def version_text(self):
        return "Shouyin %s %s" % (VERSION, self.board)
