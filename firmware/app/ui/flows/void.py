# Void 消费撤销: a supervisor, the voucher number of the sale, its card, host, receipt.

from ...pay.types import Refused
from ...text import strings
from ...text.money import yuan
from ..screens import OK, Entry, Message
from .common import (
    ended,
    out_ms,
    problem,
    progress,
    read_card,
    read_pin,
    refused,
    supervisor,
    wipe,
)
from .sale import show

t = strings.text


async def void(app):
    title = t("void")
    if app.too_weak():
        await problem(app, title, "battery")
        return
    if not await supervisor(app):
        return
    no = await app.ui.ask(Entry(title, t("enter_voucher"), 1, 6, False, "", "", out_ms(app)))
    if ended(no):
        return
    try:
        original = app.engine.find_voidable(int(bytes(no)))
    except Refused as e:
        await refused(app, title, e.args[0])
        return
    text = "%06d\nRMB %s" % (original.trace, yuan(original.amount))
    if await app.ui.ask(Message(t("confirm_void"), text, t("ok_cancel"), out_ms(app))) != OK:
        return
    card = pin = None
    if app.settings["void_card"]:
        card = await read_card(app, title, original.amount)
        if card is None:
            return
    try:
        if card is not None and app.settings["void_pin"]:
            given, pin = await read_pin(app, original.amount, card)
            if not given:
                return
        result = await app.engine.void(original, card, pin, app.operator, progress(app, title))
    finally:
        if card is not None:
            card.wipe()
        wipe(pin)
    if result.approved:
        app.note("void", "%06d" % original.trace)
    await show(app, title, result)
