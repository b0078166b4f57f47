# A receipt of 40 lines on each kind of printer: what goes over the line, how long it takes, and
# how long the event loop is held up by it. In virtual time, against the printer model.

import sys

ROOT = __file__.rsplit("/", 1)[0] + "/../../.."
sys.path[:] = [ROOT + "/boards/unix", ROOT + "/firmware", ROOT + "/tools", ".frozen"]

import bus  # noqa: E402
import loop  # noqa: E402
import wires  # noqa: E402

bus.use(bus.LocalBus())
loop.install()
wires.mount_assets()

import asyncio  # noqa: E402
import json  # noqa: E402

from machine import UART  # noqa: E402

from app.kernel import clock  # noqa: E402
from app.text.font import Font  # noqa: E402
from app.text.gb18030 import Encoder  # noqa: E402
from drivers.printer import profiles  # noqa: E402
from drivers.printer.thermal import Thermal  # noqa: E402
from models.escpos_printer import Printer  # noqa: E402
from models.printer_head import Head  # noqa: E402

BAUD = 115200
MACHINES = (
    ("chinese58", {"flow": "xonxoff"}),
    ("ttl58", {"chinese": False, "status": "esc_v", "flow": "none", "buffer_size": 1024}),
    ("column58", {"chinese": False, "raster": False, "flow": "none", "buffer_size": 1024}),
    ("chinese80", {"dots": 576, "flow": "busy", "cutter": True, "qr_functions": (67, 80, 81)}),
    ("epson80", {"dots": 576, "flow": "busy", "cutter": True, "chinese": False}),
)
# A third of it Chinese, as on a slip
RECEIPT = [("商户存根 MERCHANT COPY", "c"), ("", "-")] + [
    ("交易类型(TXN. TYPE):消费", "") if i % 3 == 0 else ("line %02d of a receipt" % i, "")
    for i in range(38)
]


async def measure(name, options):
    rack = bus.current.rack
    fast = 150 if options.get("dots") else 60
    model = Printer(
        None, lambda two: "?", lambda n, b: "?", head=Head(speed_mm_s=fast, keep_rows=0), **options
    )
    rack.attach_uart(1, model, BAUD)
    uart = UART(1, baudrate=BAUD, txbuf=512, rxbuf=256)
    driver = Thermal(
        uart, BAUD, clock, Encoder(Font(wires.ASSETS + "/font16.bin")), profiles.get(name)
    )
    asyncio.create_task(driver.run())
    await asyncio.sleep_ms(500)
    await driver.print([("x", "")])  # the first job begins with a cleaning
    sent, start = driver.bytes_sent, bus.current.now_us()
    bus.current.longest_us = 0
    result = await driver.print(RECEIPT)
    assert result.status == "ok" and model.errors == [] and model.lost == 0, (name, result)
    found = {
        "profile": name,
        "bytes": driver.bytes_sent - sent,
        "us": bus.current.now_us() - start,
        "paper_us": model.head.step_us * 30 * len(RECEIPT),
        "longest_us": bus.current.longest_us,
        "fill": model.max_fill,
    }
    print("result", json.dumps(found))


for _name, _options in MACHINES:
    bus.use(bus.LocalBus())
    asyncio.new_event_loop()
    asyncio.run(measure(_name, _options))
