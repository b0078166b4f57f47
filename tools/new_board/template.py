"""The files of a new board: those of the chip's reference board, under another name and with the
flash and PSRAM that were asked for. The wiring is then the maker's to change."""

import json
import re
from pathlib import Path

from .chips import CHIPS, FLASH

BOARDS = Path(__file__).resolve().parents[2] / "boards"

_NAME = re.compile(r"SY_[A-Z0-9_]{1,20}")
_PSRAM = {
    "quad": "CONFIG_SPIRAM_MODE_QUAD=y",
    "octal": "CONFIG_SPIRAM_MODE_OCT=y",
}
_PSRAM_MORE = """CONFIG_SPIRAM_TYPE_AUTO=y
CONFIG_SPIRAM_SPEED_80M=y
CONFIG_SPIRAM_BOOT_INIT=y
CONFIG_SPIRAM_IGNORE_NOTFOUND=y
CONFIG_SPIRAM_USE_MALLOC=y
CONFIG_SPIRAM_MALLOC_ALWAYSINTERNAL=8192
"""


class TemplateError(Exception):
    """A board like this cannot be made. The text says why."""


def refuse(name, target, flash, psram):
    """TemplateError when a board of this kind cannot be made."""
    if not _NAME.fullmatch(name):
        raise TemplateError(
            f"{name}: a board's name is SY_ with up to 20 capitals, digits and _ behind"
        )
    if target not in CHIPS:
        raise TemplateError(f"--target {target} is not one of {', '.join(CHIPS)}")
    if flash not in FLASH:
        sizes = ", ".join(str(n) for n in FLASH)
        raise TemplateError(f"--flash {flash} is not one of {sizes} (MB): two applications, two "
                            "bundles and the journal must fit")  # fmt: skip
    if psram not in CHIPS[target].psram:
        kinds = ", ".join(CHIPS[target].psram)
        raise TemplateError(f"--psram {psram} is not one of {kinds} on an {target}")


def _sdkconfig(reference, name, flash, psram):
    """sdkconfig.board of the reference, with other memory."""
    text = (BOARDS / reference / "sdkconfig.board").read_text(encoding="utf-8")
    kept = [
        line
        for line in text.splitlines()
        if not re.match(r"# (ESP-IDF options of|PSRAM)|CONFIG_(ESPTOOLPY_FLASHSIZE|SPIRAM)", line)
    ]
    lines = [
        f"# ESP-IDF options of {name}: {flash} MB of flash, PSRAM: {psram}",
        "CONFIG_ESPTOOLPY_FLASHSIZE_4MB=n",
        f"CONFIG_ESPTOOLPY_FLASHSIZE_{flash}MB=y",
    ]
    if psram != "none":
        lines += ["", "CONFIG_SPIRAM=y", _PSRAM[psram], *_PSRAM_MORE.splitlines(), ""]
    joined = "\n".join(lines + kept)
    return re.sub(r"\n{3,}", "\n\n", joined).rstrip() + "\n"


def files(name, target, flash, psram):
    """{path in the board's folder: text}. TemplateError."""
    refuse(name, target, flash, psram)
    reference = CHIPS[target].reference
    source = BOARDS / reference
    out = {}
    for path in ("mpconfigboard.cmake", "mpconfigboard.h", "manifest.py", "pins.csv",
                 "modules/board.py", "modules/identity.py"):  # fmt: skip
        out[path] = (source / path).read_text(encoding="utf-8").replace(reference, name)
    host = name.lower().replace("_", "-")
    out["mpconfigboard.h"] = out["mpconfigboard.h"].replace(
        reference.lower().replace("_", "-"), host
    )
    out["partitions.csv"] = (BOARDS / FLASH[flash] / "partitions.csv").read_text(encoding="utf-8")
    out["sdkconfig.board"] = _sdkconfig(reference, name, flash, psram)
    about = json.loads((source / "board.json").read_text(encoding="utf-8"))
    about.update(product=name, mcu=target)
    features = set(about["features"]) - {"External RAM"}
    about["features"] = sorted(features | ({"External RAM"} if psram != "none" else set()))
    out["board.json"] = json.dumps(about, indent=4) + "\n"
    return out


def make(name, target, flash, psram, boards=BOARDS):
    """Write the folder of a new board; its path. TemplateError, also when it is there already."""
    made = files(name, target, flash, psram)
    folder = Path(boards) / name
    if folder.exists():
        raise TemplateError(f"{folder} is there already")
    for path, text in made.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    if Path(boards) != BOARDS:
        # Elsewhere the common files are found as they are here.
        common = Path(boards) / "common"
        if not common.exists():
            common.symlink_to(BOARDS / "common")
    return folder
