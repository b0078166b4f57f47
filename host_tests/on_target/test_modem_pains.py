# What breaks modems in the field: each check passes on our driver and fails on a naive one, with
# both families.

import asyncio
import time

from harness import Rng, until
from modem_desk import FAMILIES, fresh, modem, now, push, talk
from naive_modem import BY_FAMILY

HOST = ("10.0.0.1", 8583)


def ours(family, **options):
    return modem(family, **options)


def naive_buffers(family, **options):
    return modem(family, driver=BY_FAMILY[family], rxbuf=256, **options)


def naive(family, **options):
    return modem(family, driver=BY_FAMILY[family], **options)


async def passes(check, *args):
    """With our driver, both families."""
    for family in FAMILIES:
        fresh()
        await check(ours, family, *args)


async def naive_fails(check, *args, make=None):
    for family in FAMILIES:
        fresh()
        try:
            await check(make or naive, family, *args)
        except (AssertionError, OSError, asyncio.TimeoutError, ValueError, IndexError):
            continue
        raise AssertionError("a naive driver passes: %s" % family)


async def online(make, family, **options):
    """(model, net, driver), connected to an echoing host."""
    made, net, driver = make(family, **options)
    net.echo = True
    await until(lambda: driver.ready, 60_000, "the modem")
    await driver.connect(*HOST, 5000)
    return made, net, driver


def texts(rng, n):
    """What no driver may take for a line of the modem's."""
    return (b'\r\nOK\r\n+QIURC: "closed",0\r\n> +IPCLOSE: 0,1\r\n' + rng.bytes(n))[:n]


async def check_plain(make, family):
    _, net, driver = await online(make, family)
    for data in (b"hello", b"x" * 300):
        assert await talk(driver, data) == data
    await driver.close()
    await driver.connect(*HOST, 5000)
    assert await talk(driver, b"again") == b"again"


async def test_a_naive_driver_works_while_nothing_is_wrong():
    for make in (ours, naive):
        for family in FAMILIES:
            fresh()
            await check_plain(make, family)


# ---- M1 -----------------------------------------------------------------------------------------


async def check_urc(make, family, place, text):
    made, net, driver = await online(make, family)
    data = texts(Rng(3), 200)
    for command in ("+CIPRXGET=2", "+QIRD"):
        made.faults.urc(text, command, place, 2)
    assert await talk(driver, data) == data, (family, place)
    assert await talk(driver, b"more") == b"more", (family, place)


async def test_m1_a_line_inside_a_response_or_its_data():
    """An unsolicited line before the header, between header and data, among the data and before OK
    changes no byte of what is received (TinyGSM#628 #197)."""
    news = ("+CREG: 1", "+CIPRXGET: 1,3", '+QIURC: "recv",3', "RING")
    for i, place in enumerate(("start", "data", "inside", "final", "end")):
        await passes(check_urc, place, news[i % 4])
        await passes(check_urc, place, news[(i + 1) % 4])
    await naive_fails(check_urc, "data", "+CREG: 1")
    await naive_fails(check_urc, "inside", "RING")


async def check_no_wrong_byte(make, family):
    # Two lines among the data: nobody can say any more which bytes are which.
    made, net, driver = await online(make, family)
    for command in ("+CIPRXGET=2", "+QIRD"):
        made.faults.urc("RING", command, "inside", 1)
        made.faults.urc("+CGEV: NW DETACH", command, "data", 1)
    data = Rng(3).bytes(200)
    try:
        assert await talk(driver, data) == data, "wrong bytes"
    except OSError:
        assert not driver.connected
    await driver.connect(*HOST, 5000)
    assert await talk(driver, b"more") == b"more"


async def test_m1_data_that_cannot_be_told_apart_are_not_delivered():
    """Where lines and data cannot be told apart the connection ends with an error; bytes are never
    guessed (TinyGSM#628)."""
    await passes(check_no_wrong_byte)
    await naive_fails(check_no_wrong_byte)


# ---- M2 -----------------------------------------------------------------------------------------


async def check_prompt(make, family, prompt, place):
    made, net, driver = await online(make, family)
    made.prompt = prompt
    for command in ("+CIPSEND", "+QISEND"):
        made.faults.urc("+CGEV: NW MODIFY 1,0", command, place, 2)
    for data in (b"first", b">second\r\n"):
        assert await talk(driver, data) == data, (family, prompt, place)
    assert net.sent == b"first>second\r\n"


async def test_m2_the_prompt_in_all_its_forms():
    """The prompt with and without space and line ends, with an unsolicited line before or behind
    it (LilyGo-Modem-Series#418)."""
    for prompt in (b"\r\n>", b"\r\n> ", b"> ", b"\r\n>\r\n"):
        for place in ("prompt", "end"):
            await passes(check_prompt, prompt, place)
    await naive_fails(check_prompt, b"\r\n> ", "end")


async def check_order(make, family):
    # The result before OK, as older firmware has it, and OK late.
    made, net, driver = await online(make, family)
    for command in ("payload", "+CIPOPEN", "+QIOPEN"):
        made.faults.final(command, 1_500_000, 1, 3)
    await driver.close()
    await driver.connect(*HOST, 5000)
    assert await talk(driver, b"hello") == b"hello"
    assert await talk(driver, b"again") == b"again"


async def test_m2_results_before_and_after_ok():
    """The result line of an open or a send may come before its OK (LilyGo-Modem-Series#418)."""
    await passes(check_order)
    await naive_fails(check_order)


# ---- M3 -----------------------------------------------------------------------------------------


async def check_restart(make, family, noise):
    made, net, driver = await online(make, family)
    assert await talk(driver, b"hello") == b"hello"
    made.faults.boot_noise = noise
    push(made, "crash")
    await until(lambda: not driver.connected, 15_000, "the restart to be noticed")
    await until(lambda: driver.ready, 60_000, "the modem again")
    await driver.connect(*HOST, 5000)
    assert await talk(driver, b"again") == b"again"


async def test_m3_a_restart_by_itself():
    """RDY, +CPIN: READY or SMS DONE out of the blue: the module has restarted, all connections are
    gone, everything is set up anew (esp-protocols#789)."""
    await passes(check_restart, b"")
    await naive_fails(check_restart, b"")


async def test_m3_noise_while_the_rate_changes():
    """Noise on the line before the first boot line, and a first line that noise has eaten
    (esp-protocols#789)."""
    for noise in (b"\x00\xff\xfe\x80\x00", b"\x80>\xc0~", b"\xff\r\n\x00\r\nR"):
        await passes(check_restart, noise)
    await naive_fails(check_restart, b"\x00\xff\xfe\x80\x00")


# ---- M4 -----------------------------------------------------------------------------------------


async def check_long(make, family):
    made, net, driver = await online(make, family)
    data = texts(Rng(4), 3000)
    assert await talk(driver, data) == data
    assert net.sent == data and made.errors == []


async def test_m4_long_sends_go_out_in_chunks():
    """More than 1,400 bytes cannot be sent at once: chunks of 1,024 (TinyGSM#50)."""
    await passes(check_long)
    await naive_fails(check_long)


# ---- M5 -----------------------------------------------------------------------------------------


async def check_unknown_signal(make, family):
    made, net, driver = make(family, rssi=99)
    net.echo = True
    await until(lambda: driver.ready, 60_000, "the modem")
    assert driver.signal is None
    await driver.connect(*HOST, 5000)
    assert await talk(driver, b"hello") == b"hello"
    await driver.close()
    made.radio.rssi = 21
    await until(lambda: driver.signal == 3, 40_000, "the signal")


async def test_m5_a_signal_of_99_is_unknown():
    """+CSQ: 99,99 means not measured, not none: it is shown as unknown and keeps nobody from
    sending (LilyGo-T-SIM7600X#346)."""
    await passes(check_unknown_signal)
    await naive_fails(check_unknown_signal)


# ---- M6 -----------------------------------------------------------------------------------------

NOTICED_MS = 25_000  # ten seconds, the five of a command, three of ten questions
UNACKED_MS = 90_000


async def check_dead(make, family):
    made, net, driver = await online(make, family)
    push(made, "hang")
    start = time.ticks_ms()
    for call in (
        lambda: driver.send(b"x", 3000),
        lambda: driver.recv_into(bytearray(10), 3000),
        lambda: driver.connect(*HOST, 3000),
        driver.close,
    ):
        try:
            await asyncio.wait_for_ms(call(), 20_000)
        except (OSError, asyncio.TimeoutError):
            pass
    assert time.ticks_diff(time.ticks_ms(), start) < 60_000
    left = NOTICED_MS - time.ticks_diff(time.ticks_ms(), start)
    if left > 0:
        await until(lambda: not driver.ready or made.starts > 1, left, "the death to be noticed")
    await until(lambda: made.starts > 1 and driver.ready, 120_000, "the modem again")
    await driver.connect(*HOST, 5000)
    assert await talk(driver, b"again") == b"again"


async def test_m6_a_dead_modem_hangs_nothing():
    """A module that answers nothing any more: every call ends by its deadline, it is noticed
    within 25 s, and switched off and on (micropython#4708 #6541)."""
    await passes(check_dead)
    await naive_fails(check_dead)


async def check_lost_network(make, family):
    made, net, driver = await online(make, family)
    push(made, "set_signal", False)
    await until(lambda: not driver.connected, NOTICED_MS, "the loss to be noticed")
    assert not driver.ready
    push(made, "set_signal", True)
    await until(lambda: driver.ready, 30_000, "the network again")
    await driver.connect(*HOST, 5000)
    assert await talk(driver, b"again") == b"again"


async def check_deaf_host(make, family):
    made, net, driver = await online(make, family)
    assert await talk(driver, b"hello") == b"hello"
    made.faults.no_acks = True
    await driver.send(b"into the void", 5000)
    await until(lambda: not driver.connected, UNACKED_MS, "the loss to be noticed")
    made.faults.no_acks = False
    await driver.connect(*HOST, 5000)
    assert await talk(driver, b"again") == b"again"


async def test_m6_a_lost_network_is_noticed():
    """Loss of the radio network ends the connection within 25 s, not after 45 minutes; the bearer
    comes back by itself (micropython#5566)."""
    await passes(check_lost_network)
    await naive_fails(check_lost_network)


async def test_m6_a_host_that_acknowledges_nothing_is_noticed():
    """A way to the host that has died without a word ends the connection within 90 s
    (micropython#5566)."""
    await passes(check_deaf_host)
    await naive_fails(check_deaf_host)


# ---- M7 -----------------------------------------------------------------------------------------


async def check_pieces(make, family, split, merge_us):
    made, net, driver = await online(make, family)
    made.faults.split = split
    made.faults.merge_us = merge_us
    data = texts(Rng(7), 150)
    for _ in range(3):
        assert await talk(driver, data) == data, (split, merge_us)


async def test_m7_lines_in_pieces_and_together():
    """Lines come split after any byte, and several in one read (micropython#5442 #8867)."""
    for split, merge_us in ((1, 0), (3, 0), (0, 60_000)):
        await passes(check_pieces, split, merge_us)
    await naive_fails(check_pieces, 1, 0)


async def check_overrun(make, family):
    made, net, driver = await online(make, family)
    push(made, "flood", 7000)
    data = b"0123456789" * 10
    net.modem.net_data(net.links[-1], data, now())
    time.sleep_ms(700)  # somebody else holds the loop: the buffer of 4,096 bytes runs over
    end = time.ticks_add(time.ticks_ms(), 60_000)
    while True:
        try:
            if not driver.connected:
                await driver.connect(*HOST, 5000)
            got = await talk(driver, b"last", len(data) + 4 if data else 4)
            assert got in (data + b"last", b"last")
            return
        except (OSError, asyncio.TimeoutError):
            data = b""
            await driver.close()
            assert time.ticks_diff(end, time.ticks_ms()) > 0, "no exchange any more"


async def check_held_loop(make, family):
    made, net, driver = await online(make, family)
    data = Rng(8).bytes(1000)

    async def hog():
        for _ in range(20):
            time.sleep_ms(80)
            await asyncio.sleep_ms(7)

    task = asyncio.create_task(hog())
    got = await talk(driver, data)
    task.cancel()
    assert got == data


async def test_m7_a_full_buffer():
    """While others hold the loop for 80 ms nothing is lost (buffers of 4,096 bytes, not the usual
    256); when bytes are lost after all, nothing wrong is delivered and it goes on
    (micropython#3704)."""
    await passes(check_held_loop)
    await passes(check_overrun)
    await naive_fails(check_held_loop, make=naive_buffers)


# ---- M8 -----------------------------------------------------------------------------------------

SLOW = {
    "default": 200_000,
    "+CPIN": 2_000_000,
    "+COPS": 3_000_000,
    "NETOPEN result": 20_000_000,
    "+QIACT": 90_000_000,
    "+QIDEACT": 20_000_000,
    "CIPOPEN result": 7_000_000,
    "QIOPEN result": 7_000_000,
    "CIPSEND payload": 2_000_000,
    "QISEND network": 20_000,
    "CIPSEND result": 2_000_000,
}


async def check_slow(make, family):
    made, net, driver = make(family, latency=SLOW)
    net.echo = True
    await until(lambda: driver.ready, 240_000, "a slow modem")
    await driver.connect(*HOST, 20_000)
    assert await talk(driver, b"hello") == b"hello"
    assert made.starts == 1 and made.errors == []


async def test_m8_each_command_has_its_own_deadline():
    """A module that takes 90 s for its data service and 7 s for a connection is not given up
    (esp-protocols#129)."""
    await passes(check_slow)
    await naive_fails(check_slow)
