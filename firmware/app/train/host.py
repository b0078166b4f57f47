# The host of the training: a bearer whose other end answers at once. The messages, MACs and keys
# are those of the real dialect (host.cup), so that everything above the wire is what it is with an
# acquirer.
#
# Keeps no books: after a power cut in the middle of a training it answers as before. What an
# amount ends with chooses the answer to a sale, as test hosts do.

import asyncio

from micropython import const

from ..crypto import des, keys, mac
from ..host import cup, framing, iso8583
from ..host.iso8583 import FormatError
from ..kernel import clock, log

# Keys of no worth: what they protect is a test.
TMK = b"SHOUYIN-TRAINING"
_PIK = b"TRAINING-PIN-KEY"
_MAK = b"TRAINMAC"
_TDK = b"TRAINING-TRK-KEY"

NO_ANSWER = ""
# Last two digits of an amount (fen): response code of a sale, all others are approved.
OUTCOMES = (
    (5, "05"),
    (51, "51"),
    (54, "54"),
    (55, "55"),
    (61, "61"),
    (68, NO_ANSWER),
    (91, "91"),
)

_CONNECT_MS = const(200)
_ANSWER_MS = const(400)
_PARTIES = b"TRAINING   TRAINING   "  # F44: issuer and acquirer, 11 characters each
_ECHOED = (3, 4, 11, 41, 42, 49, 60)


def _wrapped(key, fill=b""):
    """A key's field of F62: under the master key, its check value behind."""
    return bytes(des.ecb(TMK, key)) + fill + bytes(des.ecb(key, bytes(8))[:4])


def f62():
    """F62 of a sign-in's answer for the modes 003 and 004 (host-protocol 4.2), 60 bytes."""
    return _wrapped(_PIK) + _wrapped(_MAK, bytes(8)) + _wrapped(_TDK)


def outcome(fen):
    """Response code of a sale of `fen`, NO_ANSWER for none."""
    for ending, code in OUTCOMES:
        if fen % 100 == ending:
            return code
    return "00"


class Host:
    """A bearer as host.link.Link wants it. `settings` give TPDU and header."""

    name = "training"
    ready = True
    reason = None
    signal = 4
    connected = False

    def __init__(self, settings):
        self._settings = settings
        self._out = None  # the answer that is on its way, and when it is here
        self._due = 0

    def tasks(self):
        return ()

    # ---- bearer ---------------------------------------------------------------------------------

    async def connect(self, host, port, timeout_ms):
        await asyncio.sleep_ms(_CONNECT_MS)
        self._out = None
        self.connected = True

    async def close(self):
        self.connected = False
        self._out = None

    async def send(self, data, timeout_ms):
        """OSError when the request is none: the link is cut, as by a host that is annoyed."""
        try:
            self._out = self.answer(data)
        except FormatError as e:
            log.error("training host: field %d %s", e.args[0], e.args[1])
            self.connected = False
            raise OSError(104)  # ECONNRESET
        self._due = clock.add(clock.ticks(), _ANSWER_MS)

    async def recv_into(self, buf, timeout_ms):
        left = timeout_ms if self._out is None else clock.diff(self._due, clock.ticks())
        await asyncio.sleep_ms(max(0, min(left, timeout_ms)))
        if self._out is None or left > timeout_ms:
            raise asyncio.TimeoutError()
        n = min(len(self._out), len(buf))
        buf[:n] = self._out[:n]
        self._out = self._out[n:] if n < len(self._out) else None
        return n

    # ---- the other end --------------------------------------------------------------------------

    def answer(self, frame):
        """The frame (memoryview) that answers a request's frame, None when none comes.
        FormatError."""
        mti, fields = iso8583.unpack(cup.FIELDS, frame, framing.BODY_AT, len(frame))
        for number in iso8583.SENSITIVE:
            value = fields.pop(number, None)
            if value is not None:
                for i in range(len(value)):
                    value[i] = 0
        code = "00"
        if mti == "0200" and fields.get(3) == cup.TYPES[cup.SALE][1]:
            code = outcome(int(fields[4]))
            if code == NO_ANSWER:
                return None
        return self._pack(cup.response_mti(mti), self._fields(mti, fields, code), 64 in fields)

    def _fields(self, mti, fields, code):
        out = {n: fields[n] for n in _ECHOED if n in fields}
        if clock.is_set():  # else a sign-in would set it, to what nobody has looked up
            _, month, day, hour, minute, second = clock.now()
            out[12] = "%02d%02d%02d" % (hour, minute, second)
            out[13] = "%02d%02d" % (month, day)
        out[37] = "%012d" % int(fields.get(11, "0"))
        if mti == "0500":  # its answer has no F39; both blocks of F48 are balanced
            f48 = fields.get(48, "")
            out[48] = f48[:30] + "1" + f48[31:61] + "1"
            return out
        out[39] = code
        if mti == "0800":
            out[62] = f62()[: 40 if fields[60][8:] == "003" else 60]
        elif mti[:2] == "02":
            out[44] = _PARTIES
            out[63] = b"TRN"
            if code == "00":
                out[38] = "T%05d" % (int(out[37]) % 100000)
        return out

    def _pack(self, mti, fields, with_mac):
        if with_mac:
            fields[64] = bytes(8)
        buf = bytearray(512)
        end = iso8583.pack(cup.FIELDS, mti, fields, buf, framing.BODY_AT)
        if with_mac:
            key = keys.Key(keys.MAK, _MAK)
            buf[end - 8 : end] = mac.union_pay_ecb(key, buf, framing.BODY_AT, end - 8)
        t = self._settings["tpdu"]
        framing.wrap(buf, end, t[:2] + t[6:] + t[2:6], self._settings["header"])
        return memoryview(buf)[:end]
