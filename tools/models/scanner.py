"""QR and bar-code reader module of the GM65 family on a UART.

Owns: settings in RAM and EEPROM, the command line, what the lens sees, light and beep.
Must not: know what a code means to the terminal.

COMMANDS (Hangzhou Grow, GM65 user manual V1.3, section 8; 9600 bit/s 8N1)

    to the reader    7E 00  type  length  address(2)  data  CRC(2)
        type 07 read: length 01, data = how many zones (00: 256)
        type 08 write: length = bytes of data, written from the address on
        type 09 save to EEPROM: length 01, address 0000, data 00
    from the reader  02 00  00 (done)  length  data  CRC(2)
        write and save are answered with one data byte 00: 02 00 00 01 00 33 31

    CRC: CCITT, polynomial 1021, initial value 0, high byte first, over type .. data; AB CD in its
    place is taken for any. A wrong CRC, an unknown type, a length that makes no sense: no answer.
    When a command is not complete 400 ms after 7E 00 it is forgotten.
    Examples of the manual: read zone 000A holding 3E: 7E 00 07 01 00 0A 01 EE 8A -> 02 00 00 01 3E
    E4 AC. Write 3E there: 7E 00 08 01 00 0A 3E 4C CF. Save: 7E 00 09 01 00 00 00 DE C8.

ZONES that do something here (section 8.5)
    0000  7 LED at a good read; 6 beep at a good read; 5-4 aimer 00 never 01 while reading 1x
          always; 3-2 light, the same; 1-0 mode 00 button 01 command 10 continuous 11 sensor
    0002  bit 0: in command mode 1 starts reading; the reader clears it when it has read or given
          up, the terminal clears it to stop
    0006  longest read in 0.1 s, 00 no limit (default 32h: 5 s)
    0060  bit 0 add a tail; 6-5 00 CR 01 CR LF 10 TAB
The answer to "read now" goes out before anything is read (section on the command mode).

A code lies before the lens from show() to remove(); reading it takes decode_us. It is sent at
once, tail behind it. In command mode one code ends the read; the next command reads the same code
again if it is still there. Continuous mode reads it every 500 ms (the zone that sets this is not
modelled).

FAULTS, all off by default and seeded where chance is in them: see the attributes of Scanner and
stray(), reboot(), setup_code().
"""

from models import XorShift

_TAILS = (b"\r", b"\r\n", b"\t", b"")
_BOOT_US = 300000
_FORGET_US = 400000
_CONTINUOUS_US = 500000
_MANUAL, _COMMAND, _CONTINUOUS = 0, 1, 2


def crc_ccitt(data):
    """-> int, bit by bit as the manual prints it."""
    value = 0
    for b in data:
        mask = 0x80
        while mask:
            value <<= 1
            if value & 0x10000:
                value ^= 0x11021
            if b & mask:
                value ^= 0x1021
            mask >>= 1
    return value


class Scanner:
    """See the module's docstring. `.lit`, `.aiming`: what one sees; `.beeps`, `.reads`, `.saves`
    count; `.errors`: what a terminal should not send."""

    def __init__(self, decode_us=120000, seed=1):
        self.decode_us = decode_us
        self._rng = XorShift(seed)
        # factory settings: beep, aimer and light while reading, on the button
        self.eeprom = bytearray(256)
        self.eeprom[0] = 0xD4
        self.eeprom[6] = 0x32
        self.zones = bytearray(self.eeprom)
        self.beeps = 0
        self.reads = 0
        self.saves = 0
        self.errors = []
        # faults
        self.mute = 0  # so many commands are neither heard nor answered
        self.lost_replies = 0  # so many are done, and the answer does not arrive
        self.bad_replies = 0  # so many answers have a wrong bit
        self.noise = 0  # random bytes before each code
        self.cut = None  # a code stops after that many bytes, without its tail
        self.pieces = 1  # in how many pieces a code is sent,
        self.gap_us = 20000  # with this pause between them
        self.with_reply = False  # the code leaves with the answer to "read now", in one go
        self._out = []  # (us, bytes)
        self._in = bytearray()
        self._in_us = 0
        self._code = None
        self._reading = False
        self._give_up_us = None
        self._read_us = None  # when what is before the lens will have been read
        self._on = True
        self._ready_us = 0

    # --- what one sees --------------------------------------------------------------------------

    def _shines(self, bits):
        return self._on and (bits & 2 != 0 or (bits & 1 != 0 and self._reading))

    @property
    def lit(self):
        return self._shines(self.zones[0] >> 2 & 3)

    @property
    def aiming(self):
        return self._shines(self.zones[0] >> 4 & 3)

    @property
    def reading(self):
        return self._reading

    # --- the counter ----------------------------------------------------------------------------

    def show(self, code, now_us):
        """A code (bytes) comes before the lens."""
        self.advance(now_us)
        self._code = code
        self._see(now_us)

    def remove(self, now_us):
        self.advance(now_us)
        self._code = None
        self._read_us = None

    def setup_code(self, address, value, now_us):
        """Somebody shows one of the manual's set-up codes: a zone changes, unsaved."""
        self.advance(now_us)
        self.zones[address] = value
        if address == 0:
            self._mode(now_us)

    def stray(self, data, now_us):
        """Bytes that nobody asked for: a code that was read late, a fault of the line."""
        self._push(now_us + 1, data)

    def reboot(self, now_us):
        """Loss of power for a moment: what was not saved is gone."""
        self.power(False, now_us)
        self.power(True, now_us)

    # --- UART peer ------------------------------------------------------------------------------

    def receive(self, data, now_us):
        self.advance(now_us)
        if not self._on or now_us < self._ready_us:
            return
        for b in data:
            if not self._in:
                self._in_us = now_us
            self._in.append(b)
            if self._in[0] != 0x7E or (len(self._in) > 1 and self._in[1] != 0):
                self.errors.append("byte %02x outside of a command" % self._in[0])
                self._in = bytearray([b]) if b == 0x7E and len(self._in) > 1 else bytearray()
            self._command(now_us)

    def transmit(self, now_us):
        out = b""
        while self._out and self._out[0][0] <= now_us:
            out += self._out.pop(0)[1]
        return out

    def next_due(self):
        due = self._out[0][0] if self._out else None
        for at in (self._read_us, self._give_up_us):
            if at is not None and (due is None or at < due):
                due = at
        return due

    def advance(self, now_us):
        if self._in and now_us - self._in_us > _FORGET_US:
            self._in = bytearray()
        if self._read_us is not None and self._read_us <= now_us:
            at = self._read_us
            self._read_us = None
            self._read(at)
        if self._give_up_us is not None and self._give_up_us <= now_us:
            self._stop()

    def power(self, on, now_us):
        if not on:
            self._out = []
            self._in = bytearray()
            self._stop()
            self.zones = bytearray(self.eeprom)
        elif not self._on:
            self._ready_us = now_us + _BOOT_US
            self._mode(self._ready_us)
        self._on = bool(on)

    # --- commands -------------------------------------------------------------------------------

    def _command(self, now_us):
        buf = self._in
        if len(buf) < 4:
            return
        length = (buf[3] or 256) if buf[2] == 8 else 1
        n = 2 + 4 + length + 2
        if len(buf) < n:
            return
        body = bytes(buf[2 : n - 2])
        check = buf[n - 2] << 8 | buf[n - 1]
        self._in = bytearray()
        if self.mute:
            self.mute -= 1
            return
        if check != 0xABCD and check != crc_ccitt(body):
            self.errors.append("wrong CRC")
            return
        address = body[2] << 8 | body[3]
        data = body[4:]
        if body[0] == 7 and body[1] == 1:
            count = data[0] or 256
            self._reply(self.zones[address : address + count], now_us)
        elif body[0] == 8 and address + len(data) <= len(self.zones):
            self.zones[address : address + len(data)] = data
            self._reply(b"\x00", now_us)
            if address == 0:
                self._mode(now_us)
            if address <= 2 < address + len(data):
                self._trigger(now_us)
        elif body[0] == 9 and address == 0:
            self.eeprom = bytearray(self.zones)
            self.eeprom[2] = 0
            self.saves += 1
            self._reply(b"\x00", now_us)
        else:
            self.errors.append("unknown command %02x" % body[0])

    def _reply(self, data, now_us):
        body = bytes([0, len(data) & 0xFF]) + bytes(data)
        check = crc_ccitt(body)
        out = bytearray(b"\x02\x00" + body + bytes([check >> 8, check & 0xFF]))
        if self.lost_replies:
            self.lost_replies -= 1
            return
        if self.bad_replies:
            self.bad_replies -= 1
            out[4 + self._rng.below(len(out) - 4)] ^= 1 << self._rng.below(8)
        self._push(now_us + 2000, bytes(out))

    def _push(self, due_us, data):
        self._out.append((due_us, data))
        self._out.sort(key=lambda e: e[0])

    # --- reading --------------------------------------------------------------------------------

    def _trigger(self, now_us):
        mode = self.zones[0] & 3
        if self.zones[2] & 1:
            if mode == _COMMAND:
                self._start(now_us)
            else:
                self.zones[2] &= 0xFE  # in another mode the bit does nothing
        elif mode == _COMMAND:
            self._stop()

    def _mode(self, now_us):
        self._stop()
        if self.zones[0] & 3 == _CONTINUOUS:
            self._start(now_us)

    def _start(self, now_us):
        self._reading = True
        limit = self.zones[6]
        self._give_up_us = None
        if limit and self.zones[0] & 3 == _COMMAND:
            self._give_up_us = now_us + limit * 100000
        self._see(now_us)

    def _stop(self):
        self._reading = False
        self._give_up_us = None
        self._read_us = None
        self.zones[2] &= 0xFE

    def _see(self, now_us):
        if self._reading and self._code is not None:
            self._read_us = now_us + (2001 if self.with_reply else self.decode_us)

    def _read(self, now_us):
        if not self._reading or self._code is None:
            return
        self.reads += 1
        if self.zones[0] & 0x40:
            self.beeps += 1
        out = self._code
        tail = self.zones[0x60]
        if tail & 1:
            out += _TAILS[tail >> 5 & 3]
        if self.cut is not None:
            out = out[: self.cut]
        out = self._rng.take(self.noise) + out
        size = (len(out) + self.pieces - 1) // self.pieces
        for i in range(self.pieces):
            piece = out[i * size : (i + 1) * size]
            if piece:
                self._push(now_us + i * self.gap_us, piece)
        if self.zones[0] & 3 == _COMMAND:
            self._stop()
        else:
            self._read_us = now_us + _CONTINUOUS_US
