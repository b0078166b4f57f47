"""Six deliberate defects of store and forward, each put into a copy of the firmware: the random
histories must find every one of them, and nothing in the copy without them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = 1
HISTORIES = 120

# name: (class that must be among the findings, [(file, old text, new text)])
DEFECTS = {
    "the record of a request is written after sending": (
        "duplicated",
        [
            (
                "app/store/journal.py",
                """\
        loc = self._log.append(_INTENT, records.encode_intent(t))
        i = self._add(t.trace, t.kind, t.amount, t.begins)
        self._base[i] = loc >> 4
""",
                """\
        i = self._add(t.trace, t.kind, t.amount, t.begins)
        if t.begins != records.SENDING:
            self._base[i] = self._log.append(_INTENT, records.encode_intent(t)) >> 4
""",
            ),
            (
                "app/store/journal.py",
                """\
        loc = self._log.append(_OUTCOME, records.encode_outcome(t))
""",
                """\
        if self._base[i] == self._nowhere:
            self._base[i] = self._log.append(_INTENT, records.encode_intent(t)) >> 4
        loc = self._log.append(_OUTCOME, records.encode_outcome(t))
""",
            ),
        ],
    ),
    "a reversal is deleted after so many tries": (
        "duplicated",
        [
            (
                "app/pay/reversal.py",
                """\
                await sign_in()
        return False
""",
                """\
                await sign_in()
        apply(self._journal, self._session, t, txn.REVERSAL_DONE)
        return True
""",
            ),
        ],
    ),
    "each send of an advice gets a number of its own": (
        "duplicated",
        [
            (
                "app/pay/saf.py",
                """\
        fields = cup.advice(t, self._settings, self._session.reader, pan)
        try:
""",
                """\
        fields = cup.advice(t, self._settings, self._session.reader, pan)
        fields[11] = "%06d" % self._journal.take_trace()
        try:
""",
            ),
        ],
    ),
    "the newest block is emptied first": (
        "lost",
        [
            (
                "app/store/flashlog.py",
                "self._first_seq[b] < self._first_seq[best]",
                "self._first_seq[b] > self._first_seq[best]",
            ),
        ],
    ),
    "an approval is shown before it is in the flash": (
        "lost",
        [
            (
                "app/store/journal.py",
                """\
        loc = self._log.append(_OUTCOME, records.encode_outcome(t))
        self._outcome[i] = loc >> 4
        self._set_states(i, t.state, t.other_trace, t.other_state)
""",
                """\
        self._late = i, records.encode_outcome(t)
        self._set_states(i, t.state, t.other_trace, t.other_state)

    def flush(self):
        i, data = getattr(self, "_late", (0, None))
        self._late = 0, None
        if data:
            self._outcome[i] = self._log.append(_OUTCOME, data) >> 4
""",
            ),
            (
                "app/store/journal.py",
                """\
        t.printed = t.printed or self.printed(i)
        self._log.append(_MARK, records.encode_mark(t))
""",
                """\
        t.printed = t.printed or self.printed(i)
        self.flush()
        self._log.append(_MARK, records.encode_mark(t))
""",
            ),
            (
                "app/store/journal.py",
                """\
        if not self.has_room():
            raise JournalFull""",
                """\
        self.flush()
        if not self.has_room():
            raise JournalFull""",
            ),
        ],
    ),
    "what timed out goes out again without the repeat mark": (
        "unexplained",
        [("app/pay/steps.py", "repeat = t.tries > 0", "repeat = t.refusals > 0")],
    ),
}


def firmware(folder, patches):
    """A copy of the firmware with `patches`; each must fit in one place exactly."""
    copy = folder / "firmware"
    shutil.copytree(ROOT / "firmware", copy)
    for name, old, new in patches:
        path = copy / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} has changed: the defect fits {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")
    return copy


def histories(copy):
    """(exit code, {class: findings}, output) of some days with that firmware."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'tools'}:{ROOT / 'host_tests'}"}
    command = [sys.executable, "-m", "histories", "--firmware", copy, "--jobs", "1",
               "days", "--n", HISTORIES, "--seed", SEED]  # fmt: skip
    done = subprocess.run(
        [*map(str, command)], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    found = re.search(r"^(\d+) lost, (\d+) duplicated, (\d+) unexplained$", done.stdout, re.M)
    output = done.stdout + done.stderr
    assert found, output[-3000:]
    counts = map(int, found.groups())
    classes = ("lost", "duplicated", "unexplained")
    return done.returncode, dict(zip(classes, counts, strict=True)), output


def test_the_firmware_itself_passes_with_the_same_seeds(tmp_path):
    code, found, output = histories(firmware(tmp_path, []))
    assert code == 0 and not any(found.values()), output[-3000:]


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found(name, tmp_path):
    fitting, patches = DEFECTS[name]
    code, found, output = histories(firmware(tmp_path, patches))
    print(f"{name}: {found}")
    assert code == 1, output[-3000:]
    assert found[fitting], f"nothing {fitting} among {found}\n{output[-3000:]}"
    assert re.search(r"make histories SEED=\d+ N=1$", output, re.M)
