# The screen of a terminal that a failed self-test has locked (health.py), and the one thing that
# may still be done there: settle, when only the journal has failed.

from ..text import strings
from ..text.utf8 import wrap
from ..ui.flows.common import ended, notice, out_ms, wipe
from ..ui.screens import OK, Entry, Message

t = strings.text
_COLUMNS = 16  # of the smallest screen


def screen(app, health):
    """What happened, and whom to call."""
    phone = app.settings["service_phone"]
    call = t("call", phone)
    if health.may_settle:
        rows = "journal_damaged", "settle_with_enter"
    else:
        rows = "self_test_failed", "no_trade"
    last = call if len(wrap(call, _COLUMNS, 2)) == 1 else phone
    text = "%s\n%s\n%s" % (t(rows[0]), t(rows[1]), last)
    shown = Message(t("locked", health.code), text, "", None, "error")
    shown.calm = True  # two custodians may load a key
    return shown


async def day(app, health):
    """For ever: whoever lifts the lock ends it."""
    while True:
        answer = await app.ui.ask(screen(app, health))
        if answer == OK and health.may_settle and await _sign_on(app):
            from ..ui.flows import settle

            try:
                if await settle.settle(app):
                    health.again()
            finally:
                app.operator = None


async def _sign_on(app):
    """Whether an operator gave number and password; app.operator is then he."""
    no = await app.ui.ask(Entry(t("settle"), t("operator_no"), 2, 2, False, "", "", out_ms(app)))
    if ended(no):
        return False
    no = bytes(no).decode()
    password = await app.ui.ask(
        Entry(t("settle"), t("password"), 1, 12, True, "", "", out_ms(app))
    )
    if ended(password):
        return False
    wrong = app.check_password(no, password)
    wipe(password)
    if wrong is not None:
        await notice(app, t("settle"), wrong[1], "", out_ms(app), "error")
        return False
    app.operator = no
    return True
