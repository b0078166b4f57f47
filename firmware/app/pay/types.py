# What pay hands to those who show it: results, reasons and stages. No logic.

from ..host import cup
from . import txn

SALE = cup.SALE
VOID = cup.VOID
OFFLINE = cup.OFFLINE
VOIDED = txn.VOIDED
UNKNOWN = txn.UNKNOWN
CANCELLED = txn.CANCELLED
REJECTED = txn.REJECTED
NAMES = txn.NAMES

# Stages, for the progress screen
CONNECTING = "connecting"
SIGNING_IN = "signing_in"
REVERSING = "reversing"
SENDING = "sending"
SETTLING = "settling"
UPLOADING = "uploading"

# Reasons of a Result that the host had no part in; each has a text that says what to do.
FULL = "full"
FLASH = "flash"
NO_HOST = "no_host"
NO_MASTER_KEY = "no_master_key"
SIGN_IN_FAILED = "sign_in_failed"
KEYS = "keys"
BATCH_DIFFERS = "batch_differs"
REVERSAL_OWED = "reversal_owed"
UNKNOWN_RESULT = "unknown_result"
NOT_FOUND = "not_found"
NOT_VOIDABLE = "not_voidable"
CARD_DIFFERS = "card_differs"
AMOUNT = "amount"
UNREADABLE = "unreadable"
EMPTY = "empty"
SETTLE_REFUSED = "settle_refused"
SETTLE_FIRST = "settle_first"
SETTLE_UNKNOWN = "settle_unknown"
UPLOAD_OWED = "upload_owed"
UPLOAD_FIRST = "upload_first"
NEWER = "newer"
NOTHING_OWED = "nothing_owed"
LOCKED = "locked"  # the self-test failed
# Why a sale could not be approved offline
OFFLINE_CARD = "offline_card"
OFFLINE_AMOUNT = "offline_amount"
OFFLINE_COUNT = "offline_count"
OFFLINE_TOTAL = "offline_total"
OFFLINE_AGE = "offline_age"
OFFLINE_KEYS = "offline_keys"
OFFLINE_SIGN_IN = "offline_sign_in"
# A settlement that ends with one of these can be closed by a supervisor, on a printed report.
CLOSE_BY_FORCE = (SETTLE_UNKNOWN, SETTLE_REFUSED)  # the host does not consent
OVERRIDABLE = (REVERSAL_OWED, UPLOAD_OWED) + CLOSE_BY_FORCE


class Result:
    """What became of a request. `approved` (by the terminal itself when txn.kind is OFFLINE, or
    taken back by it when its state is CANCELLED); `code` the host's F39 ("" when it said nothing);
    `why` one of the reasons above ("" when the host decided); `txn` its journal record, None when
    none was made."""

    def __init__(self, approved=False, code="", why="", record=None, detail=""):
        self.approved = approved
        self.code = code
        self.why = why
        self.txn = record
        self.detail = detail


class Refused(Exception):
    """The request ends before anything was sent. args: (Result,)"""
