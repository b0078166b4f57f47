# Runs inside MicroPython on the simulated board, in virtual time: what 1 KB there and 1 KB back
# costs on the modem's line, for each family. Prints "result JSON" lines.

import json
import sys

for _path in sys.path:
    if _path.endswith("/firmware"):
        sys.path.insert(0, _path[: -len("firmware")] + "boards/unix")
        break

import bus  # noqa: E402
import loop  # noqa: E402

bus.use(bus.LocalBus())
loop.install()

import asyncio  # noqa: E402

from modem_desk import FAMILIES, fresh, modem, now, ready  # noqa: E402

PAYLOAD = 1024


async def exchange(family):
    """Figures of one exchange over an open connection."""
    fresh()
    made, net, driver = modem(family)
    net.echo = True
    await ready(driver)
    await driver.connect("10.0.0.1", 8583, 5000)
    data = bytes(range(256)) * (PAYLOAD // 256)
    got = bytearray(PAYLOAD)
    view = memoryview(got)
    at = driver.at
    sent, received, commands = at.bytes_sent, at.bytes_received, made.line.commands
    bus.current.longest_us = 0
    start = now()
    await driver.send(data, 5000)
    n = 0
    while n < PAYLOAD:
        n += await driver.recv_into(view[n:], 5000)
    if got != data:
        raise SystemExit("wrong bytes")
    return {
        "family": family,
        "payload": PAYLOAD,
        "to_modem": at.bytes_sent - sent,
        "from_modem": at.bytes_received - received,
        "commands": made.line.commands - commands,
        "us": now() - start,
        "longest_us": bus.current.longest_us,
    }


async def main():
    for family in FAMILIES:
        print("result", json.dumps(await exchange(family)))


asyncio.run(main())
