# The models of cells, gauge, clock chips, buzzer, sensors and tamper switch. Also on CPython.

from models.battery import MAX17048, Cell, rest_mv
from models.buzzer import ACTIVE, Buzzer
from models.clock_chips import DS3231, PCF8563
from models.sensors import PaperSensor, Thermistor
from models.tamper import TamperSwitch

MS = 1000
S = 1_000_000


def read(m, at, n, now):
    if not m.begin(now):
        return None
    m.write(bytes((at,)))
    return m.read(n)


def write(m, data, now):
    assert m.begin(now)
    assert m.write(data) == len(data)


def test_a_cell_empties_and_sags():
    assert 4150 < rest_mv(1.0) < 4210 and 3280 < rest_mv(0.0) < 3320
    for i in range(100):
        assert rest_mv(i / 100) < rest_mv((i + 1) / 100)
    c = Cell(share=0.5, mah=1000, mohm=200, noise_mv=0)
    c.load_ma = 0
    rest = c.millivolts(0)
    c.load_ma = 2000
    assert c.millivolts(0) == rest - 400
    c.advance(900 * S)  # a quarter of an hour at 2 A: half of it
    assert 0 <= c.share < 0.01
    c.load_ma = 0
    c.charge_ma = 1000
    c.advance(900 * S + 3600 * S)
    assert c.share > 0.99 and c.millivolts(4500 * S) > rest_mv(1.0)
    c.present = False
    assert c.microvolts(4500 * S) == 0
    c.divider_broken = True
    assert c.microvolts(4500 * S) == 3_300_000


def test_a_cell_has_noise_and_outliers_from_its_seed():
    def readings(seed):
        c = Cell(share=0.5, noise_mv=10, outliers=0.05, seed=seed)
        c.load_ma = 0
        return [c.microvolts(0) for _ in range(400)]

    a = readings(3)
    assert a == readings(3) != readings(4)
    middle = int(rest_mv(0.5)) * 500
    far = [v for v in a if abs(v - middle) > 6000]
    assert 5 <= len(far) <= 40 and len(set(a)) > 15


def test_the_chargers_pin():
    c = Cell(charge_pin=7)
    assert c.levels({}, 0) == {7: 1}
    c.charge_ma = 500
    assert c.levels({}, 0) == {7: 0}
    c.chatter_us = 10 * S
    assert {c.levels({}, 1)[7] for _ in range(20)} == {0, 1}
    assert c.levels({}, 10 * S) == {7: 0}
    assert Cell().levels({}, 0) == {}


def test_the_gauges_registers():
    g = MAX17048(Cell(share=0.5))
    assert read(g, 0x08, 2, 0) == b"\x00\x12"
    assert read(g, 0x1A, 2, 0) == b"\x01\x00"
    write(g, b"\x1a\x00\x00", 10)
    assert read(g, 0x1A, 2, 20) == b"\x00\x00"
    d = read(g, 0x02, 4, 30)
    assert abs((d[0] << 8 | d[1]) * 78.125 / 1000 - g.cell.millivolts(30)) < 1
    assert d[2] in (49, 50)
    g.cell.load_ma = 2000
    g.power_on_reset(1 * S)
    assert read(g, 0x1A, 2, 1 * S) == b"\x01\x00"
    assert read(g, 0x04, 1, 1 * S + MS)[0] < 15
    assert read(g, 0x04, 1, 3 * S)[0] > 45
    write(g, b"\x04\x00", 3 * S)
    assert g.errors == ["write to register 0x04"]


def test_ds3231_first_power():
    m = DS3231()
    assert read(m, 0, 7, 0) == b"\x00\x00\x00\x01\x01\x01\x00"
    assert read(m, 0x0E, 2, 0) == b"\x1c\x88"
    write(m, b"\x0f\x80", 0)
    assert read(m, 0x0F, 1, 0) == b"\x80"  # OSF cannot be set, nor lost that way
    write(m, b"\x0f\x00", 0)
    assert read(m, 0x0F, 1, 0) == b"\x00"
    write(m, b"\x0f\x80", 0)
    assert read(m, 0x0F, 1, 0) == b"\x00"


def test_ds3231_counts_over_a_year():
    m = DS3231()
    write(m, b"\x00\x58\x59\x23\x04\x31\x12\x26", 300 * MS)
    assert read(m, 0, 7, 1200 * MS)[0] == 0x58
    assert read(m, 0, 7, 1300 * MS)[0] == 0x59
    assert read(m, 0, 7, 2300 * MS) == b"\x00\x00\x00\x05\x01\x01\x27"
    write(m, b"\x00\x00\x00\x12\x01\x28\x02\x28", 3 * S)
    assert m.now() == (28, 2, 28, 12, 0, 0)
    assert read(m, 3, 3, 3 * S + 86_400 * S) == b"\x02\x29\x02"
    assert read(m, 3, 3, 3 * S + 2 * 86_400 * S) == b"\x03\x01\x03"
    write(m, b"\x00\x59\x59\x23\x01\x31\x12\x99", 300_000 * S)
    assert read(m, 0, 7, 300_001 * S) == b"\x00\x00\x00\x02\x01\x81\x00"  # century


def test_ds3231_twelve_hours():
    m = DS3231()
    for hour, want in ((0, 0x52), (1, 0x41), (11, 0x51), (12, 0x72), (13, 0x61), (23, 0x71)):
        write(m, bytes((0, 0, 0, hour // 10 << 4 | hour % 10)), 0)
        m.twelve_hours()
        assert m.regs[2] == want, (hour, m.regs[2])
        assert m.now()[3] == hour
    write(m, b"\x00\x59\x59\x71", 0)
    assert read(m, 2, 1, S) == b"\x52"


def test_a_transfer_reads_one_moment_and_drift_counts():
    m = DS3231(ppm=100)
    write(m, b"\x00\x00\x00\x00", 0)
    assert m.begin(999 * MS)
    m.write(b"\x00")
    m.now_us = 5 * S
    assert m.read(1) == b"\x00"
    fast = read(m, 0, 3, 86_400 * S)
    slow = DS3231()
    write(slow, b"\x00\x00\x00\x00", 0)
    assert fast[0] == 0x08 and read(slow, 0, 3, 86_400 * S)[0] == 0x00


def test_pcf8563_first_power_stop_and_low_voltage():
    m = PCF8563()
    r = read(m, 0, 9, 0)
    assert r[0] == 0x08 and r[2] & 0x80
    write(m, b"\x00\x20", 0)
    write(m, b"\x02\x58\x59\x23\x31\x04\x12\x26", 0)
    assert read(m, 2, 7, 10 * S) == b"\x58\x59\x23\x31\x04\x12\x26"
    write(m, b"\x00\x00", 10 * S + 500 * MS)
    assert read(m, 2, 1, 11 * S + 400 * MS) == b"\x58"
    assert read(m, 2, 7, 12 * S + 500 * MS) == b"\x00\x00\x00\x01\x05\x01\x27"
    m.battery_dies()
    assert read(m, 2, 1, 13 * S)[0] & 0x80


def test_garbled_registers_still_count():
    for seed in range(30):
        for m in (DS3231(seed), PCF8563(seed)):
            for i in range(5):
                m.garble(6)
                m.advance((i + 1) * 40_000 * S)
                assert len(m.now()) == 6


def test_a_buzzer_hears_pwm_and_levels():
    b = Buzzer()
    b.pwm(2000, 0, 0)
    b.pwm(2000, 32768, 10 * MS)
    b.pwm(2700, 32768, 30 * MS)
    assert b.sounding()
    b.pwm(2700, 65535, 40 * MS)
    b.pwm(0, 0, 50 * MS)
    assert b.heard() == [(2000, 20), (2700, 10)] and not b.sounding()
    b = Buzzer(active=0)
    b.level(1, 0)
    for at, level in ((5, 0), (25, 1), (55, 0), (65, 1)):
        b.level(level, at * MS)
    assert b.heard() == [(ACTIVE, 20), (ACTIVE, 10)] and b.rhythm() == [20, 30, 10]


def test_a_thermistor_follows_its_formula():
    t = Thermistor(25, noise_mv=0)
    assert abs(t.microvolts(0) - 1_650_000) < 1000
    last = None
    for celsius in range(-40, 130, 10):
        t.celsius = celsius
        uv = t.microvolts(0)
        assert last is None or uv < last
        last = uv
    t.shorted = True
    assert t.microvolts(0) < 10_000
    t.broken = True
    assert t.microvolts(0) == 3_300_000


def test_a_paper_sensor_sees_its_own_light_and_the_days():
    p = PaperSensor(noise_mv=0)
    assert p.microvolts(0) == 1_200_000
    p.emitter(0, 0)
    assert p.microvolts(0) == 20_000
    p.daylight = 900
    assert p.microvolts(0) == 920_000
    p.emitter(1, 0)
    p.paper = False
    assert p.microvolts(0) == 1_080_000
    p.daylight = 0
    p.tremble_us = 10
    assert {p.microvolts(5) for _ in range(20)} == {180_000, 1_200_000}
    assert p.microvolts(10) == 180_000


def test_a_tamper_switch_bounces_and_has_spikes():
    chattered = 0
    for seed in range(20):
        t = TamperSwitch(41, seed=seed)
        assert t.levels({}, 0) == {41: 0}
        t.open(10 * MS)
        levels = []
        for at in range(10 * MS, 14 * MS, 50):
            t.advance(at)
            levels.append(t.levels({}, at)[41])
        chattered += levels.count(0) > 0
        assert levels[-1] == 1 and t.next_due() is None
        t.open(20 * MS)
        assert t.next_due() is None
        t.close(30 * MS)
        t.advance(34 * MS)
        assert t.levels({}, 34 * MS) == {41: 0}
    assert chattered > 8
    t.spike(50 * MS, 2 * MS)
    assert t.next_due() == 50 * MS
    assert [t.levels({}, at * MS)[41] for at in (49, 50, 51, 52)] == [0, 1, 1, 0]
    t.cut = True
    assert t.levels({}, 60 * MS) == {41: 1}
