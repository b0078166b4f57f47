"""Reading the ledger: totals and lists for reconciliation with the terminal's own books.

Owns the words of the reports; changes nothing.
"""

from .messages import mti_class

# Messages whose trace is theirs alone, in their batch.
_KEYED = frozenset(("0200", "0220", "0320", "0400"))


def six(number):
    """A trace or batch number as its six digits."""
    return f"{number:06d}"


# What totals() counts: name -> condition on a transaction.
_TOTALS = {
    "sale": "kind = 'sale' AND state = 'approved'",
    "offline": "kind = 'offline' AND state = 'approved'",
    "void": "kind = 'void' AND state = 'approved'",
    "sale_reversed": "kind = 'sale' AND state = 'reversed'",
    "void_reversed": "kind = 'void' AND state = 'reversed'",
    "declined": "state = 'declined'",
}


class Books:
    """Reports over a Ledger."""

    def __init__(self, ledger):
        self._ledger = ledger

    def totals(self, tid, batch=None):
        """{type: {"count": n, "amount_fen": fen}} of a terminal's batch, or of all its batches.

        Types: sale (approved ones, also those later voided), offline (offline sales, likewise),
        void, sale_reversed, void_reversed, declined, reversal (the sum of the two reversed ones),
        tombstone (reversals whose original never booked) and net (sales and offline sales less
        voids: what the merchant is owed; its count is that of all three).
        """
        out = {}
        with self._ledger.lock:
            self._count(out, tid, batch)
        out["reversal"] = _add(out["sale_reversed"], out["void_reversed"], 1)
        out["net"] = _add(_add(out["sale"], out["offline"], 1), out["void"], -1)
        return out

    def _count(self, out, tid, batch):
        for name, condition in _TOTALS.items():
            out[name] = self._sum(f"transactions WHERE {condition} AND ", tid, batch)
        out["tombstone"] = self._sum("reversals WHERE original_id IS NULL AND ", tid, batch)

    def _rows(self, sql, *values):
        with self._ledger.lock:
            return [dict(row) for row in self._ledger.db.execute(sql, values)]

    def _sum(self, what, tid, batch):
        sql = "SELECT COUNT(*) AS count, COALESCE(SUM(amount_fen), 0) AS amount_fen FROM "
        return self._rows(sql + what + "tid = ? AND batch = COALESCE(?, batch)", tid, batch)[0]

    def transactions(self, tid, batch=None):
        """Every sale, offline sale and void of a terminal's batch (or of all its batches), in
        order of arrival.

        Each is a dict: tid, mid, batch, stan (text of 6 digits), kind, amount_fen, pan (masked),
        entry_mode, rrn, auth_code, response_code, state (approved, declined, reversed), voided,
        original_batch and original_stan (of a void), reversal_reason, reversal_times, created_at,
        changed_at.
        """
        rows = self._rows(
            "SELECT t.*, o.batch AS original_batch, o.stan AS original_number, "
            "r.reason AS reversal_reason, r.times AS reversal_times, "
            "EXISTS (SELECT 1 FROM transactions v WHERE v.original_id = t.id AND v.kind = 'void' "
            "AND v.state = 'approved') AS voided "
            "FROM transactions t LEFT JOIN transactions o ON o.id = t.original_id "
            "LEFT JOIN reversals r ON r.original_id = t.id "
            "WHERE t.tid = ? AND t.batch = COALESCE(?, t.batch) ORDER BY t.id",
            tid,
            batch,
        )
        return [_transaction(row) for row in rows]

    def settlements(self, tid):
        """Settlement attempts, as dicts of batch, stan, claimed and answered (F48), closed, at."""
        rows = self._rows(
            "SELECT batch, stan, claimed, answered, closed, created_at AS at FROM settlements "
            "WHERE tid = ? ORDER BY id",
            tid,
        )
        return [dict(row, stan=six(row["stan"]), closed=bool(row["closed"])) for row in rows]

    def closings(self, tid):
        """Closed batches, as dicts of batch, reason ("settlement" or "upload") and at."""
        return self._rows(
            "SELECT batch, reason, created_at AS at FROM closings WHERE tid = ? ORDER BY id", tid
        )

    def uploads(self, tid, batch=None):
        """Records uploaded for a terminal's batch (or for all its batches), in order of arrival.

        Each is a dict: batch, stan (text of 6 digits), kind ("upload_details" or "upload_notice"),
        amount_fen, verdict: "match", "missing" (the host holds no such standing transaction) or
        "differs" (amount, card or auth code).
        """
        rows = self._rows(
            "SELECT batch, stan, kind, amount_fen, verdict FROM uploads "
            "WHERE tid = ? AND batch = COALESCE(?, batch) ORDER BY id",
            tid,
            batch,
        )
        return [dict(row, stan=six(row["stan"])) for row in rows]

    def unmarked_repeats(self, tid):
        """[(MTI without mark, batch, stan as 6 digits)]: messages that reached the host again,
        and whose MTI does not say that they are repeats; in order of arrival.

        Looked at are 0200, 0220, 0400, and 0320 by its F60 code too: the records of an upload keep
        their own traces. What a fault kept from the host was not received.
        """
        rows = self._rows(
            "SELECT mti, batch, stan, selector FROM message_log WHERE tid = ? AND batch IS NOT "
            "NULL AND stan IS NOT NULL AND direction = 'in' AND reached ORDER BY id",
            tid,
        )
        seen, found = set(), []
        for row in rows:
            mti = mti_class(row["mti"])
            if mti not in _KEYED:
                continue
            key = (mti, row["batch"], row["stan"])
            full = (*key, row["selector"] if mti == "0320" else None)
            if full in seen and row["mti"] == mti:
                found.append(key)
            seen.add(full)
        return found

    def messages(self, limit=20):
        """The last messages, oldest first."""
        return self._rows("SELECT * FROM message_log ORDER BY id DESC LIMIT ?", limit)[::-1]


def _add(one, other, sign):
    return {
        "count": one["count"] + other["count"],
        "amount_fen": one["amount_fen"] + sign * other["amount_fen"],
    }


def _transaction(row):
    original = row.pop("original_number")
    row["original_stan"] = None if original is None else six(original)
    row["stan"] = six(row["stan"])
    row["pan"] = row.pop("pan_masked")
    row["voided"] = bool(row["voided"])
    for internal in ("id", "original_id", "pan_hash", "by_issuer"):
        del row[internal]
    return row
