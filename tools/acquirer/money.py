"""Sale, offline sale, void and reversal: what is booked once the checks are passed.

Each action takes an Exchange and books in its ledger, or raises Declined. The rule behind the
codes of a reversal: 00 and 25 are given only when nothing stands booked under the reversed trace,
for the terminal takes both as the end of the matter; whatever contradicts a booked original gets a
code that keeps the reversal alive (14, 22, 64) and shows the error.
"""

from . import checks
from .codes import APPROVED
from .exchange import Declined, Repeated

_KINDS = frozenset(("sale", "void", "offline"))
# An advice comes again until it is answered for good. A fault that strikes once must not decline
# it for ever, so such an answer is forgotten; a sale or void is never sent again.
_FORGETFUL = frozenset(("offline",))


def obey_override(x):
    """A fault may ask for another answer to a valid request; only an approval may book."""
    if x.override is None:
        return
    books = x.override in APPROVED if x.request.name in _KINDS else x.override == "00"
    if not books:
        x.recordable = x.recordable and x.request.name not in _FORGETFUL
        raise Declined(x.override, "as ordered by a fault", by_issuer=True)


def book(x, state):
    """Write the request into the ledger as a transaction in this state; returns its id."""
    return x.ledger.add_transaction(
        tid=x.terminal.tid,
        mid=x.terminal.mid,
        batch=x.batch,
        stan=x.stan,
        kind=x.request.name,
        amount_fen=x.amount_fen,
        pan=x.pan,
        entry_mode=x.fields.get(22),
        rrn=x.rrn,
        auth_code=x.auth_code,
        response_code=x.code,
        by_issuer=x.from_issuer,
        state=state,
        original_id=x.original.id if x.original and x.request.name == "void" else None,
        created_at=x.timestamp,
    )


def _approve(x, auth_code):
    x.code = x.override or x.code
    x.auth_code = auth_code
    x.from_issuer = True
    x.booked = True
    book(x, "approved")


def sale(x):
    """Book a sale as approved."""
    _approve(x, x.host.auth_code(x.number))


def offline_new(x):
    """The first answer again when the repeat mark says so; 94: the trace was used otherwise.

    Without the mark the terminal believes that it sends a new sale; with it, card, amount and auth
    code must be those of the first one.
    """
    x.pan = x.fields[2]
    first = x.ledger.transaction(x.terminal.tid, x.batch, x.stan)
    if first is None:
        checks.trace_new(x)
        return
    if not x.marked:
        raise Declined("94", "trace used before, and not marked as a repeat")
    _same_sale(x, first)
    x.note = "answered before"
    x.answer[37] = first.rrn
    if first.state == "declined":
        raise Declined(first.response_code, x.note, by_issuer=bool(first.by_issuer))
    x.code, x.auth_code, x.from_issuer = first.response_code, first.auth_code, True
    raise Repeated()


def _same_sale(x, first):
    if first.kind != "offline":
        raise Declined("94", f"trace used by a {first.kind}")
    if first.amount_fen != x.amount_fen:
        raise Declined("94", "trace used for another amount")
    if first.pan_hash != x.ledger.pan_hash(x.pan):
        raise Declined("94", "trace used with another card")
    if first.auth_code not in (None, x.fields[38]):
        raise Declined("94", "trace used with another F38")


def offline(x):
    """Book an offline sale as approved: the auth code is the terminal's own."""
    _approve(x, x.fields[38])


# What a void can take back.
VOIDABLE = frozenset(("sale", "offline"))


def find_original(x):
    """The sale that a void names: 25 when it is not there, not standing, or other data differ."""
    reference = x.fields[61]
    if len(reference) != 12:
        raise Declined("30", "F61 of a void is batch and trace")
    original = x.ledger.transaction(x.terminal.tid, int(reference[:6]), int(reference[6:]))
    if original is None or original.kind not in VOIDABLE or original.state != "approved":
        raise Declined("25", "no sale stands under F61")
    if original.batch != x.terminal.batch:
        raise Declined("25", "the sale is of a settled batch")
    if x.fields[37] != original.rrn:
        raise Declined("25", "F37 is not the sale's")
    if x.fields.get(38) != original.auth_code:
        raise Declined("25", "F38 is not the sale's")
    if x.ledger.standing_void(original.id):
        raise Declined("25", "voided already")
    x.original = original


def same_amount(x):
    """64: a void is for the full amount."""
    if x.amount_fen != x.original.amount_fen:
        raise Declined("64", "amount differs from the sale's")


def same_card(x):
    """14: a void is with the card of the sale."""
    if x.ledger.pan_hash(x.pan) != x.original.pan_hash:
        raise Declined("14", "card differs from the sale's")


def void(x):
    """Book a void as approved. Its sale stays booked, and is voided while the void stands."""
    _approve(x, x.host.auth_code(x.number))


def reversal(x):
    """0400: take back the sale or void with this trace, once; or see to it that it never books."""
    terminal = x.terminal
    checks.batch_known(x)
    settled = x.batch != terminal.batch
    original = x.ledger.transaction(terminal.tid, x.batch, x.stan)
    if original is None or original.state == "declined":
        _nothing_stands(x)
    x.original = original
    _contradictions(x, original)
    known = x.ledger.reversal(terminal.tid, x.batch, x.stan)
    if original.state == "reversed":
        x.ledger.repeat_reversal(known["id"])
        x.note = "reversed before"
    else:
        if settled:
            raise Declined("22", "its batch is settled")
        if original.kind == "sale" and x.ledger.standing_void(original.id):
            raise Declined("22", "the sale is voided")
        _remember(x, original.id)
        x.ledger.set_reversed(original.id, x.timestamp)
        x.booked = True
    x.from_issuer = True


def _nothing_stands(x):
    """25, and a tombstone: an original that a slow network delivers later must not book."""
    known = x.ledger.reversal(x.terminal.tid, x.batch, x.stan)
    if known is not None:
        x.ledger.repeat_reversal(known["id"])
    elif x.batch == x.terminal.batch:
        _remember(x, None)
    raise Declined("25", "nothing stands under this trace")


def _remember(x, original_id):
    x.ledger.add_reversal(
        tid=x.terminal.tid,
        batch=x.batch,
        stan=x.stan,
        amount_fen=x.amount_fen,
        reason=x.fields[39],
        original_id=original_id,
        rrn=x.rrn,
        created_at=x.timestamp,
    )


# F3 of the original by kind: a reversal repeats it (host-protocol.md 2.3).
_PROCESSING_CODES = {"sale": "000000", "void": "200000"}


def _contradictions(x, original):
    """What a reversal says of its original must be so."""
    if original.kind not in _PROCESSING_CODES:
        raise Declined("22", f"{original.kind} is not reversed")
    if x.fields[3] != _PROCESSING_CODES[original.kind]:
        raise Declined("22", "F3 is not the original's")
    if x.amount_fen != original.amount_fen:
        raise Declined("64", "amount is not the original's")
    if 2 in x.fields and x.ledger.pan_hash(x.fields[2]) != original.pan_hash:
        raise Declined("14", "card is not the original's")
    if x.fields.get(38) not in (None, original.auth_code):
        raise Declined("22", "F38 is not the original's")
    if original.kind == "void":
        sale_of = x.ledger.transaction_by_id(original.original_id)
        if x.fields[61][:12] != f"{sale_of.batch:06d}{sale_of.stan:06d}":
            raise Declined("22", "F61 is not the void's")
