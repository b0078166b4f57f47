"""A terminal made by hand, for the tests of the acquirer: it shares nothing with the acquirer.

Packing: pyiso8583 with a table of its own. Cryptography: pyca/cryptography and plain arithmetic,
written from host-protocol.md. The tests at the end hold the kit itself against values published
elsewhere.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import iso8583
import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from acquirer.cards import BY_NAME
from acquirer.host import Host

ROOT = Path(__file__).resolve().parents[2]
TID = "58402001"
MID = "302440380621100"
TPDU = "6000030000"
HEADER = "603100310001"
TMK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
START = datetime(2025, 4, 28, 9, 19, 47)

# field: digits (n), characters (a), bytes (b); L and LL in front: variable with that many length
# bytes
_TABLE = (
    "2 L n 19",
    "3 n 6",
    "4 n 12",
    "11 n 6",
    "12 n 6",
    "13 n 4",
    "14 n 4",
    "15 n 4",
    "22 n> 3",
    "23 n< 3",
    "25 n 2",
    "26 n 2",
    "32 L n 11",
    "35 L n 37",
    "36 LL n 104",
    "37 a 12",
    "38 a 6",
    "39 a 2",
    "41 a 8",
    "42 a 15",
    "44 L a 25",
    "48 LL n 322",
    "49 a 3",
    "52 b 8",
    "53 n 16",
    "54 LL a 40",
    "55 LL b 255",
    "59 LL b 600",
    "60 LL n 17",
    "61 LL n 29",
    "62 LL b 999",
    "63 LL a 163",
    "64 a 8",
)


def _spec():
    def entry(size, enc="b", length=0, nibbles=False, left=False):
        pad = {"left_pad" if left else "right_pad": "0"} if nibbles else {}
        count = "nibbles" if nibbles else "bytes"
        return dict(
            data_enc=enc,
            len_enc="bcd",
            len_type=length,
            max_len=size,
            len_count=count,
            desc="",
            **pad,
        )

    spec = {str(n): entry(0) for n in range(1, 129)}
    spec.update(h=entry(11), t=entry(2), p=entry(8))
    for row in _TABLE:
        number, *length, kind, size = row.split()
        enc = "latin-1" if kind == "a" else "b"
        variable = len(length[0]) if length else 0
        spec[number] = entry(int(size), enc, variable, kind[0] == "n", kind == "n<")
    return spec


SPEC = _spec()


def des(key, data, decrypt=False):
    """ECB under a key of 8 or 16 bytes."""
    cipher = Cipher(TripleDES(key * 3 if len(key) == 8 else key + key[:8]), modes.ECB())
    worker = cipher.decryptor() if decrypt else cipher.encryptor()
    return worker.update(data) + worker.finalize()


def mac_of(mak, data):
    """F64 over MTI..F63: host-protocol.md 4.3, by integers."""
    data += b"\0" * (-len(data) % 8)
    folded = 0
    for at in range(0, len(data), 8):
        folded ^= int.from_bytes(data[at : at + 8], "big")
    text = b"%016X" % folded
    block = int.from_bytes(des(mak, text[:8]), "big") ^ int.from_bytes(text[8:], "big")
    return des(mak, block.to_bytes(8, "big")).hex().upper()[:8]


def pin_block(pik, pin, pan):
    """Enciphered ISO 9564 format 0 block as hex."""
    left = int(f"0{len(pin):X}{pin}".ljust(16, "F"), 16)
    return des(pik, (left ^ int(pan[-13:-1], 16)).to_bytes(8, "big")).hex().upper()


def encrypt_track(tdk, track):
    """Track with its 16 digits enciphered (host-protocol.md 4.6)."""
    track = track.replace("=", "D")
    end = len(track) - (1 if len(track) % 2 else 2)
    middle = des(tdk, bytes.fromhex(track[end - 16 : end])).hex().upper()
    return track[: end - 16] + middle + track[end:]


class Clock:
    """A clock that moves by one second at each look."""

    def __init__(self, start=START):
        self.now = start

    def __call__(self):
        self.now += timedelta(seconds=1)
        return self.now


class Answer(dict):
    """Decoded answer: fields by number, `mti`, `tpdu`, `header`, `body`."""

    def __init__(self, body):
        decoded, _ = iso8583.decode(body, SPEC)
        super().__init__({int(n): text for n, text in decoded.items() if n.isdigit()})
        self.mti, self.body = decoded["t"], body
        self.tpdu, self.header = decoded["h"][:10], decoded["h"][10:]


class Pos:
    """A terminal that talks to a Host in the same process, and can be made to do anything
    wrong."""

    def __init__(self, host, tid=TID, mid=MID, tmk=TMK, batch=1):
        self.host, self.tid, self.mid, self.tmk, self.batch = host, tid, mid, tmk, batch
        self.tpdu, self.header = TPDU, HEADER
        self.stan = 0
        self.pik = self.mak = self.tdk = None
        self.last = None  # (mti, fields) of the last request

    def next_stan(self):
        self.stan += 1
        return f"{self.stan:06d}"

    def pack(self, mti, fields, mac=True, bad_mac=False):
        """Frame body. `fields` with None values are left out; F64 is computed when `mac`."""
        decoded = {str(n): text for n, text in fields.items() if text is not None}
        decoded.update(h=self.tpdu + self.header, t=mti)
        if mac:
            decoded["64"] = "0" * 8
        body, _ = iso8583.encode(decoded, SPEC)
        body = bytes(body)
        if mac:
            right = mac_of(self.mak or bytes(8), body[11:-8])
            body = body[:-8] + (right[::-1] if bad_mac else right).encode()
        return body

    def send(self, mti, fields, **how):
        """Answer to a request, or None. The last request is kept for reversals."""
        self.last = (mti, fields)
        reply = self.host.handle(self.pack(mti, fields, **how))
        return None if reply.body is None else Answer(reply.body)

    # Management

    def management(self, mti, code, fields=(), change=None):
        all_fields = {41: self.tid, 42: self.mid, 60: f"00{self.batch:06d}{code}"}
        all_fields.update(fields)
        all_fields.update(change or {})
        return self.send(mti, all_fields, mac=False)

    def sign_in(self, code="004", change=None):
        answer = self.management("0800", code, {11: self.next_stan(), 63: "01 "}, change)
        if answer and 62 in answer:
            self.take_keys(bytes.fromhex(answer[62]), code)
            self.batch = int(answer[60][2:8])
        return answer

    def take_keys(self, blob, code):
        """Unwrap F62 and hold every key against its check value."""
        pik_size = 8 if code == "001" else 16
        self.pik, blob = self._key(blob, pik_size)
        if code == "001":
            self.mak, blob = self._key(blob, 8)
        else:
            assert blob[8:16] == bytes(8), "the second half of the MAK is literal zeros"
            self.mak, blob = self._key(blob[:8] + blob[16:], 8)
        self.tdk = None
        if code == "004":
            self.tdk, blob = self._key(blob, 16)
        assert blob == b""

    def _key(self, blob, size):
        key = des(self.tmk, blob[:size], decrypt=True)
        assert des(key, bytes(8))[:4] == blob[size : size + 4], "KCV"
        return key, blob[size + 4 :]

    def sign_off(self, change=None):
        return self.management("0820", "002", {11: self.next_stan()}, change)

    def echo(self, change=None):
        return self.management("0820", "301", {}, change)

    # Money

    def card_fields(self, card, mode="swipe", pin="its own", clear=False):
        """Fields of a card and its PIN: mode is swipe, manual, chip or tap."""
        pin = card.pin if pin == "its own" else pin
        digit = "1" if pin else "2"
        encrypt = self.tdk is not None and mode != "manual" and not clear

        def track(text):
            return encrypt_track(self.tdk, text) if encrypt else text.replace("=", "D")

        fields = {22: {"swipe": "02", "manual": "01", "chip": "05", "tap": "07"}[mode] + digit}
        if mode == "manual":
            fields.update({2: card.pan, 14: card.expiry})
        if mode == "swipe":
            fields.update({35: track(card.track2), 36: card.track3 and track(card.track3)})
        if mode in ("chip", "tap"):
            # a chip's track 2 equivalent: other discretionary data than the stripe's
            equivalent = card.pan + "=" + card.expiry + "220" + "00000987600"
            fields.update({2: card.pan, 14: card.expiry, 23: "001", 35: track(equivalent)})
            fields[55] = "9F2608AABBCCDDEEFF0011950500800460009F3602001E"
        if pin:
            fields.update({26: "12", 52: pin_block(self.pik, pin, card.pan)})
        if pin or encrypt:
            double = "6" if len(self.pik) == 16 else "0"
            fields[53] = ("2" if pin else "0") + double + ("1" if encrypt else "0") + "0" * 13
        return fields

    def sale_fields(self, fen=1234, card=None, **card_how):
        fields = {3: "000000", 4: f"{fen:012d}" if fen else None, 11: self.next_stan(), 25: "00"}
        fields.update({41: self.tid, 42: self.mid, 49: "156"})
        fields[60] = f"22{self.batch:06d}000500"
        fields.update(self.card_fields(card or BY_NAME["normal"], **card_how))
        return fields

    def sale(self, fen=1234, card=None, change=None, send=None, **card_how):
        fields = {**self.sale_fields(fen, card, **card_how), **(change or {})}
        return self.send("0200", fields, **(send or {}))

    def void_fields(self, sale, card=None, **card_how):
        """Void of a sale by its answer."""
        fields = self.sale_fields(int(sale[4]), card, **card_how)
        fields.update({3: "200000", 60: f"23{self.batch:06d}000500"})
        fields.update({37: sale[37], 38: sale.get(38), 61: f"{self.batch:06d}{sale[11]}"})
        return fields

    def void(self, sale, card=None, change=None, send=None, **card_how):
        fields = {**self.void_fields(sale, card, **card_how), **(change or {})}
        return self.send("0200", fields, **(send or {}))

    def reversal_fields(self, request, reason="98"):
        """0400 for the fields of a 0200."""
        kept = (2, 3, 4, 11, 14, 22, 23, 25, 41, 42, 49, 60, 61)
        fields = {number: request[number] for number in kept if request.get(number)}
        return {**fields, 39: reason}

    def reverse(self, request, reason="98", change=None, send=None):
        fields = {**self.reversal_fields(request, reason), **(change or {})}
        return self.send("0400", fields, **(send or {}))

    # Offline sale

    def offline_fields(self, fen=1234, card=None):
        """Fields of the advice of a sale that the terminal approved."""
        card = card or BY_NAME["normal"]
        fields = {2: card.pan, 3: "000000", 4: f"{fen:012d}" if fen else None}
        fields.update({11: self.next_stan(), 14: card.expiry, 22: "022", 25: "00"})
        fields.update({38: f"OF{self.stan % 10000:04d}", 41: self.tid, 42: self.mid, 49: "156"})
        fields[60] = f"30{self.batch:06d}000500"
        fields[61] = "0" * 12 + "0428" + "00" + "0" * 11
        fields[63] = "000"
        return fields

    def advise(self, fields, again=False, change=None, send=None):
        """0220, or 0221 when `again`."""
        mti = "0221" if again else "0220"
        return self.send(mti, {**fields, **(change or {})}, **(send or {}))

    def offline(self, fen=1234, card=None, change=None, send=None):
        return self.advise(self.offline_fields(fen, card), False, change, send)

    # Batch upload: entries are (stan, PAN, fen)

    def upload(self, *entries, change=None, mti="0320"):
        text = f"{len(entries):02d}" + "".join(
            f"00{stan}{pan.rjust(20, '0')}{fen:012d}" for stan, pan, fen in entries
        )
        return self.management(mti, "201", {11: self.next_stan(), 48: text}, change)

    def notice(self, advice, again=False, change=None):
        fields = {**advice, **(change or {})}
        return self.send("0321" if again else "0320", fields, mac=False)

    def end_upload(self, count, code="202", change=None):
        return self.management("0320", code, {11: self.next_stan(), 48: f"{count:04d}"}, change)

    def settle(self, debit=(0, 0), credit=(0, 0), change=None):
        """Settlement with (fen, count) of both sides."""
        totals = "{:012d}{:03d}{:012d}{:03d}0".format(*debit, *credit) + "0" * 31
        fields = {11: self.next_stan(), 48: totals, 49: "156", 63: "01 "}
        return self.management("0500", "201", fields, change)


_open_hosts = []


@pytest.fixture(autouse=True)
def close_hosts():
    """Close every ledger that a test opened; each test module imports this fixture."""
    yield
    while _open_hosts:
        _open_hosts.pop().close()


def make_host(path=":memory:", seed=1, batch=1, **how):
    """A Host with the test terminal in it."""
    host = Host(path, seed=seed, now=how.pop("now", None) or Clock(), **how)
    _open_hosts.append(host)
    host.add_terminal(TID, MID, TMK, batch)
    return host


def signed_in_pos(host=None, code="004"):
    pos = Pos(host or make_host())
    assert pos.sign_in(code)[39] == "00"
    return pos


def net_fen(host, tid=TID):
    """What stands booked for a terminal."""
    return host.books.totals(tid)["net"]["amount_fen"]


def test_kit_des_is_the_published_example():
    # FIPS 81 / NBS 500-20 classic: key 0123456789ABCDEF, "Now is t".
    key = bytes.fromhex("0123456789ABCDEF")
    assert des(key, b"Now is t").hex() == "3fa40e8a984d4815"


def test_kit_pin_block_is_the_published_example():
    # ANSI X9.24-1:2009 A.4: PIN 1234, PAN 4012345678909, clear block 041274EDCBA9876F.
    key = bytes(range(16))
    clear = des(key, bytes.fromhex(pin_block(key, "1234", "4012345678909")), decrypt=True)
    assert clear.hex().upper() == "041274EDCBA9876F"


def test_kit_mac_last_steps_are_those_of_a_real_message():
    # A real 0200 (MAK 313215FDA2C4AB4C): the folded block is 8DBA2933C4B6C379, its F64 B7133B57.
    mak = bytes.fromhex("313215FDA2C4AB4C")
    assert mac_of(mak, bytes.fromhex("8DBA2933C4B6C379")) == "B7133B57"


@pytest.mark.parametrize("length", [36, 37])
def test_kit_track_keeps_its_ends(length):
    track = ("6225000000000014=3012101" + "0" * 20)[:length]
    hidden = encrypt_track(bytes(range(16)), track)
    end = length - (1 if length % 2 else 2)
    assert len(hidden) == length
    assert hidden[: end - 16] + hidden[end:] == (track[: end - 16] + track[end:]).replace("=", "D")
