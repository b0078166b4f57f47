"""What an exchange of 1 KB each way costs on the modem's line, and how long the event loop is held
up by it: virtual time, 115,200 bit/s, both families of modems."""

import json
import sys

# No driver call may block the loop for longer.
LONGEST_US_MAX = 5000
# Commands, headers and results beside the payload, each way.
OVERHEAD_MAX = 256


def modem(target, lines):
    """Rows of figures, a dict each; prints them. `target`, `lines`: how a script is run under
    MicroPython (bench.__main__). SystemExit when a limit is not kept."""
    rows = [
        json.loads(" ".join(rest))
        for word, *rest in lines(target("modem_exchange.py"))
        if word == "result"
    ]
    print(
        "\n1,024 bytes to the host and back through the modem, open connection, 115,200 bit/s:\n"
    )
    print(
        f"{'':<10}{'to the modem':>14}{'from it':>10}{'commands':>10}{'ms':>8}"
        f"{'longest loop gap, us':>24}"
    )
    for r in rows:
        print(
            f"{r['family']:<10}{r['to_modem']:>14,}{r['from_modem']:>10,}{r['commands']:>10}"
            f"{r['us'] / 1000:>8.0f}{r['longest_us']:>24,}"
        )
    kept = all(
        r["longest_us"] <= LONGEST_US_MAX
        and max(r["to_modem"], r["from_modem"]) - r["payload"] <= OVERHEAD_MAX
        for r in rows
    )
    print(
        f"\ntarget: at most {OVERHEAD_MAX} bytes beside the payload each way, a loop gap of at "
        f"most {LONGEST_US_MAX / 1000:.0f} ms: {'kept' if kept and rows else 'NOT KEPT'}"
    )
    if not kept or not rows:
        sys.exit("an exchange through the modem costs more than it may")
    return rows
