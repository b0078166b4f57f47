# A cashier's desk for tests of the flows: the real screens, and stand-ins for the services behind
# them.

# The largest first, while the heap is in one piece.
import asyncio

import framebuf
import wires

from app.kernel.mailbox import Queue
from app.pay.types import NOT_FOUND, SALE, Refused, Result
from app.store.records import Txn
from app.text import strings
from app.text.font import Font
from app.text.money import yuan
from app.ui.canvas import Canvas
from app.ui.flows import main  # noqa: F401, I001
from app.ui.manager import UI

_font = Font(wires.ASSETS + "/font16.bin")

SETTINGS = {
    "operator_timeout_s": 60, "amount_max": 5_000_000, "receipt_copies": 1, "receipt_code": "",
    "void_card": True,
    "void_pin": True, "receipt_title": "", "merchant_name": "shop", "merchant_name_en": "",
    "mid": "302440380621100", "tid": "58402001", "header": "603100310001", "fault_slip": 1,
}  # fmt: skip


class Glass:
    width, height = 128, 64
    paper, ink = 0, 1

    def __init__(self):
        self.buffer = bytearray(1024)
        self.fb = framebuf.FrameBuffer(self.buffer, 128, 64, framebuf.MONO_VLSB)

    def glyph(self, x, y, bits, at, width, inverse):
        if x + width > self.width or y + 16 > self.height:
            return False
        glyph = framebuf.FrameBuffer(
            bytearray(bits[at : at + width * 2]), width, 16, framebuf.MONO_HLSB
        )
        swap = framebuf.FrameBuffer(bytearray(b"\x80"), 2, 1, framebuf.MONO_HLSB)
        self.fb.blit(glyph, x, y, -1, swap) if inverse else self.fb.blit(glyph, x, y)
        return True

    def show(self):
        pass


class Heart:
    def beat(self):
        pass


class Swipe:
    """A swipe of the test card. It knows whether it was wiped."""

    reason = "good"
    track3 = None

    def __init__(self):
        self.track2 = bytearray(b"6225000000000014=30121010000000000")

    def wipe(self):
        for i in range(len(self.track2)):
            self.track2[i] = 0


class Reader:
    def flush(self):
        pass


class Printer:
    """Ends its jobs as `faults` says (None: on paper), one after the other, then all well."""

    def __init__(self):
        self.faults = []
        self.printed = []  # lines of what came out whole

    async def print(self, lines):
        reason = self.faults.pop(0) if self.faults else None
        if reason is None:
            self.printed.append(lines)
        return type("Job", (), {"status": "ok" if reason is None else "fault", "reason": reason})


class Engine:
    """Answers what the test wants, and keeps what it was asked."""

    def __init__(self):
        self.asked = []
        self.result = Result(approved=True)
        self.sale_to_void = None

    async def echo(self, stage):
        self.asked.append("echo")
        stage("connecting")
        return self.result

    async def sign_in(self, no, stage):
        self.asked.append("sign in")
        return self.result

    async def sale(self, amount, card, pin, no, stage):
        self.asked.append(("sale", amount, bytes(pin) if pin else None))
        return self.result

    def find_voidable(self, trace):
        if self.sale_to_void is None or self.sale_to_void.trace != trace:
            raise Refused(Result(why=NOT_FOUND))
        return self.sale_to_void

    async def void(self, original, card, pin, no, stage):
        self.asked.append(("void", original.trace))
        return self.result


class Operators:
    def __init__(self):
        self.first_password = False

    def must_change(self, no):
        return self.first_password


class Settlement:
    def __init__(self):
        self.settled = None
        self.refusal = None
        self.open = False

    async def run(self, no, stage):
        if self.refusal is not None:
            raise Refused(self.refusal)
        self.open = False
        return self.settled

    def explanation(self, settled):
        return [(42, SALE, 1234, 5)] if not settled.balanced else []

    def last(self):
        return self.settled

    def unfinished(self):
        return self.open

    def slip_owed(self):
        return None


class Settled:
    """What a flow sees of pay.settlement.Settled (which would bring half the terminal along)."""

    printed = forced = False
    closed = True
    operator = "01"
    rows = ()
    when = (2026, 11, 23, 20, 0, 0)
    batch, trace = 1, 9
    own, host = (12345, 3, 800, 1), (11111, 2, 0, 0)

    def __init__(self, balanced):
        self.balanced = balanced
        self.verdict = 1 if balanced else 2


class Saf:
    operator = "01"
    owed = held = False

    def __init__(self):
        self.result = Result(approved=True)

    def hold(self, on):
        self.held = on

    async def upload_now(self, no, stage):
        stage("uploading")
        return self.result


class Owed:
    interrupted = 0
    unreadable = 0


class App:
    """What the flows see of app.services.App."""

    training = None

    def too_weak(self):
        return False

    def login_hint(self):
        return ""

    def test_card(self):
        return None

    yuan = staticmethod(yuan)

    def __init__(self):
        self.ui = UI(Glass(), Canvas(Glass(), _font), Queue(16), Heart())
        self.settings = dict(SETTINGS)
        self.engine = Engine()
        self.printer = Printer()
        self.card_reader = Reader()
        self.operators = Operators()
        self.settlement = Settlement()
        self.saf = Saf()
        self.operator = "01"
        self.owed = Owed()
        self.net = None
        self.wrong = []  # answers to passwords, one after the other; then they are right
        self.changed = []
        self.slips = 0
        self.transaction = None
        self.journal = []  # records for lists
        self.closed = []
        self.close_fails = None
        self.full_soon = False
        self.overridden = []
        self.override_result = (True, None)
        self.noted = []  # for the audit log

    def check_password(self, no, password, roles=None):
        return self.wrong.pop(0) if self.wrong else None

    def lacks_master_key(self):
        return False

    def note(self, event, detail="", who=None):
        self.noted.append((event, detail))

    def change_password(self, no, password):
        self.changed.append((no, bytes(password)))
        return None

    def network_reason(self):
        return self.net

    def network_text(self):
        return strings.text("net." + self.net)

    def idle_state(self):
        return "shop", 4, None, "status"

    def totals(self):
        return (3, 12345), (1, 800)

    async def totals_rows(self):
        return [(0, "1", 3, 12345), (1, "CUP", 3, 12345), (2, "01", 3, 12345), (3, "9", 1, 800)]

    def states(self):
        return [(2, 3, 12345), (4, 1, 100), (6, 2, 300), (9, 1, 800)]

    def batch(self):
        return 1

    def owes(self):
        return self.saf.owed

    def records(self, states=None):
        return iter(self.journal)

    def problem_records(self, given_up=False):
        return iter([r for r in self.journal if r.state in (4, 6, 7, 9, 13)])

    def close_batch(self, settled):
        if self.close_fails is None:
            self.closed.append(settled)
        return self.close_fails

    async def override(self, why):
        assert self.saf.held  # or what is on the report might be sent meanwhile
        self.overridden.append(why)
        return self.override_result

    def nearly_full(self):
        return self.full_soon

    def fault_slip_due(self):
        return True

    def version_text(self):
        return "Shouyin 1 board"

    def receipts_owed(self):
        return False

    def receipt_printed(self, txn):
        txn.printed = True

    def slip_printed(self, settled):
        settled.printed = True
        self.slips += 1

    def last_printable(self):
        return self.transaction

    def printable(self, trace):
        return self.transaction


def transaction(kind=SALE):
    t = Txn(kind, 1234)
    t.batch, t.trace, t.pan_masked = 1, 42, "622500******0014"
    return t


def key_or_card(item):
    return ("card", item) if isinstance(item, Swipe) else ("key", item)


async def play(app, flow, *steps):
    """Runs a flow. A step: the text that must be on the glass, then the keys (names, or a Swipe).
    AssertionError when it does not come, or when the flow has not ended after the last step."""
    task = asyncio.create_task(flow)
    for step in steps:
        for _ in range(40):
            await asyncio.sleep_ms(5)
            shown = "".join(app.ui.visible()).replace(" ", "")
            if step[0].replace(" ", "") in shown and app.ui._asking:
                break
        else:
            task.cancel()
            raise AssertionError("no %r in %r" % (step[0], app.ui.visible()))
        for k in step[1:]:
            app.ui.inputs.put(key_or_card(k))
    return await asyncio.wait_for_ms(task, 10_000)


def typed(prompt, digits):
    """The step that types digits at a prompt."""
    return (prompt,) + tuple(digits) + ("ENTER",)


def problem(key):
    """The beginning of a problem's text: the rest may be on another row."""
    return strings.problem(key)[:6]
