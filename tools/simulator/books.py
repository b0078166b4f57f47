"""Are the terminal's books and the acquirer's the same? For the demo and the tests.

An offline sale that the terminal still owes (STORED, UPLOADING) may be at the acquirer or not: the
answer to its advice can be on the way. Every other transaction must be equal on both sides.
"""

from acquirer.report import yuan

_OFFLINE = 3
_KINDS = {1: "sale", 2: "void", _OFFLINE: "offline"}
# What the acquirer must hold as approved. A voided sale is a debit still, its void a credit.
_TAKEN = ("APPROVED", "VOIDED", "UPLOADED")
_OWED = ("STORED", "UPLOADING")
_UNFINISHED = ("SENDING", "UNKNOWN")


class Comparison:
    """`rows`: [(type, terminal count, terminal fen, acquirer count, acquirer fen)]; `differences`:
    texts. `owed`: (count, fen) of the offline sales that the terminal has still to upload."""

    def __init__(self):
        self.rows = []
        self.owed = (0, 0)
        self.differences = []
        self.money = []  # those of the differences that are money: approved here and not there

    @property
    def agree(self):
        return not self.differences

    def table(self):
        """The rows as text, terminal beside acquirer."""
        lines = [
            f"{'':<12}{'terminal':>22}{'acquirer':>24}",
            f"{'type':<12}{'count  amount':>22}{'count  amount':>24}",
        ]
        for name, n, fen, host_n, host_fen in self.rows:
            mark = "" if (n, fen) == (host_n, host_fen) else "   <- differs"
            lines.append(f"{name:<12}{n:>9}{yuan(fen):>13}{host_n:>11}{yuan(host_fen):>13}{mark}")
        if self.owed[0]:
            lines.append(f"{'to upload':<12}{self.owed[0]:>9}{yuan(self.owed[1]):>13}")
        return "\n".join(lines)


def _sum(items):
    items = list(items)
    return len(items), sum(items)


def compare(journal, host, tid):
    """Comparison of the terminal's open batch (board_process.journal) with the ledger."""
    batch = journal["batch"]
    mine = journal["transactions"]
    theirs = host.books.transactions(tid, batch)
    tombstones = host.books.totals(tid, batch)["tombstone"]
    result = Comparison()
    owed = {t["trace"]: t["amount"] for t in mine if _is_owed(t)}
    result.owed = _sum(owed.values())
    for number, kind in _KINDS.items():
        ours = _sum(t["amount"] for t in mine if t["kind"] == number and t["state"] in _TAKEN)
        host_sum = _sum(
            t["amount_fen"]
            for t in theirs
            if t["kind"] == kind and t["state"] == "approved" and not _is_of(t, owed)
        )
        result.rows.append((kind, *ours, *host_sum))
    reversed_here = _sum(t["amount"] for t in mine if t["state"] == "REVERSED")
    reversed_there = _sum(t["amount_fen"] for t in theirs if t["state"] == "reversed")
    result.rows.append(
        (
            "reversed",
            *reversed_here,
            reversed_there[0] + tombstones["count"],
            reversed_there[1] + tombstones["amount_fen"],
        )
    )
    declined = _sum(t["amount"] for t in mine if t["state"] == "DECLINED" and t["rc"])
    # A declined offline sale is REJECTED here, or still owed: see _differences_of_each().
    declined_there = _sum(
        t["amount_fen"] for t in theirs if t["state"] == "declined" and t["kind"] != "offline"
    )
    result.rows.append(("declined", *declined, *declined_there))
    _compare_rows(result)
    _compare_each(result, mine, theirs)
    return result


def _is_owed(t):
    return t["kind"] == _OFFLINE and t["state"] in _OWED


def _is_of(t, owed):
    return t["kind"] == "offline" and int(t["stan"]) in owed


def _compare_rows(result):
    for name, n, fen, host_n, host_fen in result.rows:
        if (n, fen) != (host_n, host_fen):
            text = f"{name}: terminal {n} of {yuan(fen)}, acquirer {host_n} of {yuan(host_fen)}"
            result.differences.append(text)
            if name in _KINDS.values():
                result.money.append(text)


def _compare_each(result, mine, theirs):
    """Transaction by transaction: what the host holds as money taken, the terminal must hold so
    too."""
    found = _differences_of_each(mine, theirs)
    result.differences += found
    result.money += found


def _differences_of_each(mine, theirs):
    found = []
    host = {
        (int(t["stan"]), t["kind"]): t["amount_fen"] for t in theirs if t["state"] == "approved"
    }
    declined = {int(t["stan"]) for t in theirs if t["state"] == "declined"}
    here = {}
    for t in mine:
        key = t["trace"], _KINDS[t["kind"]]
        if t["state"] in _TAKEN or (_is_owed(t) and key in host):
            here[key] = t["amount"]
        elif t["state"] in _UNFINISHED:
            found.append(f"trace {t['trace']:06d} is still {t['state']}")
        elif t["state"] == "CANCELLED" and t["trace"] in declined:
            found.append(f"trace {t['trace']:06d} is CANCELLED, and the acquirer declined it")
    for key in sorted(set(host) | set(here)):
        if host.get(key) != here.get(key):
            trace, kind = key
            found.append(
                f"{kind} {trace:06d}: terminal {here.get(key)}, acquirer {host.get(key)} (fen)"
            )
    voided_here = {t["trace"] for t in mine if t["state"] == "VOIDED"}
    voided_there = {int(t["stan"]) for t in theirs if t["voided"]}
    if voided_here != voided_there:
        found.append(f"voided: terminal {sorted(voided_here)}, acquirer {sorted(voided_there)}")
    return found
