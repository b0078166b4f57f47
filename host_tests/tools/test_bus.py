"""The bus protocol and the books: what the bench itself must not get wrong."""

import struct

import pytest

from models import frames
from models.rack import Rack
from simulator import books
from simulator.bus_port import BoardGone, BusPort


def frame(op, unit=0, payload=b"", t=0):
    return struct.pack("<BBHI", op, unit, len(payload), t) + payload


def port():
    return BusPort(Rack(), None, 1, 1_000_000)


def test_hello_is_answered_with_time_and_cause():
    p = port()
    p.rack.now_us = 5_000_000
    p.feed(frame(frames.HELLO, payload=bytes([frames.PROTOCOL]), t=0))
    op, _, n = struct.unpack_from("<BBH", p.out)
    assert op == frames.WELCOME and struct.unpack("<BBQq", p.out[4 : 4 + n]) == (
        1,
        1,
        5_000_000,
        1_000_000,
    )


def test_frames_may_come_in_any_pieces():
    p = port()
    stream = frame(frames.PIN_CONFIG, 5, bytes((3, 0, 1))) + frame(frames.PIN_SET, 5, b"\0", 70)
    for i in range(len(stream)):
        p.feed(stream[i : i + 1])
    assert p.rack.levels() == {5: 0} and p.rack.now_us == 70


def test_the_boards_clock_is_followed_over_the_32_bit_wrap():
    p = port()
    p.rack.now_us = (1 << 32) - 100
    p.feed(frame(frames.WDT_FEED, t=50))
    assert p.rack.now_us == (1 << 32) + 50


@pytest.mark.parametrize("op", [0x00, 0x7F, 0x99])
def test_an_unknown_frame_is_refused(op):
    with pytest.raises(BoardGone):
        port().feed(frame(op))


class Stuck:
    """An I2C device that holds SDA low."""

    def holds_sda(self, now_us):
        return True


class Half:
    """A source of half a volt."""

    def microvolts(self, now_us):
        return 500_000


def test_analogue_frames_and_a_held_bus_are_answered():
    p = port()
    heard = []
    p.rack.attach_adc(6, Half())
    p.rack.on_pwm(40, lambda freq, duty, now_us: heard.append((freq, duty, now_us)))
    p.rack.attach_i2c(0, 0x38, Stuck())
    p.rack.celsius = -3
    p.feed(frame(frames.ADC_READ, 6))
    p.feed(frame(frames.PWM, 40, struct.pack("<IH", 2700, 32768), t=70))
    p.feed(frame(frames.CELSIUS, t=70))
    p.feed(frame(frames.I2C_TRANSFER, 0, struct.pack("<BH", 0x38, 1), t=70))
    head = struct.pack("<BBH", frames.REPLY, 0, 4) + struct.pack("<I", 500_000)
    one = struct.pack("<BBH", frames.REPLY, 0, 1)
    assert bytes(p.out) == head + one + b"\xfd" + one + b"\x02"
    assert heard == [(2700, 32768, 70)]


def test_another_protocol_is_refused():
    with pytest.raises(BoardGone, match="protocol"):
        port().feed(frame(frames.HELLO, payload=b"\x63"))


class Ledger:
    """What books.compare asks of a host."""

    def __init__(self, rows, tombstones=0):
        self.books = self
        self._rows = rows
        self._tombstones = tombstones

    def transactions(self, tid, batch=None):
        return self._rows

    def totals(self, tid, batch=None):
        return {"tombstone": {"count": self._tombstones, "amount_fen": 0}}


def mine(trace, state="APPROVED", kind=1, amount=100, rc="00"):
    return {"trace": trace, "state": state, "kind": kind, "amount": amount, "rc": rc}


def theirs(stan, state="approved", kind="sale", amount=100, voided=False):
    return {
        "stan": f"{stan:06d}",
        "state": state,
        "kind": kind,
        "amount_fen": amount,
        "voided": voided,
    }


def compare(ours, host):
    return books.compare({"batch": 1, "transactions": ours}, Ledger(host), "t")


def test_equal_books_agree():
    ours = [mine(1, "VOIDED"), mine(2, kind=2), mine(3, "REVERSED"), mine(4, "DECLINED", rc="51")]
    host = [
        theirs(1, voided=True),
        theirs(2, kind="void"),
        theirs(3, "reversed"),
        theirs(4, "declined"),
    ]
    assert compare(ours, host).agree


@pytest.mark.parametrize(
    "ours,host,word",
    [
        ([], [theirs(1)], "000001"),
        ([mine(1)], [], "000001"),
        ([mine(1, amount=100)], [theirs(1, amount=101)], "000001"),
        ([mine(1), mine(2, amount=50)], [theirs(1, amount=50), theirs(2)], "000001"),
        ([mine(1, "UNKNOWN")], [], "UNKNOWN"),
        ([mine(1, "SENDING")], [], "SENDING"),
        ([mine(1)], [theirs(1, voided=True)], "voided"),
        ([mine(1, "REVERSED")], [theirs(1)], "reversed"),
        ([mine(1, "DECLINED", rc="51")], [theirs(1)], "declined"),
    ],
)
def test_every_difference_is_seen(ours, host, word):
    result = compare(ours, host)
    assert not result.agree
    assert any(word in d for d in result.differences), result.differences
