# The key matrix model: bounce, ghosts, settling, stuck keys. Runs inside MicroPython.

from models.keymatrix import KeyMatrix, faults

ROWS = (1, 2, 3, 4, 5)
COLS = (10, 11, 12, 13)
KEYS = (
    ("F1", "F2", "F3", "F4"),
    ("1", "2", "3", "A"),
    ("4", "5", "6", "B"),
    ("7", "8", "9", "C"),
    ("*", "0", "#", None),
)
MS = 1000


def matrix(**kw):
    kw.setdefault("bounce_us", (0, 0))
    return KeyMatrix(ROWS, COLS, KEYS, **kw)


def scan(m, now):
    """Columns low one at a time, the others high-Z, 10 us each: set of key names."""
    found = set()
    for c, pin in enumerate(COLS):
        m.levels({pin: 0}, now)
        now += 10
        for row, level in m.levels({pin: 0}, now).items():
            if not level:
                found.add(KEYS[ROWS.index(row)][c])
    m.levels({}, now)
    return found


def test_one_key():
    m = matrix()
    assert scan(m, 0) == set()
    m.press("6", 1 * MS)
    assert scan(m, 2 * MS) == {"6"}
    m.release("6", 3 * MS)
    assert scan(m, 4 * MS) == set()


def test_every_key_has_its_place():
    m = matrix()
    now = 0
    for names in KEYS:
        for name in names:
            if name is None:
                continue
            m.press(name, now)
            assert scan(m, now + MS) == {name}
            m.release(name, now + 2 * MS)
            now += 3 * MS


def test_all_columns_low_shows_any_key():
    m = matrix()
    all_low = {10: 0, 11: 0, 12: 0, 13: 0}
    m.levels(all_low, 0)
    assert m.levels(all_low, 100) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}
    m.press("8", 200)
    assert m.levels(all_low, 300) == {1: 1, 2: 1, 3: 1, 4: 0, 5: 1}
    assert m.levels({}, 400)[4] == 0  # the line has not risen yet
    assert m.levels({}, 500)[4] == 1


def test_two_keys_do_not_ghost_three_do():
    m = matrix()
    m.press("1", 0)
    m.press("3", 0)
    assert scan(m, MS) == {"1", "3"}
    m.press("7", 2 * MS)
    assert scan(m, 3 * MS) == {"1", "3", "7", "9"}
    m.release("1", 4 * MS)
    assert scan(m, 5 * MS) == {"3", "7"}


def test_ghost_over_a_longer_way():
    # 1-2 share a row, 2-5 a column, 5-6 a row: column of 1 pulls the row of 5 and 6.
    m = matrix()
    for key in ("1", "2", "5"):
        m.press(key, 0)
    m.press("6", 0)
    m.levels({10: 0}, MS)
    levels = m.levels({10: 0}, MS + 10)
    assert levels == {1: 1, 2: 0, 3: 0, 4: 1, 5: 1}


def test_push_pull_columns_fight():
    m = matrix()
    m.press("1", 0)
    m.press("2", 0)
    levels = {10: 0, 11: 1, 12: 1, 13: 1}
    m.levels(levels, MS)
    assert m.levels(levels, MS + 10)[2] == 0
    assert m.contention > 0


def test_settling():
    m = matrix(settle_us=5)
    m.press("1", 0)
    m.levels({10: 0}, 1000)
    assert m.levels({10: 0}, 1004)[2] == 1  # still what it was before column 10 went low
    assert m.levels({10: 0}, 1005)[2] == 0
    # Switching to the next column without waiting shows the old column's key as a ghost.
    assert m.levels({11: 0}, 1010)[2] == 0
    assert m.levels({11: 0}, 1014)[2] == 0
    assert m.levels({11: 0}, 1015)[2] == 1
    m = matrix(settle_us=0)
    m.press("1", 0)
    assert m.levels({10: 0}, 1000)[2] == 0
    assert m.levels({11: 0}, 1000)[2] == 1


def test_settling_counts_from_the_last_change():
    m = matrix(settle_us=5)
    m.press("2", 0)
    m.drive({10: 0}, 100)
    m.drive({11: 0}, 103)
    assert m.levels({11: 0}, 106)[2] == 1
    assert m.levels({11: 0}, 108)[2] == 0


def test_the_end_of_settling_is_an_event():
    m = matrix(settle_us=5)
    m.press("1", 0)
    assert m.next_due() is None
    m.drive({10: 0}, 100)
    assert m.next_due() == 105 and m.levels({10: 0}, 104)[2] == 1
    m.advance(105)
    assert m.next_due() is None and m.levels({10: 0}, 105)[2] == 0


def test_a_column_that_was_low_for_a_moment_leaves_no_trace():
    m = matrix(settle_us=5)
    m.press("1", 0)
    m.drive({10: 0}, 100)
    m.drive({11: 0}, 103)
    assert m.levels({11: 0}, 106)[2] == 1  # the row had no time to fall


def test_pressing_a_held_key_does_nothing():
    m = matrix(bounce_us=(500, 8000))
    m.press("5", 0)
    m.advance(10000)
    m.press("5", 20000)
    assert m.closed("5") and m.next_due() is None


def edges_of(m, key, now):
    m.press(key, now)
    seen = [m.closed(key)]
    times = [now]
    while m.next_due() is not None:
        t = m.next_due()
        m.advance(t)
        seen.append(m.closed(key))
        times.append(t)
    return seen, times


def test_bounce_chatters_and_ends_closed():
    longest = 0
    for seed in range(1, 30):
        m = matrix(bounce_us=(500, 8000), seed=seed)
        seen, times = edges_of(m, "5", 7000)
        assert seen[-1] is True
        assert False in seen  # it opened in between
        assert 500 <= times[-1] - 7000 <= 8000
        longest = max(longest, times[-1] - 7000)
        m.release("5", 50000)
        m.advance(60000)
        assert not m.closed("5") and m.next_due() is None
    assert longest > 4000


def test_bounce_is_repeatable():
    def run(seed):
        return edges_of(matrix(bounce_us=(500, 8000), seed=seed), "5", 0)[1]

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_release_during_bounce():
    for seed in range(1, 40):
        m = matrix(bounce_us=(500, 8000), seed=seed)
        m.press("5", 0)
        m.release("5", 200 + 13 * seed)
        m.advance(20000)
        assert not m.closed("5"), seed
        assert m.next_due() is None


def test_stuck_key():
    m = matrix()
    m.stick("C")
    assert scan(m, 0) == {"C"}
    m.press("C", MS)
    m.release("C", 2 * MS)
    assert scan(m, 3 * MS) == {"C"}
    m.unstick("C")
    assert scan(m, 4 * MS) == set()
    m.stick("1", False)
    m.press("1", 5 * MS)
    assert scan(m, 6 * MS) == set()


def test_wrong_keymap_is_refused():
    try:
        KeyMatrix((1, 2), (3,), (("a",),))
    except ValueError:
        return
    raise AssertionError("accepted")


# ---- faults by schedule -------------------------------------------------------------------------


def test_noise_turns_one_row_round_for_a_moment():
    m = matrix(settle_us=0)
    m.schedule(((1000, "noise", 500, 20), (200_000, "quiet")))
    flips = 0
    last = None
    now = 0
    while m.next_due() is not None:
        now = m.next_due()
        m.advance(now)
        rows = m.levels({}, now)
        low = [r for r in ROWS if not rows[r]]
        assert len(low) <= 1
        if low and low != last:
            flips += 1
        last = low
    assert now == 200_000 and m.levels({}, now + 1) == dict.fromkeys(ROWS, 1)
    assert 250 < flips < 550, flips  # some 200 ms / (500 + 20) us


def test_noise_lifts_a_row_that_is_low():
    m = matrix(settle_us=0)
    for name in ("1", "4", "7", "F1", "*"):
        m.press(name, 0)
    m.schedule(((0, "noise", 100, 10),))
    seen = set()
    for now in range(0, 50_000, 7):
        rows = m.levels({10: 0}, now)
        seen |= {r for r in ROWS if rows[r]}
    assert seen == set(ROWS)


def test_noise_does_not_depend_on_how_often_one_looks():
    def at(step):
        m = matrix(settle_us=0, seed=5)
        m.schedule(((0, "noise", 300, 50),))
        out = []
        for t in range(0, 10_000, step):
            low = [r for r, level in m.levels({}, t).items() if not level]
            if low and t % 50 == 0:
                out.append((t, low[0]))
        return out

    often = at(10)
    assert len(often) > 5 and at(50) == often


def test_a_schedule_moves_settling_and_contacts():
    m = matrix(settle_us=5)
    m.schedule(((3000, "unstick", "5"), (1000, "settle", 40), (2000, "stick", "5")))
    m.advance(1000)
    assert m.settle_us == 40 and not m.closed("5")
    m.advance(2500)
    assert m.closed("5") and m.next_due() == 3000
    m.advance(3000)
    assert not m.closed("5")
    m.schedule(((4000, "open", "5"),))
    m.press("5", 5000)
    assert not m.closed("5")


def test_schedules_come_from_a_seed():
    keys = ("1", "5", "9")
    assert faults(2, keys, 10**6) == faults(2, keys, 10**6) != faults(3, keys, 10**6)
    for seed in range(20):
        schedule = faults(seed, keys, 10**6)
        assert [f[0] for f in schedule] == sorted(f[0] for f in schedule)
        m = matrix()
        m.schedule(schedule)
        m.advance(10**6)
        assert m.next_due() is None and m.settle_us == 5
        assert not any(m.closed(k) for k in keys)
    m = matrix()
    m.schedule(((0, "no such fault"),))
    try:
        m.advance(0)
    except ValueError:
        return
    raise AssertionError("accepted")
