# What several flows need: progress, problems, cards, PINs, a supervisor.

from ...pay.card import Card, CardError
from ...pay.types import NO_HOST
from ...text import strings
from ...text.utf8 import wrap
from ..screens import CANCEL, OK, TIMEOUT, Entry, Message, Pin, Progress, SwipeCard

t = strings.text

_SWIPES = 3  # unreadable cards before the flow gives up


def ended(result):
    """Whether a screen was left without an answer."""
    return result in (CANCEL, TIMEOUT)


def out_ms(app):
    return app.settings["operator_timeout_s"] * 1000


def progress(app, title):
    """Show that something is going on; returns the callback for the engine's stages."""
    screen = Progress(title, t("please_wait"))
    app.ui.show(screen)

    def stage(name):
        screen.text = t("stage." + name)
        app.ui.show(screen)

    return stage


async def notice(app, title, text, hint="", timeout_ms=None, sound=""):
    return await app.ui.ask(Message(title, text, hint, timeout_ms, sound))


async def pages(app, title, lines, hint=""):
    """Show `lines` on as many screens as they need, ENTER leads on: an amount of money must not be
    cut off below. Returns the last answer."""
    canvas = app.ui.canvas
    rows = canvas.rows - (2 if hint else 1)
    answer = OK
    while lines and answer == OK:
        used = [len(wrap(line, canvas.columns, rows)) for line in lines[:rows]]
        n = len(used)
        while n > 1 and sum(used[:n]) > rows:
            n -= 1
        answer = await notice(app, title, "\n".join(lines[:n]), hint, out_ms(app))
        lines = lines[n:]
    return answer


async def problem(app, title, key):
    """A screen that says what happened and what to do; waits for a key."""
    return await app.ui.ask(Message(title, strings.problem(key), "", out_ms(app), "error"))


async def refused(app, title, result):
    """Why a request was not done: the host's answer or our own reason."""
    if result.why == NO_HOST and app.network_reason():
        text = app.network_text() + "\n" + strings.problem("no_host_yet")
        await notice(app, title, text, "", out_ms(app), "error")
    elif result.why and not result.code:
        await problem(app, title, result.why)
    else:
        text = "[%s] %s" % (result.code, strings.response(result.code))
        await notice(app, title, text, "", out_ms(app), "error")


async def read_card(app, title, amount, swipe=None):
    """A Card, or None when the cashier gave up. `swipe`: one that was made already."""
    error = ""
    for _ in range(_SWIPES):
        if swipe is None:
            app.card_reader.flush()
            screen = SwipeCard(title, amount, error, out_ms(app), app.test_card())
            swipe = await app.ui.ask(screen)
            if ended(swipe):
                return None
        try:
            if swipe.reason != "good":
                raise CardError(swipe.reason)
            return Card(swipe.track2, swipe.track3)
        except CardError as e:
            swipe.wipe()
            swipe = None
            error = strings.problem("card." + e.args[0])
    await notice(app, title, error, "", out_ms(app))
    return None


async def read_pin(app, amount, card):
    """(True, PIN as bytearray or None for no PIN), or (False, None) when it was cancelled."""
    pin = await app.ui.ask(Pin(amount, card.masked(), out_ms(app)))
    if pin == TIMEOUT:
        # The customer may be typing still: no digit of a PIN may reach the next screen, where it
        # would stand in clear, as an amount.
        app.ui.forget()
        await problem(app, t("enter_pin"), "pin_timeout")
        app.ui.forget()
    if ended(pin):
        return False, None
    return True, pin if len(pin) else None


def wipe(buf):
    if buf is not None:
        for i in range(len(buf)):
            buf[i] = 0


async def supervisor(app):
    """True when a supervisor gave his password."""
    error = ""
    while True:
        no = await app.ui.ask(
            Entry(t("supervisor"), t("operator_no"), 2, 2, False, "", error, out_ms(app), "00")
        )
        if ended(no):
            return False
        no = bytes(no).decode()
        password = await app.ui.ask(
            Entry(t("supervisor"), t("password"), 1, 12, True, app.login_hint(), "", out_ms(app))
        )
        if ended(password):
            return False
        error = app.check_password(no, password, ("supervisor",))
        wipe(password)
        if error is None:
            return True
        if error[0] == "locked":
            await notice(app, t("supervisor"), error[1], "", out_ms(app))
            return False
        error = error[1]
