"""Text for people: log lines, totals, lists. Knows events and the dicts of books.py, no card
data."""

from .codes import english


def yuan(fen):
    """An amount in fen as yuan: 1234 -> 12.34."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def log_line(event):
    """One line for an event of Host.on_event(): time, MTI, terminal, trace, amount, code."""
    words = [event["at"].strftime("%Y-%m-%d %H:%M:%S"), event["mti"] or "----", event["kind"]]
    for name, key in (("tid", "tid"), ("batch", "batch"), ("stan", "stan")):
        if event[key] is not None:
            words.append(f"{name}={event[key]}")
    if event["amount"] is not None:
        words.append("amount=" + yuan(event["amount"]))
    if event["rc"] is not None:
        words.append("rc={} ({})".format(event["rc"], english(event["rc"])))
    if event["totals"] is not None:
        words.append("totals=" + event["totals"])
    words.append("booked" if event["booked"] else "not booked")
    if event["fault"]:
        words.append("fault=" + event["fault"])
    if event["note"]:
        words.append("- " + event["note"])
    return " ".join(words)


def totals_lines(totals):
    """Lines of Books.totals()."""
    return [
        f"{name:14} {entry['count']:6}  {yuan(entry['amount_fen']):>14}"
        for name, entry in totals.items()
    ]


def ledger_lines(transactions):
    """Lines of Books.transactions()."""
    lines = []
    for t in transactions:
        state = "voided" if t["voided"] else t["state"]
        words = [f"{t['batch']:06d}", t["stan"], f"{t['kind']:7}", f"{yuan(t['amount_fen']):>12}"]
        words += [f"{t['pan'] or '-':19}", t["rrn"], t["auth_code"] or "-" * 6]
        words += [t["response_code"], state]
        if t["original_stan"]:
            words += ["of", t["original_stan"]]
        lines.append(" ".join(words))
    return lines or ["no transactions"]


def uploads_lines(uploads):
    """Lines of Books.uploads()."""
    lines = [
        f"{u['batch']:06d} {u['stan']} {u['kind']:14} {yuan(u['amount_fen']):>12} {u['verdict']}"
        for u in uploads
    ]
    return lines or ["no uploads"]
