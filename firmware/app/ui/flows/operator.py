# The operator: login, forced change of a first password.

from ...text import strings
from ..screens import Entry
from .common import ended, notice, out_ms, wipe

t = strings.text
_MIN, _MAX = 6, 12


async def login(app):
    """Returns when an operator has signed on: app.operator is his number."""
    error = ""
    while True:
        hint = app.login_hint()
        screen = Entry(t("login"), t("operator_no"), 2, 2, False, hint, error)
        screen.calm = True
        no = await app.ui.ask(screen)
        if ended(no):
            error = ""
            continue
        no = bytes(no).decode()
        title = "%s %s" % (t("login"), no)
        password = await app.ui.ask(
            Entry(title, t("password"), 1, _MAX, True, hint, "", out_ms(app))
        )
        if ended(password):
            error = ""
            continue
        wrong = app.check_password(no, password)
        wipe(password)
        if wrong is not None:
            error = wrong[1]
            continue
        if app.operators.must_change(no) and not await change(app, no):
            error = ""
            continue
        app.operator = no
        return


async def change(app, no):
    """A new password, typed twice. False when it was cancelled."""
    error = ""
    while True:
        title = t("change_password")
        first = await app.ui.ask(
            Entry(title, t("new_password"), _MIN, _MAX, True, "", error, out_ms(app))
        )
        if ended(first):
            return False
        second = await app.ui.ask(
            Entry(title, t("repeat_password"), _MIN, _MAX, True, "", "", out_ms(app))
        )
        if ended(second):
            wipe(first)
            return False
        same = first == second
        wrong = app.change_password(no, first) if same else None
        wipe(first)
        wipe(second)
        if not same:
            error = t("err.differ")
        elif wrong is not None:
            error = wrong
        else:
            await notice(app, title, "OK", "", 1500)
            return True
