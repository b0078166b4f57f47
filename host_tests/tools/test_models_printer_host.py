"""The printer model against python-escpos, Pillow and the host's codecs; and on a real line."""

import pathlib
import random
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
if str(TOOLS) not in sys.path:
    sys.path.insert(0, str(TOOLS))

from models.escpos_printer import Printer  # noqa: E402
from models.printer_head import Head  # noqa: E402


def settle(p, until=None):
    out = b""
    while (due := p.next_due()) is not None and (until is None or due <= until):
        p.advance(due)
        out += p.transmit(due)
    return out


def printed(data, **kw):
    p = Printer(buffer_size=len(data) + 16, **kw)
    p.receive(data, 0)
    settle(p)
    return p


def bitmap(rows, width):
    return [[row[x >> 3] >> (7 - (x & 7)) & 1 for x in range(width)] for row in rows]


# --- codecs
# -----------------------------------------------------------------------------------------


def test_every_gb2312_character():
    text = ""
    for row in list(range(0xA1, 0xAA)) + list(range(0xB0, 0xF8)):
        for cell in range(0xA1, 0xFF):
            pair = bytes((row, cell))
            try:
                pair.decode("gb2312")
            except UnicodeDecodeError:
                continue
            # GB18030 maps A1A4 and A1AA otherwise than Python's gb2312 codec does.
            text += pair.decode("gb18030")
    assert len(text) == 7445
    p = Printer(head=Head(keep_rows=0))
    got = ""
    for i in range(0, len(text), 16):
        p.receive(text[i : i + 16].encode("gb18030") + b"\n", p._now)
        settle(p)
        got += "".join(p.tear().lines)
    assert got == text
    assert p.errors == []


def test_gbk_beyond_gb2312_and_code_pages():
    p = printed("\u4e02\u9f98\u20ac".encode("gb18030") + b"\n")
    assert p.text_lines() == ["\u4e02\u9f98\u20ac"] and p.errors == []
    p = printed(b"\x1c.\x1bt\x00\x80\x1bt\x11\x80\x1bt\x10\x80\n")
    assert p.text_lines() == ["\u00c7\u0410\u20ac"]


# --- python-escpos as the terminal
# ------------------------------------------------------------------


@pytest.fixture
def dummy():
    return pytest.importorskip("escpos.printer").Dummy()


def test_escpos_receipt(dummy):
    dummy.hw("INIT")
    dummy.set(align="center", bold=True, double_width=True, double_height=True)
    dummy.text("SHOUYIN\n")
    dummy.set_with_default(align="left")
    dummy.text("Coffee            2 x 18.00\n")
    dummy.set(underline=1)
    dummy.text("TOTAL                 36.00\n")
    dummy.set_with_default()
    dummy.ln(2)
    dummy.cashdraw(2)
    dummy.cut()
    p = printed(dummy.output)
    assert p.errors == []
    assert p.text_lines() == [
        "SHOUYIN",
        "Coffee            2 x 18.00",
        "TOTAL                 36.00",
        "",
        "",
    ]
    assert p.drawer_pulses == [(0, 100, 100)]
    assert p.unsupported[-1] == "GS V"
    head = bitmap(p.rows[:48], 384)
    ink = [x for row in head for x in range(384) if row[x]]
    # Seven characters of 24 dots, in the middle; the frame of a box font begins two dots inside.
    assert min(ink) == 108 + 2 and max(ink) <= 108 + 7 * 24 - 1


@pytest.mark.parametrize("impl", ["bitImageRaster", "bitImageColumn"])
@pytest.mark.parametrize("size", [(384, 50), (100, 31), (7, 3)])
def test_escpos_image(dummy, impl, size):
    image_module = pytest.importorskip("PIL.Image")
    dots = random.Random(size[0])
    im = image_module.new("1", size, 1)
    for y in range(size[1]):
        for x in range(size[0]):
            if dots.random() < 0.3:
                im.putpixel((x, y), 0)
    dummy.image(im, impl=impl, center=False)
    p = printed(dummy.output, head=Head(speed_mm_s=100))
    while p.head.overheated or p._jobs:
        settle(p)
    assert p.errors == []
    expected = [[0 if im.getpixel((x, y)) else 1 for x in range(size[0])] for y in range(size[1])]
    got = bitmap(p.rows, size[0])
    assert got[: size[1]] == expected
    assert not any(map(any, got[size[1] :]))


def test_escpos_native_qr_is_recorded(dummy):
    dummy.qr("https://example.com/pay?o=1", native=True)
    dummy.text("x\n")
    p = printed(dummy.output)
    assert p.qr_payloads == [b"https://example.com/pay?o=1"]
    assert p.text_lines()[-1] == "x" and p.errors == []


def test_escpos_status_queries(dummy):
    dummy._raw(b"\x10\x04\x01\x10\x04\x04")
    p = Printer(flow="none")
    p.paper_out()
    p.receive(dummy.output, 0)
    assert p.transmit(2000) == b"\x1a\x7e"


# --- on a line of 115,200 bit/s
# ------------------------------------------------------------------------


def feed_at_baud(p, data, honour, byte_us=87, queue=64):
    """Sends data byte by byte; honour: stop `queue` bytes after XOFF, as a UART FIFO does."""
    now = 0
    stopped = False
    behind = 0
    i = 0
    while i < len(data):
        now += byte_us
        for byte in p.transmit(now):
            if byte == 0x13:
                stopped, behind = True, queue
            elif byte == 0x11:
                stopped = False
        if stopped and honour:
            if not behind:
                p.advance(now)
                continue
            behind -= 1
        p.receive(data[i : i + 1], now)
        i += 1
    settle(p)
    return p


def receipt():
    lines = [b"%-32d" % (1000000 + i) for i in range(120)]
    return b"".join(line + b"\n" for line in lines)


def test_unpaced_job_loses_bytes_without_flow_control():
    p = feed_at_baud(Printer(buffer_size=1024, flow="none"), receipt(), honour=False)
    assert p.lost > 500


def test_xon_xoff_saves_every_byte():
    p = feed_at_baud(Printer(buffer_size=1024, flow="xonxoff"), receipt(), honour=True)
    assert p.lost == 0 and p.max_fill < 1024
    assert p.text_lines() == [line.decode() for line in receipt().split(b"\n")[:-1]]


def test_xoff_that_nobody_heeds_does_not_help():
    p = feed_at_baud(Printer(buffer_size=1024, flow="xonxoff"), receipt(), honour=False)
    assert p.lost > 500


# --- nothing breaks it
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_random_bytes(seed):
    rng = random.Random(seed)
    alphabet = bytes(range(256)) + b"\x1b\x1d\x1c\x10\x12\x0a" * 12 + b"@!a*vrd(k" * 6
    p = Printer(buffer_size=512, flow="xonxoff", head=Head(keep_rows=10))
    now = 0
    for _ in range(150):
        now += rng.randrange(1, 40000)
        p.receive(bytes(rng.choice(alphabet) for _ in range(rng.randrange(1, 60))), now)
        p.transmit(now)
        if rng.random() < 0.05:
            rng.choice(
                [p.paper_out, p.load_paper, lambda: p.cover(True), lambda: p.cover(False)]
            )()
    p.power(False, now + 1)
    p.cover(False, now + 2)
    p.load_paper(now_us=now + 3)
    p.power(True, now + 4)
    p.head.heat_to(25, now + 5)
    p.tear()
    p.receive(b"still alive\n", now + 10**6)
    settle(p)
    assert p.text_lines() == ["still alive"]


@pytest.mark.parametrize("seed", range(6))
def test_how_the_bytes_are_cut_up_does_not_matter(seed):
    rng = random.Random(seed)
    data = b"\x1b@\x1ba\x01\x1d!\x11" + "\u5408\u8ba1".encode("gb18030") + b"\n\x1d!\x00"
    data += b"\x1dv0\x00\x03\x00\x05\x00" + bytes(rng.randrange(256) for _ in range(15))
    data += b"\x1b*\x21\x04\x00" + bytes(rng.randrange(256) for _ in range(12)) + b"\nend\n"
    whole = printed(data)
    pieces = Printer()
    now = 0
    i = 0
    while i < len(data):
        n = rng.randrange(1, 5)
        pieces.receive(data[i : i + n], now)
        now += rng.randrange(1, 3000)
        i += n
    settle(pieces)
    assert pieces.rows == whole.rows and pieces.text_lines() == whole.text_lines()
    assert whole.errors == [] == pieces.errors
