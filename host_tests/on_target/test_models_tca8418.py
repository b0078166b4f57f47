# The TCA8418 model: registers, FIFO, INT, faults. Runs inside MicroPython and on CPython.

from models import tca8418
from models.tca8418 import TCA8418

KEYS = (
    ("1", "2", "3", "A"),
    ("4", "5", "6", "B"),
    ("7", "8", "9", "C"),
    ("*", "0", "#", None),
)
INT = 15
MS = 1000


def chip(**kw):
    kw.setdefault("debounce_us", (20 * MS, 20 * MS))
    return TCA8418(INT, KEYS, **kw)


def write(m, register, *values, now=0):
    assert m.begin(now)
    assert m.write(bytes((register,) + values)) == 1 + len(values)


def read(m, register, n=1, now=0):
    assert m.begin(now)
    m.write(bytes((register,)))
    return m.read(n)


def ready(**kw):
    m = chip(**kw)
    write(m, 0x1D, 0x0F)
    write(m, 0x1E, 0x0F)
    write(m, 0x01, 0x09)
    return m


def level(m, now):
    return m.levels({}, now)[INT]


def events(m, now):
    """Everything in the FIFO, as text: "+5", "-5"."""
    out = []
    while read(m, 0x03, now=now)[0] & 15:
        e = read(m, 0x04, now=now)[0]
        row, col = divmod((e & 0x7F) - 1, 10)
        name = KEYS[row][col] or "(no key)"
        out.append(("+" if e & 0x80 else "-") + name)
    return out


def test_after_power_on_it_is_silent_and_everything_is_0():
    m = chip()
    m.press("5", 0)
    assert level(m, 100 * MS) == 1
    for register in range(1, 0x2F):
        assert read(m, register, now=100 * MS) == b"\0", register
    assert m.errors == []


def test_a_key_goes_through_debounce_fifo_and_int():
    m = ready()
    m.press("6", 10 * MS)
    assert m.next_due() == 30 * MS and level(m, 29 * MS) == 1
    m.advance(30 * MS)
    assert level(m, 30 * MS) == 0
    assert read(m, 0x02, now=31 * MS) == b"\x01" and read(m, 0x03, now=31 * MS) == b"\x01"
    assert read(m, 0x04, now=31 * MS) == bytes((0x80 | 13,))  # row 1, column 2
    assert read(m, 0x04, now=31 * MS) == b"\0"
    assert level(m, 31 * MS) == 0, "until the status is cleared"
    write(m, 0x02, 0x01, now=32 * MS)
    assert level(m, 32 * MS) == 1
    m.release("6", 40 * MS)
    assert level(m, 60 * MS) == 0 and events(m, 60 * MS) == ["-6"]


def test_int_stays_low_without_an_edge_while_the_fifo_holds_something():
    m = ready()
    m.press("1", 0)
    m.press("2", 0)
    assert level(m, 20 * MS) == 0
    read(m, 0x04, now=20 * MS)
    write(m, 0x02, 0x1F, now=20 * MS)
    assert level(m, 20 * MS) == 0 and read(m, 0x02, now=20 * MS) == b"\x01"
    read(m, 0x04, now=20 * MS)
    write(m, 0x02, 0x1F, now=20 * MS)
    assert level(m, 20 * MS) == 1


def test_with_int_cfg_an_attempt_to_clear_lifts_int_for_50_us():
    m = ready()
    write(m, 0x01, 0x19)
    m.press("1", 0)
    m.press("2", 0)
    assert level(m, 20 * MS) == 0
    read(m, 0x04, now=20 * MS)
    write(m, 0x02, 0x01, now=20 * MS)
    assert level(m, 20 * MS) == 1 and level(m, 20 * MS + 49) == 1
    m.advance(20 * MS + 49)
    assert m.next_due() == 20 * MS + 50 and level(m, 20 * MS + 50) == 0


def test_a_release_within_the_debounce_time_is_nothing():
    m = ready()
    m.press("1", 0)
    m.release("1", 15 * MS)
    assert level(m, 100 * MS) == 1 and events(m, 100 * MS) == []


def test_three_corners_report_the_fourth():
    m = ready()
    for name in ("1", "2", "4"):
        m.press(name, 0)
    assert level(m, 20 * MS) == 0
    assert events(m, 20 * MS) == ["+1", "+2", "+4", "+5"]
    m.release("1", 30 * MS)
    level(m, 60 * MS)
    assert sorted(events(m, 60 * MS)) == ["-1", "-5"]


def test_a_chain_of_keys_joins_all_its_lines():
    m = ready()
    for name in ("1", "5", "9", "4", "8"):  # rows 1-2-3 and columns 1-2-3, all of them
        m.press(name, 0)
    level(m, 20 * MS)
    assert sorted(events(m, 20 * MS)) == ["+" + name for name in "123456789"]


def test_only_pins_that_belong_to_the_keypad_are_scanned():
    m = ready()
    write(m, 0x1E, 0x01)
    m.press("1", 0)
    m.press("2", 0)
    level(m, 50 * MS)
    assert events(m, 50 * MS) == ["+1"]
    write(m, 0x1E, 0x03, now=50 * MS)
    level(m, 70 * MS)
    assert events(m, 70 * MS) == ["+2"], "a key that is held is found when its pin joins"


def test_the_eleventh_event_is_lost_or_pushes_the_first_out():
    for mode, want in ((0x09, "+1"), (0x29, "-1")):
        m = ready()
        write(m, 0x01, mode)
        now = 0
        # 11 events, one key at a time
        for name in "12345":
            m.press(name, now)
            level(m, now + 30 * MS)
            m.release(name, now + 30 * MS)
            now += 60 * MS
            level(m, now)
        m.press("6", now)
        now += 30 * MS
        level(m, now)
        assert read(m, 0x02, now=now) == b"\x09" and m.lost == 1
        write(m, 0x02, 0x08, now=now)
        assert read(m, 0x02, now=now) == b"\x01", "the overflow's flag is cleared by itself"
        got = events(m, now)
        assert len(got) == 10 and got[0] == want, got


def test_b_to_j_show_the_fifo_and_take_nothing():
    m = ready()
    m.press("1", 0)
    m.press("2", 0)
    level(m, 20 * MS)
    assert read(m, 0x05, now=20 * MS) == bytes((0x80 | 2,))
    assert read(m, 0x0D, now=20 * MS) == b"\0"
    assert events(m, 20 * MS) == ["+1", "+2"]


def test_the_pointer_moves_with_ai_only():
    m = ready()
    assert read(m, 0x1D, 3) == b"\x0f\x0f\x0f"
    write(m, 0x01, 0x89)
    assert read(m, 0x1D, 3) == b"\x0f\x0f\x00"
    write(m, 0x1D, 0x07, 0x03)
    assert read(m, 0x1D, 2) == b"\x07\x03"


def test_what_a_driver_should_not_do_is_noted():
    m = ready()
    write(m, 0x04, 1)
    read(m, 0x2F)
    read(m, 0x00)
    assert len(m.errors) == 3
    write(m, 0x20, 0xFF)
    assert m.unsupported == [(0x20, 0xFF)]


def test_faults_of_the_bus():
    m = ready()
    m.schedule(((1000, "nack", 2), (5000, "mute", 3000)))
    assert m.next_due() in (1000, 20 * MS)
    assert not m.begin(1000) and not m.begin(1001) and m.begin(1002)
    assert m.begin(4999) and not m.begin(5000) and not m.begin(7999) and m.begin(8000)


def test_a_brown_out_forgets_configuration_events_and_keys():
    m = ready()
    m.press("1", 0)
    assert level(m, 20 * MS) == 0
    m.schedule(((21 * MS, "brownout"),))
    m.advance(21 * MS)
    assert level(m, 21 * MS) == 1
    assert read(m, 0x01, now=21 * MS) == read(m, 0x1D, now=21 * MS) == b"\0"
    write(m, 0x1D, 0x0F, now=30 * MS)
    write(m, 0x1E, 0x0F, now=30 * MS)
    level(m, 60 * MS)
    assert events(m, 60 * MS) == ["+1"], "the finger is still there"


def test_a_chip_that_hangs_scans_again_after_a_reset():
    m = ready()
    m.schedule(((0, "hang"),))
    m.press("1", 1000)
    assert level(m, 50 * MS) == 1 and read(m, 0x1D, now=50 * MS) == b"\x0f"
    m.reset(0, 60 * MS)
    m.reset(1, 61 * MS)
    write(m, 0x1D, 0x0F, now=62 * MS)
    write(m, 0x1E, 0x0F, now=62 * MS)
    level(m, 90 * MS)
    assert events(m, 90 * MS) == ["+1"]


def test_a_storm_and_stuck_keys():
    m = ready()
    m.schedule(((1000, "storm", 3), (2000, "miss", 2), (3000, "stick", "5")))
    m.advance(1000)
    got = events(m, 1000)
    assert len(got) == 6 and got[0][0] == "+" and got[1] == "-" + got[0][1:]
    m.advance(3000)
    assert m.missed == 2
    level(m, 40 * MS)
    assert events(m, 40 * MS) == ["+5"]
    m.press("5", 50 * MS)
    m.release("5", 90 * MS)
    level(m, 200 * MS)
    assert events(m, 200 * MS) == []
    m.stick("5", False)
    level(m, 300 * MS)
    assert events(m, 300 * MS) == ["-5"]


def test_a_transfer_that_moves_int_is_something_to_look_at():
    m = ready()
    m.press("1", 0)
    m.advance(20 * MS)
    assert m.next_due() is None
    events(m, 21 * MS)
    write(m, 0x02, 0x01, now=21 * MS)
    assert m.next_due() == 21 * MS
    m.advance(21 * MS)
    assert m.next_due() is None


def test_schedules_are_repeatable():
    assert tca8418.faults(3, 10**6) == tca8418.faults(3, 10**6)
    assert tca8418.faults(3, 10**6) != tca8418.faults(4, 10**6)
    try:
        m = chip()
        m.schedule(((0, "no such fault"),))
        m.advance(0)
    except ValueError:
        return
    raise AssertionError("accepted")
