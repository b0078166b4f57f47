# The modem's state and its dialogue for the technician, against the models of both families.

import asyncio

from harness import araises
from modem_desk import families, modem, ready

from app.tech import network
from app.tech.context import Context, TechError

TRACK = b"6225000000000014=30121010000000000"


class Terminal:
    app = settings = None

    def __init__(self, driver):
        self.drivers = [driver]


def context(driver, said):
    return Context(Terminal(driver), None, said.append)


@families
async def test_its_state_names_operator_and_card_but_hides_their_numbers(family):
    made, net, driver = modem(family)
    await ready(driver)
    data = (await network.modem_status(context(driver, []))).data
    assert data["ready"] and data["answers"] and data["reason"] is None
    assert data["operator"] == made.operator and data["model"]
    found = await driver.identity()
    for name in ("imei", "iccid"):
        assert data[name] == "*" * (len(found[name]) - 4) + found[name][-4:]
        assert found[name] not in str(data)


@families
async def test_sec7_a_trace_of_a_payment_has_its_commands_and_none_of_its_bytes(family):
    made, net, driver = modem(family, sim="SIM PIN", pin="1234")
    net.echo = True
    said = []
    task = asyncio.create_task(network.modem_trace(context(driver, said), 60))
    await asyncio.sleep_ms(1)
    e = await araises(TechError, network.modem_trace(context(driver, []), 1))
    assert "already" in e.args[0]
    await ready(driver)
    await driver.connect("bank", 5000, 30_000)
    await driver.send(TRACK, 5000)
    buf = bytearray(64)
    assert await driver.recv_into(buf, 10_000) == len(TRACK) and TRACK in net.sent
    await driver.close()
    found = await task
    text = "\n".join(said)
    assert "AT+CPIN=***" in text and "1234" not in text
    assert "> (%d bytes)" % len(TRACK) in text and "< (%d bytes)" % len(TRACK) in text
    assert '"TCP","bank",5000' in text
    for n in range(0, len(TRACK) - 6, 3):
        assert TRACK[n : n + 6].decode() not in text
    assert len(found.data) <= 64 and found.data == said[-len(found.data) :]
    assert driver.at.trace is None  # and afterwards nobody looks
    before = len(said)
    await asyncio.sleep_ms(30_000)
    assert len(said) == before


@families
async def test_a_cancelled_trace_is_off(family):
    _, _, driver = modem(family)
    task = asyncio.create_task(network.modem_trace(context(driver, []), 60))
    await asyncio.sleep_ms(100)
    assert driver.at.trace is not None
    task.cancel()
    await araises(asyncio.CancelledError, task)
    assert driver.at.trace is None
    for bad in (0, 301, "1"):
        await araises(TechError, network.modem_trace(context(driver, []), bad))
