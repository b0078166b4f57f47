"""Command line of the modem model: echo, commands, results, payload.

Owns: the bytes from the terminal between CR and result, in V.250's terms the command state.
Must not: keep time or power (a7670.py), know what a command does (modem_commands.py).

Sources: ITU-T V.250 sections 5.2 and 5.7; SIM7500_SIM7600 Series AT Command Manual V2.00,
AT+CIPSEND (fixed length: exactly that many bytes; without length: Ctrl-Z ends, ESC cancels, ETX
escapes Ctrl-Z, ESC and ETX).
"""

from models.modem_commands import find
from models.modem_reply import (
    CmeError,
    Failure,
    cme_text,
    frame_info,
    frame_result,
    split_command,
    split_line,
)

_LINE_MAX = 2048
_MAX_ERRORS = 200


class Line:
    """m: the Modem. while_busy, esc_aborts: see a7670.py."""

    def __init__(self, m, while_busy, esc_aborts):
        self.m = m
        self.while_busy = while_busy
        self.esc_aborts = esc_aborts
        self.commands = 0  # command lines taken, over the life of the object
        self.dropped = 0  # bytes that came while the module was deaf or busy
        self.reset()

    def reset(self):
        """After a start: factory settings, nothing under way."""
        self.default_settings()
        self._line = bytearray()
        self._busy = False
        self._held = b""  # bytes that wait for the end of a command
        self._payload = None  # (link, length or None, bytearray) while ">" is open
        self._wanted = None  # the same, until ">" has gone out
        self._escaped = False

    def default_settings(self):
        self.echo = True
        self.verbose = True
        self.cmee = 2

    def want_payload(self, link, length):
        """The command under way ends with a prompt instead of a result."""
        self._wanted = (link, length, bytearray())

    def note(self, text):
        errors = self.m.errors
        if len(errors) < _MAX_ERRORS and (not errors or errors[-1] != text):
            errors.append(text)

    def feed(self, data):
        for i in range(len(data)):
            byte = data[i]
            if not self.m.listening():
                # Also when a byte before this one made the module restart.
                self.dropped += len(data) - i
                return
            if self.m.faults.reboots_at_byte():
                self.m.restart()
                continue
            if self._busy:
                if self.while_busy == "queue":
                    self._held += data[i:]
                    return
                if byte != 0x0A:  # the LF of "AT<CR><LF>" is nobody's mistake
                    self.dropped += 1
                    self.note("bytes while a command runs")
            elif self._payload:
                if not self.m.faults.loses_payload():
                    self._payload_byte(byte)
            else:
                self._command_byte(byte)

    def _command_byte(self, byte):
        if self.echo:
            self.m.say(bytes((byte,)))
        if byte == 0x0D:
            line = "".join([chr(b) for b in self._line])
            self._line = bytearray()
            self._take(line)
        elif byte == 0x08:
            self._line = self._line[:-1]
        elif byte != 0x0A and len(self._line) < _LINE_MAX:
            self._line.append(byte)

    def _take(self, line):
        at = line.upper().find("AT")
        if at < 0:
            if line.strip():
                self.note("line without AT: " + repr(line[:40]))
            return
        self.commands += 1
        faults = self.m.faults
        if faults.silence_at is not None and self.commands >= faults.silence_at:
            faults.silence_at = None  # once: a power cycle cures it
            self.m.hang(self.m.now)
            return
        if faults.reboot_at is not None and (
            self.commands == faults.reboot_at
            or (faults.reboot_for_good and self.commands > faults.reboot_at)
        ):
            self.m.restart()
            return
        body = line[at + 2 :].strip()
        self._busy = True
        delay = 0
        for text in split_line(body):
            name, mode, _ = split_command(text)
            if name + mode in self.m.delays:
                name += mode
            delay += self.m.delay(name if name[:1] in ("+", "&") else name[:1])
        self.m.after(delay or self.m.delay("default"), self._execute, body)

    def _execute(self, body):
        lines = []
        result = "OK"
        try:
            for text in split_line(body):
                name, mode, args = split_command(text)
                found = find(self.m.commands, name, mode, args)
                if found is None:
                    self.note("unknown command AT" + text)
                    raise Failure()
                handler, mode, args, _ = found
                lines += handler(self.m, mode, args) or []
        except Failure as e:
            lines += list(e.lines)
            result = "ERROR"
        except CmeError as e:
            result = cme_text(e.code, self.m.faults.cme_mode(self.cmee))
        except IndexError:  # fewer parameters than the command needs
            result = cme_text(50, self.m.faults.cme_mode(self.cmee))
        self._reply(body, lines, result)

    def _reply(self, command, lines, result):
        pieces = frame_info(lines, self.verbose)
        if self._wanted and result == "OK":
            pieces.append(("prompt", self.m.prompt))
        else:
            self._wanted = None
            pieces.append(frame_result(result, self.verbose))
        pieces = self.m.faults.weave(command, pieces)
        late, copies = self.m.faults.take_final(command)
        early = []
        while pieces and pieces[0][0] not in ("final", "prompt"):
            early.append(pieces.pop(0)[1])
        self.m.say(b"".join(early))
        if late:
            self.m.after(late, self._finish, pieces, copies)
        else:
            self._finish(pieces, copies)

    def _finish(self, pieces, copies):
        for kind, data in pieces:
            self.m.say(data * copies if kind == "final" else data)
        self._payload = self._wanted
        self._wanted = None
        self._escaped = False
        self._busy = False
        held = self._held
        self._held = b""
        if held:
            self.feed(held)

    # --- payload --------------------------------------------------------------------------------

    def _payload_byte(self, byte):
        _, length, data = self._payload
        if self.echo:
            self.m.say(bytes((byte,)))
        if length is not None:
            if byte == 0x1B and self.esc_aborts and not data:
                self._payload_end(None)
                return
            data.append(byte)
            if len(data) == length:
                self._payload_end(data)
        elif self._escaped:
            self._escaped = False
            data.append(byte)
        elif byte == 0x03:
            self._escaped = True
        elif byte == 0x1A:
            self._payload_end(data)
        elif byte == 0x1B:
            self._payload_end(None)
        else:
            data.append(byte)

    def _payload_end(self, data):
        link = self._payload[0]
        self._payload = None
        self._busy = True
        self.m.after(self.m.delay("CIPSEND payload"), self._send, link, data)

    def _send(self, link, data):
        lines = []
        result = "OK"
        if data:
            try:
                result = self.m.tcp.send(link, bytes(data)) or "OK"
            except Failure as e:
                lines = list(e.lines)
                result = "ERROR"
        self._reply("payload", lines, result)
