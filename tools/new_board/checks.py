"""What can be said about a board's folder without a board. check() lists it all."""

import ast
import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import lint
from esp_idf_defs.partitions import InputError, PartitionTable

from simulator import board_process, preset

from .chips import CHIPS

ON_BOARD = Path(__file__).resolve().parent / "on_board"
TABLE_OFFSET = 0x8000
_PORT = 8583  # nobody listens there

FILES = (
    "board.json", "manifest.py", "mpconfigboard.cmake", "mpconfigboard.h", "partitions.csv",
    "pins.csv", "sdkconfig.board", "modules/board.py", "modules/identity.py",
)  # fmt: skip

# label: (type, subtype), as the firmware looks for them
PARTITIONS = {
    "nvs": (1, 0x02), "otadata": (1, 0x00), "phy_init": (1, 0x01), "ota_0": (0, 0x10),
    "ota_1": (0, 0x11), "bundle_0": (1, 0x41), "bundle_1": (1, 0x41), "journal": (1, 0x40),
    "audit": (1, 0x42), "vfs": (1, 0x81), "coredump": (1, 0x03),
}  # fmt: skip
_TWINS = (("ota_0", "ota_1"), ("bundle_0", "bundle_1"))

_WRONG = re.compile(r"^wrong: (.*)$", re.M)


@dataclass(frozen=True)
class Finding:
    """`bad`: the board cannot work like this; otherwise somebody should look."""

    bad: bool
    text: str


def _bad(text):
    return Finding(True, text)


def check(folder):
    """Findings about a board's folder, the cheap ones first. What must be right for a later check
    to mean anything ends the list."""
    folder = Path(folder)
    found = check_files(folder)
    if found:
        return found
    target, found = check_chip(folder)
    found += check_pins(folder, target)
    found += check_partitions(folder)
    found += check_names(folder)
    found += check_types(folder)
    if not any(f.bad for f in found):
        found += check_start(folder)
    return found


def check_files(folder):
    return [_bad(f"{name} is missing") for name in FILES if not (folder / name).is_file()]


def _text(folder, name):
    return (folder / name).read_text(encoding="utf-8")


def options(text):
    """{option: value} of an sdkconfig; without CONFIG_."""
    rows = re.findall(r"^CONFIG_(\w+)=(.*)$", text, re.M)
    return {name: value.strip().strip('"') for name, value in rows}


def flash_mb(folder):
    """MB of flash that sdkconfig.board names; None when it is not exactly one size."""
    chosen = options(_text(folder, "sdkconfig.board"))
    sizes = [
        int(m[1])
        for name, value in chosen.items()
        if value == "y" and (m := re.fullmatch(r"ESPTOOLPY_FLASHSIZE_(\d+)MB", name))
    ]
    return sizes[0] if len(sizes) == 1 else None


def psram(folder):
    """ "none", "quad" or "octal"."""
    chosen = options(_text(folder, "sdkconfig.board"))
    if chosen.get("SPIRAM") != "y":
        return "none"
    return "octal" if chosen.get("SPIRAM_MODE_OCT") == "y" else "quad"


def check_chip(folder):
    """(target or None, findings): board.json, mpconfigboard.cmake and sdkconfig.board agree on a
    chip that there is."""
    found = []
    named = re.search(r"set\(\s*IDF_TARGET\s+(\w+)", _text(folder, "mpconfigboard.cmake"))
    target = named[1] if named else None
    try:
        mcu = json.loads(_text(folder, "board.json")).get("mcu")
    except ValueError as e:
        found.append(_bad(f"board.json: {e}"))
        mcu = target
    if target not in CHIPS:
        found.append(_bad(f"mpconfigboard.cmake: IDF_TARGET is {target}, not {', '.join(CHIPS)}"))
        return None, found
    if mcu != target:
        found.append(_bad(f"board.json: mcu is {mcu}, IDF_TARGET is {target}"))
    if "common/board.cmake" not in _text(folder, "mpconfigboard.cmake"):
        found.append(_bad("mpconfigboard.cmake does not include ../common/board.cmake"))
    if "common/manifest.py" not in _text(folder, "manifest.py"):
        found.append(_bad("manifest.py does not include ../common/manifest.py"))
    if flash_mb(folder) is None:
        found.append(_bad("sdkconfig.board: not exactly one CONFIG_ESPTOOLPY_FLASHSIZE_...MB=y"))
    if psram(folder) not in CHIPS[target].psram:
        found.append(_bad(f"sdkconfig.board: {target} has no {psram(folder)} PSRAM"))
    return target, found


def check_pins(folder, target):
    found = []
    users = {}
    names = set()
    for n, line in enumerate(_text(folder, "pins.csv").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        row = re.fullmatch(r"([A-Z][A-Z0-9_]*),GPIO(\d+)", line.strip())
        if not row:
            found.append(_bad(f"pins.csv:{n}: {line!r} is not NAME,GPIOn"))
            continue
        name, pin = row[1], int(row[2])
        if name in names:
            found.append(_bad(f"pins.csv:{n}: {name} is there twice"))
        names.add(name)
        if pin in users:
            found.append(_bad(f"pins.csv:{n}: {name} and {users[pin]} share GPIO{pin}"))
        users.setdefault(pin, name)
        if target:
            found += _judge_pin(folder, CHIPS[target], name, pin)
    return found


def _judge_pin(folder, chip, name, pin):
    where = f"{name} on GPIO{pin}"
    if pin not in chip.pins:
        return [_bad(f"{where}: the {chip.target} has no such pin")]
    for pins, why in chip.refused:
        if pin in pins:
            return [_bad(f"{where}: {why}")]
    if pin in chip.psram.get(psram(folder), ()):
        return [_bad(f"{where}: belongs to the {psram(folder)} PSRAM")]
    return [Finding(False, f"{where}: {why}") for pins, why in chip.watched if pin in pins]


def table(folder):
    """ESP-IDF's PartitionTable of a board. InputError."""
    read = PartitionTable.from_csv(_text(folder, "partitions.csv"))
    read.verify(TABLE_OFFSET)
    return read


def check_partitions(folder):
    try:
        read = table(folder)
        mb = flash_mb(folder)
        if mb is not None:
            read.verify_size_fits(mb << 20)
    except InputError as e:
        return [_bad(f"partitions.csv: {e}")]
    found = []
    there = {p.name: p for p in read}
    for label, kind in PARTITIONS.items():
        part = there.get(label)
        if part is None:
            found.append(_bad(f"partitions.csv: no partition {label}"))
        elif (part.type, part.subtype) != kind:
            got = f"type {part.type}, subtype 0x{part.subtype:02x}"
            want = f"type {kind[0]}, subtype 0x{kind[1]:02x}"
            found.append(_bad(f"partitions.csv: {label} is {got}, not {want}"))
    for a, b in _TWINS:
        if a in there and b in there and there[a].size != there[b].size:
            found.append(_bad(f"partitions.csv: {a} and {b} are not equally large"))
    return found


def _constant(folder, path, name):
    """The value of NAME = "..." in a module, None when there is none; SyntaxError."""
    for node in ast.parse(_text(folder, path)).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            if [getattr(t, "id", "") for t in node.targets] == [name]:
                return node.value.value
    return None


def check_names(folder):
    """The folder, identity.BOARD and board.NAME are one name: bundles are made for it."""
    found = []
    for path, name in (("modules/identity.py", "BOARD"), ("modules/board.py", "NAME")):
        try:
            value = _constant(folder, path, name)
        except SyntaxError as e:
            found.append(_bad(f"{path}:{e.lineno}: {e.msg}"))
            continue
        if value != folder.name:
            found.append(_bad(f"{path}: {name} is {value!r}, the folder is {folder.name}"))
    return found


def check_types(folder):
    """board.py against the stubs of the ESP32 port (`make lint` has them)."""
    if not lint.TYPINGS.is_dir():
        return [Finding(False, "types were not checked: the stubs are not here (make lint)")]
    pins = set(re.findall(r"^([A-Z]\w*),", _text(folder, "pins.csv"), re.M))
    path = f"{folder / 'modules'}:{lint.FIRMWARE}:{lint.COMMON}:{lint.TYPINGS}"
    done = subprocess.run(
        [str(lint.BIN / "mypy"), "--config-file=pyproject.toml",
         f"--custom-typeshed-dir={lint.TYPINGS}", str(folder / "modules" / "board.py")],
        cwd=lint.ROOT, env={**os.environ, "MYPYPATH": path}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    lines = (done.stdout + done.stderr).strip().splitlines()
    if not lines or not re.match(r"(Found \d+ error|Success)", lines[-1]):
        return [_bad("mypy broke off: " + " / ".join(lines[-3:]))]
    found = []
    for line in lines[:-1]:
        row = re.match(r".*modules/board\.py:(\d+): error: (.*)$", line)
        if not row:
            continue
        pin = re.match(r'"type\[board\]" has no attribute "(\w+)"', row[2])
        if pin and pin[1] in pins:
            continue
        what = f"pins.csv has no {pin[1]}" if pin else row[2]
        found.append(_bad(f"modules/board.py:{row[1]}: {what}"))
    return found


def check_start(folder):
    """The board in the simulated chip: its file offers the whole contract, each driver can be
    made, and the terminal comes up to its first screen, with nothing wired to it."""
    with tempfile.TemporaryDirectory() as place:
        flash = Path(place) / "flash.bin"
        board = str(folder.resolve())
        found = []
        try:
            said = board_process.run(flash, ON_BOARD / "contract.py", board=board)
            found += [_bad(text) for text in _WRONG.findall(said)]
            if found:
                return found
            board_process.provision(flash, preset.classic(_PORT), board)
            said = board_process.run(
                flash, ON_BOARD / "start.py", board=board, SHOUYIN_TIME="virtual"
            )
        except board_process.BoardError as e:
            return [_bad(f"it does not start: {str(e).strip().splitlines()[-1]}")]
        return [_bad(text) for text in _WRONG.findall(said)]


def say(folder, found):
    """Print findings; whether the board can work."""
    for f in found:
        print(f"{'error' if f.bad else 'look at'}: {f.text}")
    bad = sum(f.bad for f in found)
    print(f"{folder.name}: {f'{bad} errors' if bad else 'fits together'}")
    return not bad
