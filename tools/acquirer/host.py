"""The host: takes a frame body, decides, books, answers.

Owns the order of the checks and the shape of the answers. Sans-I/O: no socket, no clock of its
own, no thread; connection.py puts it behind a byte stream. Whatever the bytes of a request are,
handle() does not raise, and books nothing unless every check is passed.
"""

from datetime import datetime
from typing import NamedTuple

from . import card_checks as card
from . import checks, management, messages, money, packing, uploads
from .actions import Send
from .books import Books
from .exchange import Declined, Exchange, Repeated
from .faults import Faults
from .keys import Randomness, ecb_mac
from .ledger import Ledger
from .report import log_line

# Who asks, and in what letters: before anything else, for every message.
_SENDER = (
    checks.terminal_known,
    checks.merchant_known,
    checks.terminal_allowed,
    checks.contents_readable,
)
_PAYMENT = (
    *_SENDER,
    checks.well_formed,
    checks.pin_announced,
    checks.signed_in,
    checks.batch_equal,
    checks.mac_right,
    checks.trace_new,
    checks.amount_given,
    checks.currency_right,
    checks.entry_mode,
    card.tracks_readable,
    card.pin_right,
)
_UPLOAD = (*_SENDER, checks.well_formed, checks.signed_in, checks.batch_known)

# What a message goes through, in this order; the first check that fails gives the response code.
# The action comes last. A new message is a row here, one in messages.REQUESTS and its action.
STEPS = {
    "sale": (*_PAYMENT, card.pin_present, card.issuer_agrees),
    "void": (*_PAYMENT, money.find_original, money.same_amount, money.same_card),
    # An advice that was answered before is answered again, whatever the card says now.
    "offline": (
        *_SENDER,
        checks.well_formed,
        checks.signed_in,
        checks.batch_equal,
        checks.mac_right,
        money.offline_new,
        checks.amount_given,
        checks.currency_right,
        card.card_advised,
        card.issuer_agrees,
    ),
    # A reversal is bound to its original's batch, which may be settled: see money.reversal.
    "reversal": (
        *_SENDER,
        checks.well_formed,
        checks.reversal_reason,
        checks.signed_in,
        checks.mac_right,
        checks.amount_given,
        checks.currency_right,
    ),
    "settlement": (
        *_SENDER,
        checks.well_formed,
        checks.signed_in,
        management.settlement_readable,
    ),
    "upload_details": (*_UPLOAD, uploads.details_readable, uploads.not_contradicting),
    "upload_notice": (
        *_UPLOAD,
        checks.currency_right,
        uploads.notice_readable,
        uploads.not_contradicting,
    ),
    "upload_end": _UPLOAD,
    "status": (*_SENDER, checks.well_formed, management.status_readable),
    "sign_in": (*_SENDER, checks.well_formed),
    "sign_off": (*_SENDER, checks.well_formed),
    "echo": (*_SENDER, checks.well_formed),
    "unsupported": _SENDER,
}
ACTIONS = {
    "sale": money.sale,
    "void": money.void,
    "offline": money.offline,
    "reversal": money.reversal,
    "settlement": management.settle,
    "upload_details": uploads.remember,
    "upload_notice": uploads.remember,
    "upload_end": uploads.end,
    "status": management.status,
    "sign_in": management.sign_in,
    "sign_off": management.sign_off,
    "echo": management.echo,
    "unsupported": management.unsupported,
}

# Fields of the answer that come from behind the acquirer: a decline made here leaves them out, as
# observed hosts do.
_ISSUER_FIELDS = frozenset((15, 44, 63))
_ECHOED = (3, 4, 11, 25, 41, 42, 49, 60)
# 11 digits of the issuer, 11 of the acquirer, left-justified (host-protocol.md 1.5).
_ISSUER_ID = "90310000"


class Reply(NamedTuple):
    """What the host answers (`body`, a frame body or None) and how it travels (`actions`).

    Faults of the way are in the actions only: an answer that gets lost still has its body here.
    """

    body: "bytes | None"
    actions: tuple = ()


class Host:
    """An acquirer with its ledger.

    `db_path` is an SQLite file or ":memory:"; `seed` makes keys, auth codes and faults repeatable;
    `now` returns the host's datetime; `log` takes one line of text per message. Raises
    LedgerError.
    """

    def __init__(self, db_path=":memory:", seed=None, now=None, log=None, acquirer_id="00095840"):
        self.randomness = Randomness(seed)
        self.ledger = Ledger(str(db_path), self.randomness.bytes("salt", 0, 16))
        self.books = Books(self.ledger)
        self.faults = Faults(seed)
        self.acquirer_id = acquirer_id
        self._now = now or datetime.now
        self._log = log or (lambda line: None)
        self._listeners = []

    def close(self):
        """Close the ledger."""
        self.ledger.close()

    def add_terminal(self, tid, mid, tmk, batch=1, tpdu=None, header=None):
        """Register a terminal: 8 and 15 characters, a double-length master key (bytes).

        `batch` is the open batch of a new terminal; one that the ledger knows keeps its own. With
        `tpdu` (10 digits) or `header` (12) given, requests with others are answered 30. Raises
        ValueError.
        """
        sizes = ((tid, 8), (mid, 15), (tmk, 16), (tpdu or "0" * 10, 10), (header or "0" * 12, 12))
        if any(len(value) != size for value, size in sizes) or not 1 <= batch <= 999999:
            raise ValueError("tid 8, mid 15, tmk 16 bytes, tpdu 10, header 12, batch 1 to 999999")
        with self.ledger.atomic():
            self.ledger.add_terminal(tid, mid, tmk, batch, tpdu, header)

    def block_terminal(self, tid, blocked=True):
        """Answer 58 to everything the terminal sends, or not any more."""
        with self.ledger.atomic():
            self.ledger.set_terminal_state(tid, "blocked" if blocked else "active")

    def on_event(self, callback):
        """Call `callback(event)` after each message.

        The event is a dict without card data or keys: at, tid, batch, mti (as it came: 0401 for
        a repeat), stan (6 digits or None), kind, amount (fen or None), rc (None for a settlement),
        totals (the two codes of a settlement, or None), booked (did this message change what is
        booked, or close the batch?), fault (name or None), note.
        """
        self._listeners.append(callback)

    def auth_code(self, number):
        """F38: 6 digits, different for a million numbers in a row (the factor has no 2 or 5)."""
        start = int.from_bytes(self.ledger.salt[:4], "big")
        return f"{(start + number * 618033) % 1000000:06d}"

    def handle(self, frame_body):
        """Reply to the body of one frame. Never raises on account of its bytes."""
        try:
            message, format_fault = packing.unpack(frame_body), None
        except packing.FormatError as error:
            message, format_fault = error.message, str(error)
        if message is None or messages.mti_class(message.mti) not in messages.SIGNED_MTI:
            return self._unreadable(message, format_fault or "no request")
        return self._handle(message, format_fault)

    def _handle(self, message, format_fault):
        request = messages.kind_of(message)
        x = Exchange(request, message, self._now(), self.ledger, self, format_fault=format_fault)
        possible = set(messages.ANSWERS[messages.answer_mti(message.mti)])
        possible -= set() if 11 in x.fields else {11}
        fault = self.faults.take(message.mti, request.name, possible)
        with self.ledger.atomic():
            self._note(x, "in", fault)
            if fault is None or fault.processed:
                x.number = self.ledger.next_number()
                x.override = fault.override() if fault else None
                self._decide(x)
                body = self._answer(x, fault)
                self._note(x, "out", fault)
            else:
                x.code, body = None, None
        self._tell(x, fault)
        if fault is None:
            return Reply(body, (Send(packing.frame(body)),))
        frame = b"" if body is None else packing.frame(body)
        return Reply(body, tuple(fault.deliver(frame, self.faults.rng)))

    def _decide(self, x):
        """Check, then act; the first Declined ends it."""
        name = x.request.name
        try:
            action = self._check(x)
            money.obey_override(x)
            action(x)
        except Declined as declined:
            x.code, x.note, x.from_issuer = declined.code, declined.note, declined.by_issuer
            x.booked, x.auth_code = False, None
            if x.recordable:
                money.book(x, "declined")
            if name == "settlement":
                management.settlement_error(x)

    def _check(self, x):
        """Run the checks of the message. Returns what is to be done: nothing for a repeat."""
        try:
            for check in STEPS[x.request.name]:
                check(x)
        except Repeated:
            return lambda x: None
        return ACTIONS[x.request.name]

    def _answer(self, x, fault):
        """Frame body of the answer, with its MAC."""
        mti = messages.answer_mti(x.message.mti)
        values = self._values(x)
        fields = {n: values[n] for n in messages.ANSWERS[mti] if values.get(n) is not None}
        tpdu = packing.swap_addresses(x.message.tpdu)
        header = x.message.header[:5] + "0" + x.message.header[6:]
        answer = packing.Message(tpdu, header, mti, fields)
        if fault:
            fault.alter(answer)
        body = packing.pack(answer)
        if 64 in answer.fields:
            mac = ecb_mac(x.terminal.keys.mak, packing.mac_input(body))
            if fault and fault.kind.spoils_mac:
                mac = mac[::-1] if mac[::-1] != mac else f"{int(mac, 16) ^ 1:08X}"
            body = body[: -packing.MAC_SIZE] + mac.encode()
        return body

    def _values(self, x):
        """Everything an answer can hold; None or absent where there is nothing to say."""
        values = {number: x.fields.get(number) for number in _ECHOED}
        values.update(
            {
                2: x.pan or x.fields.get(2),
                12: x.at.strftime("%H%M%S"),
                13: x.at.strftime("%m%d"),
                15: x.at.strftime("%m%d"),
                32: self.acquirer_id,
                37: x.rrn,
                38: x.auth_code,
                39: x.code,
                44: _ISSUER_ID.ljust(11) + self.acquirer_id.ljust(11),
                63: "CUP",
            }
        )
        if x.request.name != "settlement" and not x.from_issuer:
            values.update(dict.fromkeys(_ISSUER_FIELDS))
        values.update(x.answer)
        signed = messages.SIGNED_MTI[messages.mti_class(x.message.mti)]
        if signed and x.terminal and x.terminal.keys:
            values[64] = "0" * packing.MAC_SIZE
        return values

    def _unreadable(self, message, reason):
        """Bytes that are no request: nobody to answer."""
        mti = message.mti if message else None
        at = self._now()
        with self.ledger.atomic():
            self.ledger.note_message(
                at=at.isoformat(timespec="seconds"), direction="in", mti=mti, kind="unreadable"
            )
        event = dict.fromkeys(("tid", "batch", "stan", "amount", "rc", "totals", "fault"))
        event.update(at=at, mti=mti, kind="unreadable", booked=False, note=reason)
        self._publish(event)
        return Reply(None)

    def _note(self, x, direction, fault):
        out = direction == "out"
        self.ledger.note_message(
            at=x.timestamp,
            direction=direction,
            tid=x.tid,
            mti=messages.answer_mti(x.message.mti) if out else x.message.mti,
            stan=x.stan_text,
            batch=x.batch,
            selector=messages.selector(x.message),
            kind=x.request.name,
            response_code=x.code if out else None,
            fault=fault.name if fault else None,
            reached=fault is None or fault.processed,
        )

    def _tell(self, x, fault):
        settlement = x.request.name == "settlement"
        event = {
            "at": x.at,
            "tid": x.tid,
            "batch": x.batch,
            "mti": x.message.mti,
            "stan": x.stan_text,
            "kind": x.request.name,
            "amount": x.amount_fen if 4 in x.fields else None,
            "rc": None if settlement else x.code,
            "totals": x.answer[48][30] + x.answer[48][61] if 48 in x.answer else None,
            "booked": x.booked,
            "fault": fault.name if fault else None,
            "note": x.note,
        }
        self._publish(event)

    def _publish(self, event):
        self._log(log_line(event))
        for callback in self._listeners:
            callback(dict(event))
