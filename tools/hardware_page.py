"""Writes what docs/hardware.md can be sure of: parts, wires and special pins of every board, from
its pins.csv, board.py and sdkconfig.board, between markers in the page; and
a drawing of the wires.

    python tools/hardware_page.py            write
    python tools/hardware_page.py --check    say what is not up to date
"""

import ast
import csv
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from hardware_parts import FIVE_VOLTS, MODULES, PARTS, SPECIAL

ROOT = Path(__file__).resolve().parents[1]
BOARDS = ROOT / "boards"
PAGE = ROOT / "docs" / "hardware.md"
MB = 1024 * 1024

# (part, what of board.py calls for it). A printer is found by its profile's name.
_CALLS = (
    ("ST7567", r"\bST7567\("),
    ("ST7789", r"\bST7789\("),
    ("ILI9488", r"\bILI9488\("),
    ("SSD1306", r"\bSSD1306I2C\("),
    ("Matrix", r"\bMatrix\("),
    ("TCA8418", r"\bmake_keypad\b"),
    ("MagStripe", r"\bMagStripe\("),
    ("TtlStripe", r"import .*make_card_reader\b"),
    ("A7670", r"\bA7670\b"),
    ("EC200", r"\bEC200\b"),
)
_PROFILES = ("chinese58", "ttl58", "chinese80", "column58")
_EXTRAS = {"touch": "FT6336", "buzzer": "buzzer", "battery": "battery", "tamper": "tamper",
           "scanner": "scanner"}  # fmt: skip


class PageError(Exception):
    """A board or the page cannot be described. The text names what is missing."""


@dataclass(frozen=True)
class Board:
    """`chip` as ESP-IDF calls it; `flash` in MB; `psram` "", "quad" or "octal"; `pins` {signal:
    GPIO}; `parts` names of hardware_parts.PARTS."""

    name: str
    title: str
    chip: str
    flash: int
    psram: str
    pins: dict
    parts: tuple


@dataclass(frozen=True)
class Wire:
    part: str
    signal: str
    gpio: int
    terminal: str


def names():
    return sorted(p.parent.name for p in BOARDS.glob("SY_*/pins.csv"))


def load(name):
    """The Board of that name. PageError when a device of it is not in the tables."""
    folder = BOARDS / name
    source = (folder / "modules" / "board.py").read_text(encoding="utf-8")
    config = (folder / "sdkconfig.board").read_text(encoding="utf-8")
    cmake = (folder / "mpconfigboard.cmake").read_text(encoding="utf-8")
    flash = re.search(r"FLASHSIZE_(\d+)MB=y", config)
    psram = ""
    if "CONFIG_SPIRAM=y" in config:
        psram = "octal" if "CONFIG_SPIRAM_MODE_OCT=y" in config else "quad"
    return Board(
        name=name,
        title=source.split("\n", 1)[0].lstrip("# ").split(":")[0],
        chip=re.search(r"IDF_TARGET (\w+)", cmake)[1],
        flash=int(flash[1]),
        psram=psram,
        pins=pins(folder / "pins.csv"),
        parts=_parts(name, source),
    )


def pins(path):
    """{signal: GPIO number} of a pins.csv."""
    out = {}
    for row in csv.reader(path.read_text(encoding="utf-8").splitlines()):
        if row and not row[0].startswith("#"):
            out[row[0]] = int(row[1].removeprefix("GPIO"))
    return out


def _caps(source):
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CAPS":
            return {
                key.value: ast.literal_eval(value)
                for key, value in zip(node.value.keys, node.value.values, strict=True)
                if key.value != "display"
            }
    raise PageError("board.py has no CAPS")


def _parts(name, source):
    caps = _caps(source)
    code = re.sub(r"#.*", "", source)
    found = [part for part, call in _CALLS if re.search(call, code)]
    if "Matrix" in found and "TCA8418" in found:
        found.remove("TCA8418")  # its own make_keypad
    found += [p for p in _PROFILES if f'"{p}"' in code]
    found += ["W5500"] if "lan" in caps["bearers"] else []
    found += [_EXTRAS[kind] for kind in caps["extras"]]
    unknown = [p for p in found if p not in PARTS]
    if unknown:
        raise PageError(f"{name}: hardware_parts.py does not know {', '.join(unknown)}")
    return tuple(p for p in PARTS if p in found)


def wires(board):
    """Every Wire of a board, by part. PageError when a pin leads nowhere, or a part lacks one."""
    out = []
    for part in board.parts:
        for signal, terminal in PARTS[part].terminals.items():
            if signal.endswith("*"):
                head = signal[:-1]
                out += [
                    Wire(part, s, gpio, terminal.format(s.removeprefix(head)))
                    for s, gpio in board.pins.items()
                    if s.startswith(head)
                ]
            elif signal in board.pins:
                out.append(Wire(part, signal, board.pins[signal], terminal))
            elif signal not in ("KEY_RST", "LCD_BL", "PRINTER_BUSY"):
                raise PageError(f"{board.name}: {part} needs {signal}, pins.csv has none")
    used = {w.signal for w in out}
    lost = [s for s in board.pins if s not in used and not s.startswith("I2C_")]
    if lost:
        raise PageError(f"{board.name}: no part takes {', '.join(lost)}")
    return out


def layout(path):
    """Names of the keys in a module's LAYOUT or _LAYOUT, four in a row."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id.strip("_") == "LAYOUT":
            keys = ast.literal_eval(node.value)
            return [keys[i : i + 4] for i in range(0, len(keys), 4)]
    raise PageError(f"{path} has no LAYOUT")


def clashes(board):
    """Pairs of signals that share a GPIO, and pins that belong to USB or to nobody."""
    seen, wrong = {}, []
    for signal, gpio in board.pins.items():
        if gpio in seen:
            wrong.append(f"{signal} and {seen[gpio]} share GPIO{gpio}")
        seen[gpio] = signal
        if SPECIAL[board.chip].get(gpio, ("",))[0].startswith("USB"):
            wrong.append(f"{signal} lies on USB (GPIO{gpio})")
    return wrong


# ---- text ---------------------------------------------------------------------------------------


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(r) + " |" for r in rows]


def keys():
    """Lines that say which key sits where in the matrix."""
    rows = layout(BOARDS / "common" / "modules" / "parts.py")
    table = [(f"row {i}", *row) for i, row in enumerate(rows)]
    return _table(("", *(f"column {i}" for i in range(4))), table)


def section(board):
    """Lines of a board's part of the page."""
    buy, instead = MODULES[board.chip, board.psram]
    lines = [f"**{board.title}.** Board: {buy}. Careful: {instead}.", "", "What it takes:", ""]
    rows = [(PARTS[p].title, PARTS[p].buy, PARTS[p].supply) for p in board.parts]
    lines += _table(("part", "what to look for", "supply"), rows)
    lines += ["", f"![Wires of {board.name}](hardware-{board.name}.svg)", "", "Every wire:", ""]
    special = SPECIAL[board.chip]
    rows = []
    last = ""
    for w in wires(board):
        device = "" if w.part == last else _device(w.part)
        last = w.part
        note = special.get(w.gpio, ("",))[0]
        rows.append((device, w.terminal, f"GPIO{w.gpio}", f"`{w.signal}`", note))
    lines += _table(("device", "its terminal", "chip", "name", ""), rows)
    free = [f"GPIO{g} (`{s}`)" for s, g in board.pins.items()
            if s not in {w.signal for w in wires(board)}]  # fmt: skip
    if free:
        lines += ["", f"Kept free for sensors and a clock chip: {', '.join(free)}."]
    lines += ["", "Care:", ""]
    for part in (PARTS[p] for p in board.parts if PARTS[p].care):
        lines.append(f"* {part.title}: {_sentence(part.care)}")
    for gpio, (_, care) in special.items():
        names_ = [s for s, g in board.pins.items() if g == gpio]
        if names_ and care:
            lines.append(f"* GPIO{gpio} (`{names_[0]}`): {care}")
    others = [g for g, (note, _) in special.items() if "strapping" in note and
              g not in board.pins.values()]  # fmt: skip
    if others:
        lines.append(
            "* Not used, and nothing may pull them at reset: "
            + "; ".join(f"GPIO{g} ({special[g][0].split(': ')[1]})" for g in others)
            + "."
        )
    return lines + [f"* {FIVE_VOLTS}"]


def _device(part):
    title = PARTS[part].title
    return title if part.islower() else f"{title} ({part})"


def _sentence(text):
    return text if text.endswith(".") else text + "."


# ---- the drawing --------------------------------------------------------------------------------

_ROW, _GAP, _TOP = 18, 14, 40
_CHIP_X, _CHIP_W, _PART_X, _PART_W = 20, 210, 400, 330


def drawing(board):
    """SVG (text): the chip on the left, the devices on the right, a line for each wire."""
    body, y, last = [], _TOP, ""
    boxes = []
    for w in wires(board):
        if w.part != last:
            y += _GAP if last else 0
            boxes.append([_device(w.part), y, y + _ROW])
            y += _ROW
            last = w.part
        middle = y + _ROW // 2
        body += [
            f'<path d="M{_CHIP_X + _CHIP_W} {middle}H{_PART_X}" class="w"/>',
            _text(_CHIP_X + _CHIP_W - 8, middle, f"{w.signal}  GPIO{w.gpio}", "e"),
            _text(_PART_X + 8, middle, w.terminal),
        ]
        y += _ROW
        boxes[-1][2] = y
    height = y + 20
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_PART_X + _PART_W + 20} {height}" '
        f'width="{_PART_X + _PART_W + 20}" height="{height}">',
        "<style>svg{background:#fff}text{font:12px sans-serif;dominant-baseline:central}"
        ".e{text-anchor:end}.b{font-weight:bold}rect{fill:#f4f4ee;stroke:#333}"
        ".w{stroke:#06c;fill:none}</style>",
        f'<rect x="{_CHIP_X}" y="{_TOP - 20}" width="{_CHIP_W}" height="{y - _TOP + 24}"/>',
        _text(_CHIP_X + 8, _TOP - 8, f"{board.name}: {board.chip.upper()}", "b"),
    ]
    for title, top, bottom in boxes:
        head += [
            f'<rect x="{_PART_X}" y="{top}" width="{_PART_W}" height="{bottom - top}"/>',
            _text(_PART_X + 8, top + _ROW // 2, title, "b"),
        ]
    return "\n".join(head + body + ["</svg>"]) + "\n"


def _text(x, y, text, style=""):
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}"{kind}>{escape(text)}</text>'


# ---- the page -----------------------------------------------------------------------------------


def filled(text):
    """The page's text with every board's part put between its markers. PageError."""
    made = {"keys": keys()}
    made.update((name, section(load(name))) for name in names())
    for name, lines in made.items():
        begin, end = f"<!-- made: {name} -->", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise PageError(f"{PAGE.name} lacks the markers of {name}: {begin} ... {end}")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = "\n".join([before + begin, *lines, end]) + after
    return text


def files():
    """{path: what it must hold}."""
    out = {PAGE: filled(PAGE.read_text(encoding="utf-8"))}
    for name in names():
        out[PAGE.with_name(f"hardware-{name}.svg")] = drawing(load(name))
    return out


def main(argv):
    wrong = [f"{name}: {what}" for name in names() for what in clashes(load(name))]
    try:
        wanted = files()
    except PageError as e:
        print(e)
        return 1
    for path, text in wanted.items():
        if "--check" not in argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            what = path.relative_to(ROOT)
            wrong.append(f"{what} is not up to date: python tools/hardware_page.py")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
