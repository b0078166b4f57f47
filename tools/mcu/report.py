"""docs/performance.md and its charts, of what `make size` and `make instructions` measured."""

from PIL import Image, ImageDraw, ImageFont

from . import build
from .toolchain import ROOT

DOCS = ROOT / "docs"
PAGE = DOCS / "performance.md"
_WIDTH, _ROW, _LABEL = 900, 24, 280


def bars(title, rows, unit, limit=None):
    """Pillow image of horizontal bars. rows: [(label, value)]; limit: a line across."""
    font, bold = ImageFont.load_default(13), ImageFont.load_default(17)
    image = Image.new("RGB", (_WIDTH, 56 + _ROW * len(rows)), "white")
    draw = ImageDraw.Draw(image)
    draw.text((16, 12), title, fill="black", font=bold)
    most = max([value for _, value in rows] + [limit or 1])
    room = _WIDTH - _LABEL - 130
    for n, (label, value) in enumerate(rows):
        y = 46 + n * _ROW
        draw.text((16, y + 3), label, fill="black", font=font)
        end = _LABEL + max(1, round(room * value / most))
        over = limit is not None and value > limit
        draw.rectangle(
            (_LABEL, y + 3, end, y + _ROW - 5), (178, 80, 60) if over else (46, 125, 90)
        )
        draw.text((end + 8, y + 3), f"{value:,.1f} {unit}", fill="black", font=font)
    if limit is not None:
        x = _LABEL + round(room * limit / most)
        draw.line((x, 42, x, 46 + _ROW * len(rows)), (90, 90, 90), 1)
    return image


def ram_chart(measured):
    """Pillow image of what the imports keep."""
    rows = [(n, m["ram"] / 1024) for n, m in measured["modules"].items() if m["ram"]]
    rows.sort(key=lambda row: -row[1])
    return bars("RAM of the 20 largest modules after import", rows[:20], "KiB")


def size_table(measured):
    """Lines of Markdown."""
    day = measured["day"]
    heap = build.VARIANTS["standard"][1]
    lines = [
        f"Heap {heap:,} bytes, firmware frozen. The simulated chip, which is C in a port of",
        f"MicroPython, keeps {measured['chip']:,} bytes of objects; {build.CHIP:,} bytes are",
        "added to the heap for it.",
        "",
        "| after boot, at the idle screen | bytes |",
        "|---|---:|",
        f"| free | {day['idle']['free']:,} |",
        f"| largest free block | {day['idle']['largest']:,} |",
        f"| in use | {day['idle']['used']:,} |",
        "",
        "| flow | peak in use | in use afterwards | allocated on the way |",
        "|---|---:|---:|---:|",
    ]
    for name, v in day.items():
        if name != "idle":
            lines.append(f"| {name} | {v['peak']:,} | {v['used']:,} | {v['allocated']:,} |")
    lines += ["", "| module | ROM | RAM after import |", "|---|---:|---:|"]
    rows = sorted(measured["modules"].items(), key=lambda m: -(m[1]["rom"] + (m[1]["ram"] or 0)))
    for name, m in rows:
        ram = "with the boot" if m["ram"] is None else f"{m['ram']:,}"
        lines.append(f"| {name} | {m['rom']:,} | {ram} |")
    total = [sum(m[key] or 0 for m in measured["modules"].values()) for key in ("rom", "ram")]
    return [*lines, f"| **all** | **{total[0]:,}** | **{total[1]:,}** |"]


def instruction_table(measured):
    lines = ["| what | instructions | at 160 MHz | at 240 MHz |", "|---|---:|---:|---:|"]
    for name, n in measured.items():
        lines.append(f"| {name} | {n:,} | {n / 160e3:,.1f} ms | {n / 240e3:,.1f} ms |")
    return lines


def write(size, instructions):
    """The page and its charts."""
    DOCS.mkdir(exist_ok=True)
    ram_chart(size).save(DOCS / "performance-size.png")
    rows = [(n, v / 1e6) for n, v in instructions.items() if v >= 1e5]
    bars("Instructions", rows, "M").save(DOCS / "performance-instructions.png")
    text = [
        "# Memory and instructions on a 32-bit microcontroller",
        "",
        "Made by `make performance`, on the emulated board (boards/qemu_rv32, RV32IMC as an",
        "ESP32-C3). `make size` and `make instructions` measure again and fail when a number has",
        "grown by more than 3 % beyond firmware/budgets.toml.",
        "",
        "## Memory",
        "",
        *size_table(size),
        "",
        "![RAM by module](performance-size.png)",
        "",
        "## Instructions",
        "",
        "Counted exactly (QEMU, `-icount shift=0`): Python and C of the firmware and of",
        "MicroPython, garbage collection included. Not counted is what stands for C code and",
        "hardware: the simulated pins, buses, clock and flash, and the event loop's wait. The",
        "times are an estimate: one instruction a cycle, code in cache; a real ESP32 fetches",
        "code from flash and is slower.",
        "",
        *instruction_table(instructions),
        "",
        "![Instructions](performance-instructions.png)",
        "",
    ]
    PAGE.write_text("\n".join(text), encoding="utf-8")
