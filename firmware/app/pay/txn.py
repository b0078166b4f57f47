# The life of a transaction as a table: state and event -> next state and what has to be done.
#
# Pure: no journal, no host, no clock. The engine performs the actions; power may go between any
# two of them, and recovery then continues from the last state that was written.

from micropython import const

# States. The numbers are written to flash: never change one.
DRAFT = const(0)
SENDING = const(1)  # records.SENDING: intent is durable; the request may be on its way
APPROVED = const(2)
DECLINED = const(3)  # by the host, or never sent
UNKNOWN = const(4)  # sent without an answer that can be believed: a reversal is owed
REVERSED = const(5)
STORED = const(6)  # approved offline, upload owed, nothing was sent yet
UPLOADING = const(7)  # sent at least once, the host has not taken it yet
UPLOADED = const(8)
REJECTED = const(9)  # the host has refused it for good: parked, on the list
VOIDED = const(10)
SETTLED = const(11)
CANCELLED = const(12)  # approved offline and taken back before anything was sent
EXPIRED = const(13)  # given up by a supervisor, on a printed exception report

NAMES = ("DRAFT", "SENDING", "APPROVED", "DECLINED", "UNKNOWN", "REVERSED", "STORED",
         "UPLOADING", "UPLOADED", "REJECTED", "VOIDED", "SETTLED", "CANCELLED",
         "EXPIRED")  # fmt: skip

# Events
BEGIN = const("begin")
STORE = const("store")
APPROVE = const("approve")
DECLINE = const("decline")
NOT_SENT = const("not sent")
NO_ANSWER = const("no answer")
BAD_MAC = const("bad mac")
FAULT = const("fault")  # the terminal failed after the host had answered
NOT_COMPLETED = const("not completed")  # the host answered, but the terminal was interrupted
POWER_CUT = const("power cut")
REVERSAL_SENDING = const("reversal sending")
REVERSAL_DONE = const("reversal done")
UPLOAD_SENDING = const("upload sending")
UPLOAD_DONE = const("upload done")
UPLOAD_REFUSED = const("upload refused")
PARK = const("park")
CANCEL = const("cancel")
GIVE_UP = const("give up")
VOID_APPROVED = const("void approved")
PRINT_DONE = const("print done")

# Actions
WRITE_INTENT = const("write intent")
WRITE_OUTCOME = const("write outcome")
WRITE_MARK = const("write mark")
SIGN_OFF = const("sign off")
COUNT_TRY = const("count try")
COUNT_REFUSAL = const("count refusal")
NOTE_PRINTED = const("note printed")
REASON_98 = const("98")  # no response
REASON_A0 = const("A0")  # MAC of the response wrong
REASON_96 = const("96")  # terminal failed after approval
REASON_06 = const("06")  # a response came, the transaction was not completed
REASONS = (REASON_98, REASON_A0, REASON_96, REASON_06)

# state, event: next state, actions. Constants all: the table stays in ROM.
#
# Every send of a reversal and of an advice is counted before its first byte goes out: what was
# sent before is marked as a repeat, also after a power cut (I3).
TABLE = (
    (DRAFT, BEGIN, SENDING, (WRITE_INTENT,)),
    (SENDING, APPROVE, APPROVED, (WRITE_OUTCOME,)),
    (SENDING, DECLINE, DECLINED, (WRITE_OUTCOME,)),
    (SENDING, NOT_SENT, DECLINED, (WRITE_OUTCOME,)),
    (SENDING, NO_ANSWER, UNKNOWN, (REASON_98, WRITE_OUTCOME)),
    (SENDING, BAD_MAC, UNKNOWN, (REASON_A0, WRITE_OUTCOME, SIGN_OFF)),
    (SENDING, FAULT, UNKNOWN, (REASON_96, WRITE_OUTCOME)),
    (SENDING, NOT_COMPLETED, UNKNOWN, (REASON_06, WRITE_OUTCOME)),
    (SENDING, POWER_CUT, UNKNOWN, (REASON_98, WRITE_OUTCOME)),
    (UNKNOWN, REVERSAL_SENDING, UNKNOWN, (COUNT_TRY, WRITE_MARK)),
    (UNKNOWN, REVERSAL_DONE, REVERSED, (WRITE_MARK,)),
    (UNKNOWN, GIVE_UP, EXPIRED, (WRITE_MARK,)),
    # An offline approval is one commit: its intent stands for STORED.
    (DRAFT, STORE, STORED, (WRITE_INTENT,)),
    (STORED, UPLOAD_SENDING, UPLOADING, (COUNT_TRY, WRITE_MARK)),
    (STORED, PARK, REJECTED, (WRITE_OUTCOME,)),
    (STORED, CANCEL, CANCELLED, (WRITE_MARK,)),
    (STORED, GIVE_UP, EXPIRED, (WRITE_MARK,)),
    (UPLOADING, UPLOAD_SENDING, UPLOADING, (COUNT_TRY, WRITE_MARK)),
    (UPLOADING, UPLOAD_DONE, UPLOADED, (WRITE_OUTCOME,)),
    (UPLOADING, UPLOAD_REFUSED, UPLOADING, (COUNT_REFUSAL, WRITE_MARK)),
    (UPLOADING, PARK, REJECTED, (WRITE_OUTCOME,)),
    (UPLOADING, GIVE_UP, EXPIRED, (WRITE_MARK,)),
    (APPROVED, PRINT_DONE, APPROVED, (NOTE_PRINTED, WRITE_MARK)),
    (VOIDED, PRINT_DONE, VOIDED, (NOTE_PRINTED, WRITE_MARK)),
    (STORED, PRINT_DONE, STORED, (NOTE_PRINTED, WRITE_MARK)),
    (UPLOADING, PRINT_DONE, UPLOADING, (NOTE_PRINTED, WRITE_MARK)),
    (UPLOADED, PRINT_DONE, UPLOADED, (NOTE_PRINTED, WRITE_MARK)),
    (REJECTED, PRINT_DONE, REJECTED, (NOTE_PRINTED, WRITE_MARK)),
    # The outcome of the void carries this change in its own record: one commit for both.
    (APPROVED, VOID_APPROVED, VOIDED, ()),
    (UPLOADED, VOID_APPROVED, VOIDED, ()),
)
# States that are left no more. (APPROVED and UPLOADED may still be voided.)
FINAL = (DECLINED, REVERSED, REJECTED, VOIDED, SETTLED, CANCELLED, EXPIRED)
# States in which money was taken and counts in the batch's totals. A voided sale counts as a
# debit, its void as a credit: that is how the host counts too.
COUNTED = (APPROVED, VOIDED, UPLOADED)
# Approved offline; the host does not have it yet.
OWED_UPLOAD = (STORED, UPLOADING)
# The customer was told "approved": there is a receipt.
RECEIPT = COUNTED + OWED_UPLOAD + (REJECTED,)
PRINTABLE = RECEIPT + (CANCELLED,)


class IllegalTransition(Exception):
    """args: (state name, event)"""


def step(state, event):
    """(next state, actions). IllegalTransition for what the table does not have."""
    for row in TABLE:
        if row[0] == state and row[1] == event:
            return row[2], row[3]
    raise IllegalTransition(NAMES[state], event)
