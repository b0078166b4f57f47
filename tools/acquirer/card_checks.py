"""Checks of the card: tracks, PAN, PIN, and what the issuer says to a sale or to its advice.

Each check takes an Exchange, and returns or raises Declined. Card data stays in local variables
and in the Exchange; the words of a Declined never hold any.
"""

import hmac
import re

from . import cards, messages
from .codes import APPROVED
from .exchange import Declined
from .keys import PinBlockError, TrackError, clear_pin, clear_track

_TRACK2 = re.compile(r"(?P<pan>\d{13,19})D(?P<expiry>\d{4})\d{3}\d*")


def tracks_readable(x):
    """30: a track cannot be deciphered or is none. 14: it is of another card than F2 or F14.

    Finds the PAN of the card, from F2 or track 2.
    """
    _encryption_possible(x)
    track2, track3 = (_track(x, number) for number in (35, 36))
    x.pan = x.fields.get(2)
    if track2 is not None:
        found = _TRACK2.fullmatch(track2)
        if not found:
            raise Declined("30", "track 2 is no track")
        if x.pan not in (None, found["pan"]):
            raise Declined("14", "PAN and track 2 differ")
        if x.fields.get(14) not in (None, found["expiry"]):
            raise Declined("14", "expiry and track 2 differ")
        x.pan = found["pan"]
    _find_card(x)
    _compare_with_card(x, track2, track3)


def card_advised(x):
    """14, 15, 54: the card of an advice, which has F2 and F14 and no track."""
    x.pan = x.fields[2]
    _find_card(x)
    _compare_expiry(x, x.fields[14])


def _find_card(x):
    if x.pan is None or len(x.pan) < 13 or not cards.passes_luhn(x.pan):
        raise Declined("14", "PAN fails its check digit")
    x.card = cards.BY_PAN.get(x.pan)
    if x.card is None:
        known = x.pan[:6] in cards.KNOWN_BINS
        raise Declined("14" if known else "15", "no such card", by_issuer=True)


def _encryption_possible(x):
    """30: F53 names keys that the sign-in did not give (digit 2: PIK, digit 3: TDK)."""
    control = x.fields.get(53)
    if control is None:
        return
    keys = x.terminal.keys
    if control[1] != ("0" if len(keys.pik) == 8 else "6"):
        raise Declined("30", "F53 digit 2 does not fit the key length")
    if control[2] == "1" and keys.tdk is None:
        raise Declined("30", "track encrypted without a track key")


def _track(x, number):
    """Clear track of F35 or F36, or None when it is not there."""
    track = x.fields.get(number)
    if track is None or x.fields.get(53, "000")[2] != "1":
        return track
    try:
        return clear_track(x.terminal.keys.tdk, track)
    except TrackError:
        raise Declined("30", f"track {number - 33} cannot be deciphered") from None


def _compare_with_card(x, track2, track3):
    """A swiped card must be the issuer's to the last digit (59); expiry must be right (54).

    A chip's track 2 equivalent has other discretionary data than the stripe: only PAN and expiry
    count.
    """
    card = x.card
    if x.entry in messages.SWIPED:
        if track2 != card.track2.replace("=", "D"):
            raise Declined("59", "track 2 is not the issuer's", by_issuer=True)
        if track3 is not None and track3 != (card.track3 or "").replace("=", "D"):
            raise Declined("59", "track 3 is not the issuer's", by_issuer=True)
    _compare_expiry(x, x.fields.get(14) or (track2 and _TRACK2.fullmatch(track2)["expiry"]))


def _compare_expiry(x, expiry):
    if expiry and expiry != x.card.expiry:
        raise Declined("54", "expiry is not the issuer's", by_issuer=True)


def pin_right(x):
    """99: the block is none. 55, 38, 75: the PIN is wrong, by how often."""
    if 52 not in x.fields:
        return
    try:
        pin = clear_pin(x.terminal.keys.pik, bytes.fromhex(x.fields[52]), x.pan)
    except PinBlockError:
        raise Declined("99", "PIN block is none for this card") from None
    if x.card.pin is not None and hmac.compare_digest(pin, x.card.pin):
        x.ledger.set_wrong_pins(x.pan, 0)
        return
    tries = x.ledger.wrong_pins(x.pan) + 1
    x.ledger.set_wrong_pins(x.pan, tries)
    codes = cards.WRONG_PIN_CODES
    code = codes[tries - 1] if tries <= len(codes) else cards.PIN_BLOCKED_CODE
    raise Declined(code, "wrong PIN", by_issuer=True)


def pin_present(x):
    """55: a sale with a card that wants its PIN, and none was sent."""
    if 52 in x.fields or x.card.pin_rule != "needed":
        return
    if x.entry in messages.CONTACTLESS and x.amount_fen <= cards.NO_PIN_LIMIT_FEN:
        return
    raise Declined("55", "this card wants its PIN", by_issuer=True)


def issuer_agrees(x):
    """What the issuer says to a sale: by card (cards.CARDS), by amount, by balance."""
    card = x.card
    if card.answer != "00":
        raise Declined(card.answer, "card: " + card.name, by_issuer=True)
    # 60.5 = 2: the terminal tried the chip and fell back to the stripe (host-protocol.md 1.7).
    fallback = x.fields[60][12:13] == "2"
    if card.service_code[0] in "26" and x.entry == "02" and not fallback:
        raise Declined("45", "chip card swiped without fallback", by_issuer=True)
    code = cards.answer_for_amount(x.amount_fen)
    if code not in APPROVED:
        raise Declined(code, "amount asks for it", by_issuer=True)
    x.code = code
    spent = x.ledger.spent_fen(x.pan)
    if card.balance_fen is not None and spent + x.amount_fen > card.balance_fen:
        raise Declined("51", "balance", by_issuer=True)
