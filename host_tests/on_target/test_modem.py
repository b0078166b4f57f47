# The modem driver against the modem models: start, sockets, and everything that comes in between.

import asyncio

import bus
from harness import Rng, araises, cancel_at, seed, until
from modem_desk import families, fresh, modem, now, push, ready, talk

from app.kernel import clock
from drivers.modem.at import AtError, Lines
from drivers.modem.reply import announced, numbers

# ---- start --------------------------------------------------------------------------------------


@families
async def test_it_is_switched_on_and_comes_up(family):
    model, net, driver = modem(family)
    assert not driver.ready and driver.reason == "starting"
    await ready(driver, 15_000)
    await asyncio.sleep_ms(11_000)  # the first +CSQ is 99,99: not known
    assert driver.signal == 3 and driver.reason is None
    assert model.errors == [] and model.unsupported == []
    assert model.apns[1] == ("IP", "cmnet")


@families
async def test_a_modem_that_runs_already_is_not_switched_off(family):
    for status in (True, False):
        fresh()
        model, _, driver = modem(family, status, auto_on=True)
        await asyncio.sleep_ms(1)
        await ready(driver, 20_000)
        assert model.starts == 1


@families
async def test_what_keeps_it_from_coming_up_has_a_word(family):
    for options, reason in (
        ({"sim": "ABSENT"}, "no_sim"),
        ({"sim": "SIM PIN"}, "sim_locked"),
        ({"network": "denied"}, "denied"),
        ({"network": "searching"}, "searching"),
    ):
        fresh()
        model, _, driver = modem(family, **options)
        await asyncio.sleep_ms(40_000)
        assert not driver.ready and driver.reason == reason, (options, driver.reason)
        assert model.radio.tries == 3  # a SIM PIN is never guessed
        e = await araises(OSError, driver.connect("h", 1, 1000))
        assert e.args[0] == 101


@families
async def test_a_dead_modem_is_reported(family):
    model, _, driver = modem(family)
    model.power(False, 0)
    await asyncio.sleep_ms(70_000)
    assert driver.reason == "no_modem"


@families
async def test_a_sim_that_is_put_in_later_is_found(family):
    model, _, driver = modem(family, sim="ABSENT")
    await asyncio.sleep_ms(40_000)
    model.insert_sim(now())
    bus.current.rack.poke()
    await ready(driver, 120_000)


# ---- sockets ------------------------------------------------------------------------------------


@families
async def test_connect_send_receive_close(family):
    model, net, driver = modem(family)
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


@families
async def test_any_byte_can_be_sent_and_received(family):
    model, net, driver = modem(family)
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


@families
async def test_a_host_that_refuses_and_one_that_never_answers(family):
    model, net, driver = modem(family)
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


@families
async def test_the_other_side_closes_and_what_came_before_is_still_read(family):
    model, net, driver = modem(family)
    await ready(driver)
    await driver.connect("h", 1, 5000)
    push(model, "net_data", net.links[-1], b"last words")
    push(model, "net_closed", net.links[-1])
    await asyncio.sleep_ms(300)
    assert not driver.connected
    buf = bytearray(100)
    assert await driver.recv_into(buf, 1000) == 10 and buf[:10] == b"last words"
    assert await driver.recv_into(buf, 1000) == 0
    await araises(OSError, driver.send(b"x", 1000))


@families
async def test_receiving_ends_at_its_deadline(family):
    _, _, driver = modem(family)
    await ready(driver)
    await driver.connect("h", 1, 5000)
    start = clock.ticks()
    await araises(asyncio.TimeoutError, driver.recv_into(bytearray(10), 700))
    assert 700 <= clock.diff(clock.ticks(), start) < 760


@families
async def test_a_send_that_fails_is_an_error_and_not_silence(family):
    for how in ("error", "short", "closed"):
        fresh()
        model, _, driver = modem(family)
        await ready(driver)
        await driver.connect("h", 1, 5000)
        model.faults.send_fail(how)
        e = await araises(OSError, driver.send(b"data", 5000))
        assert e.args[0] == 104, how


# ---- what comes in between ----------------------------------------------------------------------


@families
async def test_unsolicited_lines_anywhere_change_nothing(family):
    for place in ("start", "info", "prompt", "final", "end"):
        fresh()
        model, net, driver = modem(family)
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


@families
async def test_a_storm_of_unsolicited_lines(family):
    model, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    model.storm(40_000, now(), seed=4)
    for _ in range(5):
        await driver.connect("h", 1, 8000)
        assert await talk(driver, b"x" * 600, 600) == b"x" * 600
        await driver.close()


@families
async def test_a_restart_of_the_module_drops_the_connection_and_is_survived(family):
    model, net, driver = modem(family)
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


async def restart_at(family, command):
    """The module restarts at the n-th command from here; afterwards everything goes as before."""
    model, net, driver = modem(family)
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


@families
async def test_a_restart_while_a_request_is_sent(family):
    await restart_at(family, 2)


@families
async def test_a_restart_while_an_answer_is_fetched(family):
    await restart_at(family, 3)


@families
async def test_a_module_that_hangs_is_brought_back(family):
    model, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    model.hang(now())
    await until(lambda: not driver.ready, 60_000, "the hang to be noticed")
    await ready(driver, 300_000)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


@families
async def test_loss_of_signal_is_seen_and_made_good(family):
    model, net, driver = modem(family)
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


@families
async def test_after_a_cancelled_command_the_next_one_gets_its_own_reply(family):
    model, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    cut = 0
    for ms in range(1, 120, 2):
        if not await cancel_at(ms, lambda: talk(driver, b"abandoned", 9)):
            cut += 1
        if not driver.connected:
            await driver.connect("h", 1, 5000)
        # whatever is left of the abandoned exchange comes first
        await asyncio.sleep_ms(200)
        try:
            while driver.sockets[0].readable:
                await driver.recv_into(bytearray(200), 1000)
        except (OSError, asyncio.TimeoutError):
            await driver.connect("h", 1, 5000)
        if not driver.connected:
            await driver.connect("h", 1, 5000)
        assert await talk(driver, b"mine", 4) == b"mine", ms
    print("%d cancelled" % cut)
    assert cut > 20


@families
async def test_a_late_ok_belongs_to_nobody(family):
    model, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    model.faults.final("+CIPOPEN", delay_us=3_000_000, copies=2)
    await driver.connect("h", 1, 10_000)
    assert await talk(driver) == b"hello"
    assert await talk(driver, b"again") == b"again"


@families
async def test_a_noisy_line_never_breaks_the_driver(family):
    model, net, driver = modem(family, seed=seed(12))
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


# ---- parsing ------------------------------------------------------------------------------------


SIMCOM = ("+CIPRXGET: 2,", 2, 4)
QUECTEL = ("+QIRD:", 0, 1)


class Sink:
    def __init__(self):
        self.got = []
        self.lines = None

    def line(self, text):
        self.got.append(text)

    def prompt(self):
        self.got.append(">")

    def data(self, n):
        self.got.append(None if n is None else bytes(self.lines.raw[:n]))

    def unsolicited(self, text):
        return text.startswith("+")


def test_lines_are_the_same_however_the_bytes_are_split():
    stream = b"\r\nOK\r\n\r\n+CIPRXGET: 2,0,7,0\r\n\r\nOK\r\n>\r\n\r\nOK\r\n\r\n>\r\n+CREG: 1\r\n"
    want = ["OK", "+CIPRXGET: 2,0,7,0", b"\r\nOK\r\n>", "OK", ">", "+CREG: 1"]
    for size in (1, 2, 3, 5, 7, 100):
        sink = Sink()
        lines = sink.lines = Lines(sink, SIMCOM)
        for i in range(0, len(stream), size):
            lines.feed(stream[i : i + size])
        assert sink.got == want, (size, sink.got)


def test_garbage_is_bounded():
    sink = Sink()
    lines = sink.lines = Lines(sink, SIMCOM)
    rng = Rng(2)
    for _ in range(300):
        lines.feed(rng.bytes(100))
    assert len(lines._line) <= 256
    lines.feed(b"x" * 1000 + b"\n\r\n+CIPRXGET: 2,0,99999,0\r\nOK\r\n")
    assert sink.got[-1] == "OK" and lines.overlong > 0


def test_numbers_of_a_line():
    assert numbers("+CIPOPEN: 0,0") == [0, 0]
    assert numbers('+COPS: 0,0,"CHINA MOBILE",7') == [0, 0, -1, 7]
    assert announced("+CIPRXGET: 2,0,12,3", SIMCOM) == 12
    assert announced("+QIRD: 12", QUECTEL) == 12
    assert announced("+QIRD: 12,5,7", QUECTEL) == 0 and announced("+QIRD: 0", QUECTEL) == 0
    for bad in (
        "+CIPRXGET: 2,0,-1,0",
        "+CIPRXGET: 2,0,x,0",
        "+CIPRXGET: 2,0,5",
    ):
        assert announced(bad, SIMCOM) == 0
    assert issubclass(AtError, Exception)
