# What the tests of Wi-Fi and Ethernet share: a terminal with a radio or a cable, a shop's network
# with a DNS server and the acquirer's host behind it, in virtual time.

import asyncio

import bus
import network
from harness import until
from machine import SPI, Pin

from app.kernel import clock
from drivers.net.ethernet import Ethernet
from drivers.net.wifi import Wifi
from models.dns_server import A, DnsServer
from models.ip_net import Host, IpNet
from models.w5500 import W5500
from models.wifi_air import AccessPoint, Air

HOST = "10.1.1.1"
PORT = 5000
NAME = "host.example"
CS, INT = 21, 26


def echo(link, data):
    return [(10_000, data)]


_benches = []


def again():
    """Another terminal for the next part of a test; the one before is no more."""
    while _benches:
        b = _benches.pop()
        if b.bus is bus.current:  # those of another test ended with its loop
            b.stop()
    bus.current.rack._others.clear()


class Bench:
    """`air`, `chip`: what the terminal hangs on; `net`: sockets and peers; `host`: the acquirer's,
    which echoes; `dns`: the network's server."""

    def __init__(self, points=None, chip=None):
        self.air = Air(*(points or (AccessPoint("shop", "secret99"),)))
        self.chip = chip
        network.use(self.air, chip)
        self.air.advance(now_us())
        rack = bus.current.rack
        if chip is not None:
            rack.attach_spi(2, chip, CS)
        self.net = IpNet(
            now_us, notify=lambda: rack.events.append(("irq", -1, 0)), block=self._block
        )
        rack.attach(self.net)
        rack.attach(self)
        self.net.path = (chip or self.air).forwards
        self.host = self.net.hosts[HOST, PORT] = Host(echo)
        self.dns = DnsServer({NAME: [(A, 300, HOST)]})
        for gateway in ("192.168.4.1", "192.168.5.1"):
            self.net.servers[gateway, 53] = self.dns
        self.net.names[NAME] = HOST
        self.blocked_us = 0
        self.tasks = []
        self.bus = bus.current
        _benches.append(self)

    def both(self):
        """Wi-Fi and the cable at once: what is not bound to the cable's address goes by Wi-Fi."""
        self.net.path = self.air.forwards
        self.net.paths = {self.chip.lease[0]: self.chip.forwards}

    def _block(self, us):
        self.blocked_us += us
        bus.current.spend(us)
        self.net.advance(bus.current.now_us())

    # The air in the rack's time: what is planned happens when it is due.
    def next_due(self):
        return self.air.next_due()

    def advance(self, now_us):
        self.air.advance(now_us)

    def start(self, driver):
        for _, task in driver.tasks():
            self.tasks.append(asyncio.create_task(task()))
        return driver

    def stop(self):
        for t in self.tasks:
            t.cancel()
        self.tasks = []


def wifi(*networks, **options):
    """(bench, driver with its tasks running); `points` access points, `make` another driver."""
    make = options.pop("make", Wifi)
    b = Bench(options.pop("points", None))
    wlan = network.WLAN(network.STA_IF)
    if networks == ():
        networks = (("shop", "secret99"),)
    if make is Wifi:
        options["country"] = "CN"
    return b, b.start(make(wlan, clock, networks, net=b.net, **options))


def make_lan():
    return network.LAN(
        spi=SPI(2, baudrate=20_000_000), cs=Pin(CS, Pin.OUT, value=1), int=Pin(INT, Pin.IN),
        phy_type=network.PHY_W5500, phy_addr=0,
    )  # fmt: skip


def ethernet(chip=None, **options):
    """(bench, driver with its tasks running)."""
    make = options.pop("make", Ethernet)
    b = Bench(chip=chip or W5500())
    return b, b.start(make(make_lan, clock, net=b.net, **options))


async def ready(driver, ms=20_000):
    await until(lambda: driver.ready, ms, "the link, is: %s" % driver.reason)


async def talk(driver, data=b"hello", ms=5000):
    """Send and read back what the echoing host returns."""
    await driver.send(data, ms)
    out = b""
    buf = bytearray(300)
    while len(out) < len(data):
        n = await driver.recv_into(buf, ms)
        if not n:
            break
        out += bytes(buf[:n])
    return out


def now_us():
    return bus.current.now_us()


async def longest_gap(awaitable):
    """(result or exception, longest time in us for which the event loop did not come round)."""
    gap = 0
    last = now_us()

    async def watch():
        nonlocal gap, last
        while True:
            last = now_us()
            await asyncio.sleep_ms(1)
            gap = max(gap, now_us() - last - 1000)

    task = asyncio.create_task(watch())
    await asyncio.sleep_ms(2)
    try:
        result = await awaitable
    except (OSError, asyncio.TimeoutError) as e:
        result = e
    await asyncio.sleep_ms(2)
    task.cancel()
    return result, gap


async def fails(check, *args, **options):
    """The naive driver must fail `check`; anything else means that the check sees nothing."""
    try:
        await check(*args, **options)
    except (AssertionError, OSError, RuntimeError, asyncio.TimeoutError):
        return
    raise AssertionError("the check passes on the naive driver")
