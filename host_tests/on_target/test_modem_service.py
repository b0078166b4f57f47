# The modem driver with both families: SIM, PIN, two connections, what the technician asks, the
# ladder, a cancel at every moment.

import asyncio
import gc
import time

import bus
from harness import Rng, araises, cancel_at, until
from modem_desk import families, fresh, modem, now, push, ready, talk

from drivers.modem.at import Command, Lines
from drivers.modem.auto import Auto
from drivers.modem.ec200 import EC20, EC200U

# ---- SIM and PIN --------------------------------------------------------------------------------


@families
async def test_m9_the_pin_is_entered_once_and_never_with_the_last_try(family):
    """A wrong SIM PIN costs one try, the last but one is never used: a program must not lock a
    card for good."""
    made, _, driver = modem(family, sim="SIM PIN", pin="9999")
    made.radio.pin = "1234"
    await until(lambda: driver.reason == "sim_locked", 30_000, "the refusal")
    await asyncio.sleep_ms(200_000)
    assert made.radio.tries == 2 and driver.reason == "sim_locked"
    driver.set_pin("1111")
    await until(lambda: made.radio.tries == 1, 100_000, "the second PIN")
    driver.set_pin("1234")  # the right one, but the last try
    await asyncio.sleep_ms(200_000)
    assert made.radio.tries == 1 and driver.reason == "sim_locked"
    assert await driver.sim.tries() == 1
    # By hand, as a technician does it.
    await driver.at.command('AT+CPIN="1234"', 5000)
    await ready(driver, 120_000)


@families
async def test_m9_the_right_pin_opens_the_card_after_every_start(family):
    """The configured PIN is entered after each start of the module."""
    made, net, driver = modem(family, sim="SIM PIN", pin="1234")
    net.echo = True
    await ready(driver)
    push(made, "crash")
    await until(lambda: not driver.ready, 20_000, "the restart")
    await ready(driver)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"
    assert made.radio.tries == 3


@families
async def test_m9_a_pin_that_is_none_or_a_card_that_wants_more_is_for_a_person(family):
    """No PIN, letters, PUK: nothing is sent to the card."""
    for sim, pin in (("SIM PIN", ""), ("SIM PIN", "12"), ("SIM PIN", '1"34'), ("SIM PUK", "1234")):
        fresh()
        made, _, driver = modem(family, sim=sim, pin=pin)
        await asyncio.sleep_ms(30_000)
        assert driver.reason == "sim_locked" and made.radio.tries == 3, (sim, pin)


@families
async def test_m9_a_card_that_is_taken_out(family):
    """A card that is taken out is noticed at once; one that is put in is found by a restart."""
    made, _, driver = modem(family)
    await ready(driver)
    push(made, "remove_sim")
    await until(lambda: driver.reason == "no_sim", 2000, "the card's absence")
    assert not driver.ready
    await asyncio.sleep_ms(30_000)
    push(made, "insert_sim")
    await ready(driver, 150_000)


@families
async def test_errors_in_numbers_and_in_words(family):
    for cme in (0, 1, 2):
        fresh()
        made, _, driver = modem(family, sim="ABSENT")
        made.faults.cme = cme
        await asyncio.sleep_ms(30_000)
        assert driver.reason == "no_sim", cme


# ---- two connections ----------------------------------------------------------------------------


@families
async def test_two_connections_at_a_time(family):
    made, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    other = driver.socket()
    await driver.connect("a", 1, 5000)
    await other.connect("b", 2, 5000)
    assert net.opened == [("a", 1), ("b", 2)], net.opened
    assert net.links == [0, 1], net.links
    rng = Rng(1)
    one, two = rng.bytes(2500), rng.bytes(1800)
    got = await asyncio.gather(talk(driver, one), talk(other, two))
    assert got[0] == one and got[1] == two
    push(made, "net_closed", 1)
    await until(lambda: not other.connected, 1000, "the end of the second")
    assert driver.connected and await talk(driver, b"still") == b"still"
    await other.close()
    await other.connect("c", 3, 5000)
    assert await talk(other, b"new") == b"new" and await talk(driver, b"old") == b"old"
    await until(lambda: driver.signal is not None, 20_000, "a measurement")
    assert (other.name, other.ready, other.reason, other.signal) == ("4G", True, None, 3)
    push(made, "set_signal", False)
    await until(lambda: not driver.connected and not other.connected, 30_000, "the loss")


@families
async def test_a_slow_connection_does_not_hold_up_the_other(family):
    made, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    await driver.connect("a", 1, 5000)
    net.silent = True
    slow = asyncio.create_task(driver.socket().connect("b", 2, 8000))
    start = time.ticks_ms()
    assert await talk(driver, b"quick") == b"quick"
    assert time.ticks_diff(time.ticks_ms(), start) < 1000
    await araises(asyncio.TimeoutError, slow)
    net.silent = False
    await driver.socket().connect("b", 2, 8000)
    assert await talk(driver.socket(), b"x") == b"x"


@families
async def test_a_host_that_could_break_the_command_is_refused(family):
    made, _, driver = modem(family)
    await ready(driver)
    commands = made.line.commands
    for host in ("", 'a"b', "a\rAT+CPOF", "中", "x" * 200):
        e = await araises(OSError, driver.connect(host, 1, 1000))
        assert e.args[0] == 22
    assert made.line.commands == commands


# ---- readiness ----------------------------------------------------------------------------------


@families
async def test_connecting_waits_some_seconds_for_the_network(family):
    made, net, driver = modem(family, register_us=4_000_000)
    net.echo = True
    await until(lambda: driver.reason == "searching", 20_000, "searching")
    start = time.ticks_ms()
    await driver.connect("h", 1, 10_000)
    assert 1000 < time.ticks_diff(time.ticks_ms(), start) < 8000
    assert await talk(driver) == b"hello"
    fresh()
    made, net, driver = modem(family, network="searching")
    await until(lambda: driver.reason == "searching", 20_000, "searching")
    for ms, most in ((2000, 2300), (60_000, 8300)):
        start = time.ticks_ms()
        e = await araises(OSError, driver.connect("h", 1, ms))
        assert e.args[0] == 101 and time.ticks_diff(time.ticks_ms(), start) < most


@families
async def test_a_network_that_refuses_is_said_at_once(family):
    made, net, driver = modem(family, network="denied")
    await until(lambda: driver.reason == "denied", 20_000, "the refusal")
    start = time.ticks_ms()
    await araises(OSError, driver.connect("h", 1, 10_000))
    assert time.ticks_diff(time.ticks_ms(), start) < 100
    push(made, "set_network", "roaming")
    await ready(driver, 200_000)


# ---- the ladder ---------------------------------------------------------------------------------


@families
async def test_the_ladder_of_a_search_without_end(family):
    """90 s, then the radio, the module, the power; and again a minute later."""
    made, _, driver = modem(family, network="searching")
    times = []
    wake = {"A7670": "AT+CRESET", "EC200": "AT+CFUN=1,1"}[family]
    command = driver.at.command

    async def watch(text, *args, **options):
        if text in ("AT+CFUN=4", wake, "AT+CPOF", "AT+QPOWD=1"):
            times.append((text, now() // 1_000_000))
        return await command(text, *args, **options)

    driver.at.command = watch
    await until(lambda: len(times) >= 4, 900_000, "the ladder")
    names = [t[0] for t in times]
    assert names[:2] == ["AT+CFUN=4", wake] and names[2] == names[3]
    gaps = [times[0][1]] + [times[i + 1][1] - times[i][1] for i in range(3)]
    assert 90 <= gaps[0] < 105 and 90 <= gaps[1] < 100 and 90 <= gaps[2] < 110, gaps
    assert 150 <= gaps[3] < 180, gaps


@families
async def test_the_service_is_made_anew_when_no_connection_succeeds(family):
    made, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    made.faults.open_error = 1
    down = {"A7670": "+NETCLOSE", "EC200": "+QIDEACT"}[family]
    asked = []
    handler = made.commands[down]
    made.commands = dict(made.commands)
    made.commands[down] = (handler[0], lambda m, *a: (asked.append(1), handler[1](m, *a))[1])
    for i in range(15):
        await araises(OSError, driver.connect("h", 1, 9000))
        if i == 4:
            assert not asked
        elif i == 5:
            assert asked
        await asyncio.sleep_ms(3000)
    await until(lambda: made.starts == 2, 20_000, "the restart of the module")
    made.faults.open_error = None
    await ready(driver)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


@families
async def test_a_lost_service_is_noticed_without_a_word(family):
    """The module forgets its data service and says nothing: ten seconds."""
    made, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    made.tcp.reset()
    await until(lambda: not driver.ready, 12_000, "the loss")
    await ready(driver, 10_000)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


@families
async def test_a_first_line_that_was_lost_is_made_good_by_the_later_ones(family):
    made, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    await asyncio.sleep_ms(31_000)  # no start of ours is recent
    await driver.connect("h", 1, 5000)
    first, later = made.boot_lines()
    made.boot_lines = lambda: ("~~~~", later)
    push(made, "crash")
    await until(lambda: driver.restarts == 1, 10_000, "the restart")
    assert not driver.connected
    await ready(driver)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"


@families
async def test_a_module_that_switches_off_is_switched_on(family):
    made, _, driver = modem(family)
    await ready(driver)
    made.shut_down()
    bus.current.rack.poke()
    await until(lambda: made.starts == 2, 90_000, "the start")
    await ready(driver)


@families
async def test_the_supply_is_cut_where_there_is_a_switch(family):
    made, net, driver = modem(family)
    switched = []
    driver._power._supply = lambda on: (switched.append(on), push(made, "power", on))
    await ready(driver)
    push(made, "hang")
    await until(lambda: switched == [0, 1], 40_000, "the switch")
    await ready(driver, 60_000)


# ---- for the technician -------------------------------------------------------------------------


@families
async def test_what_it_is(family):
    made, _, driver = modem(family)
    await ready(driver)
    about = await driver.identity()
    assert about["imei"] == made.imei and about["iccid"] == made.iccid
    assert about["model"] == {"A7670": "A7670C-LNNV", "EC200": "EC200A"}[family]
    assert about["revision"] and about["maker"]
    push(made, "hang")
    about = await driver.identity()
    assert list(about.values()) == [None] * 5


@families
async def test_network_time(family):
    made, _, driver = modem(family, epoch_s=1767225600 + 86400 * 59, zone_quarters=-14)
    await ready(driver)
    year, month, day, hour, minute, second, zone = await driver.time()
    assert (year, month, day, hour, minute, zone) == (2026, 2, 28, 20, 30, -14)
    made.radio.nitz = False
    assert await driver.time() is None  # a clock that nobody has set is not believed
    push(made, "hang")
    assert await driver.time() is None


@families
async def test_the_kind_is_found_out(family):
    made, net, driver = modem(family, driver=Auto)
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    data = Rng(2).bytes(1500)
    assert await talk(driver, data) == data
    push(made, "crash")
    await until(lambda: not driver.ready, 20_000, "the restart")
    await ready(driver)
    await driver.connect("h", 1, 5000)
    assert await talk(driver) == b"hello"
    assert made.errors == []


async def test_a_kind_that_is_not_known_is_no_modem():
    fresh()
    made, _, driver = modem("EC200", driver=Auto)
    made.commands = dict(made.commands)
    made.commands["I"] = ("x", lambda *_: ["Somebody", "X1", "Revision: 1"])
    await until(lambda: driver.reason == "no_modem", 30_000, "the reason")
    before = made.line.commands
    await asyncio.sleep_ms(60_000)
    assert not driver.ready and made.line.commands - before < 200  # not asked in a tight loop


async def test_other_members_of_the_families():
    for family, driver in (("SIM7600", None), ("EC20", EC20), ("EG25", EC20), ("EC20", EC200U)):
        fresh()
        made, net, driver = modem(family, driver=driver, boot_us=12_000_000)
        net.echo = True
        await ready(driver)
        await driver.connect("h", 1, 5000)
        assert await talk(driver) == b"hello"
        assert made.errors == [] and made.unsupported == [], family


async def test_news_of_data_by_either_firmware():
    for rearm in ("zero", "empty"):
        fresh()
        made, net, driver = modem("EC200", rearm=rearm)
        net.echo = True
        await ready(driver)
        await driver.connect("h", 1, 5000)
        for n in (1, 300, 1024, 1025, 3000):
            data = Rng(n).bytes(n)
            assert await talk(driver, data) == data, (rearm, n)


# ---- cancel, memory, time -----------------------------------------------------------------------


async def _connected(driver):
    for _ in range(5):
        try:
            if not driver.connected:
                await driver.connect("h", 1, 9000)
            return
        except (OSError, asyncio.TimeoutError):
            await asyncio.sleep_ms(500)
    raise AssertionError("no connection any more")


async def cancel_everywhere(family, make, step_ms):
    """Cancel make(driver) at every moment of its life; then an exchange must work."""
    made, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    ms = cut = 0
    while True:
        await _connected(driver)
        ended = await cancel_at(ms, lambda: make(driver))
        await _connected(driver)
        buf = bytearray(300)
        for _ in range(20):  # what is left of it
            try:
                await driver.recv_into(buf, 150)
            except (OSError, asyncio.TimeoutError):
                break
            if not driver.connected:
                break
        await _connected(driver)
        assert await talk(driver, b"mine") == b"mine", (family, ms)
        if ended:
            break
        cut += 1
        ms += step_ms
    assert made.errors == [], made.errors
    return cut


@families
async def test_a_cancel_at_every_await_of_a_connect(family):
    async def connect(driver):
        await driver.close()
        await driver.connect("h", 1, 5000)

    assert await cancel_everywhere(family, connect, 2) > 40


@families
async def test_a_cancel_at_every_await_of_a_send(family):
    assert await cancel_everywhere(family, lambda d: d.send(b"x" * 200, 5000), 1) > 20


@families
async def test_a_cancel_at_every_await_of_a_receive(family):
    async def receive(driver):
        await driver.send(b"abandoned", 5000)
        await driver.recv_into(bytearray(100), 5000)

    assert await cancel_everywhere(family, receive, 2) > 20


@families
async def test_a_cancel_at_every_await_of_a_close(family):
    assert await cancel_everywhere(family, lambda d: d.close(), 2) > 5


@families
async def test_the_cut_of_what_is_received_leaves_no_hole(family):
    """After a receive that was cancelled while data came, the connection is at an end; it never
    goes on behind the hole."""
    made, net, driver = modem(family)
    await ready(driver)
    cut = 0
    for ms in range(1, 40, 2):
        await driver.connect("h", 1, 5000)
        push(made, "net_data", net.links[-1], b"first half ")
        ended = await cancel_at(ms, lambda: driver.recv_into(bytearray(100), 5000))
        push(made, "net_data", net.links[-1], b"second")
        await asyncio.sleep_ms(100)
        got = b""
        buf = bytearray(100)
        try:
            while n := await driver.recv_into(buf, 300):
                got += buf[:n]
        except (OSError, asyncio.TimeoutError):
            pass
        if ended:
            assert got == b"second", (ms, got)
        else:
            assert got in (b"", b"first half second"), (ms, got)
            cut += not got
        await driver.close()
    assert cut > 3, cut


class Reply:
    """Where Lines puts the reply to one command."""

    def __init__(self, into):
        self.lines = None
        self.command = Command("AT", prefix="+", into=into)

    def line(self, text):
        self.command.line(text, False)

    def data(self, n):
        self.command.data(self.lines.raw, n)


def test_memory_of_a_receive_is_bounded():
    """1 KB of data as they come from the UART: a few small objects."""
    data = bytes(range(256)) * 4
    for announce, head in ((("+CIPRXGET: 2,", 2, 4), b"+CIPRXGET: 2,0,1024,0"),
                           (("+QIRD:", 0, 1), b"+QIRD: 1024")):  # fmt: skip
        buf = bytearray(1024)
        reply = Reply(memoryview(buf))
        reply.lines = Lines(reply, announce)
        stream = b"\r\n" + head + b"\r\n" + data + b"\r\n\r\nOK\r\n"
        piece = bytearray(256)
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        for at in range(0, len(stream), 256):
            n = min(256, len(stream) - at)
            for i in range(n):
                piece[i] = stream[at + i]
            reply.lines.feed(piece, n)
        used = gc.mem_alloc() - before
        gc.enable()
        assert reply.command.done.is_set() and buf == data
        print("%d bytes for 1,024" % used)
        assert used < 2500, used


@families
async def test_the_loop_is_never_held_up(family):
    made, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    await driver.connect("h", 1, 5000)
    bus.current.longest_us = 0
    data = Rng(3).bytes(3000)
    assert await talk(driver, data) == data
    await driver.close()
    assert bus.current.longest_us <= 5000, bus.current.longest_us
