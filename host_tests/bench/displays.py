"""What the displays cost on the bus: a full repaint and a change of one digit."""

import json
import sys

# What a digit may cost of a full repaint, and how long nobody may be kept waiting.
DIGIT_MAX = 0.05
GAP_MAX_US = 5000


def displays(lines):
    """Prints the table, and returns the results; `lines`: what on_target/displays.py prints, split
    at blanks. SystemExit when a target is missed."""
    results = [json.loads(" ".join(rest)) for word, *rest in lines if word == "result"]
    print(
        "\nDisplays: bytes on the bus, time until it is on the glass, and the longest pass of the"
    )
    print("event loop meanwhile, in virtual time (the bus counts, not the processor):\n")
    print(f"{'':<30}{'full repaint':^32}{'one digit':^32}{'digit':>8}")
    print(f"{'':<30}{'bytes':>10}{'ms':>10}{'gap ms':>12}{'bytes':>10}{'ms':>10}{'gap ms':>12}"
          f"{'/ full':>8}")  # fmt: skip
    kept = True
    for r in results:
        full, digit = r["full"], r["digit"]
        ratio = digit["bytes"] / full["bytes"]
        kept &= 0 < ratio <= DIGIT_MAX
        kept &= max(full["longest_us"], digit["longest_us"]) <= GAP_MAX_US
        row = "".join(
            f"{x['bytes']:>10,}{x['total_us'] / 1000:>10.1f}{x['longest_us'] / 1000:>12.2f}"
            for x in (full, digit)
        )
        print(f"{r['display']:<30}{row}{ratio:>8.1%}")
    print(
        f"\ntarget: a digit at most {DIGIT_MAX:.0%} of a full repaint, no pass above "
        f"{GAP_MAX_US / 1000:.0f} ms: {'kept' if kept and results else 'NOT KEPT'}"
    )
    if not kept or not results:
        sys.exit("a display costs more than it may")
    return results
