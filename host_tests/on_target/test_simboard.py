# The simulated board refuses what the ESP32 port lacks, and has its limits.

import asyncio
import os
import time

import bus
import esp32
import machine
import network
from harness import flash, raises
from machine import I2C, RTC, SPI, UART, WDT, Pin, Timer

from models.nor import FlashFault


class Far:
    """A UART peer that keeps what comes and sends what it is told."""

    def __init__(self):
        self.got = b""
        self.out = b""

    def receive(self, data, now_us):
        self.got += data

    def transmit(self, now_us):
        out, self.out = self.out, b""
        return out

    def next_due(self):
        return None

    def advance(self, now_us):
        pass


def uart(**options):
    far = Far()
    bus.current.rack.attach_uart(1, far)
    return far, UART(1, 115200, **options)


# ---- what the port lacks ------------------------------------------------------------------------


def test_nothing_beyond_the_ports_api():
    for module, names in (
        (machine, ("PinBase", "Signal", "mem32", "DAC", "CAN", "USBDevice")),
        (Pin, ("ANALOG", "ALT", "IRQ_LOW_LEVEL", "PULL_HOLD")),
        (UART, ("IDLE", "IRQ_TXIDLE")),
        (network, ("PPP", "WIZNET5K")),
    ):
        for name in names:
            assert not hasattr(module, name), name


def test_constants_are_the_ports():
    assert (Pin.IN, Pin.OUT, Pin.OPEN_DRAIN, Pin.PULL_UP, Pin.PULL_DOWN) == (1, 3, 7, 2, 1)
    assert (machine.PWRON_RESET, machine.HARD_RESET, machine.WDT_RESET) == (1, 2, 3)
    assert (Timer.ONE_SHOT, Timer.PERIODIC) == (0, 1)


def test_what_does_not_exist_is_refused():
    raises(ValueError, UART, 3)
    raises(ValueError, SPI, 0)
    raises(ValueError, I2C, 2)
    raises(ValueError, Timer, 4)
    raises(ValueError, Pin, 22)
    raises(ValueError, Pin, 49)
    raises(ValueError, Pin, "NO_SUCH_NAME")
    raises(ValueError, Pin, 27)  # the flash hangs there
    raises(ValueError, lambda: UART(1, 115200, rxbuf=64))
    raises(ValueError, network.WLAN, network.AP_IF)
    raises(ValueError, machine.freq, 1)
    raises(TypeError, lambda: UART(1, 115200, nonsense=1))


def test_pins_have_the_boards_names():
    assert Pin("LCD_CS") is Pin.board.LCD_CS is Pin(10)


# ---- UART ---------------------------------------------------------------------------------------


async def test_bytes_take_their_time_on_the_line():
    far, u = uart()
    u.write(b"x" * 115)  # 10 ms at 115200 baud
    await asyncio.sleep_ms(5)
    assert 40 < len(far.got) < 70
    assert not u.txdone()
    await asyncio.sleep_ms(6)
    assert len(far.got) == 115 and u.txdone()


async def test_a_full_receive_buffer_loses_bytes():
    far, u = uart(rxbuf=256)
    far.out = bytes(range(256)) + b"lost"
    bus.current.rack.poke()
    await asyncio.sleep_ms(100)
    assert u.any() == 256
    assert u.read() == bytes(range(256))
    assert u.read() is None and u.any() == 0


def test_writing_more_than_the_buffer_blocks_the_processor():
    _, u = uart(txbuf=256)
    start = time.ticks_ms()
    u.write(b"x" * 200)
    assert time.ticks_diff(time.ticks_ms(), start) < 2
    u.write(b"x" * 1000)
    assert time.ticks_diff(time.ticks_ms(), start) > 70
    u.flush()
    assert time.ticks_diff(time.ticks_ms(), start) > 100


async def test_reading_in_pieces_and_lines():
    far, u = uart()
    far.out = b"one\r\ntwo"
    bus.current.rack.poke()
    await asyncio.sleep_ms(10)
    assert u.readline() == b"one\r\n"
    buf = bytearray(2)
    assert u.readinto(buf) == 2 and buf == b"tw"
    assert u.read(10) == b"o"
    assert u.readinto(buf) is None


async def test_the_wrong_rate_breaks_every_byte():
    far = Far()
    bus.current.rack.attach_uart(1, far, 9600)
    u = UART(1, 115200)
    u.write(b"hello")
    await asyncio.sleep_ms(20)
    assert len(far.got) == 5 and not set(far.got) & set(b"hello")


# ---- pins, timers, buses ------------------------------------------------------------------------


async def test_interrupts_on_edges():
    class Toggle:
        level = 1

        def drive(self, driven, now_us):
            pass

        def levels(self, driven, now_us):
            return {5: self.level}

        def next_due(self):
            return None

        def advance(self, now_us):
            pass

    t = Toggle()
    bus.current.rack.attach_gpio(t)
    p = Pin(5, Pin.IN, Pin.PULL_UP)
    seen = []
    p.irq(lambda pin: seen.append(pin()), Pin.IRQ_FALLING)
    for level in (0, 1, 0):
        t.level = level
        bus.current.rack.poke()
        await asyncio.sleep_ms(1)
    assert seen == [0, 0]
    p.irq(None)
    t.level = 1
    bus.current.rack.poke()
    t.level = 0
    bus.current.rack.poke()
    await asyncio.sleep_ms(1)
    assert seen == [0, 0]


async def test_timers():
    fired = []
    once = Timer(0)
    once.init(mode=Timer.ONE_SHOT, period=30, callback=lambda t: fired.append("once"))
    often = Timer(1, mode=Timer.PERIODIC, period=40, callback=lambda t: fired.append("often"))
    await asyncio.sleep_ms(130)
    assert fired == ["once", "often", "often", "often"]
    often.deinit()
    await asyncio.sleep_ms(100)
    assert len(fired) == 4


class Eeprom:
    """An I2C device with 8-bit addresses."""

    def __init__(self):
        self.cells = bytearray(range(16))
        self.at = 0

    def write(self, data):
        self.at = data[0]
        for i, b in enumerate(data[1:]):
            self.cells[self.at + i] = b

    def read(self, n):
        return bytes(self.cells[self.at : self.at + n])


def test_i2c():
    bus.current.rack.attach_i2c(0, 0x50, Eeprom())
    i2c = I2C(0, freq=400_000)
    assert i2c.scan() == [0x50]
    assert i2c.readfrom_mem(0x50, 3, 2) == b"\x03\x04"
    i2c.writeto_mem(0x50, 3, b"\xaa")
    assert i2c.readfrom_mem(0x50, 3, 1) == b"\xaa"
    e = raises(OSError, i2c.writeto, 0x51, b"x")
    assert e.args[0] == 19  # ENODEV


def test_spi_reaches_the_selected_device_only():
    class Device:
        got = b""

        def spi_write(self, data, dc):
            self.got += data

    d = Device()
    bus.current.rack.attach_spi(1, d, 10)
    cs = Pin(10, Pin.OUT, value=1)
    spi = SPI(1, baudrate=1_000_000)
    spi.write(b"no")
    cs(0)
    spi.write(b"yes")
    assert d.got == b"yes"
    assert spi.read(2) == b"\xff\xff"


# ---- watchdog, reset, clock ---------------------------------------------------------------------


def test_a_missed_feed_resets():
    wdt = WDT(timeout=1000)
    for _ in range(5):
        time.sleep_ms(900)
        wdt.feed()

    def sleep():
        time.sleep_ms(1100)
        wdt.feed()

    e = raises(bus.BoardReset, sleep)
    assert e.args == (bus.WDT_RESET,)


def test_reset_and_its_cause():
    assert machine.reset_cause() == machine.PWRON_RESET
    assert raises(bus.BoardReset, machine.reset).args == (machine.HARD_RESET,)
    assert raises(bus.BoardReset, machine.soft_reset).args == (machine.SOFT_RESET,)
    assert len(machine.unique_id()) == 6


def test_the_calendar_starts_in_2000_and_follows_the_rtc():
    assert time.localtime()[0] == 2000 and time.time() < 100
    RTC().datetime((2026, 11, 23, 0, 9, 30, 15, 0))
    assert time.localtime()[:6] == (2026, 11, 23, 9, 30, 15)
    time.sleep_ms(2000)
    assert RTC().datetime()[:3] == (2026, 11, 23) and RTC().datetime()[6] == 17
    assert time.mktime(time.localtime()) == time.time()


# ---- flash --------------------------------------------------------------------------------------


class Image:
    """The 8 MiB flash image with cells only where a test uses them: the first blocks of one
    partition."""

    def __init__(self, address=0x610000):
        self.nor, _ = flash(4096, 4)
        self.log = None
        self._at = address

    def read_into(self, addr, buf):
        self.nor.read_into(addr - self._at, buf)

    def program(self, addr, data):
        self.nor.program(addr - self._at, data)

    def erase(self, block):
        self.nor.erase(block - self._at // 4096)

    block = 4096
    blocks = 2048


def test_a_partition_behaves_like_nor_flash():
    esp32.use_flash(Image())
    try:
        p = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="journal")[0]
        assert p.info()[2:5] == (0x610000, 0x100000, "journal")
        assert (p.ioctl(4), p.ioctl(5)) == (256, 4096)
        p.writeblocks(0, b"hello", 100)
        buf = bytearray(5)
        p.readblocks(0, buf, 100)
        assert buf == b"hello"
        raises(FlashFault, p.writeblocks, 0, b"again", 100)
        p.ioctl(6, 0)
        p.readblocks(0, buf, 100)
        assert buf == b"\xff" * 5
        p.writeblocks(0, bytes(4096))  # without an offset: erases first
        p.writeblocks(0, bytes(4096))
        raises(OSError, p.readblocks, 256, buf)
        raises(OSError, esp32.Partition, "nothing")
        assert len(esp32.Partition.find(esp32.Partition.TYPE_APP)) == 2
    finally:
        esp32.use_flash(None)


def test_wifi_joins_only_with_the_right_password():
    w = network.WLAN(network.STA_IF)
    raises(OSError, w.scan)
    raises(OSError, w.connect, "shop", "secret")
    w.active(True)
    assert w.scan() == [] and not w.isconnected()
    w.connect("shop", "secret")
    assert w.status() == network.STAT_CONNECTING
    assert raises(OSError, w.connect, "shop", "secret").args == ("Wifi Internal Error",)
    time.sleep_ms(2000)
    assert w.status() == network.STAT_NO_AP_FOUND
    raises(OSError, w.connect, "shop", "secret")  # the port goes on trying by itself
    raises(OSError, w.status, "rssi")
    w.disconnect()
    assert w.config("reconnects") == -1
    w.config(reconnects=0)
    raises(OSError, lambda: w.config(password="x"))
    os.putenv("SHOUYIN_WIFI", "shop:secret99")
    try:
        w.connect("shop", "wrong-one")
        time.sleep_ms(1000)
        assert w.status() == network.STAT_NO_AP_FOUND  # of the attempt before
        time.sleep_ms(1000)
        assert w.status() == network.STAT_WRONG_PASSWORD
        w.connect("shop", "secret99")
        time.sleep_ms(1000)
        assert w.scan() == [] and w.status() == network.STAT_WRONG_PASSWORD
        time.sleep_ms(1000)
        assert w.isconnected() and w.ifconfig()[0] != "0.0.0.0"
        assert w.status("rssi") == -52 and w.config("ssid") == "shop"
        raises(OSError, w.connect, "shop", "secret99")
        assert [n[0] for n in w.scan()] == [b"shop"]
        w.active(False)
        assert not w.isconnected()
    finally:
        os.unsetenv("SHOUYIN_WIFI")


# ---- virtual time -------------------------------------------------------------------------------


async def test_hours_pass_in_no_time_and_in_order():
    order = []

    async def waits(ms):
        await asyncio.sleep_ms(ms)
        order.append(ms)

    tasks = [asyncio.create_task(waits(ms)) for ms in (3_600_000, 5, 7_200_000, 5, 0)]
    await asyncio.gather(*tasks)
    assert order == [0, 5, 5, 3_600_000, 7_200_000]


async def test_a_task_that_spins_sees_time_pass():
    start = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), start) < 50:
        await asyncio.sleep_ms(0)
    while time.ticks_diff(time.ticks_ms(), start) < 60:
        pass


def test_a_wait_that_nothing_can_end_is_an_error():
    async def forever():
        await asyncio.Event().wait()

    async def main():
        flag = asyncio.ThreadSafeFlag()
        await flag.wait()

    raises(RuntimeError, asyncio.run, main())
    assert forever is not None


# ---- analogue inputs, PWM, a held I2C bus -------------------------------------------------------


class Volts:
    def __init__(self, uv):
        self.uv = uv

    def microvolts(self, now_us):
        return self.uv


def test_an_adc_has_millivolts_and_a_limit():
    bus.current.rack.attach_adc(6, Volts(1_234_567))
    adc = machine.ADC(Pin(6), atten=machine.ADC.ATTN_11DB)
    start = time.ticks_us()
    assert adc.read_uv() == 1_234_000
    assert time.ticks_diff(time.ticks_us(), start) >= 50  # a conversion takes its time
    adc.atten(machine.ADC.ATTN_0DB)
    assert adc.read_uv() == 950_000 and adc.read() == 4095 and adc.read_u16() == 65535
    assert machine.ADC(7).read_uv() == 0
    raises(ValueError, machine.ADC, 21)
    raises(ValueError, machine.ADC, 0)
    raises(ValueError, adc.atten, 4)
    raises(ValueError, adc.width, 11)
    raises(TypeError, lambda: machine.ADC(6, sample_ns=10))
    for name in ("read_timed", "block", "vref"):
        assert not hasattr(adc, name), name


def test_block_2_of_the_adc_cannot_be_read_beside_wifi():
    bus.current.rack.attach_adc(12, Volts(500_000))
    adc = machine.ADC(12)
    assert adc.read_uv() == 500_000
    w = network.WLAN(network.STA_IF)
    w.active(True)
    try:
        raises(OSError, adc.read_uv)
        assert machine.ADC(6).read_uv() == 0
    finally:
        w.active(False)
    assert adc.read_uv() == 500_000


def test_pwm_has_8_channels_and_4_timers():
    heard = []
    bus.current.rack.on_pwm(40, lambda freq, duty, now_us: heard.append((freq, duty)))
    p = machine.PWM(Pin(40), freq=2000, duty_u16=0)
    p.duty_u16(32768)
    p.freq(4000)
    assert heard == [(2000, 0), (2000, 32768), (4000, 32768)]
    assert p.freq() == 4000 and p.duty_u16() == 32768 and p.duty() == 512
    assert p.duty_ns() == 125_001
    raises(ValueError, p.freq, 0)
    raises(ValueError, p.freq, 40_000_001)
    raises(ValueError, p.duty_u16, 65536)
    raises(ValueError, p.duty, 1024)
    raises(ValueError, p.duty_ns, 250_001)
    raises(TypeError, lambda: machine.PWM(Pin(41), nonsense=1))
    made = [p]
    try:
        for i in range(3):
            made.append(machine.PWM(Pin(1 + i), freq=1000 + i))
        raises(RuntimeError, lambda: machine.PWM(Pin(10), freq=77))
        for i in range(4):
            made.append(machine.PWM(Pin(11 + i), freq=4000))
        raises(RuntimeError, lambda: machine.PWM(Pin(10), freq=4000))
    finally:
        for m in made:
            m.deinit()
    assert heard[-1] == (0, 0)
    raises(RuntimeError, p.freq, 1000)


class Holds(Eeprom):
    """Takes two bytes, acknowledges its address when it likes, and can hold SDA low."""

    held = False
    there = True

    def begin(self, now_us):
        return self.there

    def holds_sda(self, now_us):
        return self.held

    def write(self, data):
        return min(2, len(data))


def test_an_i2c_bus_that_is_held_low_takes_the_whole_timeout():
    d = Holds()
    bus.current.rack.attach_i2c(0, 0x50, Eeprom())
    bus.current.rack.attach_i2c(0, 0x51, d)
    i2c = I2C(0, freq=400_000, timeout=2000)
    assert i2c.writeto(0x51, b"ab") == 2
    assert raises(OSError, i2c.writeto, 0x51, b"abc").args[0] == 19
    d.there = False
    assert raises(OSError, i2c.readfrom, 0x51, 1).args[0] == 19
    d.held = True
    start = time.ticks_us()
    assert raises(OSError, i2c.readfrom_mem, 0x50, 3, 1).args[0] != 19
    assert 2000 <= time.ticks_diff(time.ticks_us(), start) < 3000


def test_the_chip_feels_its_own_temperature():
    bus.current.rack.celsius = 41
    assert esp32.mcu_temperature() == 41
    assert not hasattr(esp32, "raw_temperature")
