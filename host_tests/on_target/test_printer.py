# The printer driver against the printer model: text, pacing, and every way in which a job can end.

import asyncio
import gc
from array import array

import bus
import micropython
import wires
from harness import Rng, cancel_at, rounds, seed
from machine import UART

from app.kernel import clock
from app.text.font import Font
from app.text.gb18030 import Encoder
from drivers.printer import escpos, profiles, raster
from drivers.printer.document import Document
from drivers.printer.thermal import Thermal
from models.escpos_printer import Printer
from models.printer_faults import Faults
from models.printer_head import Head

FONT = wires.ASSETS + "/font16.bin"

# The same sentence as bytes, made by another codec (Python's gb18030).
CHINESE = "商户存根 消费/SALE"
CHINESE_GB = b"\xc9\xcc\xbb\xa7\xb4\xe6\xb8\xf9 \xcf\xfb\xb7\xd1/SALE"


class TinyFont:
    """A glyph is a full cell: the tests look at text and time, not at shapes."""

    def glyph(self, char):
        wide = ord(char) >= 128
        return (24, 24, b"\xff" * 72) if wide else (12, 24, b"\xff\xf0" * 24)


class Decoder:
    """Two GB18030 bytes -> character, for the characters of this test."""

    def __init__(self, font, text):
        self._table = {bytes(font.gb_code(ord(c))): c for c in text if ord(c) >= 128}

    def __call__(self, two):
        return self._table.get(bytes(two), "?")


def printer(text=CHINESE, baud=115200, profile="chinese58", **options):
    rack = bus.current.rack
    font = Font(FONT)
    head = options.pop("head", None) or Head(keep_rows=0)
    model = Printer(TinyFont(), Decoder(font, text), lambda n, b: "?", head=head, **options)
    rack.attach_uart(1, model, baud)
    uart = UART(1, baudrate=baud, txbuf=512, rxbuf=256)
    driver = Thermal(uart, baud, clock, Encoder(font), profiles.get(profile))
    asyncio.create_task(driver.run())
    return model, driver


def fault(model, name, *args):
    bus.current._advance()
    getattr(model, name)(*args, now_us=bus.current.rack.now_us)
    bus.current.rack.poke()


RECEIPT = [("POS SALES SLIP", "cwh"), ("", "-")] + [
    ("line %02d of a receipt" % i, "") for i in range(40)
]


async def test_chinese_and_styles_are_printed_as_written():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    result = await driver.print(
        [(CHINESE, ""), ("", "-"), ("right", "r"), ("BIG", "cbwh"), ("x" * 40, "")]
    )
    assert result.status == "ok", result
    lines = [t for t in model.text_lines() if t]
    assert lines == [CHINESE, "-" * 32, "right", "BIG", "x" * 32, "x" * 8]
    assert model.errors == [] and model.unsupported == [] and model.lost == 0


async def test_text_is_encoded_as_another_codec_does():
    font = Font(FONT)
    assert Encoder(font)(CHINESE) == CHINESE_GB


async def test_a_long_receipt_never_overruns_a_small_buffer():
    model, driver = printer(buffer_size=512)
    await asyncio.sleep_ms(400)
    result = await driver.print(RECEIPT)
    assert result.status == "ok"
    assert model.lost == 0 and model.max_fill <= 512
    lines = [t for t in model.text_lines() if t.startswith("line")]
    assert lines == ["line %02d of a receipt" % i for i in range(40)]


async def test_ok_means_that_the_paper_has_it():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    await driver.print(RECEIPT)
    assert (
        model.text_lines()[-1].startswith("line 39")
        or "line 39 of a receipt" in model.text_lines()
    )
    assert len(model.ring) == 0 and not model._jobs


async def test_without_paper_nothing_is_sent_to_the_head():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    fault(model, "paper_out", 0)
    result = await driver.print(RECEIPT)
    assert (result.status, result.reason) == ("fault", "paper")
    assert model.text_lines() == []
    assert (await driver.status()).reason == "paper"


FAULTS = (
    ("paper_out", (100,), "paper"),
    ("cover", (True,), "cover"),
    ("overheat", (80,), "heat"),
    ("low_voltage", (True,), "heat"),
    ("break_down", (True,), "broken"),
)


async def test_every_fault_in_the_middle_ends_the_job_with_its_reason():
    for name, args, reason in FAULTS:
        bus.use(bus.LocalBus())
        model, driver = printer()
        await asyncio.sleep_ms(400)
        job = asyncio.create_task(driver.print(RECEIPT))
        await asyncio.sleep_ms(900)
        fault(model, name, *args)
        result = await job
        assert result.status == "fault", (name, result)
        assert result.reason == reason, (name, result)


async def test_after_a_fault_the_whole_document_comes_again_on_clean_lines():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    fault(model, "paper_out", 300)
    assert (await driver.print(RECEIPT)).reason == "paper"
    fault(model, "load_paper")
    result = await driver.print([("****DUPLICATED****", "cb")] + RECEIPT)
    assert result.status == "ok"
    lines = [t for t in model.text_lines() if t]
    again = lines.index("****DUPLICATED****")
    assert lines[again + 1 : again + 3] == ["POS SALES SLIP", "-" * 32]
    assert lines[-40:] == ["line %02d of a receipt" % i for i in range(40)]
    assert model.errors == []


async def test_paper_that_is_loaded_in_time_saves_the_job():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    job = asyncio.create_task(driver.print(RECEIPT))
    await asyncio.sleep_ms(900)
    fault(model, "paper_out", 0)
    await asyncio.sleep_ms(700)
    fault(model, "load_paper")
    assert (await job).status == "ok"


async def test_a_mute_printer_is_unknown_and_not_out_of_paper():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    model.mute()
    result = await driver.print(RECEIPT)
    assert (result.status, result.reason) == ("unknown", "no_answer")
    assert model.text_lines() == []


async def test_a_printer_that_falls_silent_in_the_middle_is_unknown():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    job = asyncio.create_task(driver.print(RECEIPT))
    await asyncio.sleep_ms(900)
    model.mute()
    assert (await job).status == "unknown"


async def test_a_printer_that_loses_its_supply_is_unknown_and_then_works_again():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    job = asyncio.create_task(driver.print(RECEIPT))
    await asyncio.sleep_ms(900)
    bus.current._advance()
    model.power(False, bus.current.rack.now_us)
    assert (await job).status == "unknown"
    bus.current._advance()
    model.power(True, bus.current.rack.now_us)
    bus.current.rack.poke()
    await asyncio.sleep_ms(500)
    assert (await driver.print([("again", "")])).status == "ok"


async def test_noise_from_the_printer_decides_nothing():
    """Bytes that answer no question: XON, XOFF, automatic status, line noise."""
    model, driver = printer()
    await asyncio.sleep_ms(400)
    rng = Rng(5)

    async def noise():
        while True:
            bus.current._advance()
            model.send(bytes((rng.choice((0x11, 0x13, 0xFF, 0x90, 0x55)),)))
            bus.current.rack.poke()
            await asyncio.sleep_ms(37)

    task = asyncio.create_task(noise())
    result = await driver.print(RECEIPT)
    task.cancel()
    assert result.status == "ok"
    assert "line 39 of a receipt" in model.text_lines()


async def test_two_documents_come_one_after_the_other():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    results = await asyncio.gather(driver.print([("first", "")]), driver.print([("second", "")]))
    assert [r.status for r in results] == ["ok", "ok"]
    assert [t for t in model.text_lines() if t] == ["first", "second"]


async def test_a_job_can_be_cancelled_at_any_moment():
    model, driver = printer()
    await asyncio.sleep_ms(400)
    for ms in range(1, 1500, 53):
        await cancel_at(ms, lambda: driver.print(RECEIPT[:12]))
        assert not driver._lock.locked()
    await asyncio.sleep_ms(5000)
    model.tear()
    assert (await driver.print([("clean", "")])).status == "ok"
    assert [t for t in model.text_lines() if t] == ["clean"], model.text_lines()
    assert model.errors == []


async def test_writing_never_blocks_the_loop():
    """UART.write blocks the processor when more is written than the transmit buffer takes."""
    model, driver = printer(baud=9600)
    await asyncio.sleep_ms(400)
    spent = []
    spend = bus.current.spend
    bus.current.spend = lambda us: (spent.append(us), spend(us))
    result = await driver.print(RECEIPT[:10])
    assert result.status == "ok"
    assert max(spent) < 1000, max(spent)


def test_wrap_never_cuts_a_wide_character():
    codes = [ord(c) for c in "ab中文cd"]
    assert escpos.wrap(codes, 4) == [(0, 3), (3, 6)]
    assert escpos.wrap(codes[2:4], 3) == [(0, 1), (1, 2)]
    assert escpos.wrap(b"", 4) == [(0, 0)]


def test_status_bytes_of_the_manual():
    """Out of paper is 1A / 32 / 7E (devices.md 1.1); an idle printer answers 12 or 16."""
    paper, error, offline = profiles.DLE_EOT
    judge = escpos.judge
    assert judge(0x7E, paper) == (True, "paper")
    assert judge(0x32, offline) == (True, "paper")
    assert judge(0x12, paper) == judge(0x12, offline) == (True, None)
    assert judge(0x1E, paper) == (True, None)  # near end
    assert judge(0x16, offline) == (True, "cover")
    assert judge(0x1A, error) == (True, "cutter")
    assert judge(0x32, error) == (True, "broken") and judge(0x52, error) == (True, "heat")
    for b in (0x12, 0x16, 0x1A, 0x32, 0x7E):
        assert judge(b, paper)[0] and not judge(b, profiles.GS_R)[0]
    for b in (0x00, 0x03, 0x0C):
        assert judge(b, profiles.GS_R)[0] and not judge(b, paper)[0]
    for b in (0x11, 0x13, 0xFF, 0x90):
        assert not judge(b, profiles.GS_R)[0] and not judge(b, paper)[0]


def test_module_status_of_the_manual():
    """ESC v: bit 0 online, 2 paper out, 3 voltage, 6 over temperature (devices.md 1.1)."""
    (question,) = profiles.ESC_V
    answers = ((0x01, None), (0x04, "paper"), (0x08, "voltage"), (0x40, "heat"), (0, "offline"))
    for b, reason in answers:
        assert escpos.judge(b, question) == (True, reason), b
    for b in (0x11, 0x13, 0x12, 0x80, 0xFF):
        assert not escpos.judge(b, question)[0]


async def test_a_jammed_cutter_and_a_weak_battery_have_their_names():
    model, driver = printer(profile="epson80", dots=576, chinese=False, cutter=True)
    await asyncio.sleep_ms(400)
    fault(model, "cutter_jam")
    result = await driver.print([("x", "")])
    assert (result.status, result.reason) == ("fault", "cutter")
    assert (await driver.status()).reason == "cutter"
    fault(model, "cutter_jam", False)
    assert (await driver.print([("x", "")])).status == "ok" and len(model.cuts) == 1

    bus.use(bus.LocalBus())
    model, driver = printer(profile="ttl58", chinese=False, status="esc_v", flow="none")
    await asyncio.sleep_ms(400)
    for name, arg, off, reason in (
        ("low_voltage", True, False, "voltage"),
        ("overheat", 80, 20, "heat"),
        ("cover", True, False, "offline"),  # these modules have no bit for it
    ):
        fault(model, name, arg)
        assert (await driver.print([("x", "")])).reason == reason, name
        fault(model, name, off)
        if name == "overheat":
            await asyncio.sleep_ms(1000)
        assert (await driver.print([("x", "")])).status == "ok", name


async def test_random_faults_end_every_job_with_a_type_and_the_next_one_well():
    """One fault somewhere, ended by itself: the job says ok only when all of it is on paper, and
    the whole document comes clean when it is printed again."""
    first = seed(20)
    for n in range(first, first + rounds(12)):
        bus.use(bus.LocalBus())
        faults = Faults.random(n, 500)
        model, driver = printer(faults=faults, cutter=True)
        await asyncio.sleep_ms(400)
        row, kind = faults.at[0][:2]
        result = await driver.print(RECEIPT[:16])
        done = [t for t in model.text_lines() if t.startswith("line")]
        if result.status == "ok":
            assert done == [t for t, _ in RECEIPT[2:16]], (n, kind, row)
        else:
            assert result.reason in REASONS[kind], (n, kind, result)
        await asyncio.sleep_ms(9000)
        model.tear()
        assert (await driver.print(RECEIPT[:16])).status == "ok", (n, kind)
        done = [t for t in model.text_lines() if t.startswith("line")]
        assert done[-14:] == [t for t, _ in RECEIPT[2:16]], (n, kind, row)
        assert model.errors == [], (n, kind, model.errors)


REASONS = {
    "paper_out": ("paper",),
    "cover": ("cover",),
    "overheat": ("heat",),
    "low_voltage": ("heat",),  # DLE EOT has one bit for both
    "cutter_jam": (),  # nothing is cut here
    "break_down": ("broken",),
}


def test_packing_dots_allocates_nothing():
    out = bytearray(24 * 48 + 4)
    bits = bytes(range(32))
    geometry = array("H", [48, 0, 24, 12, 2, 0, 0, 1])
    micropython.heap_lock()
    try:
        raster.clear(out, 0, 1152)
        raster.draw(out, 0, bits, geometry)
        raster.modules(out, 48, bits, 2, 16, 8, 6)
        raster.columns(out, 0, out, 48, 0, 24)
    finally:
        micropython.heap_unlock()


def test_a_long_receipt_needs_no_more_memory_than_a_short_one():
    charset = Encoder(Font(FONT))
    document = Document(profiles.get("ttl58"), charset)

    def peak(n):
        most = 0
        for _ in document.strips((CHINESE, "") for _ in range(n)):
            gc.collect()
            most = max(most, gc.mem_alloc())
        return most

    peak(2)
    assert peak(60) - peak(3) < 256, (peak(60), peak(3))


def test_lines_are_no_wider_than_the_paper():
    charset = Encoder(Font(FONT))
    for name in profiles.NAMES:
        p = profiles.get(name)
        document = Document(p, charset)
        for style in ("", "c", "r", "w", "bwh", "cwh"):
            for text in ("中" * 40, "a中" * 20, "0123456789" * 8):
                for data, rows in document.strips([(text, style)]):
                    assert len(data) <= document.limit + 80 and rows >= 0
                    at = bytes(data).find(b"\x1dv0\x00")
                    assert at < 0 or data[at + 4] * 8 <= p.dots, (name, style, text)


def test_the_reasons_of_the_profiles_are_the_words_of_the_driver():
    import drivers.printer as words

    known = {getattr(words, n) for n in dir(words) if n.isupper()}
    questions = profiles.DLE_EOT + profiles.ESC_V + (profiles.GS_R,)
    reasons = {row[2] for q in questions for row in q[3]}
    assert len(reasons) == 7 and not reasons - known, reasons - known
    assert profiles.NAMES == tuple([row[0] for row in profiles.ROWS])
