# A terminal made by hand before the acquirer model: its requests as dicts of fields. Runs inside
# MicroPython and on CPython.

from binascii import unhexlify

from models import acquirer_wire as wire
from models.acquirer import Acquirer

TID, MID = "58402001", "302440380621100"
PREFIX = unhexlify("6000030000603100310001")
PAN = "6225000000000014"
OTHER_PAN = "6224242900000113"


class Keys:
    """Stands in for cryptography: a sum over the bytes and the number of the key set."""

    def new_keys(self, n):
        return bytes((n,)) * 60, n

    def mac(self, mak, data):
        x = mak
        for b in data:
            x = (x * 31 + b) & 0xFFFFFFFF
        return b"%08X" % x


class Till:
    """Makes requests as a terminal in batch 1 would, and looks at the answers."""

    def __init__(self, sign_in=True):
        self.host = Acquirer(TID, MID, Keys())
        self.mak = 0
        if sign_in:
            self.sign_in()

    def frame(self, mti, fields):
        fields = dict(fields)
        fields.setdefault(41, TID)
        fields.setdefault(42, MID)
        if mti[:2] in ("02", "04"):
            fields[64] = bytes(8)
        out = wire.pack(PREFIX, mti, fields)
        return out[:-8] + Keys().mac(self.mak, out[13:-8]) if 64 in fields else out

    def actions(self, mti, fields):
        return self.host.receive(self.frame(mti, fields))

    def ask(self, mti, fields):
        """Fields of the one answer."""
        actions = self.actions(mti, fields)
        assert len(actions) == 1 and actions[0][:2] == ("send", 120), actions
        got, answer = wire.unpack(actions[0][2])
        assert got == mti[:2] + chr(ord(mti[2]) + 1) + "0"
        return answer

    def code(self, mti, fields):
        return self.ask(mti, fields)[39]

    def sign_in(self, trace=1):
        answer = self.ask("0800", management(trace, "004", 63, b"01 "))
        self.mak = answer[62][0]
        return answer


def management(trace, network, number=None, value=None, batch=1):
    fields = {60: "00%06d%s" % (batch, network)}
    if trace:
        fields[11] = "%06d" % trace
    if number:
        fields[number] = value
    return fields


def sale(trace, amount=100, batch=1, pan=PAN):
    return {
        3: "000000", 4: "%012d" % amount, 11: "%06d" % trace, 22: "022", 25: "00",
        35: pan.encode() + b"D30121010000000000", 49: "156", 60: "22%06d000500" % batch,
    }  # fmt: skip


def void(trace, of, rrn, auth, amount=100, batch=1, pan=PAN):
    fields = sale(trace, amount, batch, pan)
    fields.update({3: "200000", 37: rrn, 38: auth, 60: "23%06d000500" % batch})
    fields[61] = "%06d%06d" % (batch, of)
    return fields


def offline(trace, amount=100, batch=1, pan=PAN, auth="112233"):
    return {
        2: pan, 3: "000000", 4: "%012d" % amount, 11: "%06d" % trace, 14: "3012", 22: "022",
        25: "00", 38: auth, 49: "156", 60: "30%06d000500" % batch,
        61: "0" * 12 + "1123" + "0" * 13, 63: b"000",
    }  # fmt: skip


def reversal(trace, amount=100, batch=1, of=None):
    fields = sale(trace, amount, batch)
    fields.pop(35)
    fields[39] = "98"
    if of:
        fields.update({3: "200000", 60: "23%06d000500" % batch})
        fields[61] = "%06d%06d0000" % (batch, of)
    return fields


def settlement(trace, debit, count, credit=0, credits=0, batch=1):
    f48 = "%012d%03d%012d%03d0" % (debit, count, credit, credits) + "0" * 31
    fields = management(trace, "201", 48, f48, batch)
    fields.update({49: "156", 63: b"01 "})
    return fields


def details(trace, *records, batch=1):
    """records: (trace, amount) or (trace, amount, pan)"""
    f48 = "%02d" % len(records)
    for r in records:
        pan = r[2] if len(r) > 2 else PAN
        f48 += "00%06d%s%s%012d" % (r[0], "0" * (20 - len(pan)), pan, r[1])
    return management(trace, "201", 48, f48, batch)


def end(trace, number, network="202", batch=1):
    return management(trace, network, 48, "%04d" % number, batch)


def approved(till, mti, fields):
    answer = till.ask(mti, fields)
    assert answer[39] == "00", answer[39]
    return answer
