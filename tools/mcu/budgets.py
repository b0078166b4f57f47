"""What the firmware may take: firmware/budgets.toml, and whether it keeps to it."""

from .toolchain import ROOT

PATH = ROOT / "firmware" / "budgets.toml"
TOLERANCE = 0.03
# A collection falls into the window that is measured, or beside it: that depends on the folder's
# name, which the firmware carries with it. It takes up to 1.4 M; what is below 2 M has none.
COLLECTION = 1_400_000
_WITH_COLLECTIONS = 2_000_000

_HEAD = """\
# What the firmware may take on the emulated 32-bit machine; growth by more than 3 % (of
# instructions: and one collection of the heap) fails the CI.
# Written by `make performance` after a change that was meant; see docs/performance.md.
"""


def load():
    """{section: {name: number}}"""
    try:
        import tomllib
    except ImportError:  # Python 3.10
        import tomli as tomllib
    if not PATH.exists():
        return {}
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def store(sections):
    lines = [_HEAD]
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [f'"{name}" = {value}' for name, value in values.items()]
        lines.append("")
    PATH.write_text("\n".join(lines), encoding="utf-8")


def judge(section, values, budgets):
    """Texts: what is beyond its budget, has none, or has one and was not measured. For "free ..."
    more is better."""
    budget = budgets.get(section, {})
    found = [f"{section}: {n} has no budget" for n in values if n not in budget]
    found += [
        f"{section}: {n} has a budget and was not measured" for n in budget if n not in values
    ]
    for name, value in values.items():
        limit = budget.get(name)
        if limit is None:
            continue
        if name.startswith("free"):
            if value < limit * (1 - _less(name)):
                found.append(f"{section}: {name} is {value:,}, the budget says {limit:,}")
        elif value > _most(section, limit):
            grown = (value / limit - 1) * 100
            found.append(f"{section}: {name} is {value:,}, {grown:.1f} % over {limit:,}")
    return found


def _less(name):
    # Where the last collection fell decides how long the longest piece is.
    return 0.5 if "in one piece" in name else TOLERANCE


def _most(section, limit):
    most = limit * (1 + TOLERANCE)
    if section == "instructions" and limit > _WITH_COLLECTIONS:
        return most + COLLECTION
    return most


def of_size(measured):
    """The numbers of size.measure() that have budgets."""
    modules = measured["modules"].values()
    idle = measured["day"]["idle"]
    out = {
        "ROM of all modules": sum(m["rom"] for m in modules),
        "RAM of all modules after import": sum(m["ram"] or 0 for m in modules),
        "free after boot to idle": idle["free"],
        "free in one piece after boot to idle": idle["largest"],
    }
    for name, values in measured["day"].items():
        if name != "idle":
            out[f"peak during: {name}"] = values["peak"]
            out[f"allocated during: {name}"] = values["allocated"]
    return out
