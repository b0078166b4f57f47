"""The service console beside the running terminal: unmodified mpremote and pyserial over a pty,
while sales go on."""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import serial
from mpremote.transport import TransportExecError
from mpremote.transport_serial import SerialTransport

from acquirer.cards import CARDS
from simulator import board_process, preset
from simulator.bench import Bench
from simulator.ptyport import Served

ROOT = Path(__file__).resolve().parents[2]
MPREMOTE = Path(sys.executable).with_name("mpremote")
CARD = {card.name: card for card in CARDS}
TECHNICIAN = ("90", "Werkzeug-17")
SERVICE_KEY = bytes(range(32))


class Typist:
    """Bytes that a person or a program may type, in random pieces."""

    PIECES = (
        b"\x01", b"\x02", b"\x03", b"\x04", b"\x05A\x01", b"\r", b"\n", b"\r\x03", b"\x03" * 20,
        b"\x04" * 20, b"\x01\x04", b"\x1b[A", b"\x7f" * 9, b"import os\r", b"print(1)\x04",
        b"__import__('os')\r", b"exec('1')\x04", b"tech.settings.set(port=1)\r",
        b"tech.unlock('", b"')\r", b"tech.stop()\r", b"tech.reboot()\x04", b"tech.lock()\r",
        b"tech.help()\x04", b">>> ", b"\xff\xfe\x00", b"x" * 700,
    )  # fmt: skip

    def __init__(self, rng):
        self._rng = rng

    def piece(self):
        rng = self._rng
        out = b"".join(rng.choice(self.PIECES) for _ in range(rng.randrange(5)))
        return out + (rng.randbytes(rng.randrange(60)) if rng.random() < 0.4 else b"")


@pytest.fixture
def make_console(make_till):
    """Callable: a till whose technician has a password, signed on and ready for a sale."""

    def make(flavour=None):
        till = make_till()
        till.flavour = flavour
        spec = {
            "settings": {}, "operators": [[*TECHNICIAN[:1], "technician", TECHNICIAN[1], False]],
            "master_key": list(preset.COMPONENTS),
        }  # fmt: skip
        board_process.run_with(till.flash, "provision.py", spec)
        till.start()
        till.expect("未签到", 120_000)
        return till

    return make


def mpremote(port, *commands, code=0):
    """Output of one mpremote, which must end with `code`."""
    done = subprocess.run(
        [str(MPREMOTE), "connect", port.path, *commands],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "HOME": "/nonexistent"},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def unlock(password=TECHNICIAN[1]):
    return f"tech.unlock({password!r})"


def ask_for_pin(till, amount="1234"):
    till.type(amount)
    till.press("ENTER")
    till.expect("请刷卡")
    till.swipe(CARD["normal"])
    till.expect("请输入密码")


def finish(till):
    till.type(CARD["normal"].pin)
    till.press("ENTER")
    till.expect("交易成功", 120_000)
    till.finish_receipts()


# ---- tools ----------------------------------------------------------------------------------


def test_mpremote_on_a_release_in_the_middle_of_a_sale(make_console):
    till = make_console()
    with Served(till) as port:
        port.do(ask_for_pin, till)
        assert "tech.status" in mpremote(port, "exec", "tech.help()")
        out = mpremote(
            port, "exec", unlock(), "exec", "print(tech.help().json())", "exec", "tech.lock()"
        )
        unlocked, rows, locked = out.splitlines()
        assert (unlocked, locked) == ("unlocked", "locked")
        assert {"command", "level", "help"} == set(json.loads(rows)[0])
        # The session is over, here by lock(), otherwise by the next tool's soft reset.
        assert "TechError: locked" in mpremote(port, "exec", "tech.reboot()", code=1)
        mpremote(port, "exec", unlock())
        assert "TechError: locked" in mpremote(port, "exec", "tech.reboot()", code=1)
        assert "somebody is being served" in mpremote(
            port, "exec", unlock(), "exec", "tech.reboot()", code=1
        )
        for refused in (("exec", "import os"), ("eval", "1"), ("fs", "ls", ":/flash")):
            assert "GrammarError" in mpremote(port, *refused, code=1)
        assert port.do(till.sees, "请输入密码")
        port.do(finish, till)
    assert till.restarts == 0
    till.assert_books_agree()


def test_mpremote_on_a_development_build_in_the_middle_of_a_sale(make_console, tmp_path):
    till = make_console("dev")
    assert till.sees("DEV")
    script, there, back = (tmp_path / n for n in ("run.py", "there.bin", "back.bin"))
    script.write_text(
        "import tech\nn = sum(range(5))\nprint('sum', n)\nprint(tech.help().data[0]['command'])\n"
    )
    there.write_bytes(os.urandom(1500))
    till.console.write(b"\x03\rn = 0\rfor i in range(4):\r  n += i\r\rn * 7\r")
    assert b"\r\n42\r\n>>> " in till.console.read_until(b"42\r\n>>> ")
    with Served(till) as port:
        port.do(ask_for_pin, till)
        assert "vault.bin" in mpremote(port, "fs", "ls", ":/flash")
        mpremote(
            port, "fs", "cp", str(there), ":/flash/x", "+", "fs", "cp", ":/flash/x", str(back)
        )
        assert back.read_bytes() == there.read_bytes()
        assert mpremote(port, "run", str(script)) == "sum 10\ntech.help\n"
        out = mpremote(port, "exec", "x = 2", "eval", "x + 1", "exec", unlock())
        assert out == "3\nunlocked\n"
        assert "ZeroDivisionError" in mpremote(port, "exec", "1/0", code=1)
        assert "NameError" in mpremote(port, "exec", "x", code=1)  # a soft reset forgets names
        assert port.do(till.sees, "请输入密码")
        port.do(finish, till)
        mpremote(port, "exec", "press('9')")
        port.do(till.expect, "0.09")
        assert "0.09" in mpremote(port, "exec", "print(screen())")
        mpremote(port, "exec", "press('CANCEL')")
        port.do(till.expect, "请刷卡或输入金额")
    till.assert_books_agree()


def test_pyserial_and_a_persistent_transport(make_console):
    till = make_console()
    with Served(till) as port:
        with serial.Serial(port.path, 115200, timeout=10) as line:
            line.write(b"\x03\x02\r" + unlock().encode() + b"\r")
            said = line.read_until(b"unlocked\r\n>>> ")
            assert said.endswith(b"unlocked\r\n>>> ") and TECHNICIAN[1].encode() not in said
        transport = SerialTransport(port.path)
        try:
            transport.enter_raw_repl(soft_reset=False)
            assert len(json.loads(transport.exec("print(tech.help().json())"))) > 30
            with pytest.raises(TransportExecError, match="GrammarError"):
                transport.exec("x = 1")
            for _ in range(20):
                assert transport.exec("import tech") == b""
            transport.exit_raw_repl()
        finally:
            transport.close()


def test_log_lines_wait_for_the_end_of_an_exchange(make_console):
    till = make_console()
    console = till.console
    console.write(b"\r\x03\x01")
    console.read_until(b"raw REPL; CTRL-B to exit\r\n>")
    till.network(False)
    ask_for_pin(till)
    till.type(CARD["normal"].pin)
    till.press("ENTER")
    till.run_for(90_000)
    assert console.read() == b""
    console.write(b"tech.lock()\x04")
    console.read_until(b"OKlocked\r\n\x04\x04>")
    console.write(b"\x02")
    console.read_until(b">>> ")
    till.run_for(100)
    assert re.search(rb"\r\d+ [IWE] .*\r\n>>> ", console.read())


# ---- the technician -------------------------------------------------------------------------


def test_a_technician_does_not_trade(make_console):
    till = make_console()
    till.menu("5", "5")  # sign off
    till.expect("操作员登录")
    till.type(TECHNICIAN[0])
    till.press("ENTER")
    till.expect("密码:")
    till.type("12345678")
    till.press("ENTER")
    till.expect("无此操作员")


def test_sec22_the_service_desk_answers_a_challenge(make_till, tmp_path):
    till = make_till()
    script = tmp_path / "key.py"
    script.write_text(
        "import board\nfrom app.tech.context import Context\n"
        f"Context().vault().put(SVC={SERVICE_KEY!r})\n"
    )
    board_process.run(till.flash, script)
    till.start()
    execute = till.console.execute
    assert "locked" in execute("tech.reboot()")[1]
    assert "no technician" in execute("tech.unlock('12345678')")[1]
    asked = json.loads(execute("print(tech.challenge().json())")[0])
    message = b"shouyin service 1" + asked["serial"].encode() + bytes.fromhex(asked["challenge"])
    digest = hmac.new(SERVICE_KEY, message, hashlib.sha256).digest()
    code = base64.b32encode(digest[:5]).decode()
    assert execute(f"tech.respond('{code}')") == ("unlocked\r\n", "")
    assert "no challenge is open" in execute(f"tech.respond('{code}')")[1]
    assert execute("tech.reboot()") == ("starting anew\r\n", "")
    till.expect("操作员登录")
    assert till.restarts == 1


def test_sec22_the_lock_after_five_wrong_passwords_survives_a_power_cut(make_console):
    till = make_console()
    for _ in range(5):
        said = till.console.execute(unlock("falsch-00"))
    assert "locked for 30 minutes" in said[1]
    till.restart()
    assert "locked for 30 minutes" in till.console.execute(unlock())[1]
    assert till.console.execute("import tech") == ("", "")
    till.expect("未签到", 120_000)
    till.sale()  # nobody else is locked out


def test_a_terminal_that_cannot_trade_has_its_console(tmp_path):
    with Bench(tmp_path / "new") as bench:
        bench.power_on()
        bench.expect("未设置")
        said, wrong = bench.console.execute("tech.unlock('')\nprint(tech.help().json())")
        assert said.startswith("open: neither") and wrong == ""
        assert bench.console.execute("tech.reboot()")[1] == ""
        bench.run_until(lambda: bench.restarts == 1, "the restart", 5000)


def test_only_a_development_build_can_be_stopped(make_console):
    till = make_console()
    till.console.write(b"\r")
    till.console.read_until(b">>> ")
    said = till.console.execute(unlock() + "\ntech.stop()")
    assert "a release cannot be stopped" in said[1]
    dev = make_console("dev")
    ask_for_pin(dev)
    assert "somebody is being served" in dev.console.execute(unlock() + "\ntech.stop()")[1]
    finish(dev)
    assert dev.console.execute(unlock() + "\ntech.stop()") == ("unlocked\r\nstopping\r\n", "")
    with pytest.raises(Exception, match="exit 0"):  # no prompt here: the process ends
        dev.run_for(5000)
    assert "stopped" in dev.log.read_text()


# ---- security requirements ------------------------------------------------------------------


def test_sec23_bytes_at_the_console_leave_a_sale_and_the_books_alone(make_console, rng):
    till = make_console()
    console = till.console
    fuzz = Typist(rng)
    order = till.step
    count = [0]

    def step(until_us):
        if count[0] % 23 == 0:
            console.write(fuzz.piece())
        count[0] += 1
        order(until_us)

    till.step = step
    for amount in ("1234", "500"):
        till.sale(amount)
    till.step = order
    till.run_for(10_000)
    said = console.read()
    assert count[0] > 2000
    assert till.restarts == 0 and len(said) > 1000
    assert "锁" not in "".join(till.screen())
    assert b"Traceback" not in said and b"MicroPython v" not in said
    assert b"KeyboardInterrupt" not in till.log.read_bytes()
    assert "locked" in console.execute("tech.reboot()")[1]
    assert [e["kind"] for e in till.events if e["rc"] == "00"].count("sale") == 2
    till.assert_books_agree()


def listeners(pid):
    """Addresses on which the process listens for TCP, from /proc."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:  # TCP_LISTEN
                found.append(fields[1].split(":")[0])
    return found


_LOOPBACK = "0100007F"  # 127.0.0.1 as the kernel prints it


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc/net/tcp here")
def test_sec24_the_simulator_listens_on_the_loopback_only(make_console, tmp_path):
    before = listeners(os.getpid())
    till = make_console()
    with Served(till):
        mine = listeners(os.getpid())
        assert len(mine) > len(before) and set(mine) == {_LOOPBACK}
        assert listeners(till._process.pid) == []  # the firmware listens nowhere
    live = """
import asyncio, sys
from simulator.live import LiveBench
async def main():
    bench = LiveBench(sys.argv[1])
    await bench.start()
    print(bench.port.path, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await bench.stop()
asyncio.run(main())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", live, str(tmp_path / "live")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
    )  # fmt: skip
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        path = process.stdout.readline().strip()
        found = listeners(process.pid)
        # In real time the technician's console is there, too.
        with serial.Serial(path, 115200, timeout=30) as line:
            line.read_until(b"journal: 0 transactions")
            line.write(b"\rtech.help()\r")
            assert b"tech.status" in line.read_until(b"within 60 s\r\n>>> ")
    finally:
        process.communicate("")
        timer.cancel()
    assert len(found) == 2 and set(found) == {_LOOPBACK}  # the acquirer's and the bus's


def frozen(manifest, *, included):
    """Paths of what a manifest freezes, as MicroPython's build would run it; `included`: manifests
    that were run."""
    folder = manifest.parent
    included.append(manifest)
    found = []

    def include(path):
        path = Path(str(path).replace("$(MPY_DIR)", "/mpy").replace("$(BOARD_DIR)", str(folder)))
        if not str(path).startswith("/mpy"):
            found.extend(frozen((folder / path).resolve(), included=included))

    def package(name, files=None, base_path=".", opt=None):
        base = (folder / base_path / name).resolve()
        names = base.rglob("*.py") if files is None else (base / f for f in files)
        found.extend(names)

    def module(name, base_path=".", opt=None):
        found.append(
            (folder / str(base_path).replace("$(BOARD_DIR)", str(folder)) / name).resolve()
        )

    def freeze(path, script=None, opt=None):
        base = (folder / str(path).replace("$(BOARD_DIR)", str(folder))).resolve()
        names = base.rglob("*.py") if script is None else (base / script,)
        found.extend(names)

    here = os.getcwd()
    os.chdir(folder)
    try:
        exec(
            compile(manifest.read_text(), str(manifest), "exec"),
            {"include": include, "package": package, "module": module, "freeze": freeze,
             "require": lambda *a, **k: None, "metadata": lambda *a, **k: None},
        )  # fmt: skip
    finally:
        os.chdir(here)
    return found


def test_sec24_nothing_of_the_simulator_is_in_a_release():
    boards = ROOT / "boards"
    manifests = [boards / "manifest.py", *sorted(boards.glob("SY_*/manifest.py"))]
    for manifest in manifests:
        paths = frozen(manifest, included=[])
        names = {str(p.relative_to(ROOT)) for p in paths if p.is_relative_to(ROOT)}
        assert "firmware/app/root.py" in names and "firmware/tech.py" in names, manifest
        for name in names:
            assert name.startswith(("firmware/", "boards/SY_", "boards/common/")), name
            text = (ROOT / name).read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import|from) (simulator|models|acquirer|bus|loop)\b",
                                 text, re.MULTILINE), name  # fmt: skip
            # development's own is imported behind flavour.DEV only, and is not there
            assert "import devrepl" not in text or name == "firmware/app/tech/task.py"
        assert not any("devrepl" in name for name in names)
    assert "DEV = False" in (boards / "common" / "modules" / "flavour.py").read_text()
