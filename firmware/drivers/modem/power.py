# The power key and the supply of a modem.

import asyncio

from micropython import const

from .at import AtError

_SUPPLY_OFF_MS = const(2000)
_COMMAND_MS = const(5000)


class Power:
    """`pwrkey`: output pin, active low; `status`: callable, true while the module runs, or None;
    `supply`: output pin, or None."""

    def __init__(self, pwrkey, status, supply, clock):
        self._pwrkey = pwrkey
        self._status = status
        self._supply = supply
        self._clock = clock

    def running(self):
        """Whether it is known to run."""
        return self._status is not None and bool(self._status())

    async def press(self, ms):
        self._pwrkey(0)
        try:
            await asyncio.sleep_ms(ms)
        finally:
            self._pwrkey(1)

    async def off(self, profile, at):
        """Switch it off: by its supply; by command through `at`, if it answers; else by the key.
        Where nothing says that it runs, the key may as well switch it on: the caller finds out."""
        if self._supply is not None:
            self._supply(0)
            try:
                await asyncio.sleep_ms(_SUPPLY_OFF_MS)
            finally:
                self._supply(1)
            return
        if not await self._by_command(profile, at) and (self._status is None or self.running()):
            await self.press(profile.PRESS_OFF_MS)
        begun = self._clock.ticks()
        while self._clock.diff(self._clock.ticks(), begun) < profile.OFF_MS:
            await asyncio.sleep_ms(500)
            if self._status is not None and not self.running():
                break
        await asyncio.sleep_ms(profile.REST_MS)

    async def _by_command(self, profile, at):
        if at is None:
            return False
        try:
            await at.command(profile.POWER_OFF, _COMMAND_MS)
        except (AtError, asyncio.TimeoutError):
            return False
        return True
