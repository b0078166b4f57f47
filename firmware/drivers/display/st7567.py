# ST7567 (also UC1701, compatible in what is used here): 128x64 mono COG glass on 4-line SPI.
#
# Source: Sitronix ST7567 data sheet, "Instruction table" and "Power ON flow". The controller
# cannot be read.

import time

from micropython import const

from .light import shine
from .mono import MonoSPI

_DISPLAY_OFF = const(0xAE)
_DISPLAY_ON = const(0xAF)
_START_LINE = const(0x40)
_SEG_NORMAL = const(0xA0)
_SEG_REVERSE = const(0xA1)
_COM_NORMAL = const(0xC0)
_COM_REVERSE = const(0xC8)
_BIAS_1_9 = const(0xA2)
_POWER = const(0x28)
_BOOSTER = const(4)
_REGULATOR = const(2)
_FOLLOWER = const(1)
_RATIO = const(0x20)
_VOLUME = const(0x81)
_SOFT_RESET = const(0xE2)
_ALL_POINTS_OFF = const(0xA4)
_ALL_POINTS_ON = const(0xA5)
_INVERSE = const(0xA6)


class ST7567(MonoSPI):
    """`spi` initialised (mode 0 or 3, up to 20 MHz); `cs`, `dc`, `reset` output pins.
    `seg_reverse` mirrors left-right (the RAM has 132 columns: the glass then begins at column 4),
    `com_reverse` top-bottom. `light`: backlight, machine.PWM, machine.Pin or None."""

    def __init__(self, spi, cs, dc, reset, com_reverse=True, seg_reverse=False, light=None):
        MonoSPI.__init__(self, spi, cs, dc, 4 if seg_reverse else 0, light)
        self._reset = reset
        self._com_reverse = com_reverse
        self._seg_reverse = seg_reverse
        self._volume_level = 32

    def start(self):
        """Reset and switch on; takes about 120 ms (data sheet: 50 ms for the booster). The glass
        is blank."""
        reset = self._reset
        self._cs(1)
        reset(0)
        time.sleep_us(10)
        reset(1)
        time.sleep_ms(5)
        self._send(_SOFT_RESET)
        time.sleep_ms(5)
        self._send(_BIAS_1_9)
        self._send(_SEG_REVERSE if self._seg_reverse else _SEG_NORMAL)
        self._send(_COM_REVERSE if self._com_reverse else _COM_NORMAL)
        self._send(_RATIO | 4)
        self._volume(self._volume_level)
        self._send(_POWER | _BOOSTER)
        time.sleep_ms(50)
        self._send(_POWER | _BOOSTER | _REGULATOR)
        time.sleep_ms(50)
        self._send(_POWER | _BOOSTER | _REGULATOR | _FOLLOWER)
        time.sleep_ms(10)
        self._send(_START_LINE)
        self._send(_ALL_POINTS_OFF)
        self._send(_INVERSE)
        # The RAM holds noise.
        self.fb.fill(0)
        self._forget()
        self.show()
        self._send(_DISPLAY_ON)
        self.backlight(self._level)

    def _volume(self, level):
        self._send(_VOLUME)
        self._send(level & 0x3F)

    def contrast(self, level):
        """0 (pale) to 100 (dark); 51 is the middle of the electronic volume's 64 steps."""
        if not 0 <= level <= 100:
            raise ValueError("contrast is 0 to 100")
        self._volume_level = level * 63 // 100
        self._volume(self._volume_level)

    def sleep(self):
        """Power save mode: display off and all points on ("Power save")."""
        shine(self._light, 0)
        self._send(_DISPLAY_OFF)
        self._send(_ALL_POINTS_ON)

    def wake(self):
        self._send(_ALL_POINTS_OFF)
        self._send(_DISPLAY_ON)
        shine(self._light, self._level)
