# Printing: nothing is called printed before the printer said so, and what is owed stays owed.

from ...text import strings
from .. import receipt
from ..screens import OK, Message, Progress
from .common import ended, out_ms, pages, problem

t = strings.text


async def document(app, title, lines):
    """Print until it is on paper (True) or the cashier cancels (False)."""
    while True:
        app.ui.show(Progress(title, t("printing")))
        result = await app.printer.print(lines)
        if result.status == "ok":
            return True
        answer = await app.ui.ask(
            Message(title, strings.problem("print." + result.reason), sound="warning")
        )
        if answer != OK:
            return False
        # What came out before the fault is no receipt: the whole document is printed again and
        # says so.
        again = ("****重打印/DUPLICATED****", "cb")
        if again not in lines:
            lines = lines[:-1] + [again] + lines[-1:]


async def receipts(app, txn, again=False):
    """The copies of a transaction's receipt. True when the merchant's copy is on paper."""
    title = t("print")
    if not await document(
        app, title, receipt.transaction(txn, app.settings, receipt.MERCHANT, again)
    ):
        return False
    app.receipt_printed(txn)
    for copy in (receipt.CARDHOLDER, receipt.BANK)[: app.settings["receipt_copies"] - 1]:
        # Tear off the first copy before the second comes: without an answer it comes by itself.
        hint = Message(title, t("tear_first"), "", 5000)
        if await app.ui.ask(hint) == "cancel":
            return True
        if not await document(app, title, receipt.transaction(txn, app.settings, copy, again)):
            return True
    return True


async def owed(app):
    """After the login: receipts that a power cut or an empty printer left behind."""
    if app.receipts_owed():
        answer = await app.ui.ask(
            Message(t("print"), strings.problem("receipts_owed"), "", out_ms(app))
        )
        if answer == OK:
            # Each once: a mark that cannot be written must not print a receipt for ever.
            for i in app.receipts_owed_list():
                txn = app.load(i)
                if txn is not None and not await receipts(app, txn, True):
                    break
    slip = app.settlement.slip_owed()
    if slip is not None:
        await settlement_slip(app, slip, True)


async def settlement_slip(app, settled, again=False):
    from .. import lists

    found = app.settlement.explanation(settled)
    lines = lists.settlement(settled, app.settings, found, again)
    if await document(app, t("print"), lines) and not settled.printed:
        app.slip_printed(settled)


async def reprint_last(app):
    txn = app.last_printable()
    if txn is None:
        await problem(app, t("print"), "print.nothing")
    else:
        await receipts(app, txn, True)


async def reprint_any(app):
    from ..screens import Entry

    no = await app.ui.ask(
        Entry(t("reprint_any"), t("enter_voucher"), 1, 6, False, "", "", out_ms(app))
    )
    if ended(no):
        return
    txn = app.printable(int(bytes(no)))
    if txn is None:
        await problem(app, t("print"), "not_found")
    else:
        await receipts(app, txn, True)


async def reprint_settlement(app):
    settled = app.settlement.last()
    # One that is under way has no slip yet: what it says may not come true.
    if settled is None or not settled.closed:
        await problem(app, t("print"), "print.nothing")
    else:
        await settlement_slip(app, settled, True)


async def totals(app):
    """The batch so far, on the screen."""
    await pages(app, t("totals"), totals_lines(app))


def totals_lines(app):
    """Sales and voids, count and amount."""
    sale, void = app.totals()
    return [
        "%s %d %s" % (t("sale"), sale[0], app.yuan(sale[1])),
        "%s %d %s" % (t("void"), void[0], app.yuan(void[1])),
    ]
