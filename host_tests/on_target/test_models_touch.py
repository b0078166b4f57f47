# The touch models: registers, interrupt modes, frames, plates as resistors. Also on CPython.

from models.ft6336 import FT6336
from models.i2c_chip import I2cChip
from models.xpt2046 import XPT2046

MS = 1000


def read(m, at, n, now):
    """n registers from `at`, or None when the chip does not acknowledge."""
    if not m.begin(now):
        return None
    m.write(bytes((at,)))
    return m.read(n)


def test_ft6336_a_finger_is_a_report():
    m = FT6336()
    assert read(m, 0xA3, 1, 0) == b"\x64" and read(m, 0xA8, 1, 0) == b"\x11"
    assert read(m, 0x02, 1, 5 * MS) == b"\x00"
    m.touch(0x123, 0x145, 10 * MS)
    assert read(m, 0x02, 5, 20 * MS) == b"\x01\x01\x23\x01\x45"  # press down
    assert read(m, 0x02, 5, 40 * MS) == b"\x01\x81\x23\x01\x45"  # contact
    m.second(1, 2, 50 * MS)
    assert read(m, 0x02, 11, 70 * MS) == b"\x02\x81\x23\x01\x45\x00\x10\x80\x01\x10\x02"
    m.lift(80 * MS, True)
    assert read(m, 0x02, 5, 100 * MS) == b"\x01\x80\x01\x00\x02"
    m.lift(110 * MS)
    assert read(m, 0x02, 2, 130 * MS) == b"\x00\xff"


def test_ft6336_interrupt_by_level_and_by_pulse():
    m = FT6336(21)
    m.touch(5, 5, 5 * MS)
    lows = [m.levels({}, t)[21] for t in range(5 * MS, 60 * MS, 100)].count(0)
    assert 10 <= lows <= 25, lows  # 5 frames, 300 us each
    m.begin(60 * MS)
    assert m.write(b"\xa4\x00") == 2
    assert [m.levels({}, t)[21] for t in range(61 * MS, 99 * MS, 100)].count(1) == 0
    m.lift(100 * MS)
    assert m.levels({}, 125 * MS)[21] == 1


def test_ft6336_time_of_its_next_change():
    m = FT6336(21)
    assert m.next_due() is None
    m.touch(5, 5, 5 * MS)
    seen = []
    for _ in range(6):
        due = m.next_due()
        m.advance(due)
        seen.append((due, m.levels({}, due)[21]))
    assert [level for _, level in seen] == [0, 1, 0, 1, 0, 1], seen
    assert seen[1][0] - seen[0][0] == 300 and seen[2][0] - seen[0][0] == 10 * MS


def test_ft6336_brown_out_and_reset_line():
    m = FT6336(21)
    m.begin(0)
    m.write(b"\xa4\x00")
    assert read(m, 0xA4, 1, 1 * MS) == b"\x00"
    m.brown_out(2 * MS)
    assert read(m, 0xA4, 1, 200 * MS) is None
    assert read(m, 0xA4, 1, 303 * MS) == b"\x01"
    m.reset_line(0, 400 * MS)
    assert read(m, 0xA4, 1, 410 * MS) is None and m.next_due() is None
    m.reset_line(1, 410 * MS)
    assert read(m, 0xA4, 1, 700 * MS) is None
    assert read(m, 0xA4, 1, 711 * MS) == b"\x01" and m.resets == 2


def test_ft6336_ghosts_strays_and_flicker():
    m = FT6336()
    m.ghost(7, 8, 100 * MS, 115 * MS)
    assert read(m, 0x02, 1, 95 * MS) == b"\x00"
    assert read(m, 0x02, 1, 112 * MS) == b"\x01"
    assert read(m, 0x02, 1, 131 * MS) == b"\x00"
    m.touch(9, 9, 200 * MS)
    m.stray(99, 9, 240 * MS)
    xs = [read(m, 0x04, 1, t * MS)[0] for t in range(225, 300, 10)]
    assert xs.count(99) == 1 and xs.count(9) == len(xs) - 1, xs
    shy = FT6336(flicker_us=60 * MS, seed=3)
    shy.touch(9, 9, 0)
    ns = [read(shy, 0x02, 1, t * MS)[0] for t in range(5, 200, 10)]
    assert ns[:6].count(0) and not ns[8:].count(0), ns


def test_ft6336_notes_a_write_to_what_cannot_be_written():
    m = FT6336()
    m.begin(0)
    m.write(b"\xa3\x00")
    assert m.errors == ["write to register 0xa3"]


class Plain(I2cChip):
    def __init__(self, seed=1):
        super().__init__(seed)
        self.cells = bytearray(256)

    def advance(self, now_us):
        pass

    def peek(self, at):
        return self.cells[at]

    def poke(self, at, value):
        self.cells[at] = value


def test_i2c_faults_by_schedule():
    m = Plain()
    m.fault("nack", 10, 20)
    m.fault("stuck", 30, 40)
    m.fault("cut", 50, 60)
    assert m.begin(9) and not m.begin(10) and not m.begin(19) and m.begin(20)
    assert not m.holds_sda(29) and m.holds_sda(30) and not m.holds_sda(40)
    assert m.begin(50) and 1 <= m.write(b"\x00abcdefgh") < 9
    cut = bytes(m.cells[:8])
    assert cut != b"abcdefgh" and b"abcdefgh".startswith(cut.rstrip(b"\x00"))
    assert m.begin(60) and m.write(b"\x00abcdefgh") == 9
    m.powered = False
    assert not m.begin(70)
    try:
        m.fault("nonsense", 0, 1)
    except ValueError:
        return
    raise AssertionError("a fault that does not exist was taken")


def test_i2c_storms_can_be_repeated():
    a, b, c = Plain(5), Plain(5), Plain(6)
    for m in (a, b, c):
        m.storm(20, 1000, 90_000, 500)
    assert a.faults == b.faults != c.faults
    for kind, start, end in a.faults:
        assert kind in ("nack", "cut", "stuck") and 1000 <= start < end <= 90_500


def convert(m, *controls):
    """Conversions one after the other, 16 clocks each: list of 12-bit values."""
    data = b"".join(bytes((c, 0)) for c in controls) + b"\x00"
    out = m.spi_transfer(data, 0)
    return [(out[2 * i + 1] << 8 | out[2 * i + 2]) >> 3 for i in range(len(controls))]


def still(**options):
    return XPT2046(21, noise=0, unsettled=0, bounce_us=(0, 0), **options)


def test_xpt2046_position_and_pressure():
    m = still()
    z1, z2 = convert(m, 0xB0, 0xC0)
    assert (z1, z2) == (0, 4095)
    m.touch(1000, 3000, 0, 400)
    z1, z2, x, y = convert(m, 0xB0, 0xC0, 0xD0, 0x90)
    # Resistance of the contact: Rx * x / 4096 * (z2 / z1 - 1)
    assert 390 < 400 * 1000 / 4096 * (z2 / z1 - 1) < 410
    assert abs(x - 1000) <= 30 and abs(y - 3000) <= 30
    m.touch(1000, 3000, 0, 4000)
    light = convert(m, 0xB0, 0xC0, 0xD0)
    assert light[0] + 4095 - light[1] < z1 + 4095 - z2 and light[2] - 1000 > 200


def test_xpt2046_a_result_is_busy_twelve_bits_and_three_zeros():
    m = still()
    m.touch(0xABC, 0x123, 0, 0)
    assert m.spi_transfer(b"\xd0\x00\x00", 0) == bytes((0, 0xABC >> 5, 0xABC << 3 & 0xFF))
    # a control byte that comes while a conversion runs is none
    assert m.spi_transfer(b"\xd0\x90\x00", 0) == bytes((0, 0xABC >> 5, 0xABC << 3 & 0xFF))
    assert m.spi_transfer(b"\x00\x00", 0) == b"\x00\x00"
    m.spi_transfer(b"\xd8\x00\x00", 0)
    m.spi_transfer(b"\xe0\x00\x00", 0)
    assert len(m.errors) == 2


def test_xpt2046_penirq_needs_the_chip_asleep():
    m = still()
    assert m.levels({}, 0)[21] == 1
    m.touch(5, 5, 10)
    assert m.levels({}, 10)[21] == 0
    m.spi_transfer(b"\xd1\x00\x00", 0)  # PD = 01: PENIRQ off
    assert m.levels({}, 20)[21] == 1
    m.spi_transfer(b"\xd0\x00\x00", 0)
    assert m.levels({}, 20)[21] == 0
    m.lift(30)
    m.glitch(40, 50)
    assert m.next_due() == 40
    assert [m.levels({}, t)[21] for t in (30, 40, 49, 50)] == [1, 0, 0, 1]


def test_xpt2046_bounce_ends_where_it_was_meant_to():
    chattered = 0
    for seed in range(20):
        m = XPT2046(21, bounce_us=(500, 8000), seed=seed)
        m.touch(5, 5, 0)
        edges = [m.levels({}, t)[21] for t in range(0, 9000, 50)]
        assert edges[-1] == 0
        chattered += edges.count(1) > 0
        m.lift(20_000)
        assert m.levels({}, 29_000)[21] == 1 and m.next_due() is None
    assert chattered > 8


def test_xpt2046_broken_wires():
    m = still()
    m.touch(5, 5, 0)
    m.dead = True
    assert m.spi_transfer(b"\xd0\x00\x00", 0) == b"\xff\xff\xff"
    m.dead = False
    m.silent = True
    assert m.spi_transfer(b"\xd0\x00\x00", 0) == b"\x00\x00\x00"


def test_xpt2046_noise_and_the_first_conversion():
    m = XPT2046(21, noise=10, unsettled=200, bounce_us=(0, 0), seed=2)
    m.touch(2000, 2000, 0, 0)
    xs = convert(m, *[0xD0] * 12)
    assert xs[0] > 2150 and max(xs[1:]) <= 2010 and min(xs[1:]) >= 1990 and len(set(xs)) > 3
