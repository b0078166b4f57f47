"""What a receipt of 40 lines costs on each kind of printer: bytes on the line, time, and how long
the event loop is held up by it. Virtual time, 115,200 bit/s."""

import json
import sys

# No driver call may block the loop for longer.
LONGEST_US_MAX = 5000
# A receipt of text; one whose Chinese lines must be drawn.
TEXT_BYTES_MAX, DRAWN_BYTES_MAX = 3000, 24_000
TEXT = ("chinese58", "chinese80")


def printer(target, lines):
    """Rows of figures, a dict each; prints them. `target`, `lines`: how a script is run under
    MicroPython (bench.__main__). SystemExit when a limit is not kept."""
    rows = [
        json.loads(" ".join(rest))
        for word, *rest in lines(target("printer_receipt.py"))
        if word == "result"
    ]
    print("\nA receipt of 40 lines, a third of them with Chinese, 115,200 bit/s:\n")
    print(
        f"{'profile':<12}{'bytes':>8}{'ms':>8}{'ms of paper':>13}{'in the buffer':>15}"
        f"{'longest loop gap, us':>22}"
    )
    kept = len(rows) == 5
    for r in rows:
        print(
            f"{r['profile']:<12}{r['bytes']:>8,}{r['us'] / 1000:>8.0f}"
            f"{r['paper_us'] / 1000:>13.0f}{r['fill']:>15,}{r['longest_us']:>22,}"
        )
        most = TEXT_BYTES_MAX if r["profile"] in TEXT else DRAWN_BYTES_MAX
        kept &= r["bytes"] <= most and r["longest_us"] <= LONGEST_US_MAX
    print(
        f"\ntarget: at most {TEXT_BYTES_MAX:,} bytes as text, {DRAWN_BYTES_MAX:,} where lines are "
        f"drawn, a loop gap of at most {LONGEST_US_MAX / 1000:.0f} ms: "
        f"{'kept' if kept else 'NOT KEPT'}"
    )
    if not kept:
        sys.exit("a receipt costs more than it may")
    return rows
