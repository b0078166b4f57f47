"""Sign-in, sign-off, echo, status notice and settlement.

Each action takes an Exchange and changes the ledger, or raises Declined. A settlement has no
response code: what it decides is in F48.
"""

import re

from . import checks, keys, messages
from .exchange import Declined

BALANCED, UNBALANCED, ERROR = "1", "2", "3"


def sign_in(x):
    """New working keys under the terminal's master key, and the open batch in F60."""
    network_code = messages.selector(x.message)
    working = keys.new_working_keys(network_code, x.host.randomness, x.number)
    x.ledger.sign_in(x.terminal.tid, working)
    x.answer[60] = f"00{x.terminal.batch:06d}{network_code}"
    x.answer[62] = keys.wrap(x.terminal.tmk, working, network_code).hex().upper()


def sign_off(x):
    """The terminal has to sign in before its next money message."""
    x.ledger.sign_off(x.terminal.tid)


def echo(x):
    """Nothing but an answer."""


# Digits 01 to 05, each with whether that device is there or not, then two digits and a value again
# and again (host-protocol.md 2.7).
_STATUS = re.compile(rb"01[01]02[01]03[01]04[01]05[01][\x20-\x7e]*")
_STATUS_BYTES = 512


def status_readable(x):
    """30: F62 is no status."""
    text = bytes.fromhex(x.fields[62])
    if len(text) > _STATUS_BYTES or not _STATUS.fullmatch(text):
        raise Declined("30", "F62 is no status")


def status(x):
    """Nothing but an answer: this host has no use for a terminal's status."""


def unsupported(x):
    """12: this host does not know the message."""
    raise Declined("12", "message not supported")


def totals_text(totals, code):
    """31 digits of F48: debit amount and count, credit amount and count, code."""
    debit = f"{totals.debit_fen:012d}{totals.debit_count:03d}"
    credit = f"{totals.credit_fen:012d}{totals.credit_count:03d}"
    return debit + credit + code


_NOTHING = "0" * 30


def settlement_readable(x):
    """3 in F48: the totals are not 62 digits with both codes 0, or the currency is another."""
    if not re.fullmatch(r"\d{30}0\d{30}0", x.fields[48]) or x.fields[49] != "156":
        raise Declined("30", "F48 or F49")


def settle(x):
    """Compare the terminal's totals with the host's; close the batch when both sides agree.

    A batch that is closed answers the totals that closed it with the same F48 again: the terminal
    may have lost its power before it read the first answer. Other totals are unbalanced.
    """
    tid, claimed = x.terminal.tid, x.fields[48]
    checks.batch_known(x)
    repeated = x.batch != x.terminal.batch
    own = x.ledger.batch_totals(tid, x.batch)
    if len(totals_text(own, "")) != 30:
        raise Declined("61", "totals do not fit F48")
    domestic = _verdict(claimed[:30], totals_text(own, ""))
    foreign = _verdict(claimed[31:61], _NOTHING)
    answer = totals_text(own, domestic) + _NOTHING + foreign
    x.answer[48] = answer
    x.code = domestic + foreign
    x.booked = not repeated and x.code == BALANCED * 2
    x.note = "settled before" if repeated else ""
    x.ledger.add_settlement(tid, x.batch, x.stan, claimed, answer, x.booked, x.timestamp)


def _verdict(claimed, own):
    return BALANCED if claimed == own else UNBALANCED


def settlement_error(x):
    """F48 of a settlement that could not be looked at: the terminal's own totals and code 3."""
    claimed = x.fields.get(48, "")
    if not re.fullmatch(r"\d{62}", claimed):
        claimed = "0" * 62
    x.answer[48] = claimed[:30] + ERROR + claimed[31:61] + ERROR
    x.answer.setdefault(49, "156")
