"""`python -m tools.shouyin` from the repository's root, or `python -m shouyin` beside it."""

import sys
from pathlib import Path

# The neighbours (flashing, bundle ...) are top-level modules of tools/.
_TOOLS = str(Path(__file__).resolve().parents[1])
if _TOOLS not in sys.path:
    sys.path.insert(0, _TOOLS)

try:
    from shouyin import cli
except ModuleNotFoundError as e:
    sys.exit(
        f"shouyin: this Python has no {e.name}; in the repository's root: "
        "make help (once: make demo), then .venv/bin/python -m tools.shouyin"
    )

if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:]))
