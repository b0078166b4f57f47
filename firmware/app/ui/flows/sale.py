# Sale 消费: amount, card, PIN, host, receipt.

from ...pay.types import CANCELLED, OFFLINE, REVERSAL_OWED, UNKNOWN_RESULT, VOID
from ...text import strings
from ...text.money import yuan
from ..screens import Amount, Message
from . import printing
from .common import ended, out_ms, problem, progress, read_card, read_pin, refused, wipe

t = strings.text
_RESULT_MS = 3000


async def sale(app, first="", swipe=None):
    """`first`: digits typed on the idle screen; `swipe`: a card that was swiped there."""
    title = t("sale")
    if app.too_weak():
        if swipe is not None:
            swipe.wipe()
        await problem(app, title, "battery")
        return
    amount = await app.ui.ask(Amount(title, app.settings["amount_max"], first, out_ms(app)))
    if ended(amount):
        if swipe is not None:
            swipe.wipe()
        return
    card = await read_card(app, title, amount, swipe)
    if card is None:
        return
    pin = None
    try:
        given, pin = await read_pin(app, amount, card)
        if not given:
            return
        result = await app.engine.sale(amount, card, pin, app.operator, progress(app, title))
    finally:
        card.wipe()
        wipe(pin)
    await show(app, title, result)


async def show(app, title, result):
    """The result on the screen, and the receipt of an approval."""
    if not result.approved:
        if result.why == UNKNOWN_RESULT:
            void = result.txn is not None and result.txn.kind == VOID
            await problem(app, title, "unknown_void" if void else UNKNOWN_RESULT)
        else:
            await refused(app, title, result)
        if result.why == REVERSAL_OWED and app.fault_slip_due():
            from . import lists

            await lists.fault_slip(app)
        return
    amount = "RMB " + yuan(result.txn.amount)
    word = "approved"
    if result.txn.state == CANCELLED:
        word = "cancelled"
    elif result.txn.kind == OFFLINE:
        word = "approved_offline"
    await app.ui.ask(Message(title, t(word) + "\n" + amount, "", _RESULT_MS, "ok"))
    await printing.receipts(app, result.txn)
    if app.nearly_full():
        await app.ui.ask(Message(title, strings.problem("nearly_full"), "", _RESULT_MS))
