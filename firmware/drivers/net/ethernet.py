# Ethernet by network.LAN, as with a W5500 on SPI:
#
#   def make_lan():
#       return network.LAN(spi=SPI(2, ...), cs=Pin(..), int=Pin(..), phy_type=network.PHY_W5500,
#                          phy_addr=0)
#
# Source: ports/esp32/network_lan.c. What the port does not say plainly, and what is done about it:
#   making the object fails when the chip does not answer, which must not keep the terminal from
#     starting: it is made here, by the owner task, as often as it takes;
#   isconnected() was true without a cable before 1.22 (micropython#12741): status() is asked;
#   when Wi-Fi's lost-IP timer runs out, status() says STOPPED for ever though all is well
#     (micropython#19123): the address decides;
#   a chip that hangs still says that the cable is in: who waits in vain raises suspicion, a
#     question to the DNS server decides, and the interface is started anew.

import asyncio

import network
from micropython import const

from .bearer import LOST, NO_ADDRESS, STARTING, SocketBearer

_LOOK_MS = const(500)
_DHCP_MS = const(12_000)
_LINK_MS = const(5000)  # to find out whether there is a cable
_AGE_LOOKS = const(20)
_REST_MS = const(60_000)  # between restarts for suspicion
_WAIT_S = (1, 2, 5, 15, 60)  # after the n-th failure to start
_NOWHERE = "0.0.0.0"

# Reasons, for the screen
NO_CHIP = "no_chip"
NO_CABLE = "no_cable"


class Ethernet(SocketBearer):
    """`make_lan`: callable -> network.LAN, OSError when the chip does not answer (it blocks for
    some 60 ms, at the start); `address`: (address, mask, gateway, dns) instead of DHCP."""

    def __init__(self, make_lan, clock, address=None, net=None):
        super().__init__("LAN", clock, net)
        self._make_lan = make_lan
        self._lan = None
        self._fixed = address
        self._restarted = None  # when the interface was started for suspicion
        self._since = None  # since when there is no address, until it is said why
        self._linked = False
        self._address = _NOWHERE
        self.restarts = 0

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("ethernet", self.run),)

    def addresses(self):
        return self._lan.ifconfig()  # type: ignore[union-attr]

    async def run(self):
        """Owner task: have the interface running and know what it can do."""
        failures = 0
        try:
            while True:
                if self._start():
                    failures = 0
                    await self._watch()
                    self.link_down(self.reason or LOST)
                    self.restarts += 1
                    self._stop()
                    continue
                self.reason = NO_CHIP
                await asyncio.sleep_ms(_WAIT_S[min(failures, len(_WAIT_S) - 1)] * 1000)
                failures += 1
        finally:
            self.link_down(STARTING)

    def _start(self):
        try:
            if self._lan is None:
                self._lan = self._make_lan()
            self._lan.active(True)
            if self._fixed:
                self._lan.ifconfig(self._fixed)
        except (OSError, RuntimeError):
            return False
        self._since = self._clock.ticks()
        self._linked = False
        return True

    def _stop(self):
        try:
            self._lan.active(False)  # type: ignore[union-attr]
        except (OSError, RuntimeError):
            pass  # "ethernet disable failed": it is started anew in any case

    async def _watch(self):
        """Until the interface must be started anew."""
        looks = 0
        while not self._look():
            await self.suspicion.wait_ms(_LOOK_MS)
            if self.suspicion.is_set():
                self.suspicion.clear()
                if self.ready and self._rested() and not await self.carries():
                    self._restarted = self._clock.ticks()
                    return
            if self.reason == NO_ADDRESS and self._rested():
                # Nobody can wait in vain for a chip that hung before there was an address.
                self._restarted = self._clock.ticks()
                return
            looks += 1
            if looks % _AGE_LOOKS == 0:
                self._resolver.age()
                self._rested()

    def _rested(self):
        """Whether it may be started anew: once a minute is enough."""
        if self._restarted is not None:
            if self._clock.diff(self._clock.ticks(), self._restarted) < _REST_MS:
                return False
            self._restarted = None
        return True

    def _look(self):
        """One look at the interface; whether it must be started anew."""
        status = self._lan.status()  # type: ignore[union-attr]
        address = self.addresses()[0]
        stopped = status == network.ETH_STOPPED
        if address != _NOWHERE and (status == network.ETH_GOT_IP or (stopped and self.ready)):
            if self.ready and address != self._address:
                self.link_down(LOST)  # our connections belong to the old one
            if not self.ready:
                self._address = address
                self.link_up()
                self.signal = 4
            return False
        if not stopped:
            self._without(status)
        return stopped

    def _without(self, status):
        """There is no address, or none any more: why?"""
        linked = status in (network.ETH_CONNECTED, network.ETH_GOT_IP)
        if self.ready:
            self.link_down(LOST)
            self._since = None
        if self._since is None and linked == self._linked and self.reason != LOST:
            return  # it was said
        if self._since is None or linked != self._linked:
            self._linked = linked
            self._since = self._clock.ticks()
            if linked and self.reason != NO_ADDRESS:
                self.reason = STARTING
        waited = self._clock.diff(self._clock.ticks(), self._since)
        if linked and waited >= _DHCP_MS:
            self._said(NO_ADDRESS)
        elif status == network.ETH_DISCONNECTED or (not linked and waited >= _LINK_MS):
            self._said(NO_CABLE)

    def _said(self, reason):
        self.reason = reason
        self._since = None  # ticks tell 6 days only
