# What the services of pay share: performing what the transaction table says, counting a send, and
# keeping what an answer told.

from ..kernel import log
from ..store.flashlog import FlashError, LogFull
from . import txn


def apply(journal, session, t, event, seal=None):
    """Perform what the table says for Txn `t` and `event`. `seal` as Journal.begin's. FlashError,
    LogFull when a commit fails."""
    state, actions = txn.step(t.state, event)
    t.state = state
    for action in actions:
        if action in txn.REASONS:
            t.reason = action
        elif action == txn.WRITE_OUTCOME:
            journal.finish(t)
        elif action == txn.WRITE_INTENT:
            journal.begin(t, seal)
        elif action == txn.COUNT_TRY:
            t.tries += 1
        elif action == txn.COUNT_REFUSAL:
            t.refusals += 1
        elif action == txn.NOTE_PRINTED:
            t.printed = True
        elif action == txn.WRITE_MARK:
            journal.mark(t)
        elif action == txn.SIGN_OFF:
            session.sign_off()


def count_send(journal, session, t, event):
    """Count a send of Txn `t` before its first byte goes out; whether it is a repeat (I3). One
    that could not be counted goes out as a repeat: the host then looks whether it knows it."""
    repeat = t.tries > 0
    try:
        apply(journal, session, t, event)
        return repeat
    except (FlashError, LogFull) as e:
        log.exception("count", e)
    journal.overrule(t)
    return True


def take_answer(t, fields):
    """What the journal keeps of an answer."""
    t.response_code = fields.get(39, "")
    t.rrn = fields.get(37, "")
    t.auth_code = fields.get(38, "").strip()
    t.host_time = fields.get(12, "")
    t.host_date = fields.get(13, "")
    t.settle_date = fields.get(15, "")
    parties = fields.get(44, b"")
    t.issuer = _text(parties[:11])
    t.acquirer = _text(parties[11:22])
    t.org = _text(fields.get(63, b"")[:3])


def _text(data):
    """str of the printable ASCII in `data`."""
    return "".join(chr(c) for c in data if 32 <= c < 127).strip()
