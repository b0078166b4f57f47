# Fingers on the glass, sounds, and what changes while a PIN is typed.

import asyncio

import desk
import wires

from app.kernel.mailbox import Queue
from app.text.font import Font
from app.ui.canvas import Canvas
from app.ui.manager import UI
from app.ui.screens import CANCEL, OK, Amount, Entry, Idle, Menu, Message, Pin

ITEMS = [(n, "item %d" % n) for n in range(1, 8)]


class Heart:
    def beat(self):
        pass


_font = None


def make_ui():
    global _font
    if _font is None:
        _font = Font(wires.ASSETS + "/font16.bin")
    glass = desk.Glass()
    return UI(glass, Canvas(glass, _font), Queue(16), Heart())


async def touched(ui, screen, *places):
    """The result of `screen` after touches at (x, y), None when it stays."""
    task = asyncio.create_task(ui.ask(screen))
    await asyncio.sleep_ms(5)
    for item in places:
        if isinstance(item, str):
            ui.inputs.put(("key", item))
        else:
            ui.inputs.put(("touch", (screen, ui.canvas.cell(item[0], item[1]))))
        await asyncio.sleep_ms(20)
    if task.done():
        return await task
    task.cancel()
    return None


TITLE, LEFT, RIGHT, MIDDLE = (64, 3), (10, 60), (120, 60), (64, 30)


async def test_rows_of_a_menu_are_its_items():
    ui = make_ui()
    assert await touched(ui, Menu("t", ITEMS), (5, 20)) == 1
    assert await touched(ui, Menu("t", ITEMS), (127, 63)) == 3
    assert await touched(ui, Menu("t", ITEMS), TITLE) == CANCEL
    # the second page; and its empty row
    assert await touched(ui, Menu("t", ITEMS), "DOWN", "DOWN", "DOWN", (5, 20)) == 4
    last = ["DOWN"] * 6
    assert await touched(ui, Menu("t", ITEMS), *last, (5, 20)) == 7
    assert await touched(ui, Menu("t", ITEMS), *last, (5, 40)) is None


async def test_the_last_row_confirms_and_goes_back():
    ui = make_ui()
    for screen in (Message("t", "text"), Message("t", "text", "hint")):
        assert await touched(ui, screen, LEFT) == OK
        assert await touched(ui, screen, RIGHT) == CANCEL
        assert await touched(ui, screen, TITLE) == CANCEL
        assert await touched(ui, screen, MIDDLE) is None
    assert await touched(ui, Amount("t", 9999), "1", "2", LEFT) == 12
    assert await touched(ui, Amount("t", 9999), LEFT) is None
    assert await touched(ui, Entry("t", "p", 1, 4), "7", RIGHT) == CANCEL


async def test_a_finger_that_slips_confirms_no_pin():
    """ENTER with nothing typed means "no PIN": a touch must never say that."""
    ui = make_ui()
    for place in (LEFT, RIGHT, MIDDLE):
        assert await touched(ui, Pin(1, "c"), place) is None
    assert await touched(ui, Pin(1, "c"), TITLE) == CANCEL


async def test_the_idle_screen_leads_to_the_menu():
    ui = make_ui()
    idle = Idle(lambda: ("n", 4, None, "s"), ("MENU",))
    for place in (TITLE, LEFT, MIDDLE):
        assert await touched(ui, idle, place) == ("key", "MENU")


async def test_a_touch_that_was_meant_for_another_screen_does_nothing():
    ui = make_ui()
    task = asyncio.create_task(ui.ask(Message("t", "dangerous")))
    await asyncio.sleep_ms(5)
    ui.inputs.put(("touch", (Message("t", "harmless"), ui.canvas.cell(10, 60))))
    await asyncio.sleep_ms(50)
    assert not task.done()
    task.cancel()


async def test_sounds_and_the_secret_of_a_pin():
    ui = make_ui()
    heard, secret = [], []
    ui.play, ui.secret = heard.append, secret.append
    assert await touched(ui, Message("t", "x", sound="error"), LEFT) == OK
    assert await touched(ui, Message("t", "x"), LEFT) == OK
    assert heard == ["error"] and secret == []
    assert len(await touched(ui, Pin(1, "c"), "1", "2", "3", "4", "ENTER")) == 4
    assert secret == [True, False]
    assert await touched(ui, Pin(1, "c"), "1") is None  # cancelled in the middle
    await asyncio.sleep_ms(5)
    assert secret == [True, False] * 2
