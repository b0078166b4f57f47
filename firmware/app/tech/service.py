# What a technician does once in a terminal's life: his password, and the end of it.
#
#   tech.password(new)         his own password, 8 to 32 characters
#   tech.decommission()        what is owed, and the word to confirm with
#   tech.decommission(word)    destroy keys, journal, settings, operators: the terminal is blank

from ..pay import txn
from ..store.flashlog import FlashError
from ..store.operators import TECHNICIAN, OperatorError
from ..store.settings import SettingsError
from ..text.money import yuan
from .context import TechError
from .result import Result

_NUMBER = "90"  # of a technician whom no activation file has named
_WHY = {"short": "8 to 32 characters", "same": "it is the same as before",
        "exists": "operator 90 exists already"}  # fmt: skip


def password(ctx, new):
    """Change the technician's password, or give one to a terminal that has none. TechError."""
    operators = ctx.operators()
    found = operators.of_role(TECHNICIAN)
    data = bytearray(str(new).encode())
    try:
        if found:
            operators.change_password(found[0], data)
        else:
            operators.add(_NUMBER, TECHNICIAN, data, False)
    except OperatorError as e:
        raise TechError("password: %s" % _WHY.get(e.args[0], e.args[0]))
    finally:
        for i in range(len(data)):
            data[i] = 0
    ctx.audit("password")
    return Result({"changed": True}, ["the password was changed"])


# ---- decommissioning ----------------------------------------------------------------------------

_OWED = (txn.SENDING, txn.UNKNOWN) + txn.OWED_UPLOAD


def owed(journal):
    """(count, fen) of what the host does not have, (count) of all transactions that are not
    settled."""
    count = fen = 0
    for i in range(len(journal)):
        if journal.state(i) in _OWED:
            count += 1
            fen += journal.amount(i)
    return count, fen, len(journal)


def _word(tid, count, unsettled):
    return "DESTROY-%s-%d-%d" % (tid or "BLANK", count, unsettled)


def decommission(ctx, confirm=None):
    """Without `confirm`: what would be lost, and the word. With it: the end. The word holds the
    numbers, so that it is worth nothing when something was sold meanwhile. TechError."""
    app = ctx.app
    if app is not None and app.engine.busy:
        raise TechError("a payment is under way")
    try:
        count, fen, unsettled = owed(ctx.journal())
    except (FlashError, OSError, ValueError):
        count, fen, unsettled = -1, 0, -1  # a journal that cannot be read may be why
    try:
        tid = ctx.settings()["tid"]
    except (SettingsError, OSError):
        tid = "?"
    word = _word(tid, count, unsettled)
    if confirm != word:
        return _warning(count, fen, unsettled, word, confirm is not None)
    _destroy(ctx, "%d %d" % (count, unsettled))
    data = {"decommissioned": True, "lost": count, "amount_fen": fen, "unsettled": unsettled}
    return Result(data, ["keys destroyed; the terminal starts anew, blank"])


def _warning(count, fen, unsettled, word, wrong):
    data = {"decommissioned": False, "owed": count, "amount_fen": fen, "unsettled": unsettled,
            "confirm": word}  # fmt: skip
    lines = ["THIS WORD IS NOT RIGHT (any more); nothing was destroyed"] if wrong else []
    if count < 0:
        lines.append("THE JOURNAL CANNOT BE READ: what the host does not have is not known")
    elif count:
        lines.append(
            "%d TRANSACTIONS, RMB %s, HAVE NOT REACHED THE HOST: THEY WILL BE LOST"
            % (count, yuan(fen))
        )
    if unsettled > 0:
        lines.append("%d transactions are not settled; settle first" % unsettled)
    lines.append("keys, journal, settings and operators will be destroyed for good")
    lines.append('to do it: tech.decommission("%s")' % word)
    return Result(data, lines)


def _destroy(ctx, detail):
    from . import zeroise

    terminal = ctx.terminal
    if terminal is None:
        audit = opened_audit()
        zeroise.begin(audit, _Nothing(), "tech", detail)
        zeroise.resume(audit)
        return
    zeroise.begin(terminal.audit, getattr(terminal, "vault", None) or _Nothing(), "tech", detail)
    terminal.restart_soon()  # the boot does the rest, before anything else


class _Nothing:
    """No vault was opened."""

    def forget(self):
        pass


def opened_audit():
    """The AuditLog of a stopped terminal."""
    import kept

    from ..store import audit
    from ..store.flashlog import FlashLog

    partition = kept.partition("audit")
    ring = None if partition is None else FlashLog(partition, 2, audit.PAYLOAD)
    made = audit.AuditLog(ring, kept.Place("audit", 20))
    made.open()
    return made
