"""The host's books on disk: terminals, transactions, reversals, settlements, uploads, messages.

Owns the SQLite file and is the only module that speaks SQL for writing. One message is one
database transaction: `with ledger.atomic()`. Holds no PAN, no track, no PIN and no PIN block; a
PAN is kept as first six and last four digits, and as a salted hash to tell whether two cards are
the same. Terminal and working keys are in it (test keys): a host that starts again must still know
them.
"""

import contextlib
import hashlib
import hmac
import sqlite3
import threading
from dataclasses import dataclass, field

from . import cards
from .keys import WorkingKeys

APPLICATION_ID = 0x41435149  # "ACQI", in the file's header
SCHEMA_VERSION = 2

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL);
CREATE TABLE terminals (
    tid TEXT PRIMARY KEY, mid TEXT NOT NULL, tpdu TEXT, header TEXT, tmk BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'active', batch INTEGER NOT NULL,
    signed_in INTEGER NOT NULL DEFAULT 0, pik BLOB, mak BLOB, tdk BLOB);
CREATE TABLE transactions (
    id INTEGER PRIMARY KEY, tid TEXT NOT NULL, mid TEXT NOT NULL, batch INTEGER NOT NULL,
    stan INTEGER NOT NULL, kind TEXT NOT NULL, amount_fen INTEGER NOT NULL, pan_masked TEXT,
    pan_hash TEXT, entry_mode TEXT, rrn TEXT NOT NULL, auth_code TEXT, response_code TEXT NOT NULL,
    by_issuer INTEGER NOT NULL, state TEXT NOT NULL,
    original_id INTEGER REFERENCES transactions (id),
    created_at TEXT NOT NULL, changed_at TEXT NOT NULL, UNIQUE (tid, batch, stan));
CREATE INDEX transactions_by_original ON transactions (original_id);
CREATE INDEX transactions_by_card ON transactions (pan_hash);
CREATE TABLE reversals (
    id INTEGER PRIMARY KEY, tid TEXT NOT NULL, batch INTEGER NOT NULL, stan INTEGER NOT NULL,
    amount_fen INTEGER NOT NULL, reason TEXT NOT NULL, original_id INTEGER, rrn TEXT NOT NULL,
    times INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL, UNIQUE (tid, batch, stan));
CREATE TABLE settlements (
    id INTEGER PRIMARY KEY, tid TEXT NOT NULL, batch INTEGER NOT NULL, stan INTEGER NOT NULL,
    claimed TEXT NOT NULL, answered TEXT NOT NULL, closed INTEGER NOT NULL, created_at TEXT NOT
    NULL);
CREATE TABLE closings (
    id INTEGER PRIMARY KEY, tid TEXT NOT NULL, batch INTEGER NOT NULL, reason TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE uploads (
    id INTEGER PRIMARY KEY, tid TEXT NOT NULL, batch INTEGER NOT NULL, stan INTEGER NOT NULL,
    kind TEXT NOT NULL, amount_fen INTEGER NOT NULL, pan_hash TEXT NOT NULL, verdict TEXT NOT NULL,
    created_at TEXT NOT NULL, UNIQUE (tid, batch, stan));
CREATE TABLE message_log (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, direction TEXT NOT NULL, tid TEXT, mti TEXT, stan
    TEXT, batch INTEGER, selector TEXT, kind TEXT, response_code TEXT, fault TEXT,
    reached INTEGER NOT NULL DEFAULT 1);
CREATE TABLE wrong_pins (pan_hash TEXT PRIMARY KEY, count INTEGER NOT NULL);
"""


class LedgerError(Exception):
    """The ledger cannot be opened; the text says which file and why."""


@dataclass(frozen=True)
class Terminal:
    """A terminal as the host knows it. `batch` is its open batch; keys are kept out of repr()."""

    tid: str
    mid: str
    tpdu: "str | None"
    header: "str | None"
    state: str
    batch: int
    signed_in: bool
    tmk: bytes = field(repr=False)
    keys: "WorkingKeys | None" = field(repr=False)


@dataclass(frozen=True)
class Transaction:
    """A booked or declined sale, offline sale or void. `state`: approved, declined or reversed."""

    id: int
    tid: str
    mid: str
    batch: int
    stan: int
    kind: str
    amount_fen: int
    pan_masked: "str | None"
    pan_hash: "str | None"
    entry_mode: "str | None"
    rrn: str
    auth_code: "str | None"
    response_code: str
    by_issuer: int
    state: str
    original_id: "int | None"
    created_at: str
    changed_at: str


@dataclass(frozen=True)
class BatchTotals:
    """Totals of a batch: debit are sales and offline sales, credit voids; reversed ones are in
    neither."""

    debit_fen: int
    debit_count: int
    credit_fen: int
    credit_count: int


class Ledger:
    """The books in one SQLite file, or in memory for path ":memory:". Raises LedgerError.

    A bench may read the books from one thread while a server thread handles messages: `lock` is
    held for the whole of a message and of a report. `salt` is the file's own, for pan_hash and the
    host.
    """

    def __init__(self, path, salt):
        self.lock = threading.RLock()
        try:
            self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise LedgerError(f"cannot use ledger {path}: {error}") from None
        self.db.row_factory = sqlite3.Row
        try:
            self._open(path, salt)
        except sqlite3.Error as error:
            self.db.close()
            raise LedgerError(f"cannot use ledger {path}: {error}") from None
        except LedgerError:
            self.db.close()
            raise

    def _open(self, path, salt):
        # A killed process loses nothing at NORMAL; a power cut of the test computer is no concern.
        self.db.execute("PRAGMA synchronous = NORMAL")
        application = self.db.execute("PRAGMA application_id").fetchone()[0]
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        empty = not self.db.execute("SELECT 1 FROM sqlite_master").fetchone()
        if empty:
            self.db.executescript(
                f"BEGIN; {_SCHEMA}"
                f"INSERT INTO meta VALUES ('salt', X'{salt.hex()}'), ('number', 0);"
                f"PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif application != APPLICATION_ID:
            raise LedgerError(f"cannot use ledger {path}: another program's database")
        elif version != SCHEMA_VERSION:
            raise LedgerError(f"cannot use ledger {path}: schema version {version}")
        # A read-only file or directory shall be found now, not at the first sale.
        self.db.execute("UPDATE meta SET value = value WHERE name = 'number'")
        self.salt = self._one("SELECT value FROM meta WHERE name = 'salt'")["value"]

    def close(self):
        self.db.close()

    @contextlib.contextmanager
    def atomic(self):
        """Everything inside is booked together or not at all."""
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")

    def _one(self, sql, *values):
        return self.db.execute(sql, values).fetchone()

    def _insert(self, table, values):
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
        return self.db.execute(sql, tuple(values.values())).lastrowid

    def next_number(self):
        """The next number: it goes on after a restart. RRN, auth codes and keys use it."""
        self.db.execute("UPDATE meta SET value = value + 1 WHERE name = 'number'")
        return self._one("SELECT value FROM meta WHERE name = 'number'")["value"]

    def pan_hash(self, pan):
        """Salted hash of a PAN: the same card has the same hash in this ledger and no other."""
        return hmac.new(self.salt, pan.encode(), hashlib.sha256).hexdigest()

    # Terminals

    def add_terminal(self, tid, mid, tmk, batch, tpdu=None, header=None):
        """Register a terminal, or give a known one new data; a known one keeps its batch and keys.

        Another master key signs it off, as a key change at the host does.
        """
        known = self.terminal(tid)
        values = {"mid": mid, "tpdu": tpdu, "header": header, "tmk": tmk}
        if known is None:
            self._insert("terminals", {"tid": tid, "batch": batch, **values})
            return
        self.db.execute(
            "UPDATE terminals SET mid = ?, tpdu = ?, header = ?, tmk = ? WHERE tid = ?",
            (mid, tpdu, header, tmk, tid),
        )
        if known.tmk != tmk:
            self.sign_off(tid)

    def terminal(self, tid):
        """Terminal, or None."""
        row = self._one("SELECT * FROM terminals WHERE tid = ?", tid)
        if row is None:
            return None
        values = dict(row)
        pik, mak, tdk = values.pop("pik"), values.pop("mak"), values.pop("tdk")
        values["signed_in"] = bool(values["signed_in"])
        return Terminal(keys=WorkingKeys(pik, mak, tdk) if pik else None, **values)

    def terminal_ids(self):
        rows = self.db.execute("SELECT tid FROM terminals ORDER BY tid")
        return [row["tid"] for row in rows]

    def set_terminal_state(self, tid, state):
        """State "active" or "blocked" (58)."""
        self.db.execute("UPDATE terminals SET state = ? WHERE tid = ?", (state, tid))

    def sign_in(self, tid, keys):
        self.db.execute(
            "UPDATE terminals SET signed_in = 1, pik = ?, mak = ?, tdk = ? WHERE tid = ?",
            (keys.pik, keys.mak, keys.tdk, tid),
        )

    def sign_off(self, tid):
        """The keys stay: the answer that says 77 is still signed with them."""
        self.db.execute("UPDATE terminals SET signed_in = 0 WHERE tid = ?", (tid,))

    # Transactions

    def add_transaction(self, **values):
        """Book a transaction; `pan` (or None) is stored masked and hashed. Returns its id."""
        pan = values.pop("pan")
        values["pan_masked"] = pan and cards.mask(pan)
        values["pan_hash"] = pan and self.pan_hash(pan)
        values["changed_at"] = values["created_at"]
        return self._insert("transactions", values)

    def transaction(self, tid, batch, stan):
        """Transaction, or None."""
        row = self._one(
            "SELECT * FROM transactions WHERE tid = ? AND batch = ? AND stan = ?", tid, batch, stan
        )
        return row and Transaction(**dict(row))

    def transaction_by_id(self, number):
        row = self._one("SELECT * FROM transactions WHERE id = ?", number)
        return row and Transaction(**dict(row))

    def standing_void(self, sale_id):
        """Approved void of a sale, or None."""
        row = self._one(
            "SELECT * FROM transactions WHERE original_id = ? AND kind = 'void' "
            "AND state = 'approved'",
            sale_id,
        )
        return row and Transaction(**dict(row))

    def spent_fen(self, pan):
        """What stands against a card: approved sales, online or not, less approved voids."""
        row = self._one(
            "SELECT COALESCE(SUM(CASE kind WHEN 'void' THEN -amount_fen ELSE amount_fen END), 0) "
            "AS fen FROM transactions WHERE pan_hash = ? AND state = 'approved'",
            self.pan_hash(pan),
        )
        return row["fen"]

    def batch_totals(self, tid, batch):
        """BatchTotals of a terminal's batch."""
        rows = self.db.execute(
            "SELECT kind = 'void' AS credit, COUNT(*) AS count, SUM(amount_fen) AS fen "
            "FROM transactions WHERE tid = ? AND batch = ? AND state = 'approved' GROUP BY credit",
            (tid, batch),
        )
        sums = {row["credit"]: (row["fen"], row["count"]) for row in rows}
        return BatchTotals(*sums.get(False, (0, 0)), *sums.get(True, (0, 0)))

    # Reversals

    def reversal(self, tid, batch, stan):
        """Row of `reversals`, or None.

        One without original_id is a tombstone: nothing stands under that trace, and an original
        that comes later must not book.
        """
        return self._one(
            "SELECT * FROM reversals WHERE tid = ? AND batch = ? AND stan = ?", tid, batch, stan
        )

    def add_reversal(self, **values):
        """Remember a reversal; the values are those of the schema."""
        self._insert("reversals", values)

    def repeat_reversal(self, reversal_id):
        self.db.execute("UPDATE reversals SET times = times + 1 WHERE id = ?", (reversal_id,))

    def set_reversed(self, transaction_id, at):
        self.db.execute(
            "UPDATE transactions SET state = 'reversed', changed_at = ? WHERE id = ?",
            (at, transaction_id),
        )

    # Settlement

    def add_settlement(self, tid, batch, stan, claimed, answered, closed, at):
        """Remember a settlement; when it closes the batch the terminal's next batch begins."""
        values = {"tid": tid, "batch": batch, "stan": stan, "claimed": claimed}
        values.update(answered=answered, closed=closed, created_at=at)
        self._insert("settlements", values)
        if closed:
            self.close_batch(tid, batch, "settlement", at)

    def close_batch(self, tid, batch, reason, at):
        """End a terminal's open batch; `reason` is "settlement" or "upload". The next begins."""
        self._insert("closings", {"tid": tid, "batch": batch, "reason": reason, "created_at": at})
        following = batch % 999999 + 1
        self.db.execute("UPDATE terminals SET batch = ? WHERE tid = ?", (following, tid))

    def closing(self, tid, batch):
        """Row of `closings` of a batch, or None while it is open or unknown."""
        return self._one(
            "SELECT * FROM closings WHERE tid = ? AND batch = ? ORDER BY id DESC", tid, batch
        )

    # Batch upload

    def add_upload(self, **values):
        """Remember an uploaded record; the values are those of the schema."""
        self._insert("uploads", values)

    def upload(self, tid, batch, stan):
        """Row of `uploads`, or None."""
        return self._one(
            "SELECT * FROM uploads WHERE tid = ? AND batch = ? AND stan = ?", tid, batch, stan
        )

    def upload_count(self, tid, batch):
        """How many records were uploaded for a batch."""
        sql = "SELECT COUNT(*) AS count FROM uploads WHERE tid = ? AND batch = ?"
        return self._one(sql, tid, batch)["count"]

    # PIN tries and messages

    def wrong_pins(self, pan):
        row = self._one("SELECT count FROM wrong_pins WHERE pan_hash = ?", self.pan_hash(pan))
        return row["count"] if row else 0

    def set_wrong_pins(self, pan, count):
        self.db.execute("REPLACE INTO wrong_pins VALUES (?, ?)", (self.pan_hash(pan), count))

    def note_message(self, **values):
        """Append to the message log; see the schema for what may be in it."""
        self._insert("message_log", values)
