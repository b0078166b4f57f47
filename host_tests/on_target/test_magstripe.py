# The stripe reader driver against the module model, and the card that comes of a swipe.

import asyncio

import bus
from harness import Rng, raises
from machine import UART

from app.kernel import clock
from app.pay.card import Card, CardError, luhn
from drivers.card import magstripe
from drivers.card.magstripe import MagStripe, parse
from models.magreader import MagReader

T1 = "B6225000000000014^TEST/CARD^30121010000000000"
T2 = "6225000000000014=30121010000000000"
T3 = "016225000000000014=1561560000000000000000300000000"


def reader(**options):
    rack = bus.current.rack
    model = MagReader(**options)
    rack.attach_uart(0, model, 9600)
    driver = MagStripe(UART(0, baudrate=9600, rxbuf=512), clock)
    asyncio.create_task(driver.run())

    def swipe(t1=T1, t2=T2, t3=None, **how):
        bus.current._advance()
        model.swipe(t1, t2, t3, rack.now_us, **how)
        rack.poke()

    return driver, swipe


async def got(driver, ms=2000):
    return await asyncio.wait_for_ms(driver.get(), ms)


async def test_a_good_swipe_gives_tracks_2_and_3():
    driver, swipe = reader()
    await asyncio.sleep_ms(10)
    swipe(t3=T3)
    s = await got(driver)
    assert (s.reason, s.track2, s.track3) == ("good", T2.encode(), T3.encode())
    swipe(t1=None)
    s = await got(driver)
    assert (s.reason, s.track2, s.track3) == ("good", T2.encode(), None)


async def test_every_bad_swipe_has_its_reason():
    driver, swipe = reader()
    await asyncio.sleep_ms(10)
    for how, reason in (
        ({"unreadable": (2,)}, "unreadable"),
        ({"unreadable": (1, 2, 3)}, "unreadable"),
        ({"bad_lrc": (2,)}, "unreadable"),
        ({"t2": None}, "no_track2"),
        ({"t1": None, "t2": None}, "no_track2"),
        ({"t1": None, "truncate": 12}, "incomplete"),
        ({"speed_cm_s": 400}, "unreadable"),
    ):
        swipe(**how)
        s = await got(driver)
        assert s.reason == reason, (how, s.reason)
        assert s.track2 is None and s.track3 is None, how
        await asyncio.sleep_ms(300)


async def test_track_2_counts_though_others_are_bad():
    driver, swipe = reader()
    await asyncio.sleep_ms(10)
    for how in ({"unreadable": (1,)}, {"bad_lrc": (1,)}, {"bad_lrc": (3,), "t3": T3}):
        swipe(**how)
        s = await got(driver)
        assert (s.reason, s.track2, s.track3) == ("good", T2.encode(), None), how


async def test_noise_before_and_two_swipes_in_a_row():
    driver, swipe = reader()
    await asyncio.sleep_ms(10)
    swipe(noise=9)
    assert (await got(driver)).reason == "good"
    swipe(twice_us=300_000)
    assert (await got(driver)).reason == "good"
    assert (await got(driver)).reason == "good"


async def test_a_swipe_that_nobody_took_is_wiped_by_the_next_and_by_flush():
    driver, swipe = reader()
    await asyncio.sleep_ms(10)
    swipe()
    await asyncio.sleep_ms(800)
    first = driver._swipe
    assert first.track2 == T2.encode()
    swipe()
    await asyncio.sleep_ms(800)
    assert not any(first.track2)
    second = driver._swipe
    driver.flush()
    assert not any(second.track2) and driver._swipe is None
    assert not any(driver._buf)


async def test_the_wrong_baud_rate_gives_no_card():
    rack = bus.current.rack
    model = MagReader()
    rack.attach_uart(0, model, 9600)
    driver = MagStripe(UART(0, baudrate=19200, rxbuf=512), clock)
    asyncio.create_task(driver.run())
    await asyncio.sleep_ms(10)
    bus.current._advance()
    model.swipe(T1, T2, None, rack.now_us)
    rack.poke()
    assert (await got(driver)).reason != "good"


def test_whatever_comes_in_a_swipe_comes_out():
    rng = Rng(11)
    good = bytearray(b";" + T2.encode() + b"?")
    lrc = 0
    for c in good:
        lrc ^= c - 0x30
    good.append(0x30 + lrc)
    assert parse(good, len(good)).reason == "good"
    for i in range(4000):
        data = bytearray(good)
        for _ in range(1 + rng.below(4)):
            data[rng.below(len(data))] = rng.below(256)
        n = rng.below(len(data) + 1)
        s = parse(data, n)
        if s.reason == "good" and bytes(data[:n]) != bytes(good):
            # damage that the LRC cannot see is possible, but then it is a well-formed track
            assert all(0x30 <= c <= 0x3F for c in s.track2), i


def test_single_damages_of_track_2_are_always_seen():
    good = bytearray(b";" + T2.encode() + b"?")
    lrc = 0
    for c in good:
        lrc ^= c - 0x30
    good.append(0x30 + lrc)
    for at in range(1, len(good) - 2):
        for bit in range(4):
            bad = bytearray(good)
            bad[at] ^= 1 << bit
            assert parse(bad, len(bad)).reason != "good", (at, bit)


# ---- the card
# -------------------------------------------------------------------------------------


def test_a_card_is_what_a_message_needs():
    c = Card(bytearray(T2.encode()), bytearray(T3.encode()))
    assert c.pan == b"6225000000000014" and c.expiry == "3012" and c.service_code == "101"
    assert c.track2 == T2.replace("=", "D").encode()
    assert b"=" not in c.track3
    assert c.masked() == "622500******0014"
    assert not c.has_chip()
    assert Card(bytearray(b"6225000000000063=30122010000000000")).has_chip()
    c.wipe()
    assert not any(c.pan) and not any(c.track2) and not any(c.track3)


def test_what_is_no_card_is_refused_without_its_digits():
    for track, why in (
        (b"6225000000000015=30121010000", "number"),
        (b"622500000001=30121010000", "number"),
        (b"62250000000000140000=30121010000", "number"),
        (b"6225000000000014", "format"),
        (b"6225000000000014=30", "format"),
        (b"6225000000000014=3012101A", "format"),
        (b"6225000000000014=30121010000000000000000000", "format"),
        (b"", "format"),
    ):
        e = raises(CardError, Card, bytearray(track))
        assert e.args == (why,), (track, e.args)


def test_luhn():
    assert luhn(b"79927398713")
    assert not luhn(b"79927398710")
    assert magstripe.GOOD == "good"
