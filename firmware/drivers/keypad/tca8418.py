# Keys behind a TCA8418 key controller on I2C, which scans and debounces by itself.
#
# Source: TI SCPS215G (TCA8418 data sheet): 8.3.1 key events, 8.3.5 interrupt output, 8.6.2
# registers; 6.9 debounce up to 60 ms. What the field adds:
# - INT stays low, without another edge, until the FIFO is empty and the status is cleared: its
#   level is looked at, the interrupt only ends the wait (esphome#18521).
# - The chip does not know of ghosts (TI E2E 194786): a third corner of a rectangle brings the
#   fourth with it, in any order. Neither is believed until that has been over for 40 ms.
# - It was seen to stop scanning after much quick typing, with its registers intact; only a reset
#   helped (TI E2E 550538, 875687). With a reset line it is started anew after each idle minute.
# - A brown-out clears its registers: they are compared twice a second.
# - With INT not connected or stuck the keys still work, polled.

import asyncio
import errno
import time

from micropython import const

from .events import Keypad

# Values of .fault
OK = None
NO_ANSWER = "no_answer"  # I2C: nobody acknowledges, or the bus is held
CONFIG = "config"  # the registers are not what was written
INT_LINE = "int_line"  # INT says nothing, or never stops

_CFG = const(0x01)
_INT_STAT = const(0x02)
_KEY_LCK_EC = const(0x03)
_KEY_EVENT_A = const(0x04)
_KP_GPIO1 = const(0x1D)

_KE_IEN = const(0x01)
_OVR_FLOW_IEN = const(0x08)
_OVR_FLOW_INT = const(0x08)
_ALL_INT = const(0x1F)
_COUNT = const(0x0F)
_DEPTH = const(10)
_PRESS = const(0x80)
_KEY = const(0x7F)
_WIDTH = const(10)  # key number = row * 10 + column + 1

# Events lost are the newest, INT stays low while there is something to fetch.
_MODE = const(0x09)  # OVR_FLOW_IEN | KE_IEN

# (register, value) that make it a mere key scanner: no lock, no GPI events, no GPIO interrupts,
# debounce on for every pin.
_QUIET = (
    (_CFG, 0),
    (_KEY_LCK_EC, 0),
    (0x1A, 0), (0x1B, 0), (0x1C, 0),  # GPIO_INT_EN
    (0x20, 0), (0x21, 0), (0x22, 0),  # GPI_EM
    (0x29, 0), (0x2A, 0), (0x2B, 0),  # DEBOUNCE_DIS
)  # fmt: skip

_RESET_US = const(200)
_RESET_MS = const(1)
_START_MS = const(80)  # debounce and a scan: keys that were down before have been told by then
_BATCH = const(4)  # events fetched in one go: under 2 ms of bus at 100 kHz
_LOOK_MS = const(100)
_POLL_MS = const(20)
_CHECK_MS = const(500)
_DOUBT_MS = const(40)
_IDLE_MS = const(60_000)
_TRIES = const(3)
_RETRY_MS = const(5)
_IDLE_LOOKS = const(25)  # INT low with nothing to fetch, so often in a row: it is stuck
_BACKOFF_MS = const(50)
_BACKOFF_MAX_MS = const(5000)


def first_key_down(i2c, address=0x34):
    """Whether the key between ROW0 and COL0 is down, before there is a driver: only these two pins
    are handed to the scanner, which tells within 80 ms what it finds. False when the chip does not
    answer."""
    try:
        i2c.writeto_mem(address, _CFG, b"\x00")
        for register in (_KP_GPIO1, _KP_GPIO1 + 1):
            i2c.writeto_mem(address, register, b"\x01")
        time.sleep_ms(_START_MS)
        down = i2c.readfrom_mem(address, _KEY_EVENT_A, 1)[0] == _PRESS | 1
        for register in (_KP_GPIO1, _KP_GPIO1 + 1):
            i2c.writeto_mem(address, register, b"\x00")
    except OSError:
        return False
    return down


class TCA8418(Keypad):
    """`i2c`: machine.I2C, at most 400 kHz, made with timeout=2000 (us; the port's default lets a
    held bus stop the loop for 50 ms). `int_pin`: input with pull-up. `rows`, `cols`: how many of
    ROW0.. and COL0.. are wired; `layout`: key names, row by row (None where no key sits), at most
    30. `reset`: output pin at RESET, or None. `options`: see Keypad.

    .fault: OK, NO_ANSWER, CONFIG or INT_LINE. .overflows: how often the chip's own FIFO was full.
    .ghosts: presses that were not believed. .strange: events of keys that are not there.
    .restarts: how often the chip was set up.
    """

    def __init__(
        self, i2c, int_pin, rows, cols, layout, clock, reset=None, address=0x34, **options
    ):
        if len(layout) != rows * cols or rows > 8 or cols > _WIDTH:
            raise ValueError("layout does not fit the matrix")
        Keypad.__init__(self, layout, clock, **options)
        self._i2c = i2c
        self._int = int_pin
        self._rows = rows
        self._cols = cols
        self._reset = reset
        self._address = address
        mask = (1 << cols) - 1
        self._pins = ((1 << rows) - 1, mask & 0xFF, mask >> 8)
        self._one = bytearray(1)
        self._wake = asyncio.ThreadSafeFlag()
        self._fell = None  # ticks at which INT was seen to fall
        self._raw = 0  # keys that the chip says are down
        self._moved = clock.ticks()  # when it said so last
        self._doubt = 0  # of these, third and fourth corners
        self._before = -1  # keys that were down before it was set up; -1: nobody knows
        self._started = clock.ticks()
        self._idle_looks = 0
        self._deaf = False  # INT was high while there were events
        self.fault = OK
        self.overflows = 0
        self.ghosts = 0
        self.strange = 0
        self.restarts = 0

    # ---- registers ------------------------------------------------------------------------------

    def _read(self, register):
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def _write(self, register, value):
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)

    def _intact(self):
        """Whether the chip still has its configuration."""
        if self._read(_CFG) != _MODE:
            return False
        for i in range(3):
            if self._read(_KP_GPIO1 + i) != self._pins[i]:
                return False
        return True

    # ---- events, without waiting ----------------------------------------------------------------

    def drain(self, now):
        """Fetch at most 4 events; how many there were. OSError when the chip does not answer."""
        status = self._read(_INT_STAT)
        n = self._read(_KEY_LCK_EC) & _COUNT
        if n > _DEPTH:
            raise OSError(errno.EIO)  # no such count: the bus is not what it seems
        at = now if self._fell is None else self._fell
        self._fell = None
        for _ in range(min(n, _BATCH)):
            self.feed(self._read(_KEY_EVENT_A), at)
            at = now  # of the others nothing is known but the order
        if n <= _BATCH:
            if status & _OVR_FLOW_INT:
                # The newest are lost: which keys are down now, nobody knows.
                self.overflows += 1
                self._queue.lost += 1
                self._raw = self._doubt = 0
                self.release_all(now)
            if status:
                self._write(_INT_STAT, status & _ALL_INT)
        return n

    def feed(self, event, at):
        """One byte of the FIFO: bit 7 press, bits 0..6 key number. Any byte is taken."""
        number = (event & _KEY) - 1
        row = number // _WIDTH
        col = number - row * _WIDTH
        if number < 0 or row >= self._rows or col >= self._cols:
            self.strange += 1
            return
        i = row * self._cols + col
        bit = 1 << i
        self._moved = at
        if not event & _PRESS:
            self._raw &= ~bit
            self._doubt &= ~bit
            self.change(i, False, at)
            return
        if self._raw & bit:
            self.change(i, False, at)  # its release was lost
        self._raw |= bit
        if self._held_before(bit, at):
            self.ignore(bit, at)
        elif self._third_corner(row, col):
            self.ghosts += 1
            self._doubt |= bit
        else:
            self.change(i, True, at)

    def _held_before(self, bit, at):
        """Whether the chip only tells what was so before it was set up."""
        if not self._before or self._clock.diff(at, self._started) > _START_MS:
            self._before = 0
            return False
        return bool(self._before & bit)

    def _third_corner(self, row, col):
        """Whether the lines of this key are joined, over any chain of keys that are down, to two
        rows and two columns: then at least one of these keys is none."""
        mask = (1 << self._cols) - 1
        rows = 1 << row
        cols = 1 << col
        grown = True
        while grown:
            grown = False
            for r in range(self._rows):
                keys = self._raw >> (r * self._cols) & mask
                if keys & cols and (keys & ~cols or not rows >> r & 1):
                    rows |= 1 << r
                    cols |= keys
                    grown = True
        return bool(rows & (rows - 1) and cols & (cols - 1))

    def _clear_doubts(self, now):
        """Keys that are no corner any more, and still down, are pressed now."""
        if self._clock.diff(now, self._moved) < _DOUBT_MS:
            return
        cols = self._cols
        for i in range(len(self._layout)):
            row = i // cols
            if self._doubt >> i & 1 and not self._third_corner(row, i - row * cols):
                self._doubt &= ~(1 << i)
                self.change(i, True, now)

    # ---- the owner task -------------------------------------------------------------------------

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("keypad", self.run),)

    async def run(self):
        backoff = _BACKOFF_MS
        self._int.irq(self._woken, self._int.IRQ_FALLING)
        try:
            while True:
                try:
                    await self._set_up()
                    backoff = _BACKOFF_MS
                    self.fault = await self._serve()
                except OSError:
                    self.fault = NO_ANSWER
                self.release_all(self._clock.ticks())
                if self.fault is not OK:
                    await asyncio.sleep_ms(backoff)
                    backoff = min(2 * backoff, _BACKOFF_MAX_MS)
        finally:
            self._int.irq(None)

    def _woken(self, pin):
        if self._fell is None:
            self._fell = self._clock.ticks()
        self._wake.set()

    async def _set_up(self):
        """Registers as they must be; what the FIFO held is of no interest. In several goes: none
        keeps the bus for more than 5 ms at 100 kHz."""
        if self._reset is not None:
            self._reset(0)
            time.sleep_us(_RESET_US)
            self._reset(1)
            await asyncio.sleep_ms(_RESET_MS)
        for register, value in _QUIET:
            self._write(register, value)
        await asyncio.sleep_ms(0)
        for _ in range(_DEPTH):
            if not self._read(_KEY_EVENT_A):
                break
            await asyncio.sleep_ms(0)
        for i in range(3):
            self._write(_KP_GPIO1 + i, self._pins[i])
        self._write(_INT_STAT, _ALL_INT)
        self._write(_CFG, _MODE)
        self._before = self._raw if self.restarts else -1
        self.restarts += 1
        self._raw = self._doubt = self._idle_looks = 0
        self._deaf = False
        self._fell = None
        self._started = self._moved = self._clock.ticks()

    async def _serve(self):
        """Until the chip must be set up again; the fault, or OK when it is only a precaution.
        OSError when it does not answer several times running."""
        clock = self._clock
        checked = clock.ticks()
        failed = 0
        while True:
            now = clock.ticks()
            try:
                self._look(now)
                if clock.diff(now, checked) >= _CHECK_MS:
                    if not self._intact():
                        return CONFIG
                    self._hear(now)
                    checked = now
                failed = 0
            except OSError:
                failed += 1
                if failed > _TRIES:
                    raise
                await asyncio.sleep_ms(_RETRY_MS)
                continue
            self._clear_doubts(now)
            self.poll(now)
            if self._reset is not None and not self._raw:
                if clock.diff(now, self._moved) >= _IDLE_MS:
                    return OK
            await self._wait(now)

    def _look(self, now):
        """By the level of INT, not by its edge."""
        low = not self._int()
        if low or self._deaf:
            if self.drain(now):
                self._idle_looks = 0
            elif low:
                self._idle_looks += 1
        else:
            self._idle_looks = 0
        if self._idle_looks >= _IDLE_LOOKS or self._deaf:
            self.fault = INT_LINE
        else:
            self.fault = OK

    def _hear(self, now):
        """Whether INT can be believed: it must be low while there are events."""
        if self._int() and self._read(_KEY_LCK_EC) & _COUNT and self._int():
            self._deaf = True
            self.drain(now)

    async def _wait(self, now):
        if self._doubt or self._deaf or self._idle_looks:
            await asyncio.sleep_ms(self.next_ms(now, _POLL_MS))
            return
        if not self._int():
            await asyncio.sleep_ms(0)  # more to fetch; the others come first
            return
        try:
            await asyncio.wait_for_ms(self._wake.wait(), self.next_ms(now, _LOOK_MS))
        except asyncio.TimeoutError:
            pass
