"""`make image`: the file, its regions, and what is refused. Judges: esptool, esp-idf-defs,
littlefs-python and MicroPython's own VfsLfs2."""

import hashlib
import io
import json
import subprocess
import sys

import esptool
import flashkit
import pytest
from esp_idf_defs.image_metadata import ImageFlashSize, ImageMetadata
from esp_idf_defs.partitions import PartitionTable
from littlefs import LittleFS

from flashing import FlashingError, board, image
from flashing import __main__ as command
from simulator import board_process

OFFICIAL = b"Generic ESP32S3 module with ESP32S3\0"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Boards, a key, a bundle and base images, made once."""
    folder = tmp_path_factory.mktemp("image")
    boards = flashkit.make_boards(folder / "boards")
    key, pem = flashkit.make_key(folder)

    class Made:
        pass

    m = Made()
    m.folder, m.boards, m.key, m.pem = folder, boards, key, pem
    m.board = lambda name: board.load(name, boards)

    def save(name, data):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    m.save = save
    m.official = save(
        "official.bin", flashkit.whole("esp32s3", flashkit.app("esp32s3", names=OFFICIAL))
    )
    m.custom = save(
        "SY_C3.bin",
        flashkit.whole("esp32c3", flashkit.app("esp32c3", names=flashkit.frozen_names("SY_C3"))),
    )
    m.bundle = save("SY_S3.syb", flashkit.bundle(key, "SY_S3"))
    return m


def official_image(made, out=None, **options):
    options = {"bundle": made.bundle, "key": made.pem, "out": out} | options
    return image.build(made.board("SY_S3"), made.official, **options)


def test_the_judge_of_images_accepts_the_base_that_the_tests_make(made, capsys):
    esptool.image_info(made.official.read_bytes()[0x10000:], "esp32s3")
    said = capsys.readouterr().out
    assert "Checksum:" in said and "invalid" not in said
    assert "Project name: micropython" in said


@pytest.mark.parametrize("name", ("SY_S3", "SY_C3"))
def test_the_partition_table_and_the_application_lie_where_esp_idf_looks(made, name):
    if name == "SY_S3":
        built, base = official_image(made), made.official.read_bytes()
    else:
        built = image.build(made.board(name), made.custom, out=None)
        base = made.custom.read_bytes()
    assert len(built.data) == 8 * flashkit.MB
    table = PartitionTable.from_binary(built.data[0x8000:0x8C00])
    table.verify(0x8000)
    table.verify_size_fits(len(built.data))
    csv = PartitionTable.from_csv((made.boards / name / "partitions.csv").read_text())
    assert table.to_csv() == csv.to_csv()
    at = table["ota_0"].offset
    app = base[0x10000:]
    assert built.data[at : at + len(app)] == app  # not a byte is another
    assert built.data[at + len(app) : table["ota_1"].offset].strip(b"\xff") == b""
    otadata = table["otadata"]
    assert built.data[otadata.offset :][: otadata.size] == b"\xff" * otadata.size


@pytest.mark.parametrize(
    "name, size", (("SY_S3", ImageFlashSize.MB8), ("SY_OCT", ImageFlashSize.MB16))
)
def test_the_bootloader_says_the_flash_size_of_the_board_and_stays_valid(made, name, size):
    names = b"Generic ESP32S3 module with Octal-SPIRAM\0"
    base = made.save("oct.bin", flashkit.whole("esp32s3", flashkit.app("esp32s3", names=names)))
    syb = made.save("any.syb", flashkit.bundle(made.key, name))
    built = image.build(made.board(name), base, bundle=syb, key=made.pem, out=None)
    before = ImageMetadata.from_bytes(base.read_bytes()[:0x8000])
    after = ImageMetadata.from_bytes(built.data[:0x8000])  # checks checksum and SHA-256
    assert before.header.spi_size == ImageFlashSize.MB4 and after.header.spi_size == size
    assert (before.segments, before.header.spi_mode) == (after.segments, after.header.spi_mode)


def test_the_bundle_lies_in_slot_0_as_it_is(made):
    data = made.bundle.read_bytes()
    built = official_image(made)
    at = built.table["bundle_0"].offset
    assert built.data[at : at + len(data)] == data
    assert built.version == "1.2.3"


def test_nothing_is_where_a_terminal_keeps_its_own(made):
    built = image.build(made.board("SY_C3"), made.custom, out=None)
    for name in ("nvs", "journal", "audit", "vfs", "coredump", "bundle_0", "bundle_1"):
        part = built.table[name]
        assert built.data[part.offset : part.offset + part.size] == b"\xff" * part.size


def test_the_list_of_regions_is_what_lies_in_the_file(made, tmp_path):
    built = official_image(made, out=tmp_path)
    listing = json.loads((tmp_path / "SY_S3-1.2.3.json").read_text())
    data = (tmp_path / "SY_S3-1.2.3.bin").read_bytes()
    assert data == built.data
    names = ["bootloader", "partition_table", "otadata", "ota_0", "bundle_0", "vfs"]
    assert [r["name"] for r in listing["regions"]] == names
    for r in listing["regions"]:
        part = (tmp_path / r["file"]).read_bytes()
        assert data[r["offset"] : r["offset"] + r["size"]] == part
        assert hashlib.sha256(part).hexdigest() == r["sha256"]
    loaded = image.load(tmp_path / "SY_S3-1.2.3.bin")
    assert [(r.name, r.data) for r in loaded.regions] == [(r.name, r.data) for r in built.regions]
    for before, after in zip(built.lines(), loaded.lines(), strict=True):
        assert before.startswith(after)  # but for the notes
    flipped = bytearray(data)
    flipped[0x10100] ^= 1
    (tmp_path / "SY_S3-1.2.3.bin").write_bytes(flipped)
    with pytest.raises(FlashingError, match="region ota_0"):
        image.load(tmp_path / "SY_S3-1.2.3.bin")


def test_two_builds_give_the_same_bytes(made, tmp_path):
    for folder in ("a", "b"):
        official_image(made, out=tmp_path / folder)
    for path in sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        other = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == other.read_bytes(), path.name


# ---- the file system of an official image -------------------------------------------------------


def volume(built):
    part = built.table["vfs"]
    return built.data[part.offset : part.offset + part.size]


def test_littlefs_python_finds_the_boot_chain(made):
    data = volume(official_image(made))
    fs = LittleFS(block_size=4096, block_count=len(data) // 4096, mount=False)
    fs.context.buffer = bytearray(data)
    fs.mount()
    assert fs.open("/boot.py", "rb").read() == (made.boards / "stock" / "boot.py").read_bytes()
    found = set(fs.listdir("/chain"))
    assert {"_boot.mpy", "boot.mpy", "main.mpy", "bootstate.mpy", "app"} <= found
    assert not found & {"board.mpy", "drivers"}  # the bundle's
    assert set(fs.listdir("/chain/app")) == {"__init__.mpy", "version.mpy"}
    numbers = made.key.public_key().public_numbers()
    if "signers.mpy" in found:
        assert numbers.n.to_bytes(256, "big") in fs.open("/chain/signers.mpy", "rb").read()


MOUNT = """
import sys, vfs
class Blocks:
    def __init__(self, path):
        self.data = bytearray(open(path, "rb").read())
    def readblocks(self, n, buf, offset=0):
        at = n * 4096 + offset
        buf[:] = self.data[at : at + len(buf)]
    def writeblocks(self, n, buf, offset=None):
        at = n * 4096 + (offset or 0)
        if offset is None:
            self.ioctl(6, n)
        self.data[at : at + len(buf)] = buf
    def ioctl(self, op, arg):
        if op == 4:
            return len(self.data) // 4096
        if op == 5:
            return 4096
        if op == 6:
            self.data[arg * 4096 : arg * 4096 + 4096] = b"\\xff" * 4096
            return 0
bdev = Blocks(sys.argv[1])
vfs.mount(bdev, "/v")  # as the port's own _boot.py: the type is found out
import os
print(type(vfs.VfsLfs2(bdev)).__name__, sorted(os.listdir("/v")), os.statvfs("/v")[:3])
sys.path.insert(0, "/v/chain")
with open("/v/new", "w") as f:
    f.write("x" * 5000)
vfs.umount("/v")
vfs.mount(vfs.VfsLfs2(bdev), "/w")
print(len(open("/w/new").read()), "chain" in os.listdir("/w"))
"""


def test_micropython_mounts_the_volume_and_can_write_to_it(made, tmp_path):
    data = volume(official_image(made))
    (tmp_path / "vfs.bin").write_bytes(data)
    (tmp_path / "mount.py").write_text(MOUNT)
    command_line = [board_process.interpreter(), tmp_path / "mount.py", tmp_path / "vfs.bin"]
    done = subprocess.run(command_line, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    blocks = len(data) // 4096
    assert done.stdout.splitlines() == [
        f"VfsLfs2 ['boot.py', 'chain'] (4096, 4096, {blocks})",
        "5000 True",
    ]


@pytest.mark.parametrize("name", board.names())
def test_every_board_gets_an_image_that_fits_its_flash(made, name):
    real = board.load(name)
    app = flashkit.app(real.target, names=flashkit.frozen_names(name), size=0)
    syb = made.save("real.syb", flashkit.bundle(made.key, name, flashkit.ARCH[real.target]))
    base = made.save(f"{name}.bin", flashkit.whole(real.target, app))
    built = image.build(real, base, bundle=syb, out=None)
    table = PartitionTable.from_binary(built.data[0x8000:0x8C00])
    table.verify(0x8000)
    table.verify_size_fits(len(built.data))
    assert len(built.data) == real.flash_size == table.flash_size()


# ---- what is refused ----------------------------------------------------------------------------


def refused(made, name, data, match, **options):
    base = made.save("bad.bin", data)
    with pytest.raises(FlashingError, match=match):
        image.build(made.board(name), base, out=None, **options)


def test_a_bad_base_is_refused_and_said_why(made):
    good = made.official.read_bytes()
    app = flashkit.app("esp32s3", names=flashkit.frozen_names("SY_S3"))
    options = {"bundle": made.bundle, "key": made.pem}
    flip = bytearray(good)
    flip[0x10000 + 0x1000] ^= 4
    boot = bytearray(good)
    boot[200] ^= 4
    table = bytearray(good)
    table[0x8000 + 45] ^= 4
    signed = app.ljust(-(-len(app) // 65536) * 65536, b"\xff") + b"\xe7\x02" + bytes(4094)
    for data, match in (
        (made.custom.read_bytes(), "is for esp32c3, the board has esp32s3"),
        (good[:-1], "damaged or cut off"),
        (good[: 0x10000 + 3000], "cut off"),
        (good[:0x9000], "cut off before its application"),
        (b"", "not an ESP image"),
        (b"MZ" + good, "not an ESP image"),
        (bytes(flip), "application in bad.bin is damaged"),
        (bytes(boot), "bootloader in bad.bin is damaged"),
        (bytes(table), "no valid partition table"),
        (flashkit.whole("esp32s3", signed), "signed for secure boot"),
        (flashkit.app("esp32s3", project="hello_world"), "'hello_world', not MicroPython"),
        (flashkit.app("esp32s3", version="v1.24.1"), "1.25 or newer"),
        (flashkit.app("esp32s3", names=flashkit.frozen_names("SY_OTHER")), "another board"),
    ):
        refused(made, "SY_S3", data, match, **options)


def test_a_base_that_is_missing_is_named(made):
    with pytest.raises(FlashingError, match="BASE=.*nowhere.bin"):
        image.build(made.board("SY_S3"), made.folder / "nowhere.bin", out=None)


def test_an_official_base_needs_psram_of_the_right_kind(made):
    official = made.official.read_bytes()
    refused(made, "SY_BARE", official, "no PSRAM.*make firmware BOARD=SY_BARE")
    refused(made, "SY_OCT", official, "SPIRAM_OCT")


def test_an_official_base_takes_a_development_bundle_of_the_key_only(made, monkeypatch):
    official = made.official.read_bytes()
    refused(made, "SY_S3", official, "BUNDLE= is needed")
    monkeypatch.setattr(image, "_DEVELOPMENT_KEY", made.folder / "none.pem")
    refused(made, "SY_S3", official, "KEY= is needed", bundle=made.bundle)
    release = made.save("release.syb", flashkit.bundle(made.key, "SY_S3", dev=False))
    refused(made, "SY_S3", official, "development bundle only", bundle=release, key=made.pem)
    _, other = flashkit.make_key(made.folder, "other")
    refused(made, "SY_S3", official, "not signed by", bundle=made.bundle, key=other)


def test_sec16_a_release_takes_no_development_bundle(made):
    """The terminal would refuse it, and have no font."""
    names = flashkit.frozen_names("SY_S3", dev=False)
    base = made.save("sold.bin", flashkit.whole("esp32s3", flashkit.app("esp32s3", names=names)))
    refused(made, "SY_S3", base.read_bytes(), "is a release and refuses", bundle=made.bundle)
    release = made.save("sold.syb", flashkit.bundle(made.key, "SY_S3", dev=False))
    built = image.build(made.board("SY_S3"), base, release, made.pem, out=None)
    assert image.NO_FONT not in built.lines()


def test_a_bundle_that_is_not_for_this_board_or_damaged_is_refused(made):
    official = made.official.read_bytes()
    good = flashkit.bundle(made.key, "SY_S3")
    flipped = good[:5000] + bytes((good[5000] ^ 1,)) + good[5001:]
    for data, match in (
        (flashkit.bundle(made.key, "SY_OCT"), "is for SY_OCT"),
        (flashkit.bundle(made.key, "SY_S3", arch="rv32imc"), "rv32imc"),
        (good[:-1], "damaged"),
        (flipped, "damaged"),
        (b"SYB1\xff\xff", "not a bundle"),
        (noise_file(), "not a bundle"),
    ):
        syb = made.save("bad.syb", data)
        refused(made, "SY_S3", official, match, bundle=syb, key=made.pem)


def noise_file():
    return flashkit.noise(9000)


def test_what_does_not_fit_is_named_with_its_size(made):
    big = flashkit.app("esp32s3", names=flashkit.frozen_names("SY_S3"), size=2 * flashkit.MB)
    refused(made, "SY_S3", flashkit.whole("esp32s3", big), r"ota_0 does not fit: 2,[\d,]+ bytes")
    body = flashkit.noise(flashkit.MB)
    syb = made.save("big.syb", flashkit.bundle(made.key, "SY_S3", body=body))
    official = made.official.read_bytes()
    match = r"bundle_0 does not fit: 1,052,672 bytes.*1,048,576 \(4,096 too many\)"
    refused(made, "SY_S3", official, match, bundle=syb, key=made.pem)


def test_a_table_larger_than_the_flash_is_refused(made, tmp_path):
    boards = flashkit.make_boards(tmp_path / "boards")
    config = boards / "SY_S3" / "sdkconfig.board"
    config.write_text("CONFIG_ESPTOOLPY_FLASHSIZE_4MB=y\nCONFIG_SPIRAM=y\n")
    with pytest.raises(FlashingError, match="does not fit in available flash size 4MB"):
        board.load("SY_S3", boards)
    with pytest.raises(FlashingError, match="no board 'SY_NONE'.*SY_C3"):
        board.load("SY_NONE", boards)


# ---- an application alone, and the command line -------------------------------------------------


def test_an_application_alone_takes_the_bootloader_that_was_built_beside_it(made):
    app = flashkit.app("esp32s3", names=flashkit.frozen_names("SY_BARE"))
    base = made.save("build/micropython.bin", app)
    alone = image.build(made.board("SY_BARE"), base, out=None)
    assert "bootloader" not in [r.name for r in alone.regions]
    made.save("build/bootloader/bootloader.bin", flashkit.bootloader("esp32s3"))
    built = image.build(made.board("SY_BARE"), base, out=None)
    assert built.regions[0].name == "bootloader" and built.frozen
    assert ImageMetadata.from_bytes(built.data).header.spi_size == ImageFlashSize.MB8


def test_sizes_stand_against_partitions(made):
    lines = image.build(made.board("SY_C3"), made.custom, out=None).lines()
    rows = {line.split()[0]: line for line in lines}
    app = len(made.custom.read_bytes()) - 0x10000
    assert f"{app:,}" in rows["ota_0"] and "2,097,152" in rows["ota_0"] and "%" in rows["ota_0"]
    assert rows["ota_0"].count("#") + rows["ota_0"].count(".") >= 20
    assert rows["journal"].split() == ["journal", "0x610000", "-", "1,048,576"]


def test_the_command_says_what_is_wrong_and_fails(made, capsys):
    assert command.main(["image", "--board", "SY_NONE", "--base", str(made.official)]) == 1
    assert "no board 'SY_NONE'" in capsys.readouterr().err
    assert command.main(["image", "--board", "SY_C3", "--base", ""]) == 1
    assert "BASE= is missing" in capsys.readouterr().err


def test_a_bar_that_is_not_on_a_terminal_says_only_what_is_done():
    from flashing.report import Bar

    stream = io.StringIO()
    bar = Bar(stream)
    bar("writing ota_0", 10, 100)
    bar("writing ota_0", 100, 100)
    assert stream.getvalue().count("\n") == 1 and "100/100" in stream.getvalue()
    assert sys.stderr is not stream


# ---- the start of an official image -------------------------------------------------------------


def start(made, tmp_path, built, *options):
    flash = tmp_path / "flash.bin"
    flash.write_bytes(built.data)
    root = flashkit.ROOT
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SHOUYIN_BOARD": "SY_CLASSIC"}
    done = subprocess.run(
        [board_process.interpreter(), "-X", "heapsize=2m",
         root / "host_tests" / "tools" / "stock_start.py", str(root), *options],
        env=env | {"SHOUYIN_FLASH": f"/host{flash}"}, cwd=root,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def firmware(made):
    """An official image of SY_CLASSIC with the real bundle's content, signed by a development key
    of the test, for the processor of this machine."""
    build = pytest.importorskip("bundle.build")
    real = build.build("SY_CLASSIC", made.pem, arch="x64")
    fields = {k: real.manifest[k] for k in ("version", "counter", "mpy")}
    data = flashkit.bundle(made.key, "SY_CLASSIC", "x64", real.image, **fields)
    syb = made.save("SY_CLASSIC.syb", data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(board.ARCHITECTURES, "esp32s3", "x64")
        return image.build("SY_CLASSIC", made.official, bundle=syb, key=made.pem, out=None)


def test_an_official_image_starts_the_firmware_out_of_the_bundle(made, firmware, tmp_path):
    said = start(made, tmp_path, firmware, "ctrl-c")
    assert said[:5] == [
        "app.root /rom/app/root.mpy",
        "board /rom/board.mpy",
        "chip /rom/chip.mpy",
        "boot /chain/boot.mpy",
        "slots /chain/slots.mpy",
    ]
    assert said[5].startswith(f"bundle {firmware.version}")
    assert said[6] == "volume None ['boot.py', 'chain']"
    assert said[7:] == [
        "mounted ['chain', 'flash', 'host', 'rom']",
        "Stopped. The terminal starts again with Ctrl-D",
        "prompt",
    ]


def test_an_official_image_without_a_valid_bundle_says_why(made, firmware, tmp_path):
    slot = firmware.table["bundle_0"].offset
    data = bytearray(firmware.data)
    data[slot + 20] ^= 1
    broken = image.Image(**(vars(firmware) | {"data": bytes(data)}))
    said = start(made, tmp_path, broken)
    assert "No bundle runs (slot 0: signature, slot 1: blank)" in said[0] and said[-1] == "prompt"
