"""What our driver and python-escpos put on the model's paper: helpers of the tests beside."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))

from models.escpos_printer import Printer  # noqa: E402
from models.printer_head import Head  # noqa: E402
from simulator import board_process  # noqa: E402
from simulator.glyphs import glyphs  # noqa: E402

# What the printers of the profiles are, as models.
MACHINES = {
    "ttl58": {"chinese": False, "status": "esc_v", "flow": "none"},
    "column58": {"chinese": False, "raster": False, "flow": "none"},
    "chinese58": {"flow": "xonxoff"},
    "chinese80": {"dots": 576, "flow": "busy", "cutter": True, "qr_functions": (67, 80, 81)},
    "epson80": {"dots": 576, "flow": "busy", "cutter": True, "chinese": False},
}


class Rom:
    """The printer's own glyphs: the same 16 pixels, in the middle of a cell of 24 dots, as no
    driver of ours draws them."""

    def glyph(self, char):
        width, rows = glyphs().rows(char)
        out = b"".join((row << 4).to_bytes(3 if width == 16 else 2, "big") for row in rows)
        wide = 24 if width == 16 else 12
        blank = bytes(4 * (3 if width == 16 else 2))
        return wide, 24, blank + out + blank


def cool_head():
    """A head that never gets hot: what is printed here is longer than any receipt."""
    head = Head(length_mm=10**6)
    head.hot_mc = 10**9
    return head


def printed(data, font=None, **options):
    """The model after printing `data`; without errors."""
    printer = Printer(font, buffer_size=len(data) + 16, head=cool_head(), **options)
    printer.receive(data, 0)
    while (due := printer.next_due()) is not None:
        printer.advance(due)
        printer.transmit(due)
    assert printer.errors == [] and printer.lost == 0, printer.errors
    return printer


def ours(folder, profile, lines, qr=(1, b"\x80"), drawn=None):
    """The model after a document of [(text, style)] by our driver, whole, inside MicroPython. qr:
    the code that the driver is given; drawn: the QR codes of the printer itself."""
    source, target = folder / "lines.txt", folder / "bytes.bin"
    source.write_text("".join(f"{style}\t{text}\n" for text, style in lines), encoding="utf-8")
    Path(f"{source}.qr").write_text(f"{qr[0]} {bytes(qr[1]).hex()}")
    script = HERE / "on_target" / "record.py"
    done = subprocess.run(
        [board_process.interpreter(), "-X", "heapsize=512k", str(script), profile,
         str(source), str(target)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.startswith("ok "), done.stdout + done.stderr
    return printed(target.read_bytes(), Rom(), qr=drawn, **MACHINES[profile])


def grid(rows, left=0, width=None):
    """Dot rows as lists of 0 and 1."""
    out = []
    for row in rows:
        bits = bin(int.from_bytes(row, "big") | 1 << 8 * len(row))[3:]
        out.append([int(b) for b in bits[left : None if width is None else left + width]])
    return out


def cropped(rows):
    """The part of a grid with anything on it."""
    ink = [y for y, row in enumerate(rows) if any(row)]
    across = [x for x in range(len(rows[0])) if any(row[x] for row in rows)]
    return [row[across[0] : across[-1] + 1] for row in rows[ink[0] : ink[-1] + 1]]
