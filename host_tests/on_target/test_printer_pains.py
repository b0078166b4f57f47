# What breaks printers in the field, P1 to P5: each check passes with our driver and fails with a
# naive one (naive_printer.py).

import asyncio

import bus
import wires
from harness import Rng
from machine import UART, Pin
from naive_printer import Naive

from app.kernel import clock
from app.text.font import Font
from app.text.gb18030 import Encoder
from drivers.printer import profiles, selftest
from drivers.printer.thermal import Thermal
from models.escpos_printer import Printer
from models.printer_faults import Faults
from models.printer_head import Head
from models.printer_layout import BoxFont

FONT = wires.ASSETS + "/font16.bin"
BAUD = 115200
BUSY_PIN = 13
CHINESE = "商户存根 消费/SALE"
EURO = 0x20AC

# "SHOUYIN TEST", version 1, level M, by another encoder (segno): rows of three bytes
CODE = (
    21,
    bytes.fromhex(
        "fefbf8822208ba4ae8bab2e8baeae882f208feabf800f8008bd7c8641e881335581c807886ed00008ed8fec990"
        "8238e8bad7a8ba59b8ba32a08226c8fe8e18"
    ),
)


class FullFont:
    """A glyph is a full cell: text is told from what is drawn."""

    def glyph(self, char):
        wide = ord(char) >= 128
        return (24, 24, b"\xff" * 72) if wide else (12, 24, b"\xff\xf0" * 24)


class Charset(Encoder):
    """The terminal's font with one character more, which no printer has."""

    def two(self, code):
        return None if code == EURO else super().two(code)

    def glyph(self, code):
        return (b"\x80\x01" * 16, 16) if code == EURO else super().glyph(code)


class BusyPin:
    """The printer's BUSY output, as a GPIO model of the rack."""

    def __init__(self, model):
        self._model = model

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        return {BUSY_PIN: self._model.busy()}

    def next_due(self):
        return None

    def advance(self, now_us):
        pass


def vary(name, **fields):
    """A profile with other values in some fields."""
    base = profiles.get(name)
    return profiles.Profile(*[fields.get(f, getattr(base, f)) for f in profiles.FIELDS])


def ours(uart, baud, charset, profile, qr, busy):
    return Thermal(uart, baud, clock, charset, profile, qr, busy)


def bench(make, profile, text=CHINESE, keep_rows=0, **options):
    """(model, driver) on a fresh board."""
    bus.use(bus.LocalBus())
    rack = bus.current.rack
    charset = Charset(Font(FONT))
    table = {bytes(charset.two(ord(c))): c for c in text if ord(c) >= 128 and ord(c) != EURO}
    head = options.pop("head", None) or Head(keep_rows=keep_rows)
    model = Printer(
        options.pop("font", FullFont()),
        lambda two: table.get(bytes(two), "?"),
        lambda n, b: "?",
        head=head,
        **options,
    )
    rack.attach_uart(1, model, BAUD)
    rack.attach_gpio(BusyPin(model))
    uart = UART(1, baudrate=BAUD, txbuf=512, rxbuf=256)
    busy = Pin(BUSY_PIN, Pin.IN)
    driver = make(uart, BAUD, charset, profile, lambda data: CODE, busy)
    for _, task in driver.tasks():
        asyncio.create_task(task())
    return model, driver


def do(model, name, *args):
    """Something happens to the printer from outside."""
    bus.current._advance()
    getattr(model, name)(*args, now_us=bus.current.rack.now_us)
    bus.current.rack.poke()


def noise(rows, n):
    """An image as wide as 58 mm paper that no two rows are alike in."""
    return 384, rows, Rng(n).bytes(48 * rows)


def inked(rows):
    """The rows with anything on them, from the first to the last."""
    at = [i for i, row in enumerate(rows) if any(row)]
    return rows[at[0] : at[-1] + 1] if at else []


def rows_of(image):
    return [bytes(image[2][48 * y : 48 * y + 48]) for y in range(image[1])]


async def naive_fails(check, make=Naive):
    """The check must see the failure of a naive driver."""
    try:
        await check(make)
    except AssertionError:
        return
    raise RuntimeError("the check does not see what a naive driver does wrong")


# ---- P1 -----------------------------------------------------------------------------------------


async def p1(make):
    # This one wakes up in single-byte mode, as some do.
    model, driver = bench(make, profiles.get("chinese58"), chinese_default=False)
    await asyncio.sleep_ms(400)
    result = await driver.print([(CHINESE, ""), ("ASCII", ""), ("消费 TOTAL\x1b@ 商", "bwh")])
    await asyncio.sleep_ms(1000)
    lines = [t for t in model.text_lines() if t]
    assert lines[:2] == [CHINESE, "ASCII"], lines
    # Printed text is no command, whatever it holds.
    assert lines[2:] == ["消费 TOTAL @ 商"] and model.errors == [], lines
    assert result.status == "ok"

    # A character that the printer lacks, as dots among those that it has.
    model, driver = bench(make, profiles.get("chinese58"), keep_rows=160)
    await asyncio.sleep_ms(400)
    assert (await driver.print([("€1", "")])).status == "ok"
    rows = inked(model.rows)
    assert len(rows) == 24 and rows[0][:5] == b"\xc0\x00\x03\xff\xf0", rows[0]
    assert model.text_lines()[-1] == "1" and model.errors == []

    # Without Chinese in the printer the line comes from our own font.
    model, driver = bench(
        make, profiles.get("ttl58"), keep_rows=160, chinese=False, status="esc_v", flow="none"
    )
    await asyncio.sleep_ms(400)
    assert (await driver.print([("中1", "")])).status == "ok"
    assert model.errors == [], model.errors
    assert inked(model.rows) == drawn("中1")


def drawn(text):
    """Rows of 48 bytes of a line in the font of the terminal, dot by dot: a dot is black when one
    of the pixels is that it covers a part of (1.5 dots a pixel)."""
    charset = Encoder(Font(FONT))
    grid = [bytearray(48) for _ in range(24)]
    left = 0
    for char in text:
        bits, width = charset.glyph(ord(char))
        for y in range(24):
            for x in range(width * 3 // 2):
                for v in (2 * y // 3, (2 * y + 1) // 3):
                    for u in (2 * x // 3, (2 * x + 1) // 3):
                        if bits[v * width // 8 + u // 8] & 128 >> u % 8:
                            grid[y][(left + x) // 8] |= 128 >> (left + x) % 8
        left += width * 3 // 2
    return inked([bytes(row) for row in grid])


async def test_p1_any_text_prints():
    """Chinese prints as mojibake, the first line after ESC @ most of all, and what the printer
    lacks is missing (python-escpos#491 #269 #190, node-thermal-printer#57)."""
    await p1(ours)
    await naive_fails(p1)


# ---- P2 -----------------------------------------------------------------------------------------


async def p2(make):
    # No flow control, a small buffer, a slow mechanism: the fences and the profile must do.
    picture = noise(160, 2)
    model, driver = bench(
        make,
        vary("chinese58", flow=profiles.NONE, buffer=1024),
        keep_rows=None,
        buffer_size=1024,
        flow="none",
        faults=Faults(slow=2),
    )
    await asyncio.sleep_ms(400)
    result = await driver.print([(picture, "i"), ("end", "")])
    await asyncio.sleep_ms(3000)
    assert model.lost == 0, "%d bytes lost" % model.lost
    assert inked(model.rows)[:160] == rows_of(picture)
    assert model.text_lines()[-1] == "end" and model.errors == []
    assert result.status == "ok"


async def test_p2_the_buffer_never_overruns():
    """Images come out as characters, rows are missing: more is sent than the printer takes
    (ESC-POS-.NET#227, thermalprinter#9, EscPosEncoder#108)."""
    await p2(ours)
    await naive_fails(p2)


async def p2_noise(make):
    lines = ["line %02d of a long receipt" % i for i in range(90)]
    profile = vary("chinese58", flow=profiles.NONE, buffer=1024)
    # (Frames for glyphs: black ones would print slower than the profile says.)
    model, driver = bench(make, profile, font=BoxFont(), buffer_size=1024, flow="none")
    await asyncio.sleep_ms(400)

    async def talk():
        while True:
            bus.current._advance()
            model.send(b"\x00")
            bus.current.rack.poke()
            await asyncio.sleep_ms(3)

    talker = asyncio.create_task(talk())
    await driver.print([(t, "") for t in lines])
    talker.cancel()
    await asyncio.sleep_ms(8000)
    assert model.lost == 0, "%d bytes lost" % model.lost
    assert [t for t in model.text_lines() if t] == lines and model.errors == []


async def test_p2_noise_that_looks_like_an_answer_does_not_hurry_us():
    """Bytes that look like the answer to a fence come by themselves; nothing is sent faster than
    the paper can move (thermalprinter#9)."""
    await p2_noise(ours)
    await naive_fails(p2_noise)


async def p2_flow(make, flow):
    # The profile believes in 4096 bytes, this printer has 320: only flow control saves the image.
    picture = noise(48, 3)
    model, driver = bench(
        make,
        vary("chinese58", flow=profiles.BUSY if flow == "busy" else profiles.XONXOFF, buffer=4096),
        keep_rows=None,
        buffer_size=320,
        high_water=128,
        low_water=64,
        flow=flow,
        faults=Faults(slow=6),
    )
    await asyncio.sleep_ms(400)

    async def talk():
        # Automatic status and noise while the printer says stop.
        while True:
            bus.current._advance()
            model.send(b"\x16\x90")
            bus.current.rack.poke()
            await asyncio.sleep_ms(23)

    talker = asyncio.create_task(talk())
    await driver.print([(picture, "i")])
    talker.cancel()
    await asyncio.sleep_ms(3000)
    assert model.lost == 0, "%d bytes lost" % model.lost
    assert model.errors == [], model.errors
    assert inked(model.rows)[:48] == rows_of(picture)


async def test_p2_only_xon_starts_the_output_again():
    """A status byte of the printer is taken for a permission to send (IXANY, apple/cups#287)."""

    async def check(make):
        await p2_flow(make, "xonxoff")

    await check(ours)
    await naive_fails(check)


async def test_p2_a_busy_line_is_heeded():
    """The printer's BUSY line is wired, and nobody looks at it (EscPosEncoder#108)."""

    async def check(make):
        await p2_flow(make, "busy")

    await check(ours)
    await naive_fails(check)


# ---- P3 -----------------------------------------------------------------------------------------

AGAIN = ("****重打印/DUPLICATED****", "cb")
RECEIPT = [("POS SALES SLIP", "c"), ("RMB 0.01", "bwh"), ("end", "")]


async def p3(make, faults=None, kind="paper"):
    text = "重打印"
    faults = faults or Faults(at=((60, "paper_out", 0, 0),))
    model, driver = bench(make, profiles.get("chinese58"), text, faults=faults, flow="none")
    await asyncio.sleep_ms(400)
    first = await driver.print([(noise(230, 4), "i")] + RECEIPT)
    do(model, "load_paper")
    await asyncio.sleep_ms(2000)
    model.errors.clear()
    second = await driver.print(RECEIPT[:1] + [AGAIN] + RECEIPT[1:])
    await asyncio.sleep_ms(3000)
    lines = [t for t in model.text_lines() if t]
    assert lines[-4:] == ["POS SALES SLIP", AGAIN[0], "RMB 0.01", "end"], lines
    assert model.errors == [], model.errors
    assert first.status == "fault" and first.reason == kind, first
    assert second.status == "ok"


async def test_p3_paper_that_ends_in_an_image_leaves_no_garbage():
    """Paper ends in mid image, and the next job prints garbage (flutter_thermal_printer#8)."""
    await p3(ours)
    await naive_fails(p3)


async def test_p3_bytes_that_are_lost_in_an_image_do_not_spoil_the_next_job():
    """Bytes get lost on the way, the printer waits for the rest of the image, and takes the next
    job for it."""
    # Nothing in it is a command when it is taken for text.
    picture = 384, 90, b"\x55\x66" * 24 * 90
    for start in range(1800, 3800, 317):

        async def check(make, start=start):
            faults = Faults(lose=(start, 60))
            model, driver = bench(make, profiles.get("chinese58"), faults=faults)
            await asyncio.sleep_ms(400)
            await driver.print([(picture, "i"), ("first", "")])
            assert faults.dropped == 60
            await asyncio.sleep_ms(1000)
            model.errors.clear()
            model.tear()
            result = await driver.print(RECEIPT)
            await asyncio.sleep_ms(2000)
            lines = [t for t in model.text_lines() if t]
            assert lines[-3:] == ["POS SALES SLIP", "RMB 0.01", "end"], lines
            assert result.status == "ok" and model.errors == [], model.errors

        await check(ours)
        await naive_fails(check)


# ---- P4 -----------------------------------------------------------------------------------------


async def p4(make):
    faults = Faults()
    model, driver = bench(make, profiles.get("chinese58"), flow="none", faults=faults)
    await asyncio.sleep_ms(400)
    assert (await driver.status()).status == "ok"
    # An answer that comes late is not the answer to the next question.
    do(model, "paper_out", 0)
    faults.late_us = 650_000
    first = await driver.status()
    do(model, "load_paper")
    faults.late_us = 0
    second = await driver.status()
    assert second.status == "ok", second
    assert first.status == "unknown", first
    # Silence and garbage are neither a fault nor a hang.
    for lost in ({"never": 99}, {"garbled": 99}):
        faults.never, faults.garbled = lost.get("never", 0), lost.get("garbled", 0)
        result = await asyncio.wait_for_ms(driver.status(), 5000)
        assert (result.status, result.reason) == ("unknown", "no_answer"), (lost, result)
        assert (await driver.print([("x", "")])).status == "unknown"
    # One that is lost or falsified is asked for again.
    for lost in ({"never": 1}, {"garbled": 1}):
        faults.never, faults.garbled = lost.get("never", 0), lost.get("garbled", 0)
        assert (await driver.status()).status == "ok"
    # Bytes that came by themselves answer nothing.
    bus.current._advance()
    model.send(b"\x7e\x7e")
    bus.current.rack.poke()
    await asyncio.sleep_ms(20)
    assert (await driver.status()).status == "ok"
    do(model, "paper_out", 0)
    assert (await driver.status()).reason == "paper"


async def test_p4_a_status_is_the_answer_to_its_question():
    """A status read returns the previous answer, hangs without one, or takes silence for no paper
    (escpos-rs#18, escpos-netprinter#1, python-escpos paper_status)."""
    await p4(ours)
    await naive_fails(p4)


# ---- P5 -----------------------------------------------------------------------------------------

# What the printers of the profiles are, as models.
MACHINES = {
    "ttl58": {"chinese": False, "status": "esc_v", "flow": "none", "buffer_size": 1024},
    "column58": {"chinese": False, "raster": False, "flow": "none", "buffer_size": 1024},
    "chinese58": {"flow": "xonxoff"},
    "chinese80": {"dots": 576, "flow": "busy", "cutter": True, "qr_functions": (67, 80, 81)},
    "epson80": {"dots": 576, "flow": "busy", "cutter": True, "chinese": False},
}


def native(data, level):
    """A QR code as the printer itself would draw it: the same one, as rows of ints."""
    size, bits = CODE
    return [int.from_bytes(bits[3 * y : 3 * y + 3], "big") >> 3 for y in range(size)]


def coded(rows, stride):
    """How often the code stands on the paper, 6 dots a module, in the middle."""
    size, bits = CODE
    left = (stride * 8 - size * 6) // 2
    want = []
    for y in range(size):
        n = 0
        for x in range(size):
            n = n << 6 | (63 if bits[3 * y + x // 8] & 128 >> x % 8 else 0)
        want.append((n << stride * 8 - left - size * 6).to_bytes(stride, "big"))
    found = 0
    for i in range(len(rows) - size * 6 + 1):
        if all(rows[i + y * 6 + 5] == want[y] for y in range(size)):
            found += all(rows[i + y] == want[y // 6] for y in range(size * 6))
    return found


async def p5(make):
    for name, machine in MACHINES.items():
        profile = profiles.get(name)
        draws = profile.qr != profiles.DOTS
        options = dict(machine, qr=native if draws else None)
        densities = set()
        model, driver = bench(make, profile, "中文收银〓", keep_rows=500, **options)
        record = model._parser.commands
        for method in ("density", "print_density"):
            plain = getattr(record, method)
            setattr(record, method, lambda n, p=plain, d=densities: (d.add(n), p(n)))
        await asyncio.sleep_ms(400)
        result = await driver.print(list(selftest.document(profile, b"SHOUYIN TEST")))
        await asyncio.sleep_ms(500)
        lines = [t for t in model.text_lines() if t]
        assert lines and lines[0] == name and "QR BY DOTS" in lines, (name, lines, result)
        assert ("中文 收银 〓" in lines) == profile.gb18030
        assert model.qr_payloads == [b"SHOUYIN TEST"], name
        assert model.unsupported == ([] if draws else ["GS ( k 181"]), (name, model.unsupported)
        assert model.errors == [] and model.lost == 0, (name, model.errors)
        assert coded(model.rows, profile.dots // 8) == 1 + draws, name
        assert len(densities) == 5 and len(model.cuts) == bool(profile.cutter), name
        assert result.status == "ok", (name, result)
        model.tear()


async def test_p5_every_profile_prints_its_self_test():
    """Every printer is another model: width, commands, status and QR codes differ (the capability
    profiles of python-escpos); one fixed command set fits none of the others."""
    await p5(ours)
    await naive_fails(p5)


def test_the_profiles_are_complete():
    assert set(profiles.NAMES) == set(MACHINES)
    for name in profiles.NAMES:
        p = profiles.get(name)
        assert p.columns * 12 == p.dots and p.status and p.fence and p.buffer >= 1024
