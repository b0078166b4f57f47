"""Faults on demand: what a network or a host can do to a terminal, armed for the next messages.

Owns the table of faults and the queue of armed ones. A fault does one or more of three things: it
keeps the request from the host (`processed` False: nothing is decided, nothing is booked), it
changes the answer, or it changes how the answer travels. Every fault that lets the request through
books just what the host would have booked without it; only response_code changes the decision
itself.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from . import messages, packing
from .actions import Close, Send
from .codes import RESPONSE_CODES


def _as_usual(frame, params, rng):
    return [Send(frame)]


def _nothing(frame, params, rng):
    return []


def _close(frame, params, rng):
    return [Close(0, bool(params["reset"]))]


def _late(frame, params, rng):
    return [Send(frame, params["delay_ms"])]


def _cut_in_reply(frame, params, rng):
    sent = min(params["bytes"], len(frame) - 1)
    return [Send(frame[:sent]), Close(0, bool(params["reset"]))]


def _twice(frame, params, rng):
    return [Send(frame), Send(frame, params["gap_ms"])]


def _garbage(frame, params, rng):
    return [Send(packing.frame(rng.randbytes(params["size"])))]


def _wrong_trace(message, params):
    if message.fields[11].isdigit():  # a request with broken contents is answered (30) as it came
        message.fields[11] = f"{int(message.fields[11]) % 999999 + 1:06d}"


def _wrong_field(message, params):
    message.fields[params["field"]] = params["value"]


def _processing_requirement(message, params):
    message.header = message.header[:5] + params["digit"] + message.header[6:]


@dataclass(frozen=True)
class FaultKind:
    """One row of the fault table.

    `params` are the parameters with their defaults, `needs` field numbers that the answer must
    have for the fault to make sense (other messages do not use it up).
    """

    description: str
    params: dict = field(default_factory=dict)
    processed: bool = True
    needs: tuple = ()
    alter: "Callable | None" = None
    deliver: Callable = _as_usual
    spoils_mac: bool = False


FAULTS = {
    "no_answer": FaultKind("processed, nothing comes back", deliver=_nothing),
    "lost_request": FaultKind(
        "the request never reaches the host, nothing comes back", processed=False, deliver=_nothing
    ),
    "late_answer": FaultKind(
        "the answer comes delay_ms later", {"delay_ms": 90000}, deliver=_late
    ),
    "cut_before_reply": FaultKind(
        "processed, then the connection closes without an answer", {"reset": 0}, deliver=_close
    ),
    "cut_in_reply": FaultKind(
        "processed, the connection closes after so many bytes of the answer",
        {"bytes": 20, "reset": 0},
        deliver=_cut_in_reply,
    ),
    "refuse": FaultKind(
        "the connection closes before the request is looked at",
        {"reset": 0},
        processed=False,
        deliver=_close,
    ),
    "wrong_mac": FaultKind("the MAC of the answer is wrong", needs=(64,), spoils_mac=True),
    "duplicate_answer": FaultKind(
        "the answer comes twice, the second gap_ms later", {"gap_ms": 0}, deliver=_twice
    ),
    "garbage": FaultKind(
        "a frame of random bytes instead of the answer", {"size": 64}, deliver=_garbage
    ),
    "wrong_trace": FaultKind(
        "the answer carries the next trace number, with a right MAC",
        needs=(11,),
        alter=_wrong_trace,
    ),
    "wrong_field": FaultKind(
        "one field of the answer is replaced, with a right MAC",
        {"field": 4, "value": "000000099999"},
        alter=_wrong_field,
    ),
    "processing_requirement": FaultKind(
        "header digit 6 of the answer: 2 asks for the status, 3 for a new sign-in",
        {"digit": "3"},
        alter=_processing_requirement,
    ),
    "response_code": FaultKind(
        "a valid request is answered with this code; booked only when the code approves",
        {"code": "96"},
        needs=(39,),
    ),
}


def _convert(name, params):
    """Full parameters of a fault. Raises ValueError in words for the person who armed it."""
    kind = FAULTS[name]
    unknown = sorted(set(params) - set(kind.params))
    if unknown:
        raise ValueError("fault {} has no parameter {}".format(name, ", ".join(unknown)))
    full = dict(kind.params, **params)
    for key, default in kind.params.items():
        full[key] = _like(default, full[key], f"{key} of fault {name}")
    if name == "processing_requirement" and full["digit"] not in set("0123456789b"):
        raise ValueError("digit must be 0 to 9 or b")
    if name == "response_code" and full["code"] not in RESPONSE_CODES:
        raise ValueError("unknown response code {}".format(full["code"]))
    if name == "garbage" and not 0 <= full["size"] <= 0xFFFF:
        raise ValueError("size must be 0 to 65535")
    if name == "wrong_field":
        packing.pack(
            packing.Message("6000000000", "0" * 12, "0210", {full["field"]: full["value"]})
        )
    return full


def _like(default, value, what):
    """The value as the type of its default: the control line gives text, a test gives either."""
    if isinstance(default, str):
        return str(value)
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be a number") from None
    if number < 0:
        raise ValueError(f"{what} must not be negative")
    return number


class Fault:
    """An armed fault: a kind with parameters, and which messages it is for."""

    def __init__(self, name, count, mti, kind, after, chance, params):
        self.name = name
        self.kind = FAULTS[name]
        self.left = count
        self.mti = mti
        self.message_kind = kind
        self.after = after
        self.chance = chance
        self.params = params

    @property
    def processed(self):
        return self.kind.processed

    def override(self):
        """Response code that a valid request gets instead of the host's own decision, or None."""
        return self.params["code"] if self.name == "response_code" else None

    def matches(self, mti, kind, answer_fields):
        return (
            self.mti in (None, mti, messages.mti_class(mti))
            and self.message_kind in (None, kind)
            and all(number in answer_fields for number in self.kind.needs)
        )

    def alter(self, message):
        """Change the answer before its MAC is computed."""
        if self.kind.alter:
            self.kind.alter(message, self.params)

    def deliver(self, frame, rng):
        """Actions that carry the answer's frame (or do not)."""
        return self.kind.deliver(frame, self.params, rng)

    def __str__(self):
        limits = [("mti", self.mti), ("kind", self.message_kind), ("after", self.after or None)]
        limits.append(("chance", None if self.chance == 1.0 else self.chance))
        words = [f"{key}={value}" for key, value in limits if value is not None]
        words += ["{}={}".format(*item) for item in self.params.items()]
        return " ".join([self.name, f"x{self.left}"] + words)


class Faults:
    """Queue of armed faults: a message uses up one count of the first one that fits it."""

    def __init__(self, seed=None):
        self.rng = random.Random(None if seed is None else f"faults/{seed!r}")
        self._armed = []

    def arm(self, name, count=1, mti=None, *, kind=None, after=0, chance=1.0, **params):
        """Arm a fault for the next `count` messages with this MTI and message kind (None: any).

        An MTI fits its repeats too (0400: also 0401); one with the repeat mark fits only those.
        The first `after` messages that fit pass untouched. With `chance` below 1 each message that
        fits is hit with that probability. `params` are those of the table FAULTS. Raises
        ValueError when something of this is unknown or out of range.
        """
        if name not in FAULTS:
            raise ValueError("unknown fault {}; known: {}".format(name, ", ".join(FAULTS)))
        if count < 1 or after < 0 or not 0.0 <= chance <= 1.0:
            raise ValueError("count from 1, after from 0, chance from 0 to 1")
        known = [*messages.SIGNED_MTI, *messages.REPEATED_MTI]
        if mti is not None and mti not in known:
            raise ValueError("unknown mti {}; known: {}".format(mti, ", ".join(known)))
        if kind is not None and kind not in messages.KIND_NAMES:
            raise ValueError(
                "unknown kind {}; known: {}".format(kind, ", ".join(messages.KIND_NAMES))
            )
        fault = Fault(name, count, mti, kind, after, chance, _convert(name, params))
        self._armed.append(fault)
        return fault

    def clear(self):
        """Disarm everything."""
        self._armed = []

    def armed(self):
        """The armed faults as text, in order."""
        return [str(fault) for fault in self._armed]

    def take(self, mti, kind, answer_fields):
        """Fault for a message, or None. `answer_fields`: field numbers that an answer may have."""
        for fault in self._armed:
            if not fault.matches(mti, kind, answer_fields):
                continue
            if fault.after:
                fault.after -= 1
                continue
            if fault.chance < 1.0 and self.rng.random() >= fault.chance:
                continue
            fault.left -= 1
            if not fault.left:
                self._armed.remove(fault)
            return fault
        return None


def faults_table():
    """The faults as a Markdown table, for README.md."""
    rows = ["| fault | parameters | booked? | what happens |", "|---|---|---|---|"]
    for name, kind in FAULTS.items():
        booked = "as usual" if kind.processed else "no"
        if name == "response_code":
            booked = "if the code approves"
        params = ", ".join("{}={}".format(*item) for item in kind.params.items()) or "-"
        rows.append(f"| {name} | {params} | {booked} | {kind.description} |")
    return "\n".join(rows)
