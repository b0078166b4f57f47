"""One request on its way to its answer: what the checks found out and what was decided.

Owns the scratch pad that checks and actions share. Holds card data while a message is handled;
nothing here is logged or stored but by ledger.add_transaction, which masks it.
"""

from dataclasses import dataclass, field
from datetime import datetime

from . import messages, packing


class Declined(Exception):
    """A check or an action answers the request with this response code.

    `note` says why in words for the log, without any of the request's data. `by_issuer` tells a
    decline from behind the acquirer: such an answer carries F15, F44 and F63 like an approval.
    """

    def __init__(self, code, note, by_issuer=False):
        super().__init__(code)
        self.code = code
        self.note = note
        self.by_issuer = by_issuer


class Repeated(Exception):
    """The request was approved before: its answer is in the Exchange, and nothing books again."""


@dataclass
class Exchange:
    """A request being handled.

    `recordable` is set once the request is known to be the terminal's own and its trace to be new:
    from then on a decline is booked as one. `answer` holds fields of the answer that only the
    action knows, `records` what a batch upload tells of transactions.
    """

    request: messages.RequestKind
    message: packing.Message = field(repr=False)
    at: datetime  # the host's clock when the message came
    ledger: object = field(repr=False)
    host: object = field(repr=False)
    number: int = 0
    format_fault: "str | None" = None
    override: "str | None" = None
    terminal: object = field(default=None, repr=False)
    pan: "str | None" = field(default=None, repr=False)
    card: object = field(default=None, repr=False)
    original: object = None
    code: str = "00"
    note: str = ""
    from_issuer: bool = False
    booked: bool = False
    recordable: bool = False
    auth_code: "str | None" = None
    answer: dict = field(default_factory=dict, repr=False)
    records: list = field(default_factory=list, repr=False)

    @property
    def fields(self):
        return self.message.fields

    @property
    def marked(self):
        """Does the MTI say that this is a repeat?"""
        return self.message.mti in messages.REPEATED_MTI

    @property
    def tid(self):
        """F41 for logs, or None when there is nothing fit to be printed."""
        text = self.fields.get(41, "")
        return text if text.isascii() and text.isprintable() and text else None

    @property
    def stan(self):
        """F11 as a number, or None."""
        digits = self.fields.get(11, "")
        return int(digits) if digits.isdigit() else None

    @property
    def stan_text(self):
        """F11 for logs, or None."""
        return None if self.stan is None else f"{self.stan:06d}"

    @property
    def batch(self):
        """F60.2 as a number, or None."""
        return messages.batch_of(self.message)

    @property
    def amount_fen(self):
        """F4 as a number; 0 when it is missing, as the protocol leaves out a zero amount."""
        digits = self.fields.get(4, "")
        return int(digits) if digits.isdigit() else 0

    @property
    def entry(self):
        """F22 digits 1-2."""
        return self.fields[22][:2]

    @property
    def timestamp(self):
        return self.at.isoformat(timespec="seconds")

    @property
    def rrn(self):
        """F37 of the answer: the time and a number that never comes twice in this ledger."""
        return self.at.strftime("%H%M%S") + f"{self.number % 1000000:06d}"
