# Messages of the stripe reader that no healthy module sends: nothing of them is believed or kept.

import bus
from machine import UART

from app.kernel import clock
from drivers.card import magstripe
from drivers.card.magstripe import MagStripe, parse

T2 = b"6225000000000014=30121010000000000"
T3 = b"016225000000000014=1561560000000000000000300000000"


def track(start, data):
    """A track as the module sends it, with its LRC."""
    value = 0x0B
    for c in data:
        value ^= c - 0x30
    return start + data + b"?" + bytes(((value ^ 0x0F) + 0x30,))


def read(*parts):
    message = bytearray(b"".join(parts))
    swipe = parse(message, len(message))
    return swipe.reason, swipe.track2, swipe.track3


def test_two_whole_tracks_are_a_good_swipe():
    assert read(track(b";", T2), track(b"+", T3)) == ("good", T2, T3)


def test_a_track_that_is_longer_than_any_is_no_track():
    assert read(track(b";", T2 + b"0000")) == ("unreadable", None, None)
    assert read(track(b";", T2), track(b"+", b"1" * 105)) == ("good", T2, None)


def test_a_third_track_alone_is_no_card():
    assert read(track(b"+", T3)) == ("no_track2", None, None)
    assert read(b";E?", track(b"+", T3)) == ("unreadable", None, None)


def test_a_message_that_breaks_off_behind_a_good_track_2_is_a_good_swipe():
    whole = track(b";", T2)
    for tail in (b"+", track(b"+", T3)[:20], track(b"+", T3)[:-1]):
        assert read(whole, tail) == ("good", T2, None), tail
    for n in range(1, len(whole)):
        assert read(whole[:n])[0] == "incomplete", n


async def test_more_than_any_card_holds_is_dropped_whole_and_the_next_swipe_counts():
    driver = MagStripe(UART(0, baudrate=9600, rxbuf=512), clock)
    assert bus.current is not None
    whole = track(b";", T2) + b"\r\n"
    driver._feed(b";" * 300 + whole)
    swipe = await driver.get()
    assert (swipe.reason, swipe.track2) == ("incomplete", None)
    assert not any(driver._buf)
    driver._feed(whole)
    swipe = await driver.get()
    assert (swipe.reason, bytes(swipe.track2)) == (magstripe.GOOD, T2)
