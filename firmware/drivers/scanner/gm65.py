# QR and bar-code reader modules of the GM65 family on a UART, 9600 8N1.
#
# Zones of the reader's settings (Hangzhou Grow, GM65 user manual, section 8.5); commands and
# replies: receiver.py.
#
#     0000  bit 7 LED at a good read, 6 beep, 5-4 aimer 01: while reading, 3-2 light 01: while
#           reading, 1-0 mode 01: on command
#     0002  bit 0: read now; the reader clears it when it has read. 0: stop
#     0006  longest read, 0.1 s
#     0060  bit 0: end every code with a tail, bits 6-5 00: CR, 01: CR LF, 10: TAB (others of the
#           family keep it elsewhere: argument `tail`)
#
# A code is believed only between the reply to "read now" and the end of the scan: what comes at
# another time belongs to nobody. After 400 ms the reader forgets a command that broke off.

import asyncio
import hashlib

from micropython import const

from ..flag import Flag
from .receiver import (
    CODE,
    FAULT,
    OK,
    READ,
    REPLY,
    SAVE,
    SILENT,
    TIMEOUT,
    UNKNOWN,
    WRITE,
    Code,
    Receiver,
    frame,
)

_MODE = const(0x0000)
_TRIGGER = const(0x0002)
_READ_TIME = const(0x0006)
_ON_COMMAND = const(0x81)
_BEEP = const(0x40)
_AIMER = const(0x10)
_LIGHT = const(0x04)
_START = frame(WRITE, _TRIGGER, b"\x01")
_STOP = frame(WRITE, _TRIGGER, b"\x00")
_KEEP = frame(SAVE, 0, b"\x00")

_ANSWER_MS = const(450)  # longer than the reader waits for the rest of a command that it misread
_TRIES = const(3)
_PAUSE_MS = const(200)  # a code comes in one go; a pause this long ends it
_HELD_MS = const(300)  # before a code that is still held there is read again


class GM65:
    """`uart` initialised with an rxbuf of at least 512 bytes; `clock`: ticks(), diff(), add().

    `prefix`, `suffix` (bytes): what the reader puts around each code. `shortest`, `longest`: bytes
    of a code. `text`: only printable ASCII is a code. `again_ms`: a code that was not away for so
    long is not given twice. `read_s`: how long the reader tries in one go (0.1 s to 25 s).
    `tail`: (address, value) of the zone that sets the suffix, None: it is set already.
    `.repeats`, `.strays`: codes that were dropped, since the start."""

    def __init__(
        self, uart, clock, *, prefix=b"", suffix=b"\r", shortest=1, longest=256, text=True,
        again_ms=3000, read_s=10, light=True, aimer=True, beep=True, tail=(0x0060, 0x01),
    ):  # fmt: skip
        self._uart = uart
        self._clock = clock
        self._rx = Receiver(prefix, suffix, shortest, longest, text)
        self._again_ms = again_ms
        self._read_ms = int(read_s * 1000)
        mode = _ON_COMMAND
        for on, bit in ((light, _LIGHT), (aimer, _AIMER), (beep, _BEEP)):
            if on:
                mode |= bit
        self._mode = mode
        zones = [(_MODE, mode), (_READ_TIME, int(read_s * 10))]
        if tail is not None:
            zones.append(tail)
        self._zones = tuple(zones)
        self._reader = asyncio.StreamReader(uart)
        self._chunk = bytearray(64)
        self._lock = asyncio.Lock()
        self._answered = Flag()
        self._came = Flag()
        self._over = asyncio.Event()
        self._armed = False  # "read now" was sent: its reply opens the scan
        self._open = False
        self._lit = False
        self._owed = 0  # commands that are not answered yet
        self._owed_until = 0
        self._ready = False
        self._code = None
        self._last = b""  # digest of the last code, not the code
        self._last_seen = 0
        self.repeats = 0
        self.strays = 0

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("scanner", self.run), ("scanner.light", self.keep))

    async def run(self):
        """Owner task of the receive side."""
        while True:
            if self._rx.n:
                try:
                    n = await asyncio.wait_for_ms(self._reader.readinto(self._chunk), _PAUSE_MS)  # type: int
                except asyncio.TimeoutError:
                    self._deliver(False)
                    continue
            else:
                n = await self._reader.readinto(self._chunk)
            for i in range(n or 0):
                b = self._chunk[i]
                self._chunk[i] = 0
                event = self._rx.feed(b)
                if event == CODE:
                    self._deliver(True)
                elif event == REPLY:
                    self._answer()

    def _answer(self):
        if not self._owed:
            return  # later than anybody waits
        self._owed -= 1
        if self._owed:
            self._rx.expect(True)
        elif self._armed:
            # What came before the reply was none of this scan's.
            self._armed = False
            self._open = True
            self._lit = True
            self._rx.clear()
        self._answered.set()

    def _deliver(self, whole):
        if not self._open:
            self.strays += 1
            self._rx.clear()
            return
        self._open = False
        self._lit = not whole
        self._code = self._rx.take(whole)
        self._came.set()

    async def keep(self):
        """Owner task of the light: makes sure that it goes out after a scan, whatever was lost."""
        while True:
            await self._over.wait()
            async with self._lock:
                self._over.clear()
                if self._lit:
                    # _end() has sent it once
                    owed = self._owed
                    if (owed and await self._settle(None)) or await self._ask(_STOP, None):
                        self._lit = False

    # ---- commands -------------------------------------------------------------------------------

    def _send(self, command):
        self._answered.clear()
        self._owed += 1
        self._owed_until = self._clock.add(self._clock.ticks(), _ANSWER_MS)
        self._rx.expect(True)
        self._uart.write(command)

    async def _settle(self, end):
        """Whether all commands that were sent have been answered; waits for that, to `end` (ticks,
        None: never) at most. A command whose sender was cancelled is answered, too: taken for the
        answer to the next one, it would put all that follow out of step."""
        while self._owed:
            now = self._clock.ticks()
            ms = self._clock.diff(self._owed_until, now)
            if ms <= 0:
                self._owed = 0  # lost
                self._rx.expect(False)
                return False
            if end is not None:
                ms = min(ms, self._clock.diff(end, now))
                if ms <= 0:
                    return False
            self._answered.clear()
            await self._answered.wait_ms(ms)
        return True

    async def _ask(self, command, end):
        """Send until it is answered (the answer's byte: _rx.value); False when it is not, in three
        tries or until `end` (ticks; None: never)."""
        await self._settle(end)
        for _ in range(_TRIES):
            if end is not None and self._clock.diff(end, self._clock.ticks()) <= 0:
                break
            self._send(command)
            if await self._settle(end):
                return True
        return False

    async def _configure(self, end):
        """Whether the reader is set up. What is not as it should be is written, and saved only
        then: its EEPROM wears out."""
        changed = False
        for address, value in self._zones:
            if not await self._ask(frame(READ, address, b"\x01"), end):
                return False
            if self._rx.value != value:
                changed = True
                if not await self._ask(frame(WRITE, address, bytes((value,))), end):
                    return False
        if changed and not await self._ask(_KEEP, end):
            return False
        self._ready = True
        return True

    async def setup(self):
        """Set the reader up ahead of the first scan, which does it otherwise. OK or UNKNOWN."""
        async with self._lock:
            return OK if await self._configure(None) else UNKNOWN

    async def _start(self, end):
        """Whether the reader reads now. It may have lost power since: the mode is looked at."""
        if self._ready:
            if not await self._ask(frame(READ, _MODE, b"\x01"), end):
                return False
            self._ready = self._rx.value == self._mode
        if not self._ready and not await self._configure(end):
            return False
        if self._code is not None:
            return True  # the read before was slow, and is over now
        self._came.clear()
        self._lit = True
        self._armed = True
        return await self._ask(_START, end)

    # ---- scanning -------------------------------------------------------------------------------

    async def scan(self, timeout_ms):
        """Code of the next code that is shown. Cancelling it puts the light out."""
        ticks, diff = self._clock.ticks, self._clock.diff
        end = self._clock.add(ticks(), timeout_ms)
        async with self._lock:
            answered = False
            try:
                while True:
                    if not await self._start(end):
                        if answered and diff(end, ticks()) <= 0:
                            return Code(FAULT, TIMEOUT)
                        return Code(UNKNOWN, SILENT)
                    answered = True
                    left = diff(end, ticks())
                    code = await self._wait(min(left, self._read_ms + _ANSWER_MS))
                    if code is not None and not self._repeat(code):
                        return code
                    if code is not None:
                        code.wipe()
                        await asyncio.sleep_ms(_HELD_MS)
                    if diff(end, ticks()) <= 0:
                        return Code(FAULT, TIMEOUT)
            finally:
                self._end()

    async def _wait(self, ms):
        await self._came.wait_ms(max(ms, 1))
        code = self._code
        self._code = None
        return code

    def _repeat(self, code):
        """Whether `code` is the last one, that was not away since."""
        if code.kind != OK:
            return False
        digest = hashlib.sha256(code.data).digest()
        now = self._clock.ticks()
        same = digest == self._last and self._clock.diff(now, self._last_seen) < self._again_ms
        self._last = digest
        self._last_seen = now
        if same:
            self.repeats += 1
        return same

    def _end(self):
        self._armed = False
        self._open = False
        if self._code is not None:  # cancelled in the moment in which it came
            self._code.wipe()
            self._code = None
        self._rx.clear()
        if self._lit:
            self._send(_STOP)
            self._over.set()
