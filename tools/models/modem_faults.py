"""Faults of the modem model: unsolicited lines in awkward places, silence, reboots, bad lines.

Owns: what goes wrong and when; every switch is off at first.
Must not: know commands. It works on the pieces of a reply and on the bytes of the line.

A reply is a list of pieces (kind, bytes) with kind "info", "data", "final" or "prompt". Real
modems put unsolicited lines between pieces, never into one (TinyGSM#628: `+CIPRXGET: 1,x` before
the `+CIPRXGET: 4,...` line that was asked for), and that is what urc() does.
"""

from models import XorShift

# Harmless lines of a real network, for storms.
STORM = (
    "+CGEV: NW MODIFY 1,0",
    '+CTZE: +32,0,"2026/01/02,03:04:05"',
    '+CMTI: "SM",3',
    "+CGEV: ME PDN ACT 5",
    "+CSQ: 17,99",
)

_PLACES = ("start", "info", "data", "inside", "prompt", "final", "end")


class Faults:
    """Attributes may be set at any time; modem.faults is one of these."""

    def __init__(self, seed=1):
        self._rng = XorShift(seed)
        self.silence_at = None  # command number (from 1) from which nothing is answered any more
        self.reboot_at = None  # command number at which the modem restarts instead of answering
        self.reboot_for_good = False  # also at every later command
        self.drop = 0.0  # probability that a byte is lost, both directions
        self.flip = 0.0  # probability that a byte arrives with one bit wrong, both directions
        self.open_error = None  # error number that every AT+CIPOPEN gets
        self.no_acks = False  # what is sent goes nowhere: no host answers or acknowledges
        self.reboot_at_byte = None  # restarts when so many more bytes of the terminal have come
        self.lose_payload = 0  # so many bytes of payload are lost: the module goes on waiting
        self.boot_noise = b""  # on the line before the first line of a start
        self.cme = None  # form of +CME ERROR whatever AT+CMEE says: 0, 1 or 2
        self.split = 0  # what goes out comes in pieces of at most so many bytes (0: as it is) ...
        self.pause_us = 3000  # ... with pauses of up to this between them
        self.merge_us = 0  # what goes out is held back for so long, and comes together
        self._held = False
        self._urcs = []  # [command prefix, place, text, how often left]
        self._sends = []  # outcomes of coming AT+CIPSENDs
        self._finals = []  # [command prefix, delay_us, copies, how often left]
        self.storm_us = 0
        self.storm_inside = 0.0
        self.storm_texts = STORM

    # --- setting up -----------------------------------------------------------------------------

    def urc(self, text, command="", place="final", times=1):
        """A line `text` within the replies to commands that begin with `command` ("+CSQ").

        place: "start" before the first piece, "info" between two information lines, "data" between
        a header (`+CIPRXGET: 2,...`) and its data, "inside" among its data, "prompt" before ">",
        "final" before OK, "end" after it.
        A reply that has no such place leaves the fault armed.
        """
        if place not in _PLACES:
            raise ValueError(place)
        self._urcs.append([command, place, text, times])

    def storm(self, period_us, inside=0.0, texts=STORM, seed=None):
        """Random lines about every period_us (0: off), and in a share `inside` of all gaps between
        the pieces of replies."""
        if seed is not None:
            self._rng = XorShift(seed)
        self.storm_us = period_us
        self.storm_inside = inside
        self.storm_texts = texts

    def send_fail(self, how, times=1):
        """Outcome of the next AT+CIPSENDs: "error" (+CIPERROR: 1, ERROR), "short" (half of it goes
        out and is confirmed), "none" (0 confirmed), "closed" (-1 confirmed, the socket is gone),
        "lost" (confirmed in full, nothing reaches the network). Quectel: SEND FAIL for "short" and
        "none"."""
        if how not in ("error", "short", "none", "closed", "lost"):
            raise ValueError(how)
        self._sends += [how] * times

    def final(self, command, delay_us=0, copies=1, times=1):
        """The final result (OK, ERROR) of `command` comes delay_us late, or `copies` times."""
        self._finals.append([command, delay_us, copies, times])

    # --- asked by the modem ---------------------------------------------------------------------

    def take_send(self):
        return self._sends.pop(0) if self._sends else None

    def take_final(self, command):
        """-> (delay_us, copies)."""
        for entry in self._finals:
            if entry[3] and command.startswith(entry[0]):
                entry[3] -= 1
                return entry[1], entry[2]
        return 0, 1

    def next_storm(self):
        """-> (us until the next line, line)."""
        wait = self.storm_us // 2 + self._rng.below(self.storm_us + 1)
        return wait, self.storm_text()

    def storm_text(self):
        return self.storm_texts[self._rng.below(len(self.storm_texts))]

    def weave(self, command, pieces):
        """-> pieces with unsolicited lines between them."""
        out = []
        infos = 0
        for i, (kind, data) in enumerate(pieces):
            places = ["start"] if i == 0 else []
            if kind == "info":
                infos += 1
            if kind != "info" or infos > 1:
                places.append(kind)
            for place in places:
                out += self._lines(command, place)
            if i and self.storm_inside and self._rng.chance(self.storm_inside):
                out.append(self._urc(self.storm_text()))
            inside = self._lines(command, "inside") if kind == "data" and len(data) > 3 else ()
            if inside:
                at = 1 + self._rng.below(len(data) - 3)
                out.append((kind, data[:at]))
                out += inside
                data = data[at:]
            out.append((kind, data))
        return out + self._lines(command, "end")

    def _lines(self, command, place):
        out = []
        for entry in self._urcs:
            if entry[3] and entry[1] == place and command.startswith(entry[0]):
                entry[3] -= 1
                out.append(self._urc(entry[2]))
        return out

    def _urc(self, text):
        return ("urc", b"\r\n" + text.encode() + b"\r\n")

    def cme_mode(self, mode):
        return mode if self.cme is None else self.cme

    def reboots_at_byte(self):
        """Called for each byte of the terminal."""
        if self.reboot_at_byte is None:
            return False
        self.reboot_at_byte -= 1
        if self.reboot_at_byte > 0:
            return False
        self.reboot_at_byte = None
        return True

    def loses_payload(self):
        """Called for each byte of payload."""
        if self.lose_payload:
            self.lose_payload -= 1
            return True
        return False

    def pieces(self, data):
        """What is due now -> (what goes out now, what does after pause())."""
        if self.merge_us:
            self._held = not self._held
            if self._held:
                return b"", data
        elif self.split and len(data) > 1:
            n = 1 + self._rng.below(self.split)
            return data[:n], data[n:]
        return data, b""

    def pause(self):
        """-> us."""
        return self.merge_us or 1 + self._rng.below(self.pause_us)

    def line(self, data):
        """-> data after the wire: bytes lost or changed."""
        if not data or not (self.drop or self.flip):
            return data
        out = bytearray()
        for byte in data:
            if self.drop and self._rng.chance(self.drop):
                continue
            if self.flip and self._rng.chance(self.flip):
                byte ^= 1 << self._rng.below(8)
            out.append(byte)
        return bytes(out)
