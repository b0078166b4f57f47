"""Bytes to fields and back: frame, TPDU, header and the ISO 8583 body.

Owns the packing table of the UnionPay-style dialect (host-protocol.md 1.1 to 1.5) and nothing
else: no meaning of a message, no key. A frame is

    LEN(2, big endian) | TPDU(5, BCD) | HEADER(6, BCD) | MTI(2) | BITMAP(8) | fields

and a *frame body* is everything after LEN. The codec is pyiso8583; what pyiso8583 lets pass
(undefined fields, letters in numeric fields, wrong padding, empty fields) is refused here, because
a judge that overlooks a broken packing is of no use.
"""

import contextlib
import re
from dataclasses import dataclass, field

import iso8583

TPDU_SIZE = 5
HEADER_SIZE = 6
PREFIX_SIZE = TPDU_SIZE + HEADER_SIZE
MAC_SIZE = 8
MIN_BODY = PREFIX_SIZE + 2 + 8
# Nothing this dialect defines comes near it (the longest is an e-signature of about 1.1 KB).
MAX_BODY = 4096

# Field number: (format, length of the length in digits or 0 for fixed, length, name).
# n digits as BCD, z track digits and D as BCD, an/ans ASCII, b bytes. Lengths of n and z count
# digits, of the others bytes (host-protocol.md 1.4, 1.5).
FIELDS = {
    2: ("n", 2, 19, "PAN"),
    3: ("n", 0, 6, "processing code"),
    4: ("n", 0, 12, "amount"),
    11: ("n", 0, 6, "STAN"),
    12: ("n", 0, 6, "local time"),
    13: ("n", 0, 4, "local date"),
    14: ("n", 0, 4, "expiry"),
    15: ("n", 0, 4, "settlement date"),
    22: ("n", 0, 3, "entry mode"),
    23: ("n", 0, 3, "card sequence number"),
    25: ("n", 0, 2, "condition code"),
    26: ("n", 0, 2, "PIN capture code"),
    32: ("n", 2, 11, "acquirer id"),
    35: ("z", 2, 37, "track 2"),
    36: ("z", 3, 104, "track 3"),
    37: ("an", 0, 12, "RRN"),
    38: ("an", 0, 6, "auth code"),
    39: ("an", 0, 2, "response code"),
    40: ("an", 0, 3, "service restriction code"),
    41: ("ans", 0, 8, "terminal id"),
    42: ("ans", 0, 15, "merchant id"),
    44: ("text", 2, 25, "additional response data"),
    48: ("n", 3, 322, "additional data"),
    49: ("an", 0, 3, "currency"),
    52: ("b", 0, 8, "PIN block"),
    53: ("n", 0, 16, "security control"),
    54: ("ans", 3, 40, "balance"),
    55: ("b", 3, 255, "IC data"),
    58: ("b", 3, 100, "e-purse data"),
    59: ("b", 3, 600, "extended TLV"),
    60: ("n", 3, 17, "batch data"),
    61: ("n", 3, 29, "original transaction"),
    62: ("b", 3, 999, "private data"),
    63: ("text", 3, 163, "operator or texts"),
    # Whatever it holds is compared: a wrong one is A0, not a format error.
    64: ("text", 0, 8, "MAC"),
}

# A fixed odd number of digits leaves a free half byte: F22 has it on the right, F23 on the left.
_LEFT_PADDED = {23}

_ALLOWED = {
    "n": re.compile(r"[0-9]+"),
    "z": re.compile(r"[0-9A-F]+"),  # an encrypted track holds any hex digit
    "an": re.compile(r"[0-9A-Za-z ]+"),
    "ans": re.compile(r"[\x20-\x7e]+"),
    "text": re.compile(r".+", re.DOTALL),  # GBK texts travel here
    "b": re.compile(r"[0-9A-F]+"),
}


class FormatError(ValueError):
    """The bytes are no message of this dialect. The text names the place, never the data.

    `message` is the Message when its structure could be read and only a field's content is wrong:
    the host can then answer 30. Otherwise None: nobody to answer.
    """

    def __init__(self, text, message=None):
        super().__init__(text)
        self.message = message


def _pyiso_field(number, filler):
    kind, length_digits, length, name = FIELDS[number]
    nibbles = kind in "nz"
    spec = {
        "data_enc": {"n": "b", "z": "b", "b": "b", "text": "latin-1"}.get(kind, "ascii"),
        "len_enc": "bcd",
        "len_type": (length_digits + 1) // 2,
        "max_len": length,
        "len_count": "nibbles" if nibbles else "bytes",
        "desc": name,
    }
    if nibbles:
        spec["left_pad" if number in _LEFT_PADDED else "right_pad"] = (
            filler if kind == "z" else "0"
        )
    return spec


def _pyiso_spec(filler):
    def fixed(size, name):
        return {"data_enc": "b", "len_enc": "b", "len_type": 0, "max_len": size, "desc": name}

    spec = {str(n): fixed(0, "not used") for n in range(2, 129)}
    spec.update({str(n): _pyiso_field(n, filler) for n in FIELDS})
    spec["h"] = fixed(PREFIX_SIZE, "TPDU and header")
    spec["t"] = fixed(2, "MTI")
    spec["p"] = fixed(8, "bitmap")
    spec["1"] = fixed(8, "second bitmap, never used")
    return spec


SPEC = _pyiso_spec("0")
# Some terminals fill the free half byte of a track with F.
_SPEC_F = _pyiso_spec("F")


@dataclass
class Message:
    """One message. `fields` maps field numbers to text: digits, ASCII, or hex for binary fields.

    `mac_input` is, in a received message, the bytes from the MTI up to the field before F64,
    exactly as they came. The fields are kept out of repr(): they may be a card's.
    """

    tpdu: str
    header: str
    mti: str
    fields: dict = field(repr=False)
    mac_input: bytes = field(default=b"", repr=False)


def unpack(body):
    """Message in a frame body. Raises FormatError and nothing else, whatever the bytes are."""
    if not MIN_BODY <= len(body) <= MAX_BODY:
        raise FormatError(f"a body of {len(body)} bytes")
    body = bytes(body)
    tpdu = body[:TPDU_SIZE].hex().upper()
    header = body[TPDU_SIZE:PREFIX_SIZE].hex().upper()
    if not tpdu.startswith("60") or not tpdu.isdigit():
        raise FormatError("TPDU")
    _check_bitmap(body[PREFIX_SIZE + 2 : MIN_BODY])
    decoded = _decode(body)
    if not decoded["t"].isdigit():
        raise FormatError("MTI")
    fields = {int(n): text for n, text in decoded.items() if n.isdigit()}
    signed_to = len(body) - (MAC_SIZE if 64 in fields else 0)
    message = Message(tpdu, header, decoded["t"], fields, body[PREFIX_SIZE:signed_to])
    for number, text in fields.items():
        fault = _content_fault(number, text)
        if fault:
            raise FormatError(f"F{number}: {fault}", message)
    return message


def _decode(body):
    """Fields as pyiso8583 gives them, or FormatError with place and reason.

    The errors of pyiso8583 hold the whole message, with the card in it: they end here.
    """
    try:
        return iso8583.decode(body, SPEC)[0]
    except iso8583.DecodeError as error:
        place, reason, text = error.field, error.msg, error.doc_dec.get(error.field)
    if place in ("35", "36"):
        with contextlib.suppress(iso8583.DecodeError):
            return iso8583.decode(body, _SPEC_F)[0]
    # An odd number of digits that was read before it failed can only have failed for its filler.
    odd = place.isdigit() and FIELDS[int(place)][0] in "nz" and text
    raise FormatError(f"F{place}: {'filler' if odd else reason}")


def _check_bitmap(bitmap):
    bits = int.from_bytes(bitmap, "big")
    for number in range(1, 65):
        if bits >> (64 - number) & 1 and number not in FIELDS:
            raise FormatError(f"F{number} is not used in this dialect")


def _content_fault(number, text):
    """What is wrong with a field's text, or None."""
    kind = FIELDS[number][0]
    if not text:
        return "empty"
    if not _ALLOWED[kind].fullmatch(text):
        return f"a character that {kind} does not allow"
    return None


def pack(message):
    """Frame body of a Message. Raises FormatError when a field does not fit the packing table."""
    decoded = {str(number): text for number, text in message.fields.items()}
    decoded["h"] = message.tpdu + message.header
    decoded["t"] = message.mti
    for number in message.fields:
        if number not in FIELDS:
            raise FormatError(f"F{number} is not used in this dialect")
    try:
        body, _ = iso8583.encode(decoded, SPEC)
    except iso8583.EncodeError as error:
        raise FormatError(f"F{error.field}: {error.msg}") from None
    return bytes(body)


def mac_input(body):
    """Bytes of a frame body that its MAC covers: MTI up to the field before F64, which is last."""
    return body[PREFIX_SIZE:-MAC_SIZE]


def frame(body):
    """Frame of a body: its length in two bytes, then the body."""
    if len(body) > 0xFFFF:
        raise FormatError(f"a body of {len(body)} bytes")
    return len(body).to_bytes(2, "big") + body


def swap_addresses(tpdu):
    """TPDU of the answer: destination and source exchanged (6000030000 -> 6000000003)."""
    return tpdu[:2] + tpdu[6:] + tpdu[2:6]
