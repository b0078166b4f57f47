# What the displays cost on the bus: bytes, bus time and the longest pass of the event loop of a
# full repaint and of a change of one digit, in virtual time. One line of JSON for each display.

import sys

_HERE = __file__.rsplit("/", 1)[0]
_ROOT = _HERE + "/../../.."
sys.path[:0] = [_ROOT + "/boards/unix", _HERE + "/../../on_target"]

import json  # noqa: E402

import bus  # noqa: E402
import loop  # noqa: E402

bus.use(bus.LocalBus())
loop.install()

import asyncio  # noqa: E402

import glasses  # noqa: E402

DISPLAYS = (
    ("ST7567 128x64, SPI 10 MHz", "st7567", 10_000_000),
    ("SSD1306 128x64, SPI 10 MHz", "ssd1306", 10_000_000),
    ("SSD1306 128x64, I2C 400 kHz", "ssd1306_i2c", 400_000),
    ("ST7789 320x240, SPI 40 MHz", "st7789", 40_000_000),
    ("ST7796 320x480, SPI 40 MHz", "st7796", 40_000_000),
    ("ILI9488 320x480, SPI 20 MHz", "ili9488", 20_000_000),
)


async def measure(d):
    """{what: {bytes, longest_us, total_us}}."""
    d.start()
    tasks = [asyncio.create_task(run()) for _, run in d.tasks()]
    s = d.scale
    out = {}
    for what, draw in (
        ("full", lambda: d.fb.fill(1)),
        ("digit", lambda: d.fb.fill_rect(64 * s, 16 * s, 8 * s, 16 * s, 0)),
    ):
        await asyncio.sleep_ms(50)
        b = bus.current
        sent, start, b.longest_us = d.bytes_sent, b.now_us(), 0
        draw()
        d.show()
        # Until nothing is sent any more; the wait itself is no work.
        end = b.now_us()
        last = -1
        while last != d.bytes_sent:
            last = d.bytes_sent
            end = b.now_us()
            await asyncio.sleep_ms(1)
        out[what] = {
            "bytes": d.bytes_sent - sent, "longest_us": b.longest_us, "total_us": end - start,
        }  # fmt: skip
    for task in tasks:
        task.cancel()
    return out


glasses.large()
for title, kind, rate in DISPLAYS:
    if kind.endswith("i2c"):
        glass, display = glasses.make(kind, freq=rate)
    else:
        glass, display = glasses.make(kind, baudrate=rate)
    asyncio.new_event_loop()
    result = asyncio.run(measure(display))
    if glass.errors:
        raise AssertionError(glass.errors)
    result["display"] = title
    print("result", json.dumps(result))
