# Stripe readers, clock and data (S1 to S10) and UART (S11 to S13): what goes wrong at a counter.
# Each check passes on our driver and fails on one as it is usually written (naive_magstripe).

import asyncio
import time

import bus
import micropython
import naive_magstripe as naive
from harness import Rng, rounds, seed
from machine import UART, Pin

from app.kernel import clock
from drivers.card import ttl
from drivers.card.magstripe import MagStripe
from drivers.card.ttl import TtlStripe
from models.magreader import MagReader, lrc
from models.magstripe_ttl import TtlReader, stripe

T1 = "B6225000000000014^TEST/CARD^30121010000000000"
T2 = "6225000000000014=30121010000000000"
T3 = "016225000000000014=1561560000000000000000300000000"
PRESENT = 10
LINES = {1: (11, 12), 2: (13, 14), 3: (15, 16)}


class Counter:
    """A reader on a fresh board, its driver, and the cashier's hand."""

    def __init__(self, factory, tracks=(2,), chance=1, **options):
        bus.use(bus.LocalBus())
        Pin._pins.clear()
        self.rack = bus.current.rack
        self.model = TtlReader(PRESENT, {t: LINES[t] for t in tracks}, seed=chance, **options)
        self.rack.attach_gpio(self.model)
        lines = [(t, self.pin(LINES[t][0]), self.pin(LINES[t][1])) for t in tracks]
        self.driver = factory(self.pin(PRESENT), tuple(lines), clock)
        self.tasks = [asyncio.create_task(task()) for _, task in self.driver.tasks()]

    def pin(self, n):
        return Pin(n, Pin.IN, Pin.PULL_UP)

    async def swipe(self, t2=T2, **how):
        """A card passes, from a moment on that is now."""
        await asyncio.sleep_ms(20)
        bus.current._advance()
        texts = how.pop("texts", {2: t2})
        end = self.model.swipe(texts, self.rack.now_us, **how)
        self.rack.poke()
        return end

    async def got(self, ms=4000):
        return await asyncio.wait_for_ms(self.driver.get(), ms)

    async def read(self, *args, **how):
        await self.swipe(*args, **how)
        return await self.got()

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.sleep_ms(1)


class Line(Counter):
    """The same with a module on a UART."""

    def __init__(self, factory, **options):
        bus.use(bus.LocalBus())
        self.rack = bus.current.rack
        self.model = MagReader(**options)
        self.rack.attach_uart(0, self.model, 9600)
        self.driver = factory(UART(0, baudrate=9600, rxbuf=512), clock)
        self.tasks = [asyncio.create_task(task()) for _, task in self.driver.tasks()]

    async def swipe(self, t2=T2, **how):
        await asyncio.sleep_ms(20)
        bus.current._advance()
        self.model.swipe(how.pop("t1", T1), t2, how.pop("t3", None), self.rack.now_us, **how)
        self.rack.poke()


async def proves(check, ours, usual):
    """check(factory) holds for our driver and not for the usual one."""
    await check(ours)
    try:
        await check(usual)
    except (AssertionError, asyncio.TimeoutError, MemoryError):
        return
    raise AssertionError("the check does not see it")


def good(swipe, track2=T2):
    assert swipe.reason == "good", (swipe.reason, swipe.detail)
    assert bytes(swipe.track2) == track2.encode()


def bad(swipe, reason, *details):
    assert swipe.reason == reason, (swipe.reason, swipe.detail)
    assert swipe.track2 is None and swipe.track3 is None
    assert swipe.detail in details, swipe.detail


async def test_good_swipes_on_all_tracks():
    c = Counter(TtlStripe, (1, 2, 3))
    s = await c.read(texts={1: T1, 2: T2, 3: T3}, speed_ips=8)
    good(s)
    assert s.track3 == T3.encode()
    s = await c.read(texts={1: T1, 2: T2})
    good(s)
    assert s.track3 is None


async def test_s1_backwards():
    """S1 The card goes the other way through the slot: read all the same."""

    async def check(factory):
        c = Counter(factory)
        good(await c.read(backwards=True))
        good(await c.read())
        await c.close()

    await proves(check, TtlStripe, naive.Ttl)


async def test_s2_one_bit_lost_or_wrong():
    """S2 One bit is lost or read wrongly anywhere in the track: never another card's number."""
    length = 5 * (len(T2) + 3)

    async def check(factory):
        c = Counter(factory)
        for at in range(0, length, 3 if rounds(2) == 2 else 20):
            s = await c.read(speed_ips=60, missing=((2, at),))
            assert s.reason == "unreadable" or bytes(s.track2) == T2.encode(), at
            assert s.reason != "good", at
        await c.close()

    await proves(check, TtlStripe, naive.Ttl)


async def test_s3_the_interpreter_is_held_up():
    """S3 Garbage collection or an erase holds the interpreter in mid swipe and the handler comes
    late: no wrong number; the swipe is refused, and the next one counts."""

    async def check(factory):
        c = Counter(factory)
        for ms in (3, 12, 45, 80):
            await c.swipe(speed_ips=12)
            await asyncio.sleep_ms(110)
            time.sleep_ms(ms)
            s = await c.got()
            if ms < 10 and s.reason == "good":
                assert bytes(s.track2) == T2.encode()  # the bits in question were zeros anyway
            else:
                assert s.reason in ("unreadable", "incomplete"), (ms, s.reason)
        good(await c.read())
        await c.close()

    await proves(check, TtlStripe, naive.Ttl)


async def test_s4_worn_stripes():
    """S4 A worn stripe: over many swipes no other track than the card's is ever believed."""
    n = seed(20240611)

    async def check(factory):
        reads = 0
        for round_ in range(4):
            c = Counter(factory, chance=n + round_)
            for _ in range(max(4, rounds(25))):
                s = await c.read(speed_ips=60, worn=0.002 + 0.01 * round_)
                if s.reason == "good":
                    reads += 1
                    assert bytes(s.track2) == T2.encode()
                else:
                    assert s.track2 is None and s.detail
            await c.close()
        print("%d swipes read" % reads)
        assert reads

    await proves(check, TtlStripe, naive.Ttl)


async def test_s5_blank_and_other_stripes():
    """S5 A card without data, or with data that are no track: a reason, no card, no hanging."""

    async def check(factory):
        c = Counter(factory)
        bad(await c.read(None), "no_track2", "blank")
        bad(await c.read("1" * 38), "unreadable", "long")
        bad(await c.read(""), "incomplete", "short")
        await c.close()

    await proves(check, TtlStripe, naive.Ttl)


async def test_s6_pulled_back():
    """S6 The card stops or is pulled out on the way: incomplete, not half a number."""

    async def check(factory):
        c = Counter(factory)
        for until in (0.2, 0.4, 0.6, 0.7):
            bad(await c.read(until=until), "incomplete", "short")
        bad(await c.read(until=0.08), "no_track2", "blank")
        good(await c.read())
        await c.close()

    await proves(check, TtlStripe, naive.Ttl)


async def test_s7_strobes_without_a_card():
    """S7 A motor or a telephone makes strobes: nobody swiped, nothing is reported, and the next
    card is read."""

    async def check(factory):
        c = Counter(factory)
        await asyncio.sleep_ms(20)
        bus.current._advance()
        c.model.spikes(60, c.rack.now_us)
        c.rack.poke()
        try:
            await c.got(1500)
        except asyncio.TimeoutError:
            pass
        else:
            raise AssertionError("a swipe that nobody made")
        good(await c.read())
        await c.close()

    await proves(check, TtlStripe, naive.Ttl)


async def test_s8_card_present_is_stuck():
    """S8 CARD PRESENT stays low (a broken wire, a decoder that hangs): the swipe ends all the
    same."""

    async def check(factory):
        c = Counter(factory)
        c.model.fault_present = 0
        for _ in range(3):
            good(await c.read())
        await c.close()

    await proves(check, TtlStripe, naive.Ttl)


async def test_s9_the_handlers_allocate_nothing():
    """S9 The handler of a strobe needs memory: a collection in mid swipe, or none left. Ours works
    with the heap locked."""

    async def check(factory):
        c = Counter(factory)
        await asyncio.sleep_ms(1)
        strobe = c.driver._lines[0].on_strobe if factory is TtlStripe else c.driver.on_strobe
        edge = c.driver.on_present if factory is TtlStripe else None
        level = 0

        def data():
            return level

        if factory is TtlStripe:
            c.driver._lines[0]._data = data
        else:
            c.driver.data = data
        micropython.heap_lock()
        try:
            i = 0
            while i < 300:
                strobe(None)
                i += 1
            if edge is not None:
                edge(None)
        finally:
            micropython.heap_unlock()
        await c.close()

    await proves(check, TtlStripe, naive.Ttl)


async def test_s10_nothing_of_a_card_stays():
    """S10 Bits and digits of a card stay in memory after the swipe: wiped as soon as they are
    decoded, good or bad; what nobody took is wiped by flush."""

    async def check(factory):
        c = Counter(factory)
        await c.swipe()
        await asyncio.sleep_ms(800)
        d = c.driver
        if factory is naive.Ttl:
            d.flush()
            assert not d.swipes
            return
        line = d._lines[0]
        kept = d._swipe
        assert kept.reason == "good" and line.n == 0 and not any(line.bits)
        d.flush()
        assert d._swipe is None and not any(kept.track2)
        await c.swipe(missing=((2, 60),))
        await asyncio.sleep_ms(800)
        assert line.n == 0 and not any(line.bits)
        await c.swipe()
        await asyncio.sleep_ms(150)
        assert any(line.bits)
        await c.close()
        assert not any(line.bits)

    await proves(check, TtlStripe, naive.Ttl)


async def test_s11_check_character_that_looks_like_a_sentinel():
    """S11 The LRC is '?', ';' or '=': found by its place, never by its value."""
    wanted = {}
    for i in range(10000):
        data = "%s%04d" % (T2[:-4], i)
        wanted.setdefault(lrc(2, data), data)
    assert "?" in wanted and ";" in wanted and "=" in wanted

    async def check(factory):
        c = Line(factory)
        for mark in "?;=":
            good(await c.read(wanted[mark]), wanted[mark])
        await c.close()

    await proves(check, MagStripe, naive.Uart)


async def test_s12_the_module_could_not_read():
    """S12 The module's error mark `;E?` is no card; nor is a message that breaks off."""

    async def check(factory):
        c = Line(factory)
        bad(await c.read(unreadable=(2,)), "unreadable", "module")
        bad(await c.read(bad_lrc=(2,)), "unreadable", "lrc")
        bad(await c.read(None), "no_track2", "blank")
        bad(await c.read(t1=None, truncate=12), "incomplete", "short")
        await c.close()

    await proves(check, MagStripe, naive.Uart)


async def test_s13_swipe_before_it_was_asked_for():
    """S13 A card swiped before the terminal asked, or twice: forgotten, never charged later."""

    async def check(factory):
        c = Line(factory)
        await c.swipe("6225000000000022=30121010000000000")
        await asyncio.sleep_ms(1000)
        await c.swipe("6225000000000030=30121010000000000")
        await asyncio.sleep_ms(1000)
        c.driver.flush()
        good(await c.read())
        await c.close()

    await proves(check, MagStripe, naive.Uart)


async def test_s14_fast_slow_and_uneven_hands():
    """S14 From 4 to 60 inches a second, faster, slower, trembling, with pulses of 40 us: it is
    read."""

    async def check(factory):
        for pulse in (None, 40):
            c = Counter(factory, pulse_us=pulse)
            for first, last in ((4, 4), (60, 60), (5, 40), (40, 6)):
                for back in (False, True):
                    s = await c.read(speed_ips=first, speed_end=last, jitter=0.15, backwards=back)
                    good(s)
            await c.close()

    await proves(check, TtlStripe, naive.Poller)


# ---- the decoder alone --------------------------------------------------------------------------


def packed(cells):
    bits = bytearray((len(cells) + 7) // 8)
    n = 0
    for cell in cells:
        if cell:
            bits[n >> 3] |= 0x80 >> (n & 7)
        n += 1
    return bits, n


def test_every_single_wrong_bit_is_seen():
    for track, text in ((1, T1), (2, T2), (3, T3)):
        cells = stripe(track, text)
        first = bytes(cells).find(b"\1")
        width = 7 if track == 1 else 5
        detail, data = ttl.decode(track, *packed(cells))
        assert (detail, data) == ("good", text.encode())
        step = 1 if rounds(2) == 2 else 7
        for at in range(first, first + width * (len(text) + 3), step):
            cells[at] ^= 1
            detail, data = ttl.decode(track, *packed(cells))
            assert detail != "good" and data is None, (track, at, detail)
            cells[at] ^= 1


def test_any_bits_give_a_result():
    rng = Rng(seed(77))
    base, n = packed(stripe(2, T2))
    for i in range(rounds(1500)):
        if i & 1:
            bits = bytearray(rng.bytes(48))
        else:
            bits = bytearray(base)
            for _ in range(1 + rng.below(6)):
                bits[rng.below(len(bits))] = rng.below(256)
        detail, data = ttl.decode(2, bits, rng.below(len(bits) * 8 + 1))
        assert (detail == "good") == (data is not None)
        if data is not None:
            assert len(data) <= 37 and all(0x30 <= c <= 0x3F for c in data)


def test_track_2_must_be_wired():
    pins = [Pin(n, Pin.IN, Pin.PULL_UP) for n in (10, 11, 12)]
    try:
        TtlStripe(pins[0], ((1, pins[1], pins[2]),), clock)
    except ValueError:
        return
    raise AssertionError("no ValueError")
