"""ESP images (bootloader, application): read and judged through esptool's own classes.

Format: ESP-IDF API guide "App Image Format"; signature block: "Secure Boot v2".
"""

import contextlib
import struct
from dataclasses import dataclass

from esp_idf_defs.app_description import AppDescription
from esp_pylib.logger import EspLog, EspLogBase
from esptool import merge_bin
from esptool.bin_image import LoadFirmwareImage
from esptool.targets import CHIP_DEFS
from esptool.util import FatalError

from . import FlashingError

MAGIC = 0xE9
_HEADER = 24
_CHIP_ID_AT = 12
_DIGEST = 32
_SECTOR = 4096
# First bytes of the sector that follows a signed image: magic, version (2: RSA, 3: ECDSA)
_SIGNATURES = (b"\xe7\x02", b"\xe7\x03")


@dataclass(frozen=True)
class EspImage:
    """One image: its bytes to the end of its digest, esptool's view of it and, of an application,
    its description."""

    data: bytes
    parsed: object
    description: AppDescription | None


class Quiet(EspLogBase):
    """What esptool says goes into `lines`; its progress to `progress(what, done, total)`."""

    def __init__(self, progress=None):
        self.lines = []
        self.tell = progress
        self.what = ""

    def print(self, *args, **kwargs):
        self.lines.append(" ".join(str(a) for a in args))

    def err(self, *args, suggestion=None):
        self.print(*args)

    def warn(self, *args, suggestion=None):
        self.print(*args)

    def note(self, *args):
        self.print(*args)

    def hint(self, *args):
        self.print(*args)

    def debug(self, *args):
        self.print(*args)

    def set_verbosity(self, mode):
        pass  # esptool's command line alone sets it

    def progress_bar(self, cur_iter, total_iters, prefix="", suffix="", bar_length=30):
        if self.tell:
            self.tell(self.what, cur_iter, total_iters)


@contextlib.contextmanager
def quiet(progress=None):
    """esptool's log goes into the Quiet of the `with`, until its end."""
    before = EspLog.instance
    log = Quiet(progress)
    EspLog.set_logger(log)
    try:
        yield log
    finally:
        EspLog.set_logger(before)


def chip_name(chip_id):
    """ESP-IDF's name of the chip with that id in the image header."""
    for name, rom in CHIP_DEFS.items():
        if getattr(rom, "IMAGE_CHIP_ID", None) == chip_id:
            return name
    return f"unknown (chip id {chip_id})"


def read(data, target, what):
    """The EspImage at the start of `data`, which may go on behind it. FlashingError when there is
    none, when it is damaged, cut off, signed, or for another chip than `target`."""
    if len(data) < _HEADER or data[0] != MAGIC:
        raise FlashingError(f"{what} is not an ESP image (its first byte is not 0xe9)")
    (chip_id,) = struct.unpack_from("<H", data, _CHIP_ID_AT)
    if chip_id != CHIP_DEFS[target].IMAGE_CHIP_ID:
        raise FlashingError(f"{what} is for {chip_name(chip_id)}, the board has {target}")
    try:
        with quiet():
            parsed = LoadFirmwareImage(target, bytes(data))
    except (FatalError, struct.error, TypeError, RuntimeError) as e:
        # TypeError: esptool takes ord() of nothing where the checksum is cut off
        raise FlashingError(f"{what} is cut off or damaged: {e}") from e
    if parsed.checksum != parsed.calculate_checksum():
        raise FlashingError(f"{what} is damaged: its checksum does not fit")
    if not parsed.append_digest:
        raise FlashingError(f"{what} has no SHA-256 of its own")
    if parsed.stored_digest != parsed.calc_digest:
        raise FlashingError(f"{what} is damaged or cut off: its SHA-256 does not fit")
    end = parsed.data_length + _DIGEST
    _refuse_signed(data, end, what)
    description = AppDescription.from_bytes_or_none(parsed.segments[0].data)
    return EspImage(bytes(data[:end]), parsed, description)


def _refuse_signed(data, end, what):
    """Secure boot v2: the signature's sector follows the image, at a multiple of 4 KiB (of 64 KiB
    behind an application)."""
    for align in (_SECTOR, 16 * _SECTOR):
        at = -(-end // align) * align
        if bytes(data[at : at + 2]) in _SIGNATURES:
            raise FlashingError(
                f"{what} is signed for secure boot: another flash size or layout would break the "
                "signature. Build with `make firmware` and sign the result"
            )


def with_flash_size(bootloader, target, size_text):
    """The bootloader (bytes) with another flash size ("8MB") in its header, and its SHA-256 made
    again: what esptool does when it merges an image."""
    with quiet() as log:
        out = merge_bin([(0, bootloader)], target, flash_size=size_text)
    if out is None or len(out) != len(bootloader):
        raise FlashingError("esptool could not set the flash size: " + "; ".join(log.lines))
    return out
