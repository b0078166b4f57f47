# Modules that are needed once, or rarely, need not stay in memory: loading one again costs little.

import sys


def forget(*names):
    """Let go of these modules (full names). The next import makes them anew, so they must keep
    nothing: no state, no exception that somebody else catches."""
    for name in names:
        if sys.modules.pop(name, None) is not None:
            parent, _, own = name.rpartition(".")
            package = sys.modules.get(parent)
            if package is not None and hasattr(package, own):
                delattr(package, own)
