# Screens, and the manager that runs them.

import asyncio
import gc

import desk
import wires
from harness import cancel_at

from app.kernel import clock
from app.kernel.mailbox import Queue
from app.text import strings
from app.text.font import Font
from app.ui.canvas import Canvas
from app.ui.manager import UI
from app.ui.screens import CANCEL, OK, TIMEOUT, Amount, Entry, Idle, Menu, Message, Pin, SwipeCard

FONT = wires.ASSETS + "/font16.bin"


class Glass(desk.Glass):
    shows = 0

    def show(self):
        self.shows += 1


class Heart:
    def beat(self):
        pass


_font = None


def make_ui():
    global _font
    if _font is None:
        _font = Font(FONT)
    glass = Glass()
    return UI(glass, Canvas(glass, _font), Queue(16), Heart())


async def answer(ui, screen, *keys):
    """The result of `screen` when these keys are pressed."""
    task = asyncio.create_task(ui.ask(screen))
    await asyncio.sleep_ms(1)
    for k in keys:
        assert ui.inputs.put(("key", k))
        await asyncio.sleep_ms(1)
    try:
        return await asyncio.wait_for_ms(task, 200)
    except asyncio.TimeoutError:
        return None


# ---- amount: golden key strokes (LNPoS#13, #36 are what happens without) ------------------------

AMOUNTS = (
    ("1 2 3 4 ENTER", 1234),
    ("5 ENTER", 5),
    ("1 00 ENTER", 100),
    ("0 0 7 ENTER", 7),
    ("1 2 CLEAR 5 ENTER", 15),
    ("CLEAR CLEAR 9 ENTER", 9),
    ("1 CANCEL", CANCEL),
    ("ENTER 1 ENTER", 1),
    ("0 ENTER 2 ENTER", 2),
    ("* 3 ENTER", 3),
    ("9 9 9 9 9 9 9 ENTER", 999999),
    ("5 00 00 00 ENTER", 5000000),
    ("5 00 00 00 1 ENTER", 5000000),
)


async def test_amount_key_strokes():
    ui = make_ui()
    for keys, want in AMOUNTS:
        got = await answer(ui, Amount("t", 5_000_000), *keys.split())
        assert got == want, (keys, got)


async def test_amount_says_what_is_wrong():
    ui = make_ui()
    s = Amount("t", 5_000_000)
    await answer(ui, s, "ENTER")
    assert strings.text("err.amount_zero") in ui.visible()[3]
    s = Amount("t", 1000)
    await answer(ui, s, "9", "9", "9", "9")
    assert strings.text("err.amount_max") in ui.visible()[3] and "9.99" in ui.visible()[2]
    s = Amount("t", 1000)
    await answer(ui, s, "UP")
    assert strings.text("key.digits") in ui.visible()[3]


# ---- entries ------------------------------------------------------------------------------------


async def test_entries_take_digits_and_refuse_too_few():
    ui = make_ui()
    assert await answer(ui, Entry("t", "p", 2, 4), *"1 2 3 ENTER".split()) == b"123"
    assert await answer(ui, Entry("t", "p", 2, 4), *"1 2 3 4 5 ENTER".split()) == b"1234"
    assert await answer(ui, Entry("t", "p", 2, 4), *"1 CLEAR CLEAR 7 8 ENTER".split()) == b"78"
    s = Entry("t", "p", 2, 4)
    assert await answer(ui, s, "1", "ENTER") is None
    assert strings.text("err.short") in ui.visible()[3]
    assert await answer(ui, Entry("t", "p", 1, 4), "CANCEL") == CANCEL


async def test_hidden_entries_never_show_a_digit():
    ui = make_ui()
    for screen in (Entry("t", "p", 1, 12, True), Pin(1234, "622500******0014")):
        task = asyncio.create_task(ui.ask(screen))
        await asyncio.sleep_ms(1)
        pictures = set()
        for k in "135798":
            ui.inputs.put(("key", k))
            await asyncio.sleep_ms(1)
            shown = "".join(ui.visible()[1:3]).replace("RMB 12.34", "")
            assert not any(d in shown for d in "135798"), shown
            pictures.add(bytes(ui._display.buffer))
        stars = "*" * 6
        assert stars in "".join(ui.visible())
        task.cancel()
        await asyncio.sleep_ms(1)
        assert not any(screen.buf)


async def test_pin_has_four_to_twelve_digits_or_none():
    ui = make_ui()
    assert await answer(ui, Pin(1, "c"), *"123456", "ENTER") == b"123456"
    assert await answer(ui, Pin(1, "c"), "ENTER") == b""
    assert await answer(ui, Pin(1, "c"), *"123", "ENTER") is None
    assert strings.text("err.pin_length") in ui.visible()[3]
    assert await answer(ui, Pin(1, "c"), *"123", "CANCEL") == CANCEL
    assert await answer(ui, Pin(1, "c"), *("1234567890123"), "ENTER") == b"123456789012"


async def test_what_was_typed_is_wiped_however_the_screen_ends():
    ui = make_ui()
    for end in ("ENTER", "CANCEL", "timeout", "cancel task"):
        s = Pin(1, "c", 3000)
        task = asyncio.create_task(ui.ask(s))
        await asyncio.sleep_ms(1)
        for k in "4711":
            ui.inputs.put(("key", k))
        await asyncio.sleep_ms(1)
        assert bytes(s.buf[:4]) == b"4711"
        if end in ("ENTER", "CANCEL"):
            ui.inputs.put(("key", end))
            await asyncio.sleep_ms(5)
        elif end == "timeout":
            assert await task == TIMEOUT
        else:
            task.cancel()
            await asyncio.sleep_ms(1)
        assert not any(s.buf), end


async def pin_typed(pause_ms, give_up_ms=None):
    """(result of a PIN screen, ms that it took) when a digit comes every pause_ms; after
    give_up_ms none any more."""
    ui = make_ui()
    s = Pin(1, "c", 300_000)
    task = asyncio.create_task(ui.ask(s))
    start = clock.ticks()
    while not task.done():
        ms = clock.diff(clock.ticks(), start)
        assert ms < 120_000
        if give_up_ms is None or ms < give_up_ms:
            ui.inputs.put(("key", "4"))
        for _ in range(pause_ms // 100):
            if not task.done():
                await asyncio.sleep_ms(100)
    assert not any(s.buf)
    return await task, clock.diff(clock.ticks(), start)


async def test_k8_a_pin_screen_left_alone_ends_after_30_s_and_any_after_60_s():
    """A half-typed PIN waits for nobody: 30 s between keys, 60 s in all, whatever the operator's
    time-out is, and what was typed is wiped."""
    result, ms = await pin_typed(1000, 3500)
    assert result == TIMEOUT and 33_000 <= ms < 34_000, ms
    for pause_ms in (400, 5000, 29_000):
        result, ms = await pin_typed(pause_ms)
        assert result == TIMEOUT and 60_000 <= ms < 60_700, (pause_ms, ms)
    ui = make_ui()
    task = asyncio.create_task(ui.ask(Pin(1, "c", 10_000)))  # the operator's may be shorter
    await asyncio.sleep_ms(11_000)
    assert task.done() and await task == TIMEOUT
    task = asyncio.create_task(ui.ask(Pin(1, "c")))
    await asyncio.sleep_ms(59_900 - 29_000)
    assert task.done()
    swipe = Swipe()
    task = asyncio.create_task(ui.ask(Pin(1, "c")))
    for _ in range(3):
        await asyncio.sleep_ms(19_990)
        ui.inputs.put(("key", "1"))
    await asyncio.sleep_ms(25)
    ui.inputs.put(("card", swipe))
    assert await task == TIMEOUT and swipe.wiped


# ---- menus, messages, cards ---------------------------------------------------------------------


async def test_menus_by_number_and_by_arrows():
    ui = make_ui()
    items = [(i, "item %d" % i) for i in range(1, 6)]
    assert await answer(ui, Menu("m", items), "4") == 4
    assert await answer(ui, Menu("m", items), "DOWN", "DOWN", "ENTER") == 3
    assert await answer(ui, Menu("m", items), "UP", "ENTER") == 5
    assert await answer(ui, Menu("m", items), "9", "CANCEL") == CANCEL
    await answer(ui, Menu("m", items), "DOWN", "DOWN", "DOWN")
    assert ui.visible()[1].startswith("4 item 4") and ui.visible()[1].endswith("^")


async def test_messages_end_with_a_key_or_in_time():
    ui = make_ui()
    assert await answer(ui, Message("t", "text"), "5", "ENTER") == OK
    assert await answer(ui, Message("t", "text"), "CANCEL") == CANCEL
    assert await ui.ask(Message("t", "text", "", 2000)) == TIMEOUT


async def test_every_screen_answers_a_key_that_has_no_use_there():
    ui = make_ui()
    items = [(i, "item %d" % i) for i in range(1, 6)]
    idle = Idle(lambda: ("shop", 3, None, "status"), ("1",))
    for screen, text in (
        (idle, "key.idle"),
        (Message("t", "a text that needs all the rows that there are"), "key.enter_cancel"),
        (SwipeCard("t", 1, "an error"), "key.swipe"),
        (Amount("t", 99), "key.digits"),
        (Entry("t", "p", 1, 2), "key.digits"),
    ):
        task = asyncio.create_task(ui.ask(screen))
        await asyncio.sleep_ms(1)
        ui.inputs.put(("key", "F2"))
        await asyncio.sleep_ms(1)
        assert strings.text(text) == ui.visible()[3].strip(), text
        if not isinstance(screen, Entry) and not isinstance(screen, Amount):
            await asyncio.sleep_ms(2100)
            assert strings.text(text) not in ui.visible()[3], "it goes by itself"
        task.cancel()
        await asyncio.sleep_ms(1)
    assert await answer(ui, Menu("m", items), "9") is None
    assert ui.visible()[3].strip() == strings.text("key.choose", 5)


class Swipe:
    def __init__(self):
        self.wiped = False

    def wipe(self):
        self.wiped = True


async def test_a_card_goes_to_the_screen_that_wants_one_and_is_wiped_by_any_other():
    ui = make_ui()
    s = Swipe()
    task = asyncio.create_task(ui.ask(SwipeCard("t", 1)))
    await asyncio.sleep_ms(1)
    ui.inputs.put(("card", s))
    assert await task is s and not s.wiped
    unwanted = Swipe()
    task = asyncio.create_task(ui.ask(Message("t", "x")))
    await asyncio.sleep_ms(1)
    ui.inputs.put(("card", unwanted))
    await asyncio.sleep_ms(1)
    assert unwanted.wiped and not task.done()
    task.cancel()
    late = Swipe()
    ui.show(Message("t", "busy"))
    ui.inputs.put(("card", late))
    ui.inputs.put(("key", "ENTER"))
    assert await answer(ui, Message("t", "y")) is None  # what came while nobody asked is dropped
    assert late.wiped


async def test_keys_typed_ahead_reach_the_next_screen():
    ui = make_ui()
    first = asyncio.create_task(ui.ask(Entry("t", "p", 1, 4)))
    await asyncio.sleep_ms(1)
    for k in ("1", "ENTER", "2", "ENTER"):
        ui.inputs.put(("key", k))
    assert await first == b"1"
    assert await ui.ask(Entry("t", "p", 1, 4)) == b"2"


async def test_asking_can_be_cancelled_at_any_moment():
    ui = make_ui()
    for ms in range(1, 1200, 97):
        await cancel_at(ms, lambda: ui.ask(Amount("t", 100)))
        assert not ui._asking


async def test_drawing_a_screen_again_allocates_little():
    ui = make_ui()
    s = Pin(1234, "622500******0014")
    s.key("1")
    for _ in range(3):
        s.render(ui.canvas)
    gc.collect()
    before = gc.mem_alloc()
    s.render(ui.canvas)
    used = gc.mem_alloc() - before
    print("%d bytes for one repaint" % used)
    assert used < 4000
