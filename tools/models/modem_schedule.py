"""A schedule of faults for a modem model: seeded, printable, the same on every interpreter.

Owns: which fault comes when, and that it ends.
Must not: know how a fault works (modem_faults.py and the models do).

A Schedule lives in the rack's time: rack.attach(schedule). After `end_us` nothing is wrong any
more: a terminal must be back in service some time later.
"""

from models import XorShift

# Unsolicited lines for awkward places; harmless in what they say.
_URCS = ("+CREG: 1", "+CSQ: 9,99", '+CMTI: "SM",3', "RING", "+CGEV: NW MODIFY 1,0")
_PLACES = ("start", "info", "data", "inside", "prompt", "final", "end")
_SENDS = ("error", "short", "none", "closed")


def _late(modem, rng, now_us):
    modem.faults.final("+", 100000 + rng.below(2000000))


def _double(modem, rng, now_us):
    modem.faults.final("", 0, 2)


def _urc(modem, rng, now_us):
    text = _URCS[rng.below(len(_URCS))]
    modem.faults.urc(text, "", _PLACES[rng.below(len(_PLACES))], 1 + rng.below(3))


def _reboot(modem, rng, now_us):
    modem.faults.reboot_at_byte = 1 + rng.below(200)
    modem.faults.boot_noise = rng.take(rng.below(12))


def _send(modem, rng, now_us):
    modem.faults.send_fail(_SENDS[rng.below(len(_SENDS))])


def _payload(modem, rng, now_us):
    modem.faults.lose_payload = 1 + rng.below(30)


def _cme(modem, rng, now_us):
    modem.faults.cme = rng.below(3)


def _hang(modem, rng, now_us):
    modem.hang(now_us)


def _crash(modem, rng, now_us):
    modem.crash(now_us)


def _flood(modem, rng, now_us):
    modem.flood(200 + rng.below(2000), now_us)


def _set(name, value):
    def begin(modem, rng, now_us):
        setattr(modem.faults, name, value)

    return begin


def _storm(period_us):
    def change(modem, rng, now_us):
        modem.storm(period_us, now_us, 0.2 if period_us else 0.0)

    return change


def _network(network):
    def change(modem, rng, now_us):
        modem.set_network(network, now_us)

    return change


def _signal(on):
    def change(modem, rng, now_us):
        modem.set_signal(on, now_us)

    return change


def _card_out(modem, rng, now_us):
    modem.remove_sim(now_us)


def _card_in(modem, rng, now_us):
    # As a technician does it: put in, switched off and on.
    modem.insert_sim(now_us)
    modem.crash(now_us)


# name: (how it begins, how it ends or None)
KINDS = {
    "late": (_late, None),
    "double": (_double, None),
    "urc": (_urc, None),
    "reboot": (_reboot, None),
    "send": (_send, None),
    "payload": (_payload, None),
    "flood": (_flood, None),
    "hang": (_hang, None),
    "crash": (_crash, None),
    "cme": (_cme, _set("cme", None)),
    "split": (_set("split", 3), _set("split", 0)),
    "merge": (_set("merge_us", 40000), _set("merge_us", 0)),
    "drop": (_set("drop", 0.003), _set("drop", 0.0)),
    "flip": (_set("flip", 0.003), _set("flip", 0.0)),
    "storm": (_storm(60000), _storm(0)),
    "denied": (_network("denied"), _network("home")),
    "signal": (_signal(False), _signal(True)),
    "card": (_card_out, _card_in),
    "no_acks": (_set("no_acks", True), _set("no_acks", False)),
}

NAMES = tuple(sorted(KINDS))  # a dict's order differs between interpreters


class Schedule:
    """n faults of `kinds` from start_us on, one every gap_us; each lasts at most gap_us."""

    def __init__(self, modem, seed, n, start_us, gap_us, kinds=NAMES):
        self._modem = modem
        self._rng = XorShift(seed)
        self.steps = []  # (due_us, name, begins), ascending
        self.done = []
        for i in range(n):
            due = start_us + i * gap_us + self._rng.below(gap_us // 4)
            name = kinds[self._rng.below(len(kinds))]
            self.steps.append((due, name, True))
            if KINDS[name][1] is not None:
                self.steps.append((due + gap_us // 4 + self._rng.below(gap_us // 3), name, False))
        self.end_us = start_us + n * gap_us

    def next_due(self):
        return self.steps[0][0] if self.steps else None

    def advance(self, now_us):
        while self.steps and self.steps[0][0] <= now_us:
            step = self.steps.pop(0)
            self.done.append(step)
            KINDS[step[1]][0 if step[2] else 1](self._modem, self._rng, now_us)

    def __str__(self):
        return " ".join([n if begins else n + "-" for _, n, begins in self.done + self.steps])
