"""The figures: as a table, as data and pages of coverage.py in out/coverage."""

import shutil

import coverage

from . import statements


class Module:
    """One file of the firmware with what was measured. name: its path below firmware/."""

    def __init__(self, path, name, kinds):
        self.path = path
        self.name = name
        self.source = statements.Source(path.read_text(encoding="utf-8"))
        self.covered = self.source.covered(kinds)
        self.missed = sorted(self.source.statements - self.covered)
        self.uncalled = self.source.uncalled(kinds)


def modules(firmware, traces):
    """All files below `firmware`, also those that no test imports."""
    return [
        Module(path, path.relative_to(firmware).as_posix(), traces.get(str(path), {}))
        for path in sorted(firmware.rglob("*.py"))
    ]


def percent(missed, statements):
    return 100 * (statements - missed) / statements if statements else 100.0


def total(measured):
    """(statements, missed)"""
    return (
        sum(len(m.source.statements) for m in measured),
        sum(len(m.missed) for m in measured),
    )


def ranges(lines, statements):
    """Line numbers as "3-7, 9": a range goes on while no statement outside of `lines` comes."""
    out = []
    for line in lines:
        if out and not any(out[-1][1] < n < line for n in statements):
            out[-1][1] = line
        else:
            out.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def table(measured):
    """The text of the table."""
    rows = ["module                              statements  missed       %  missed lines"]
    for m in measured:
        n = len(m.source.statements)
        if n:
            where = ranges(m.missed, m.source.statements)
            share = percent(len(m.missed), n)
            rows.append(f"{m.name:<36}{n:>10}{len(m.missed):>8}{share:>8.1f}  {where}".rstrip())
    n, missed = total(measured)
    rows.append(f"{'total':<36}{n:>10}{missed:>8}{percent(missed, n):>8.1f}")
    natives = [(m, name) for m in measured for _, _, name in m.source.natives]
    rows.append("")
    rows.append("not counted, as machine code has no lines (called by a test: yes or NO):")
    for m, name in natives:
        rows.append(f"  {m.name}: {name}: {'NO' if name in m.uncalled else 'yes'}")
    return "\n".join(rows)


def write(measured, out):
    """coverage.py's data file, its pages, and the table as text, into the folder `out`."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "coverage.txt").write_text(table(measured) + "\n", encoding="utf-8")
    data = coverage.CoverageData(str(out / "coverage.data"))
    data.add_lines({str(m.path): m.covered for m in measured if m.source.statements})
    # Files that never ran are in it, too.
    data.touch_files([str(m.path) for m in measured if m.source.statements])
    data.write()
    pages = coverage.Coverage(data_file=str(out / "coverage.data"), config_file=False)
    pages.set_option("report:exclude_lines", [statements.NATIVE])
    pages.load()
    shown = pages.html_report(directory=str(out / "html"), title="firmware, in MicroPython")
    n, missed = total(measured)
    if abs(shown - percent(missed, n)) > 0.01:
        raise AssertionError(f"coverage.py counts {shown} %, we {percent(missed, n)} %")
