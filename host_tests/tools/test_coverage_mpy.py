"""The judge of line coverage: what it counts and forgives, and that it sees what is missed."""

import ast
from pathlib import Path

import pytest

from coverage_mpy import __main__ as command
from coverage_mpy import reasons, report, statements, trace

SOURCE = """\
from micropython import const

_A = const(3)
LIST = [
    1,
    2,
]


@micropython.viper
def fast(a: int) -> int:
    return a + 1


class Thing:
    @property
    def size(self):
        return 1

    async def wait(self):
        while True:
            if self.size:
                return LIST
"""
# What MicroPython has code for: not for const, not for `while True:`, not for a def below a
# decorator, and not inside of machine code.
CODE = {1, 4, 5, 6, 10, 15, 18, 20, 22, 23}


def covered(ran, source=SOURCE):
    return statements.Source(source).covered({trace.RAN: ran, trace.CODE: CODE})


# ---- traces -------------------------------------------------------------------------------------


def test_a_trace_is_read_with_its_paths_and_kinds():
    text = "= 0 /fw/a.py\n0 1\n0 !37\n= 1 host_tests/../firmware/b.py\n1 4\n0 2\n1 +9\n"
    assert trace.read(text, "/root") == {
        "/fw/a.py": {trace.RAN: {1, 2}, trace.CALLED: {37}},
        "/root/firmware/b.py": {trace.RAN: {4}, trace.CODE: {9}},
    }


def test_a_process_that_comes_again_under_the_same_number_may_number_its_files_anew():
    text = "= 0 /fw/a.py\n0 1\n= 0 /fw/b.py\n0 2\n"
    assert trace.read(text, "/") == {"/fw/a.py": {"": {1}}, "/fw/b.py": {"": {2}}}


def test_the_line_during_which_the_process_was_killed_does_not_count():
    assert trace.read("= 0 /fw/a.py\n0 1\n0 12", "/") == {"/fw/a.py": {"": {1}}}
    assert trace.read("= 0 /fw/a.p", "/") == {}


@pytest.mark.parametrize("text", ("0 1\n", "= 0 /a.py\n0 x\n", "= 0 /a.py\n1 1\n", "rubbish\n"))
def test_what_is_no_trace_is_an_error(text):
    with pytest.raises(trace.TraceError):
        trace.read(text, "/")


def test_traces_of_many_processes_are_one(tmp_path):
    (tmp_path / "trace.1").write_text("= 0 /fw/a.py\n0 1\n0 2\n")
    (tmp_path / "trace.2").write_text("= 0 /fw/b.py\n= 1 /fw/a.py\n1 3\n0 7\n")
    (tmp_path / "other").write_text("no trace")
    assert trace.read_folder(tmp_path, "/") == {
        "/fw/a.py": {"": {1, 2, 3}},
        "/fw/b.py": {"": {7}},
    }


# ---- statements ---------------------------------------------------------------------------------


def test_machine_code_is_not_counted_but_must_be_called():
    source = statements.Source(SOURCE)
    assert not source.statements & {10, 11, 12}
    assert [name for _, _, name in source.natives] == ["fast"]
    assert source.uncalled({}) == ["fast"]
    assert source.uncalled({trace.CALLED: {15}}) == ["fast"]
    assert source.uncalled({trace.CALLED: {10}}) == []


def test_a_statement_over_many_lines_is_one():
    assert 5 not in statements.Source(SOURCE).statements
    assert 4 in covered({5})


def test_what_has_no_code_counts_with_the_module_or_with_what_follows():
    assert covered(set()) == set()
    imported = {1, 3, 4, 15, 16, 17, 20}
    assert covered({1, 4, 15, 16, 20}) == imported
    assert covered({1, 4, 15, 16, 20, 22}) == imported | {21, 22}


def test_a_function_that_is_not_called_is_missed():
    source = statements.Source(SOURCE)
    missed = source.statements - covered({1, 4, 15, 16, 20})
    assert missed == {18, 21, 22, 23}
    assert [source.function(n) for n in sorted(missed)] == ["Thing.size"] + ["Thing.wait"] * 3
    assert source.function(4) == "" and source.function(20) == ""
    assert source.text(23) == "return LIST"


def test_an_empty_file_has_no_statements():
    assert statements.Source("").statements == set()


# ---- reasons ------------------------------------------------------------------------------------

MISSED = [("a.py", 7, "f", "raise ValueError(1)"), ("a.py", 9, "A.g", "return None")]


def entry(**keys):
    keys = {"file": "a.py", "reason": "it cannot happen", **keys}
    return "[[uncovered]]\n" + "".join(f"{k} = {v!r}\n" for k, v in keys.items())


def judge(*entries, missed=MISSED):
    unexplained, stale = reasons.judge(missed, reasons.load("\n".join(entries)))
    return [line for _, line, _, _ in unexplained], [str(r) for r in stale]


def test_every_missed_line_needs_a_reason():
    assert judge() == ([7, 9], [])
    assert judge(entry(function="f")) == ([9], [])
    assert judge(entry(line="ValueError"), entry(function="A.g", line="None")) == ([], [])


def test_a_reason_is_for_its_own_file_and_function():
    assert judge(entry(file="b.py", function="f"))[0] == [7, 9]
    assert judge(entry(function="g"))[0] == [7, 9]
    assert judge(entry(function="f", line="return"))[0] == [7, 9]


def test_a_reason_that_matches_nothing_any_more_is_an_error():
    assert judge(entry(function="f"), entry(line="gone"), missed=MISSED[:1]) == (
        [],
        ["a.py: 'gone'"],
    )


@pytest.mark.parametrize(
    "text",
    (
        "[[uncovered]\n",
        entry(),
        entry(line="x", reason="no"),
        entry(line="x", lines=3),
        "[[uncovered]]\nline = 'x'\nreason = 'without a file'\n",
    ),
)
def test_an_entry_that_says_too_little_is_refused(text):
    with pytest.raises(reasons.ReasonsError):
        reasons.load(text)


# ---- figures ------------------------------------------------------------------------------------


def measure(tmp_path, ran):
    firmware = tmp_path / "firmware"
    (firmware / "app").mkdir(parents=True, exist_ok=True)
    (firmware / "app" / "thing.py").write_text(SOURCE)
    (firmware / "app" / "__init__.py").write_text("")
    kinds = {trace.RAN: ran, trace.CODE: CODE, trace.CALLED: {10}}
    return report.modules(firmware, {str(firmware / "app" / "thing.py"): kinds})


def test_figures_are_those_of_coverage_py(tmp_path):
    measured = measure(tmp_path, {1, 4, 15, 16, 20})
    assert report.total(measured) == (11, 4)
    report.write(measured, tmp_path / "out")  # compares its total with coverage.py's
    text = (tmp_path / "out" / "coverage.txt").read_text()
    assert "app/thing.py" in text and "18, 21-23" in text and "fast: yes" in text
    assert (tmp_path / "out" / "html" / "index.html").exists()


def test_ranges_go_over_lines_that_are_no_statements():
    assert report.ranges([3, 5, 9], {1, 3, 5, 7, 9}) == "3-5, 9"
    assert report.ranges([], {1}) == ""


def test_the_command_sees_a_missed_line_and_an_untrue_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "LIST", tmp_path / "list.toml")
    found = {}
    for name, ran, text in (
        ("all", {1, 4, 15, 16, 18, 20, 22, 23}, ""),
        ("less", {1, 4, 15, 16, 18, 20, 22}, ""),
        ("reason", {1, 4, 15, 16, 18, 20, 22}, entry(file="app/thing.py", line="return LIST")),
        ("untrue", {1, 4, 15, 16, 18, 20, 22, 23}, entry(file="app/thing.py", line="LIST")),
        ("nothing", set(), ""),
    ):
        command.LIST.write_text(text)
        found[name] = command.complaints(measure(tmp_path, ran))
    assert found["all"] == []
    assert any("thing.py:23: no test, no reason: return LIST" in n for n in found["less"])
    assert not any("no reason" in n for n in found["reason"])
    assert found["untrue"] == ["list.toml: matches no missed line any more: app/thing.py: 'LIST'"]
    assert any("are required" in n for n in found["nothing"])


# ---- this project's own list --------------------------------------------------------------------


def test_the_reasons_of_this_project_can_be_read_and_name_files_that_are_there():
    for reason in reasons.load(command.LIST.read_text(encoding="utf-8")):
        assert (command.FIRMWARE / reason.file).exists(), str(reason)


def test_tests_that_are_left_out_are_still_there():
    for name, reason in command.SKIPPED.items():
        file, _, function = name.partition("::")
        path = Path(command.ROOT / file)
        assert path.exists() and len(reason.split()) > 3, name
        names = {getattr(n, "name", "") for n in ast.parse(path.read_text()).body}
        assert not function or function in names, name
