"""The technician's tool against ports on which things go wrong; the firmware itself is in
e2e/test_shouyin.py."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import serial

from fake_terminal import MUTE, NOISE, PLAIN, FakeTerminal, Refusal, parse
from shouyin import cli, errors, link, literals, ports
from shouyin.output import Output

ROOT = Path(__file__).resolve().parents[2]


def run(*argv, port=None, typed="", as_json=False):
    """(exit code, stdout, stderr) of one command in this process."""
    out, err = io.StringIO(), io.StringIO()
    argv = [*argv, *(["--port", port] if port else []), *(["--json"] if as_json else [])]
    code = cli.main(argv, Output(as_json, out, err), io.StringIO(typed))
    return code, out.getvalue(), err.getvalue()


def refuse(line):
    def answer(*args, **kw):
        raise Refusal(line)

    return answer


# ---- values -------------------------------------------------------------------------------------


def test_any_text_reaches_the_terminal_as_it_is():
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SEED={seed}")
    rng = random.Random(seed)
    some = "\x01\x02\x03\x04\x05\r\n\t\"'\\ab0é店\U0001f600\x7f{}%"
    for _ in range(300):
        text = "".join(rng.choice(some) for _ in range(rng.randrange(20)))
        number = rng.randrange(-(1 << 40), 1 << 40)
        source = f"print({literals.call('a.b', (text, number, None), {'x': True})}.json())"
        assert parse(source) == ("a.b", (text, number, None), {"x": True})
        assert not any(ord(c) < 32 or ord(c) == 127 for c in source)


def test_a_value_that_is_no_literal_is_refused():
    with pytest.raises(TypeError, match="float"):
        literals.literal(1.5)


# ---- results ------------------------------------------------------------------------------------


def test_a_result_is_readable_and_with_json_exactly_one_document():
    with FakeTerminal({"status": {"state": "idle", "shop": "收银", "owed": {"count": 2}}}) as t:
        code, text, err = run("status", port=t.path)
        assert (code, err) == (0, "")
        assert text.splitlines() == ["state: idle", "shop: 收银", "owed: {'count': 2}"]
        code, text, _ = run("status", port=t.path, as_json=True)
        assert json.loads(text) == {"state": "idle", "shop": "收银", "owed": {"count": 2}}


def test_lines_on_the_way_are_told_before_the_result():
    said = {"keypad": ["1", "ENTER"]}
    with FakeTerminal({"keypad": {"keys": ["1", "ENTER"]}}, said=said) as t:
        code, text, _ = run("keypad", "test", "--seconds", "5", port=t.path)
        assert (code, text.splitlines()) == (0, ["1", "ENTER", "keys: ['1', 'ENTER']"])
        code, text, err = run("keypad", "test", port=t.path, as_json=True)
        assert json.loads(text) == {"keys": ["1", "ENTER"]} and err.splitlines() == ["1", "ENTER"]
    assert [c[1] for c in t.calls] == [(5,), (20,)]


# ---- errors -------------------------------------------------------------------------------------

REFUSALS = (
    ("TechError: locked: tech.unlock() first", errors.LOCKED, "shouyin unlock"),
    ("TechError: a sale is on the screen", errors.REFUSED, ""),
    ("TechError: password: locked for 30 minutes after wrong tries", errors.LOCKED, "--challenge"),
    ("TechError: give the password again: tech.unlock(password)", errors.LOCKED, "once more"),
    ("TechError: tech.status is not part of this firmware", errors.REFUSED, "another version"),
    ("GrammarError: line 1, column 5: a ) should be here", errors.REFUSED, "another version"),
    ("SettingsError: port must be 1 to 65535", errors.REFUSED, ""),
    ("cancelled", errors.REFUSED, ""),
    ("OSError: 5", errors.REFUSED, "shouyin report"),
)


@pytest.mark.parametrize("line, code, hint", REFUSALS)
def test_what_the_terminal_refuses_has_its_exit_code_and_next_step(line, code, hint):
    with FakeTerminal({"status": refuse(line)}) as t:
        got, text, err = run("status", port=t.path)
        assert (got, text) == (code, "")
        assert hint in err and ("next:" in err) == bool(hint)
        got, text, err = run("status", port=t.path, as_json=True)
        assert json.loads(text)["exit"] == got == code and err == ""


def test_no_such_port():
    code, _, err = run("status", port="/dev/ttyNOPE0")
    assert code == errors.NO_TERMINAL and "no port /dev/ttyNOPE0" in err and "shouyin ports" in err


def test_a_port_without_permission(tmp_path, monkeypatch):
    port = tmp_path / "ttyUSB0"
    port.touch()
    monkeypatch.setattr(os, "access", lambda *a: False)
    code, _, err = run("status", port=str(port))
    assert code == errors.NO_TERMINAL and "no permission" in err and "group" in err


@pytest.mark.parametrize("kind, words", [(MUTE, "nothing answers"), (NOISE, "something else")])
def test_a_port_with_no_terminal_on_it(kind, words, capsys):
    with (
        FakeTerminal(kind=kind) as t,
        pytest.raises(link.LinkError, match=words),
        link.Link(t.path, enter_s=0.2),
    ):
        pass
    assert capsys.readouterr() == ("", "")  # mpremote's own words stay away


def test_a_plain_micropython_board_gets_a_clear_message():
    with FakeTerminal(kind=PLAIN) as t:
        code, _, err = run("info", port=t.path)
    assert code == errors.NO_TERMINAL
    assert "MicroPython board without Shouyin" in err and "shouyin flash" in err


def test_the_cable_is_pulled_in_the_middle():
    with FakeTerminal({"status": FakeTerminal.PULL}) as t:
        code, _, err = run("status", port=t.path)
    assert code == errors.NO_TERMINAL and "went away" in err and "plug it in" in err


def test_a_terminal_that_falls_silent():
    with (
        FakeTerminal({"status": FakeTerminal.HANG}) as t,
        link.Link(t.path) as terminal,
        pytest.raises(link.LinkError, match="no answer"),
    ):
        terminal.call("status", wait_s=0.1)


def test_an_answer_that_is_no_json():
    with FakeTerminal({"status": b"Brownout detector\r\n"}) as t:
        code, text, _ = run("status", port=t.path, as_json=True)
    err = json.loads(text)["error"]
    assert code == errors.NO_TERMINAL and "no JSON: 'Brownout detector'" in err


def test_ctrl_c_cancels_on_the_terminal_too():
    asked = threading.Event()
    with FakeTerminal({"modem.trace": lambda *a: asked.set() or FakeTerminal.HANG}) as t:
        tool = subprocess.Popen(
            [sys.executable, "-m", "tools.shouyin", "modem", "trace", "--port", t.path],
            cwd=ROOT, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert asked.wait(30)
        tool.send_signal(signal.SIGINT)
        _, err = tool.communicate(timeout=30)
    assert tool.returncode == errors.INTERRUPTED and "stopped; the terminal runs on" in err
    assert t.cancelled == 1


# ---- the lines of the cable ---------------------------------------------------------------------


class AutoReset(serial.Serial):
    """A port with the circuit of ESP32 boards behind it (esptool, "Boot Mode Selection"): RTS
    alone pulls the chip into reset, DTR alone the boot pin, both together nothing."""

    seen = []

    def open(self):
        self.lines = dict(zip(("dtr", "rts"), self.seen[0], strict=True))
        super().open()

    def _look(self):
        self.seen.append((self.lines["dtr"], self.lines["rts"]))

    def _update_dtr_state(self):
        self.lines["dtr"] = self._dtr_state
        self._look()

    def _update_rts_state(self):
        self.lines["rts"] = self._rts_state
        self._look()


@pytest.mark.parametrize("before", [True, False], ids=["raised by the kernel", "low before"])
def test_opening_and_closing_the_port_does_not_reset_the_board(monkeypatch, before):
    def opened(port, do_not_open=False, **how):
        port_ = AutoReset(None, **how)
        port_.port = port
        return port_

    monkeypatch.setattr(link.SerialTransport.__init__.__globals__["serial"], "serial_for_url",
                        opened)  # fmt: skip
    monkeypatch.setattr(AutoReset, "seen", [(before, before)])
    with FakeTerminal({"status": {"state": "idle"}}) as t:
        assert run("status", port=t.path)[0] == 0
    assert AutoReset.seen[-1] == (False, False) and len(AutoReset.seen) >= 5
    assert (False, True) not in AutoReset.seen


# ---- ports --------------------------------------------------------------------------------------


class Port:
    def __init__(self, device, vid=None, pid=None, description="", serial_number=None):
        self.device, self.vid, self.pid = device, vid, pid
        self.description, self.serial_number = description, serial_number


BRIDGE = Port("/dev/ttyUSB0", 0x10C4, 0xEA60)
S3 = Port("/dev/ttyACM3", 0x303A, 0x1001, serial_number="7C:DF:A1:00:00:01")
MOUSE = Port("/dev/ttyACM0", 0x046D, 0xC077, "mouse")


def test_ports_are_listed_with_a_guess_the_likely_one_first(monkeypatch):
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [MOUSE, BRIDGE, S3])
    code, text, _ = run("ports", as_json=True)
    rows = json.loads(text)
    assert code == 0
    assert [(r["port"], r["guess"], r["usb"]) for r in rows] == [
        ("/dev/ttyACM3", "likely", "303a:1001"),
        ("/dev/ttyUSB0", "possible", "10c4:ea60"),
        ("/dev/ttyACM0", "no", "046d:c077"),
    ]


def test_without_a_name_the_only_possible_port_is_taken_and_two_are_not(monkeypatch):
    monkeypatch.delenv("SHOUYIN_PORT", raising=False)
    with FakeTerminal({"status": {"state": "idle"}}) as t:
        only = Port(t.path, 0x303A, 0x1001)
        monkeypatch.setattr(ports.list_ports, "comports", lambda: [MOUSE, only])
        assert run("status")[0] == 0
        monkeypatch.setattr(ports.list_ports, "comports", lambda: [BRIDGE, only])
        code, _, err = run("status")
        assert code == errors.NO_TERMINAL and "more than one" in err and "/dev/ttyUSB0" in err
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [MOUSE])
    code, _, err = run("status")
    assert code == errors.NO_TERMINAL and "no terminal is plugged in" in err
