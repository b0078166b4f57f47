# What is checked before anything is promised: whether the terminal may approve a sale itself by
# the acquirer's rules (what is outstanding is counted by pay.saf), and whether the batch can be
# settled with one transaction more.

from ..host import cup
from ..kernel import clock
from . import txn, types

# Service code (ISO/IEC 7813, 4.7): the first digit 2 or 6 is a chip card, whose stripe is no proof
# of anything; the second says who authorises: 0 by the normal rules, anything else the issuer; the
# third whether a PIN is needed, which the terminal cannot check, or it is for cash only (3, 4).
_CHIP = "26"
_NORMAL = "0"
_NEVER = "0345"


def card_allowed(card, kinds):
    """Whether Card `card` may be taken without asking its issuer. `kinds`: beginnings of card
    numbers, with commas between; "" allows all."""
    code = card.service_code
    if code[0] in _CHIP or code[1] != _NORMAL or code[2] in _NEVER:
        return False
    if not kinds:
        return True
    for start in kinds.split(","):
        if start and _begins(card.pan, start):
            return True
    return False


def _begins(pan, start):
    """Whether `pan` begins with the digits `start`; compared in place, so that no copy of a card
    number stays behind."""
    if len(start) > len(pan):
        return False
    return all(pan[i] == ord(start[i]) for i in range(len(start)))


def expired(card):
    """Whether the month on the card is over (ISO/IEC 7813: YYMM, good to its last day) or is no
    month. A terminal whose calendar is not set cannot know the first."""
    month = card.expiry[2:]
    if not "01" <= month <= "12":
        return True
    year, today = clock.now()[:2]
    return clock.is_set() and (2000 + int(card.expiry[:2])) * 12 + int(month) < year * 12 + today


def refusal(settings, amount, card, count, total, oldest_s):
    """Why a sale of `amount` fen cannot be approved offline (a reason of pay.types), None when it
    can. count, total, oldest_s: number and amount of what is outstanding, operating seconds since
    the oldest of it."""
    if not settings["offline_count_max"]:
        return types.NO_HOST
    if expired(card) or not card_allowed(card, settings["offline_cards"]):
        return types.OFFLINE_CARD
    if amount > settings["offline_txn_max"]:
        return types.OFFLINE_AMOUNT
    if count >= settings["offline_count_max"]:
        return types.OFFLINE_COUNT
    if total + amount > settings["offline_total_max"]:
        return types.OFFLINE_TOTAL
    if count and oldest_s > settings["offline_age_max_h"] * 3600:
        return types.OFFLINE_AGE
    return None


def full(journal, kind):
    """Whether F48 of the settlement could not count another transaction of `kind`. What is owed
    will count."""
    if len(journal) < cup.COUNT_MAX:
        return False
    debit = kind in cup.DEBITS
    counted = 0
    for i in range(len(journal)):
        if (journal.kind(i) in cup.DEBITS) == debit:
            state = journal.state(i)
            if state in txn.COUNTED or state in txn.OWED_UPLOAD:
                counted += 1
    return counted >= cup.COUNT_MAX
