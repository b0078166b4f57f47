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
STORED = 6  # approved offline, upload owed
UPLOADING = 7
UPLOADED = 8
REJECTED = 9
VOIDED = 10
SETTLED = 11

NAMES = ("DRAFT", "SENDING", "APPROVED", "DECLINED", "UNKNOWN", "REVERSED", "STORED",
         "UPLOADING", "UPLOADED", "REJECTED", "VOIDED", "SETTLED")  # fmt: skip

# Events
BEGIN = "begin"
APPROVE = "approve"
DECLINE = "decline"
NOT_SENT = "not sent"
NO_ANSWER = "no answer"
BAD_MAC = "bad mac"
FAULT = "fault"  # the terminal failed after the host had answered
POWER_CUT = "power cut"
REVERSAL_TRIED = "reversal tried"
REVERSAL_DONE = "reversal done"
VOID_APPROVED = "void approved"
PRINT_DONE = "print done"

# Actions
WRITE_INTENT = "write intent"
WRITE_OUTCOME = "write outcome"
WRITE_MARK = "write mark"
SIGN_OFF = "sign off"
COUNT_TRY = "count try"
NOTE_PRINTED = "note printed"
REASON_98 = "98"  # no response
REASON_A0 = "A0"  # MAC of the response wrong
REASON_96 = "96"  # terminal failed after approval
REASONS = (REASON_98, REASON_A0, REASON_96)

TABLE = {
    (DRAFT, BEGIN): (SENDING, (WRITE_INTENT,)),
    (SENDING, APPROVE): (APPROVED, (WRITE_OUTCOME,)),
    (SENDING, DECLINE): (DECLINED, (WRITE_OUTCOME,)),
    (SENDING, NOT_SENT): (DECLINED, (WRITE_OUTCOME,)),
    (SENDING, NO_ANSWER): (UNKNOWN, (REASON_98, WRITE_OUTCOME)),
    (SENDING, BAD_MAC): (UNKNOWN, (REASON_A0, WRITE_OUTCOME, SIGN_OFF)),
    (SENDING, FAULT): (UNKNOWN, (REASON_96, WRITE_OUTCOME)),
    (SENDING, POWER_CUT): (UNKNOWN, (REASON_98, WRITE_OUTCOME)),
    (UNKNOWN, REVERSAL_TRIED): (UNKNOWN, (COUNT_TRY, WRITE_MARK)),
    (UNKNOWN, REVERSAL_DONE): (REVERSED, (COUNT_TRY, WRITE_MARK)),
    (APPROVED, PRINT_DONE): (APPROVED, (NOTE_PRINTED, WRITE_MARK)),
    (VOIDED, PRINT_DONE): (VOIDED, (NOTE_PRINTED, WRITE_MARK)),
    # The outcome of the void carries this change in its own record: one commit for both.
    (APPROVED, VOID_APPROVED): (VOIDED, ()),
}

# States from which nothing is owed any more.
FINAL = (DECLINED, REVERSED, UPLOADED, REJECTED, SETTLED)
# States in which money was taken and still counts in the batch's totals. A voided sale counts as a
# debit, its void as a credit: that is how the host counts too.
COUNTED = (APPROVED, VOIDED)


class IllegalTransition(Exception):
    """args: (state name, event)"""


def step(state, event):
    """(next state, actions). IllegalTransition for what the table does not have."""
    found = TABLE.get((state, event))
    if found is None:
        raise IllegalTransition(NAMES[state], event)
    return found
