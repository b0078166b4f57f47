"""Checks of a request that need no card: who sends it, its form, sign-in, MAC, trace, amount.

Each check takes an Exchange, and returns or raises Declined with the response code of
host-protocol.md 3. host.py says which checks a message goes through, and in which order.
"""

import hmac
import re

from . import messages
from .exchange import Declined
from .keys import ecb_mac

CURRENCY = "156"
REVERSAL_REASONS = frozenset(("98", "A0", "96", "06"))


def terminal_known(x):
    """97: the terminal is not registered."""
    x.terminal = x.ledger.terminal(x.fields.get(41, ""))
    if x.terminal is None:
        raise Declined("97", "terminal unknown")


def merchant_known(x):
    """03: the merchant is not the terminal's."""
    if x.fields.get(42) != x.terminal.mid:
        raise Declined("03", "merchant is not the terminal's")


def terminal_allowed(x):
    """58: the terminal is blocked."""
    if x.terminal.state != "active":
        raise Declined("58", "terminal blocked")


def contents_readable(x):
    """30: a field holds what it must not."""
    if x.format_fault:
        raise Declined("30", x.format_fault)


def well_formed(x):
    """30: wrong addresses, fields missing or too many, contents that the message cannot have."""
    _addresses(x)
    missing = sorted(x.request.required - x.fields.keys())
    if missing:
        raise Declined("30", f"fields missing: {missing}")
    surplus = sorted(x.fields.keys() - x.request.required - x.request.optional)
    if surplus:
        raise Declined("30", f"fields that do not belong here: {surplus}")
    for number, pattern in {**_PATTERNS, **x.request.patterns}.items():
        if number in x.fields and not re.fullmatch(pattern, x.fields[number]):
            raise Declined("30", f"F{number}")
    for number, expected in ((3, x.request.processing_code), (25, x.request.condition_code)):
        if expected is not None and x.fields[number] != expected:
            raise Declined("30", f"F{number} does not fit 60.1")
    _batch_data(x)


# Contents that the packing table alone does not fix.
_PATTERNS = {
    11: r"(?!000000)\d{6}",
    14: r"\d\d(0[1-9]|1[0-2])",
    22: r"\d\d[012]",
    26: r"12",
    53: r"[02][06][01]0{13}",
    61: r"\d{12}(\d{4})?",
}


def _addresses(x):
    terminal, message = x.terminal, x.message
    if terminal.tpdu not in (None, message.tpdu):
        raise Declined("30", "TPDU is not the terminal's")
    if not message.header.isdigit() or message.header[5] != "0":
        raise Declined("30", "header: digits, the sixth of a request is 0")
    if terminal.header not in (None, message.header):
        raise Declined("30", "header is not the terminal's")


def _batch_data(x):
    """F60: a management message ends after 60.3; a money message has 000 there, and may go on."""
    text = x.fields[60]
    if messages.is_typed(x.message):
        right = len(text) >= 11 and text[8:11] == "000"
    else:
        right = len(text) == 11 and text[:2] == "00"
    if not right:
        raise Declined("30", "F60")


def reversal_reason(x):
    """30: F39 of a reversal says why."""
    if x.fields[39] not in REVERSAL_REASONS:
        raise Declined("30", "F39 is no reversal reason")


def pin_announced(x):
    """30: F22, F26, F52 and F53 must tell one story about PIN and track encryption (4.4)."""
    fields = x.fields
    has_pin = 52 in fields
    if fields[22][2] not in ("1" if has_pin else "02"):
        raise Declined("30", "F22 and F52 disagree about a PIN")
    if (26 in fields) != has_pin:
        raise Declined("30", "F26 goes with F52")
    if 53 not in fields:
        if has_pin:
            raise Declined("30", "F53 goes with F52")
        return
    control = fields[53]
    if control[0] != ("2" if has_pin else "0"):
        raise Declined("30", "F53 digit 1 and F52 disagree")
    if control[2] == "1" and not {35, 36} & fields.keys():
        raise Declined("30", "F53 tells of a track that is not there")
    if not has_pin and control[2] == "0":
        raise Declined("30", "F53 says nothing")


def entry_mode(x):
    """40: nobody behind this host takes the entry mode; 30: its card fields are not all there."""
    mode = messages.ENTRY_MODES.get(x.entry)
    if mode is None:
        raise Declined("40", "entry mode not supported")
    given = x.fields.keys() & messages.CARD_FIELDS
    needed = mode.void if x.request.name == "void" else mode.sale
    if not needed <= given:
        raise Declined("30", f"{mode.name} needs fields {sorted(needed)}")
    if not given <= mode.optional:
        raise Declined("30", f"{mode.name} carries fields {sorted(given - mode.optional)}")


def signed_in(x):
    """77: no sign-in stands."""
    if not x.terminal.signed_in:
        raise Declined("77", "not signed in")


def batch_equal(x):
    """77: F60.2 is not the open batch."""
    if x.batch != x.terminal.batch:
        raise Declined("77", "batch differs")


def batch_known(x):
    """77: F60.2 is neither the open batch nor one that was closed."""
    if x.batch != x.terminal.batch and x.ledger.closing(x.terminal.tid, x.batch) is None:
        raise Declined("77", "batch is neither the open one nor a closed one")


def mac_right(x):
    """A0: the MAC is missing or wrong."""
    expected = ecb_mac(x.terminal.keys.mak, x.message.mac_input)
    given = x.fields.get(64, "")
    if not hmac.compare_digest(expected.encode(), given.encode("latin-1")):
        raise Declined("A0", "MAC wrong" if given else "MAC missing")


def trace_new(x):
    """94: the trace was used in this batch, or its reversal came before it."""
    if x.ledger.transaction(x.terminal.tid, x.batch, x.stan):
        raise Declined("94", "trace used before")
    x.recordable = True
    if x.ledger.reversal(x.terminal.tid, x.batch, x.stan):
        raise Declined("94", "reversed before it arrived")


def amount_given(x):
    """13: no amount, or zero."""
    if x.amount_fen == 0:
        raise Declined("13", "no amount")


def currency_right(x):
    """A1: another currency than 156."""
    if x.fields[49] != CURRENCY:
        raise Declined("A1", "currency is not 156")
