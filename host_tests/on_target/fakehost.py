# A host on the other end of a bearer, for tests of the engine inside MicroPython.
#
# It shares the codec with the firmware and therefore judges nothing about bytes (the acquirer
# simulator with its own codec and crypto does that, end to end). It judges order and money: what
# reached the host, what was booked.

import asyncio
import time

from app.crypto import des
from app.crypto.keys import MAK, Key
from app.crypto.mac import union_pay_ecb
from app.host import cup, framing, iso8583

TMK = bytes(range(16, 32))
PIK = b"\x11\x22" * 8
MAK_ = b"\x31\x32\x15\xfd\xa2\xc4\xab\x4c"
TDK = b"\x44" * 16

SETTINGS = {
    "tid": "58402001", "mid": "302440380621100", "host": "host", "port": 1, "tpdu": "6000030000",
    "header": "603100310001", "key_mode": "004", "connect_timeout_s": 5, "connect_tries": 1,
    "response_timeout_s": 10, "reversal_tries": 2, "amount_max": 5_000_000,
}  # fmt: skip


def _kcv(key):
    return bytes(des.ecb(key, bytes(8))[:4])


def f62():
    out = bytes(des.ecb(TMK, PIK)) + _kcv(PIK)
    out += bytes(des.ecb(TMK, MAK_)) + bytes(8) + _kcv(MAK_)
    return out + bytes(des.ecb(TMK, TDK)) + _kcv(TDK)


class FakeHost:
    """Bearer and host in one. `faults`: a list of names that are used up one per financial message
    or reversal: "" none, "refuse" (not connected), "no answer", "cut before" (closed, not booked),
    "cut after" (booked), "wrong mac", "wrong trace", "late", "twice", "garbage", "sign in" (77).
    `on_send` is called with the MTI when the first byte of a request goes out."""

    name = "fake"
    ready = True
    reason = None
    signal = 4
    rtt_ms = 120

    def __init__(self):
        self.faults = []
        self.codes = {}  # amount -> response code
        self.batch = 1
        self.booked = {}  # (batch, trace) -> [kind, amount, state]
        self.seen = []  # (mti, trace)
        self.connected = False
        self.on_send = None
        self.sign_ins = 0
        self.tombstones = set()
        self.closed_batches = {}
        self._out = []  # (ticks due, bytes)
        self._wake = asyncio.Event()

    # ---- bearer ---------------------------------------------------------------------------------

    async def connect(self, host, port, timeout_ms):
        if self.faults and self.faults[0] == "refuse":
            self.faults.pop(0)
            raise OSError(111)
        await asyncio.sleep_ms(self.rtt_ms)
        self._out = []
        self.connected = True

    async def close(self):
        self.connected = False
        self._out = []

    async def send(self, data, timeout_ms):
        if not self.connected:
            raise OSError(104)
        frame = bytes(data)
        mti, fields = iso8583.unpack(cup.FIELDS, memoryview(frame), framing.BODY_AT, len(frame))
        if self.on_send is not None:
            self.on_send(mti)
        await asyncio.sleep_ms(10)
        self._receive(mti, fields)

    async def recv_into(self, buf, timeout_ms):
        end = time.ticks_add(time.ticks_ms(), timeout_ms)
        while True:
            now = time.ticks_ms()
            if self._out and time.ticks_diff(self._out[0][0], now) <= 0:
                data = self._out[0][1]
                n = min(len(data), len(buf), 100)  # in pieces: frames do not come whole
                buf[:n] = data[:n]
                if n == len(data):
                    self._out.pop(0)
                else:
                    self._out[0] = (now, data[n:])
                return n
            if not self.connected and not self._out:
                return 0
            left = time.ticks_diff(end, now)
            if left <= 0:
                raise asyncio.TimeoutError()
            if self._out:
                left = min(left, time.ticks_diff(self._out[0][0], now))
            await asyncio.sleep_ms(left)

    # ---- host -----------------------------------------------------------------------------------

    def _answer(self, mti, fields, with_mac, delay=None):
        buf = bytearray(800)
        if with_mac:
            fields[64] = bytes(8)
        end = iso8583.pack(cup.FIELDS, cup.response_mti(mti), fields, buf, framing.BODY_AT)
        if with_mac:
            key = Key(MAK, MAK_)
            buf[end - 8 : end] = union_pay_ecb(key, buf, framing.BODY_AT, end - 8)
        framing.wrap(buf, end, "6000000003", "603100310001")
        due = time.ticks_add(time.ticks_ms(), self.rtt_ms if delay is None else delay)
        self._out.append((due, bytes(buf[:end])))

    def _receive(self, mti, fields):
        trace = int(fields.get(11, 0))
        self.seen.append((mti, trace))
        if mti == "0800":
            self.sign_ins += 1
            answer = {11: fields[11], 12: "093015", 13: "1123", 39: "00", 41: fields[41]}
            answer.update({42: fields[42], 60: cup.f60("00", self.batch, "004"), 62: f62()})
            self._answer(mti, answer, False)
            return
        fault = self.faults.pop(0) if self.faults else ""
        if mti == "0500":
            self._settle(fields, fault)
            return
        if fault == "cut before":
            self.connected = False
            return
        stale = mti == "0200" and int(fields[60][2:8]) != self.batch
        code = "77" if fault == "sign in" or stale else self._book(mti, trace, fields)
        answer = {n: fields[n] for n in (3, 4, 11, 25, 41, 42, 49, 60) if n in fields}
        answer.update(
            {12: "093016", 13: "1123", 15: "1123", 37: "%012d" % len(self.seen), 39: code}
        )
        if code == "00" and mti == "0200":
            answer[38] = "%06d" % trace
        self._deliver(mti, answer, fault, trace)

    def _deliver(self, mti, answer, fault, trace):
        if fault in ("no answer", "cut after"):
            self.connected = fault == "no answer"
            return
        if fault == "garbage":
            self._out.append((time.ticks_ms(), b"\xff\xff" + bytes(40)))
            return
        if fault == "wrong trace":
            answer[11] = "%06d" % (trace + 1)
        self._answer(
            mti,
            dict(answer),
            True,
            SETTINGS["response_timeout_s"] * 1000 + 500 if fault == "late" else None,
        )
        if fault == "wrong mac":
            due, data = self._out[-1]
            self._out[-1] = (due, data[:-1] + bytes((data[-1] ^ 1,)))
        if fault == "twice":
            self._answer(mti, dict(answer), True)

    def _book(self, mti, trace, fields):
        batch = int(fields[60][2:8])
        key = (batch, trace)
        if mti == "0400":
            entry = self.booked.get(key)
            if entry is None:
                self.tombstones.add(key)
                return "25"
            if entry[2] == "approved":
                entry[2] = "reversed"
                if entry[0] == "void":
                    entry[3][2] = "approved"
            return "00"
        amount = int(fields[4])
        if key in self.booked or key in self.tombstones:
            return "94"
        code = self.codes.get(amount, "00")
        if fields[3] == "000000":
            self.booked[key] = ["sale", amount, "approved" if code == "00" else "declined"]
        else:
            original = self.booked.get((int(fields[61][:6]), int(fields[61][6:12])))
            if original is None or original[2] != "approved" or original[1] != amount:
                return "25"
            if code == "00":
                original[2] = "voided"
            self.booked[key] = [
                "void",
                amount,
                "approved" if code == "00" else "declined",
                original,
            ]
        return code

    def totals(self, batch):
        """(sale amount, sale count, void amount, void count)"""
        out = [0, 0, 0, 0]
        for (b, _), entry in self.booked.items():
            if b == batch and entry[2] in ("approved", "voided"):
                at = 0 if entry[0] == "sale" else 2
                out[at] += entry[1]
                out[at + 1] += 1
        return tuple(out)

    def _settle(self, fields, fault):
        batch = int(fields[60][2:8])
        own = cup.parse_totals(fields[48])[0][:4]
        mine = self.closed_batches.get(batch) or self.totals(batch)
        if own == mine and batch == self.batch:
            self.closed_batches[batch] = mine
            self.batch = batch + 1
        verdict = "1" if own == mine else "2"
        f48 = cup.totals(*mine)
        answer = {n: fields[n] for n in (11, 41, 42, 49, 60)}
        answer.update({12: "200000", 13: "1123"})
        answer[48] = f48[:30] + verdict + f48[31:61] + "1"
        self._deliver("0500", answer, fault, int(fields[11])) if fault else self._answer(
            "0500", answer, False
        )
