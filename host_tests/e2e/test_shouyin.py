"""The technician's tool over a pty, against the firmware beside its running application."""

import io
import json
import os
import select
import subprocess
import sys
import threading
import tty

import pytest
from conftest import BY_NAME

from fieldkit import ROOT, SERVICE_KEY, TECHNICIAN, Field, mpremote, spec
from shouyin import cli, errors
from shouyin.output import Output
from simulator import board_process


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A till at work, as the technician finds it."""
    f = Field(tmp_path_factory.mktemp("field"))
    yield f
    f.close()


@pytest.fixture
def unlocked(field):
    field.unlock()
    yield field
    field.good("lock")


# ---- who may what -------------------------------------------------------------------------------

LOCKED = (
    ("selftest",), ("log",), ("settings", "get"), ("journal", "summary"), ("keys", "status"),
    ("audit",), ("modem", "trace"), ("printer", "test"), ("keypad", "test"), ("report",),
    ("acceptance",), ("ping",), ("counters",),
)  # fmt: skip


@pytest.mark.parametrize("command", LOCKED, ids=" ".join)
def test_sec22_a_locked_terminal_answers_only_who_it_is(field, command):
    code, data = field.run(*command)
    assert code == data["exit"] == errors.LOCKED
    assert "shouyin unlock" in data["next"]


def test_sec22_unlocking_with_the_password_and_not_with_another(field):
    code, data = field.run("unlock", typed="13572468\n")
    assert code == errors.REFUSED and "wrong" in data["error"]
    assert field.unlock()["unlocked"] is True
    assert field.good("lock")["unlocked"] is False


def test_sec22_the_service_desk_unlocks_by_telephone(field, tmp_path):
    asked = field.good("unlock", "--challenge")
    key = tmp_path / "service.key"
    key.write_text(SERVICE_KEY.hex())
    code, answer = field.run("respond", asked["challenge"], "--serial", asked["serial"],
                             "--key", str(key))  # fmt: skip
    assert code == 0
    assert field.good("unlock", "--response", answer["response"])["unlocked"] is True
    field.good("lock")
    code, data = field.run("unlock", "--response", answer["response"])
    assert code == errors.REFUSED and "no challenge is open" in data["error"]


def test_the_console_in_a_window(field):
    window, inside = os.openpty()
    tty.setraw(inside)
    tool = subprocess.Popen(
        [sys.executable, "-m", "tools.shouyin", "console", "--port", field.path],
        cwd=ROOT, stdin=inside, stdout=inside, stderr=inside,
    )  # fmt: skip
    os.close(inside)
    until(window, b">>> ")
    os.write(window, f"tech.unlock('{TECHNICIAN[1]}')\r".encode())
    said = until(window, b"unlocked\r\n>>> ")
    assert TECHNICIAN[1].encode() not in said and b"*" * len(TECHNICIAN[1]) in said
    os.write(window, b"tech.lo\x03tech.lock()\r")
    until(window, b"locked\r\n>>> ")
    os.write(window, b"\x1d")
    assert tool.wait(30) == 0
    os.close(window)


def until(fd, ending):
    """What comes out of `fd` until it ends so."""
    seen = b""
    while not seen.endswith(ending):
        assert select.select([fd], [], [], 30)[0], seen
        seen += os.read(fd, 1)
    return seen


def test_both_ways_to_start_the_tool(field):
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    for module, folder, more in (
        ("tools.shouyin", ROOT, {}),
        ("shouyin", "/", {"PYTHONPATH": str(ROOT / "tools")}),
    ):
        done = subprocess.run(
            [sys.executable, "-m", module, "lock", "--json", "--port", field.path],
            cwd=folder, env={**env, **more}, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["unlocked"] is False


# ---- during a sale ------------------------------------------------------------------------------


def test_sec23_a_sale_with_the_pin_on_the_screen_is_not_disturbed(field):
    """Ctrl-C, raw mode, commands and a reboot that is refused; then the sale goes on."""
    till, card = field.till, BY_NAME["normal"]

    def up_to_the_pin():
        till.expect("请刷卡或输入金额")
        till.type("1234")
        till.press("ENTER")
        till.expect("请刷卡")
        till.swipe(card)
        till.expect("请输入密码")
        till.type(card.pin[:3])

    restarts = till.restarts
    field.do(up_to_the_pin)
    field.unlock()
    code, data = field.run("reboot")
    assert code == errors.REFUSED and "not now" in data["error"]
    said = mpremote(field.path, "resume", "exec", "import tech; print(tech.status().json())")
    assert json.loads(said)["journal"]["transactions"] == 0
    assert field.do(till.sees, "请输入密码")
    field.do(till.type, card.pin[3:])
    field.do(till.press, "ENTER")
    field.good("lock")
    field.do(till.expect, "交易成功", 120_000)
    field.do(till.finish_receipts)
    field.do(till.assert_books_agree)
    assert till.restarts == restarts


# ---- a stopped terminal -------------------------------------------------------------------------


class Prompt:
    """MicroPython's own prompt on the flash of a terminal that is stopped, behind a pty. A context
    manager with .path."""

    def __init__(self, flash):
        self._flash = flash

    def __enter__(self):
        inside, board = os.openpty()
        outside, port = os.openpty()
        tty.setraw(board)
        tty.setraw(port)
        self.path = os.ttyname(port)
        command = [board_process.interpreter(), "-i", "-X", f"heapsize={board_process.HEAP}",
                   str(board_process.LAUNCH), "--repl"]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdin=board, stdout=board, stderr=board,
            env=board_process.environment(self._flash, SHOUYIN_BOARD=board_process.BOARD),
        )  # fmt: skip
        self._bell, self._ring = os.pipe()
        self._fds = (inside, outside, board, port, self._bell, self._ring)
        self._thread = threading.Thread(target=self._pass, args=(inside, outside), daemon=True)
        self._thread.start()
        return self

    def _pass(self, inside, outside):
        other = {inside: outside, outside: inside}
        while True:
            ready, _, _ = select.select([inside, outside, self._bell], [], [])
            if self._bell in ready:
                return
            for fd in ready:
                os.write(other[fd], os.read(fd, 4096))

    def __exit__(self, *error):
        self._process.kill()
        self._process.wait()
        os.write(self._ring, b"!")
        self._thread.join()
        for fd in self._fds:
            os.close(fd)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The prompt of a terminal that was set up and is not running."""
    flash = tmp_path_factory.mktemp("stopped") / "flash.bin"
    board_process.provision(flash, spec())
    with Prompt(flash) as prompt:
        yield prompt


def test_a_stopped_terminal_answers_the_same_commands(stopped):
    def tool(*argv, typed=""):
        out, err = io.StringIO(), io.StringIO()
        code = cli.main([*argv, "--json", "--port", stopped.path], Output(True, out, err),
                        io.StringIO(typed))  # fmt: skip
        return code, json.loads(out.getvalue())

    code, data = tool("log")
    assert code == errors.LOCKED, data
    assert tool("unlock", typed=TECHNICIAN[1] + "\n") == (0, {"unlocked": True})
    code, data = tool("reboot")
    assert code == errors.REFUSED and "stopped" in data["error"]


def test_mpremote_at_the_prompt_of_a_stopped_terminal(stopped):
    said = mpremote(stopped.path, "resume", "exec", "import tech; print(tech.help())")
    assert "tech.journal.summary" in said
