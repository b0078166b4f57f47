# The life of a transaction as a table: state and event -> next state and what has to be done.
#
# Pure: no journal, no host, no clock. The engine performs the actions; power may go between any
# two of them, and recovery then continues from the last state that was written.

from ..store import records

# States. The numbers are written to flash: never change one.
DRAFT = 0
SENDING = records.SENDING  # intent is durable; the request may be on its way
APPROVED = 2
DECLINED = 3  # by the host, or never sent
UNKNOWN = 4  # sent without an answer that can be believed: a reversal is owed
REVERSED = 5
STORED = 6  # approved offline, upload owed, nothing was sent yet
UPLOADING = 7  # sent at least once, the host has not taken it yet
UPLOADED = 8
REJECTED = 9  # the host has refused it for good: parked, on the list
VOIDED = 10
SETTLED = 11
CANCELLED = 12  # approved offline and taken back before anything was sent
EXPIRED = 13  # given up by a supervisor, on a printed exception report

NAMES = ("DRAFT", "SENDING", "APPROVED", "DECLINED", "UNKNOWN", "REVERSED", "STORED",
         "UPLOADING", "UPLOADED", "REJECTED", "VOIDED", "SETTLED", "CANCELLED",
         "EXPIRED")  # fmt: skip

# Events
BEGIN = "begin"
STORE = "store"
APPROVE = "approve"
DECLINE = "decline"
NOT_SENT = "not sent"
NO_ANSWER = "no answer"
BAD_MAC = "bad mac"
FAULT = "fault"  # the terminal failed after the host had answered
NOT_COMPLETED = "not completed"  # the host answered, but the terminal was interrupted
POWER_CUT = "power cut"
REVERSAL_SENDING = "reversal sending"
REVERSAL_DONE = "reversal done"
UPLOAD_SENDING = "upload sending"
UPLOAD_DONE = "upload done"
UPLOAD_REFUSED = "upload refused"
PARK = "park"
CANCEL = "cancel"
GIVE_UP = "give up"
VOID_APPROVED = "void approved"
PRINT_DONE = "print done"

# Actions
WRITE_INTENT = "write intent"
WRITE_OUTCOME = "write outcome"
WRITE_MARK = "write mark"
SIGN_OFF = "sign off"
COUNT_TRY = "count try"
COUNT_REFUSAL = "count refusal"
NOTE_PRINTED = "note printed"
REASON_98 = "98"  # no response
REASON_A0 = "A0"  # MAC of the response wrong
REASON_96 = "96"  # terminal failed after approval
REASON_06 = "06"  # a response came, the transaction was not completed
REASONS = (REASON_98, REASON_A0, REASON_96, REASON_06)

# Every send of a reversal and of an advice is counted before its first byte goes out: what was
# sent before is marked as a repeat, also after a power cut (I3).
TABLE = {
    (DRAFT, BEGIN): (SENDING, (WRITE_INTENT,)),
    (SENDING, APPROVE): (APPROVED, (WRITE_OUTCOME,)),
    (SENDING, DECLINE): (DECLINED, (WRITE_OUTCOME,)),
    (SENDING, NOT_SENT): (DECLINED, (WRITE_OUTCOME,)),
    (SENDING, NO_ANSWER): (UNKNOWN, (REASON_98, WRITE_OUTCOME)),
    (SENDING, BAD_MAC): (UNKNOWN, (REASON_A0, WRITE_OUTCOME, SIGN_OFF)),
    (SENDING, FAULT): (UNKNOWN, (REASON_96, WRITE_OUTCOME)),
    (SENDING, NOT_COMPLETED): (UNKNOWN, (REASON_06, WRITE_OUTCOME)),
    (SENDING, POWER_CUT): (UNKNOWN, (REASON_98, WRITE_OUTCOME)),
    (UNKNOWN, REVERSAL_SENDING): (UNKNOWN, (COUNT_TRY, WRITE_MARK)),
    (UNKNOWN, REVERSAL_DONE): (REVERSED, (WRITE_MARK,)),
    (UNKNOWN, GIVE_UP): (EXPIRED, (WRITE_MARK,)),
    # An offline approval is one commit: its intent stands for STORED.
    (DRAFT, STORE): (STORED, (WRITE_INTENT,)),
    (STORED, UPLOAD_SENDING): (UPLOADING, (COUNT_TRY, WRITE_MARK)),
    (STORED, PARK): (REJECTED, (WRITE_OUTCOME,)),
    (STORED, CANCEL): (CANCELLED, (WRITE_MARK,)),
    (STORED, GIVE_UP): (EXPIRED, (WRITE_MARK,)),
    (UPLOADING, UPLOAD_SENDING): (UPLOADING, (COUNT_TRY, WRITE_MARK)),
    (UPLOADING, UPLOAD_DONE): (UPLOADED, (WRITE_OUTCOME,)),
    (UPLOADING, UPLOAD_REFUSED): (UPLOADING, (COUNT_REFUSAL, WRITE_MARK)),
    (UPLOADING, PARK): (REJECTED, (WRITE_OUTCOME,)),
    (UPLOADING, GIVE_UP): (EXPIRED, (WRITE_MARK,)),
    (APPROVED, PRINT_DONE): (APPROVED, (NOTE_PRINTED, WRITE_MARK)),
    (VOIDED, PRINT_DONE): (VOIDED, (NOTE_PRINTED, WRITE_MARK)),
    (STORED, PRINT_DONE): (STORED, (NOTE_PRINTED, WRITE_MARK)),
    (UPLOADING, PRINT_DONE): (UPLOADING, (NOTE_PRINTED, WRITE_MARK)),
    (UPLOADED, PRINT_DONE): (UPLOADED, (NOTE_PRINTED, WRITE_MARK)),
    (REJECTED, PRINT_DONE): (REJECTED, (NOTE_PRINTED, WRITE_MARK)),
    # The outcome of the void carries this change in its own record: one commit for both.
    (APPROVED, VOID_APPROVED): (VOIDED, ()),
    (UPLOADED, VOID_APPROVED): (VOIDED, ()),
}

# States that are left no more. (APPROVED and UPLOADED may still be voided.)
FINAL = (DECLINED, REVERSED, REJECTED, VOIDED, SETTLED, CANCELLED, EXPIRED)
# States in which money was taken and counts in the batch's totals. A voided sale counts as a
# debit, its void as a credit: that is how the host counts too.
COUNTED = (APPROVED, VOIDED, UPLOADED)
# Approved offline; the host does not have it yet.
OWED_UPLOAD = (STORED, UPLOADING)
# The customer was told "approved": there is a receipt.
RECEIPT = COUNTED + OWED_UPLOAD + (REJECTED,)


class IllegalTransition(Exception):
    """args: (state name, event)"""


def step(state, event):
    """(next state, actions). IllegalTransition for what the table does not have."""
    found = TABLE.get((state, event))
    if found is None:
        raise IllegalTransition(NAMES[state], event)
    return found
