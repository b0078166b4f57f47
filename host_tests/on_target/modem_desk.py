# A modem of either family on the simulated board, its network, and the driver; for tests.

import asyncio
from asyncio import core

import bus
from harness import until
from machine import UART, Pin

from app.kernel import clock
from drivers.modem.a7670 import A7670
from drivers.modem.ec200 import EC200

PWRKEY, STATUS = 8, 3
FAMILIES = ("A7670", "EC200")


class Net:
    """Far end of the modem's sockets: collects what is sent, answers by echo when told to."""

    def __init__(self):
        self.modem = None
        self.sent = b""
        self.opened = []
        self.links = []  # numbers of the connections, as opened
        self.refuse = 0
        self.silent = False
        self.echo = False

    def open(self, link, host, port):
        self.opened.append((host, port))
        self.links.append(link)
        if not self.silent:
            self.modem.net_opened(link, self.refuse, self.modem.now)

    def send(self, link, data):
        self.sent += data
        if self.echo:
            self.modem.net_data(link, data, self.modem.now)

    def close(self, link):
        pass


class StatusPin:
    def __init__(self, modem):
        self.modem = modem

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        return {STATUS: self.modem.status()}

    def next_due(self):
        return None

    def advance(self, now_us):
        pass


def model(family, net, **options):
    """A modem model of a family, connected to UART 2 and the pins."""
    options.setdefault("boot_us", 4_000_000)
    options.setdefault("register_us", 1_000_000)
    if family in ("A7670", "SIM7600"):
        from models.a7670 import Modem

        made = Modem(net, family, **options)
    else:
        from models.quectel import Quectel

        made = Quectel(net, family, **options)
    net.modem = made
    rack = bus.current.rack
    rack.attach_uart(2, made)
    rack.attach_gpio(StatusPin(made))
    rack.on_output(PWRKEY, made.pwrkey)
    return made


def wires(status=True, rxbuf=4096):
    """(UART, power key, status) as a board file makes them."""
    uart = UART(2, baudrate=115200, txbuf=2048, rxbuf=rxbuf)
    key = Pin(PWRKEY, Pin.OPEN_DRAIN, value=1)
    return uart, key, Pin(STATUS, Pin.IN, Pin.PULL_DOWN) if status else None


_tasks = []


def start(driver):
    for _, task in driver.tasks():
        _tasks.append((core._task_queue, asyncio.create_task(task())))


def modem(family="A7670", status=True, driver=None, pin="", rxbuf=4096, **options):
    """(model, net, driver), with the driver's tasks running. `driver`: its class."""
    net = Net()
    made = model(family, net, **options)
    uart, key, level = wires(status, rxbuf)
    if driver is None:
        driver = A7670 if family in ("A7670", "SIM7600") else EC200
    d = driver(uart, key, level, clock, "cmnet", pin)
    start(d)
    return made, net, d


def fresh():
    """A new board for the next round of a test; the old one's driver is gone."""
    for queue, task in _tasks:
        if queue is core._task_queue:  # not of a test before this one
            task.cancel()
    _tasks.clear()
    bus.use(bus.LocalBus())
    Pin._pins.clear()


def families(test):
    """The test, once for each family, each time with a board of its own."""

    async def both():
        for family in FAMILIES:
            fresh()
            await test(family)

    return both


async def ready(driver, ms=60_000):
    await until(lambda: driver.ready, ms, "modem ready, is: %s" % driver.reason)


def now():
    bus.current._advance()
    return bus.current.rack.now_us


def push(made, net_call, *args):
    getattr(made, net_call)(*args, now())
    bus.current.rack.poke()


async def talk(bearer, data=b"hello", n=None):
    """Send and read back over an echoing net; the bytes read."""
    n = len(data) if n is None else n
    await bearer.send(data, 5000)
    out = b""
    buf = bytearray(300)
    while len(out) < n:
        k = await bearer.recv_into(buf, 5000)
        if not k:
            break
        out += bytes(buf[:k])
    return out
