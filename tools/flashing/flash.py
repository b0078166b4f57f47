"""`make flash`: an image onto a chip, through esptool.

A terminal that has been in use keeps what only it has: keys, owed transactions, audit log and
settings (board.KEPT) are written when the flash is blank there, or with `erase`, never otherwise.
Of the rest only what differs is written. Everything that was written is read back and compared.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass, field

import esptool
from esptool.cmds import detect_flash_size
from esptool.util import flash_size_bytes
from serial import SerialException

from . import FlashingError, esp, syb
from . import board as boards_
from . import image as images

FAST = 921600  # baud, once the stub runs
_ROM_BAUD = 115200

WRITTEN, SAME, KEPT, ERASED = "written", "already there", "kept", "erased"


@dataclass(frozen=True)
class Done:
    """What was done with `size` bytes at `offset`: WRITTEN, SAME, KEPT or ERASED."""

    name: str
    offset: int
    size: int
    action: str


@dataclass
class Report:
    """`chip` is ESP-IDF's name, `flash_size` what the chip has (bytes), `regions` are Done,
    `notes` what the person who flashes should know."""

    chip: str
    flash_size: int
    regions: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def lines(self):
        rows = [f"{self.chip}, {self.flash_size // boards_.MB} MB of flash"]
        for d in self.regions:
            rows.append(f"{d.name:<16} 0x{d.offset:06x} {d.size:>11,}  {d.action}")
        return rows + self.notes


def flash(
    port,
    image,
    board=None,
    erase=False,
    stub=True,
    before="default-reset",
    after="hard-reset",
    baud=FAST,
    warn=None,
    progress=None,
):
    """Write `image` (an image.Image, or the path of one) to the chip at `port` and return a
    Report. `board` is the name that the image must have. `erase` writes the whole flash, blank
    areas too; `warn(text)` is called first when that destroys what a terminal holds (it may raise
    FlashingError to stop). `stub`, `before`, `after` as in esptool; `baud` is used with the stub.
    FlashingError: no chip, the wrong one, a flash too small, a partition table that would move
    what is kept, or bytes that read back differently."""
    if not isinstance(image, images.Image):
        image = images.load(image)
    if board is not None and image.board != board:
        raise FlashingError(f"the image is for {image.board}, not for {board}")
    if os.name != "nt" and "://" not in port and not os.path.exists(port):
        raise FlashingError(f"there is no port {port}; .venv/bin/python -m tools.shouyin ports")
    with esp.quiet(progress) as log, _translated(port, log):
        chip = _connect(port, image, before, stub, baud)
        try:
            writer = _Writer(chip, image, log)
            writer.check()
            if erase:
                writer.everything(warn)
            else:
                writer.what_differs()
            esptool.reset_chip(chip, after)
        finally:
            chip._port.close()
    return writer.report


@contextlib.contextmanager
def _translated(port, log):
    try:
        yield
    except (RuntimeError, SerialException, OSError) as e:  # esptool's errors are RuntimeError
        what = f" while {log.what}" if log.what else ""
        raise FlashingError(f"{port}{what}: {e}".strip()) from e


def _connect(port, image, before, stub, baud):
    chip = esptool.connect_esp(port, chip="auto", initial_baud=_ROM_BAUD, before=before)
    try:
        name = chip.CHIP_NAME.lower().replace("-", "")
        if name != image.target:
            raise FlashingError(
                f"{port}: the chip is an {chip.CHIP_NAME}, the image for {image.board} is for "
                f"{image.target}"
            )
        if chip.secure_download_mode or chip.get_flash_encryption_enabled():
            raise FlashingError(
                f"{port}: flash encryption or secure download mode is on: a plain image would "
                "brick this terminal; docs/hardening.md says what can be updated"
            )
        if chip.get_secure_boot_enabled():
            raise FlashingError(
                f"{port}: secure boot is on: this chip starts signed images only, and this one "
                "has no signature; docs/hardening.md says what can be updated"
            )
        if stub:
            chip = esptool.run_stub(chip)
            if baud > _ROM_BAUD and not port.startswith("socket:"):
                chip.change_baud(baud)
        esptool.attach_flash(chip)
        return chip
    except BaseException:
        chip._port.close()
        raise


class _Writer:
    """The regions of one image, onto one chip."""

    def __init__(self, chip, image, log):
        self.chip = chip
        self.image = image
        self.log = log
        text = detect_flash_size(chip)
        self.report = Report(image.target, flash_size_bytes(text) if text else 0)

    def check(self):
        have, need = self.report.flash_size, self.image.flash_size
        if have < need:
            raise FlashingError(
                f"the chip has {have // boards_.MB} MB of flash, {self.image.board} needs "
                f"{need // boards_.MB} MB"
            )
        self.chip.flash_set_parameters(have)

    # ---- what there is ----

    def _table(self):
        """The table on the chip, None when its sector is blank."""
        self.log.what = "reading the partition table"
        return boards_.read_table(self.chip.read_flash(boards_.TABLE_OFFSET, 0xC00))

    def _table_is_half_written(self):
        """Whether the sector holds the beginning of the image's own table and nothing else: its
        writing was interrupted."""
        self.log.what = "reading the partition table"
        there = self.chip.read_flash(boards_.TABLE_OFFSET, 0xC00).rstrip(b"\xff")
        whole = self.image.table.to_binary().rstrip(b"\xff")
        return len(there) < len(whole) and whole.startswith(there)

    def _md5(self, offset, size):
        return self.chip.flash_md5sum(offset, size)

    def _blank(self, offset, size):
        self.log.what = f"looking at 0x{offset:x}"
        return self._md5(offset, size) == hashlib.md5(b"\xff" * size).hexdigest()

    # ---- an update ----

    def what_differs(self):
        self._refuse_moves()
        self._name_downgrade()
        for r in self.image.regions:
            part = self.image.table.find_by_name(r.name)
            if r.name in boards_.KEPT and not self._blank(part.offset, part.size):
                self._note(r.name, r.offset, len(r.data), KEPT)
                continue
            self.log.what = f"comparing {r.name}"
            if self._md5(r.offset, len(r.data)) == hashlib.md5(r.data).hexdigest():
                self._note(r.name, r.offset, len(r.data), SAME)
            else:
                self._write(r.name, r.offset, r.data, WRITTEN)
                self._read_back(r.name, r.offset, r.data)

        self._name_old_bundles()

    def _bundle(self, name):
        """Manifest of the bundle that a slot of the chip holds, None: none, or no slot."""
        part = self.image.table.find_by_name(name)
        if part is None:
            return None
        self.log.what = f"looking at {name}"
        found = syb.manifest(self.chip.read_flash(part.offset, syb.HEADER))
        return found[0] if found else None

    def _name_downgrade(self):
        """A bundle that takes the place of a newer one: what the terminal has confirmed stays the
        lowest that it runs."""
        ours = next((r for r in self.image.regions if r.name == "bundle_0"), None)
        there = ours and self._bundle("bundle_0")
        if not there:
            return
        counter = syb.manifest(ours.data[: syb.HEADER])[0]["counter"]
        if isinstance(there.get("counter"), int) and there["counter"] > counter:
            self.report.notes.append(
                f"bundle_0 held bundle {there.get('version')} with counter {there['counter']}, "
                f"now one with counter {counter}: a terminal that has confirmed the newer one "
                "WILL NOT RUN the older, and runs the firmware in the image"
            )

    def _name_old_bundles(self):
        """Bundles on the chip that the image does not replace: the counter decides which runs."""
        written = {r.name for r in self.image.regions}
        names = []
        for name in ("bundle_0", "bundle_1"):
            found = None if name in written else self._bundle(name)
            if found:
                names.append(name)
                self.report.notes.append(
                    f"{name} still holds bundle {found.get('version')} with counter "
                    f"{found.get('counter')}: it runs when that is the highest"
                )
        if not names and "bundle_0" not in written:
            self.report.notes.append(images.NO_FONT)

    def _refuse_moves(self):
        """What a terminal keeps must lie where it lay."""
        if self._table_is_half_written():
            there = None
        else:
            try:
                there = self._table()
            except FlashingError as e:
                raise FlashingError(f"{e}. A first flash needs ERASE=1") from e
        has_boot = any(r.name == "bootloader" for r in self.image.regions)
        if there is None:
            # A new chip, or a terminal whose flashing was interrupted: nothing that is kept is
            # touched in either case.
            if not has_boot:
                raise FlashingError(_NO_BOOTLOADER)
            return
        for name in boards_.KEPT:
            old, new = there.find_by_name(name), self.image.table.find_by_name(name)
            if old is None:
                raise FlashingError(
                    f"the partition table on the chip has no {name!r}: it is not a terminal's. "
                    "A first flash needs ERASE=1"
                )
            if (old.type, old.offset, old.size) != (new.type, new.offset, new.size):
                raise FlashingError(
                    f"{name} would move from 0x{old.offset:x} ({old.size:,} bytes) to "
                    f"0x{new.offset:x} ({new.size:,} bytes), and what it holds would be lost. "
                    "Upload what the terminal owes, then ERASE=1"
                )

    # ---- a first flash ----

    def everything(self, warn):
        if not any(r.name == "bootloader" for r in self.image.regions):
            raise FlashingError(_NO_BOOTLOADER)
        lost = [name for name, at, size in self._holdings() if not self._blank(at, size)]
        if lost and warn:
            warn(
                f"ERASE: {', '.join(lost)} of this terminal will be gone. Transactions that it "
                "still owes to the acquirer are lost with the journal"
            )
        regions = {r.offset: r for r in self.image.regions}
        for name, offset, size in self._areas():
            data = self.image.data[offset : offset + size]
            region = regions.get(offset)
            self._write(name, offset, data, ERASED if region is None else WRITTEN)
            if region is not None:
                self._read_back(name, offset, region.data)
        self._name_old_bundles()

    def _holdings(self):
        """(name, offset, size) of what a terminal keeps, where the chip's table or, when it has
        none, the image's has it."""
        try:
            table = self._table() or self.image.table
        except FlashingError:
            table = self.image.table  # encrypted or foreign: what lies there is lost anyway
        for name in boards_.KEPT:
            part = table.find_by_name(name)
            if part is not None and part.offset + part.size <= self.report.flash_size:
                yield name, part.offset, part.size

    def _areas(self):
        """(name, offset, size) of the whole flash, without gaps."""
        end = 0
        named = [("bootloader", 0, boards_.TABLE_OFFSET)]
        named.append(("partition_table", boards_.TABLE_OFFSET, boards_.SECTOR))
        named += [(p.name, p.offset, p.size) for p in self.image.table]
        for name, offset, size in sorted(named, key=lambda row: row[1]):
            if offset > end:
                yield "gap", end, offset - end
            yield name, offset, size
            end = offset + size
        if end < self.image.flash_size:
            yield "gap", end, self.image.flash_size - end

    # ---- one area ----

    def _write(self, name, offset, data, action):
        self.log.what = f"writing {name}"
        esptool.write_flash(self.chip, [(offset, data)], compress=True)
        self._note(name, offset, len(data), action)

    def _read_back(self, name, offset, data):
        """Compare byte by byte what the chip now holds."""
        self.log.what = f"reading back {name}"
        show = self.log.tell

        def progress(done, total, _offset):
            if show:
                show(self.log.what, done, total)

        found = self.chip.read_flash(offset, len(data), progress)
        if found != data:
            at = next(i for i, (a, b) in enumerate(zip(found, data, strict=False)) if a != b)
            raise FlashingError(
                f"{name} reads back differently at 0x{offset + at:x}: 0x{found[at]:02x} instead "
                f"of 0x{data[at]:02x}. The flash or the cable is bad"
            )

    def _note(self, name, offset, size, action):
        self.report.regions.append(Done(name, offset, size, action))


_NO_BOOTLOADER = (
    "the image has no bootloader, and the chip has no terminal's firmware yet: make the image "
    "with a whole BASE (firmware.bin), or with BOOTLOADER="
)
