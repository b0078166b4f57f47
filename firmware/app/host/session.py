# One terminal's session with the acquirer: sign-in, and one message with its verified answer.
#
# Owns the packing buffer and the response checks. Decides nothing about money: what it cannot
# believe it reports as NoAnswer or BadMac, and pay decides what is owed then.

from ..crypto.keys import KeyFault
from ..crypto.mac import same
from ..kernel import clock, log
from ..store.vault import VaultError
from . import cup, framing, iso8583
from .iso8583 import FormatError
from .link import LinkError

# Processing requirement digits (host-protocol 1.3)
_SEND_STATUS = 2
_SIGN_IN_AGAIN = 3
_DRIFT_S = 60


def _nobody(event, detail=""):
    pass


class NotSent(Exception):
    """Certainly nothing reached the host. args: (why,)"""


class NoAnswer(Exception):
    """Something may have reached the host, and no believable answer came. args: (why,)"""


class BadMac(Exception):
    """An answer came whose MAC is wrong."""


class SignInError(Exception):
    """The sign-in failed. args: (why, response code or "")"""


class Response:
    """A verified answer: `fields` without what this terminal must not keep (PAN, tracks)."""

    def __init__(self, mti, fields):
        self.mti = mti
        self.fields = fields

    @property
    def code(self):
        return self.fields.get(39, "")


class Session:
    """`journal` gives trace numbers and keeps whether we are signed on; `reader` is F60.4."""

    def __init__(self, link, keyring, journal, settings, reader):
        self.link = link
        self.keys = keyring
        self._journal = journal
        self._settings = settings
        self.reader = reader
        self.batch_differs = False  # the host is in another batch, and ours has transactions
        self.status_wanted = False  # the host has asked for the terminal's status
        self.note = _nobody  # callable(event, detail): the audit log
        self._buf = bytearray(1024)

    # ---- one message ----------------------------------------------------------------------------

    async def connect(self):
        """NotSent when the host cannot be reached."""
        try:
            await self.link.open()
        except LinkError as e:
            raise NotSent(e.args[0])

    async def disconnect(self):
        await self.link.close()

    def _pack(self, mti, fields, with_mac):
        buf = self._buf
        if with_mac:
            fields[64] = bytes(8)
        end = iso8583.pack(cup.FIELDS, mti, fields, buf, framing.BODY_AT)
        if with_mac:
            buf[end - 8 : end] = self.keys.mac(buf, framing.BODY_AT, end - 8)
        framing.wrap(buf, end, self._settings["tpdu"], self._settings["header"])
        return end

    async def exchange(self, mti, fields, with_mac, repeat=False):
        """Send one message over the open link and wait for its answer. `repeat`: it was sent
        before, perhaps, and is marked so.

        NotSent: the message could not be made. NoAnswer, BadMac: see there. The buffer with the
        request is wiped before this returns.
        """
        if repeat and self._settings["repeat_mark"]:
            mti = cup.repeat_mti(mti)
        try:
            end = self._pack(mti, fields, with_mac)
        except (FormatError, KeyFault) as e:
            self._wipe()
            log.error("cannot make %s: %s %s", mti, e.args[0], e.args[1])
            raise NotSent("message")
        try:
            try:
                await self.link.send(memoryview(self._buf)[:end])
            finally:
                self._wipe()
            deadline = clock.add(clock.ticks(), self._settings["response_timeout_s"] * 1000)
            return await self._answer(mti, fields, with_mac, deadline)
        except LinkError as e:
            raise NoAnswer(e.args[0])

    def _wipe(self):
        buf = self._buf
        for i in range(len(buf)):
            buf[i] = 0

    async def _answer(self, mti, request, with_mac, deadline):
        """Frames are read until one answers this request: a late or repeated answer to another one
        is passed over, as is everything that is no message. Only a wrong MAC on an answer that
        fits ends the wait."""
        while True:
            try:
                frame = await self.link.receive(deadline)
            except FormatError as e:
                # Where one frame ends and the next begins is no longer known.
                log.warning("answer: %s", e.args[1])
                raise NoAnswer("format")
            try:
                need = framing.check_response(frame, self._settings["tpdu"])
                got, fields = iso8583.unpack(cup.FIELDS, frame, framing.BODY_AT, len(frame))
                self._check(mti, request, got, fields)
                if with_mac:
                    at = len(frame) - 8
                    if 64 not in fields or not same(
                        self.keys.mac(frame, framing.BODY_AT, at), fields[64]
                    ):
                        log.error("answer %s: MAC", got)
                        raise BadMac()
            except FormatError as e:
                log.warning("answer passed over: field %d %s", e.args[0], e.args[1])
                continue
            finally:
                for i in range(len(frame)):
                    frame[i] = 0
            for number in iso8583.SENSITIVE:
                value = fields.pop(number, None)
                if value is not None:
                    for i in range(len(value)):
                        value[i] = 0
            if need == _SIGN_IN_AGAIN and self._journal.signed_on:
                self.sign_off()
            elif need == _SEND_STATUS:
                self.status_wanted = True
            log.info("%s %s rc %s", got, fields.get(11, "-"), fields.get(39, "-"))
            return Response(got, fields)

    def _check(self, mti, request, got, fields):
        """Section 2.1: the answer must be to this request. FormatError names the field that
        differs."""
        if got != cup.response_mti(mti):
            raise FormatError(0, "message type")
        for number in (3, 4, 11, 41, 42):
            want = request.get(number)
            if number not in fields:
                # A decline may leave F3 and F4 out; what names the request may never be missing.
                if want is not None and number in (11, 41, 42):
                    raise FormatError(number, "missing")
            elif want is not None and fields[number] != want:
                raise FormatError(number, "differs")
        if 39 not in fields and mti != "0500":
            raise FormatError(39, "missing")

    # ---- sign-in --------------------------------------------------------------------------------

    def sign_off(self):
        """Forget that we are signed on: the next transaction signs in first."""
        if self._journal.signed_on:
            self._journal.set_signed_on(False)

    async def sign_in(self, operator):
        """Fetch working keys, batch number and calendar; returns True, or False when the host
        names another batch while transactions of ours are open (ours is kept). The link must be
        open.

        SignInError, NotSent, NoAnswer.
        """
        if not self.keys.has_master():
            raise SignInError("no master key", "")
        # Until the answer is here the old keys count for nothing: the host may have changed them
        # and the answer be lost. The same commit takes the number and forgets the sign-in.
        trace = self._journal.take_trace(signed_on=False)
        message = ("0800", self._settings["key_mode"], True)
        mti, fields = cup.management(message, self._journal.batch, self._settings, operator, trace)
        answer = await self.exchange(mti, fields, False)
        if answer.code != "00":
            raise SignInError("refused", answer.code)
        try:
            self.keys.load_working_keys(answer.fields.get(62, b""), self._settings["key_mode"])
        except KeyFault as e:
            log.error("sign-in: %s %s", e.args[0], e.args[1])
            raise SignInError("keys", "")
        except VaultError as e:
            log.error("sign-in: %s", e.args[0])
            raise SignInError("vault", "")
        self.note("key_load", self._settings["key_mode"])
        self._adopt_calendar(answer.fields)
        taken = self._journal.set_signed_on(True, self._batch_of(answer.fields))
        self.batch_differs = not taken
        return taken

    def _batch_of(self, fields):
        f60 = fields.get(60, "")
        return int(f60[2:8]) if len(f60) >= 8 else 0

    def _adopt_calendar(self, fields):
        try:
            # The host's clock is a second or two away at every sign-in: no event.
            if clock.adopt(fields[13], fields[12]) > _DRIFT_S:
                self.note("clock_set", fields[13] + fields[12])
        except (KeyError, ValueError):
            log.warning("sign-in: host's date cannot be used")

    async def echo(self):
        """Echo test: True when the host answered. NotSent, NoAnswer."""
        mti, fields = cup.management(cup.ECHO, self._journal.batch, self._settings)
        return (await self.exchange(mti, fields, False)).code == "00"
