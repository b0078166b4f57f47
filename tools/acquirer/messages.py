"""The messages this host knows, as tables: names, field sets, entry modes.

Owns what the request and the answer of each message consist of (host-protocol.md 2.1 to 2.7). What
the host does with a message is in checks.py and in the action modules; host.py brings them
together.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

# Requests this host answers at all, and whether they carry a MAC (host-protocol.md 4.3).
SIGNED_MTI = {
    "0100": True,
    "0200": True,
    "0220": True,
    "0400": True,
    "0620": True,
    "0320": False,
    "0500": False,
    "0800": False,
    "0820": False,
}

# Repeat mark: the last digit plus one on every send after the first (host-protocol.md 6). The host
# takes the message as what it repeats. An 0200 is never sent again and has none.
REPEATED_MTI = {"0221": "0220", "0321": "0320", "0401": "0400"}

# In these the transaction type 60.1 says what a message is, in the others the network code 60.3;
# in an 0320 it is 60.1 when that is not 00: a notice has the F60 of its 0220.
_TYPED_MTI = frozenset(("0100", "0200", "0220", "0400"))
_MIXED_MTI = "0320"


class EntryMode(NamedTuple):
    """The card fields that an entry mode needs in a sale and in a void, and all it may have."""

    name: str
    sale: frozenset
    void: frozenset
    optional: frozenset


# Fields that carry the card; the PIN (26, 52, 53) does not depend on how it was read.
CARD_FIELDS = frozenset((2, 14, 23, 35, 36, 55))
PIN_FIELDS = frozenset((26, 52, 53))

_CHIP = EntryMode(
    "chip", frozenset((2, 14, 35, 55)), frozenset((2,)), frozenset((2, 14, 23, 35, 55))
)

# F22 digits 1-2 (host-protocol.md 1.6). Modes that are not here are answered 40: no issuer behind
# this host takes them. QR (03) comes with the QR messages.
ENTRY_MODES = {
    "01": EntryMode("manual", frozenset((2, 14)), frozenset((2,)), frozenset((2, 14))),
    "02": EntryMode("swipe", frozenset((35,)), frozenset((35,)), frozenset((35, 36))),
    "05": _CHIP,
    "07": _CHIP._replace(name="contactless"),
    "91": EntryMode("contactless swipe", frozenset((35,)), frozenset((35,)), frozenset((35, 36))),
    "98": _CHIP._replace(name="contactless full"),
}
SWIPED = frozenset(("02", "91"))
CONTACTLESS = frozenset(("07", "91", "98"))


@dataclass(frozen=True)
class RequestKind:
    """A message the host knows: its fields, and F3 and F25 where it has them.

    F4 and F64 are optional here although the money messages need them: their absence has codes of
    its own (13, A0). `patterns` are the contents of fields where this message is stricter, or
    other, than checks.well_formed is with all.
    """

    name: str
    required: frozenset
    optional: frozenset = frozenset()
    processing_code: "str | None" = None
    condition_code: "str | None" = None
    patterns: dict = field(default_factory=dict, compare=False)


_MONEY = frozenset((3, 11, 22, 25, 41, 42, 49, 60))
_SALE = frozenset((4, 64)) | CARD_FIELDS | PIN_FIELDS | {59}
_MANAGEMENT = frozenset((11, 41, 42, 60))

_SIGN_IN = RequestKind("sign_in", _MANAGEMENT | {63}, frozenset((62,)))

_MMDD = (
    "(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|[12][0-9]))"
)
# An advice is approved by the terminal itself: it has the card as F2 and F14 however it was read,
# an auth code of the terminal's making, and never a track or a PIN.
_OFFLINE = _MONEY | {2, 14, 38, 61, 63}
_OFFLINE_CONTENTS = {
    2: r"[0-9]{13,19}",
    22: r"0[12]2",
    38: r"[0-9A-Za-z]{6}",
    60: r"30[0-9]{6}000[0256]00",
    61: rf"0{{12}}(?:0000|{_MMDD})00" + "0" * 11,  # day of the sale, 0000: clock not set
    63: r"000",
}
_UPLOAD_END = RequestKind("upload_end", _MANAGEMENT | {48}, patterns={48: r"[0-9]{4}"})

# (MTI, 60.1 or 60.3): the message. A message that is not here is answered 12.
REQUESTS = {
    ("0200", "22"): RequestKind("sale", _MONEY, _SALE, "000000", "00"),
    ("0200", "23"): RequestKind("void", _MONEY | {37, 61}, _SALE | {38}, "200000", "00"),
    ("0400", "22"): RequestKind(
        "reversal", _MONEY | {39}, frozenset((2, 4, 14, 23, 38, 55, 64)), "000000", "00"
    ),
    ("0400", "23"): RequestKind(
        "reversal", _MONEY | {39, 61}, frozenset((2, 4, 14, 23, 38, 55, 64)), "200000", "00"
    ),
    ("0220", "30"): RequestKind(
        "offline", _OFFLINE, frozenset((4, 64)), "000000", "00", _OFFLINE_CONTENTS
    ),
    ("0320", "201"): RequestKind("upload_details", _MANAGEMENT | {48}),
    ("0320", "30"): RequestKind(
        "upload_notice",
        _OFFLINE | {4},
        frozenset(),
        "000000",
        "00",
        {**_OFFLINE_CONTENTS, 4: r"(?!0{12})[0-9]{12}"},
    ),
    ("0320", "202"): _UPLOAD_END,
    ("0320", "207"): _UPLOAD_END,
    ("0500", "201"): RequestKind("settlement", _MANAGEMENT | {48, 49, 63}),
    ("0800", "001"): _SIGN_IN,
    ("0800", "003"): _SIGN_IN,
    ("0800", "004"): _SIGN_IN,
    ("0820", "002"): RequestKind("sign_off", _MANAGEMENT),
    ("0820", "301"): RequestKind("echo", frozenset((41, 42, 60))),
    ("0820", "362"): RequestKind("status", frozenset((41, 42, 60, 62))),
}

UNSUPPORTED = RequestKind("unsupported", frozenset())
KIND_NAMES = sorted({kind.name for kind in REQUESTS.values()} | {UNSUPPORTED.name})

# Fields of the answers in the order of the tables in host-protocol.md 2.1. Which of them are there
# depends on what the answer has to say: see host.py.
_MONEY_ANSWER = (2, 3, 4, 11, 12, 13, 15, 25, 32, 37, 38, 39, 41, 42, 44, 49, 60, 63, 64)
ANSWERS = {
    "0110": _MONEY_ANSWER,
    "0210": _MONEY_ANSWER,
    "0230": _MONEY_ANSWER,
    "0330": (11, 12, 13, 32, 37, 39, 41, 42, 60),
    "0410": (2, 3, 4, 11, 12, 13, 15, 25, 32, 37, 39, 41, 42, 44, 49, 60, 64),
    "0510": (11, 12, 13, 15, 32, 37, 41, 42, 48, 49, 60),
    "0630": (2, 3, 4, 11, 12, 13, 15, 25, 32, 37, 39, 41, 42, 49, 60, 64),
    "0810": (11, 12, 13, 32, 37, 39, 41, 42, 60, 62),
    "0830": (11, 12, 13, 32, 37, 39, 41, 42, 60),
}


def mti_class(mti):
    """MTI without its repeat mark: 0401 -> 0400, 0400 -> 0400."""
    return REPEATED_MTI.get(mti, mti)


def answer_mti(mti):
    """MTI of the answer: 0200 -> 0210, 0400 and 0401 -> 0410."""
    return f"{int(mti_class(mti)) + 10:04d}"


def is_typed(message):
    """Does 60.1 say what this request is? Otherwise 60.3 does."""
    mti = mti_class(message.mti)
    return mti in _TYPED_MTI or (mti == _MIXED_MTI and message.fields.get(60, "")[:2] != "00")


def selector(message):
    """60.1 or 60.3 of a request; "" when F60 is too short to hold it."""
    batch_data = message.fields.get(60, "")
    return batch_data[:2] if is_typed(message) else batch_data[8:11]


def batch_of(message):
    """60.2 as a number, or None when F60 does not hold it."""
    digits = message.fields.get(60, "")[2:8]
    return int(digits) if len(digits) == 6 and digits.isdigit() else None


def kind_of(message):
    """RequestKind of a request; UNSUPPORTED for one this host does not know."""
    return REQUESTS.get((mti_class(message.mti), selector(message)), UNSUPPORTED)
