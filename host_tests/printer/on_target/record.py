# Our printer driver, whole, inside MicroPython in virtual time, on a printer that says yes to
# everything: what it puts on the line goes to a file. CPython's judges look at that.
#
#   record.py PROFILE LINES OUT   LINES: a file of "style<tab>text" lines; a style i or q takes the
#                                 text as "size hex" (a square of dots) and as the data

import sys

HERE = __file__.rsplit("/", 1)[0]
ROOT = HERE + "/../../.."
sys.path[:] = [ROOT + "/boards/unix", ROOT + "/firmware", ROOT + "/tools", ".frozen"]

import bus  # noqa: E402
import loop  # noqa: E402
import wires  # noqa: E402

bus.use(bus.LocalBus())
loop.install()
wires.mount_assets()

import asyncio  # noqa: E402

from machine import UART  # noqa: E402

from app.kernel import clock  # noqa: E402
from app.text.font import Font  # noqa: E402
from app.text.gb18030 import Encoder  # noqa: E402
from drivers.printer import profiles  # noqa: E402
from drivers.printer.thermal import Thermal  # noqa: E402

_ANSWERS = ((b"\x1dr\x01", 0x00), (b"\x10\x04\x02", 0x12), (b"\x10\x04\x03", 0x12),
            (b"\x10\x04\x04", 0x12), (b"\x1bv", 0x01))  # fmt: skip


class Tape:
    """A UART peer that keeps every byte and answers every question well."""

    def __init__(self, file):
        self._file = file
        self._tail = b""
        self._answers = b""

    def receive(self, data, now_us):
        self._file.write(data)
        seen = self._tail + data
        for question, answer in _ANSWERS:
            at = seen.find(question)
            while at >= 0:
                if at + len(question) > len(self._tail):
                    self._answers += bytes((answer,))
                at = seen.find(question, at + 1)
        self._tail = seen[-2:]

    def transmit(self, now_us):
        out = self._answers
        self._answers = b""
        return out

    def next_due(self):
        return None

    def advance(self, now_us):
        pass


def lines(path):
    with open(path) as f:
        for line in f:
            style, text = line.rstrip("\n").split("\t", 1)
            if "i" in style:
                size, bits = text.split()
                yield (int(size), int(size), bytes.fromhex(bits)), style
            else:
                yield text, style


def code(path):
    """The QR code of a job: beside the lines, as "size hex"."""
    with open(path + ".qr") as f:
        size, bits = f.read().split()
    return lambda data: (int(size), bytes.fromhex(bits))


async def main(name, source, target):
    with open(target, "wb") as f:
        bus.current.rack.attach_uart(1, Tape(f), 115200)
        uart = UART(1, baudrate=115200, txbuf=512, rxbuf=256)
        qr = code(source)
        driver = Thermal(uart, 115200, clock, Encoder(Font(wires.ASSETS + "/font16.bin")),
                         profiles.get(name), qr)  # fmt: skip
        asyncio.create_task(driver.run())
        result = await driver.print(lines(source))
        await asyncio.sleep_ms(100)
    print(result.status, driver.bytes_sent)


asyncio.run(main(*sys.argv[1:]))
