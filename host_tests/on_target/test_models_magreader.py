# The magnetic-stripe reader model: format, LRC, faults. Runs inside MicroPython.

from models.magreader import MagReader, lrc

T1 = "B6225000000000000015^ZHANG/SAN^2512101000000001"
T2 = "6225000000000000015=25121010000000001"
T3 = "996225000000000000015=1561560000000000000003000000114000=000000000=0"


def swipe(*tracks, **kw):
    reader = MagReader(**kw.pop("reader", {}))
    reader.swipe(*tracks, now_us=1000, **kw)
    assert reader.transmit(reader.next_due() - 1) == b""
    return reader.transmit(reader.next_due())


def xor(values):
    out = 0
    for v in values:
        out ^= v
    return out


def test_lrc_by_hand():
    # ;12?  b ^ 1 ^ 2 ^ f = 7
    assert lrc(2, "12") == "7"
    # %A?  5 ^ 21 ^ 1f = 3b -> 3b + 20 = '['
    assert lrc(1, "A") == "["
    # Track 3 has the stripe's own sentinel ';' in its sum, whatever the module shows.
    assert lrc(3, "12") == "7"


def test_lrc_makes_every_column_even():
    for track, data, start, offset in ((1, T1, "%", 0x20), (2, T2, ";", 0x30), (3, T3, ";", 0x30)):
        line = start + data + "?" + lrc(track, data)
        assert xor([ord(ch) - offset for ch in line]) == 0


def test_message():
    expected = f"%{T1}?{lrc(1, T1)};{T2}?{lrc(2, T2)}+{T3}?{lrc(3, T3)}\r\n"
    assert swipe(T1, T2, T3) == expected.encode()


def test_blank_tracks_send_nothing():
    assert swipe(None, "12", None) == b";12?7\r\n"
    assert swipe(None, None, None) == b"\r\n"


def test_options():
    assert swipe(None, "12", "34", reader={"send_lrc": False}) == b";12?+34?\r\n"
    assert swipe("A", "12", None, reader={"crlf_each": True}) == b"%A?[\r\n;12?7\r\n"


def test_unreadable():
    assert swipe("A", "12", None, unreadable=(1,)) == b"%E?;12?7\r\n"
    assert swipe("A", "12", "3", unreadable=(1, 2, 3)) == b"%E?;E?+E?\r\n"


def test_bad_lrc_differs_from_good_in_its_place_only():
    good = swipe("A", "12", None)
    bad = swipe("A", "12", None, bad_lrc=(2,))
    assert len(good) == len(bad)
    assert [i for i in range(len(good)) if good[i] != bad[i]] == [good.find(b"\r") - 1]
    assert 0x30 <= bad[good.find(b"\r") - 1] <= 0x3F


def test_truncated_and_noise():
    assert swipe(None, "1234", None, truncate=4) == b";123"
    out = swipe(None, "12", None, noise=6)
    assert len(out) == 6 + 7 and out[6:] == b";12?7\r\n"
    assert swipe(None, "12", None, noise=6) == out


def test_timing_follows_speed():
    reader = MagReader(decode_us=20000)
    begin = reader.swipe(None, "1", None, 0, speed_cm_s=20)
    assert begin == 428000 + 20000 and reader.next_due() == begin
    assert MagReader().swipe(None, "1", None, 0, speed_cm_s=80) < begin
    for speed in (5, 200):
        assert swipe(None, "12", None, speed_cm_s=speed) == b";E?\r\n"


def test_backwards():
    assert swipe(None, "12", None, backwards=True) == b";12?7\r\n"
    out = swipe("A", "12", None, backwards=True, reader={"bidirectional": False})
    assert out == b"%E?;E?\r\n"


def test_two_swipes_back_to_back():
    reader = MagReader()
    first = reader.swipe(None, "1", None, 0, twice_us=1000)
    assert reader.transmit(first) == b";1?5\r\n"
    second = reader.next_due()
    assert second > first and reader.transmit(second) == b";1?5\r\n"
    assert reader.next_due() is None and reader.swipes == 2
    # A second card while the first is still under the head waits its turn.
    a = reader.swipe(None, "1", None, 10000000)
    b = reader.swipe(None, "2", None, 10000001)
    assert b - a == 8560000 // 30
    assert reader.transmit(b) == b";1?5\r\n;2?6\r\n"


def test_power_off_loses_the_swipe():
    reader = MagReader()
    due = reader.swipe(None, "1", None, 0)
    reader.power(False, 10)
    assert reader.next_due() is None and reader.transmit(due) == b""
    assert reader.swipe(None, "1", None, 20) is None
    reader.power(True, 30)
    assert reader.swipe(None, "1", None, 40) is not None


def test_data_outside_the_character_set_are_refused():
    for tracks in (
        ("a", None, None),
        (None, "12A", None),
        (None, "1?2", None),
        (None, "1" * 38, None),
    ):
        try:
            MagReader().swipe(*tracks, now_us=0)
        except ValueError:
            continue
        raise AssertionError(tracks)
