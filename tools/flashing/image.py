"""`make image`: one flashable file for a board, made from BASE without ESP-IDF.

out/image/<BOARD>-<version>.bin is the whole flash, blank areas 0xff, the same bytes each time;
<BOARD>-<version>.json lists what is in it, <BOARD>-<version>/ has each region as a file:

    {"board", "target", "flash_size", "version", "micropython", "frozen",
     "regions": [{"name", "offset", "file", "size", "used", "sha256"}, ...]}

A region is named after its partition; "bootloader" and "partition_table" lie before those.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from . import FlashingError, esp, stock, syb
from . import base as base_file
from . import board as boards_
from .report import size_table

ROOT = boards_.BOARDS.parent
OUT = ROOT / "out" / "image"
# Room of what lies before the partitions
_BEFORE = {"bootloader": boards_.TABLE_OFFSET, "partition_table": boards_.SECTOR}
_BLANK = b"\xff"
NO_FONT = (
    "No bundle: the font lies in one. The terminal will say NO FONT until a slot holds a bundle: "
    "make image with BUNDLE=out/bundle/... (make bundle)"
)
_DEVELOPMENT_KEY = ROOT / "build" / "keys" / "development.pem"  # where `make bundle` has it


@dataclass(frozen=True)
class Region:
    """`used` of `room` bytes at `offset` carry content; `data` is what is written there."""

    name: str
    offset: int
    data: bytes
    room: int
    used: int
    note: str = ""


@dataclass
class Image:
    """An image: `data` are all bytes of the flash; `path` is its file, None when it was not
    written."""

    board: str
    target: str
    version: str
    micropython: str
    frozen: bool
    flash_size: int
    table: object
    regions: list = field(default_factory=list)
    data: bytes = b""
    path: Path | None = None

    def lines(self):
        """The sizes against the partitions, as text."""
        found = {r.name: r for r in self.regions}
        first = found.get("bootloader")
        rows = [] if first is None else [_row(first)]
        rows.append(_row(found["partition_table"]))
        for part in sorted(self.table, key=lambda p: p.offset):
            region = found.get(part.name)
            if region is None:
                rows.append((part.name, part.offset, None, part.size, ""))
            else:
                rows.append(_row(region))
        return size_table(rows) + ([] if "bundle_0" in found else [NO_FONT])

    def listing(self):
        """The dict that is written as JSON."""
        stem = f"{self.board}-{self.version}"
        return {
            "board": self.board,
            "target": self.target,
            "version": self.version,
            "micropython": self.micropython,
            "frozen": self.frozen,
            "flash_size": self.flash_size,
            "regions": [
                {
                    "name": r.name,
                    "offset": r.offset,
                    "file": f"{stem}/{r.name}.bin",
                    "size": len(r.data),
                    "used": r.used,
                    "sha256": hashlib.sha256(r.data).hexdigest(),
                }
                for r in self.regions
            ],
        }


def _row(r):
    return (r.name, r.offset, r.used, r.room, r.note)


def build(board, base, bundle=None, key=None, bootloader=None, version=None, out=OUT):
    """The Image of a board (a name, or a board.Board) from the file `base`; see base.py for what
    that may be. `bundle` is a .syb file for slot 0; `key` a PEM file whose public key the boot
    chain of an official image trusts (default: the development key); `bootloader` a file instead
    of the one that belongs to `base`; `out` a folder, None: nothing is written. FlashingError
    names what does not fit."""
    if not isinstance(board, boards_.Board):
        board = boards_.load(board)
    found = base_file.read(base, board, bootloader)
    if key is None and not found.frozen and _DEVELOPMENT_KEY.is_file():
        key = _DEVELOPMENT_KEY
    public = None if key is None else syb.public_key(key)
    carried = None if bundle is None else syb.read(bundle, board, public)
    if carried and found.frozen and not found.dev and carried.manifest.get("dev"):
        raise FlashingError(
            f"{Path(base).name} is a release and refuses the development bundle "
            f"{Path(bundle).name}, and with it the font: make bundle BOARD={board.name} "
            "KEY=release.pem, the key of make firmware"
        )
    image = Image(
        board=board.name,
        target=board.target,
        version=version or (carried.manifest["version"] if carried else _version()),
        micropython=found.version,
        frozen=found.frozen,
        flash_size=board.flash_size,
        table=board.table,
    )
    image.regions = list(_regions(board, found, carried))
    if not found.frozen:
        image.regions.append(_stock_volume(board, carried, public))
    image.regions.sort(key=lambda r: r.offset)
    image.data = _assemble(board, image.regions)
    if out is not None:
        image.path = _write(image, Path(out))
    return image


def _version():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "(.+)"', text, re.M).group(1)


def _regions(board, found, carried):
    table = board.table
    if found.bootloader is not None:
        code = esp.with_flash_size(found.bootloader.data, board.target, board.flash_size_text)
        yield _fitting("bootloader", 0, code, boards_.TABLE_OFFSET, f"{board.flash_size_text}")
    binary = table.to_binary().ljust(boards_.SECTOR, _BLANK)
    yield Region("partition_table", boards_.TABLE_OFFSET, binary, boards_.SECTOR, 32 * len(table))
    # Blank: the bootloader starts ota_0 (ESP-IDF, "OTA data partition").
    otadata = boards_.find(table, "otadata")
    blank = _BLANK * otadata.size
    yield Region("otadata", otadata.offset, blank, otadata.size, 0, "blank: ota_0 starts")
    app = boards_.find(table, "ota_0")
    note = f"MicroPython {found.version}" + (" with the firmware" if found.frozen else "")
    yield _fitting("ota_0", app.offset, found.app.data, app.size, note)
    if carried is not None:
        slot = boards_.find(table, "bundle_0")
        note = f"bundle {carried.manifest['version']}"
        yield _fitting("bundle_0", slot.offset, carried.data, slot.size, note)


def _fitting(name, offset, data, room, note):
    if len(data) > room:
        raise FlashingError(
            f"{name} does not fit: {len(data):,} bytes, the partition has {room:,} "
            f"({len(data) - room:,} too many)"
        )
    return Region(name, offset, data, room, len(data), note)


def _stock_volume(board, carried, public):
    """Region "vfs" that makes an official MicroPython start our firmware."""
    if carried is None:
        raise FlashingError(
            "an official MicroPython has nothing of the firmware in it: BUNDLE= is needed "
            f"(make bundle BOARD={board.name}), or a BASE of make firmware"
        )
    if not carried.manifest.get("dev"):
        raise FlashingError(
            "an official MicroPython lets everybody at its prompt: it takes a development bundle "
            "only. For a release: make firmware"
        )
    if public is None:
        raise FlashingError("KEY= is needed: the key that signed BUNDLE, or its public half")
    vfs = boards_.find(board.table, "vfs")
    data, used = stock.volume(board, public, vfs.size)
    # Behind its last block that is written the volume is blank, as the partition is.
    content = data.rstrip(_BLANK)
    blocks = -(-len(content) // boards_.SECTOR)
    data = data[: blocks * boards_.SECTOR]
    return Region("vfs", vfs.offset, data, vfs.size, used, "boot chain (development)")


def _assemble(board, regions):
    """All bytes of the flash."""
    data = bytearray(_BLANK * board.flash_size)
    end = 0
    for r in regions:
        if r.offset < end:
            raise FlashingError(f"{r.name} at 0x{r.offset:x} overlaps what lies before it")
        end = r.offset + len(r.data)
        data[r.offset : end] = r.data
    return bytes(data)


def _write(image, out):
    stem = f"{image.board}-{image.version}"
    folder = out / stem
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.bin"):
        old.unlink()
    for r in image.regions:
        (folder / f"{r.name}.bin").write_bytes(r.data)
    text = json.dumps(image.listing(), indent=1, sort_keys=True) + "\n"
    (out / f"{stem}.json").write_text(text, encoding="utf-8")
    path = out / f"{stem}.bin"
    path.write_bytes(image.data)
    return path


def load(path):
    """The Image that build() wrote to `path` (its .bin or .json). FlashingError when a file is
    missing or is not what the list says."""
    path = Path(path)
    try:
        listing = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        data = path.with_suffix(".bin").read_bytes()
        image = Image(
            board=listing["board"],
            target=listing["target"],
            version=listing["version"],
            micropython=listing["micropython"],
            frozen=listing["frozen"],
            flash_size=listing["flash_size"],
            table=boards_.read_table(data[boards_.TABLE_OFFSET :]),
            data=data,
            path=path.with_suffix(".bin"),
        )
        if len(data) != image.flash_size or image.table is None:
            raise FlashingError(f"{image.path.name} is cut off, or has no partition table")
        for row in listing["regions"]:
            image.regions.append(_loaded(row, image))
    except OSError as e:
        raise FlashingError(f"IMAGE={path}: {e.strerror} ({e.filename})") from e
    except (ValueError, KeyError, TypeError) as e:
        raise FlashingError(f"{path.with_suffix('.json').name} is not a list of regions") from e
    return image


def _loaded(row, image):
    part = image.data[row["offset"] : row["offset"] + row["size"]]
    if hashlib.sha256(part).hexdigest() != row["sha256"]:
        raise FlashingError(f"region {row['name']} in the image is not what the list says")
    place = image.table.find_by_name(row["name"])
    room = _BEFORE[row["name"]] if place is None else place.size
    return Region(row["name"], row["offset"], part, room, row["used"])
