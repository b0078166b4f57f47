# QR and bar-code reader: what goes wrong at a counter (Q1 to Q16). Each check passes on our driver
# and fails on one as it is usually written (naive_scanner).

import asyncio

import bus
import naive_scanner as naive
from harness import Rng, raises, rounds, seed
from machine import UART

from app.kernel import clock
from drivers.scanner import gm65, receiver
from drivers.scanner.gm65 import GM65
from models.scanner import Scanner

CODE = b"281234567890123456"
OTHER = b"134567890123456789"


class Counter:
    """A reader on a fresh board, its driver, and the customer's telephone."""

    def __init__(self, factory, ready=True, **options):
        bus.use(bus.LocalBus())
        self.rack = bus.current.rack
        self.model = Scanner()
        self.rack.attach_uart(1, self.model, 9600)
        if ready:
            for zone, value in ((0, 0xD5), (6, 100), (0x60, 1)):
                self.model.eeprom[zone] = self.model.zones[zone] = value
        self.driver = factory(UART(1, baudrate=9600, rxbuf=512), clock, **options)
        self.tasks = [asyncio.create_task(task()) for _, task in self.driver.tasks()]

    def now(self):
        bus.current._advance()
        return self.rack.now_us

    def do(self, act, *args):
        """model.act(*args, now)"""
        act(*(args + (self.now(),)))
        self.rack.poke()

    async def shown(self, code, timeout_ms=5000, after_ms=400):
        """The result of a scan during which a code is shown, and taken away."""
        task = asyncio.create_task(self.driver.scan(timeout_ms))
        await asyncio.sleep_ms(after_ms)
        self.do(self.model.show, code)
        result = await task
        self.do(self.model.remove)
        return result

    async def close(self):
        assert self.model.errors == [], self.model.errors
        for task in self.tasks:
            task.cancel()
        await asyncio.sleep_ms(1)


async def proves(check, ours=GM65, usual=naive.Scanner):
    """check(factory) holds for our driver and not for the usual one."""
    await check(ours)
    try:
        await check(usual)
    except (AssertionError, asyncio.TimeoutError, MemoryError):
        return
    raise AssertionError("the check does not see it")


def good(code, data=CODE):
    assert code.kind == "ok" and bytes(code.data) == data, (code.kind, code.reason)


def bad(code, kind, reason):
    assert (code.kind, code.reason, code.data) == (kind, reason, None), (code.kind, code.reason)


async def test_good_codes_one_after_the_other():
    for factory in (GM65, naive.Scanner):
        c = Counter(factory)
        for code in (CODE, OTHER, b"https://pay.example/a?b=1"):
            good(await c.shown(code), code)
        assert c.model.errors == [] and not c.model.lit
        await c.close()


async def test_q1_split_reads():
    """Q1 A code arrives in pieces, as the receiver's interrupts cut it: one code."""

    async def check(factory):
        c = Counter(factory)
        c.model.pieces = 4
        c.model.gap_us = 60000
        good(await c.shown(CODE))
        await c.close()

    await proves(check, usual=naive.Pieces)


async def test_q2_reply_and_code_in_one_read():
    """Q2 The reply to the trigger and the code come in one go: told apart."""

    async def check(factory):
        c = Counter(factory)
        c.model.with_reply = True
        c.do(c.model.show, CODE)
        good(await c.driver.scan(3000))
        await c.close()

    await proves(check, usual=naive.Pieces)


async def test_q3_garbage_before_a_code():
    """Q3 The line picks up bytes, before the trigger's reply and before the code: they are no
    part of it."""

    async def check(factory):
        c = Counter(factory)
        c.do(c.model.stray, b"\x00\xff\x81")
        await asyncio.sleep_ms(50)
        good(await c.shown(CODE))
        task = asyncio.create_task(c.driver.scan(5000))
        await asyncio.sleep_ms(400)
        c.do(c.model.stray, b"\xf8\x80\x00")
        await asyncio.sleep_ms(20)
        c.do(c.model.show, OTHER)
        good(await task, OTHER)
        await c.close()

    await proves(check)


async def test_q4_code_while_nobody_scans():
    """Q4 A code comes while nobody scans (set-up code shown, read late): it is not the next
    customer's."""

    async def check(factory):
        c = Counter(factory)
        c.do(c.model.stray, OTHER + b"\r")
        await asyncio.sleep_ms(500)
        good(await c.shown(CODE))
        await c.close()

    await proves(check)


async def test_q5_the_same_code_again():
    """Q5 The telephone still lies there when the next scan begins: not taken twice, until it was
    away for a while."""

    async def check(factory):
        c = Counter(factory, again_ms=2000)
        c.do(c.model.show, CODE)
        good(await c.driver.scan(3000))
        bad(await c.driver.scan(3000), "fault", "timeout")
        assert c.driver.repeats > 2 and not c.model.lit
        c.do(c.model.show, OTHER)
        good(await c.driver.scan(3000), OTHER)
        c.do(c.model.remove)
        await asyncio.sleep_ms(2500)
        c.do(c.model.show, OTHER)
        good(await c.driver.scan(3000), OTHER)
        await c.close()

    await proves(check)


async def test_q6_nobody_shows_a_code():
    """Q6 No code: the scan ends when it was said, and the light goes out; it stays on until then,
    longer than the reader's own limit."""

    async def check(factory):
        c = Counter(factory, read_s=2)
        start = clock.ticks()
        task = asyncio.create_task(c.driver.scan(9000))
        await asyncio.sleep_ms(8000)
        assert c.model.lit
        bad(await task, "fault", "timeout")
        assert 8900 <= clock.diff(clock.ticks(), start) <= 9100
        await asyncio.sleep_ms(50)
        assert not c.model.lit and not c.model.aiming
        await c.close()

    await proves(check)


async def test_q7_cancel():
    """Q7 CANCEL at any moment puts the light out, and the next scan works."""

    async def check(factory):
        c = Counter(factory)
        for ms in tuple(range(0, 120, 3)) + (200, 2001):
            task = asyncio.create_task(c.driver.scan(20000))
            await asyncio.sleep_ms(ms)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            await asyncio.sleep_ms(60)
            assert not c.model.lit, ms
            good(await c.shown(CODE if ms & 1 else OTHER), CODE if ms & 1 else OTHER)
        await c.close()

    await proves(check)


async def test_q8_code_breaks_off():
    """Q8 A code that breaks off before its end is no code, and no part of the next."""

    async def check(factory):
        c = Counter(factory)
        c.model.cut = 11
        bad(await c.shown(CODE), "fault", "cut_off")
        c.model.cut = None
        good(await c.shown(CODE))
        await c.close()

    await proves(check)


async def test_q9_lengths_and_characters():
    """Q9 A code that is longer than any, shorter than any, or no text: a reason, bounded memory,
    and the next code is read."""

    async def check(factory):
        c = Counter(factory, longest=64, shortest=10)
        for code, reason in (
            (b"9" * 65, "too_long"),
            (b"9" * 600, "too_long"),
            (b"123456789", "too_short"),
            (b"12345\x0067890", "not_text"),
            (b"1234567890\xe4\xbd\xa0", "not_text"),
        ):
            bad(await c.shown(code), "fault", reason)
            good(await c.shown(CODE))
            await asyncio.sleep_ms(3500)
        assert len(c.driver._rx._buf) < 200
        await c.close()

    await proves(check)


async def test_q10_reader_is_silent():
    """Q10 The reader is unplugged or hangs: UNKNOWN within 1.5 s, not "no code" after a minute."""

    async def check(factory):
        c = Counter(factory)
        c.model.power(False, 0)
        start = clock.ticks()
        bad(await c.driver.scan(60000), "unknown", "silent")
        assert clock.diff(clock.ticks(), start) <= 1500
        await c.close()

    await proves(check)


async def test_q11_reader_forgot_its_settings():
    """Q11 A new reader, one that lost power, one to which somebody showed a set-up code: it is
    set up again, and its EEPROM is written only when something was wrong."""

    async def check(factory):
        c = Counter(factory, ready=False)
        assert await c.driver.setup() == "ok"
        good(await c.shown(CODE))
        assert c.model.saves == 1 and c.model.eeprom[0] == 0xD5
        c.do(c.model.reboot)
        await asyncio.sleep_ms(500)
        good(await c.shown(OTHER), OTHER)
        assert c.model.saves == 1
        c.do(c.model.setup_code, 0, 0xD6)  # continuous
        c.do(c.model.show, OTHER)
        await asyncio.sleep_ms(4000)
        c.do(c.model.remove)
        good(await c.shown(CODE))
        assert c.model.zones[0] == 0xD5 and c.model.saves == 2
        await c.close()

    await proves(check)


async def test_q12_power_lost_during_a_scan():
    """Q12 The reader restarts in the middle of a scan: it is told again to read."""

    async def check(factory):
        c = Counter(factory, read_s=2)
        task = asyncio.create_task(c.driver.scan(12000))
        await asyncio.sleep_ms(1000)
        c.do(c.model.reboot)
        await asyncio.sleep_ms(4000)
        c.do(c.model.show, CODE)
        good(await task)
        await c.close()

    await proves(check)


async def test_q13_code_comes_as_the_scan_ends():
    """Q13 The code is read in the moment of CANCEL: it is nobody's, and the next customer's scan
    does not get it."""

    async def check(factory):
        for ms in range(112, 160, 4):
            c = Counter(factory)
            c.do(c.model.show, OTHER)
            task = asyncio.create_task(c.driver.scan(5000))
            await asyncio.sleep_ms(ms)
            taken = task.done()
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            c.do(c.model.remove)
            if not taken:
                good(await c.shown(CODE), CODE)
            await c.close()

    await proves(check)


async def test_q14_replies_lost_and_damaged():
    """Q14 Commands and replies are lost or damaged on the line: asked again, three times."""

    async def check(factory):
        for fault, n in (("mute", 1), ("mute", 2), ("lost_replies", 2), ("bad_replies", 2)):
            c = Counter(factory)
            setattr(c.model, fault, n)
            good(await c.shown(CODE, after_ms=1500))
            await c.close()

    await proves(check)


async def test_q15_stop_is_lost():
    """Q15 The command that puts the light out is lost: sent again."""

    async def check(factory):
        c = Counter(factory, read_s=25)
        task = asyncio.create_task(c.driver.scan(20000))
        await asyncio.sleep_ms(500)
        c.model.mute = 2
        task.cancel()
        await asyncio.sleep_ms(2000)
        assert not c.model.lit
        await c.close()

    await proves(check)


async def test_q16_a_payment_code_is_not_shown():
    """Q16 A payment code in a log is money: its text form hides it, and nothing of it stays in the
    driver; wipe() ends it."""

    async def check(factory):
        c = Counter(factory)
        code = await c.shown(CODE)
        for text in (repr(code), str(code), "%s" % code, "%r" % (code,)):
            assert CODE.decode() not in text and "2812" not in text
        rx = c.driver._rx
        assert not any(rx._buf) and not any(c.driver._chunk) and c.driver._code is None
        code.wipe()
        assert not any(code.data)
        c.model.cut = 11
        await c.shown(OTHER)
        assert not any(rx._buf)
        await c.close()

    await proves(check)


# ---- details ------------------------------------------------------------------------------------


async def test_light_aimer_and_beep_are_options():
    c = Counter(GM65, ready=False, light=False, aimer=False, beep=False)
    assert await c.driver.setup() == "ok"
    task = asyncio.create_task(c.driver.scan(5000))
    await asyncio.sleep_ms(300)
    assert c.model.reading and not c.model.lit and not c.model.aiming
    c.do(c.model.show, CODE)
    good(await task)
    assert c.model.beeps == 0
    c = Counter(GM65)
    good(await c.shown(CODE))
    assert c.model.beeps == 1


async def test_prefix_and_other_tails():
    c = Counter(GM65, ready=False, prefix=b"<", suffix=b"\r\n", tail=(0x60, 0x21))
    good(await c.shown(b"zz<" + CODE))
    bad(await c.shown(OTHER), "fault", "too_short")


async def test_binary_codes_when_they_are_wanted():
    c = Counter(GM65, text=False)
    for code in (b"\x02\x00\x00\x01\x00\x33\x31", b"\x02\x02\x00\x00", b"\xe4\xbd\xa0\x00\x01"):
        good(await c.shown(code), code)


async def test_setup_says_whether_the_reader_is_there():
    c = Counter(GM65, ready=False)
    assert await c.driver.setup() == "ok" and c.model.saves == 1
    c.model.power(False, 0)
    assert await c.driver.setup() == "unknown"


def test_frames_of_the_manual():
    assert receiver.frame(8, 0x0A, b"\x3e").hex() == "7e000801000a3e4ccf"
    assert receiver.frame(7, 0x0A, b"\x01").hex() == "7e000701000a01ee8a"
    assert gm65._KEEP.hex() == "7e000901000000dec8"
    assert gm65._START.hex() == "7e00080100020102da"


def test_any_bytes_give_codes_or_nothing():
    rng = Rng(seed(5))
    rx = receiver.Receiver(b"", b"\r", 1, 32, True)
    for _ in range(rounds(300)):
        rx.expect(rng.below(2) == 1)
        for _ in range(rng.below(200)):
            b = rng.choice((2, 0, 1, 0x33, 0x31, 13, 0x41)) if rng.below(2) else rng.below(256)
            if rx.feed(b) == receiver.CODE:
                code = rx.take()
                if code.kind == "ok":
                    assert 1 <= len(code.data) <= 32 and all(0x20 <= c < 0x7F for c in code.data)
                else:
                    assert code.reason in ("too_long", "too_short", "not_text") and not code.data
        rx.take(False)
        assert rx.n == 0 and not any(rx._buf)


def test_no_suffix_is_refused():
    raises(ValueError, receiver.Receiver, b"", b"", 1, 32, True)
    raises(ValueError, receiver.Receiver, b"", b"\r", 9, 8, True)
