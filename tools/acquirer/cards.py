"""Test cards and what the issuer does with them, as tables.

Owns the cards that exist in the test world and the amounts that make the issuer answer something
special. Test numbers only; they lead to no account anywhere. README.md shows both tables, a test
compares. PIN and tracks are kept out of repr().
"""

from dataclasses import dataclass, field

from .codes import english

# Does the card want its PIN? "needed": a sale without PIN is answered 55, except a contactless one
# up to NO_PIN_LIMIT_FEN. "optional": compared when sent. "none": no PIN on file, any PIN is wrong.
PIN_RULES = ("needed", "optional", "none")

# National limit of contactless payments without PIN (host-protocol.md 5.1).
NO_PIN_LIMIT_FEN = 100000

# Wrong PINs in a row and their answers; any further wrong one is answered 75. A right PIN at any
# time sets the count back to nothing and is accepted: a real issuer would keep the card blocked,
# but a test card must not be spoiled for good.
WRONG_PIN_CODES = ("55", "55", "38")
PIN_BLOCKED_CODE = "75"


@dataclass(frozen=True)
class Card:
    """A test card. `answer`: the issuer's code for a sale. `balance_fen`: None is no limit."""

    name: str
    pan: str
    description_zh: str
    description_en: str
    expiry: str = "3012"  # YYMM
    service_code: str = "101"
    discretionary: str = field(default="0000012345000", repr=False)
    pin: "str | None" = field(default=None, repr=False)
    pin_rule: str = "needed"
    answer: str = "00"
    balance_fen: "int | None" = None
    has_track3: bool = False

    @property
    def track1(self):
        """Track 1, format B, without sentinels and LRC."""
        holder = self.name.replace("_", " ").upper() + "/TEST"
        return f"B{self.pan}^{holder}^{self.expiry}{self.service_code}{self.discretionary}"

    @property
    def track2(self):
        """Track 2 (PAN=YYMM, service code, discretionary), without sentinels and LRC."""
        return self.pan + "=" + self.expiry + self.service_code + self.discretionary

    @property
    def track3(self):
        """Track 3 (99, PAN, then the field layout of ISO 4909 cut short), or None."""
        if not self.has_track3:
            return None
        return (
            "99" + self.pan + "=1561560000000000000003" + self.expiry + "01=000000000000=0=00000"
        )


CARDS = (
    Card(
        "normal",
        "6225000000000014",
        "正常借记卡，密码正确即成功",
        "debit card, approves with the right PIN",
        pin="123456",
    ),
    Card(
        "credit",
        "6224242900000113",
        "贷记卡，有第三磁道，可不输密码",
        "credit card with track 3, PIN may be left out",
        pin="654321",
        pin_rule="optional",
        discretionary="000009876500",  # a track 2 of even length: its enciphered window differs
        has_track3=True,
    ),
    Card(
        "poor",
        "6225000000000022",
        "余额只有 100.00 元",
        "has 100.00 in all: 51 when the sales that stand would exceed it",
        pin="222222",
        balance_fen=10000,
    ),
    Card(
        "expired",
        "6225000000000030",
        "过期卡",
        "expired",
        expiry="2012",
        pin="333333",
        answer="54",
    ),
    Card(
        "lost",
        "6225000000000048",
        "挂失卡",
        "reported lost",
        pin="444444",
        answer="41",
    ),
    Card(
        "refused",
        "6225000000000055",
        "发卡行拒绝",
        "issuer does not honour",
        pin="555555",
        answer="05",
    ),
    Card(
        "chip_only",
        "6225000000000063",
        "芯片卡，刷卡提示插卡；降级可刷",
        "chip card: 45 when swiped, unless F60.5 says fallback (2)",
        service_code="201",
        pin="666666",
    ),
    Card(
        "no_pin",
        "6225000000000071",
        "未设密码，输任何密码都算错",
        "no PIN on file: approves without, 55 with any PIN",
        pin_rule="none",
    ),
    Card(
        "issuer_down",
        "6225000000000089",
        "发卡行故障",
        "issuer unavailable",
        pin="888888",
        answer="91",
    ),
)

BY_PAN = {card.pan: card for card in CARDS}
BY_NAME = {card.name: card for card in CARDS}
KNOWN_BINS = frozenset(card.pan[:6] for card in CARDS)

# Sales from 9000.00 to 9999.99 whose fen are in this table get its code. All other amounts are
# ordinary: 12.34 and 0.05 approve.
SPECIAL_FROM_FEN = 900000
SPECIAL_TO_FEN = 999999
SPECIAL_FEN = {
    1: "01",
    4: "04",
    5: "05",
    11: "11",
    12: "12",
    13: "13",
    16: "16",
    40: "40",
    43: "43",
    51: "51",
    57: "57",
    61: "61",
    62: "62",
    65: "65",
    68: "68",
    90: "90",
    91: "91",
    92: "92",
    96: "96",
    98: "98",
}


def answer_for_amount(amount_fen):
    """Response code that an amount asks for, "00" for an ordinary one."""
    if SPECIAL_FROM_FEN <= amount_fen <= SPECIAL_TO_FEN:
        return SPECIAL_FEN.get(amount_fen % 100, "00")
    return "00"


def passes_luhn(pan):
    """Is the last digit of the PAN its check digit (ISO/IEC 7812-1, Luhn)?"""
    total = 0
    for place, digit in enumerate(reversed(pan)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mask(pan):
    """First six and last four digits, the rest as stars."""
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def cards_table():
    """The cards as a Markdown table, for README.md."""
    rows = ["| name | PAN | expiry | service code | PIN | 说明 | what it does |", "|" + "---|" * 7]
    for card in CARDS:
        pin = {"needed": card.pin, "optional": f"{card.pin} (optional)"}.get(card.pin_rule, "none")
        cells = (
            card.name,
            card.pan,
            card.expiry,
            card.service_code,
            pin,
            card.description_zh,
            card.description_en,
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def amounts_table():
    """The special amounts as a Markdown table, for README.md."""
    rows = ["| amount ends in | response code | |", "|---|---|---|"]
    for fen, code in SPECIAL_FEN.items():
        rows.append(f"| .{fen:02d} | {code} | {english(code)} |")
    return "\n".join(rows)
