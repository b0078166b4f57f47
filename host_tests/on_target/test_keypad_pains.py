# What breaks keypads in the field: the same check on our driver, which passes, and on one as it is
# often written, which does not.

import asyncio
import time

import bus
import keybench
from harness import araises, rounds
from harness import seed as seed_of
from keybench import NAMES

from app.kernel import log
from drivers.keypad.events import LONG, PRESSED, RELEASED, REPEAT, STUCK


async def passes(check, bench):
    try:
        await check(bench)
    finally:
        await bench.close()


async def fails(check, bench):
    e = await araises(AssertionError, passes(check, bench))
    print("naive:", *e.args)


# ---- K1: settling -------------------------------------------------------------------------------


async def each_key_is_itself(b):
    b.run()
    await asyncio.sleep_ms(100)
    for name in NAMES:
        await b.tap(name)
    assert b.presses() == list(NAMES), b.presses()[:4]


async def test_k1_lines_that_have_not_settled_show_the_neighbour():
    """Ghosts from reading a row before it has followed the column (circuitpython#7621)."""
    from naive_keypad import NaiveMatrix

    await passes(each_key_is_itself, keybench.matrix(bounce_us=(0, 0)))
    await fails(each_key_is_itself, keybench.matrix(NaiveMatrix, bounce_us=(0, 0)))
    slow = {"bounce_us": (0, 0), "settle_us": 35}  # a metre of cable
    await passes(each_key_is_itself, keybench.matrix(options={"settle_us": 40}, **slow))
    await fails(each_key_is_itself, keybench.matrix(options={"settle_us": 10}, **slow))


# ---- K2: three keys -----------------------------------------------------------------------------


async def no_fourth_key(b):
    """Three of these are down together, in any order; the fourth is never pressed."""
    b.run()
    await asyncio.sleep_ms(100)
    square = ("00", "01", "10", "11")
    for n in range(max(4, rounds(12))):
        fourth = square[n & 3]
        three = [name for name in square if name != fourth]
        three = three[n >> 2 :] + three[: n >> 2]
        count = len(b.presses())
        for name in three:
            b.press(name)
            await asyncio.sleep_ms(90)
        for name in three:
            b.release(name)
            await asyncio.sleep_ms(90)
        pressed = b.presses()[count:]
        assert sorted(pressed) == sorted(three), (three, pressed)
    await b.tap("33")
    assert b.presses()[-1] == "33"


async def test_k2_three_corners_of_a_rectangle_never_make_the_fourth():
    """Three keys of a diode-less matrix close a fourth contact, and the scan is not believed; the
    key controller does not know of it, either (TI E2E 194786)."""
    from naive_keypad import NaiveDrain, NaiveSettled

    await passes(no_fourth_key, keybench.matrix())
    await fails(no_fourth_key, keybench.matrix(NaiveSettled, bounce_us=(0, 0)))
    await passes(no_fourth_key, keybench.controller())
    await fails(no_fourth_key, keybench.controller(NaiveDrain))


# ---- K3: the interrupt of the controller --------------------------------------------------------


async def no_key_is_stranded(b):
    b.run()
    await asyncio.sleep_ms(200)
    want = []
    for n, name in enumerate(NAMES[:8]):
        if n == 3:
            b.model.missed = 2
        b.press(name)
        b.press(NAMES[8 + n])  # both are debounced at once: two events, one edge
        await asyncio.sleep_ms(60)
        b.release(name)
        b.release(NAMES[8 + n])
        await asyncio.sleep_ms(60)
        want += sorted((name, NAMES[8 + n]))
    await asyncio.sleep_ms(200)
    assert b.presses() == want, (len(b.presses()), len(want))
    assert len(b.events) == 2 * len(want)


async def test_k3_a_missed_edge_of_the_interrupt_strands_no_key():
    """Two events under one edge of INT, or an edge that was missed, and the keypad is dead:
    the level is looked at, the FIFO drained (esphome#18521)."""
    from naive_keypad import NaiveController

    await passes(no_key_is_stranded, keybench.controller())
    await fails(no_key_is_stranded, keybench.controller(NaiveController))


# ---- K4: bounce and noise -----------------------------------------------------------------------


async def one_press_each(b):
    b.model.schedule(((0, "noise", 3000, 60),))
    b.run()
    await asyncio.sleep_ms(100)
    want = []
    for name in NAMES[: max(6, rounds(20))]:
        await b.tap(name, 80, 80)
        want += [(True, name), (False, name)]
    assert b.seen() == want, "%d events for %d" % (len(b.seen()), len(want))


async def test_k4_bounce_and_noise_of_a_long_cable_make_no_presses():
    """One press of a bouncing key on a noisy cable is one press (pad4pi#7)."""
    from naive_keypad import NaiveFast

    first = seed_of(20)
    for seed in range(first, first + rounds(2)):
        await passes(one_press_each, keybench.matrix(seed=seed))
    await fails(one_press_each, keybench.matrix(NaiveFast, seed=first))


# ---- K7: rules ----------------------------------------------------------------------------------

CLEAR, UP, DIGIT = "03", "01", "10"
RULES = {CLEAR: (800, 0, 0), UP: (0, 500, 150)}


async def only_what_the_rules_say(b):
    b.run()
    await asyncio.sleep_ms(100)
    await b.tap(DIGIT, 2000)  # a thumb that rests
    assert b.seen() == [(True, DIGIT), (False, DIGIT)], b.seen()
    for name in (CLEAR, UP):
        # A short tap, and the loop stands still while the key is let go.
        b.press(name)
        await asyncio.sleep_ms(60)
        bus.current.rack.advance(bus.current.now_us() + 30_000)
        b.release(name)
        time.sleep_ms(3000)
        await asyncio.sleep_ms(100)
    await b.tap(CLEAR, 700)
    b.press(CLEAR)
    await asyncio.sleep_ms(100)
    await b.tap(DIGIT, 1500)  # two keys are no long press
    b.release(CLEAR)
    await asyncio.sleep_ms(100)
    assert b.presses() == [DIGIT, CLEAR, UP, CLEAR, CLEAR, DIGIT], b.presses()
    assert all(kind in (PRESSED, RELEASED) for kind, _ in b.kinds), b.kinds
    count = len(b.kinds)
    await b.tap(CLEAR, 2000)
    await b.tap(UP, 1000)
    kinds = b.kinds[count:]
    assert kinds == [
        (PRESSED, CLEAR), (LONG, CLEAR), (RELEASED, CLEAR),
        (PRESSED, UP)] + [(REPEAT, UP)] * 4 + [(RELEASED, UP)], kinds  # fmt: skip


async def test_k7_long_press_and_repeat_by_rule_never_by_accident():
    """A resting thumb doubles digits, a stalled loop makes a long press of a tap, two keys make
    one: repeat and long press are off unless a key has a rule, and count what was seen."""
    from naive_keypad import NaiveRepeat

    await passes(only_what_the_rules_say, keybench.matrix(options={"rules": RULES}))
    await passes(only_what_the_rules_say, keybench.controller(options={"rules": RULES}))
    await fails(only_what_the_rules_say, keybench.matrix(NaiveRepeat, bounce_us=(0, 0)))


# ---- K8: PIN ------------------------------------------------------------------------------------


async def every_key_is_the_same(b):
    tones = []
    lines = []
    b.driver._click = lambda tone: tones.append((tone, time.ticks_ms()))
    echo, log.echo = log.echo, lines.append
    try:
        start = time.ticks_ms()
        b.driver.pin_mode(True)
        b.run()
        await asyncio.sleep_ms(200)
        for n, name in enumerate(NAMES):
            await b.tap(name, 900 if n == 3 else 60 + n, 90 + 3 * n)
        b.press("10")
        await asyncio.sleep_ms(2500)
        b.release("10")
        await asyncio.sleep_ms(100)
    finally:
        log.echo = echo
    said = " ".join(lines) + repr(b.driver) + " ".join(b.driver.stuck)
    assert not [name for name in NAMES if name in said], said
    assert b.presses() == list(NAMES) + ["10"], b.presses()
    assert len({tone for tone, _ in tones}) == 1 and len(tones) == len(NAMES) + 1, tones[:3]
    stamps = {time.ticks_diff(ticks, start) % 20 for _, _, ticks, _ in b.events}
    assert stamps == {0}, stamps
    late = {time.ticks_diff(read, ticks) for _, _, ticks, read in b.events}
    late |= {time.ticks_diff(at, start) % 20 for _, at in tones}
    assert late.issubset({0, 1}), late


async def test_k8_in_pin_mode_every_key_looks_and_sounds_the_same():
    """The PIN shows in tone, timing or log (PCI PTS B): one tone, one grid of time, no names, no
    long press. The PIN screen's time-outs are tested in test_ui."""
    from naive_keypad import NaiveSettled

    options = {"rules": dict.fromkeys(NAMES, (500, 300, 100))}
    options["stuck_ms"] = 2000
    options["tones"] = {name: n for n, name in enumerate(NAMES)}
    await passes(every_key_is_the_same, keybench.matrix(options=options))
    await passes(every_key_is_the_same, keybench.controller(options=options))
    await fails(every_key_is_the_same, keybench.matrix(NaiveSettled, bounce_us=(0, 0)))


# ---- K9: stuck keys -----------------------------------------------------------------------------


async def a_stuck_key_is_ignored(b):
    b.do("stick", "32")
    await asyncio.sleep_ms(100)
    b.run()
    await asyncio.sleep_ms(300)
    assert b.events == [], b.events
    assert b.driver.stuck == ("32",), b.driver.stuck
    await b.tap("10")
    b.do("unstick", "32")
    await asyncio.sleep_ms(100)
    await b.tap("32")
    assert b.driver.stuck == ()
    b.do("stick", "21")  # later: under a cup
    await asyncio.sleep_ms(2200)
    assert b.driver.stuck == ("21",), b.driver.stuck
    await b.tap("13", 60, 100)
    at = len(b.seen())
    b.do("unstick", "21")
    await asyncio.sleep_ms(100)
    assert len(b.seen()) == at, "it was released when it was reported"
    await b.tap("21")
    assert b.presses() == ["10", "32", "21", "13", "21"], b.presses()
    assert [name for kind, name in b.kinds if kind == STUCK] == ["32", "21"]


async def test_k9_a_stuck_key_is_reported_and_ignored_at_start_and_later():
    """A key that is down at start, or for half a minute, presses nothing, is told by name, and
    takes no other key with it."""
    from naive_keypad import NaiveController, NaiveSettled

    options = {"stuck_ms": 2000}  # half a minute by default
    await passes(a_stuck_key_is_ignored, keybench.matrix(options=options))
    await passes(a_stuck_key_is_ignored, keybench.controller(options=options))
    await fails(a_stuck_key_is_ignored, keybench.matrix(NaiveSettled, bounce_us=(0, 0)))
    await fails(a_stuck_key_is_ignored, keybench.controller(NaiveController))


# ---- K10: the queue -----------------------------------------------------------------------------


async def a_full_queue_is_told(b):
    b.run(read=False)
    await asyncio.sleep_ms(200)
    for name in NAMES[:12]:
        await b.tap(name)
    assert b.driver.lost == 8, b.driver.lost
    b.read()
    await asyncio.sleep_ms(50)
    want = []
    for name in NAMES[:8]:
        want += [(True, name), (False, name)]
    assert b.seen() == want, b.seen()
    await b.tap("33")
    assert b.seen()[16:] == [(True, "33"), (False, "33")] and b.driver.lost == 8


async def test_k10_a_full_queue_keeps_the_oldest_in_order_and_says_what_it_lost():
    """While nobody reads, the queue stays bounded, the first presses stay the first, no press is
    kept without its release, and the rest is counted (circuitpython#4891)."""
    from naive_keypad import NaiveController, NaiveSettled

    await passes(a_full_queue_is_told, keybench.matrix())
    await passes(a_full_queue_is_told, keybench.controller())
    await fails(a_full_queue_is_told, keybench.matrix(NaiveSettled, bounce_us=(0, 0)))
    await fails(a_full_queue_is_told, keybench.controller(NaiveController))
