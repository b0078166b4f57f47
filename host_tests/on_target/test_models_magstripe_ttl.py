# The model of a stripe reader with clock and data outputs: bits of the stripe, lines, damages.

from models.magstripe_ttl import CARD_INCH, TtlReader, stripe, track_bits

T2 = "6225000000000014=30121010000000000"


def run(reader, until_us):
    """[(us, pin, level)] of all changes until then."""
    seen = []
    before = reader.levels({}, 0)
    while True:
        due = reader.next_due()
        if due is None or due > until_us:
            return seen
        now = reader.levels({}, due)
        for pin in sorted(now):
            if now[pin] != before[pin]:
                seen.append((due, pin, now[pin]))
        before = now


def sampled(seen, strobe, data):
    """Bits as a fast processor reads them at the falling edges."""
    level = {data: 1}
    bits = []
    for _, pin, value in seen:
        level[pin] = value
        if pin == strobe and value == 0:
            bits.append(1 - level[data])
    return bits


def strobed(reader, until_us):
    """{strobe pin: bits} as sampled(), without keeping all changes."""
    got = {strobe: bytearray() for strobe, _ in reader.lines.values()}
    was = dict.fromkeys(got, 1)
    while reader.next_due() is not None and reader.next_due() <= until_us:
        now = reader.levels({}, reader.next_due())
        for strobe, data in reader.lines.values():
            if was[strobe] and not now[strobe]:
                got[strobe].append(1 - now[data])
            was[strobe] = now[strobe]
    return got


def text_of(bits):
    return "".join(map(str, bits))


def test_bits_by_hand():
    # ISO/IEC 7811-2: ';' is 11010, '1' 10000, '2' 01000, '?' 11111 (least significant first, odd
    # parity). b ^ 1 ^ 2 ^ f = 7: 1110 and parity 0.
    assert text_of(track_bits(2, "12")) == "1101010000010001111111100"
    # '%' is 05: 101000 1; 'A' 21: 100001 1; '?' 1f: 111110 0; LRC 3b: 110111 0
    assert text_of(track_bits(1, "A")) == "1010001100001111111001101110"


def test_a_stripe_is_as_long_as_the_card():
    assert len(stripe(2, T2)) == int(CARD_INCH * 75)
    assert len(stripe(1, None)) == int(CARD_INCH * 210) and not any(stripe(1, None))
    bits = stripe(2, T2)
    assert bits.find(b"\1") == 21  # 0.293 inch at 75 bits an inch
    assert list(bits[21:26]) == [1, 1, 0, 1, 0]


def test_lines():
    reader = TtlReader(1, {2: (2, 3)})
    end = reader.swipe({2: T2}, 1000, speed_ips=10)
    seen = run(reader, end)
    assert sampled(seen, 2, 3) == list(stripe(2, T2)[14:])
    assert [(pin, level) for _, pin, level in seen if pin == 1] == [(1, 0), (1, 1)]
    assert seen[-1] == (end, 1, 1)
    # 75 bits an inch at 10 inches a second: 1333 us a bit, STROBE low for a third of it
    falls = [us for us, pin, level in seen if pin == 2 and not level]
    rises = [us for us, pin, level in seen if pin == 2 and level]
    assert falls[1] - falls[0] in (1333, 1334) and rises[0] - falls[0] == 444
    reader = TtlReader(1, {2: (2, 3)}, pulse_us=40)
    seen = run(reader, reader.swipe({2: T2}, 0))
    assert [u for u, p, v in seen if p == 2 and v][0] - seen[1][0] in (40, 41)


def test_backwards_and_three_tracks():
    lines = {1: (2, 3), 2: (4, 5), 3: (6, 7)}
    texts = {1: "B6225000000000014^TEST/CARD^3012101", 2: T2, 3: "01" + T2}
    reader = TtlReader(1, lines)
    got = strobed(reader, reader.swipe(texts, 0, speed_ips=40, backwards=True))
    for track, (strobe, _) in lines.items():
        want = stripe(track, texts[track])
        n = len(want)
        assert len(got[strobe]) == n - 14
        for i in range(14, n):
            assert got[strobe][i - 14] == want[n - 1 - i], (track, i)


def test_damages_are_seeded_and_where_they_were_asked_for():
    def bits(seed, **how):
        reader = TtlReader(1, {2: (2, 3)}, seed=seed)
        return sampled(run(reader, reader.swipe({2: T2}, 0, **how)), 2, 3)

    whole = list(stripe(2, T2)[14:])
    assert bits(1, jitter=0.2, speed_ips=5, speed_end=40) == whole
    assert bits(1, worn=0.05) == bits(1, worn=0.05) != bits(2, worn=0.05)
    assert bits(1, missing=((2, 0),)) == whole[:7] + whole[8:]
    assert bits(1, until=0.5) == whole[: int(253 * 0.5) - 14]


def test_stuck_line_and_spikes():
    reader = TtlReader(1, {2: (2, 3)})
    reader.fault_present = 1
    seen = run(reader, reader.swipe({2: T2}, 0))
    assert not [e for e in seen if e[1] == 1]
    reader.spikes(7, 10_000_000)
    assert len(sampled(run(reader, 20_000_000), 2, 3)) == 7


def test_text_outside_of_the_set_is_refused():
    for track, text in ((2, "12A"), (1, "a"), (2, "1" * 60)):
        try:
            stripe(track, text)
        except ValueError:
            continue
        raise AssertionError(text)
