# The printer model's variants and its schedule of faults (on MicroPython and on CPython).

from models.escpos_printer import Printer
from models.printer_faults import KINDS, Faults
from models.printer_head import Head

LINES = b"".join(b"line %02d\n" % i for i in range(20))
QR = b"\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x02\x1d(k\x03\x001E1"
QR += b"\x1d(k\x06\x001P0abc\x1d(k\x03\x001Q0"


def make(**options):
    return Printer(None, lambda two: "?", lambda n, b: "?", **options)


def settle(p, until=None):
    """Everything that happens by itself; -> the bytes that were answered."""
    out = b""
    while True:
        due = p.next_due()
        if due is None or (until is not None and due > until):
            return out
        p.advance(due)
        out += p.transmit(due)


def test_a_schedule_ends_the_paper_and_loads_it_again():
    p = make(flow="none", faults=Faults(at=((100, "paper_out", 0, 4000),)))
    p.receive(LINES, 0)
    settle(p, 2_000_000)
    assert not p.online() and p.head.total_rows in (100, 101)  # the row under way is finished
    settle(p)
    assert p.online() and len(p.text_lines()) == 20 and p.errors == []
    assert p._now > 4_000_000


def test_every_kind_of_fault_stops_the_printer_and_is_told():
    told = {
        "paper_out": (0x04, 0x60),
        "cover": (0x02, 0x04),
        "overheat": (0x03, 0x40),
        "low_voltage": (0x03, 0x40),
        "cutter_jam": (0x03, 0x08),
        "break_down": (0x03, 0x20),
    }
    assert set(told) == set(KINDS)
    for kind, (n, bit) in told.items():
        argument = {"paper_out": 0, "overheat": 75}.get(kind, True)
        faults = Faults(at=((50, kind, argument, 3000),))
        p = make(flow="none", cutter=True, faults=faults)
        p.receive(LINES[:40] + b"\x1dV\x00" + LINES[40:], 0)
        settle(p, 1_500_000)
        if kind == "overheat":
            p.overheat(75)
        assert not p.online(), kind
        p.receive(bytes((0x10, 0x04, n)), 1_500_000)
        answer = settle(p, 1_600_000)
        assert len(answer) == 1 and answer[0] & bit, (kind, answer)
        settle(p)
        assert p.online() and len(p.text_lines()) == 20, kind


def test_a_seed_repeats_its_schedule():
    first, again = Faults.random(5, 1000), Faults.random(5, 1000)
    assert first.at == again.at
    assert len({Faults.random(n, 1000).at[0][:2] for n in range(30)}) > 20
    lost = []
    for seed in (7, 7, 8):
        p = make(flow="none", faults=Faults(seed, drop=10))
        p.receive(LINES, 0)
        settle(p)
        lost.append((p.faults.dropped, p.text_lines()))
    assert lost[0] == lost[1] != lost[2] and lost[0][0] > 5


def test_a_slow_mechanism_takes_its_time():
    times = []
    for faults in (None, Faults(slow=3, slow_from=300)):
        p = make(flow="none", faults=faults)
        p.receive(LINES, 0)
        settle(p)
        times.append(p._now)
    # 600 rows: half of them three times as long
    assert abs(times[1] - 2 * times[0]) < times[0] // 50


def test_answers_are_late_lost_and_falsified():
    p = make(flow="none", faults=Faults(late_us=400_000, late=1))
    p.receive(b"\x10\x04\x01", 0)
    assert p.transmit(300_000) == b"" and p.transmit(402_000) == b"\x12"
    p.receive(b"\x10\x04\x01", 500_000)
    assert p.transmit(502_000) == b"\x12"
    p = make(flow="none", faults=Faults(never=1, garbled=1))
    p.receive(b"\x10\x04\x01" * 3, 0)
    answers = p.transmit(10_000)
    assert len(answers) == 2 and answers[0] & 0x93 != 0x12 and answers[1] == 0x12


def test_80_mm_has_576_dots():
    p = make(dots=576, flow="none")
    p.receive(b"\x1ba\x02x\n\x1dv0\x00\x48\x00\x01\x00" + b"\xff" * 72, 0)
    settle(p)
    assert [len(row) for row in p.rows] == [72] * 31 and p.rows[-1] == b"\xff" * 72
    assert p.rows[0][:70] == bytes(70) and p.errors == []
    assert p.tear().pbm()[:10] == b"P4\n576 31\n"


def test_without_chinese_bytes_are_of_the_code_page():
    p = make(chinese=False, flow="none")
    p.receive(b"\x1c&\xd6\xd0\n", 0)
    settle(p)
    assert p.unsupported == ["FS &"] and p.text_lines() == ["??"]


def test_a_module_without_the_raster_command_prints_the_bytes():
    p = make(raster=False, flow="none")
    p.receive(b"\x1dv0\x00\x01\x00\x01\x00A\n", 0)
    settle(p)
    assert p.errors and "A" in p.text_lines()[-1]


def test_a_module_with_one_status_knows_no_other():
    p = make(status="esc_v", flow="none")
    p.receive(b"\x10\x04\x04\x1dr\x01\x1bv", 0)
    assert settle(p) == b"\x01" and p.unsupported == ["GS r"]


def test_a_cut_is_made_where_the_paper_stands():
    p = make(cutter=True, flow="none")
    p.receive(b"x\n\x1dVB\x00y\n\x1dV\x00", 0)
    settle(p)
    assert p.cuts == [30 + p.cutter_rows, 60 + p.cutter_rows]
    p = make(flow="none")
    p.receive(b"\x1dV\x00", 0)
    settle(p)
    assert p.unsupported == ["GS V"] and p.cuts == []


def test_a_qr_code_of_its_own_is_drawn_as_its_encoder_says():
    asked = []

    def encoder(data, level):
        asked.append((data, level))
        return [0b101, 0b010, 0b111]

    p = make(qr=encoder, flow="none")
    p.receive(QR, 0)
    settle(p)
    assert asked == [(b"abc", "M")] and p.qr_payloads == [b"abc"]
    assert [row[:1] for row in p.rows] == [b"\xcc", b"\xcc", b"\x30", b"\x30", b"\xfc", b"\xfc"]
    assert p.errors == [] and p.unsupported == []
    p = make(qr_functions=(67, 80, 81), flow="none", head=Head(keep_rows=0))
    p.receive(QR, 0)
    settle(p)
    assert len(p.errors) == 2 and p.unsupported == ["GS ( k 181"]


def test_the_density_of_a_large_printer():
    p = make(flow="none")
    p.receive(b"\x1d(K\x02\x001\x06", 0)
    settle(p)
    assert p.head.density == 130
    p.receive(b"\x1d(K\x02\x001\xfb", p._now)
    settle(p)
    assert p.head.density == 75
    p.receive(b"\x1d(K\x02\x001\x20", p._now)
    settle(p)
    assert p.errors
