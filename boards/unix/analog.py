# machine.ADC and machine.PWM of the simulated board: part of machine.py, which must stay readable.

import errno
import sys

import bus
import machine
import target


class ADC:
    """As ports/esp32/machine_adc.c: the pins of block 2 cannot be read while Wi-Fi is active.
    read_uv() is calibrated, has a resolution of a millivolt and ends at the upper limit of the
    attenuation."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3
    WIDTH_12BIT = 12

    _LIMIT_UV = (950_000, 1_250_000, 1_750_000, 3_100_000)
    _READ_US = 60
    _channels = {}  # one object per GPIO, as in the port

    def __new__(cls, pin, **options):
        number = machine.Pin(pin)._id
        if not target.ADC_1[0] <= number <= target.ADC_2[1]:
            raise ValueError("invalid pin")
        self = cls._channels.get(number)
        if self is None:
            self = super().__new__(cls)
            self._pin = number
            self._atten = cls.ATTN_0DB
            cls._channels[number] = self
        return self

    def __init__(self, pin, **options):
        self.init(**options)

    def init(self, *, atten=None):
        if atten is not None:
            self.atten(atten)

    def deinit(self):
        self._channels.pop(self._pin, None)

    def atten(self, atten):
        if not 0 <= atten <= 3:
            raise ValueError("invalid atten")
        self._atten = atten

    def width(self, bits):
        if bits != 12:
            raise ValueError("invalid bits")

    def read_uv(self):
        if self._pin > target.ADC_1[1] and _wifi_active():
            raise OSError(errno.ETIMEDOUT)
        bus.current.spend(self._READ_US)
        uv = min(bus.current.adc_read(self._pin), self._LIMIT_UV[self._atten])
        return uv // 1000 * 1000

    def read(self):
        return self.read_uv() * 4095 // self._LIMIT_UV[self._atten]

    def read_u16(self):
        raw = self.read()
        return raw << 4 | raw >> 8


def _wifi_active():
    network = sys.modules.get("network")
    station = None if network is None else network.WLAN._station
    return station is not None and station.active()


class PWM:
    """As ports/esp32/machine_pwm.c: 8 channels (ESP32-C3: 6), 4 timers (a timer for each frequency
    in use)."""

    _CHANNELS = target.PWMS
    _TIMERS = 4
    _outputs = {}  # one object per GPIO

    def __new__(cls, dest, *, freq=-1, duty=-1, duty_u16=-1, duty_ns=-1, invert=False):
        number = machine.Pin(dest)._id
        self = cls._outputs.get(number)
        if self is None:
            if len(cls._outputs) >= cls._CHANNELS:
                raise RuntimeError("out of PWM channels:%d" % cls._CHANNELS)
            self = super().__new__(cls)
            self._pin = number
            self._freq = 0
            self._duty = 0
            cls._outputs[number] = self
        return self

    def __init__(self, dest, *, freq=-1, duty=-1, duty_u16=-1, duty_ns=-1, invert=False):
        self._invert = invert
        try:
            self.init(
                freq=self._freq or 5000 if freq == -1 else freq, duty=duty, duty_u16=duty_u16,
                duty_ns=duty_ns, invert=invert,
            )  # fmt: skip
        except (ValueError, RuntimeError):
            if not self._freq:
                self._outputs.pop(self._pin, None)
            raise

    def init(self, *, freq=-1, duty=-1, duty_u16=-1, duty_ns=-1, invert=None):
        if invert is not None:
            self._invert = invert
        if freq != -1:
            self._set_freq(freq)
        if duty_u16 != -1:
            self._set_duty(duty_u16, 65535, "duty_u16 must be from 0 to 65535")
        elif duty != -1:
            self._set_duty(duty, 1023, "duty must be from 0 to 1023")
        elif duty_ns != -1:
            self.duty_ns(duty_ns)
        self._apply()

    def deinit(self):
        if self._outputs.pop(self._pin, None) is not None:
            self._freq = 0
            bus.current.pwm(self._pin, 0, 0)

    def _set_freq(self, freq):
        if not 0 < freq <= 40_000_000:
            raise ValueError("frequency must be from 1Hz to 40MHz")
        others = {p._freq for p in self._outputs.values() if p is not self and p._freq}
        if freq not in others and len(others) >= self._TIMERS:
            raise RuntimeError("out of PWM timers:%d" % self._TIMERS)
        self._freq = freq

    def _set_duty(self, value, full, text):
        if not 0 <= value <= full:
            raise ValueError(text)
        self._duty = value * 65535 // full

    def _apply(self):
        bus.current.spend(15)
        duty = 65535 - self._duty if self._invert else self._duty
        bus.current.pwm(self._pin, self._freq, duty)

    def _alive(self):
        if not self._freq:
            raise RuntimeError("PWM is inactive")

    def freq(self, value=None):
        self._alive()
        if value is None:
            return self._freq
        self._set_freq(value)
        self._apply()

    def duty_u16(self, value=None):
        self._alive()
        if value is None:
            return self._duty
        self._set_duty(value, 65535, "duty_u16 must be from 0 to 65535")
        self._apply()

    def duty(self, value=None):
        self._alive()
        if value is None:
            return self._duty >> 6
        self._set_duty(value, 1023, "duty must be from 0 to 1023")
        self._apply()

    def duty_ns(self, value=None):
        self._alive()
        period = 1_000_000_000 // self._freq
        if value is None:
            return self._duty * period // 65535
        self._set_duty(value, period, "duty_ns must be from 0 to the period")
        self._apply()
