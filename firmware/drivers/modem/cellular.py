# A cellular modem: from power to TCP sockets, and back up whatever happens.
#
# One owner task brings the modem up and keeps it up, by a ladder of ever stronger means; the
# sockets only use what it has made ready. What differs by maker is in a profile (simcom.py,
# quectel.py).
#
# Stated times (the makers' recommended processes):
#   answers to AT          10 x 300 ms, then power
#   first answer           the profile's BOOT_MS from the power key
#   SIM card               20 s, then the module is restarted
#   registration           90 s, then the radio, the module, the power
#   data service           60 s (Quectel: 150 s), twice; then the radio, the module, the power
#   dead module, lost network, lost data service: seen within 10 s, and the 5 s of a command
#   a host that acknowledges nothing: 70 s
#   5 connections in a row that failed: the data service is made anew, after 15 the module
# After the last step of a ladder it begins with that one again, a minute later.

import asyncio

from micropython import const

from ..flag import Flag
from .at import AtError
from .links import Links
from .power import Power
from .reply import DENIED as _DENIED
from .reply import HOME, ROAMING, bars, iccid, identity, imei, local_time, operator, registration
from .sim import NO_SIM, SIM_LOCKED, CardError, Sim

_POLL_MS = const(10_000)
_REGISTER_MS = const(90_000)
_REST_MS = const(60_000)
_LATE_MS = const(30_000)
_COMMAND_MS = const(5000)
_CONNECT_WAIT_MS = const(8000)
_OPEN_FAILURES = const(5)

# Reasons, for the screen
STARTING = "starting"
NO_MODEM = "no_modem"
SEARCHING = "searching"
DENIED = "denied"
NO_DATA = "no_data"

# What is tried after the n-th failure in a row, by what is wrong.
_RADIO = ("_restart_radio", "_restart_module", "_power_cycle")
_LADDER = {
    NO_DATA: ("_close_bearer", "_close_bearer") + _RADIO,
    SEARCHING: _RADIO,
    DENIED: _RADIO,
    NO_SIM: _RADIO[1:],
    SIM_LOCKED: (),  # for a person
}
_LAST_STEP = _RADIO[2:]


class Trouble(Exception):
    """A step of the start did not work. args: (reason,)"""


class Cellular(Links):
    """`pwrkey`: output pin (active low); `status`: callable, true while the module runs (an input
    pin), or None; `clock`: ticks, diff, add; `apn`: str; `pin`: the SIM's PIN, "" for none;
    `supply`: output pin that switches the module's supply, or None."""

    name = "4G"

    def __init__(self, uart, pwrkey, status, clock, apn, pin="", supply=None):
        super().__init__(uart)
        self._power = Power(pwrkey, status, supply, clock)
        self.clock = clock
        self._apn = apn
        self.sim = Sim(self, pin)
        self.ready = False
        self.reason = STARTING  # type: str | None
        self.signal = None
        self.restarts = 0
        self._failures = 0
        self._open_failures = 0
        self._suspect = None  # type: str | None  # what to do when it can hardly be the host
        self._kick = Flag()  # something happened that the owner task must look at
        self._up = False  # commands have been answered since the last start
        self._starting = False  # switched on or restarted: no need to press the key
        self._woke = clock.ticks()
        self._fresh = False  # started by us a moment ago

    # ---- unsolicited lines ----------------------------------------------------------------------

    def on_boot(self):
        if self._up:
            self._up = False
            self._starting = True
            self.restarts += 1
            self._net_lost(STARTING)
            self.at.interrupted("restart")

    def on_late_boot(self):
        # The late ones follow the first answer by some seconds and mean a restart only when no
        # start of ours is so recent.
        if not self._young():
            self.on_boot()

    def on_off(self):
        # Too little voltage, or somebody's hand on the key.
        if self._up:
            self._up = self._starting = False
            self._net_lost(STARTING)
            self.at.interrupted("off")

    def on_card_gone(self):
        if self._up:
            self._net_lost(NO_SIM)

    def on_net_lost(self):
        self._net_lost(NO_DATA)

    def on_registration(self):
        self._kick.set()

    def _settle(self):
        self._woke = self.clock.ticks()
        self._fresh = True

    def _young(self):
        # Looked at every 10 s by _watch: a difference of ticks means nothing after some days.
        if self._fresh and self.clock.diff(self.clock.ticks(), self._woke) >= _LATE_MS:
            self._fresh = False
        return self._fresh

    def _net_lost(self, reason):
        self.ready = False
        self.reason = reason
        for s in self.sockets:
            s.gone()
        self._kick.set()

    # ---- owner task -----------------------------------------------------------------------------

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("modem rx", self.at.run), ("modem", self.run))

    async def run(self):
        """Owner task: bring the modem up and keep it up."""
        while True:
            try:
                await self._start()
                self._failures = 0
                self._net_lost(await self._watch())
                # What is lost is looked for again before anything is restarted.
                if self._suspect is not None and self._up:
                    await self._do(self._suspect)
                self._suspect = None
                continue
            except (Trouble, CardError) as e:
                self._failed(e.args[0])
            except AtError:
                self._failed(self.reason or NO_DATA)
            except asyncio.TimeoutError:
                alive = self._up and await self._answers(10)
                self._failed((self.reason or NO_DATA) if alive else NO_MODEM)
            await self._recover()

    def _failed(self, reason):
        self._net_lost(reason)
        self._failures += 1
        if reason == NO_MODEM:
            self._up = False

    async def _recover(self):
        steps = _LADDER.get(self.reason or "", _LAST_STEP)
        if not self._up:
            if self.reason != NO_MODEM:
                return  # it has restarted by itself
            steps = _LAST_STEP
        if self._failures > max(3, len(steps)):
            await self._rest(_REST_MS)
        elif self.reason in (NO_SIM, SIM_LOCKED):
            # Nothing that we do puts a card in or unlocks it; look again now and then.
            await self._rest(_POLL_MS)
        if steps:
            await self._do(steps[min(self._failures, len(steps)) - 1])

    async def _do(self, step):
        try:
            await getattr(self, step)()
        except (AtError, asyncio.TimeoutError):
            pass

    async def _rest(self, ms):
        self._kick.clear()
        await self._kick.wait_ms(ms)

    async def _close_bearer(self):
        await self.profile.bearer_down(self.at)

    async def _restart_radio(self):
        await self.at.command("AT+CFUN=4", 15_000)
        await asyncio.sleep_ms(1000)
        await self.at.command("AT+CFUN=1", 15_000)
        self._settle()

    async def _restart_module(self):
        self._up = False
        self._starting = True
        await self.at.command(self.profile.RESTART, _COMMAND_MS)
        await asyncio.sleep_ms(3000)

    async def _power_cycle(self):
        at = self.at if self._up else None
        self._up = self._starting = False
        await self._power.off(self.profile, at)

    # ---- the way up -----------------------------------------------------------------------------

    async def _start(self):
        self.ready = False
        if not self._up:
            await self._wake()
        await self.sim.unlock()
        self._settle()  # +CPIN: READY comes by itself
        for name in ("CREG", "CGREG", "CEREG"):
            await self._set("AT+%s=1" % name)
        await self._register()
        self.reason = NO_DATA
        await self.profile.bearer_up(self.at, self._apn)
        if not await self.profile.bearer_is_up(self.at):
            raise Trouble(NO_DATA)
        await self._measure()
        if not self._up:
            raise Trouble(STARTING)
        self._kick.clear()
        self.reason = None
        self.ready = True

    async def _wake(self):
        """Until the module answers: it may be on, starting, or off."""
        if self.reason not in (NO_MODEM, NO_SIM):
            self.reason = STARTING
        for turn in range(2):
            running = self._starting or self._power.running()
            self._starting = False
            if not running and not await self._answers(3):
                await self._power.press(self.profile.PRESS_MS[turn])
            begun = self.clock.ticks()
            while self.clock.diff(self.clock.ticks(), begun) < self.profile.BOOT_MS:
                if await self._answers(1):
                    await self._prepare()
                    return
        raise Trouble(NO_MODEM)

    async def _prepare(self):
        self._strays.clear()
        await self._set("ATE0")
        await self._recognise()
        for text in self.profile.SETUP:
            await self._set(text)
        self._up = True
        self._settle()

    async def _set(self, text):
        try:
            await self.at.command(text, _COMMAND_MS)
        except AtError:
            pass  # a setting that this firmware does not know

    async def _recognise(self):
        """Which kind of modem it is; here it is known."""

    async def _answers(self, tries):
        for _ in range(tries):
            if await self.at.ping(300):
                return True
        return False

    async def _ask(self, text, prefix, what):
        """what(line) of the last line of an answer that is one, or None. asyncio.TimeoutError."""
        found = None
        try:
            for line in (await self.at.command(text, _COMMAND_MS, prefix=prefix)).lines:
                value = what(line)
                if value is not None:
                    found = value
        except AtError:
            pass
        return found

    async def _registration(self):
        """The best of the three registrations: 1 home, 5 roaming, 3 denied, 0 or 2 not (yet)."""
        best = 0
        for name in ("CEREG", "CGREG", "CREG"):
            state = await self._ask("AT+%s?" % name, "+%s:" % name, registration)
            if state in (HOME, ROAMING):
                return state
            best = max(best, _DENIED if state == _DENIED else 0)
        return best

    async def _register(self):
        begun = self.clock.ticks()
        while True:
            state = await self._registration()
            if state in (HOME, ROAMING):
                return
            self.reason = DENIED if state == _DENIED else SEARCHING
            if not self._up or self.clock.diff(self.clock.ticks(), begun) > _REGISTER_MS:
                raise Trouble(self.reason)
            await self._rest(1000)

    async def _measure(self):
        self.signal = await self._ask("AT+CSQ", "+CSQ:", bars)

    async def _watch(self):
        """While everything is well: look every 10 s, and at once when the modem says something.
        Returns what is lost, a reason."""
        while True:
            await self._kick.wait_ms(_POLL_MS)
            self._kick.clear()
            self._young()
            if not self._up or not self.ready:
                return self.reason or STARTING
            await self._measure()
            state = await self._registration()
            if state not in (HOME, ROAMING):
                return DENIED if state == _DENIED else SEARCHING
            if not await self.profile.bearer_is_up(self.at):
                return NO_DATA
            for s in self.sockets:
                await s.look()

    # ---- for the sockets ------------------------------------------------------------------------

    async def wait_ready(self, timeout_ms):
        """Whether it is ready, if need be after some seconds when it is on its way."""
        begun = self.clock.ticks()
        wait = min(timeout_ms, _CONNECT_WAIT_MS)
        while not self.ready:
            if self.reason not in (SEARCHING, NO_DATA):
                return False
            if self.clock.diff(self.clock.ticks(), begun) >= wait:
                return False
            await asyncio.sleep_ms(100)
        return True

    def open_result(self, good):
        """A connection was made, or could not be: the fault may be here."""
        self._open_failures = 0 if good else self._open_failures + 1
        if self._open_failures and not self._open_failures % _OPEN_FAILURES and self.ready:
            thrice = not self._open_failures % (3 * _OPEN_FAILURES)
            self._suspect = "_restart_module" if thrice else "_close_bearer"
            self._net_lost(NO_DATA)

    # ---- for the technician and the clock ---------------------------------------------------

    def set_pin(self, pin):
        """The SIM's PIN from now on; one that was refused is not sent again until it is
        changed."""
        self.sim.pin = pin
        self._kick.set()

    async def identity(self):
        """{"maker", "model", "revision", "imei", "iccid"}: str, or None for what it does not
        say."""
        out = {"maker": None, "model": None, "revision": None, "imei": None, "iccid": None}
        try:
            names = identity((await self.at.command("ATI", _COMMAND_MS)).lines)
            for i, name in enumerate(("maker", "model", "revision")):
                out[name] = names[i] or None
            out["imei"] = await self._ask("AT+CGSN", None, imei)
            out["iccid"] = await self._ask(self.profile.ICCID[0], self.profile.ICCID[1], iccid)
        except (AtError, asyncio.TimeoutError):
            pass
        return out

    async def operator(self):
        """Name of the network (TS 27.007 7.3), None: none. asyncio.TimeoutError."""
        return await self._ask("AT+COPS?", "+COPS:", operator)

    async def time(self):
        """Local time of the network: (year, month, day, hour, minute, second, zone in quarters of
        an hour or None), or None."""
        try:
            return await self._ask(self.profile.CLOCK[0], self.profile.CLOCK[1], local_time)
        except asyncio.TimeoutError:
            return None
