# SIMCom A7670 / SIM7600: from power to TCP sockets.
#
# Source: SIMCom A76XX Series AT Command Manual and TCPIP Application Note (NETOPEN, CIPOPEN,
# CIPSEND, CIPRXGET in manual mode, CIPCLOSE). One owner task brings the modem up and keeps it up,
# by a ladder of ever stronger means; the bearer functions only use what it has made ready.

import asyncio

from micropython import const

from .at import AtError, Channel, numbers

_LINKS = const(10)
_CHUNK = const(1024)  # sends of more than 1,400 bytes fail on some firmware
_POLL_MS = const(10_000)
_SIM_MS = const(20_000)
_REGISTER_MS = const(90_000)
_BOOT_MS = const(25_000)  # SIM7600: up to 23 s until the first answer
_PWRKEY_MS = const(500)
_PWRKEY_OFF_MS = const(3000)

# Lines that only a module which has just started says; the late ones follow the first answer by
# some seconds and mean a restart only when no start of ours is so recent.
_BOOT_LINES = ("RDY", "*ATREADY")
_LATE_BOOT_LINES = ("SMS DONE", "PB DONE")
_LATE_MS = const(30_000)

# Reasons, for the screen
STARTING = "starting"
NO_MODEM = "no_modem"
NO_SIM = "no_sim"
SIM_LOCKED = "sim_locked"
SEARCHING = "searching"
DENIED = "denied"
NO_DATA = "no_data"

_REGISTERED = (1, 5)
_REG_DENIED = const(3)

# What is tried after the n-th failure in a row: shut the data service, restart the radio, restart
# the module, cut its power.
_LADDER = ("_close_net", "_restart_radio", "_restart_module", "_power_cycle")


class _Trouble(Exception):
    """A step of the start did not work. args: (reason,)"""


class A7670:
    """`pwrkey`: output pin (active low); `status`: input pin, high while the module runs, or None;
    `clock`: ticks, diff, add; `apn`: str."""

    name = "4G"

    def __init__(self, uart, pwrkey, status, clock, apn):
        self._pwrkey = pwrkey
        self._status = status
        self._clock = clock
        self._apn = apn
        self._at = Channel(uart, self._urc, "+CIPRXGET: 2,")
        self.ready = False
        self.reason = STARTING  # type: str | None
        self.signal = None
        self.connected = False
        self.restarts = 0
        self._failures = 0
        self._kick = asyncio.Event()  # something happened that the owner task must look at
        self._data = asyncio.Event()  # the link has data, or was closed
        self._readable = False
        self._link = 0  # the next one is used when a link could not be closed
        self._strays = []  # links that may still be open or opening
        self._up = False  # commands have been answered since the last start
        self._woke = clock.ticks()
        self._fresh = False  # started by us a moment ago

    # ---- unsolicited lines ----------------------------------------------------------------------

    def _urc(self, text):
        if text.startswith("+CIPRXGET: 1,%d" % self._link):
            self._readable = True
            self._data.set()
        elif text.startswith("+IPCLOSE: %d," % self._link):
            self._disconnected()
        elif text.startswith("+CIPEVENT: NETWORK CLOSED"):
            self._net_lost()
        elif text.startswith(_BOOT_LINES) or (
            text.startswith(_LATE_BOOT_LINES) and not self._young()
        ):
            if self._up:
                self._up = False
                self.restarts += 1
                self._net_lost()
                self._at.interrupted("restart")
        elif text.startswith(("+CREG:", "+CGREG:", "+CEREG:")):
            self._kick.set()

    def _young(self):
        # Looked at every 10 s by _watch: a difference of ticks means nothing after some days.
        if self._fresh and self._clock.diff(self._clock.ticks(), self._woke) >= _LATE_MS:
            self._fresh = False
        return self._fresh

    def _disconnected(self):
        self.connected = False
        self._data.set()

    def _net_lost(self):
        self.ready = False
        self.reason = NO_DATA
        self._disconnected()
        self._kick.set()

    # ---- owner task -----------------------------------------------------------------------------

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("modem rx", self._at.run), ("modem", self.run))

    async def run(self):
        """Owner task: bring the modem up and keep it up."""
        while True:
            try:
                await self._start()
                self._failures = 0
                await self._watch()
            except _Trouble as e:
                self._failed(e.args[0])
            except (AtError, asyncio.TimeoutError):
                self._failed(self.reason or NO_DATA)
            await self._recover()

    def _failed(self, reason):
        self.ready = False
        self.reason = reason
        self._disconnected()
        self._failures += 1

    async def _recover(self):
        if not self._failures:
            return
        if self.reason in (NO_SIM, SIM_LOCKED):
            # Nothing that we do puts a card in; look again now and then.
            await asyncio.sleep_ms(_POLL_MS)
        step = getattr(self, _LADDER[min(self._failures, len(_LADDER)) - 1])
        try:
            await step()
        except (AtError, asyncio.TimeoutError):
            pass

    async def _close_net(self):
        await self._at.command("AT+NETCLOSE", 10_000, result="+NETCLOSE:")

    async def _restart_radio(self):
        await self._at.command("AT+CFUN=0", 10_000)
        await asyncio.sleep_ms(1000)
        await self._at.command("AT+CFUN=1", 10_000)

    async def _restart_module(self):
        self._up = False
        await self._at.command("AT+CRESET", 5000)
        await asyncio.sleep_ms(3000)

    async def _power_cycle(self):
        self._up = False
        await self._press(_PWRKEY_OFF_MS)
        await asyncio.sleep_ms(5000)

    async def _press(self, ms):
        self._pwrkey(0)
        try:
            await asyncio.sleep_ms(ms)
        finally:
            self._pwrkey(1)

    # ---- the way up -----------------------------------------------------------------------------

    async def _start(self):
        self.ready = False
        if not self._up:
            await self._wake()
        await self._sim()
        at = self._at.command
        await at('AT+CGDCONT=1,"IP","%s"' % self._apn, 5000)
        for name in ("CREG", "CGREG", "CEREG"):
            await at("AT+%s=1" % name, 5000)
        await self._register()
        await at("AT+CIPRXGET=1", 5000)
        await at("AT+CIPTIMEOUT=60000,30000,30000", 5000)
        self.reason = NO_DATA
        if numbers((await at("AT+NETOPEN?", 5000, prefix="+NETOPEN:")).lines[-1])[0] != 1:
            c = await at("AT+NETOPEN", 60_000, result="+NETOPEN:")
            if numbers(c.result_line)[0] != 0:
                raise _Trouble(NO_DATA)
        await self._measure()
        self._kick.clear()
        self.ready = True
        self.reason = None

    async def _wake(self):
        """Until the module answers: it may be on, starting, or off."""
        if self.reason != NO_MODEM:
            self.reason = STARTING
        for _ in range(2):
            running = self._status is not None and self._status()
            if not running and not await self._answers(3):
                await self._press(_PWRKEY_MS)
            begun = self._clock.ticks()
            while self._clock.diff(self._clock.ticks(), begun) < _BOOT_MS:
                if await self._answers(1):
                    await self._at.command("ATE0", 2000)
                    await self._at.command("AT+CMEE=2", 2000)
                    self._up = True
                    self._woke = self._clock.ticks()
                    self._fresh = True
                    return
        raise _Trouble(NO_MODEM)

    async def _answers(self, tries):
        for _ in range(tries):
            if await self._at.ping(300):
                return True
        return False

    async def _sim(self):
        begun = self._clock.ticks()
        while True:
            try:
                c = await self._at.command("AT+CPIN?", 5000, prefix="+CPIN:")
                text = c.lines[-1] if c.lines else ""
                if "READY" in text:
                    return
                # A PIN is never guessed: a locked card is for the technician.
                raise _Trouble(SIM_LOCKED)
            except AtError as e:
                if (
                    "not inserted" in e.args[0]
                    and self._clock.diff(self._clock.ticks(), begun) > 3000
                ):
                    raise _Trouble(NO_SIM)
            if self._clock.diff(self._clock.ticks(), begun) > _SIM_MS:
                raise _Trouble(NO_SIM)
            await asyncio.sleep_ms(500)

    async def _registration(self):
        """The best of the three registrations: 1 home, 5 roaming, 3 denied, 0 or 2 not (yet)."""
        best = 0
        for name in ("CEREG", "CGREG", "CREG"):
            c = await self._at.command("AT+%s?" % name, 5000, prefix="+%s:" % name)
            n = numbers(c.lines[-1]) if c.lines else []
            if len(n) < 2:
                continue
            if n[1] in _REGISTERED:
                return n[1]
            best = max(best, n[1] if n[1] == _REG_DENIED else 0)
        return best

    async def _register(self):
        begun = self._clock.ticks()
        while True:
            state = await self._registration()
            if state in _REGISTERED:
                return
            self.reason = DENIED if state == _REG_DENIED else SEARCHING
            if self._clock.diff(self._clock.ticks(), begun) > _REGISTER_MS:
                raise _Trouble(self.reason)
            self._kick.clear()
            try:
                await asyncio.wait_for_ms(self._kick.wait(), 1000)
            except asyncio.TimeoutError:
                pass

    async def _measure(self):
        """Signal as bars: 99 means unknown, not none."""
        n = numbers((await self._at.command("AT+CSQ", 5000, prefix="+CSQ:")).lines[-1])
        rssi = n[0]
        self.signal = None if not 0 <= rssi <= 31 else min(4, (rssi + 1) // 6)

    async def _watch(self):
        """While everything is well: look every 10 s, and at once when the modem says something."""
        while True:
            try:
                await asyncio.wait_for_ms(self._kick.wait(), _POLL_MS)
            except asyncio.TimeoutError:
                pass
            self._kick.clear()
            self._young()
            if not self._up or not self.ready:
                raise _Trouble(self.reason or STARTING)
            await self._measure()
            state = await self._registration()
            if state not in _REGISTERED:
                raise _Trouble(DENIED if state == _REG_DENIED else SEARCHING)

    # ---- bearer ---------------------------------------------------------------------------------

    async def connect(self, host, port, timeout_ms):
        """OSError when the modem is not ready or the host refuses, asyncio.TimeoutError."""
        if not self.ready:
            raise OSError(101)  # ENETUNREACH
        await self._close_strays()
        self._readable = False
        text = 'AT+CIPOPEN=%d,"TCP","%s",%d' % (self._link, host, port)
        try:
            c = await self._at.command(text, timeout_ms, result="+CIPOPEN: %d," % self._link)
        except AtError:
            self._abandon()
            raise OSError(111)  # ECONNREFUSED
        except BaseException:
            # Given up or cancelled: the module may still be opening it, and takes no command for
            # this link until it has ended.
            self._abandon()
            raise
        if numbers(c.result_line)[-1] != 0:
            raise OSError(111)
        self._data.clear()
        self.connected = True

    def _abandon(self):
        self._strays.append(self._link)
        del self._strays[:-_LINKS]
        self._link = (self._link + 1) % _LINKS

    async def _close_strays(self):
        for link in list(self._strays):
            self._strays.remove(link)
            await self._drop(link)

    async def send(self, data, timeout_ms):
        view = memoryview(data)
        for i in range(0, len(view), _CHUNK):
            await self._send_chunk(view[i : i + _CHUNK], timeout_ms)

    async def _send_chunk(self, part, timeout_ms):
        text = "AT+CIPSEND=%d,%d" % (self._link, len(part))
        begun = self._clock.ticks()
        while self.connected:
            try:
                c = await self._at.command(text, timeout_ms, result="+CIPSEND:", payload=part)
            except AtError as e:
                # 8: the result of a send that was abandoned before is still to come
                waited = self._clock.diff(self._clock.ticks(), begun)
                if "+CIPERROR: 8" not in e.args[0] or waited > timeout_ms:
                    raise OSError(104)
                await asyncio.sleep_ms(50)
                continue
            except BaseException:
                # Nobody knows what of it will go out: this connection is of no use any more.
                self._disconnected()
                self._abandon()
                raise
            if numbers(c.result_line)[-1] != len(part):
                raise OSError(104)
            return
        raise OSError(104)  # ECONNRESET

    async def recv_into(self, buf, timeout_ms):
        """Bytes put into `buf`; 0 when the other side has closed and everything was read."""
        begun = self._clock.ticks()
        while True:
            if self._readable:
                n = await self._fetch(buf, timeout_ms)
                if n:
                    return n
            elif not self.connected:
                return 0
            else:
                left = timeout_ms - self._clock.diff(self._clock.ticks(), begun)
                if left <= 0:
                    raise asyncio.TimeoutError()
                self._data.clear()
                await asyncio.wait_for_ms(self._data.wait(), left)

    async def _fetch(self, buf, timeout_ms):
        text = "AT+CIPRXGET=2,%d,%d" % (self._link, min(len(buf), _CHUNK))
        # Before the command and not behind it: more may be announced while it runs.
        self._readable = False
        try:
            c = await self._at.command(text, timeout_ms, prefix="+CIPRXGET: 2,")
        except AtError:
            return 0  # "No data"
        except BaseException:
            self._readable = True  # what it brings is lost, but there may be more
            raise
        n = numbers(c.lines[-1]) if c.lines else []
        if len(n) == 4 and n[3] > 0:
            self._readable = True
        if c.data is None:
            return 0
        buf[: len(c.data)] = c.data
        return len(c.data)

    async def close(self):
        self.connected = False
        self._readable = False
        if self.ready:
            await self._drop(self._link)

    async def _drop(self, link):
        try:
            await self._at.command("AT+CIPCLOSE=%d" % link, 10_000, result="+CIPCLOSE:")
        except AtError:
            pass  # it was not open
