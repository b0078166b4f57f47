# The printer model: buffer, timing, status, faults, power. Runs inside MicroPython.

from models.escpos_printer import Printer
from models.printer_head import Head

HANZI = {b"\xc4\xe3": "\u4f60", b"\xba\xc3": "\u597d"}  # GB18030: 你 好
ROW_US = 2083  # 60 mm/s, 8 rows/mm


class Blocks:
    """A font of solid cells; a space is empty, '.' has only its top left dot."""

    def glyph(self, char):
        width = 12 if ord(char) < 0x80 else 24
        stride = (width + 7) // 8
        row = ((1 << width) - 1) << (stride * 8 - width)
        if char == "\u7f3a":
            return None
        if char == " ":
            row = 0
        if char == ".":
            top = (1 << (stride * 8 - 1)).to_bytes(stride, "big")
            return width, 24, top + bytes(23 * stride)
        return width, 24, row.to_bytes(stride, "big") * 24


def printer(**kw):
    kw.setdefault("decode", lambda two: HANZI[two])
    kw.setdefault("flow", "none")
    return Printer(font=Blocks(), **kw)


def settle(p, until=None):
    """Lets the printer work; returns [(us, bytes sent)]."""
    sent = []
    while True:
        due = p.next_due()
        if due is None or (until is not None and due > until):
            return sent
        p.advance(due)
        data = p.transmit(due)
        if data:
            sent.append((due, data))


def job(data, p=None, **kw):
    p = p or printer(**kw)
    p.receive(data, 0)
    settle(p)
    return p


def black(row):
    """Runs of black dots in a row: [(first, last)]."""
    out = []
    start = None
    for x in range(385):
        on = x < 384 and row[x >> 3] >> (7 - (x & 7)) & 1
        if on and start is None:
            start = x
        elif not on and start is not None:
            out.append((start, x - 1))
            start = None
    return out


# --- time and buffer ---------------------------------------------------------------------------


def test_row_time_depends_on_black_dots():
    p = printer()
    p.receive(b"\x1dv0\x00\x01\x00\x0a\x00" + b"\x80" * 10, 0)
    settle(p)
    light = p._now
    assert light == 10 * ROW_US
    p = printer()
    p.receive(b"\x1dv0\x00\x30\x00\x0a\x00" + b"\xff" * 480, 0)
    settle(p)
    assert p._now == 10 * 6 * 820  # 384 dots in six strobes of 64
    p = printer()
    p.receive(b"\x1b7\x2f\x50\x02\x1dv0\x00\x30\x00\x0a\x00" + b"\xff" * 480, 0)
    settle(p)
    assert p._now == light  # all 384 dots at once: the motor is the slower one
    p = printer()
    p.receive(b"\x1b7\x05\xfa\x02\x1dv0\x00\x30\x00\x01\x00" + b"\xff" * 48, 0)
    settle(p)
    assert p._now == 8 * 2520  # 48 dots at once
    p.receive(b"\x1b@\x1dv0\x00\x30\x00\x01\x00" + b"\xff" * 48, p._now)
    settle(p)
    assert p._now == 8 * 2520 + 6 * 820  # ESC @ has put the heat settings back
    p = printer()
    p.receive(b"\x12#\xff\x1dv0\x00\x30\x00\x01\x00" + b"\xff" * 48, 0)
    settle(p)
    assert p._now == 6 * (800 * 205 // 100 + 20) + 7 * 250


def test_buffer_fills_and_overflows():
    p = printer(buffer_size=300, head=Head(keep_rows=0))
    p.receive(b"A\n", 0)
    p.receive(b"x" * 290, 1)  # the mechanism is busy with the first line
    assert p.lost == 0
    p.receive(b"y" * 20, 2)
    assert p.lost == 10 and p.max_fill == 300
    settle(p)
    p.receive(b"\n", 10000000)
    settle(p)
    text = "".join(p.text_lines())
    assert text == "A" + "x" * 290 + "y" * 10
    assert p.rows == [] and p.tear().row_count == 30 * 11


def test_buffer_drains_at_printing_speed():
    p = printer(buffer_size=200, head=Head(keep_rows=0))
    now = 0
    # 20 characters a line at the pace of the paper: nothing is lost.
    for _ in range(20):
        p.receive(b"01234567890123456789\n", now)
        now += 30 * ROW_US
        p.transmit(now)
    assert p.lost == 0
    # The same twice as fast is too much for 200 bytes.
    for _ in range(40):
        p.receive(b"01234567890123456789\n", now)
        now += 15 * ROW_US
        p.transmit(now)
    assert p.lost > 100


def test_idle_printer_takes_more_than_its_buffer():
    p = printer(buffer_size=64)
    p.receive(b"\x1b@" * 100, 0)
    assert p.lost == 0 and len(p.ring) == 0


def test_xon_xoff():
    p = printer(buffer_size=400, flow="xonxoff", high_water=300, low_water=100)
    p.receive(b"A\n", 0)
    p.receive(b"x" * 299, 1)
    assert p.transmit(1) == b""
    p.receive(b"y", 2)
    assert p.transmit(2) == b"\x13"
    sent = settle(p)
    assert [d for _, d in sent] == [b"\x11"]
    assert len(p.ring) <= 100
    now = sent[0][0] + 10**6
    p.cover(True, now)
    assert p.transmit(now) == b"\x13"
    p.cover(False, now + 1)
    assert p.transmit(now + 1) == b"\x11"


def test_busy_line():
    p = printer(buffer_size=400, flow="busy", high_water=300, low_water=100)
    assert p.busy() == 0
    p.receive(b"A\n" + b"x" * 310, 0)
    assert p.busy() == 1
    settle(p)
    assert p.busy() == 0
    p.paper_out()
    assert p.busy() == 1
    p.load_paper()
    assert p.busy() == 0
    p.power(False, p._now)
    assert p.busy() == 1
    p = printer(flow="none")
    p.paper_out()
    assert p.busy() == 0 and p.transmit(0) == b""
    p = Printer()  # both, if nothing is said
    p.paper_out()
    assert p.busy() == 1 and p.transmit(0) == b"\x13"


def test_fence_is_answered_after_the_paper():
    p = printer()
    p.receive(b"A\n\x1dr\x01", 0)
    sent = settle(p)
    assert sent == [(30 * ROW_US, b"\x00")]
    p.receive(b"\x1dr1\x1dr2", 10**6)
    assert p.transmit(10**6) == b"\x00\x00"


# --- status ------------------------------------------------------------------------------------


def ask(p, n, now):
    p.receive(b"\x10\x04" + bytes((n,)), now)
    return p.transmit(now + 2000)


def test_idle_status():
    p = printer()
    assert [ask(p, n, 10000 * n) for n in (1, 2, 3, 4)] == [b"\x12"] * 4
    assert ask(printer(drawer_high=True), 1, 0) == b"\x16"
    assert ask(p, 5, 60000) == b"" and p.errors == []


def test_out_of_paper_status():
    p = printer()
    p.paper_out(now_us=0)
    assert [ask(p, n, 10000 * n) for n in (1, 2, 3, 4)] == [b"\x1a", b"\x32", b"\x12", b"\x7e"]


def test_other_faults_status():
    p = printer()
    p.near_end()
    assert ask(p, 4, 0) == b"\x1e" and ask(p, 1, 3000) == b"\x12"
    p = printer()
    p.cover(True)
    assert ask(p, 1, 0) == b"\x1a" and ask(p, 2, 3000) == b"\x16"
    p = printer()
    p.low_voltage()
    assert [ask(p, n, 3000 * n) for n in (1, 2, 3)] == [b"\x1a", b"\x52", b"\x52"]
    p = printer()
    p.break_down()
    assert ask(p, 3, 0) == b"\x32"
    p = printer()
    p.feed_button(True)
    assert ask(p, 1, 0) == b"\x52" and ask(p, 2, 3000) == b"\x1a"


def test_realtime_answer_with_a_full_buffer_and_within_data():
    p = printer(buffer_size=100)
    p.receive(b"A\n", 0)
    p.receive(b"x" * 200, 1)
    assert ask(p, 4, 10) == b"\x12"
    p = printer()
    p.receive(b"\x1dv0\x00\x03\x00\x01\x00\x10\x04\x01", 0)  # raster data that look like it
    settled = settle(p)
    assert (1000, b"\x12") in settled
    assert black(p.rows[0]) == [(3, 3), (13, 13), (23, 23)]


def test_split_realtime_command():
    p = printer()
    p.receive(b"\x10", 0)
    p.receive(b"\x04", 10)
    p.receive(b"\x04", 20)
    assert p.transmit(2000) == b"\x12"
    p.receive(b"\x10\x10\x04\x01", 3000)
    assert p.transmit(5000) == b"\x12"


def test_module_status():
    p = printer()
    p.receive(b"\x1bv", 0)
    assert p.transmit(0) == b"\x01"
    p.paper_out()
    p.receive(b"\x1bv\x00", 10)  # with and without the extra NUL
    assert p.transmit(10) == b"\x04"
    p.load_paper()
    p.overheat()
    p.low_voltage()
    p.receive(b"\x1bv", 20)
    assert p.transmit(20) == b"\x48"
    p = printer()
    p.paper_out()
    p.receive(b"A\n\x1bv", 0)  # behind data that cannot be printed there is no answer
    assert p.transmit(1000) == b""


def test_asb():
    p = printer()
    p.receive(b"\x1da\x0f", 0)
    assert p.transmit(0) == b"\x10\x00\x00\x00"
    p.cover(True, 10)
    assert p.transmit(10) == b"\x38\x00\x00\x00"
    p.cover(False, 20)
    assert p.transmit(20) == b"\x10\x00\x00\x00"
    p.paper_out(0, 30)
    assert p.transmit(30) == b"\x18\x00\x0f\x00"
    p.load_paper(now_us=40)
    p.transmit(40)
    p.receive(b"\x1da\x08", 50)
    assert p.transmit(50) == b"\x10\x00\x00\x00"
    p.cover(True, 60)  # not among the enabled items
    assert p.transmit(60) == b""
    p.near_end(True, 70)
    assert p.transmit(70) == b"\x38\x00\x03\x00"
    p.cover(False, 80)
    p.receive(b"\x1da\x00", 90)
    p.near_end(False, 100)
    assert p.transmit(100) == b""


# --- faults ------------------------------------------------------------------------------------


def test_paper_out_in_the_middle_keeps_the_data():
    p = printer()
    p.paper_out(after_rows=40)
    p.receive(b"A\nB\nC\n\x1dr\x01", 0)
    sent = settle(p)
    assert sent == [] and len(p.rows) == 40 and p.text_lines() == ["A"]
    assert not p.online()
    torn = p.tear()
    assert len(torn.rows) == 40 and torn.lines == ["A"]
    p.load_paper(now_us=5000000)
    sent = settle(p)
    assert [d for _, d in sent] == [b"\x00"]
    assert p.text_lines() == ["B", "C"] and len(p.rows) == 50


def test_paper_out_in_a_raster_swallows_the_next_job():
    p = printer()
    p.paper_out(after_rows=2)
    p.receive(b"\x1dv0\x00\x01\x00\x08\x00" + b"\xff" * 4, 0)  # the terminal gave up here
    settle(p)
    p.load_paper(now_us=10**6)
    p.receive(b"\x1b@AB\nCD\n", 10**6)
    settle(p)
    assert p.text_lines() == ["", "CD"]  # four bytes of the new job went into the old picture
    assert len(p.rows) == 8 + 30 + 30


def test_an_offline_printer_executes_nothing():
    p = printer()
    p.cover(True)
    p.receive(b"\x1ba\x02A\n\x1dr\x01", 0)
    assert settle(p) == [] and len(p.ring) == 8 and p.rows == []
    p.cover(False)
    assert [d for _, d in settle(p)] == [b"\x00"]
    assert p.text_lines() == ["A"]


def test_a_new_roll_is_not_near_its_end():
    p = printer()
    p.near_end()
    p.load_paper()
    assert ask(p, 4, 0) == b"\x12"


def test_cover_open_stops_after_the_row():
    p = printer()
    p.receive(b"A\n", 0)
    p.cover(True, 10 * ROW_US + 5)
    settle(p)
    assert len(p.rows) == 11
    p.cover(False, 10**6)
    settle(p)
    assert len(p.rows) == 30 and p.text_lines() == ["A"]


def test_overheat_and_cooling():
    p = printer()
    p.overheat(75, 0)
    p.receive(b"A\n", 10)
    assert ask(p, 3, 20) == b"\x52"
    settle(p)
    assert p.text_lines() == ["A"]
    # 50 K above ambient to 35 K, time constant 8 s: 8 s x ln(50 / 35) = 2.85 s
    began = p._now - 30 * ROW_US
    assert 2800000 <= began <= 3000000, began


def test_cooling_does_not_depend_on_how_often_one_looks():
    ends = []
    for step in (10**7, 1700, 333):
        p = printer()
        p.overheat(70, 5)
        p.receive(b"A\n", 10)
        now = 10
        while not p.rows and now < 10**7:
            now += step
            p.advance(now)
        settle(p)
        ends.append(p.head._cooled_us)
        assert not p.head.overheated and p.text_lines() == ["A"]
    assert ends[1] == ends[2] and 1900000 < ends[1] < 2200000
    assert ends[0] >= ends[1]


def test_solid_black_overheats_text_does_not():
    p = printer(head=Head(length_mm=2000))
    strips = 0
    while not p.head.overheated and strips < 30:
        strips += 1
        p.receive(b"\x1dv0\x00\x30\x00\x28\x00" + b"\xff" * 1920, p._now)
        while p.next_due() is not None and not p.head.overheated:
            p.advance(p.next_due())
        p.tear()
    assert p.head.overheated and 20 <= strips <= 28, strips  # 13 cm of 40-row strips
    p = printer()
    for _ in range(60):
        p.receive(b"\x1b!\x00. . . . . . . .\n", p._now)
        settle(p)
        p.tear()
    assert not p.head.overheated


def test_mute_prints_but_says_nothing():
    p = printer(flow="xonxoff")
    p.mute()
    p.receive(b"A\n\x1dr\x01\x10\x04\x01", 0)
    assert settle(p) == [] and p.text_lines() == ["A"]
    p.mute(False)
    assert ask(p, 1, 10**6) == b"\x12"


def test_power_cycle():
    p = printer()
    p.receive(b"A\nB\n\x1ba\x01", 0)
    p.power(False, 40 * ROW_US + 3)
    assert p.next_due() is None
    p.receive(b"lost\n", 10**6)
    p.power(True, 2 * 10**6)
    p.receive(b"early\n", 2 * 10**6 + 1000)
    assert p.ignored == 11
    p.receive(b"C\n", 3 * 10**6)
    settle(p)
    assert p.text_lines() == ["A", "C"]  # B was torn in two and counts for nothing
    assert len(p.rows) == 40 + 30 and black(p.rows[40]) == [(0, 11)]


def test_paper_length_and_near_end():
    p = printer(head=Head(length_mm=100, near_end_mm=95))
    job(b"A\n", p)
    assert p.paper_left_mm() == 96 and ask(p, 4, p._now) == b"\x12"
    p.receive(b"\x1bJ\x20", p._now)
    settle(p)
    assert p.paper_left_mm() == 92 and ask(p, 4, p._now) == b"\x1e"
    assert p.tear().mm() == 7
    assert p.tear().mm() == 0
