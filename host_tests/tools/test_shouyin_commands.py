"""What the technician's tool does on the computer: files, check values, confirmation, console.

The terminal is a fake one here: what it is asked, and what the tool makes of any answer. The
firmware itself is in e2e/test_shouyin.py.
"""

import base64
import csv
import io
import json
import os
import select
import subprocess
import sys
import tty
from pathlib import Path

import psec
import pytest
from test_shouyin_link import refuse, run

from fake_terminal import FakeTerminal, Refusal
from shouyin import errors

ROOT = Path(__file__).resolve().parents[2]
COMPONENT = "1F2E3D4C5B6A79880796A5B4C3D2E1F0"

# ---- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [COMPONENT, COMPONENT + "0123456789ABCDEF", COMPONENT.lower()])
def test_sec7_the_kcv_of_a_component_is_three_bytes_and_all_that_is_shown(digits):
    code, text, err = run("keys", "kcv", typed=digits + "\n")
    want = psec.des.generate_kcv(bytes.fromhex(digits), 3).hex().upper()
    assert (code, err) == (0, "") and f"KCV {want}:" in text
    assert digits[:6] not in text
    assert json.loads(run("keys", "kcv", typed=digits, as_json=True)[1]) == {"kcv": want}


def test_the_check_value_of_a_service_key_is_another_than_of_a_des_key():
    from cryptography.hazmat.primitives import hashes, hmac

    judge = hmac.HMAC(bytes.fromhex(COMPONENT), hashes.SHA256())
    judge.update(b"shouyin check value")
    want = judge.finalize()[:3].hex().upper()
    code, text, _ = run("keys", "kcv", "--service", typed=COMPONENT + "\n", as_json=True)
    assert (code, json.loads(text)) == (0, {"kcv": want})
    code, text, err = run("keys", "kcv", "--service", typed=COMPONENT + "00\n")
    assert (code, text) == (errors.LOCAL, "") and COMPONENT not in err


@pytest.mark.parametrize("typed", ["12345", COMPONENT + "00", COMPONENT[:-1] + "G", ""])
def test_a_component_that_is_none_is_refused_and_not_repeated(typed):
    code, text, err = run("keys", "kcv", typed=typed)
    assert (code, text) == (errors.LOCAL, "") and err
    assert not typed or typed not in err


# ---- unlocking ----------------------------------------------------------------------------------


def key_command(passwords, answer):
    """Answers of a terminal whose `answer` wants the technician's password first."""
    given = []

    def unlock(password):
        given.append(password)
        if password != passwords[-1]:
            raise Refusal("TechError: wrong password, 4 tries left")
        return {"unlocked": True}

    def command(*args, **kw):
        if not given:
            raise Refusal("TechError: give the password again: tech.unlock(password)")
        return answer

    return {"unlock": unlock}, command


def test_unlock_takes_the_password_unseen_or_from_a_pipe_and_never_from_the_command_line():
    with FakeTerminal({"unlock": {"unlocked": True}}) as t:
        assert run("unlock", port=t.path, typed='pa"ss\\w0rd\n')[0] == 0
        assert t.calls == [("unlock", ('pa"ss\\w0rd',), {})]
        assert run("unlock", "--operator", "00", port=t.path, typed="963852\n")[0] == 0
        assert t.calls[1:] == [("unlock", ("963852", "00"), {})]
        with pytest.raises(SystemExit) as e:
            run("unlock", "password", port=t.path)
        assert e.value.code == errors.USAGE
        assert run("unlock", port=t.path)[0] == errors.LOCAL  # nothing typed


def test_a_key_command_asks_for_the_password_once_and_goes_on():
    answers, command = key_command(["tech-secret"], {"kcv": "82E136"})
    with FakeTerminal({**answers, "keys.enter": command}) as t:
        code, text, _ = run(
            "keys", "enter", "--password-stdin", port=t.path, typed="tech-secret\n"
        )
        assert code == 0 and "82E136" in text and "tech-secret" not in text
        assert [c[0] for c in t.calls] == ["keys.enter", "unlock", "keys.enter"]


def test_without_anybody_to_ask_a_key_command_says_what_to_do():
    answers, command = key_command(["tech-secret"], {})
    with FakeTerminal({**answers, "keys.enter": command}) as t:
        code, _, err = run("keys", "enter", port=t.path)
        assert code == errors.LOCKED and "shouyin unlock" in err


def test_a_new_password_is_typed_twice():
    with FakeTerminal({"password": {"changed": True}}) as t:
        assert run("password", port=t.path, typed="new-secret\nnew-secret\n")[0] == 0
        code, _, err = run("password", port=t.path, typed="new-secret\nother\n")
        assert code == errors.LOCAL and "not the same" in err
        assert [c[1] for c in t.calls] == [("new-secret",)]


# ---- files --------------------------------------------------------------------------------------


class Receiver:
    """tech.receive: puts the pieces together; refuses one that does not fit."""

    def __init__(self):
        self.data = {}

    def __call__(self, name, offset, piece):
        got = self.data.setdefault(name, bytearray())
        if offset == 0:
            got.clear()
        if offset != len(got):
            raise Refusal(f"TechError: piece at {offset}, expected {len(got)}")
        got += base64.b64decode(piece, validate=True)
        return {"name": name, "size": len(got)}


def test_an_activation_file_arrives_whole_is_activated_and_the_next_step_told(tmp_path):
    file = tmp_path / "58402001.sya"
    file.write_bytes(bytes(range(256)) * 9 + "收银".encode())
    receive = Receiver()
    answers = {"receive": receive, "activate": {"tid": "58402001"}}
    with FakeTerminal(answers) as t:
        code, text, _ = run("activate", str(file), port=t.path)
    assert code == 0 and receive.data == {file.name: file.read_bytes()} and t.longest <= 1024
    assert t.calls[-1] == ("activate", (file.name,), {})
    lines = text.splitlines()
    assert "sending 58402001.sya: 100 %" in lines
    assert "shouyin keys enter" in lines[-1]


def test_a_refused_activation_tells_no_next_step(tmp_path):
    file = tmp_path / "a.sya"
    file.write_bytes(b"x")
    answers = {"receive": Receiver(), "activate": refuse("TechError: the signature is wrong")}
    with FakeTerminal(answers) as t:
        code, text, err = run("activate", str(file), port=t.path)
    assert code == errors.REFUSED and "the signature is wrong" in err and "keys enter" not in text


def test_files_that_are_not_there_or_empty(tmp_path):
    code, _, err = run("activate", str(tmp_path / "none"), port="/dev/ttyNOPE0")
    assert code == errors.LOCAL and "cannot be read" in err
    (tmp_path / "empty").touch()
    code, _, err = run("activate", str(tmp_path / "empty"), port="/dev/ttyNOPE0")
    assert code == errors.LOCAL and "is empty" in err


ROWS = [
    {"trace": 1, "state": "APPROVED", "pan": "622500******0001", "amount_fen": 1234},
    {"trace": 2, "state": "UNKNOWN", "pan": "622500******0001", "amount_fen": 5, "name": 'a,"b"'},
]


def journal(*batches):
    """A terminal with ROWS in its batch, which gives one at a time; `batches`: its numbers."""
    batches = list(batches)

    def page(first):
        after = first + 1 if first + 1 < len(ROWS) else None
        return {"batch": batches.pop(0), "records": ROWS[first : first + 1], "next": after,
                "total": len(ROWS)}  # fmt: skip

    return FakeTerminal({"journal.export": page})


def test_the_journal_as_csv_and_json_lines(tmp_path):
    with journal(1, 1, 1, 1) as t:
        code, text, _ = run("journal", "export", str(tmp_path / "j.csv"), port=t.path)
        assert code == 0 and text.endswith(f"2 transactions in {tmp_path / 'j.csv'}\n")
        assert run("journal", "export", str(tmp_path / "j.jsonl"), port=t.path)[0] == 0
    read = list(csv.DictReader(io.StringIO((tmp_path / "j.csv").read_text("utf-8"))))
    assert [r["trace"] for r in read] == ["1", "2"] and read[1]["name"] == 'a,"b"'
    lines = (tmp_path / "j.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(n) for n in lines] == ROWS


def test_a_journal_that_is_settled_in_between_is_not_written(tmp_path):
    with journal(1, 2) as t:
        code, _, err = run("journal", "export", str(tmp_path / "j.csv"), port=t.path)
    assert code == errors.NO_TERMINAL and "settled meanwhile" in err
    assert not (tmp_path / "j.csv").exists()


def test_a_file_that_cannot_be_written_is_an_error_of_this_computer(tmp_path):
    with FakeTerminal({"report": {"a": 1}}) as t:
        code, _, err = run("report", str(tmp_path / "no" / "r.json"), port=t.path)
    assert code == errors.LOCAL and "cannot be written" in err


# ---- settings -----------------------------------------------------------------------------------


def test_settings_are_typed_as_the_terminal_has_them():
    now = {"port": 8000, "language": "zh"}
    with FakeTerminal({"settings.get": now.get, "settings.set": {"changed": 2}}) as t:
        assert run("settings", "set", "port=8443", "language=en", port=t.path)[0] == 0
        assert t.calls[-1] == ("settings.set", (), {"port": 8443, "language": "en"})
        code, _, err = run("settings", "set", "port=abc", port=t.path)
        assert code == errors.LOCAL and "port must be a whole number" in err
        code, _, err = run("settings", "set", "port", port=t.path)
        assert code == errors.LOCAL and "NAME=VALUE" in err
    assert [c[0] for c in t.calls].count("settings.set") == 1


def test_an_import_sends_the_whole_file_and_takes_it_over_in_one_step(tmp_path):
    wanted = {"port": 8000, "receipt_code": 'x"' * 106, "merchant_name": "店" * 40}
    file = tmp_path / "参数 of today, and a very long name.json"
    export = {"format": 1, "board": "SY_CLASSIC", "settings": wanted}
    file.write_text("\ufeff" + json.dumps(export, indent=1), encoding="utf-8")
    receive = Receiver()
    done = {"changed": sorted(wanted), "reboot": [], "missing": []}
    with FakeTerminal({"receive": receive, "settings.import_file": done}) as t:
        code, text, _ = run("settings", "import", str(file), port=t.path, as_json=True)
    assert (code, json.loads(text), t.longest <= 1024) == (0, done, True)
    ((name, data),) = receive.data.items()
    assert json.loads(data) == export
    assert name.isascii() and " " not in name and len(name) == 32 and name.endswith(".json")
    assert [c for c in t.calls if c[0] != "receive"] == [("settings.import_file", (name,), {})]


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": 1}', "{}"])
def test_a_file_that_is_no_export_is_refused_before_the_terminal_is_asked(tmp_path, text):
    file = tmp_path / "settings.json"
    file.write_text(text)
    code, _, err = run("settings", "import", str(file), port="/dev/ttyNOPE0")
    assert code == errors.LOCAL and "no export" in err


# ---- end of life --------------------------------------------------------------------------------

WORD = "DESTROY-58402001-2-5"


def decommission(confirm=None):
    asked = {"owed": 2, "amount_fen": 2468, "unsettled": 5, "confirm": WORD}
    if confirm == WORD:
        return {"decommissioned": True, "lost": 2}
    return {"decommissioned": False, **asked}


def test_sec28_decommission_warns_of_what_is_owed_and_wants_the_word_typed():
    with FakeTerminal({"decommission": decommission}) as t:
        code, text, err = run("decommission", port=t.path, typed="yes\n")
        assert code == errors.LOCAL and "nothing was destroyed" in err
        assert "2 TRANSACTIONS, 24.68 YUAN" in text and "5 transactions are not settled" in text
        assert t.calls == [("decommission", (), {})]
        assert run("decommission", port=t.path, typed=WORD + "\n")[0] == 0
        assert t.calls[-1] == ("decommission", (WORD,), {})
        code, text, _ = run("decommission", "--confirm", "DESTROY-58402001-0-0", port=t.path)
        assert code == errors.NEGATIVE and WORD in text


# ---- the console --------------------------------------------------------------------------------


def test_the_console_passes_keys_both_ways_and_ctrl_bracket_leaves():
    """On a pty of its own, as in a terminal window."""
    with FakeTerminal() as t:
        window, inside = os.openpty()
        tty.setraw(inside)
        tool = subprocess.Popen(
            [sys.executable, "-m", "tools.shouyin", "console", "--port", t.path],
            cwd=ROOT, stdin=inside, stdout=inside, stderr=inside,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )  # fmt: skip
        os.close(inside)
        seen = until(window, b">>> ")
        assert t.path.encode() in seen and b"Ctrl-]" in seen
        os.write(window, b"tech.status()")
        assert until(window, b"tech.status()").endswith(b"tech.status()")
        os.write(window, b"\x1d")
        assert b"left the console" in until(window, b"lock")
        assert tool.wait(30) == 0
        os.close(window)
    assert t.typed == b"\rtech.status()"


def until(fd, ending):
    """What comes out of `fd` until `ending` is in it."""
    seen = b""
    while ending not in seen:
        assert select.select([fd], [], [], 30)[0], seen
        seen += os.read(fd, 4096)
    return seen


def test_the_console_wants_a_window():
    code, _, err = run("console", port="/dev/ttyNOPE0")
    assert code == errors.LOCAL and "terminal window" in err


# ---- the service desk ---------------------------------------------------------------------------

KEY = "000102030405060708090A0B0C0D0E0F"


def test_the_service_desk_answers_a_challenge(tmp_path):
    from cryptography.hazmat.primitives import hashes, hmac

    file = tmp_path / "58402001.key"
    file.write_text(KEY + "\n")
    argv = ("respond", "0123456789ABCDEF", "--serial", "SY00000042", "--key", str(file))
    code, text, _ = run(*argv, as_json=True)
    judge = hmac.HMAC(bytes.fromhex(KEY), hashes.SHA256())
    judge.update(b"shouyin service 1SY00000042" + bytes.fromhex("0123456789ABCDEF"))
    bits = "".join(f"{b:08b}" for b in judge.finalize())[:40]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    want = "".join(letters[int(bits[i : i + 5], 2)] for i in range(0, 40, 5))
    assert (code, json.loads(text)) == (0, {"response": want})


@pytest.mark.parametrize("challenge, key", [("012345", KEY), ("xyz", KEY), ("00" * 8, KEY[:-2])])
def test_a_challenge_or_key_that_is_none_is_refused_and_the_key_not_shown(
    tmp_path, challenge, key
):
    file = tmp_path / "k"
    file.write_text(key)
    code, text, err = run("respond", challenge, "--serial", "S", "--key", str(file))
    assert (code, text) == (errors.LOCAL, "") and "hex" in err and key[:8] not in err


# ---- builders -----------------------------------------------------------------------------------


def test_a_bundle_that_cannot_be_made_says_why(tmp_path):
    code, _, err = run("bundle", "--board", "SY_NOPE", "--out", str(tmp_path))
    assert code == errors.LOCAL and "SY_NOPE" in err
    assert not list(tmp_path.iterdir())


def test_an_image_that_cannot_be_made_says_why(tmp_path):
    argv = ("image", "--board", "SY_CLASSIC", "--base", str(tmp_path / "none.bin"))
    code, _, err = run(*argv)
    assert code == errors.LOCAL and "none.bin" in err
