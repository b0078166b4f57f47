# What the journal keeps of a transaction, and its bytes.
#
# Nothing here may hold a clear PAN, track, PIN, PIN block or CVV: the PAN is kept as first six and
# last four digits and a length, and sealed (host.cardstore) as long as the host may still want it.
#
# Every record begins with a schema version, batch and trace number; a full record has its version
# and two lengths before those. The version is that of the oldest firmware that handles the record
# rightly: one that goes back to an older firmware reads what that one understands, and what it
# does not understand it leaves alone.
#
#   1  online transactions. What is behind the strings of an intent is passed over by old firmware
#   2  approved offline: an intent that stands for another state than "the request may be on its
#      way". Firmware of schema 1 would reverse it
#
#   intent   what is about to be sent: durable before the first byte goes out
#   outcome  what became of it: durable before anybody is told
#   mark     a later change of state, or of what is owed (receipt, reversal tries)
#   full     intent, outcome and marks in one, written when a block is emptied

import struct

from micropython import const

SCHEMA = const(2)  # the newest that this firmware reads and writes
_ONLINE = const(1)
_OFFLINE = const(2)

# version, batch, trace, kind, amount, entry mode, flags, operator, time (y-2000 m d h m s), PAN
# length, PAN first 6 and last 4 as BCD, original trace
_INTENT = "<BIIBQHB2s6sB5sI"
_INTENT_SIZE = struct.calcsize(_INTENT)
# version, batch, trace, state, other trace, other state, host time (MMDDhhmmss BCD), settlement
# date (BCD)
_OUTCOME = "<BIIBIB5s2s"
_OUTCOME_SIZE = struct.calcsize(_OUTCOME)
# version, batch, trace, state, flags, reversal tries
_MARK = "<BIIBBB"
MARK_SIZE = struct.calcsize(_MARK)

# behind the intent's strings: length and bytes of the sealed card; in schema 2 then the state that
# the intent stands for, and the operating time [s] at which it was approved
_STORED = "<BI"

SENDING = const(1)  # the state that an intent of schema 1 stands for
# States (numbers of pay.txn) in which a transaction neither counts nor owes anything: DECLINED,
# REVERSED, REJECTED, CANCELLED, EXPIRED. Nobody needs the card any more.
NOTHING_LEFT = b"\x03\x05\x09\x0c\x0d"
# Of these, what may be forgotten without a settlement: not REJECTED, goods that nobody has paid
# for. Its list and the settlement's slip are all that the shop will have of it.
FORGETTABLE = b"\x03\x05\x0c\x0d"
# Flags of a mark
PRINTED = const(1)  # the merchant's receipt is on paper
_REFUSALS_AT = const(5)  # two bits: how often the host has refused for good
REFUSALS_MAX = const(3)


class RecordError(Exception):
    """A record that this firmware cannot read. args: (what,)"""


class Txn:
    """One transaction as the journal knows it. Amounts in fen; dates and times are str of digits
    as the host sends them, "" when unknown; `when` is the terminal's (year, month, day, hour,
    minute, second)."""

    def __init__(self, kind, amount):
        self.kind = kind
        self.amount = amount
        self.batch = 0
        self.trace = 0
        self.entry_mode = 0  # F22, three digits as a number: 021 -> 21
        self.pin_entered = False
        self.operator = "01"
        self.when = (2000, 1, 1, 0, 0, 0)
        self.pan_masked = ""
        self.expiry = ""  # YYMM
        self.original_trace = 0
        self.original_rrn = ""
        self.original_auth = ""
        self.sealed = b""  # PAN and expiry for host.cardstore
        self.begins = SENDING  # state that the intent alone stands for
        self.stored_s = 0  # operating time of an offline approval
        # outcome
        self.state = 0
        self.response_code = ""
        self.reason = ""  # F39 of a reversal that is owed: 98, A0, 96, 06
        self.rrn = ""
        self.auth_code = ""
        self.host_date = ""  # MMDD
        self.host_time = ""  # hhmmss
        self.settle_date = ""
        self.issuer = ""
        self.acquirer = ""
        self.org = ""  # F63.1: CUP ...
        self.other_trace = 0  # this outcome also changed another transaction (a void its original)
        self.other_state = 0
        # marks
        self.printed = False
        self.tries = 0  # sends of a reversal or an advice, counted before each
        self.refusals = 0


def mask_pan(pan):
    """bytes-like digits of a PAN -> str with all but the first six and last four as '*'."""
    n = len(pan)
    if n < 13:
        return "*" * n
    return bytes(pan[:6]).decode() + "*" * (n - 10) + bytes(pan[n - 4 :]).decode()


def _bcd(digits, size):
    """str of digits -> `size` bytes, left justified; unused nibbles are 0xF."""
    out = bytearray(b"\xff" * size)
    for i in range(min(len(digits), size * 2)):
        d = ord(digits[i]) - 48
        out[i >> 1] = (out[i >> 1] & 0x0F | d << 4) if not i & 1 else (out[i >> 1] & 0xF0 | d)
    return out


def _digits(data):
    s = ""
    for b in data:
        for d in (b >> 4, b & 15):
            if d < 10:
                s += chr(48 + d)
    return s


def _put_strings(strings):
    out = b""
    for s in strings:
        b = s.encode()
        out += bytes([len(b)]) + b
    return out


def _get_strings(data, at, count):
    out = []
    for _ in range(count):
        n = data[at]
        out.append(bytes(data[at + 1 : at + 1 + n]).decode())
        at += 1 + n
    return out, at


def encode_intent(t):
    """bytes of the intent of Txn `t`."""
    y, mo, d, h, mi, s = t.when
    pan = t.pan_masked
    shown = _bcd(pan[:6] + pan[-4:], 5) if len(pan) >= 13 else b"\xff" * 5
    flags = 1 if t.pin_entered else 0
    stored = t.begins != SENDING
    fixed = struct.pack(_INTENT, _OFFLINE if stored else _ONLINE, t.batch, t.trace, t.kind,
                        t.amount, t.entry_mode, flags, t.operator.encode(),
                        bytes([max(0, y - 2000), mo, d, h, mi, s]), len(pan), shown,
                        t.original_trace)  # fmt: skip
    out = fixed + _put_strings((t.expiry, t.original_rrn, t.original_auth))
    if t.sealed or stored:
        out += bytes([len(t.sealed)]) + t.sealed
    return out + struct.pack(_STORED, t.begins, t.stored_s) if stored else out


def intent_key(data):
    """(batch, trace, kind, amount, state) of an intent, without making a Txn of it: what the
    journal's index needs. RecordError for a schema this firmware does not know."""
    if len(data) < _INTENT_SIZE or not 0 < data[0] <= SCHEMA:
        raise RecordError("intent schema")
    batch, trace, kind, amount = struct.unpack_from("<IIBQ", data, 1)
    return batch, trace, kind, amount, data[len(data) - 5] if data[0] >= _OFFLINE else SENDING


def decode_intent(data):
    """Txn from the bytes of an intent; RecordError for a schema this firmware does not know."""
    intent_key(data)
    (version, batch, trace, kind, amount, entry_mode, flags, operator, when, pan_len, shown,
     original) = struct.unpack_from(_INTENT, data, 0)  # fmt: skip
    t = Txn(kind, amount)
    t.batch = batch
    t.trace = trace
    t.entry_mode = entry_mode
    t.pin_entered = bool(flags & 1)
    t.operator = bytes(operator).decode()
    t.when = (when[0] + 2000,) + tuple(when[1:])
    ten = _digits(shown)
    t.pan_masked = ten[:6] + "*" * (pan_len - 10) + ten[6:] if len(ten) == 10 else "*" * pan_len
    t.original_trace = original
    (t.expiry, t.original_rrn, t.original_auth), at = _get_strings(data, _INTENT_SIZE, 3)
    if at < len(data):
        n = data[at]
        t.sealed = bytes(data[at + 1 : at + 1 + n])
        if version >= _OFFLINE:
            t.begins, t.stored_s = struct.unpack_from(_STORED, data, at + 1 + n)
    return t


def encode_outcome(t):
    """bytes of the outcome of Txn `t`."""
    fixed = struct.pack(_OUTCOME, _ONLINE, t.batch, t.trace, t.state, t.other_trace, t.other_state,
                        _bcd(t.host_date + t.host_time, 5), _bcd(t.settle_date, 2))  # fmt: skip
    return fixed + _put_strings(
        (t.response_code, t.reason, t.rrn, t.auth_code, t.issuer, t.acquirer, t.org)
    )


def decode_outcome(data, t):
    """Put the bytes of an outcome into Txn `t`."""
    outcome_key(data)
    _, _, _, t.state, t.other_trace, t.other_state, when, settle = struct.unpack_from(
        _OUTCOME, data, 0
    )
    when = _digits(when)
    t.host_date, t.host_time = when[:4], when[4:]
    t.settle_date = _digits(settle)
    strings, _ = _get_strings(data, _OUTCOME_SIZE, 7)
    t.response_code, t.reason, t.rrn, t.auth_code, t.issuer, t.acquirer, t.org = strings


def outcome_key(data):
    """(batch, trace, state, other trace, other state) of an outcome."""
    if len(data) < _OUTCOME_SIZE or not 0 < data[0] <= SCHEMA:
        raise RecordError("outcome schema")
    return struct.unpack_from("<IIBIB", data, 1)


def mark_flags(t):
    """The flags of a mark: receipt printed, refusals of the host."""
    flags = min(t.refusals, REFUSALS_MAX) << _REFUSALS_AT
    return flags | PRINTED if t.printed else flags


def refusals(flags):
    return flags >> _REFUSALS_AT & 3


def encode_mark(t):
    return struct.pack(_MARK, _ONLINE, t.batch, t.trace, t.state, mark_flags(t), min(t.tries, 255))


def decode_mark(data):
    """(batch, trace, state, flags, tries) of a mark."""
    if len(data) < MARK_SIZE or not 0 < data[0] <= SCHEMA:
        raise RecordError("mark schema")
    return struct.unpack_from("<IIBBB", data, 1)


def encode_full(t, has_outcome):
    intent = encode_intent(t)
    outcome = encode_outcome(t) if has_outcome else b""
    return bytes([intent[0], len(intent), len(outcome)]) + intent + outcome + encode_mark(t)


def split_full(data):
    """(intent, outcome or empty, mark) views of a full record."""
    if len(data) < 3 or not 0 < data[0] <= SCHEMA:
        raise RecordError("full schema")
    a = 3 + data[1]
    b = a + data[2]
    return data[3:a], data[a:b], data[b:]
