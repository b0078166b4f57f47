# SIMCom A7670 and SIM7600 families.
#
# Sources: SIMCom A76XX Series AT Command Manual and TCPIP Application Note (NETOPEN, CIPOPEN,
# CIPSEND, CIPRXGET in manual mode, CIPACK, CIPCLOSE), SIM7500_SIM7600 Series AT Command Manual,
# A7670 Series Hardware Design (power key).

from .at import AtError
from .profile import COMMON, Profile
from .reply import numbers


class Simcom(Profile):
    ANNOUNCE = ("+CIPRXGET: 2,", 2, 4)  # +CIPRXGET: 2,link,length,rest
    URCS = (
        ("+CIPRXGET: 1,", "on_data", 1),
        ("+CIPOPEN:", "on_opened", 0),
        ("+IPCLOSE:", "on_closed", 0),
        ("+CIPEVENT: NETWORK CLOSED", "on_net_lost"),
        ("*ATREADY", "on_boot"),
    ) + COMMON
    PRESS_MS = (500, 500)
    PRESS_OFF_MS = 3000
    OFF_MS = 5000
    REST_MS = 3000
    BOOT_MS = 25_000  # SIM7600: up to 23 s
    SETUP = ("AT+CMEE=2", "AT+CTZU=1")
    RESTART = "AT+CRESET"
    POWER_OFF = "AT+CPOF"
    PIN_TRIES = ("AT+SPIC", "+SPIC:", 0)
    ICCID = ("AT+CICCID", "+ICCID:")

    async def bearer_up(self, at, apn):
        await at.command('AT+CGDCONT=1,"IP","%s"' % apn, 5000)
        await at.command("AT+CIPRXGET=1", 5000)
        await at.command("AT+CIPTIMEOUT=60000,30000,30000", 5000)
        if await self.bearer_is_up(at):
            return
        try:
            await self.bearer_down(at)  # the network may be gone under an open service
        except AtError:
            pass
        c = await at.command("AT+NETOPEN", 60_000, result="+NETOPEN:")
        if numbers(c.result_line)[0] != 0:
            raise AtError(c.result_line)

    async def bearer_is_up(self, at):
        # Not AT+NETOPEN?: that says 1 when the network went away under it.
        try:
            return bool((await at.command("AT+IPADDR", 5000, prefix="+IPADDR:")).lines)
        except AtError:
            return False

    async def bearer_down(self, at):
        await at.command("AT+NETCLOSE", 10_000, result="+NETCLOSE:")

    async def open(self, at, link, host, port, timeout_ms):
        await at.command('AT+CIPOPEN=%d,"TCP","%s",%d' % (link, host, port), timeout_ms)

    async def send(self, at, link, part, timeout_ms):
        text = "AT+CIPSEND=%d,%d" % (link, len(part))
        try:
            c = await at.command(text, timeout_ms, result="+CIPSEND:", payload=part)
        except AtError as e:
            # 8: the result of a send that was abandoned before is still to come
            if "+CIPERROR: 8" in e.args[0]:
                return False
            raise
        if numbers(c.result_line)[-1] != len(part):
            raise AtError(c.result_line)
        return True

    async def fetch(self, at, link, view, timeout_ms):
        text = "AT+CIPRXGET=2,%d,%d" % (link, len(view))
        try:
            c = await at.command(text, timeout_ms, prefix="+CIPRXGET: 2,", into=view)
        except AtError:
            return 0, False  # "No data"
        n = c.numbers()
        if c.corrupt or len(n) != 4:
            raise AtError("corrupt")
        return c.length, n[3] > 0

    async def drop(self, at, link):
        await at.command("AT+CIPCLOSE=%d" % link, 10_000, result="+CIPCLOSE:")

    async def unacked(self, at, link):
        try:
            n = (await at.command("AT+CIPACK=%d" % link, 5000, prefix="+CIPACK:")).numbers()
        except AtError:
            return None
        return n[0] - n[1] if len(n) == 3 and n[0] >= n[1] >= 0 else None
