# The screens: data, a pure render(canvas), and what a key does. No screen knows a service.
#
# key(name) and event(kind, value) return None to stay, anything else to end with that result.

from ..kernel import clock
from ..text import strings
from ..text.money import yuan

CANCEL = "cancel"
TIMEOUT = "timeout"
OK = "ok"

t = strings.text

_PIN_KEY_MS = 30_000
_SAY_TICKS = 4  # how long the last row says that a key has no use here


class Screen:
    """timeout_ms: without a key for so long it ends with TIMEOUT; None: never. total_ms: so long
    after it began, whatever is pressed. tick() is called twice a second and says whether to draw
    again. `sound`: what the buzzer plays when the screen comes up (drivers.signal), "" for
    nothing; `secret`: a PIN is typed, keys must seem alike; `calm`: nobody is in the middle of
    something, UI.borrow() may put a flow in between."""

    timeout_ms = None
    total_ms = None
    sound = ""
    secret = False
    calm = False
    said = ""
    _left = 0

    def render(self, c):
        raise NotImplementedError

    def key(self, name):
        return None

    def event(self, kind, value):
        return None

    def touch(self, row, column, rows, columns):
        """A finger was lifted from a cell of the glass. On every screen the title leads back, the
        last row confirms on its left half and goes back on its right."""
        if row == 0:
            return self.key("CANCEL")
        if row == rows - 1:
            return self.key("ENTER" if column < columns // 2 else "CANCEL")
        return self.touch_row(row)

    def touch_row(self, row):
        return None

    def tick(self):
        if self._left:
            self._left -= 1
            if not self._left:
                self.said = ""
                return True
        return False

    def say(self, text):
        """Have the last row say for a while what to press instead."""
        self.said = text
        self._left = _SAY_TICKS

    def render_said(self, c):
        if self.said:
            c.over(c.rows - 1, self.said)


class Message(Screen):
    """A title and a text. Ends with ENTER (OK) or CANCEL; after timeout_ms with TIMEOUT."""

    def __init__(self, title, text, hint="", timeout_ms=None, sound=""):
        self.sound = sound
        self.title = title
        self.text = text
        self.hint = hint
        self.timeout_ms = timeout_ms

    def render(self, c):
        c.clear()
        c.title(self.title)
        c.paragraph(1, self.text, c.rows - (2 if self.hint else 1))
        if self.hint:
            c.center(c.rows - 1, self.hint)
        self.render_said(c)

    def key(self, name):
        if name == "ENTER":
            return OK
        if name == "CANCEL":
            return CANCEL
        self.say(t("key.enter_cancel"))
        return None


class Progress(Screen):
    """Something is going on: a line of text and moving dots."""

    def __init__(self, title, text, below=""):
        self.title = title
        self.text = text
        self.below = below
        self._dots = 0

    def render(self, c):
        c.clear()
        c.title(self.title)
        c.center(1, self.text)
        c.center(2, self.below)
        c.text(4, c.rows - 1, "." * (self._dots + 1))

    def tick(self):
        self._dots = (self._dots + 1) % 8
        return True


class Menu(Screen):
    """`items`: [(result, label)]; chosen by number, or with UP, DOWN and ENTER."""

    def __init__(self, title, items, timeout_ms=60_000):
        self.title = title
        self.items = items
        self.timeout_ms = timeout_ms
        self._at = 0
        self._first = 0  # index of the item in row 1

    def render(self, c):
        c.clear()
        c.title(self.title)
        shown = c.rows - 1
        first = self._first = self._at // shown * shown
        for row, (_, label) in enumerate(self.items[first : first + shown]):
            i = first + row
            c.text(0, row + 1, "%d %s" % (i + 1, label), i == self._at)
        if len(self.items) > shown:
            c.text(c.columns - 1, 1 if first else c.rows - 1, "^" if first else "v")
        self.render_said(c)

    def key(self, name):
        self.said = ""
        if name == "CANCEL":
            return CANCEL
        if name == "ENTER":
            return self.items[self._at][0]
        if name in ("UP", "DOWN"):
            self._at = (self._at + (1 if name == "DOWN" else -1)) % len(self.items)
        elif name.isdigit() and 1 <= int(name) <= len(self.items):
            return self.items[int(name) - 1][0]
        else:
            self.say(t("key.choose", len(self.items)))
        return None

    def touch(self, row, column, rows, columns):
        if row == 0:
            return CANCEL
        i = self._first + row - 1
        return self.items[i][0] if i < len(self.items) else None


class Entry(Screen):
    """Digits into a bytearray (so that a password can be wiped). `hidden`: stars are shown. Ends
    with the bytearray, which is then the caller's; CANCEL and TIMEOUT wipe it."""

    def __init__(
        self,
        title,
        prompt,
        least,
        most,
        hidden=False,
        hint="",
        error="",
        timeout_ms=60_000,
        first="",
    ):
        self.title = title
        self.prompt = prompt
        self.least = least
        self.most = most
        self.hidden = hidden
        self.hint = hint
        self.error = error
        self.timeout_ms = timeout_ms
        self.buf = bytearray(most)
        self.n = 0
        for ch in first:
            self._add(ch)

    def _add(self, digits):
        for d in digits:
            if self.n < self.most:
                self.buf[self.n] = ord(d)
                self.n += 1

    def _shown(self):
        return "*" * self.n if self.hidden else bytes(self.buf[: self.n]).decode()

    def render(self, c):
        c.clear()
        c.title(self.title)
        c.text(0, 1, self.prompt)
        c.right(2, self._shown() + "_")
        c.text(0, c.rows - 1, self.error or self.hint)

    def key(self, name):
        self.error = ""
        if name.isdigit():
            self._add(name)
        elif name == "CLEAR":
            if self.n:
                self.n -= 1
                self.buf[self.n] = 0
        elif name == "CANCEL":
            self.wipe()
            return CANCEL
        elif name == "ENTER":
            return self.enter()
        else:
            self.error = t("key.digits")
        return None

    def enter(self):
        if self.n < self.least:
            self.error = t("err.short")
            return None
        out = self.buf[: self.n]
        self.wipe()
        return out

    def wipe(self):
        for i in range(len(self.buf)):
            self.buf[i] = 0
        self.n = 0


class Amount(Screen):
    """An amount in fen, typed from the right: 1 2 3 4 is 12.34. Ends with the integer."""

    def __init__(self, title, amount_max, first="", timeout_ms=60_000):
        self.title = title
        self.amount_max = amount_max
        self.timeout_ms = timeout_ms
        self.value = int(first) if first else 0
        self.error = ""

    def render(self, c):
        c.clear()
        c.title(self.title)
        c.text(0, 1, t("enter_amount"))
        c.right(2, yuan(self.value))
        c.text(0, c.rows - 1, self.error or t("ok_cancel"))

    def key(self, name):
        self.error = ""
        if name.isdigit():
            value = self.value * 10 ** len(name) + int(name)
            if value > self.amount_max:
                self.error = t("err.amount_max")
            else:
                self.value = value
        elif name == "CLEAR":
            self.value //= 10
        elif name == "CANCEL":
            return CANCEL
        elif name == "ENTER":
            if self.value:
                return self.value
            self.error = t("err.amount_zero")
        else:
            self.error = t("key.digits")
        return None


class SwipeCard(Screen):
    """Waits for a card. Ends with the Swipe. `card`: a callable that gives a swipe when F1 or MENU
    is pressed, where there is one."""

    def __init__(self, title, amount, error="", timeout_ms=60_000, card=None):
        self._card = card
        self.title = title
        self.amount = amount
        self.error = error
        self.timeout_ms = timeout_ms

    def render(self, c):
        c.clear()
        c.title(self.title)
        c.center(1, "RMB " + yuan(self.amount))
        if self.error:
            c.paragraph(2, self.error, c.rows - (2 if self._card is None else 3))
        else:
            c.center(2, t("swipe_card"))
        if self._card is not None:
            c.center(c.rows - 1, t("training_card"))
        self.render_said(c)

    def key(self, name):
        if name == "CANCEL":
            return CANCEL
        if self._card is not None and name in ("F1", "MENU"):
            return self._card()
        self.say(t("key.swipe"))
        return None

    def event(self, kind, value):
        return value if kind == "card" else None


class Pin(Entry):
    """The cardholder's PIN. Shows amount and card so that he knows what he confirms; every digit
    is a star. ENTER with nothing typed ends with an empty bytearray: no PIN. At most 30 s between
    two keys and 60 s in all: a half-typed PIN does not wait for the next customer."""

    secret = True
    total_ms = 60_000

    def __init__(self, amount, card, timeout_ms=_PIN_KEY_MS):
        timeout_ms = min(timeout_ms, _PIN_KEY_MS)
        Entry.__init__(self, t("enter_pin"), "", 4, 12, True, t("no_pin_hint"), "", timeout_ms)
        self.amount = amount
        self.card = card

    def touch(self, row, column, rows, columns):
        # A finger that slips must not confirm: ENTER with nothing typed means no PIN.
        return self.key("CANCEL") if row == 0 else None

    def render(self, c):
        c.clear()
        c.title(self.title)
        c.text(0, 1, "RMB " + yuan(self.amount))
        c.right(2, "*" * self.n + "_")
        c.text(0, c.rows - 1, self.error or (self.hint if not self.n else self.card))

    def enter(self):
        if 0 < self.n < self.least:
            self.error = t("err.pin_length")
            return None
        out = self.buf[: self.n]
        self.wipe()
        return out


class Idle(Screen):
    """What the shop sees between customers. `state()` gives (name, signal, network reason, status
    line); `keys`: the names that lead somewhere."""

    calm = True

    def __init__(self, state, keys):
        self._state = state
        self._keys = keys
        self._shown = None

    def _facts(self):
        return self._state(), clock.now()[:5]

    def render(self, c):
        self._shown = self._facts()
        (name, signal, reason, status), when = self._shown
        c.clear()
        c.text(0, 0, name)
        c.bars(None if reason else signal or 0)
        c.center(1, "%04d-%02d-%02d %02d:%02d" % when)
        c.center(2, t("swipe_or_amount"))
        c.center(3, status)
        self.render_said(c)

    def tick(self):
        # A repaint costs ten times as much as a look at what would be painted.
        return Screen.tick(self) or self._facts() != self._shown

    def key(self, name):
        if name in self._keys:
            return ("key", name)
        self.say(t("key.idle"))
        return None

    def touch(self, row, column, rows, columns):
        return self.key("MENU")

    def event(self, kind, value):
        return (kind, value)
