# The acquirer model behind a bearer, for tests of the engine inside MicroPython.
#
# The model (tools/models/acquirer.py) has a codec of its own and judges order, money and MACs.
# Only its cryptography is the firmware's, which is judged by vectors and by the acquirer
# simulator.

import asyncio
import time

from app.crypto import des
from app.crypto.keys import MAK, Key
from app.crypto.mac import union_pay_ecb
from models.acquirer import Acquirer

TMK = bytes(range(16, 32))
PIK = b"\x11\x22" * 8
MAK_ = b"\x31\x32\x15\xfd\xa2\xc4\xab\x4c"
TDK = b"\x44" * 16

SETTINGS = {
    "tid": "58402001", "mid": "302440380621100", "host": "host", "port": 1, "tpdu": "6000030000",
    "header": "603100310001", "key_mode": "004", "connect_timeout_s": 5, "connect_tries": 1,
    "response_timeout_s": 10, "reversal_tries": 2, "amount_max": 5_000_000,
    "reversal_policy": "block", "repeat_mark": 1, "settle_end": 0, "offline_count_max": 0,
    "offline_txn_max": 20_000, "offline_total_max": 50_000, "offline_age_max_h": 24,
    "offline_cards": "", "uploads_per_round": 5,
}  # fmt: skip


def _varied(key, n):
    """The key of the n-th sign-in, the given one at the first. Bit 0 of a byte is parity, which
    DES ignores."""
    out = bytearray(key)
    out[0] ^= (n - 1) << 1 & 0xFE
    out[1] ^= (n - 1) >> 6 & 0xFE
    return bytes(out)


def _wrapped(key, fill=b""):
    """Field of F62: the key under the TMK, its check value behind."""
    return bytes(des.ecb(TMK, key)) + fill + bytes(des.ecb(key, bytes(8))[:4])


def f62(n=1):
    """F62 of the n-th sign-in, 60 bytes."""
    mak = _wrapped(_varied(MAK_, n), bytes(8))
    return _wrapped(_varied(PIK, n)) + mak + _wrapped(_varied(TDK, n))


class HostCrypto:
    """Keys and MACs for the model, by the firmware's own DES."""

    def new_keys(self, n):
        """(F62, MAK) of the n-th set of keys."""
        return f62(n), Key(MAK, _varied(MAK_, n))

    def mac(self, mak, data):
        """bytes(8): F64 over MTI up to the field before it."""
        return union_pay_ecb(mak, data, 0, len(data))


class FakeHost(Acquirer):
    """Bearer and host in one; faults as in the model, and "refuse": the next connection fails.
    `on_send` is called with the MTI when the first byte of a request goes out."""

    name = "fake"
    ready = True
    reason = None
    signal = 4
    rtt_ms = 120
    late_ms = SETTINGS["response_timeout_s"] * 1000 + 500

    def __init__(self):
        Acquirer.__init__(self, SETTINGS["tid"], SETTINGS["mid"], HostCrypto())
        self.seen = []
        self.connected = False
        self.on_send = None
        self._out = []  # (ticks due, bytes)

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
        if self.on_send is not None:
            self.on_send("%02x%02x" % (frame[13], frame[14]))
        await asyncio.sleep_ms(10)
        for action in self.receive(frame):
            if action[0] == "close":
                self.connected = False
            else:
                self._out.append((time.ticks_add(time.ticks_ms(), action[1]), action[2]))

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
