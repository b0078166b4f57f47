"""Every screen and receipt of a day, all boards side by side: `make gallery`.

Runs the demo's day on every simulated board and writes out/gallery/index.html, which shows the
pictures in the order of the day.
"""

import html
import multiprocessing
import shutil
import sys
import time
from pathlib import Path

from simulator import devices
from simulator.bench import BenchError
from simulator.demo import Demo

OUT = Path("out") / "gallery"

_STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2em; background: #f4f4f6; color: #222; }
table { border-collapse: separate; border-spacing: 16px; }
th { text-align: left; vertical-align: top; }
td { vertical-align: top; background: #fff; padding: 12px; border-radius: 8px; }
img { display: block; max-width: 100%; }
td.paper img { max-width: 330px; }
pre { margin: 0; font-size: 12px; color: #666; }
details { margin-top: 6px; }
"""


def _day(board):
    """(board, whether the books agree, what broke off, real seconds) of one day."""
    start = time.monotonic()
    demo = Demo(OUT / board, board=board, say=lambda text: None)
    try:
        return board, demo.run(), "", time.monotonic() - start
    except BenchError as e:
        return board, False, str(e), time.monotonic() - start
    finally:
        demo.bench.close()


def pictures(folder):
    """{step: file stem} of the pictures of a day, in its order; a step is the name without its
    number."""
    out = {}
    for path in sorted(Path(folder).glob("*-[0-9][0-9]-*.png"), key=lambda p: p.stem):
        kind, _, step = path.stem.split("-", 2)
        out[f"{kind} {step}"] = path.stem
    return out


def page(folder, boards):
    """The HTML page; a cell says so where a board has no picture of a step."""
    days = {board: pictures(folder / board) for board in boards}
    steps = []
    for day in days.values():
        steps += [step for step in day if step not in steps]
    steps.sort(key=lambda s: s.startswith("receipt"))
    rows = ["<tr><th></th>" + "".join(f"<th>{html.escape(b)}</th>" for b in boards) + "</tr>"]
    for step in steps:
        cells = ""
        for board in boards:
            cells += _cell(folder, board, days[board].get(step), step)
        rows.append(f"<tr><th>{html.escape(step)}</th>{cells}</tr>")
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Shouyin 收银: gallery</title>"
        f"<style>{_STYLE}</style><h1>Shouyin 收银: every screen and receipt of a day</h1>"
        "<p>Read back from the simulated glass and paper, as <code>make gallery</code> found them."
        f"</p><table>{''.join(rows)}</table></html>\n"
    )


def _cell(folder, board, stem, step):
    if stem is None:
        return "<td>-</td>"
    text = (folder / board / f"{stem}.txt").read_text(encoding="utf-8")
    kind = "paper" if step.startswith("receipt") else "screen"
    return (
        f"<td class='{kind}'><img src='{board}/{stem}.png' alt='{html.escape(step)}'>"
        f"<details><summary>text</summary><pre>{html.escape(text)}</pre></details></td>"
    )


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    boards = list(devices.BY_BOARD)
    print(f"a day on each of {', '.join(boards)}; some 20 s each", flush=True)
    wrong = 0
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for board, agree, why, seconds in pool.imap_unordered(_day, boards):
            n = len(pictures(OUT / board))
            said = "books agree" if agree else f"FAILED {why}"
            print(f"{board}: {n} pictures, {said} ({seconds:.0f} s)", flush=True)
            wrong += not agree
    index = OUT / "index.html"
    index.write_text(page(OUT, boards), encoding="utf-8")
    print(f"open {index}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
