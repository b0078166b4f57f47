"""What the definition of a board (a folder of boards/) says of its chip and its flash."""

import re
from dataclasses import dataclass
from pathlib import Path

from esp_idf_defs.partitions import InputError, PartitionTable

from . import FlashingError

BOARDS = Path(__file__).resolve().parent.parent.parent / "boards"

MB = 1024 * 1024
TABLE_OFFSET = 0x8000
SECTOR = 4096

# What a terminal in use must keep: owed transactions, the audit log, settings, keys
KEPT = ("journal", "audit", "vfs", "nvs")
# Chips whose second-stage bootloader lies at 0x0 of the flash, and mpy-cross' name of their code
ARCHITECTURES = {"esp32s3": "xtensawin", "esp32c3": "rv32imc"}


@dataclass(frozen=True)
class Board:
    """A board: `target` is ESP-IDF's name of its chip, `flash_size` in bytes, `psram` one of "",
    "quad" and "octal", `table` ESP-IDF's PartitionTable."""

    name: str
    folder: Path
    target: str
    flash_size: int
    psram: str
    table: PartitionTable

    @property
    def flash_size_text(self):
        """The size as esptool writes it: "8MB"."""
        return f"{self.flash_size // MB}MB"

    @property
    def arch(self):
        return ARCHITECTURES[self.target]


def names(boards=BOARDS):
    """Names of all boards."""
    return sorted(p.parent.name for p in Path(boards).glob("SY_*/partitions.csv"))


def load(name, boards=BOARDS):
    """The Board of that name. FlashingError when there is none, or when its table does not verify
    or does not fit its flash."""
    folder = Path(boards) / str(name)
    if not name or Path(name).name != str(name) or not (folder / "partitions.csv").is_file():
        raise FlashingError(f"no board {name!r}: BOARD= one of {', '.join(names(boards))}")
    target, flash_size, psram = _chip(folder)
    if target not in ARCHITECTURES:
        raise FlashingError(f"{name}: chip {target} is not one of {', '.join(ARCHITECTURES)}")
    text = (folder / "partitions.csv").read_text(encoding="utf-8")
    try:
        table = PartitionTable.from_csv(text)
        table.verify(TABLE_OFFSET)
        table.verify_size_fits(flash_size)
    except InputError as e:
        raise FlashingError(f"{name}/partitions.csv: {e}") from e
    return Board(name, folder, target, flash_size, psram, table)


def _chip(folder):
    """(target, bytes of flash, kind of PSRAM) from mpconfigboard.cmake and the sdkconfig files of
    the board that it names."""
    cmake = folder / "mpconfigboard.cmake"
    if not cmake.is_file():
        raise FlashingError(f"{folder.name} has no mpconfigboard.cmake")
    text = _without_comments(cmake.read_text(encoding="utf-8"))
    target = re.search(r"set\(\s*IDF_TARGET\s+(\w+)", text)
    config = "\n".join(
        _without_comments(f.read_text(encoding="utf-8")) for f in sorted(folder.glob("sdkconfig*"))
    )
    size = re.search(r"^CONFIG_ESPTOOLPY_FLASHSIZE_(\d+)MB=y", config, re.M)
    if target is None or size is None:
        raise FlashingError(
            f"{folder.name}: no IDF_TARGET in mpconfigboard.cmake, or no "
            "CONFIG_ESPTOOLPY_FLASHSIZE_...MB in its sdkconfig"
        )
    psram = ""
    if re.search(r"^CONFIG_SPIRAM=y", config, re.M) or "sdkconfig.spiram" in text:
        octal = "CONFIG_SPIRAM_MODE_OCT=y" in config or "spiram_oct" in text
        psram = "octal" if octal else "quad"
    return target.group(1), int(size.group(1)) * MB, psram


def _without_comments(text):
    return re.sub(r"#.*", "", text)


def read_table(data):
    """The PartitionTable in a table's sector (bytes, from its offset on), None when the sector is
    blank. FlashingError when it holds anything else."""
    data = bytes(data[:0xC00])
    if data.count(0xFF) == len(data):
        return None
    try:
        table = PartitionTable.from_binary(data)
        table.verify(TABLE_OFFSET)
    except (InputError, UnicodeDecodeError) as e:
        raise FlashingError(f"no valid partition table at 0x{TABLE_OFFSET:x}: {e}") from e
    return table


def find(table, name):
    """The partition of that label; FlashingError when the table has none."""
    part = table.find_by_name(name)
    if part is None:
        raise FlashingError(f"the partition table has no partition {name!r}")
    return part
