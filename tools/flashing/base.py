"""BASE: the MicroPython that an image is made from.

Either a whole flash image (an official MicroPython release, or firmware.bin of `make firmware`:
bootloader at 0x0, partition table at 0x8000, application in its partition), or an application
alone (micropython.bin of `make firmware`, with bootloader/bootloader.bin beside it).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from esp_idf_defs.partitions import APP_TYPE, PartitionDefinition

from . import FlashingError, esp
from .board import TABLE_OFFSET, read_table

_OLDEST = (1, 25)
# The names of frozen modules stand in the application one after the other, each with a NUL.
_OURS_FROZEN = b"app/root.py\0"
_DEV_FROZEN = b"devrepl.py\0"
_OCTAL = b"Octal-SPIRAM"  # in the board's name of the official image for octal PSRAM


@dataclass(frozen=True)
class Base:
    """`bootloader` is an EspImage or None, `app` an EspImage; `frozen`: the application has our
    firmware in it; `version`: MicroPython's; `dev`: the firmware is a development build."""

    bootloader: object
    app: object
    frozen: bool
    version: str
    dev: bool


def read(path, board, bootloader=None):
    """The Base in the file `path` for a board.Board; `bootloader` names a file to take instead of
    the one that belongs to it. FlashingError says what is wrong with it."""
    path = Path(path)
    data = _bytes(path, "BASE")
    if data[TABLE_OFFSET : TABLE_OFFSET + 2] == PartitionDefinition.MAGIC_BYTES:
        boot = esp.read(data[:TABLE_OFFSET], board.target, f"the bootloader in {path.name}")
        app = _app_of_table(data, board, path.name)
    else:
        app = esp.read(data, board.target, path.name)
        boot = None
        beside = path.parent / "bootloader" / "bootloader.bin"
        if bootloader is None and beside.is_file():
            bootloader = beside
    if bootloader is not None:
        other = _bytes(Path(bootloader), "BOOTLOADER")
        boot = esp.read(other, board.target, Path(bootloader).name)
    frozen, version = _judge(app, board, path.name)
    return Base(boot, app, frozen, version, frozen and _DEV_FROZEN in app.data)


def _bytes(path, what):
    try:
        return path.read_bytes()
    except OSError as e:
        raise FlashingError(f"{what}={path}: {e.strerror}") from e


def _app_of_table(data, board, name):
    table = read_table(data[TABLE_OFFSET:])
    apps = sorted((p for p in table if p.type == APP_TYPE), key=lambda p: p.offset)
    if not apps:
        raise FlashingError(f"{name}: its partition table has no application")
    part = apps[0]
    if part.offset >= len(data):
        raise FlashingError(f"{name} is cut off before its application at 0x{part.offset:x}")
    return esp.read(data[part.offset :], board.target, f"the application in {name}")


def _judge(app, board, name):
    """(frozen, version) of an application that is a MicroPython that can run on the board."""
    description = app.description
    if description is None or description.project_name != "micropython":
        what = f"is {description.project_name!r}" if description else "has no description"
        raise FlashingError(f"{name} {what}, not MicroPython")
    numbers = re.match(r"v?(\d+)\.(\d+)", description.version)
    if numbers and tuple(int(n) for n in numbers.groups()) < _OLDEST:
        raise FlashingError(
            f"{name} is MicroPython {description.version}; 1.25 or newer is needed"
        )
    frozen = _OURS_FROZEN in app.data
    if frozen:
        if board.name.encode() + b"\0" not in app.data:
            raise FlashingError(f"{name} was built for another board than {board.name}")
    elif not board.psram:
        raise FlashingError(
            f"{board.name} has no PSRAM: with an official image all code lies in RAM, which does "
            f"not fit. Build the firmware into the image: make firmware BOARD={board.name}"
        )
    elif board.psram == "octal" and _OCTAL not in app.data:
        raise FlashingError(
            f"{board.name} has octal PSRAM, and {name} does not know it: take the variant "
            "ESP32_GENERIC_S3-SPIRAM_OCT"
        )
    return frozen, description.version
