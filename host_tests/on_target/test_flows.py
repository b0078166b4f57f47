# Flows: what the cashier sees and what is done when he goes the less trodden ways. The services
# behind the screens are stand-ins here; the whole terminal is played end to end.

import asyncio

import framebuf

from app.kernel.mailbox import Queue
from app.pay.settlement import BALANCED, UNBALANCED, Settled
from app.pay.types import NO_HOST, NOT_FOUND, SALE, VOID, Refused, Result
from app.store.records import Txn
from app.text import strings
from app.text.font import Font
from app.text.money import yuan
from app.ui.canvas import Canvas
from app.ui.flows import main as flows
from app.ui.flows import operator, printing, sale, settle, void
from app.ui.manager import UI

_font = Font(__file__.rsplit("/", 1)[0] + "/../../firmware/assets/font16.bin")

SETTINGS = {
    "operator_timeout_s": 60, "amount_max": 5_000_000, "receipt_copies": 1, "void_card": True,
    "void_pin": True, "receipt_title": "", "merchant_name": "shop", "merchant_name_en": "",
    "mid": "302440380621100", "tid": "58402001", "header": "603100310001",
}  # fmt: skip


class Glass:
    width, height = 128, 64

    def __init__(self):
        self.fb = framebuf.FrameBuffer(bytearray(1024), 128, 64, framebuf.MONO_VLSB)

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

    def last(self):
        return self.settled

    def unfinished(self):
        return self.open

    def slip_owed(self):
        return None


class Owed:
    interrupted = 0
    unreadable = 0


class App:
    """What the flows see of app.services.App."""

    yuan = staticmethod(yuan)

    def __init__(self):
        self.ui = UI(Glass(), Canvas(Glass(), _font), Queue(16), Heart())
        self.settings = dict(SETTINGS)
        self.engine = Engine()
        self.printer = Printer()
        self.card_reader = Reader()
        self.operators = Operators()
        self.settlement = Settlement()
        self.operator = "01"
        self.owed = Owed()
        self.net = None
        self.wrong = []  # answers to passwords, one after the other; then they are right
        self.changed = []
        self.slips = 0
        self.transaction = None

    def check_password(self, no, password, roles=None):
        return self.wrong.pop(0) if self.wrong else None

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


def settlement(verdict):
    s = Settled()
    s.batch, s.trace, s.verdict = 1, 9, verdict
    s.own, s.host = (12345, 3, 800, 1), (11111, 2, 0, 0)
    return s


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


t = strings.text


def typed(prompt, digits):
    """The step that types digits at a prompt."""
    return (prompt,) + tuple(digits) + ("ENTER",)


def problem(key):
    """The beginning of a problem's text: the rest may be on another row."""
    return strings.problem(key)[:6]


# ---- menus --------------------------------------------------------------------------------------


async def test_the_menus_lead_where_they_say():
    app = App()
    manage = (t("menu"), "5")
    await play(app, flows.main_menu(app), manage, (t("manage"), "2"), (t("echo_ok"), "ENTER"))
    assert app.engine.asked == ["echo"]
    await play(app, flows.main_menu(app), manage, (t("manage"), "3"), ("123.45", "ENTER"))
    await play(app, flows.main_menu(app), manage, (t("manage"), "6"), ("Shouyin 1", "ENTER"))
    assert app.operator == "01"
    await play(app, flows.main_menu(app), manage, (t("manage"), "5"))
    assert app.operator is None
    await play(app, flows.main_menu(app), (t("menu"), "CANCEL"))
    app.settlement.settled = settlement(BALANCED)
    await play(app, flows.main_menu(app), (t("menu"), "4"), (t("reprint_any"), "3"))
    assert len(app.printer.printed) == 1 and app.slips == 1


async def test_an_echo_test_without_network_says_so():
    app = App()
    app.engine.result = Result(why=NO_HOST)
    await play(app, flows.echo(app), (problem("no_host"), "ENTER"))
    app.net = "no_sim"
    await play(app, flows.echo(app), (t("net.no_sim"), "ENTER"))


async def test_what_a_power_cut_left_is_said_and_settled_before_the_first_sale():
    app = App()
    app.owed.interrupted = 1
    app.settlement.open = True
    app.settlement.settled = settlement(BALANCED)
    day = asyncio.create_task(
        play(
            app,
            flows.day(app),
            (t("operator_no"), "0", "1", "ENTER"),
            (t("password"), "1", "ENTER"),
            (problem("interrupted"), "ENTER"),
            (problem("settle_first"), "ENTER"),
            (t("confirm_settle"), "ENTER"),
            (t("balanced"), "ENTER"),
            (t("operator_no"),),
        )
    )
    await asyncio.sleep_ms(2000)
    assert not app.settlement.open and app.operator is None  # a new day: log in again
    day.cancel()


# ---- operators ----------------------------------------------------------------------------------


async def test_a_login_that_was_left_begins_again_without_its_error():
    app = App()
    app.operator = None
    app.wrong = [("wrong", "4 tries left")]
    await play(
        app,
        operator.login(app),
        (t("operator_no"), "0", "1", "ENTER"),
        (t("password"), "9", "ENTER"),
        ("4 tries left", "CANCEL"),
        (t("operator_no"), "0", "2", "ENTER"),
        (t("password"), "CANCEL"),
        (t("operator_no"), "0", "3", "ENTER"),
        (t("password"), "1", "ENTER"),
    )
    assert app.operator == "03"


async def test_a_first_password_is_changed_or_there_is_no_login():
    app = App()
    app.operator = None
    app.operators.first_password = True
    begin = ((t("operator_no"), "0", "1", "ENTER"), (t("password"), "1", "ENTER"))
    new = typed(t("new_password"), "246813")
    await play(
        app,
        operator.login(app),
        *begin,
        (t("new_password"), "CANCEL"),
        *begin,
        new,
        (t("repeat_password"), "CANCEL"),
        *begin,
        new,
        typed(t("repeat_password"), "246814"),
        typed(t("err.differ"), "246813"),
        typed(t("repeat_password"), "246813"),
        ("OK", "ENTER"),
    )
    assert app.changed == [("01", b"246813")] and app.operator == "01"


# ---- void ---------------------------------------------------------------------------------------

SUPERVISOR = ((t("operator_no"), "0", "0", "ENTER"), (t("password"), "1", "ENTER"))
VOUCHER = (t("enter_voucher"), "4", "2", "ENTER")


async def test_a_void_can_be_left_at_every_screen_and_nothing_is_sent():
    app = App()
    app.engine.sale_to_void = transaction()
    whole = SUPERVISOR + (VOUCHER, (t("confirm_void"), "ENTER"))
    for n in range(len(whole)):
        await play(app, void.void(app), *(whole[:n] + ((whole[n][0], "CANCEL"),)))
    await play(app, void.void(app), *(whole + ((t("swipe_card"), "CANCEL"),)))
    swipe = Swipe()
    steps = whole + ((t("swipe_card"), swipe), (t("enter_pin"), "1", "CANCEL"))
    await play(app, void.void(app), *steps)
    assert not any(swipe.track2), "the card is still there"
    assert app.engine.asked == []
    steps = whole + ((t("swipe_card"), Swipe()), (t("enter_pin"), "ENTER"))
    app.engine.result = Result(code="25")
    await play(app, void.void(app), *(steps + (("[25]", "ENTER"),)))
    assert app.engine.asked == [("void", 42)]


async def test_a_void_without_the_card_where_the_settings_say_so():
    app = App()
    app.settings["void_card"] = False
    app.engine.sale_to_void = transaction()
    app.engine.result = Result(approved=True, record=transaction(VOID))
    steps = SUPERVISOR + (VOUCHER, (t("confirm_void"), "ENTER"), (t("approved"), "ENTER"))
    await play(app, void.void(app), *steps)
    assert app.engine.asked == [("void", 42)] and len(app.printer.printed) == 1


async def test_a_void_of_nothing_and_a_supervisor_who_is_locked():
    app = App()
    await play(
        app,
        void.void(app),
        *SUPERVISOR,
        (t("enter_voucher"), "7", "ENTER"),
        (problem("not_found"), "ENTER"),
    )
    app.wrong = [("wrong", "1 try left"), ("locked", "locked for long")]
    await play(
        app,
        void.void(app),
        *SUPERVISOR,
        ("1 try left", "0", "0", "ENTER"),
        (t("password"), "1", "ENTER"),
        ("locked for long", "ENTER"),
    )
    assert app.engine.asked == []


# ---- sale ---------------------------------------------------------------------------------------


async def test_a_card_swiped_first_is_kept_for_its_amount_and_wiped_with_it():
    app = App()
    swipe = Swipe()
    await play(app, sale.sale(app, swipe=swipe), (t("enter_amount"), "CANCEL"))
    assert not any(swipe.track2)
    swipe = Swipe()
    app.engine.result = Result(code="51")
    await play(
        app,
        sale.sale(app, swipe=swipe),
        (t("enter_amount"), "7", "00", "ENTER"),
        typed(t("enter_pin"), "1234"),
        ("[51]", "ENTER"),
    )
    assert app.engine.asked == [("sale", 700, b"1234")] and not any(swipe.track2)


async def test_the_idle_screen_takes_a_card():
    app = App()
    app.operator = None
    swipe = Swipe()
    day = asyncio.create_task(
        play(
            app,
            flows.day(app),
            (t("operator_no"), "0", "1", "ENTER"),
            (t("password"), "1", "ENTER"),
            (t("swipe_or_amount"), swipe),
            (t("enter_amount"), "CANCEL"),
            (t("swipe_or_amount"),),
        )
    )
    await asyncio.sleep_ms(1000)
    assert not any(swipe.track2) and app.ui.screen.timeout_ms is None  # idle again
    day.cancel()


# ---- settlement and printing --------------------------------------------------------------------


async def test_a_settlement_is_asked_for_and_may_be_refused():
    app = App()
    assert await play(app, settle.settle(app), (t("confirm_settle"), "CANCEL")) is False
    app.settlement.refusal = Result(code="96")
    steps = ((t("confirm_settle"), "ENTER"), ("[96]", "ENTER"))
    assert await play(app, settle.settle(app), *steps) is False
    assert app.printer.printed == []


async def test_totals_that_differ_are_shown_side_by_side_and_the_batch_stays():
    app = App()
    app.settlement.settled = settlement(UNBALANCED)
    assert (
        await play(
            app,
            settle.settle(app),
            (t("confirm_settle"), "ENTER"),
            (t("own_line", 4, "115.45"), "ENTER"),
            (problem("not_balanced"), "ENTER"),
        )
        is False
    )
    assert len(app.printer.printed) == 1
    both = "".join(text for text, _ in app.printer.printed[0])
    assert "123.45" in both and "111.11" in both


async def test_what_cannot_be_reprinted():
    app = App()
    await play(app, printing.reprint_last(app), (problem("print.nothing"), "ENTER"))
    await play(app, printing.reprint_settlement(app), (problem("print.nothing"), "ENTER"))
    await play(app, printing.reprint_any(app), (t("enter_voucher"), "CANCEL"))
    await play(
        app, printing.reprint_any(app), (t("enter_voucher"), "5", "ENTER"),
        (problem("not_found"), "ENTER"),
    )  # fmt: skip
    assert app.printer.printed == []
    app.transaction = transaction()
    await play(app, printing.reprint_any(app), VOUCHER)
    assert len(app.printer.printed) == 1 and app.transaction.printed


async def test_a_document_that_broke_off_comes_out_whole_and_marked_or_not_at_all():
    app = App()
    app.printer.faults = ["paper", "cover"]
    lines = [("first", ""), ("last", "")]
    steps = ((problem("print.paper"), "ENTER"), (problem("print.cover"), "ENTER"))
    assert await play(app, printing.document(app, t("print"), lines), *steps)
    (printed,) = app.printer.printed
    assert [n[0] for n in printed] == ["first", "****重打印/DUPLICATED****", "last"]
    app.printer.faults = ["paper"]
    steps = ((problem("print.paper"), "CANCEL"),)
    assert not await play(app, printing.document(app, t("print"), lines), *steps)
    assert len(app.printer.printed) == 1
    app.settings["receipt_copies"] = 2
    app.printer.faults = [None, "heat"]
    steps = ((t("tear_first"), "ENTER"), (problem("print.heat"), "CANCEL"))
    assert await play(app, printing.receipts(app, transaction()), *steps)  # the merchant has his
    assert await play(
        app, printing.receipts(app, transaction()), (t("tear_first"), "CANCEL")
    )
    assert len(app.printer.printed) == 3
