"""Serial ports of this computer, and which of them may be a terminal's."""

import os

from serial.tools import list_ports

LIKELY, POSSIBLE, OTHER = "likely", "possible", "no"

# USB vendor, product (None: any), what it is, guess. Chips of ESP32 boards: the ESP32-S3 and C3
# have their own USB, older boards a bridge, which other devices have too.
CHIPS = (
    (0x303A, 0x1001, "ESP32-S3/C3 USB Serial/JTAG", LIKELY),
    (0x303A, 0x4001, "MicroPython on the ESP32-S3's USB", LIKELY),
    (0x303A, None, "Espressif", LIKELY),
    (0x10C4, 0xEA60, "CP210x bridge", POSSIBLE),
    (0x1A86, 0x7523, "CH340 bridge", POSSIBLE),
    (0x1A86, 0x55D3, "CH343 bridge", POSSIBLE),
    (0x1A86, 0x55D4, "CH9102 bridge", POSSIBLE),
    (0x0403, None, "FTDI bridge", POSSIBLE),
    (0x067B, 0x2303, "PL2303 bridge", POSSIBLE),
)


def guess(vid, pid):
    """(what the chip is, LIKELY, POSSIBLE or OTHER) for USB ids; None for no USB device."""
    for vendor, product, name, how in CHIPS:
        if vid == vendor and product in (pid, None):
            return name, how
    return "", OTHER


def found():
    """[{port, usb, serial, chip, guess}], the likely ones first."""
    rows = []
    for p in list_ports.comports():
        chip, how = guess(p.vid, p.pid)
        rows.append({
            "port": p.device,
            "usb": "" if p.vid is None else f"{p.vid:04x}:{p.pid:04x}",
            "serial": p.serial_number or "",
            "chip": chip or p.description or "",
            "guess": how,
        })  # fmt: skip
    return sorted(rows, key=lambda r: ((LIKELY, POSSIBLE, OTHER).index(r["guess"]), r["port"]))


def problem(port):
    """(what keeps a port from being opened, what to do), as far as its name tells; else None."""
    if not os.path.exists(port) and os.name != "nt" and "://" not in port:
        return f"there is no port {port}", "list those that are there: shouyin ports"
    if os.path.exists(port) and not os.access(port, os.R_OK | os.W_OK):
        return (f"no permission for {port}",
                f"add yourself to the port's group (ls -l {port}), and log in again")  # fmt: skip
    return None
