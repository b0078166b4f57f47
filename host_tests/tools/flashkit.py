"""What the tests of flashing are made of: ESP images through esptool's own writer, boards, bundles
signed by `cryptography`, and a chip that is nobody's hardware (esp32-mock-bootloader)."""

import contextlib
import hashlib
import json
import random
import shutil
import socket
import struct
import threading
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from esp32_mock_bootloader import protocol, server
from esp_idf_defs.app_description import AppDescription
from esp_idf_defs.partitions import PartitionTable
from esptool.bin_image import ELFSection, ESP32C3FirmwareImage, ESP32S3FirmwareImage

ROOT = Path(__file__).resolve().parents[2]
BOARDS = ROOT / "boards"
MB = 1024 * 1024

# class of the image, addresses of data in flash, code in flash and RAM
CHIPS = {
    "esp32s3": (ESP32S3FirmwareImage, 0x3C000020, 0x42010020, 0x3FC88000),
    "esp32c3": (ESP32C3FirmwareImage, 0x3C000020, 0x42010020, 0x3FC80000),
}
ARCH = {"esp32s3": "xtensawin", "esp32c3": "rv32imc"}

# An official image has a table like this.
OFFICIAL_TABLE = """\
nvs,      data, nvs,     0x9000,  0x6000
phy_init, data, phy,     0xf000,  0x1000
factory,  app,  factory, 0x10000, 0x1f0000
vfs,      data, fat,     0x200000, 0x200000
"""


def noise(n, seed=1):
    """n bytes that do not compress, the same each time."""
    return random.Random(seed).randbytes(n)


def _image(target, sections):
    image = CHIPS[target][0]()
    image.flash_mode, image.flash_size_freq = 2, 0x2F  # DIO, 4 MB, 80 MHz
    image.min_rev_full, image.max_rev_full = 0, 199
    image.entrypoint = 0x40374000
    image.segments = [ELFSection(name, addr, data, 0) for name, addr, data in sections]
    return image.save(None)


def bootloader(target, size=6000):
    ram = CHIPS[target][3]
    return _image(target, [(b".dram0.bootdesc", ram, b"bootloader" + noise(size, 7))])


def app(target, project="micropython", version="v1.26.1", names=b"", size=20_000):
    """An application; `names` goes into its read-only data, where frozen names and the name of
    the board are. `size` bytes of code, 0: a small image without the padding before it."""
    _, rodata, code, ram = CHIPS[target]
    description = AppDescription(project, version, "v5.4.2", 0, hashlib.sha256(names).digest())
    sections = [(b".flash.appdesc", rodata, description.to_bytes() + names)]
    if size:
        sections.append((b".flash.text", code, noise(size)))
    sections.append((b".dram0.data", ram, noise(7000, 3)))
    return _image(target, sections)


def frozen_names(board, dev=True):
    more = b"devrepl.py\0" if dev else b""
    return b"_boot.py\0app/root.py\0" + more + b"slots.py\0\0" + board.encode() + b"\0"


def whole(target, application, boot=None, table=OFFICIAL_TABLE):
    """A flash image as MicroPython releases it."""
    parts = PartitionTable.from_csv(table)
    at = next(p.offset for p in parts if p.type == 0)
    out = bytearray(b"\xff" * at)
    boot = bootloader(target) if boot is None else boot
    out[: len(boot)] = boot
    binary = parts.to_binary()
    out[0x8000 : 0x8000 + len(binary)] = binary
    return bytes(out) + application


def make_boards(folder):
    """A folder of boards: SY_S3 (8 MB, PSRAM), SY_BARE (8 MB, none), SY_OCT (16 MB, octal), SY_C3
    (8 MB); with the tables and the common modules of the real ones."""
    for part in ("common", "dev", "stock"):
        if (BOARDS / part).is_dir():
            shutil.copytree(BOARDS / part, folder / part)
    for name, target, size, psram, like in (
        ("SY_S3", "esp32s3", 8, "CONFIG_SPIRAM=y\n", "SY_CLASSIC"),
        ("SY_BARE", "esp32s3", 8, "", "SY_CLASSIC"),
        ("SY_OCT", "esp32s3", 16, "CONFIG_SPIRAM=y\nCONFIG_SPIRAM_MODE_OCT=y\n", "SY_COUNTER"),
        ("SY_C3", "esp32c3", 8, "", "SY_CLASSIC"),
    ):
        made = folder / name
        (made / "modules").mkdir(parents=True)
        (made / "modules" / "identity.py").write_text(f'BOARD = "{name}"\n')
        shutil.copy(BOARDS / like / "partitions.csv", made)
        (made / "mpconfigboard.cmake").write_text(f"set(IDF_TARGET {target})\n")
        (made / "sdkconfig.board").write_text(f"CONFIG_ESPTOOLPY_FLASHSIZE_{size}MB=y\n{psram}")
    return folder


def make_key(folder, name="development"):
    """(RSA private key, path of its PEM)"""
    key = rsa.generate_private_key(65537, 2048)
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    return key, path


def bundle(key, board, arch="xtensawin", body=None, **fields):
    """Bytes of a bundle file as `make bundle` is to make it."""
    body = noise(9000, 5) if body is None else body
    manifest = {
        "format": 1, "board": board, "version": "1.2.3", "counter": 7, "arch": arch, "mpy": "6.3",
        "size": len(body), "sha256": hashlib.sha256(body).hexdigest(), "dev": True,
    }  # fmt: skip
    text = json.dumps(manifest | fields, sort_keys=True, separators=(",", ":")).encode()
    signed = b"SYB1" + struct.pack("<H", len(text)) + text
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    header = signed + struct.pack("<H", len(signature)) + signature
    return header.ljust(4096, b"\xff") + body


class Flash(server.FlashImage):
    """The memory of the mock chip, of any size. `broken` is an address at which every write
    stores one bit wrongly; `lying` lets such a byte into what is read, but not into MD5 sums."""

    def __init__(self, size, broken=None, lying=None):
        super().__init__()
        self.data = bytearray(b"\xff" * size)
        self.broken = broken
        self.lying = lying
        self.begun = []  # offsets at which writes began

    def begin_defl(self, payload):
        self.begun.append(struct.unpack_from("<IIII", payload, 0)[3])
        super().begin_defl(payload)

    def begin_plain(self, payload):
        self.begun.append(struct.unpack_from("<IIII", payload, 0)[3])
        super().begin_plain(payload)

    def write_defl_block(self, payload):
        before = self._defl_offset
        super().write_defl_block(payload)
        self._break(before, self._defl_offset)

    def write_plain_block(self, payload):
        before = self._plain_offset
        super().write_plain_block(payload)
        self._break(before, self._plain_offset)

    def _break(self, start, end):
        if self.broken is not None and start <= self.broken < end:
            self.data[self.broken] ^= 0x10

    def read(self, offset, length):
        found = bytearray(super().read(offset, length))
        if self.lying is not None and offset <= self.lying < offset + len(found):
            found[self.lying - offset] ^= 0x10
        return bytes(found)


@contextlib.contextmanager
def chip(target, flash, monkeypatch):
    """URL of a mock chip with that Flash, at a port of this machine."""
    size_id = len(flash.data).bit_length() - 1  # JEDEC: capacity as a power of two
    monkeypatch.setattr(protocol, "MOCK_FLASH_ID", size_id << 16 | 0x4020)
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed: the end
            if stop.is_set():
                connection.close()
                return
            server.handle_client(
                server.BootloaderConnection(sock=connection), stop, target, flash=flash
            )

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    host, port = listener.getsockname()
    try:
        yield f"socket://{host}:{port}"
    finally:
        stop.set()
        with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
            pass
        listener.close()
        thread.join(10)
        assert not thread.is_alive()
