# Amount entry by golden key strokes: what stands on the glass after every key, and what comes out.

import asyncio

import desk
import wires
from naive_amount import NaiveAmount

from app.kernel.mailbox import Queue
from app.text.font import Font
from app.ui.canvas import Canvas
from app.ui.manager import UI
from app.ui.screens import CANCEL, TIMEOUT, Amount

MAX = 5_000_000

# (keys, what the row of the amount shows after each, result)
STROKES = (
    ("1 2 3 4 ENTER", "0.01 0.12 1.23 12.34", 1234),
    ("1 CLEAR 2 ENTER", "0.01 0.00 0.02", 2),
    ("1 2 3 CLEAR CLEAR CLEAR CLEAR 7 ENTER", "0.01 0.12 1.23 0.12 0.01 0.00 0.00 0.07", 7),
    ("5 00 ENTER", "0.05 5.00", 500),
    ("0 0 0 ENTER 1 ENTER", "0.00 0.00 0.00 0.00 0.01", 1),
    ("ENTER CLEAR 9 ENTER", "0.00 0.00 0.09", 9),
    ("5 00 00 00 ENTER", "0.05 5.00 500.00 50,000.00", MAX),
    ("5 00 00 0 1 0 ENTER", "0.05 5.00 500.00 5,000.00 5,000.00 50,000.00", MAX),
    ("5 00 00 00 1 00 CLEAR ENTER",
     "0.05 5.00 500.00 50,000.00 50,000.00 50,000.00 5,000.00", 500_000),
    ("1 2 CANCEL", "0.01 0.12", CANCEL),
    ("* 1 UP F1 ENTER", "0.00 0.01 0.01 0.01", 1),
)  # fmt: skip


class Heart:
    def beat(self):
        pass


async def strokes(make, font):
    """Every row of STROKES on a screen that make(title, most) gives; the first that differs."""
    for keys, shown, result in STROKES:
        glass = desk.Glass()
        ui = UI(glass, Canvas(glass, font), Queue(16), Heart())
        task = asyncio.create_task(ui.ask(make("t", MAX)))
        await asyncio.sleep_ms(1)
        seen = []
        for key in keys.split():
            ui.inputs.put(("key", key))
            await asyncio.sleep_ms(20)
            if not task.done():
                seen.append(ui.visible()[2].strip())
        try:
            got = await asyncio.wait_for_ms(task, 200)
        except asyncio.TimeoutError:
            got = None
        if seen != shown.split() or got != result:
            return keys, seen, got
    return None


async def test_k11_amounts_by_golden_key_strokes():
    """A keypad that is dead after a change elsewhere, Clear without effect, amounts in the wrong
    unit (arcbtc/LNPoS#13 #36)."""
    font = Font(wires.ASSETS + "/font16.bin")
    wrong = await strokes(Amount, font)
    assert wrong is None, wrong
    assert await strokes(NaiveAmount, font) is not None


async def test_an_amount_that_nobody_finishes_ends_without_one():
    """The screen gives up after its time-out, counted from the last key, also with digits in
    it."""
    font = Font(wires.ASSETS + "/font16.bin")
    glass = desk.Glass()
    ui = UI(glass, Canvas(glass, font), Queue(16), Heart())
    task = asyncio.create_task(ui.ask(Amount("t", MAX, timeout_ms=60_000)))
    for _ in range(3):
        await asyncio.sleep_ms(50_000)
        assert not task.done()
        ui.inputs.put(("key", "1"))
    await asyncio.sleep_ms(59_000)
    assert not task.done() and ui.visible()[2].strip() == "1.11"
    await asyncio.sleep_ms(2_000)
    assert task.done() and await task == TIMEOUT
