"""What a board's bundle holds."""

import ast
import csv
import json
from pathlib import Path

from . import BundleError

ROOT = Path(__file__).resolve().parents[2]
# The steps of the boot are frozen only: they choose the bundle.
FROZEN_FIRMWARE = ("_boot", "boot", "bootstate", "main", "romreader", "slots", "volume")
FROZEN_MODULES = ("flavour", "identity", "signers")
# What no release holds: other ways to Python, and everything of the simulator and the tests.
DEVELOPMENT = ("devrepl",)
FOREIGN = (
    "acquirer", "analog", "bus", "desk", "harness", "launch", "loop", "models", "otadata",
    "ramflash", "runner", "simulator", "target", "vtasks", "webrepl", "webrepl_setup", "wires",
)  # fmt: skip
# -march of mpy-cross, by the processor that board.json names
ARCHES = {"esp32": "xtensawin", "esp32s2": "xtensawin", "esp32s3": "xtensawin",
          "esp32c3": "rv32imc", "esp32c6": "rv32imc"}  # fmt: skip


def folder(board, root=ROOT):
    """The folder of a board. BundleError with the names of those that there are."""
    found = root / "boards" / board
    if not board or Path(board).name != board or not (found / "modules" / "board.py").exists():
        known = sorted(p.parents[1].name for p in root.glob("boards/SY_*/modules/board.py"))
        raise BundleError(f"no board {board!r}: BOARD is one of {', '.join(known)}")
    return found


def arch(board, root=ROOT):
    """-march of the board's processor: board.json says "mcu"."""
    path = folder(board, root) / "board.json"
    if not path.exists():
        return ARCHES["esp32s3"]
    mcu = json.loads(path.read_text(encoding="utf-8")).get("mcu")
    if mcu not in ARCHES:
        raise BundleError(f"{path}: mcu {mcu!r} is none of {', '.join(ARCHES)}")
    return ARCHES[mcu]


def slot_size(board, root=ROOT):
    """Bytes of the smaller bundle slot in the board's partition table."""
    path = folder(board, root) / "partitions.csv"
    with path.open(encoding="utf-8") as f:
        rows = [[c.strip() for c in row] for row in csv.reader(f)]
    sizes = [int(row[4], 0) for row in rows if row and row[0] in ("bundle_0", "bundle_1")]
    if len(sizes) != 2:
        raise BundleError(f"{path}: there must be two bundle slots, bundle_0 and bundle_1")
    return min(sizes)


def version(root=ROOT):
    """(VERSION, COUNTER) of firmware/app/version.py."""
    path = root / "firmware" / "app" / "version.py"
    values = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = ast.literal_eval(node.value)
    try:
        return values["VERSION"], values["COUNTER"]
    except KeyError as e:
        raise BundleError(f"{path} must assign {e.args[0]}") from None


def _python(base, pattern="*.py"):
    return {p.relative_to(base).as_posix(): p for p in base.glob(pattern)}


def modules(board, dev=False, root=ROOT):
    """{name in the bundle: source file} of its Python modules; `dev`: with those that only a
    development build has."""
    firmware = root / "firmware"
    found = {}
    for package in ("app", "drivers"):
        found.update(
            {f"{package}/{n}": p for n, p in _python(firmware / package, "**/*.py").items()}
        )
    tops = _python(firmware)
    tops = {n: p for n, p in tops.items() if n[:-3] not in FROZEN_FIRMWARE}
    folders = [root / "boards" / "common", folder(board, root)]
    if dev:
        folders.append(root / "boards" / "dev")
    for place in folders:
        tops.update(_python(place / "modules"))
    found.update({n: p for n, p in tops.items() if n[:-3] not in FROZEN_MODULES})
    check_content(found, dev)
    return dict(sorted(found.items()))


def check_content(names, dev=False):
    """BundleError when a release would hold what only development may have, or any bundle
    something of the simulator or the tests."""
    banned = set(FOREIGN) | (set() if dev else set(DEVELOPMENT))
    for name in names:
        parts = name.rsplit(".", 1)[0].split("/")
        if banned.intersection(parts) or parts[-1].startswith("test_"):
            raise BundleError(f"{name} must not be in a {'development' if dev else 'release'}")


def assets(root=ROOT):
    """{name in the bundle: file}"""
    return {p.name: p for p in sorted((root / "firmware" / "assets").glob("*.bin"))}
