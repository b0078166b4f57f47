# Keys on GPIO against the electrical model, and what all keypads share: events, rules, PIN mode.

import asyncio
import time

import bus
import keybench
from harness import Rng, raises, rounds
from harness import seed as seed_of
from keybench import NAMES, ROWS
from machine import Pin

from app.kernel import clock
from drivers.keypad import events, matrix
from drivers.keypad.events import LONG, PRESSED, RELEASED, REPEAT, STUCK, EventQueue
from drivers.keypad.matrix import Debounce, Matrix, has_ghost

# ---- through the model --------------------------------------------------------------------------


async def test_every_key_gives_one_press_and_one_release_through_any_bounce():
    want = []
    for name in NAMES:
        want += [(True, name), (False, name)]
    for seed in range(rounds(2)):
        b = keybench.matrix(seed=seed)
        b.run()
        await asyncio.sleep_ms(100)
        for name in NAMES:
            await b.tap(name)
        assert b.seen() == want, (seed, b.seen())
        await b.close()


async def test_an_event_says_when_the_contact_was_seen_to_change_however_late_it_is_read():
    b = keybench.matrix(bounce_us=(0, 0))
    b.run(read=False)
    await asyncio.sleep_ms(100)
    pressed = time.ticks_ms()
    b.press("10")
    await asyncio.sleep_ms(100)
    released = time.ticks_ms()
    b.release("10")
    await asyncio.sleep_ms(3000)
    b.read()
    await asyncio.sleep_ms(1)
    assert b.seen() == [(True, "10"), (False, "10")]
    for n, at in enumerate((pressed, released)):
        assert 0 <= time.ticks_diff(b.events[n][2], at) <= 6, (n, b.events)
    await b.close()


async def test_two_keys_at_once_are_both_seen():
    b = keybench.matrix()
    b.run()
    await asyncio.sleep_ms(100)
    b.press("10")
    await asyncio.sleep_ms(40)
    b.press("21")
    await asyncio.sleep_ms(40)
    b.release("10")
    await asyncio.sleep_ms(40)
    b.release("21")
    await asyncio.sleep_ms(60)
    assert b.seen() == [(True, "10"), (True, "21"), (False, "10"), (False, "21")]


async def test_three_keys_pressed_at_the_same_moment_stop_nothing():
    """No key is believed, the loop goes on, and what is left when one is let go is."""
    b = keybench.matrix(bounce_us=(0, 0))
    b.run()
    await asyncio.sleep_ms(100)
    for name in ("10", "11", "20"):
        b.press(name)
    await asyncio.sleep_ms(500)
    assert b.events == [] and 50 < b.driver.ghosts < 110, b.driver.ghosts
    b.release("20")
    await asyncio.sleep_ms(50)
    assert sorted(b.presses()) == ["10", "11"]


async def test_a_stuck_key_and_two_others_make_no_fourth():
    b = keybench.matrix(bounce_us=(0, 0))
    b.model.stick("10")
    b.run()
    await asyncio.sleep_ms(100)
    b.press("11")
    await asyncio.sleep_ms(60)
    b.press("20")
    await asyncio.sleep_ms(60)
    assert b.presses() == ["11"] and b.driver.ghosts
    b.release("11")
    await asyncio.sleep_ms(60)
    assert b.presses() == ["11", "20"]


async def test_a_missed_interrupt_is_made_good_by_looking():
    b = keybench.matrix()
    b.run()
    await asyncio.sleep_ms(100)
    for n in ROWS:
        Pin(n).irq(None)  # no interrupt will ever come
    b.press("10")
    await asyncio.sleep_ms(300)
    assert b.seen() == [(True, "10")]


async def test_the_scanner_rests_while_no_key_is_down():
    b = keybench.matrix()
    b.run()
    await asyncio.sleep_ms(1000)
    await b.tap("10", 60, 200)
    scans = []
    scan = b.driver.scan
    b.driver.scan = lambda: scans.append(1) or scan()
    await asyncio.sleep_ms(5000)
    assert len(scans) == 0


async def test_cancelled_anywhere_it_leaves_no_interrupt():
    for ms in (0, 3, 12, 41, 90, 205):
        b = keybench.matrix()
        task = asyncio.create_task(b.driver.run())
        await asyncio.sleep_ms(ms)
        b.press("10")
        await asyncio.sleep_ms(7)
        if ms > 60:
            assert all(Pin(n)._irq_trigger for n in ROWS)
        task.cancel()
        await asyncio.sleep_ms(1)
        assert all(Pin(n)._irq_trigger == 0 for n in ROWS)


async def test_started_again_it_tells_the_release_of_what_was_down():
    b = keybench.matrix()
    b.run()
    await asyncio.sleep_ms(100)
    b.press("10")
    await asyncio.sleep_ms(50)
    b.tasks[0].cancel()
    await asyncio.sleep_ms(1)
    b.run(read=False)
    await asyncio.sleep_ms(100)
    assert b.seen() == [(True, "10"), (False, "10")] and b.driver.stuck == ("10",)
    b.release("10")
    await asyncio.sleep_ms(50)
    await b.tap("10")
    assert b.seen() == [(True, "10"), (False, "10")] * 2 and b.driver.stuck == ()


async def test_faults_of_the_wiring_by_any_seed_leave_pairs_of_events_and_end():
    first = seed_of(11)
    from models.keymatrix import faults

    for seed in range(first, first + rounds(3)):
        b = keybench.matrix(seed=seed, options={"settle_us": 30})
        b.model.schedule(faults(seed, NAMES, 8_000_000))
        b.run()
        rng = Rng(seed)
        for _ in range(40):
            await b.tap(rng.choice(NAMES), 60 + rng.below(60), 60 + rng.below(100))
        await asyncio.sleep_ms(1000)
        down = {}
        for pressed, name in b.seen():
            assert pressed != down.get(name, False), (seed, name)
            down[name] = pressed
        assert not any(down.values()) and b.driver.stuck == (), (seed, down, b.driver.stuck)
        count = len(b.events)
        await b.tap("33")
        assert b.seen()[count:] == [(True, "33"), (False, "33")], seed
        assert bus.current.longest_us < 5000
        await b.close()


# ---- scan, without allocation and in time -------------------------------------------------------


def levels(closed, n_rows=5, n_cols=4):
    """(rows, cols): pins as plain functions, over contacts `closed` (a list of one integer)."""
    driven = bytearray(n_cols)

    def row(j):
        def read():
            for i in range(n_cols):
                if not driven[i] and closed[0] >> (j * n_cols + i) & 1:
                    return 0
            return 1

        return read

    def col(i):
        def write(level):
            driven[i] = level

        return write

    return [row(j) for j in range(n_rows)], [col(i) for i in range(n_cols)]


def test_scan_and_step_allocate_nothing():
    import micropython

    closed = [0]
    rows, cols = levels(closed)
    rules = {"10": (100, 50, 20)}
    clicks = bytearray(1)

    def click(tone):
        clicks[0] += 1

    clock = keybench.SmallClock()
    plain, matrix.time = matrix.time, clock
    d = Matrix(rows, cols, NAMES, clock, rules=rules, click=click, queue=64)
    try:
        for pin in (False, True):
            d.pin_mode(pin)
            micropython.heap_lock()
            try:
                for pattern in (0, 1 << 4, 1 << 4 | 1 << 9, 0b0001_0011_0000, 0):
                    closed[0] = pattern
                    for _ in range(40):
                        d.step(d.scan(), clock.now)
                        clock.now += 5
            finally:
                micropython.heap_unlock()
    finally:
        matrix.time = plain
    kinds = []
    while d._queue.ready:
        kinds.append(d._queue.take()[0])
    assert clicks[0] == kinds.count(PRESSED) == kinds.count(RELEASED) == 8
    assert kinds.count(LONG) == 1 and kinds.count(REPEAT) > 3 and d.lost == 0


def test_a_scan_takes_the_time_that_the_lines_need_and_no_more():
    for settle_us in (10, 40):
        b = keybench.matrix(options={"settle_us": settle_us})
        start = bus.current.now_us()
        b.driver.scan()
        assert bus.current.now_us() - start == 4 * settle_us


def test_ghost_needs_two_rows_that_share_two_columns():
    assert has_ghost(0b0011_0011, 5, 4)
    assert has_ghost(0b1001_0000_1001, 5, 4)
    assert not has_ghost(0b0011_0001, 5, 4)
    assert not has_ghost(0b0011_1100, 5, 4)
    assert not has_ghost(0, 5, 4)


def test_a_layout_must_fit_its_matrix():
    raises(ValueError, Matrix, (1, 2), (3, 4), ("1", "2", "3"), None)
    raises(ValueError, Matrix, range(6), range(6), NAMES + NAMES[:16], clock)
    raises(ValueError, lambda: Matrix((1,), (1,), ("1",), clock, rules={"2": (1, 0, 0)}))
    raises(ValueError, Debounce, 4, 3, 4)
    raises(ValueError, Debounce, 4, 8, 4)


# ---- debounce -----------------------------------------------------------------------------------


class PlainDebounce:
    """One contact, counted the plain way."""

    def __init__(self, window, agree):
        self.state = 0
        self.recent = [0] * window
        self.agree = agree

    def feed(self, sample):
        self.recent = self.recent[1:] + [sample]
        if len([r for r in self.recent if r != self.state]) >= self.agree:
            self.state ^= 1
            self.recent = [self.state] * len(self.recent)
        return self.state


def test_debounce_of_all_contacts_at_once_is_as_counting_for_each():
    rng = Rng(seed_of(5))
    keys = 30
    for window, agree in ((5, 4), (4, 4), (7, 5), (3, 2), (1, 1), (7, 7)):
        plain = [PlainDebounce(window, agree) for _ in range(keys)]
        d = Debounce(keys, window, agree)
        scan = changes = 0
        for n in range(max(60, rounds(300))):
            scan ^= rng.bits() & rng.bits() & rng.bits() & (1 << keys) - 1
            before = d.down
            assert d.feed(scan, n) == before ^ d.down
            changes += d.down != before
            for k in range(keys):
                assert d.down >> k & 1 == plain[k].feed(scan >> k & 1), (window, agree, n, k)
        assert changes


def test_debounce_remembers_the_first_sample_that_differed():
    d = Debounce(3)
    for n, s in enumerate((0, 2, 0, 2, 2, 2)):
        changed = d.feed(s, 100 + n)
        assert changed == (2 if n == 5 else 0)
    assert d.since[1] == 101 and d.moving == 0 and d.down == 2
    assert d.feed(0, 110) == 0 and d.moving == 2
    for n in range(4):
        d.feed(2, 111 + n)
    assert d.moving == 2  # still in the window
    d.feed(2, 115)
    assert d.moving == 0 and d.down == 2


# ---- the queue ----------------------------------------------------------------------------------


def test_who_was_told_of_a_press_is_told_of_its_release():
    q = EventQueue(4)
    assert q.put(PRESSED, 1, 10) and q.put(PRESSED, 2, 11)
    assert not q.put(PRESSED, 3, 12) and not q.put(REPEAT, 1, 13)
    assert q.lost == 2
    assert q.put(RELEASED, 1, 14) and q.put(RELEASED, 2, 15)
    assert [q.take() for _ in range(4)] == [
        (PRESSED, 1, 10), (PRESSED, 2, 11), (RELEASED, 1, 14), (RELEASED, 2, 15),
    ]  # fmt: skip
    assert not q.ready and bytes(q._key) == bytes(4) and q._ticks == [0] * 4, "wiped"


def test_what_is_put_while_the_queue_is_closed_comes_out_at_once_and_at_one_time():
    q = EventQueue(8)
    q.put(PRESSED, 1, 10)
    q.closed = True
    q.put(RELEASED, 1, 11)
    q.put(PRESSED, 2, 12)
    assert q.ready == 1 and q.waiting() == 2
    assert q.show(20) == 1
    assert [q.take() for _ in range(3)] == [(PRESSED, 1, 10), (RELEASED, 1, 20), (PRESSED, 2, 20)]


def test_random_events_through_any_queue_stay_in_order_and_in_pairs():
    rng = Rng(seed_of(3))
    for size in (2, 5, 16):
        q = EventQueue(size)
        down, put, got, dropped = set(), [], [], 0
        for n in range(2000):
            k = rng.below(4)
            if rng.below(3) == 0 and q.ready:
                got.append(q.take())
            elif k in down:
                down.discard(k)
                put.append((RELEASED, k, n))
                assert q.put(*put[-1])
            elif q.put(PRESSED, k, n):
                down.add(k)
                put.append((PRESSED, k, n))
            else:
                dropped += 1
        while q.ready:
            got.append(q.take())
        assert got == put and dropped == q.lost > 0


# ---- rules, stuck keys, PIN mode: without a matrix ----------------------------------------------


class Ticks:
    now = 1000
    diff = clock.diff
    add = clock.add

    def ticks(self):
        return self.now


Ticks.diff = staticmethod(clock.diff)
Ticks.add = staticmethod(clock.add)


def core(**options):
    """(keypad, its clock, run(ms): let time pass, told(): events so far)"""
    at = Ticks()
    k = events.Keypad(("A", "B", None), at, **options)

    def run(ms, step=5):
        end = at.now + ms
        while at.now < end:
            at.now += step
            k.poll(at.now)

    def told():
        out = []
        while k._queue.ready:
            kind, key, ticks = k._queue.take()
            out.append((kind, key, ticks - 1000))
        return out

    return k, at, run, told


def test_long_press_and_repeat_come_by_the_rule():
    k, at, run, told = core(rules={"A": (800, 500, 100)})
    k.change(0, True, at.now)
    run(1005)
    k.change(0, False, at.now)
    run(1000)
    got = told()
    kinds = [PRESSED] + [REPEAT] * 3 + [LONG] + [REPEAT] * 3 + [RELEASED]
    assert [event[0] for event in got] == kinds, got
    assert [t for kind, _, t in got if kind == REPEAT] == [505, 605, 705, 805, 905, 1005]


def test_a_key_without_a_rule_and_a_second_key_have_none():
    k, at, run, told = core(rules={"A": (800, 500, 100)})
    k.change(1, True, at.now)
    run(3000)
    assert [e[0] for e in told()] == [PRESSED]
    k.change(0, True, at.now)
    run(3000)
    assert [e[0] for e in told()] == [PRESSED], "B is down"
    k.change(1, False, at.now)
    run(3000)
    assert [e[0] for e in told()] == [RELEASED], "A was not alone"
    k.change(0, False, at.now)
    k.change(0, True, at.now)
    run(900)
    assert LONG in [e[0] for e in told()]


def test_time_in_which_nobody_looked_does_not_count_as_held():
    k, at, run, told = core(rules={"A": (800, 0, 0)})
    k.change(0, True, at.now)
    run(300)
    at.now += 5000
    k.poll(at.now)
    assert [e[0] for e in told()] == [PRESSED]
    run(300)
    k.poll(at.now, 0)  # the contact is open in this scan
    assert told() == []
    run(200)
    assert [e[0] for e in told()] == [LONG]


def test_a_key_that_is_down_too_long_is_released_reported_and_ignored():
    k, at, run, told = core(stuck_ms=30_000)
    k.change(0, True, at.now)
    run(29_900)
    assert k.stuck == () and [e[0] for e in told()] == [PRESSED]
    run(200)
    assert k.stuck == ("A",)
    assert [e[:2] for e in told()] == [(RELEASED, 0), (STUCK, 0)]
    run(60_000)
    k.change(1, True, at.now)
    k.change(1, False, at.now)
    assert [e[:2] for e in told()] == [(PRESSED, 1), (RELEASED, 1)]
    k.change(0, False, at.now)
    assert told() == [] and k.stuck == ()
    k.change(0, True, at.now)
    assert [e[0] for e in told()] == [PRESSED]


def test_a_place_without_a_key_says_nothing():
    k, at, run, told = core()
    k.change(2, True, at.now)
    run(100)
    k.change(2, False, at.now)
    k.ignore(4, at.now)
    assert told() == [] and k.stuck == () and k.lost == 0


def test_in_pin_mode_events_come_on_a_grid_and_a_stuck_key_has_no_name():
    clicks = []
    k, at, run, told = core(rules={"A": (800, 500, 100)}, click=clicks.append, tones={"A": 7})
    k.change(0, True, at.now)
    assert clicks == [7]
    k.change(0, False, at.now)
    told()
    at.now += 3
    k.pin_mode(True)
    for n in range(40):
        at.now += 7
        k.poll(at.now)
        k.change(n & 1, True, at.now)
        run(100 + n)
        k.change(n & 1, False, at.now)
        run(100)
        got = told()
        assert [e[:2] for e in got] == [(PRESSED, n & 1), (RELEASED, n & 1)], got
        assert all((e[2] - 3) % 20 == 0 for e in got), got
    assert clicks == [7] + [events.TONE_KEY] * 40
    k.change(0, True, at.now)
    run(31_000)
    assert [e[:2] for e in told()] == [(PRESSED, 0), (RELEASED, 0), (STUCK, 255)]
    assert k.stuck == ("?",) and "A" not in repr(k)
    k.pin_mode(False)
    assert k.stuck == ("?",), "nor afterwards"
    k.change(1, True, at.now)
    assert [e[:2] for e in told()] == [(PRESSED, 1)], "at once again"


def test_the_end_of_pin_mode_leaves_nothing_behind():
    k, at, run, told = core()
    k.pin_mode(True)
    k.change(0, True, at.now)
    assert told() == []
    k.pin_mode(False)
    assert [e[0] for e in told()] == [PRESSED]


async def test_get_gives_presses_repeats_and_releases_and_next_gives_all():
    k, at, run, told = core(rules={"A": (300, 200, 150)})
    k.change(0, True, at.now)
    run(360)
    k.change(0, False, at.now)
    got = []
    for _ in range(4):
        got.append((await k.get())[:2])
    assert got == [(True, "A")] * 3 + [(False, "A")], got
    k.change(0, True, at.now)
    run(320)
    for want in (PRESSED, REPEAT, LONG):
        assert (await k.next())[:2] == (want, "A")
