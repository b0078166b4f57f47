"""Make a board: python -m new_board NAME --target esp32s3 --flash 8 --psram none. Check one:
python -m new_board NAME --check."""

import argparse
import sys
from pathlib import Path

from . import checks, template


def main(argv=None):
    parser = argparse.ArgumentParser(prog="new_board", description=__doc__)
    parser.add_argument("name", help="SY_...: the folder's name")
    parser.add_argument("--check", action="store_true", help="check a board that is there")
    parser.add_argument("--target", default="esp32s3", help="esp32s3 or esp32c3")
    parser.add_argument("--flash", type=int, default=8, help="MB: 8 or 16")
    parser.add_argument("--psram", default="none", help="none, quad or octal")
    parser.add_argument("--boards", type=Path, default=template.BOARDS, help="where boards lie")
    asked = parser.parse_args(argv)
    folder = asked.boards / asked.name
    if not asked.name or asked.check and not folder.is_dir():
        what = f"there is no board {asked.name}" if asked.name else "BOARD= is missing"
        there = ", ".join(sorted(p.name for p in asked.boards.glob("SY_*")))
        print(f"cannot: {what}; there are {there}", file=sys.stderr)
        return 2
    if not asked.check:
        try:
            template.make(asked.name, asked.target, asked.flash, asked.psram, asked.boards)
        except template.TemplateError as e:
            print(f"cannot: {e}", file=sys.stderr)
            return 2
        print(f"made {folder}: change pins.csv and modules/board.py to your wiring, then check it")
    return 0 if checks.say(folder, checks.check(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
