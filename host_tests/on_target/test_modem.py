# The modem driver against the modem model: start, sockets, and everything that comes in between.

import asyncio

import bus
from harness import Rng, araises, cancel_at, until
from machine import UART, Pin

from app.kernel import clock
from drivers.modem.a7670 import A7670
from drivers.modem.at import AtError, Lines
from drivers.modem.reply import announced, numbers
from models.a7670 import Modem

PWRKEY, STATUS = 8, 3


class Net:
    """Far end of the modem's sockets: collects what is sent, answers by echo when told to."""

    def __init__(self):
        self.modem = None
        self.sent = b""
        self.opened = []
        self.refuse = 0
        self.silent = False
        self.echo = False

    def open(self, link, host, port):
        self.opened.append((host, port))
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


def modem(status=True, **options):
    """(model, net, driver), with the driver's tasks running."""
    rack = bus.current.rack
    net = Net()
    options.setdefault("boot_us", 4_000_000)
    options.setdefault("register_us", 1_000_000)
    model = Modem(net, **options)
    net.modem = model
    rack.attach_uart(2, model)
    rack.attach_gpio(StatusPin(model))
    rack.on_output(PWRKEY, model.pwrkey)
    uart = UART(2, baudrate=115200, txbuf=2048, rxbuf=4096)
    key = Pin(PWRKEY, Pin.OPEN_DRAIN, value=1)
    pin = Pin(STATUS, Pin.IN, Pin.PULL_DOWN) if status else None
    driver = A7670(uart, key, pin, clock, "cmnet")
    for _, task in driver.tasks():
        asyncio.create_task(task())
    return model, net, driver


async def ready(driver, ms=60_000):
    await until(lambda: driver.ready, ms, "modem ready, is: %s" % driver.reason)


def now():
    bus.current._advance()
    return bus.current.rack.now_us


def push(model, net_call, *args):
    getattr(model, net_call)(*args, now())
    bus.current.rack.poke()


async def talk(driver, data=b"hello", n=5):
    """Send and read back over an echoing net; the bytes read."""
    await driver.send(data, 5000)
    out = b""
    buf = bytearray(300)
    while len(out) < n:
        k = await driver.recv_into(buf, 5000)
        if not k:
            break
        out += bytes(buf[:k])
    return out


# ---- start
# ----------------------------------------------------------------------------------------


async def test_it_is_switched_on_and_comes_up():
    model, net, driver = modem()
    assert not driver.ready and driver.reason == "starting"
    await ready(driver, 15_000)
    await asyncio.sleep_ms(11_000)  # the first +CSQ is 99,99: not known
    assert driver.signal == 3 and driver.reason is None
    assert model.errors == [] and model.unsupported == []
    assert model.apns[1] == ("IP", "cmnet")


async def test_a_modem_that_runs_already_is_not_switched_off():
    for status in (True, False):
        bus.use(bus.LocalBus())
        Pin._pins.clear()
        model, _, driver = modem(status, auto_on=True)
        await asyncio.sleep_ms(1)
        await ready(driver, 20_000)
        assert model.starts == 1


async def test_what_keeps_it_from_coming_up_has_a_word():
    for options, reason in (
        ({"sim": "ABSENT"}, "no_sim"),
        ({"sim": "SIM PIN"}, "sim_locked"),
        ({"network": "denied"}, "denied"),
        ({"network": "searching"}, "searching"),
    ):
        bus.use(bus.LocalBus())
        Pin._pins.clear()
        model, _, driver = modem(**options)
        await asyncio.sleep_ms(40_000)
        assert not driver.ready and driver.reason == reason, (options, driver.reason)
        assert model.radio.tries == 3  # a SIM PIN is never guessed
        e = await araises(OSError, driver.connect("h", 1, 1000))
        assert e.args[0] == 101


async def test_a_dead_modem_is_reported():
    model, _, driver = modem()
    model.power(False, 0)
    await asyncio.sleep_ms(70_000)
    assert driver.reason == "no_modem"


async def test_a_sim_that_is_put_in_later_is_found():
    model, _, driver = modem(sim="ABSENT")
    await asyncio.sleep_ms(40_000)
    model.insert_sim(now())
    bus.current.rack.poke()
    await ready(driver, 120_000)


# ---- sockets
# --------------------------------------------------------------------------------------


async def test_connect_send_receive_close():
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    for _ in range(3):
        await driver.connect("10.0.0.1", 5000, 5000)
        assert driver.connected and net.opened[-1] == ("10.0.0.1", 5000)
        assert await talk(driver, b"hello") == b"hello"
        await driver.close()
        assert not driver.connected
    assert net.sent == b"hello" * 3
    assert model.errors == []


async def test_any_byte_can_be_sent_and_received():
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    rng = Rng(6)
    data = (
        bytes(range(256))
        + b"\r\nOK\r\n>\x1a\x1b+IPCLOSE: 0,1\r\n+CIPRXGET: 2,0,9,9\r\n"
        + rng.bytes(1500)
    )
    assert await talk(driver, data, len(data)) == data
    assert net.sent == data and model.errors == []


async def test_a_host_that_refuses_and_one_that_never_answers():
    model, net, driver = modem()
    await ready(driver)
    net.refuse = 1
    e = await araises(OSError, driver.connect("h", 1, 5000))
    assert e.args[0] == 111
    net.refuse = 0
    net.silent = True
    await araises(asyncio.TimeoutError, driver.connect("h", 1, 3000))
    net.silent = False
    net.echo = True
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


async def test_the_other_side_closes_and_what_came_before_is_still_read():
    model, net, driver = modem()
    await ready(driver)
    await driver.connect("h", 1, 5000)
    push(model, "net_data", 0, b"last words")
    push(model, "net_closed", 0)
    await asyncio.sleep_ms(300)
    assert not driver.connected
    buf = bytearray(100)
    assert await driver.recv_into(buf, 1000) == 10 and buf[:10] == b"last words"
    assert await driver.recv_into(buf, 1000) == 0
    await araises(OSError, driver.send(b"x", 1000))


async def test_receiving_ends_at_its_deadline():
    _, _, driver = modem()
    await ready(driver)
    await driver.connect("h", 1, 5000)
    start = clock.ticks()
    await araises(asyncio.TimeoutError, driver.recv_into(bytearray(10), 700))
    assert 700 <= clock.diff(clock.ticks(), start) < 760


async def test_a_send_that_fails_is_an_error_and_not_silence():
    for how in ("error", "short", "closed"):
        bus.use(bus.LocalBus())
        Pin._pins.clear()
        model, _, driver = modem()
        await ready(driver)
        await driver.connect("h", 1, 5000)
        model.faults.send_fail(how)
        e = await araises(OSError, driver.send(b"data", 5000))
        assert e.args[0] == 104, how


# ---- what comes in between
# --------------------------------------------------------------------------


async def test_unsolicited_lines_anywhere_change_nothing():
    for place in ("start", "info", "prompt", "final", "end"):
        bus.use(bus.LocalBus())
        Pin._pins.clear()
        model, net, driver = modem()
        net.echo = True
        await ready(driver)
        for text in (
            "+CREG: 1",
            "+CSQ: 9,99",
            '+CMTI: "SM",3',
            "RING",
            "+CGEV: ME DETACH",
            "+CIPRXGET: 1,3",
        ):
            model.faults.urc(text, "", place, 3)
        await driver.connect("h", 1, 5000)
        for _ in range(4):
            assert await talk(driver, b"0123456789" * 20, 200) == b"0123456789" * 20, place
        await driver.close()


async def test_a_storm_of_unsolicited_lines():
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    model.storm(40_000, now(), seed=4)
    for _ in range(5):
        await driver.connect("h", 1, 8000)
        assert await talk(driver, b"x" * 600, 600) == b"x" * 600
        await driver.close()


async def test_a_restart_of_the_module_drops_the_connection_and_is_survived():
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    model.crash(now())
    bus.current.rack.poke()
    buf = bytearray(10)
    try:
        assert await driver.recv_into(buf, 30_000) == 0
    except asyncio.TimeoutError:
        raise AssertionError("the dead connection was not noticed")
    assert not driver.connected and driver.restarts == 1
    await ready(driver, 60_000)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


async def restart_at(command):
    """The module restarts at the n-th command from here; afterwards everything goes as before."""
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    model.faults.reboot_at = model.line.commands + command
    try:
        await talk(driver)
    except (OSError, asyncio.TimeoutError):
        pass
    await until(lambda: not driver.ready, 30_000, "the restart")
    model.faults.reboot_at = None
    await ready(driver, 90_000)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


async def test_a_restart_while_a_request_is_sent():
    await restart_at(2)


async def test_a_restart_while_an_answer_is_fetched():
    await restart_at(3)


async def test_a_module_that_hangs_is_brought_back():
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    model.hang(now())
    await until(lambda: not driver.ready, 60_000, "the hang to be noticed")
    await ready(driver, 300_000)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


async def test_loss_of_signal_is_seen_and_made_good():
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    model.set_signal(False, now())
    bus.current.rack.poke()
    await until(lambda: not driver.ready, 60_000, "loss of signal")
    assert not driver.connected
    model.set_signal(True, now())
    bus.current.rack.poke()
    await ready(driver, 120_000)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


async def test_after_a_cancelled_command_the_next_one_gets_its_own_reply():
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    cut = 0
    for ms in range(1, 120, 3):
        if not await cancel_at(ms, lambda: talk(driver, b"abandoned", 9)):
            cut += 1
        if not driver.connected:
            await driver.connect("h", 1, 5000)
        # whatever is left of the abandoned exchange comes first
        await asyncio.sleep_ms(200)
        try:
            while driver._readable:
                await driver.recv_into(bytearray(200), 1000)
        except asyncio.TimeoutError:
            pass
        assert await talk(driver, b"mine", 4) == b"mine", ms
    print("%d cancelled" % cut)
    assert cut > 20


async def test_a_late_ok_belongs_to_nobody():
    model, net, driver = modem()
    net.echo = True
    await ready(driver)
    model.faults.final("+CIPOPEN", delay_us=3_000_000, copies=2)
    await driver.connect("h", 1, 10_000)
    assert await talk(driver) == b"hello"
    assert await talk(driver, b"again") == b"again"


async def test_a_noisy_line_never_breaks_the_driver():
    model, net, driver = modem(seed=12)
    net.echo = True
    await ready(driver)
    model.faults.drop = 0.002
    model.faults.flip = 0.002
    good = bad = 0
    for _ in range(25):
        try:
            if not driver.ready:
                await ready(driver, 200_000)
            await driver.connect("h", 1, 3000)
            await driver.send(b"x" * 100, 3000)
            good += 1
            await driver.close()
        except (OSError, asyncio.TimeoutError, AssertionError):
            bad += 1
    model.faults.drop = model.faults.flip = 0
    await asyncio.sleep_ms(60_000)
    await ready(driver, 300_000)
    await driver.connect("h", 1, 5000)
    net.sent = b""
    assert await talk(driver) == b"hello"
    print("%d exchanges good, %d failed on a noisy line" % (good, bad))
    assert good > 3


# ---- parsing
# --------------------------------------------------------------------------------------


class Sink:
    def __init__(self):
        self.got = []

    def line(self, text):
        self.got.append(text)

    def prompt(self):
        self.got.append(">")

    def data(self, raw):
        self.got.append(bytes(raw))


def test_lines_are_the_same_however_the_bytes_are_split():
    stream = b"\r\nOK\r\n\r\n+CIPRXGET: 2,0,7,0\r\n\r\nOK\r\n>\r\n\r\nOK\r\n\r\n>\r\n+CREG: 1\r\n"
    want = ["OK", "+CIPRXGET: 2,0,7,0", b"\r\nOK\r\n>", "OK", ">", "+CREG: 1"]
    for size in (1, 2, 3, 5, 7, 100):
        sink = Sink()
        lines = Lines(sink, "+CIPRXGET: 2,")
        for i in range(0, len(stream), size):
            lines.feed(stream[i : i + size])
        assert sink.got == want, (size, sink.got)


def test_garbage_is_bounded():
    sink = Sink()
    lines = Lines(sink, "+CIPRXGET: 2,")
    rng = Rng(2)
    for _ in range(300):
        lines.feed(rng.bytes(100))
    assert len(lines._line) <= 256
    lines.feed(b"x" * 1000 + b"\n\r\n+CIPRXGET: 2,0,99999,0\r\nOK\r\n")
    assert sink.got[-1] == "OK" and lines.overlong > 0


def test_numbers_of_a_line():
    assert numbers("+CIPOPEN: 0,0") == [0, 0]
    assert numbers('+COPS: 0,0,"CHINA MOBILE",7') == [0, 0, -1, 7]
    assert announced("+CIPRXGET: 2,0,12,3") == 12
    for bad in (
        "+CIPRXGET: 2,0,-1,0",
        "+CIPRXGET: 2,0,1501,0",
        "+CIPRXGET: 2,0,x,0",
        "+CIPRXGET: 2,0,5",
    ):
        assert announced(bad) == 0
    assert issubclass(AtError, Exception)
