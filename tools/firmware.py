"""The image of a board, built by MicroPython's ESP32 port: `make firmware BOARD=SY_...`.

It needs a checkout of MicroPython (MICROPYTHON_DIR) and an ESP-IDF whose export.sh has been
sourced (IDF_PATH); everything that is missing is named at once. Afterwards every part stands
beside the place that it has in flash; what does not fit is an error.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from esp_idf_defs.partitions import InputError, PartitionTable

from bundle import BundleError, signers
from bundle import keys as bundle_keys

ROOT = Path(__file__).resolve().parent.parent
BOARDS = ROOT / "boards"
BUILD = ROOT / "build" / "firmware"
OUT = ROOT / "out" / "firmware"

MICROPYTHON = (1, 25)
IDF = (5, 2)

TABLE_OFFSET = 0x8000
_BOOTLOADER_ROOM = TABLE_OFFSET  # the chips' bootloaders lie at 0x0
_TABLE_ROOM = 0xC00

# Where a build of the port puts what goes into flash
PARTS = {
    "bootloader": "bootloader/bootloader.bin",
    "table": "partition_table/partition-table.bin",
    "application": "micropython.bin",
    "image": "firmware.bin",
}
# Submodules of a checkout that the port cannot do without, and a file of each
SUBMODULES = {
    "lib/micropython-lib": "README.md",
    "lib/berkeley-db-1.xx": "README",
    "lib/tinyusb": "README.rst",
}


class FirmwareError(Exception):
    """No image. The text says why, and what to do."""


def names(boards=BOARDS):
    return sorted(p.parent.name for p in boards.glob("SY_*/mpconfigboard.cmake"))


# ---- what is needed -----------------------------------------------------------------------------


def _version(text, names):
    """A version out of "NAME value" or "set(NAME value)" lines; None when one is not there."""
    found = [re.search(rf"\b{name}\s*\(?(\d+)", text) for name in names]
    return tuple(int(m[1]) for m in found) if all(found) else None


def _read(path):
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def micropython_problems(named, board_is_s3=True):
    """What is wrong with a checkout of MicroPython; texts."""
    wanted = ".".join(map(str, MICROPYTHON))
    get = (
        "get one with: git clone -b v1.25.0 https://github.com/micropython/micropython, then\n"
        "    make -C ports/esp32 submodules, and name it with MICROPYTHON_DIR=/path"
    )
    if not named:
        return [
            f"MICROPYTHON_DIR is not set: a checkout of MicroPython {wanted} or newer;\n    {get}"
        ]
    top = Path(named)
    if not (top / "ports" / "esp32" / "Makefile").is_file():
        return [f"MICROPYTHON_DIR={named} holds no ports/esp32: it is no checkout;\n    {get}"]
    words = ("MICROPY_VERSION_MAJOR", "MICROPY_VERSION_MINOR", "MICROPY_VERSION_MICRO")
    version = _version(_read(top / "py" / "mpconfig.h"), words)
    if version is None:
        return [f"MICROPYTHON_DIR={named}: no version in py/mpconfig.h"]
    if version[:2] < MICROPYTHON:
        return [f"MICROPYTHON_DIR={named} is {'.'.join(map(str, version))}, {wanted} is needed"]
    missing = [
        name
        for name, file in SUBMODULES.items()
        if not (top / name / file).is_file() and (board_is_s3 or name != "lib/tinyusb")
    ]
    if missing:
        return [f"MICROPYTHON_DIR={named}: submodules are empty ({', '.join(missing)}); run\n"
                f"    make -C {top / 'ports' / 'esp32'} submodules"]  # fmt: skip
    return []


def idf_problems(named, path):
    """What is wrong with an ESP-IDF; `path`: where commands are looked for."""
    wanted = ".".join(map(str, IDF))
    get = (
        "get it with: git clone -b v5.4 --recursive https://github.com/espressif/esp-idf,\n"
        "    ./install.sh esp32s3,esp32c3, and in each new shell: . ./export.sh"
    )
    if not named:
        return [f"IDF_PATH is not set: an ESP-IDF {wanted} or newer;\n    {get}"]
    top = Path(named)
    if not (top / "tools" / "cmake" / "project.cmake").is_file():
        return [
            f"IDF_PATH={named} holds no tools/cmake/project.cmake: it is no ESP-IDF;\n    {get}"
        ]
    words = ("IDF_VERSION_MAJOR", "IDF_VERSION_MINOR", "IDF_VERSION_PATCH")
    version = _version(_read(top / "tools" / "cmake" / "version.cmake"), words)
    if version is None:
        return [f"IDF_PATH={named}: no version in tools/cmake/version.cmake"]
    if version[:2] < IDF:
        return [f"IDF_PATH={named} is {'.'.join(map(str, version))}, {wanted} is needed"]
    if not shutil.which("idf.py", path=path):
        return [f"idf.py is not in PATH: source {top / 'export.sh'} in this shell"]
    return []


def problems(board, env, boards=BOARDS):
    """Everything that keeps a board's image from being built; texts."""
    found = []
    s3 = True
    if board in names(boards):
        s3 = "esp32s3" in _read(boards / board / "mpconfigboard.cmake")
    else:
        found.append(f"BOARD={board or ''}: there are {', '.join(names(boards))}")
    found += micropython_problems(env.get("MICROPYTHON_DIR"), s3)
    found += idf_problems(env.get("IDF_PATH"), env.get("PATH", ""))
    for command in ("make", "cmake"):
        if not shutil.which(command, path=env.get("PATH", "")):
            found.append(f"{command} is not in PATH")
    return found


# ---- the build ----------------------------------------------------------------------------------


def command(board, env, build, boards=BOARDS):
    """The call of the port's make."""
    port = Path(env["MICROPYTHON_DIR"]).resolve() / "ports" / "esp32"
    return [
        "make", "-C", str(port), f"-j{multiprocessing.cpu_count()}", f"BOARD={board}",
        f"BOARD_DIR={(boards / board).resolve()}", f"BUILD={build.resolve()}",
    ]  # fmt: skip


def environment(env, hardened, modules, dev=False):
    """The environment of the build. `modules`: folder of modules that go before the common ones
    (signers.py, flavour.py), or None."""
    clean = {
        k: v for k, v in env.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BOARD")
    }
    for name in ("SHOUYIN_HARDENED", "SHOUYIN_GENERATED", "SHOUYIN_DEV"):
        clean.pop(name, None)
    if dev:
        clean["SHOUYIN_DEV"] = "1"
    if hardened:
        clean["SHOUYIN_HARDENED"] = "1"
    if modules:
        clean["SHOUYIN_GENERATED"] = str(Path(modules).resolve())
    return clean


def generated(board, keys=(), activation=(), dev=False, modules=None, build=BUILD):
    """Make the folder of modules that this build puts before the common ones; its path. `keys`,
    `activation`: PEM files of those whose bundles and activation files count; `dev`: a development
    build, which also believes the development key; `modules`: a folder of more. FirmwareError when
    the image would believe nobody: it would run no bundle for ever, and the font lies in one."""
    place = build / f"{board}-modules"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    folders = [BOARDS / "dev" / "modules"] if dev else []
    for folder in map(Path, [*folders, *([modules] if modules else [])]):
        if not folder.is_dir():
            raise FirmwareError(f"MODULES={folder} is no folder")
        for path in sorted(folder.glob("*.py")):
            shutil.copyfile(path, place / path.name)
    if not (place / "signers.py").exists():
        if not keys and not dev:
            raise FirmwareError(_NOBODY)
        _write_signers(place / "signers.py", list(keys), list(activation), dev)
    return place


_NOBODY = (
    "KEY=release.pem (make keys OUT=release.pem) or DEV=1 says whose bundles the image runs. "
    "Without one it would run none, and have no font"
)


def _write_signers(path, keys, activation, dev):
    try:
        if dev:
            bundle_keys.development()
            keys.append(bundle_keys.DEVELOPMENT_KEY)
            activation = activation or [bundle_keys.DEVELOPMENT_KEY]
        elif any(bundle_keys.is_development(bundle_keys.public(k)) for k in keys):
            raise FirmwareError("a release believes no development key: another KEY=, or DEV=1")
        signers.write(keys, path, activation)
    except BundleError as e:
        raise FirmwareError(str(e)) from e


def table(board, boards=BOARDS):
    """The board's PartitionTable. FirmwareError."""
    try:
        read = PartitionTable.from_csv(_read(boards / board / "partitions.csv"))
        read.verify(TABLE_OFFSET)
    except InputError as e:
        raise FirmwareError(f"boards/{board}/partitions.csv: {e}") from e
    return read


def sizes(board, build, boards=BOARDS):
    """Rows (part, offset, bytes, bytes there are) of a finished build. FirmwareError when a part
    is missing, or when the table that was built is not the board's."""
    read = table(board, boards)
    data = {}
    for part, name in PARTS.items():
        path = build / name
        if not path.is_file():
            raise FirmwareError(f"the build left no {name} in {build}")
        data[part] = path.read_bytes()
    if not data["table"].startswith(read.to_binary()[:_TABLE_ROOM].rstrip(b"\xff")):
        raise FirmwareError(f"the partition table that was built is not boards/{board}'s")
    slots = [p for p in read if p.name in ("ota_0", "ota_1")]
    rows = [
        ("bootloader", 0, len(data["bootloader"]), _BOOTLOADER_ROOM),
        ("table", TABLE_OFFSET, len(data["table"]), _TABLE_ROOM),
    ]
    return rows + [(p.name, p.offset, len(data["application"]), p.size) for p in slots]


def report(rows):
    """(lines of a table, names of what does not fit)"""
    lines = [f"{'part':<12} {'offset':>8} {'bytes':>10} {'of':>10}  used"]
    for name, offset, used, room in rows:
        full = f"{used / room:6.1%}"
        lines.append(f"{name:<12} {offset:#8x} {used:>10,} {room:>10,} {full}")
    return lines, [name for name, _, used, room in rows if used > room]


def run(board, env, hardened=False, modules=None, dev=False, boards=BOARDS, build=BUILD, out=OUT):
    """Build, judge and copy the parts of a board's image to out/. FirmwareError."""
    missing = problems(board, env, boards)
    if missing:
        raise FirmwareError(
            "no image can be built here:\n" + "\n".join(f"  - {m}" for m in missing)
        )
    target = build / (board + ("-dev" if dev else "") + ("-hardened" if hardened else ""))
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command(board, env, target, boards),
        env=environment(env, hardened, modules, dev),
        check=False,
    )
    if done.returncode:
        raise FirmwareError(f"the build of MicroPython's ESP32 port failed ({done.returncode})")
    lines, over = report(sizes(board, target, boards))
    print("\n".join(lines))
    if over:
        raise FirmwareError(f"does not fit: {', '.join(over)}")
    place = out / target.name
    place.mkdir(parents=True, exist_ok=True)
    for name in PARTS.values():
        shutil.copyfile(target / name, place / Path(name).name)
    print(f"in {place}: {', '.join(Path(n).name for n in PARTS.values())}")


def main(argv=None):
    parser = argparse.ArgumentParser(prog="firmware", description=__doc__)
    parser.add_argument("board", nargs="?", default=os.environ.get("BOARD", ""))
    parser.add_argument("--hardened", action="store_true", help="see docs/hardening.md")
    parser.add_argument("--key", action="append", default=[], help="PEM: whose bundles it runs")
    parser.add_argument("--activation", action="append", default=[], help="PEM of a service desk")
    parser.add_argument("--dev", action="store_true", help="a development build")
    parser.add_argument("--modules", help="folder of modules of your own")
    asked = parser.parse_args(argv)
    try:
        modules = None
        if not problems(asked.board, os.environ):
            modules = generated(asked.board, asked.key, asked.activation, asked.dev, asked.modules)
        run(asked.board, os.environ, asked.hardened, modules, asked.dev)
    except FirmwareError as e:
        print(f"cannot: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
