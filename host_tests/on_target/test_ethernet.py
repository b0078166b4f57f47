# Ethernet by network.LAN and a W5500, E1 to E10.

import asyncio

import bus
import network
from harness import araises, raises, seed, until
from machine import SPI, Pin
from naive_wifi import NaiveEthernet
from netbench import (
    CS,
    HOST,
    INT,
    NAME,
    PORT,
    again,
    ethernet,
    fails,
    longest_gap,
    make_lan,
    ready,
    talk,
)  # fmt: skip

from app.host.link import Link
from drivers.net.ethernet import Ethernet
from models import XorShift
from models.w5500 import W5500
from models.wifi_air import Air


async def test_it_comes_up_and_carries_a_message():
    b, d = ethernet()
    assert not d.ready and d.reason == "starting"
    await ready(d, 4000)
    assert d.reason is None and d.signal == 4
    await d.connect(NAME, PORT, 5000)
    assert d.connected and await talk(d) == b"hello"
    await d.close()
    assert b.net.open == [] and b.chip.errors == [] and b.chip.resets == 2


def test_the_fake_refuses_what_the_port_refuses():
    network.use(Air(), W5500())
    bus.current.rack.attach_spi(2, W5500(), CS)
    spi, cs, irq = SPI(2), Pin(CS, Pin.OUT, value=1), Pin(INT, Pin.IN)
    w5500 = network.PHY_W5500

    def refused(error, **options):
        options.setdefault("phy_type", w5500)
        options.setdefault("phy_addr", 0)
        return str(raises(error, lambda: network.LAN(**options)))

    assert refused(ValueError, id=1, spi=spi, cs=cs, int=irq) == "invalid LAN interface identifier"
    assert refused(ValueError, spi=spi, cs=cs, int=irq, phy_addr=32) == "invalid phy address"
    assert refused(ValueError, spi=spi, cs=cs, int=irq, phy_type=9) == "invalid phy type"
    assert refused(OSError, spi=spi, cs=cs).endswith("failed with invalid argument")
    raises(TypeError, lambda: network.LAN(phy_type=w5500, spi=spi, cs=cs, int=irq))
    lan = make_lan()
    assert make_lan() is lan and lan.status() == network.ETH_INITIALIZED
    assert not lan.isconnected() and lan.active(True) and lan.status() == network.ETH_STARTED
    raises(ValueError, lan.ifconfig, ("1.2.3", "x", "y", "z"))


# ---- E1 -----------------------------------------------------------------------------------------


async def check_dead_chip(make):
    chip = W5500()
    chip.dead = True
    b, d = ethernet(chip, make=make)
    await asyncio.sleep_ms(9000)
    assert not d.ready and d.reason == "no_chip"
    chip.dead = False  # the loose plug is pushed in
    await ready(d, 70_000)


async def test_e1_a_chip_that_does_not_answer_keeps_nothing_from_starting():
    """network.LAN() raises OSError then, in most programs before anything else has started."""
    await check_dead_chip(Ethernet)
    again()
    await fails(check_dead_chip, NaiveEthernet)


# ---- E2 -----------------------------------------------------------------------------------------


async def check_pulled(make):
    b, d = ethernet(make=make)
    await ready(d)
    await d.connect(HOST, PORT, 5000)
    await d.send(b"hello", 1000)
    b.chip.plugged = False
    told = []

    async def wait():
        try:
            await d.recv_into(bytearray(99), 60_000)
        except OSError as e:
            told.append(e.args[0])

    waiting = asyncio.create_task(wait())
    await until(lambda: not d.ready, 3000, "the loss")
    assert d.reason in ("lost", "no_cable") and not d.connected
    await asyncio.sleep_ms(700)
    assert waiting.done() and told == [101]
    await asyncio.sleep_ms(3000)
    assert d.reason == "no_cable"
    await d.close()
    b.chip.plugged = True
    await ready(d, 5000)
    await d.connect(HOST, PORT, 5000)
    assert await talk(d) == b"hello"
    await d.close()
    assert b.net.open == []


async def test_e2_a_cable_that_is_pulled_in_the_middle_is_noticed_in_3_seconds():
    """The port looks at the link every 2 s, we look twice a second; who waits is told."""
    await check_pulled(Ethernet)
    again()
    await fails(check_pulled, NaiveEthernet)


async def test_no_cable_at_the_start():
    b, d = ethernet(W5500(plugged=False))
    await asyncio.sleep_ms(8000)
    assert not d.ready and d.reason == "no_cable"
    await asyncio.sleep_ms(3_600_000)
    assert d.reason == "no_cable"
    b.chip.plugged = True
    await until(lambda: d.reason == "starting", 3000)
    await ready(d, 4000)


# ---- E3 -----------------------------------------------------------------------------------------


async def check_no_dhcp(make):
    chip = W5500()
    chip.dhcp_us = None
    b, d = ethernet(chip, make=make)
    await asyncio.sleep_ms(20_000)
    assert not d.ready and d.reason == "no_address"
    chip.dhcp_us = 500_000
    chip.plugged = False
    await asyncio.sleep_ms(3000)
    assert d.reason == "no_cable"
    chip.plugged = True
    await ready(d, 6000)


async def test_e3_a_link_without_an_address_is_told_as_such():
    """DHCP never answers: not the cable's fault, and no connection either."""
    await check_no_dhcp(Ethernet)
    again()
    await fails(check_no_dhcp, NaiveEthernet)
    again()
    chip = W5500()
    chip.dhcp_us = None
    fixed = ("192.168.5.77", "255.255.255.0", "192.168.5.1", "192.168.5.1")
    b, d = ethernet(chip, address=fixed)
    await ready(d, 4000)
    assert d.addresses() == fixed


# ---- E4 -----------------------------------------------------------------------------------------


class OldLan:
    """A LAN of before 1.22: isconnected() is true as soon as it is active."""

    def __init__(self, lan):
        self._lan = lan

    def __getattr__(self, name):
        return getattr(self._lan, name)

    def isconnected(self):
        return self._lan.active()


async def check_isconnected(make):
    old = lambda lan_of: OldLan(make_lan())  # noqa: E731

    def make_old(factory, clock, net=None):
        return make(lambda: old(factory), clock, net=net)

    b, d = ethernet(W5500(plugged=False), make=make_old)
    await asyncio.sleep_ms(6000)
    assert not d.ready


async def test_e4_isconnected_is_not_believed():
    """micropython#12741: true without a cable."""
    await check_isconnected(Ethernet)
    again()
    await fails(check_isconnected, NaiveEthernet)


# ---- E5 -----------------------------------------------------------------------------------------


async def check_lost_ip(make):
    b, d = ethernet(make=make)
    await ready(d)
    await d.connect(HOST, PORT, 5000)
    network.LAN().wifi_lost_ip()
    assert not network.LAN().isconnected()
    for _ in range(40):
        await asyncio.sleep_ms(100)
        assert d.ready
    assert d.connected and await talk(d) == b"hello"
    b.chip.plugged = False
    await until(lambda: not d.ready, 3000)


async def test_e5_what_happens_to_wifi_is_nothing_to_us():
    """micropython#19123: Wi-Fi's lost-IP timer makes LAN.status() say stopped, for ever."""
    network.LAN._lan = None

    class Lan(NaiveEthernet):
        async def run(self):
            await super().run()
            while True:
                await asyncio.sleep_ms(500)
                self.ready = self._lan.isconnected()

    await check_lost_ip(Ethernet)
    again()
    await fails(check_lost_ip, Lan)


async def test_an_interface_that_was_really_stopped_is_started_again():
    b, d = ethernet()
    await ready(d)
    network.LAN().active(False)
    await until(lambda: not d.ready, 1000)
    await ready(d, 6000)
    assert d.restarts == 1


# ---- E6 -----------------------------------------------------------------------------------------


async def check_hang(make):
    b, d = ethernet(make=make)
    await ready(d)
    await d.connect(HOST, PORT, 5000)
    b.chip.stuck = True
    await araises(asyncio.TimeoutError, asyncio.wait_for_ms(d.recv_into(bytearray(9), 5000), 9000))
    await d.close()
    await asyncio.sleep_ms(10_000)
    assert b.chip.resets > 2
    await ready(d)
    await d.connect(HOST, PORT, 5000)
    assert await talk(d) == b"hello"


async def test_e6_a_chip_that_hangs_is_started_anew():
    """Link and registers look well, nothing passes: who waited in vain raises suspicion."""
    await check_hang(Ethernet)
    again()
    await fails(check_hang, NaiveEthernet)


async def test_a_chip_that_hung_before_there_was_an_address_is_started_anew():
    chip = W5500()
    b, d = ethernet(chip)
    await asyncio.sleep_ms(1000)
    chip.stuck = True
    await asyncio.sleep_ms(13_000)
    assert not d.ready and d.restarts == 0
    await ready(d, 7000)
    assert d.restarts == 1
    chip.stuck = True
    chip.plugged = False
    await until(lambda: not d.ready, 3000)
    chip.plugged = True
    await ready(d, 80_000)  # once a minute


async def test_a_chip_is_not_started_anew_over_and_over():
    """A network that answers nothing is no reason to restart the chip more than once a minute."""
    b, d = ethernet()
    await ready(d)
    b.net.path = lambda: False
    for _ in range(60):
        try:
            await d.connect(HOST, PORT, 5000)
        except (OSError, asyncio.TimeoutError):
            await asyncio.sleep_ms(1000)
    assert 2 <= d.restarts <= 7, d.restarts


# ---- E7 -----------------------------------------------------------------------------------------


async def test_e7_another_address_ends_our_connections():
    """The router was exchanged: nobody answers on a connection of the old address."""
    b, d = ethernet()
    await ready(d)
    await d.connect(HOST, PORT, 5000)
    b.chip.lease = ("192.168.5.99",) + b.chip.lease[1:]
    b.chip.plugged = False
    await asyncio.sleep_ms(2100)
    network.LAN().status()
    b.chip.plugged = True
    await ready(d, 6000)
    assert not d.connected
    await d.connect(HOST, PORT, 5000)
    network.LAN().ifconfig(("192.168.5.100",) + b.chip.lease[1:])
    await until(lambda: not d.connected, 1000)
    assert d.ready


# ---- E8 -----------------------------------------------------------------------------------------


async def test_e8_cancelled_at_any_point_it_can_be_started_again():
    """The supervisor restarts the owner task whenever it likes."""
    for ms in range(0, 3600, 240):
        again()
        b, d = ethernet()
        await asyncio.sleep_ms(ms)
        b.stop()
        await asyncio.sleep_ms(1)
        assert not d.ready and d.reason == "starting"
        b.start(d)
        await ready(d, 6000)
        assert b.net.open == []


# ---- E9 -----------------------------------------------------------------------------------------


SETTINGS = {"host": HOST, "port": PORT, "connect_timeout_s": 5, "connect_tries": 2}


class Other:
    """A modem that is there."""

    name = "4G"
    ready = True
    reason = None
    signal = 2
    connected = False

    async def connect(self, host, port, timeout_ms):
        self.connected = True

    async def close(self):
        self.connected = False


async def test_e9_the_link_falls_back_to_the_next_bearer_and_comes_home():
    """Ethernet first, the modem while the cable is out: no bearer blocks another."""
    b, d = ethernet()
    modem = Other()
    link = Link([d, modem], SETTINGS)
    await ready(d)
    await link.open()
    assert d.connected and not modem.connected and link.signal() == 4
    b.chip.plugged = False
    await until(lambda: not d.ready, 3000)
    assert link.ready() and link.signal() == 2
    _, gap = await longest_gap(link.open())
    assert modem.connected and gap <= 5000 and b.net.open == []
    b.chip.plugged = True
    await ready(d, 6000)
    await link.close()
    await link.open()
    assert d.connected and not modem.connected
    await link.close()
    assert b.net.open == []


# ---- E10 ----------------------------------------------------------------------------------------


async def check_both(make):
    b, d = ethernet(make=make)
    b.both()
    wlan = network.WLAN()
    wlan.active(True)
    wlan.connect("shop", "secret99")
    await ready(d)
    assert wlan.isconnected()
    b.air.plan((0, "mute", 0, True))  # Wi-Fi says that it is up, and carries nothing
    for host in (HOST, NAME):
        await d.connect(host, PORT, 3000)
        assert await talk(d) == b"hello"
        await d.close()
    b.chip.stuck = True
    b.air.plan((0, "mute", 0, False))
    await asyncio.sleep_ms(100)
    await araises(asyncio.TimeoutError, d.connect(HOST, PORT, 3000))  # not by Wi-Fi either


async def test_e10_with_two_interfaces_up_each_bearer_uses_its_own():
    """ESP-IDF's default route is Wi-Fi: a cable that works would wait for an access point that
    does not, unless its sockets are bound to its address."""
    await check_both(Ethernet)
    again()
    await fails(check_both, NaiveEthernet)


# ---- all of it ----------------------------------------------------------------------------------


async def test_days_of_bad_cables():
    rng = XorShift(seed(3))
    b, d = ethernet()
    done = 0
    for _ in range(120):
        what = rng.below(6)
        b.chip.plugged = what != 0
        b.chip.dead = what == 1
        b.chip.dhcp_us = None if what == 2 else 800_000
        if what == 3:
            b.chip.stuck = True
        for _ in range(1 + rng.below(6)):
            try:
                await d.connect(NAME, PORT, 4000)
                done += await talk(d, b"x" * 300, 4000) == b"x" * 300
            except (OSError, asyncio.TimeoutError):
                await asyncio.sleep_ms(1 + rng.below(4000))
            await d.close()
            assert b.net.open == [] or d.suspicion.is_set() or b.net.most_open <= 2
    b.chip.plugged, b.chip.dead, b.chip.dhcp_us = True, False, 800_000
    await asyncio.sleep_ms(70_000)
    await ready(d, 70_000)
    if b.chip.stuck:  # nobody has noticed yet
        await araises(asyncio.TimeoutError, d.connect(NAME, PORT, 5000))
        await until(lambda: not d.ready, 5000)
        await ready(d, 10_000)
    await d.connect(NAME, PORT, 5000)
    assert await talk(d) == b"hello" and done > 10 and b.net.most_open <= 2, done
    await d.close()
    assert b.net.open == [] and not b.tasks[0].done()
