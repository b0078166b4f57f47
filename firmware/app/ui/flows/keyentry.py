# The master key in two components: two custodians, each typing his component twice. Loaded when it
# is entered.
#
# `load` (tech.keys.KeyLoad; app.key_load() gives the one of the master key) does the key work: no
# key is in this module. What is typed is never shown, only how many digits there are.

from micropython import const

from ...text import strings
from ..screens import CANCEL, OK, Entry, Message, Progress
from . import operator
from .common import ended, out_ms, wipe

t = strings.text

_DIGITS = const(32)
_TRIES = 3
_ALL_MS = 300_000  # for one component: nobody leaves it half typed


class Component(Entry):
    """32 hex digits: 0-9, and A-F as ALPHA with 1-6. Ends with the bytearray of their ASCII."""

    secret = True
    total_ms = _ALL_MS

    def __init__(self, title, timeout_ms):
        Entry.__init__(self, title, "", _DIGITS, _DIGITS, True, t("hex_hint"), "", timeout_ms)
        self._alpha = False

    def render(self, c):
        c.clear()
        c.title(self.title)
        c.center(1, t("hex_count", self.n))
        c.center(2, t("hex_alpha") if self._alpha else "")
        c.text(0, c.rows - 1, self.error or self.hint)

    def key(self, name):
        self.error = ""
        alpha, self._alpha = self._alpha, False
        if name == "ALPHA":
            self._alpha = not alpha
        elif alpha and name in ("CLEAR", "CANCEL", "ENTER"):
            return Entry.key(self, name)
        elif alpha:
            if name in ("1", "2", "3", "4", "5", "6"):
                self._add(chr(64 + int(name)))
            else:
                self.error = t("hex_alpha")
        elif name.isdigit() or name in ("CLEAR", "CANCEL", "ENTER"):
            return Entry.key(self, name)
        else:
            self.error = t("err.hex")
        return None


async def offer(app):
    """The terminal has no master key: whoever stands there may load one now."""
    text = strings.problem("key_offer")
    if await app.ui.ask(Message(t("key_entry"), text, "", out_ms(app))) == OK:
        await enter(app)


async def enter(app, load=None):
    """The check value of the key that was stored, None when none was."""
    load = load or app.key_load()
    value = None
    try:
        if await _components(app, load):
            value = await _confirm(app, load)
    finally:
        load.wipe()
    if value is None:
        await _say(app, load, "key_cancelled", "warning")
    else:
        await _say(app, load, load.kept, "ok")
    return value


async def _say(app, load, key, sound="error"):
    return await app.ui.ask(Message(t(load.title), strings.problem(key), "", out_ms(app), sound))


async def _components(app, load):
    for which in (1, 2):
        if not await _custodian(app, load, which) or not await _component(app, load, which):
            return False
        shown = Message(
            t("component", which), t("component_kcv", which, load.component_kcv(which)),
            t("press_enter"), out_ms(app),
        )  # fmt: skip
        if await app.ui.ask(shown) != OK:
            return False
    return True


async def _custodian(app, load, which):
    """A custodian identifies himself; a first password is changed before it counts."""
    title = t("custodian", which)
    error = ""
    while True:
        no = await app.ui.ask(Entry(title, t("operator_no"), 2, 2, False, "", error, out_ms(app)))
        if ended(no):
            return False
        no = bytes(no).decode()
        password = await app.ui.ask(Entry(title, t("password"), 1, 12, True, "", "", out_ms(app)))
        if ended(password):
            return False
        wrong = load.custodian(no, password)
        wipe(password)
        if wrong is None:
            return not app.operators.must_change(no) or await operator.change(app, no)
        if wrong[0] == "locked":
            await app.ui.ask(Message(title, wrong[1], "", out_ms(app), "error"))
            return False
        error = wrong[1]


async def _component(app, load, which):
    for _ in range(_TRIES):
        for title, take in (("component", load.first), ("component_again", load.second)):
            digits = await app.ui.ask(Component(t(title, which), out_ms(app)))
            if ended(digits):
                app.ui.forget()  # whoever types on must not do so in clear
                return False
            problem = take(which, digits)
            wipe(digits)
        if problem is None:
            return True
        if await _say(app, load, problem) == CANCEL:
            return False
    return False


async def _confirm(app, load):
    value = load.combined_kcv()
    if value is None:
        await _say(app, load, "key_weak")
        return None
    shown = Message(t(load.title), t(load.confirm, value), t("ok_cancel"), out_ms(app))
    if await app.ui.ask(shown) != OK:
        return None
    app.ui.show(Progress(t(load.title), t("please_wait")))
    problem = await load.keep()
    if problem is not None:
        await _say(app, load, problem)
        return None
    return value
