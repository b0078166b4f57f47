"""An acquirer for one terminal, without I/O: frames in, frames out, in the caller's time.

Owns: sign-in, MAC and form of the messages, and every fault of a host. Must not: know the
terminal's code. It has its own codec (acquirer_wire), its own books (acquirer_books), and gets its
cryptography from outside, so that random histories of a terminal can run against it inside
MicroPython, thousands of messages a second.

    acquirer = Acquirer(tid, mid, crypto)
    acquirer.receive(frame)  ->  [("send", delay_ms, frame) or ("close", delay_ms), ...]

`crypto` has new_keys(n) -> (F62 of the n-th set of keys, 60 bytes; its MAK, anything) and mac(mak,
data) -> 8 bytes over MTI up to the field before F64.

FAULTS. One name of the list `faults` is used up by each financial message, reversal, advice,
settlement and upload; where the list gives none, `schedule(mti, kind, key)`, if it is set, is
asked, for management messages too (kind: a value of KINDS or None, key: (batch, trace)).

    ""            none
    "lost"        the request never arrives
    "cut before"  closed, nothing done          "cut after"   done, closed without an answer
    "no answer"   done, no answer               "late"        done, answered after `late_ms`
    "wrong mac"   done, MAC of the answer wrong "wrong trace" done, answer to another trace
    "garbage"     done, bytes that are no frame "twice"       done, answered twice
    "sign in"     77, nothing done              "A0", "code XX"  that response code, nothing done
    "refuse"      for the bearer (no connection); here as ""

JUDGEMENT. What a right terminal never sends is noted as text in `violations` (never a card's
number): messages without form, kinds that are not known, a sale sent twice, a repeat without its
mark, an advice whose contents change, an advice overtaken by its void, a sale for a closed batch.

Sources: the project's facts of the host protocol (2.1 to 2.7, 3, 4.3), invariants and faults of
store-and-forward; decided where those are silent: the repeat mark is answered as the message
itself, 0320 under the rules of acquirer_books.
"""

from binascii import crc32

from models.acquirer_books import Books
from models.acquirer_wire import FIELDS_AT, MAC_SIZE, MTI_AT, WireError, pack, positions, unpack

FAULTS = (
    "lost", "cut before", "cut after", "no answer", "late", "wrong mac", "wrong trace", "garbage",
    "twice", "sign in", "A0", "refuse",
)  # fmt: skip

ACQUIRER_ID = "00095840"

# MTI of a first send, and 60.1 or, where that is 00, the network code 60.3: kind
KINDS = {
    "020022": "sale",
    "020023": "void",
    "022030": "offline",
    "040022": "reversal",
    "040023": "reversal",
    "0500201": "settlement",
    "0320201": "upload_details",
    "032030": "upload_notice",
    "0320202": "upload_end",
    "0320207": "upload_end",
    "0800003": "sign_in",
    "0800004": "sign_in",
    "0820002": "sign_off",
    "0820301": "echo",
    "0820362": "status",
}

_REQUESTS = frozenset(name[:4] for name in KINDS)

_MONEY = (3, 4, 11, 22, 25, 41, 42, 49, 60, 64)
_CARD = (2, 14, 26, 35, 36, 52, 53)
_STORED = (2, 3, 4, 11, 14, 22, 25, 38, 41, 42, 49, 60, 61, 63)
_MANAGEMENT = (11, 41, 42, 60)


def _form(fields, optional=(), f3=None):
    """(bitmap of the fields that must be there, of those that may, F3 or None)"""
    return positions(*fields), positions(*fields, *optional), f3


# Form of each kind. F3 of a reversal is its original's: see _well_formed.
FORMS = {
    "sale": _form(_MONEY, _CARD, "000000"),
    "void": _form(_MONEY + (37, 61), _CARD + (38,), "200000"),
    "offline": _form(_STORED + (64,), (), "000000"),
    "reversal": _form(_MONEY + (39,), (2, 14, 38, 61)),
    "settlement": _form(_MANAGEMENT + (48, 49, 63)),
    "upload_details": _form(_MANAGEMENT + (48,)),
    "upload_notice": _form(_STORED, (), "000000"),
    "upload_end": _form(_MANAGEMENT + (48,)),
    "sign_in": _form(_MANAGEMENT + (63,), (62,)),
    "sign_off": _form(_MANAGEMENT, (63,)),
    "echo": _form((41, 42, 60)),
    "status": _form((41, 42, 60, 62)),
}

# What does the work of a kind: (method, whether it needs a sign-in and carries a MAC, whether only
# the open batch will do, whether it uses up a name of `faults`)
WORK = {
    "sale": ("_sale", True, True, True),
    "void": ("_void", True, True, True),
    "offline": ("_offline", True, True, True),
    "reversal": ("_reversal", True, False, True),
    "settlement": (None, False, False, True),  # has answers of its own: see _settle
    "upload_details": ("_upload_details", False, False, True),
    "upload_notice": ("_upload_notice", False, False, True),
    "upload_end": ("_upload_end", False, False, True),
    "sign_in": ("_sign_in", False, False, False),
    "sign_off": ("_sign_off", False, False, False),
    "echo": ("_echo", False, False, False),
    "status": ("_status", False, False, False),
}
_UPLOADS = ("upload_details", "upload_notice", "upload_end")
_KEYED = ("sale", "void", "offline", "reversal") + _UPLOADS

# Fields of an answer that are the request's
_ECHOED = {"money": (3, 4, 11, 25, 41, 42, 49, 60), "other": (11, 41, 42, 60)}
_F62_SIZES = {"003": 40, "004": 60}
_STATUS_HEAD = b"011021031041051"


class Acquirer(Books):
    """See the module. `rtt_ms`, `late_ms`: delay of an answer and of a late one. `time`, `date`:
    the host's clock, hhmmss and MMDD. `requirement`: digit 6 of the header of the next answer, 2
    asks for a status notice, 3 for a sign-in. `seen`: (MTI, trace) of every request, or None to
    keep none. `sign_ins`, `statuses` count; `last_status` is F62 of the last notice.

    Harnesses may override _receive, _settle and _answer.
    """

    rtt_ms = 120
    late_ms = 10_500
    time = "093016"
    date = "1123"

    def __init__(self, tid, mid, crypto):
        Books.__init__(self)
        self.tid = tid
        self.mid = mid
        self.crypto = crypto
        self.faults = []
        self.schedule = None
        self.requirement = 0
        self.seen = None
        self.sign_ins = 0
        self.statuses = 0
        self.last_status = b""
        self.signed_in = False
        self._mak = None
        self._key_sets = 0
        self._frame = b""
        self._actions = []

    def receive(self, frame):
        """What the host does about one whole frame (bytes); never raises on account of it."""
        self._actions = []
        try:
            mti, fields = unpack(frame)
        except WireError as e:
            self.violate("frame", None, e.args[0])
            return self._actions
        self._frame = frame
        self._receive(mti, fields)
        self._frame = b""
        return self._actions

    def change_keys(self, code="77"):
        """The host forgets the sign-in. The next financial message is answered `code`: "77", or
        "A0" because the keys are others now, which also gives answers a MAC that the terminal
        cannot verify until it has signed in."""
        if code == "A0":
            self._new_keys()
        else:
            self.signed_in = False

    def _new_keys(self):
        self._key_sets += 1
        f62, self._mak = self.crypto.new_keys(self._key_sets)
        return f62

    # ---- one request ----------------------------------------------------------------------------

    def _receive(self, mti, fields):
        self.number += 1
        trace = int(fields.get(11, "0"))
        if self.seen is not None:
            self.seen.append((mti, trace))
        f60 = fields.get(60, "")
        if len(f60) < 11 or 41 not in fields or 42 not in fields:
            self.violate(mti, None, "F41, F42 or F60 missing")
            return
        base = mti[:3] + "0"
        if base not in _REQUESTS:
            self.violate(mti, None, "no request")
            return
        kind = KINDS.get(base + (f60[8:11] if f60[:2] == "00" else f60[:2]))
        key = (int(f60[2:8]), trace)
        if kind in _KEYED:
            stable = kind == "offline"
            contents = crc32(self._frame[MTI_AT + 2 : -MAC_SIZE]) & 0x3FFFFFFF if stable else None
            self.judge(mti, key, contents)
        fault = self._fault(mti, kind, key)
        if fault == "lost":
            return
        if fault == "cut before":
            self._actions.append(("close", 0))
        elif kind == "settlement":
            self._settle(fields, fault)
        else:
            self._work(mti, kind, fields, key, fault)

    def _fault(self, mti, kind, key):
        """Name of the fault that strikes this message, "" for none."""
        if self.faults and kind is not None and WORK[kind][3]:
            fault = self.faults.pop(0)
        elif self.schedule is not None:
            fault = self.schedule(mti, kind, key) or ""
        else:
            return ""
        if fault and fault not in FAULTS and not fault.startswith("code "):
            self.violate(mti, key, "no such fault: " + fault)
        return fault

    def _work(self, mti, kind, fields, key, fault):
        method, signed, _, _ = WORK.get(kind, (None, mti[:2] in ("02", "04"), False, False))
        code, number, auth = self._refused(mti, kind, fields, key, fault), self.number, None
        answer = {12: self.time, 13: self.date, 32: ACQUIRER_ID}
        for n in _ECHOED["money" if signed else "other"]:
            if n in fields:
                answer[n] = fields[n]
        if code is None:
            code, number, auth = getattr(self, method)(mti, fields, key)
        if kind == "sign_in" and code == "00":
            self._put_keys(answer, fields[60][8:11])
        if signed:
            answer[15] = self.date
        answer[37] = "%012d" % number
        if auth is not None:
            answer[38] = auth
        answer[39] = code
        self._deliver(mti, answer, fault, signed)

    def _refused(self, mti, kind, fields, key, fault):
        """Response code of a request that comes to no work, None for one that does."""
        forced = _forced(fault)
        if kind is None:
            self.violate(mti, key, "unknown message")
            return "12"
        if fields[41] != self.tid:
            return "97"
        if fields[42] != self.mid:
            return "03"
        if not self._well_formed(kind, fields):
            self.violate(mti, key, "form")
            return "30"
        if forced is not None:
            return forced
        _, signed, open_batch, _ = WORK[kind]
        if signed and not self.signed_in:
            return "77"
        if open_batch and key[0] != self.batch:
            return "77"
        if kind in _UPLOADS and key[0] != self.batch and key[0] not in self.closed_batches:
            return "77"
        if signed and self.crypto.mac(self._mak, self._frame[MTI_AT:-MAC_SIZE]) != fields[64]:
            return "A0"
        return None

    def _well_formed(self, kind, fields):
        """Whether the fields are those of the kind and hold what they must."""
        required, allowed, f3 = FORMS[kind]
        bitmap = self._frame[MTI_AT + 2 : FIELDS_AT]
        for i in range(8):
            bits = bitmap[i]
            if bits & required[i] != required[i] or bits & allowed[i] != bits:
                return False
        if kind == "reversal":
            # It repeats F3 of its original, and only a void's names another transaction.
            void = fields[60][:2] == "23"
            if (61 in fields) != void:
                return False
            f3 = "200000" if void else "000000"
        if f3 is not None and (fields[3] != f3 or fields[25] != "00" or fields[49] != "156"):
            return False
        if kind in ("offline", "upload_notice"):
            f61 = fields[61]
            return (
                fields[63] == b"000"
                and len(f61) == 29
                and f61[:12] == "0" * 12
                and f61[16:] == "0" * 13
                and fields[22] in ("022", "012")
            )
        if kind == "status":
            return fields[62].startswith(_STATUS_HEAD)
        if kind == "void":
            return len(fields[61]) == 12
        if kind == "sale":
            return 35 in fields or 2 in fields
        return True

    # ---- management -----------------------------------------------------------------------------

    def _sign_in(self, mti, fields, key):
        self.sign_ins += 1
        self.signed_in = True
        return "00", self.number, None

    def _put_keys(self, answer, network):
        answer[60] = "00%06d%s" % (self.batch, network)
        answer[62] = self._new_keys()[: _F62_SIZES[network]]

    def _sign_off(self, mti, fields, key):
        self.signed_in = False
        return "00", self.number, None

    def _echo(self, mti, fields, key):
        return "00", self.number, None

    def _status(self, mti, fields, key):
        self.statuses += 1
        self.last_status = fields[62]
        return "00", self.number, None

    def _settle(self, fields, fault):
        """0500. Its answer has no F39, unless the totals were not looked at."""
        key = int(fields[60][2:8]), int(fields[11])
        answer = {n: fields[n] for n in (11, 41, 42, 49, 60) if n in fields}
        answer.update({12: self.time, 13: self.date, 15: self.date, 32: ACQUIRER_ID})
        answer[37] = "%012d" % self.number
        code = self._refused("0500", "settlement", fields, key, fault)
        if code is None:
            answer[48] = self.compare(key[0], fields[48])
        else:
            answer[39] = code
        self._deliver("0500", answer, fault, False)

    # ---- answers --------------------------------------------------------------------------------

    def _deliver(self, mti, answer, fault, with_mac):
        """Answer as the fault says; the work is done."""
        if fault == "cut after":
            self._actions.append(("close", 0))
        if fault in ("cut after", "no answer"):
            return
        if fault == "garbage":
            self._actions.append(("send", 0, b"\xff\xff" + bytes(40)))
            return
        if fault == "wrong trace" and 11 in answer:
            answer[11] = "%06d" % ((int(answer[11]) + 1) % 1000000)
        again = dict(answer) if fault == "twice" else None
        self._answer(mti, answer, with_mac, self.late_ms if fault == "late" else None)
        if fault == "wrong mac" and with_mac and self._actions:
            what, delay, frame = self._actions[-1]
            self._actions[-1] = (what, delay, frame[:-1] + bytes((frame[-1] ^ 1,)))
        if again is not None:
            self._answer(mti, again, with_mac)

    def _answer(self, mti, fields, with_mac, delay=None):
        """Pack the answer to a request of this MTI and put it into the actions."""
        prefix = bytearray(self._frame[2:MTI_AT])
        prefix[1:3], prefix[3:5] = prefix[3:5], prefix[1:3]
        prefix[7] = prefix[7] & 0xF0 | self.requirement
        self.requirement = 0
        with_mac = with_mac and self._mak is not None
        if with_mac:
            fields[64] = bytes(MAC_SIZE)
        frame = pack(prefix, mti[:2] + chr(ord(mti[2]) + 1) + "0", fields)
        if with_mac:
            head = frame[:-MAC_SIZE]
            frame = head + self.crypto.mac(self._mak, head[MTI_AT:])
        self._actions.append(("send", self.rtt_ms if delay is None else delay, frame))


def _forced(fault):
    """The response code that a fault orders, None when it orders none."""
    if fault == "sign in":
        return "77"
    if fault == "A0":
        return "A0"
    return fault[5:] if fault.startswith("code ") else None
