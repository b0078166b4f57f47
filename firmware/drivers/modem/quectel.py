# Quectel EC200, EC20, EC25 and EG25 families.
#
# Sources: Quectel LTE Standard TCP/IP Application Note (QICSGP, QIACT, QIOPEN in buffer access
# mode, QISEND, QIRD, QICLOSE, QIURC, error numbers), EC2x&EG2x AT Commands Manual (QPINC, QCCID,
# QURCCFG, QPOWD, QLTS), EC25 and EC200U hardware designs (power key).

from .at import AtError
from .profile import COMMON, Profile

_ACTIVATE_MS = 150_000
_DEACTIVATE_MS = 40_000


class Quectel(Profile):
    LINKS = 12
    ANNOUNCE = ("+QIRD:", 0, 1)  # +QIRD: length
    URCS = (
        ('+QIURC: "recv"', "on_data", 1),
        ("+QIOPEN:", "on_opened", 0),
        ('+QIURC: "closed"', "on_closed", 1),
        ('+QIURC: "pdpdeact"', "on_net_lost"),
        ("+QIND: SMS DONE", "on_late_boot"),
        ("+QIND: PB DONE", "on_late_boot"),
        ("POWERED DOWN", "on_off"),
    ) + COMMON
    PRESS_MS = (600, 600)
    PRESS_OFF_MS = 1000
    SETUP = ("AT+CMEE=2", 'AT+QURCCFG="urcport","uart1"')
    POWER_OFF = "AT+QPOWD=1"
    PIN_TRIES = ('AT+QPINC="SC"', '+QPINC: "SC"', 1)
    ICCID = ("AT+QCCID", "+QCCID:")
    CLOCK = ("AT+QLTS=2", "+QLTS:")  # local time, by the network alone

    async def bearer_up(self, at, apn):
        await at.command('AT+QICSGP=1,1,"%s","","",0' % apn, 5000)
        if await self.bearer_is_up(at):
            return
        try:
            await self.bearer_down(at)  # asked for before it can be activated again
        except AtError:
            pass
        await at.command("AT+QIACT=1", _ACTIVATE_MS)

    async def bearer_is_up(self, at):
        try:
            c = await at.command("AT+QIACT?", 5000, prefix="+QIACT:")
        except AtError:
            return False
        n = c.numbers()
        return n[:2] == [1, 1]

    async def bearer_down(self, at):
        await at.command("AT+QIDEACT=1", _DEACTIVATE_MS)

    async def open(self, at, link, host, port, timeout_ms):
        text = 'AT+QIOPEN=1,%d,"TCP","%s",%d,0,0' % (link, host, port)
        await at.command(text, timeout_ms)

    async def send(self, at, link, part, timeout_ms):
        text = "AT+QISEND=%d,%d" % (link, len(part))
        await at.command(text, timeout_ms, result="SEND OK", payload=part)
        return True

    async def fetch(self, at, link, view, timeout_ms):
        text = "AT+QIRD=%d,%d" % (link, len(view))
        try:
            c = await at.command(text, timeout_ms, prefix="+QIRD:", into=view)
        except AtError:
            return 0, False
        n = c.numbers()
        if c.corrupt or n != [c.length]:
            raise AtError("corrupt")
        # It tells of new data only after it has said once that there are none.
        return c.length, c.length > 0

    async def drop(self, at, link):
        await at.command("AT+QICLOSE=%d" % link, 11_000)  # it takes up to 10 s by itself

    async def unacked(self, at, link):
        try:
            n = (await at.command("AT+QISEND=%d,0" % link, 5000, prefix="+QISEND:")).numbers()
        except AtError:
            return None
        return n[2] if len(n) == 3 and n[2] >= 0 else None


class QuectelU(Quectel):
    """EC200U, EG915U: keys must be held longer."""

    PRESS_MS = (2200, 2200)
    PRESS_OFF_MS = 3200
