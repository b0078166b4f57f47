"""Are the terminal's books and the acquirer's the same? For the demo and the tests."""

from acquirer.report import yuan

_KINDS = {1: "sale", 2: "void"}


class Comparison:
    """`rows`: [(type, terminal count, terminal fen, acquirer count, acquirer fen)]; `differences`:
    texts."""

    def __init__(self):
        self.rows = []
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
    for number, kind in _KINDS.items():
        ours = _sum(
            t["amount"]
            for t in mine
            if t["kind"] == number and t["state"] in ("APPROVED", "VOIDED")
        )
        host_sum = _sum(
            t["amount_fen"] for t in theirs if t["kind"] == kind and t["state"] == "approved"
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
    declined_there = _sum(t["amount_fen"] for t in theirs if t["state"] == "declined")
    result.rows.append(("declined", *declined, *declined_there))
    _compare_rows(result)
    _compare_each(result, mine, theirs)
    return result


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
    here = {}
    for t in mine:
        if t["state"] in ("APPROVED", "VOIDED"):
            here[t["trace"], _KINDS[t["kind"]]] = t["amount"]
        elif t["state"] in ("SENDING", "UNKNOWN"):
            found.append(f"trace {t['trace']:06d} is still {t['state']}")
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
