# Reader modules of the GM65 family without I/O: commands, and what the reader sends.
#
# Commands (Hangzhou Grow, GM65 user manual, section 8): 7E 00, type (07 read, 08 write, 09 save to
# EEPROM), length, address of the zone (2 bytes), data, CRC (2 bytes, CRC-CCITT with initial value
# 0 over type to data; AB CD stands for any). Reply: 02 00, type (00: done), length, data, CRC; a
# wrong command has none.
#
# What a reader sends is a code, ended by its tail, or a reply; a code does not say what it is. No
# text looks like a reply; where codes may be binary, replies are looked for only while one is
# awaited.

from micropython import const

OK = "ok"
FAULT = "fault"
UNKNOWN = "unknown"

# Reasons of FAULT, and of UNKNOWN the last
TIMEOUT = "timeout"  # no code was shown
CUT_OFF = "cut_off"  # the code broke off before its tail
TOO_SHORT = "too_short"
TOO_LONG = "too_long"
NOT_TEXT = "not_text"  # bytes that no payment code has
SILENT = "silent"  # the reader does not answer: whether it reads is not known

# Types of command
READ = const(7)
WRITE = const(8)
SAVE = const(9)

# What a byte has completed
NOTHING = const(0)
REPLY = const(1)
CODE = const(2)


class Code:
    """`kind` OK: `data` is a bytearray, wipe() it when done. FAULT or UNKNOWN: `reason`. Its text
    never shows the data."""

    def __init__(self, kind, reason="", data=None):
        self.kind = kind
        self.reason = reason
        self.data = data

    def wipe(self):
        if self.data is not None:
            wipe(self.data, len(self.data))

    def __repr__(self):
        if self.data is None:
            return "Code(%s, %s)" % (self.kind, self.reason)
        return "Code(%s, %d bytes)" % (self.kind, len(self.data))


def wipe(buf, n):
    """Zeros over the first n bytes."""
    for i in range(n):
        buf[i] = 0


# ---- codec --------------------------------------------------------------------------------------


def crc(data):
    """CRC-CCITT of bytes, polynomial 1021, initial value 0."""
    value = 0
    for b in data:
        value ^= b << 8
        for _ in range(8):
            value = value << 1 ^ (0x1021 if value & 0x8000 else 0)
        value &= 0xFFFF
    return value


def frame(kind, address, data):
    """A command as bytes; `data` (bytes): what to write, or how many bytes to read."""
    body = bytes((kind, len(data), address >> 8, address & 0xFF)) + data
    check = crc(body)
    return b"\x7e\x00" + body + bytes((check >> 8, check & 0xFF))


# ---- core ---------------------------------------------------------------------------------------


class Receiver:
    """Takes what the reader sends apart, byte by byte; `.n`: bytes of a code that is on its way,
    `.value`: the byte of the last reply. Arguments: see gm65.GM65."""

    def __init__(self, prefix, suffix, shortest, longest, text):
        if not suffix:
            raise ValueError("without a suffix half a code looks like a whole one")
        if not 1 <= shortest <= longest:
            raise ValueError("lengths of a code")
        self._prefix = prefix
        self._suffix = suffix
        self._shortest = shortest
        self._longest = longest
        self._text = text
        # room for what a line picks up before a code
        self._buf = bytearray(longest + len(prefix) + len(suffix) + 64)
        self.n = 0
        self._over = False
        self._head = bytearray(7)
        self._held = 0
        self._expect = False
        self.value = 0

    def expect(self, on):
        """Whether a reply with one byte of data is awaited."""
        self._expect = on

    def clear(self):
        """Forget what has come so far."""
        wipe(self._buf, min(self.n, len(self._buf)))
        self.n = 0
        self._over = False
        self._held = 0

    def feed(self, b):
        """NOTHING, REPLY or CODE (then take() it)."""
        if not (self._expect or self._text):
            return self._collect(b)
        k = self._held
        # 02 00 00 01, one byte, CRC
        if k < 4 and b != (2, 0, 0, 1)[k]:
            self._held = 0
            for i in range(k):
                self._collect(self._head[i])  # 02 and 00: none of them ends a code
            if b != 2:
                return self._collect(b)
            k = 0
        self._head[k] = b
        self._held = k + 1
        if self._held < 7:
            return NOTHING
        self._held = 0
        if crc(self._head[2:5]) != self._head[5] << 8 | self._head[6]:
            return NOTHING  # damaged: it is asked for again
        self.value = self._head[4]
        self._expect = False
        return REPLY

    def _collect(self, b):
        if self.n == len(self._buf):
            self._over = True
            self.n -= 1  # the end is still looked for
        self._buf[self.n] = b
        self.n += 1
        end = self._suffix
        if b != end[-1] or self.n < len(end):
            return NOTHING
        for i in range(len(end)):
            if self._buf[self.n - len(end) + i] != end[i]:
                # past the room only the last byte is there to compare
                return CODE if self._over else NOTHING
        return CODE

    def take(self, whole=True):
        """Code of what was collected; `whole`: its suffix came."""
        first = 0
        last = self.n - (len(self._suffix) if whole else 0)
        buf = self._buf
        if self._prefix:
            first = buf.find(self._prefix, 0, last)
            first = last if first < 0 else first + len(self._prefix)
        elif self._text:
            while first < last and not 0x20 < buf[first] < 0x7F:
                first += 1  # what the line picked up before it
        reason = ""
        if not whole:
            reason = CUT_OFF
        elif self._over or last - first > self._longest:
            reason = TOO_LONG
        elif last - first < self._shortest:
            reason = TOO_SHORT
        elif self._text:
            for i in range(first, last):
                if not 0x20 <= buf[i] < 0x7F:
                    reason = NOT_TEXT
        code = (
            Code(FAULT, reason) if reason else Code(OK, "", bytearray(memoryview(buf)[first:last]))
        )
        self.clear()
        return code
