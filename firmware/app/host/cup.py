# The UnionPay-style dialect: field table, message types, and the fields that are made of parts.
#
# Sources: shared facts of public terminals (field table 1.5, entry modes 1.6, F60 1.7, messages
# 2.1-2.3). Only what this terminal sends or reads is here.

from micropython import const

from . import iso8583 as iso

# Formats of iso8583, as constants of this module: the table then stays in ROM.
_N = const(1)
_NL = const(2)
_NR = const(3)
_LLN = const(4)
_LLZ = const(5)
_LLLN = const(6)
_LLLZ = const(7)
_A = const(8)
_B = const(9)
_LLB = const(10)
_LLLB = const(11)

# (format, size) by field number, None where the dialect has none
FIELDS = (
    None,
    None,
    (_LLN, 19),  # 2
    (_N, 6),  # 3
    (_N, 12),  # 4
    None,
    None,
    None,
    None,
    None,
    None,
    (_N, 6),  # 11
    (_N, 6),  # 12
    (_N, 4),  # 13
    (_N, 4),  # 14
    (_N, 4),  # 15
    None,
    None,
    None,
    None,
    None,
    None,
    (_NL, 3),  # 22
    (_NR, 3),  # 23
    None,
    (_N, 2),  # 25
    (_N, 2),  # 26
    None,
    None,
    None,
    None,
    None,
    (_LLN, 11),  # 32
    None,
    None,
    (_LLZ, 37),  # 35
    (_LLLZ, 104),  # 36
    (_A, 12),  # 37
    (_A, 6),  # 38
    (_A, 2),  # 39
    (_A, 3),  # 40
    (_A, 8),  # 41
    (_A, 15),  # 42
    None,
    (_LLB, 25),  # 44
    None,
    None,
    None,
    (_LLLN, 322),  # 48
    (_A, 3),  # 49
    None,
    None,
    (_B, 8),  # 52
    (_N, 16),  # 53
    (_LLLB, 40),  # 54
    (_LLLB, 255),  # 55
    None,
    None,
    (_LLLB, 100),  # 58
    (_LLLB, 600),  # 59
    (_LLLN, 17),  # 60
    (_LLLN, 29),  # 61
    (_LLLB, 512),  # 62
    (_LLLB, 163),  # 63
    (_B, 8),  # 64
)

CURRENCY = "156"

# Kinds of transactions. The numbers are written to flash: never change one.
SALE = 1
VOID = 2
OFFLINE = 3  # a sale that the terminal approved itself; the host gets an advice

# kind: (MTI, processing code F3, condition code F25, message type 60.1)
TYPES = {
    SALE: ("0200", "000000", "00", "22"),
    VOID: ("0200", "200000", "00", "23"),
    OFFLINE: ("0220", "000000", "00", "30"),
}
DEBITS = (SALE, OFFLINE)  # the others are credits

# Management messages: (MTI, network code 60.3, whether F11 goes along)
ECHO = ("0820", "301", False)
SIGN_OFF = ("0820", "002", True)
SETTLE = ("0500", "201", True)
STATUS = ("0820", "362", False)
UPLOAD_DETAILS = ("0320", "201", True)
UPLOAD_END_UNBALANCED = ("0320", "202", True)
UPLOAD_END_BALANCED = ("0320", "207", True)

# Network code 60.3 of a sign-in, also the setting key_mode: double-length keys with a track key
TRACK_ENCRYPTED = "004"

# F22 digits 1-2
ENTRY_SWIPE = 2
PIN_ENTERED, NO_PIN = 1, 2

# F60.4 by what the terminal can read
READER_MAG, READER_IC, READER_CONTACTLESS = "2", "5", "6"


def response_mti(mti):
    """0200 -> 0210, 0221 -> 0230"""
    return mti[:2] + chr(ord(mti[2]) + 1) + "0"


def repeat_mti(mti):
    """0400 -> 0401: sent before (ISO 8583:1987, message function)."""
    return mti[:3] + "1"


def entry_mode(way, pin):
    """F22 as a number, 021: swiped with PIN."""
    return way * 10 + (PIN_ENTERED if pin else NO_PIN)


def f60(message_type, batch, network="000", reader=None):
    """F60: type, batch, network code; financial messages go on with reader capability, IC
    condition 0, no partial approval."""
    s = "%s%06d%s" % (message_type, batch, network)
    return s + reader + "00" if reader else s


def f61(batch, trace, date=""):
    """F61: original batch and trace, and the host's date MMDD where the message wants it."""
    return "%06d%06d%s" % (batch, trace, date)


def f53(pin, track_encrypted):
    """F53, None when it is not sent: PIN with PAN, double-length keys, track encrypted."""
    if not pin and not track_encrypted:
        return None
    return ("2" if pin else "0") + "6" + ("1" if track_encrypted else "0") + "0" * 13


def f63_operator(operator):
    return (operator + "   ")[:3].encode()


COUNT_MAX = 999  # F48 has three digits for a count


def totals(debit_amount, debit_count, credit_amount, credit_count):
    """F48 of a settlement: 31 digits for domestic cards and the same, empty, for foreign ones.
    FormatError when a count does not fit: the engine settles before."""
    if debit_count > COUNT_MAX or credit_count > COUNT_MAX:
        raise iso.FormatError(48, "count")
    home = "%012d%03d%012d%03d0" % (debit_amount, debit_count, credit_amount, credit_count)
    return home + "0" * 31


def parse_totals(f48):
    """[(debit amount, debit count, credit amount, credit count, code)] for domestic and foreign
    cards."""
    if len(f48) != 62:
        raise iso.FormatError(48, "length")
    out = []
    for at in (0, 31):
        s = f48[at : at + 31]
        out.append((int(s[:12]), int(s[12:15]), int(s[15:27]), int(s[27:30]), int(s[30])))
    return out


def financial(kind, t, settings, reader):
    """Fields of a financial request from its journal record: all but card data, PIN and MAC."""
    _, processing_code, condition, message_type = TYPES[kind]
    fields = {
        3: processing_code,
        4: "%012d" % t.amount,
        11: "%06d" % t.trace,
        22: "%03d" % t.entry_mode,
        25: condition,
        41: settings["tid"],
        42: settings["mid"],
        49: CURRENCY,
        60: f60(message_type, t.batch, "000", reader),
    }
    if t.original_trace:
        if t.original_rrn:  # a host that took an advice as a duplicate may have given none
            fields[37] = t.original_rrn
        if t.original_auth:
            fields[38] = t.original_auth
        fields[61] = f61(t.batch, t.original_trace)
    return fields


def advice(t, settings, reader, pan):
    """Fields of the advice of an offline sale: all but the MAC. `pan`: a bytearray, which the
    caller wipes. F61: no original; date of the sale; approved by the terminal (host-protocol 1.5,
    2.1)."""
    fields = financial(t.kind, t, settings, reader)
    if len(pan):
        fields[2] = pan
    fields[14] = t.expiry
    fields[38] = offline_code(t.trace)
    y, month, day = t.when[:3]
    date = "%02d%02d" % (month, day) if y > 2000 else "0000"
    fields[61] = "0" * 12 + date + "00" + "0" * 11
    fields[63] = b"000"
    return fields


def offline_code(trace):
    """F38 of an offline sale: Y1 is the field's word for "approved offline"."""
    return "Y1%04d" % (trace % 10000)


def reversal(t, settings, reader):
    """Fields of the 0400 for a transaction whose outcome is not known: F3 and F11 of the original,
    no card data of a swipe, F38 only when its response brought one (a void's own, never that of
    the voided sale), F61 only when the original had one (host-protocol section 2.3)."""
    fields = financial(t.kind, t, settings, reader)
    fields.pop(37, None)
    fields.pop(38, None)
    if t.auth_code:
        fields[38] = t.auth_code
    fields[39] = t.reason
    if t.original_trace:
        fields[61] = f61(t.batch, t.original_trace, t.host_date or "0000")
    return fields


DETAILS_MAX = 8  # records in one upload message
_DETAIL = 40


def details(entries):
    """F48 of an upload message as a bytearray, which the caller wipes: count, then for each entry
    (trace, PAN as digits, amount) card flag 00, trace, PAN right justified, amount."""
    out = bytearray(b"%02d" % len(entries) + b"0" * (_DETAIL * len(entries)))
    at = 2
    for trace, pan, amount in entries:
        out[at + 2 : at + 8] = b"%06d" % trace
        for i in range(len(pan)):
            out[at + 28 - len(pan) + i] = pan[i]
        out[at + 28 : at + 40] = b"%012d" % amount
        at += _DETAIL
    return out


def management(message, batch, settings, operator=None, trace=0):
    """(MTI, fields) of a management message, one of the constants above."""
    mti, network, with_trace = message
    fields = {41: settings["tid"], 42: settings["mid"], 60: f60("00", batch, network)}
    if with_trace:
        fields[11] = "%06d" % trace
    if operator is not None:
        fields[63] = f63_operator(operator)
    return mti, fields


# F39 (host-protocol section 3). Approved: with 10 (partial approval) only when asked for, which
# this terminal never does: a 10 is then refused like any unknown code.
APPROVED = ("00", "11", "16", "A2", "A4", "A5", "A6")
# An advice that the host has already: done. Trouble at the host that passes, and trouble with
# merchant or terminal rather than with this record: try again later.
DUPLICATE = "94"
TEMPORARY = ("68", "90", "91", "92", "96", "98")
OF_TERMINAL = ("03", "58", "97")
# The keys or the batch do not fit: sign in and try again.
SIGN_IN_AGAIN = ("77", "99", "A0")
# Answer to a settlement: the totals differ.
UNBALANCED = "95"
# Answers to a reversal that settle it.
REVERSED = ("00", "12", "25")
