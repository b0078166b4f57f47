# The SIM card: whether it is there, and its PIN, which must never be lost to a program.

import asyncio

from micropython import const

from .at import AtError
from .reply import sim_state

_SIM_MS = const(20_000)
_ABSENT_MS = const(3000)  # a card that is not seen at once may still be
_COMMAND_MS = const(5000)
_TRIES_MIN = const(2)  # the last one is never ours

# Reasons, for the screen
NO_SIM = "no_sim"
SIM_LOCKED = "sim_locked"


class CardError(Exception):
    """The card cannot be used. args: (reason,)"""


def _absent(state):
    """Whether the answer to AT+CPIN? says that there is no card: number 10 of TS 27.007 9.2, or
    in words; 13 is a card that does not answer."""
    text = state.lower().replace(" ", "")
    return "notinserted" in text or text.endswith(("error:10", "error:13", "simfailure"))


class Sim:
    """`modem`: the Cellular. `pin`: str, "" for none."""

    def __init__(self, modem, pin):
        self._modem = modem
        self.pin = pin
        self._wrong = None  # refused, or nobody knows: not sent again

    async def unlock(self):
        """Until the card can be used. CardError, asyncio.TimeoutError."""
        clock = self._modem.clock
        begun = clock.ticks()
        while True:
            state = await self._state()
            waited = clock.diff(clock.ticks(), begun)
            if state == "READY":
                self._wrong = None
                return
            if state == "SIM PIN":
                await self._enter()
            elif _absent(state) and waited > _ABSENT_MS:
                raise CardError(NO_SIM)
            elif state and not state.startswith(("+CM", "ERROR", "NOT")):
                raise CardError(SIM_LOCKED)  # PUK and worse: for the technician
            if waited > _SIM_MS:
                raise CardError(NO_SIM)
            await asyncio.sleep_ms(500)

    async def _state(self):
        try:
            c = await self._modem.at.command("AT+CPIN?", _COMMAND_MS, prefix="+CPIN:")
        except AtError as e:
            return e.args[0]
        return (sim_state(c.lines[-1]) if c.lines else None) or ""

    async def tries(self):
        """How often the PIN may still be entered, or None. asyncio.TimeoutError."""
        command, prefix, at = self._modem.profile.PIN_TRIES
        try:
            n = (await self._modem.at.command(command, _COMMAND_MS, prefix=prefix)).numbers()
        except AtError:
            return None
        return n[at] if len(n) > at and n[at] >= 0 else None

    async def _enter(self):
        """Once, and never with the last try."""
        pin = self.pin
        if pin == self._wrong or not pin.isdigit() or not 4 <= len(pin) <= 8:
            raise CardError(SIM_LOCKED)
        tries = await self.tries()
        if tries is None or tries < _TRIES_MIN:
            raise CardError(SIM_LOCKED)
        self._wrong = pin  # until the card says that it is right
        try:
            await self._modem.at.command('AT+CPIN="%s"' % pin, 10_000)
        except AtError:
            raise CardError(SIM_LOCKED)
