"""`make run` as a newcomer uses it: a real terminal window, in real time."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte
import pytest

from simulator import preset, screen_text

ROOT = Path(__file__).resolve().parents[2]
COLUMNS, ROWS = 120, 40
LIMIT_S = 60  # a hang ends here; nothing is measured

_DOTS = (
    (0, 0, 1),
    (0, 1, 2),
    (0, 2, 4),
    (1, 0, 8),
    (1, 1, 16),
    (1, 2, 32),
    (0, 3, 64),
    (1, 3, 128),
)


class Window:
    """The simulator in a window of its own: what is typed, and what is seen."""

    def __init__(self, *args):
        self._fd, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        env = {**os.environ, "PYTHONPATH": str(ROOT / "tools"), "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES"):  # those of the window that the tests run in
            env.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "run", *map(str, args)],
            stdin=slave, stdout=slave, stderr=slave, env=env, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.ended = False

    def read(self, seconds):
        """Take what is written within `seconds`."""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # EIO: the other side has closed
            data = b""
        if data:
            self._stream.feed(data)
        else:
            self.ended = True

    def text(self):
        return "\n".join(self._screen.display)

    def glass(self):
        """The text on the terminal's glass, read from its braille dots."""
        pixels = bytearray(128 * 64 // 8)
        for row, line in enumerate(self._screen.display[1:17]):
            for column, char in enumerate(line[2:66]):
                bits = ord(char) - 0x2800
                if not 0 <= bits < 256:
                    return ""
                for dx, dy, bit in _DOTS:
                    if bits & bit:
                        x, y = column * 2 + dx, row * 4 + dy
                        pixels[y * 16 + x // 8] |= 0x80 >> x % 8
        return "".join(screen_text.read(bytes(pixels))).replace(" ", "")

    def until(self, condition, what):
        end = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > end or self.ended:
                pytest.fail(f"waited for {what}; the window:\n{self.text()}\n{self.glass()}")
            self.read(0.2)

    def expect(self, text):
        """Wait for `text` on the glass."""
        self.until(lambda: text in self.glass(), text)

    def says(self, text):
        """Wait for `text` around the glass."""
        self.until(lambda: text in self.text(), text)

    def type(self, keys):
        os.write(self._fd, keys.encode())

    def press(self, key, text):
        """Press a key until `text` is on the glass: see digits()."""
        for _ in range(4):
            self.type(key)
            end = time.monotonic() + 5
            while time.monotonic() < end:
                if text in self.glass():
                    return
                self.read(0.2)
        self.expect(text)

    def digits(self, digits, hidden=False):
        """Type digits one by one, each when the one before is on the glass: on a busy machine the
        terminal's real time stands still now and then, and a key may be gone before it is seen."""
        for n in range(1, len(digits) + 1):
            self.type(digits[n - 1])
            self.expect("*" * n + "_" if hidden else f"{int(digits[:n]) / 100:.2f}")

    def wait_end(self):
        """Exit code; fails when anything of the simulator goes on living."""
        end = time.monotonic() + LIMIT_S
        while not self.ended and time.monotonic() < end:
            self.read(0.2)
        code = self.process.wait(LIMIT_S)
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)
        return code

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self._fd)


@pytest.fixture
def window(tmp_path):
    w = Window("--fresh", "--folder", tmp_path / "terminal")
    yield w
    w.close()


def sign_on(window):
    window.expect("操作员登录")
    for n, digit in enumerate(preset.CASHIER[0]):
        window.press(digit, preset.CASHIER[0][: n + 1])
    window.type("\r")
    window.expect("密码:")
    window.digits(preset.CASHIER[1], hidden=True)
    window.type("\r")
    window.expect("请刷卡或输入金额")


def test_a_sale_by_keyboard_and_its_receipt_and_the_end(window, tmp_path):
    sign_on(window)
    window.type("z")
    window.says("is no key here")
    window.expect("未签到")  # the modem has found its network
    window.digits("1234")
    window.type("\r")
    window.expect("请刷卡")
    window.type("c")
    window.says("which card?")
    window.type("a")
    window.says("swiped: normal")
    window.expect("请输入密码")
    window.digits("123456", hidden=True)
    window.type("\r")
    window.expect("交易成功")
    window.expect("撕纸后按确认打印")
    window.type("\x1b")  # one copy is enough
    window.expect("请刷卡或输入金额")
    window.says("0200 sale 000002 12.34 -> 00")
    window.type("t")
    window.says("RMB 12.34")
    assert len(list((tmp_path / "terminal" / "receipts").glob("*.png"))) == 1
    window.type(" ")
    while "any key" in window.text():
        window.read(0.2)
        window.type(" ")
    window.type("n")
    window.says("network cut")
    window.says("network OFF")
    window.type("q")
    assert window.wait_end() == 0
    assert "are kept in" in window.text()


@pytest.mark.parametrize("how", (signal.SIGTERM, signal.SIGHUP, "\x03"))
def test_however_it_is_ended_no_process_stays(window, how):
    window.expect("操作员登录")
    if isinstance(how, str):
        window.type(how)
    else:
        os.kill(window.process.pid, how)
    assert window.wait_end() == 0


def test_without_a_window_it_says_what_to_do():
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "run"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert re.search("make demo", done.stderr)
