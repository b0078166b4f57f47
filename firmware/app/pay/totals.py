# What a batch comes to: by type, by card organisation, by operator, by state; and where a
# difference to the host may come from.

import asyncio

from ..host import cup
from . import txn

TYPE, ORG, OPERATOR, STATE = 0, 1, 2, 3  # what a row is of
_ROWS_MAX = 20  # more would not fit into the settlement's note: the rest is "other"
_LINES_MAX = 20

# Why a record is named when the totals differ
REJECTED = 1  # the host has refused it
EXPIRED = 2  # given up by a supervisor
DUPLICATE = 3  # the host said that it had it already
REPEATED = 4  # sent more than once
SAME_AMOUNT = 5  # its amount is the difference
NOT_SENT = 6  # refused here, the host may have it all the same

_SIGN = {cup.SALE: 1, cup.OFFLINE: 1, cup.VOID: -1}


def of_batch(journal):
    """{kind: (count, amount)} of what counts in the open batch."""
    out = {kind: [0, 0] for kind in cup.TYPES}
    for i in range(len(journal)):
        if journal.state(i) in txn.COUNTED:
            entry = out[journal.kind(i)]
            entry[0] += 1
            entry[1] += journal.amount(i)
    return {k: tuple(v) for k, v in out.items()}


def for_host(journal):
    """(debit amount, debit count, credit amount, credit count): F48 of a settlement."""
    out = [0, 0, 0, 0]
    for kind, (count, amount) in of_batch(journal).items():
        at = 0 if kind in cup.DEBITS else 2
        out[at] += amount
        out[at + 1] += count
    return tuple(out)


def by_state(journal):
    """[(state, count, amount)] of every state that occurs, in the order of their numbers."""
    out = {}
    for i in range(len(journal)):
        entry = out.setdefault(journal.state(i), [0, 0])
        entry[0] += 1
        entry[1] += journal.amount(i)
    return [(state, out[state][0], out[state][1]) for state in sorted(out)]


async def rows(journal):
    """[(what, label, count, net amount)] of the batch. Reads every record: lets others run."""
    out = {}

    def add(what, label, amount):
        key = (what, label)
        if key not in out and len(out) >= _ROWS_MAX:
            key = (what, "?")
        entry = out.setdefault(key, [0, 0])
        entry[0] += 1
        entry[1] += amount

    for i in range(len(journal)):
        state, kind = journal.state(i), journal.kind(i)
        amount = journal.amount(i) * _SIGN[kind]
        if state in txn.COUNTED:
            add(TYPE, str(kind), amount)
            t = journal.load_whatever(i)
            add(ORG, t.org or "---", amount)
            add(OPERATOR, t.operator, amount)
        elif state in (txn.REJECTED, txn.EXPIRED):
            add(STATE, str(state), amount)
        if i % 8 == 7:
            await asyncio.sleep_ms(0)
    return [(what, label, v[0], v[1]) for (what, label), v in sorted(out.items())]


def _suspicion(t, counted, missing, difference):
    """Why Txn `t` may be what is different, 0 when nothing speaks for it. `missing`: the host has
    less than we."""
    if counted == missing and t.amount == abs(difference):
        return SAME_AMOUNT
    if missing and counted:
        if t.response_code == cup.DUPLICATE:
            return DUPLICATE
        return REPEATED if t.tries > 1 else 0
    if not missing and not counted:
        if t.state == txn.REJECTED:
            return REJECTED
        if t.state == txn.EXPIRED:
            return EXPIRED
        if t.state == txn.REVERSED and t.tries > 1:
            return REPEATED
        return NOT_SENT if t.state == txn.DECLINED and not t.response_code else 0
    return 0


async def explain(journal, own, host):
    """[(trace, kind, amount, why)]: the records from which the difference between the totals `own`
    and `host` (as for_host()) may come, the likeliest first. What the host must not have and does
    not have explains nothing."""
    found = []
    for at, debit in ((0, True), (2, False)):
        difference = own[at] - host[at]
        if not difference and own[at + 1] == host[at + 1]:
            continue
        missing = own[at + 1] > host[at + 1] or (own[at + 1] == host[at + 1] and difference > 0)
        for i in range(len(journal)):
            if i % 8 == 7:
                await asyncio.sleep_ms(0)
            if (journal.kind(i) in cup.DEBITS) != debit:
                continue
            t = journal.load_whatever(i)
            why = _suspicion(t, t.state in txn.COUNTED, missing, difference)
            if why:
                found.append((0 if why == SAME_AMOUNT else 1, t.trace, t.kind, t.amount, why))
            if len(found) > 2 * _LINES_MAX:
                _likeliest(found)
    _likeliest(found)
    return [entry[1:] for entry in found]


def _likeliest(found):
    """Leave the likeliest only: it may be a thousand tickets of one price."""
    found.sort()
    del found[_LINES_MAX:]
