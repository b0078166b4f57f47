"""The session of docs/technician.md: what happens in it, and the words between the commands."""

import datetime
import json
import os
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from serial.tools import list_ports

import activation
from shouyin import errors
from shouyin.commands.keys import check_value
from simulator import preset
from simulator.bench import Bench

ROOT = Path(__file__).resolve().parents[1]
FIRST = {"00": "11223344", "99": "55667788", "01": "99001122", "90": "first-tech-pw"}
OWN = {"00": "963852", "99": "741852", "01": "147258"}
SECRET = "own-tech-pw"
CARD = "normal"

# Of a technician's computer: the terminal, and something else.
PORTS = [
    SimpleNamespace(device="/dev/ttyACM0", vid=0x303A, pid=0x1001, description="USB JTAG",
                    serial_number="7C:DF:A1:00:00:01"),
    SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None, description="n/a",
                    serial_number=None),
]  # fmt: skip

HEAD = """\
# The technician's page

Written by `tools/technician_page.py`: every command below ran against the firmware in
MicroPython's Unix port, and this is what it printed; only what differs with every build (seconds,
milliseconds, free memory, counters, hashes) has been evened out. A test keeps the page up to date.

The tool is `.venv/bin/python -m tools.shouyin` in the repository's root (`make demo` makes
`.venv`); here it is called `shouyin`, and `shouyin COMMAND --help` explains each command. It
talks to the terminal's service console over the USB or serial cable, beside the running
application: **a sale that is under way is not disturbed**. Ctrl-C cancels a command, never the
terminal. Opening the port does not reset the board: mpremote's transport raises DTR and RTS
together and lowers RTS first, and the reset circuit of ESP32 boards needs RTS alone. (So the
circuit is drawn; not tried on a board yet. Other serial programs may do it otherwise.)

* `--port` names the port; without it `$SHOUYIN_PORT` counts, or the only port that may be a
  terminal's.
* `--json` prints one JSON document, errors too, for scripts.
* Passwords and components are typed unseen or piped in as a line (`--password-stdin`); they never
  stand on a command line. After 15 minutes without a command the terminal locks; what touches keys
  wants the password again, given less than a minute before.
"""


def play(folder, seed, session_class):
    """The whole session; the page."""
    modules = {"SHOUYIN_MODULES": str(folder / "modules")}
    with mock.patch.dict(os.environ, modules), Bench(folder / "terminal", seed=seed) as bench:
        s = session_class(bench, folder)
        s.text(HEAD.rstrip())
        _codes(s)
        _new_terminal(bench, folder)
        for part in (_first_visit, _care, _faults, _books, _updating, _mpremote, _end):
            part(s, bench, folder)
        return s.page()


def _codes(s):
    rows = [f"| {code} | {what} |" for code, what in errors.CODES]
    s.text("| exit code | |", "|---|---|", *rows)


def _new_terminal(bench, folder):
    """A blank board that knows the service desk's key, and the file for it."""
    key = activation.new_key()
    row = activation.signer_row("desk", key.public_key())
    (folder / "modules").mkdir()
    (folder / "modules" / "signers.py").write_text(f"KEYS = ()\nACTIVATION = ({row!r},)\n")
    wanted = json.loads((ROOT / "docs" / "application.example.json").read_text(encoding="utf-8"))
    wanted.update(terminal=preset.TID, kcv=check_value(preset.tmk().hex()))
    wanted["merchant"]["number"] = preset.MID
    wanted["acquirer"].update(host=preset.HOST, port=5000)
    data, _ = activation.make(wanted, key, "desk", datetime.date(2026, 11, 20), FIRST)
    (folder / "58402001.json").write_bytes(data)
    bench.hold_ms = 30
    bench.power_on()
    bench.expect("未设置")


# ---- people at the terminal ---------------------------------------------------------------------


def _enter(bench, prompt, digits):
    yield lambda: bench.sees(prompt)
    bench.type(digits)
    bench.press("ENTER")


def _hexadecimal(bench, digits):
    for c in digits:
        bench.press(*(c if c.isdigit() else ("ALPHA", str(ord(c) - 64))))


def _new_password(bench, no):
    yield from _enter(bench, "密码:", FIRST[no])
    yield from _enter(bench, "新密码", OWN[no])
    yield from _enter(bench, "再输一次", OWN[no])


def _custodians(bench):
    """The two of them at the keypad; the second one has his first password still."""
    for n, no in ((1, "00"), (2, "99")):
        yield from _enter(bench, f"密钥持有人{n}", no)
        if no == "00":
            yield from _enter(bench, "密码:", OWN[no])
        else:
            yield from _new_password(bench, no)
        for _ in range(2):
            yield lambda: bench.sees("已输入0/32")
            _hexadecimal(bench, preset.COMPONENTS[n - 1])
            bench.press("ENTER")
        yield lambda: bench.sees("KCV")
        bench.press("ENTER")
    yield lambda: bench.sees("主密钥KCV")
    bench.press("ENTER")
    yield lambda: bench.sees("已存储")
    bench.press("ENTER")


def _keys_one_by_one(bench):
    yield lambda: bench.log.read_bytes().endswith(b">OK")  # the command has been accepted
    bench.run_for(300)
    bench.press("1", "2", "F1", "ENTER")


def _live(bench, actions):
    """Let somebody's actions happen while the terminal lives."""
    for until in actions:
        bench.run_until(until, "the next screen")


def _sale(bench, amount):
    from acquirer.cards import CARDS

    card = next(c for c in CARDS if c.name == CARD)
    bench.expect("请刷卡或输入金额")
    bench.type(amount)
    bench.press("ENTER")
    bench.expect("请刷卡")
    bench.swipe(card)
    bench.expect("请输入密码")
    bench.type(card.pin)
    bench.press("ENTER")


def _receipts(bench):
    bench.expect("撕纸后按确认打印", 120_000)
    bench.press("ENTER")
    bench.expect("请刷卡或输入金额", 60_000)


# ---- the parts ----------------------------------------------------------------------------------


def _first_visit(s, bench, folder):
    s.text("## The first visit", "", "Which port is it?")
    with mock.patch.object(list_ports, "comports", lambda: PORTS):
        s.run("ports")
    s.text("A new terminal says that it is not set up, and is open to whoever holds the cable:")
    s.screen()
    s.run("status")
    s.text("The acquirer's service desk has made an activation file for it",
           "([how](activation.md)). It is signed; the terminal takes all of it or nothing, and",
           "starts anew:")  # fmt: skip
    s.run("activate 58402001.json")
    bench.expect("操作员登录", 60_000)
    bench.run_for(300)
    s.text("The supervisor signs on with the first password and changes it. Then two custodians",
           "come, each with one component of the master key. Nobody else sees it; each may check",
           "the one on his paper on any computer:")  # fmt: skip
    _live(bench, _enter(bench, "操作员号", "00"))
    _live(bench, _new_password(bench, "00"))
    bench.expect("未装主密钥")
    bench.press("CANCEL")
    bench.expect("请刷卡或输入金额")
    s.run("keys kcv", typed=[(preset.COMPONENTS[0], False)])
    s.text("Both type their component twice at the terminal's own keypad. The tool waits:")
    s.run("keys enter", code=errors.LOCKED, pipe=True)
    s.text("The terminal has a technician since its activation, so it wants his password:")
    s.run("keys enter", typed=[(FIRST["90"], False)], person=_custodians(bench))
    s.run("keys status")
    s.text("His first password was known to the service desk. His own has 8 characters or more:")
    s.run("password", typed=[(SECRET, False), (SECRET, False)])
    s.text("The acceptance test signs in, sends an echo, and prints:")
    bench.wait_for_network()
    s.run("acceptance")
    s.text("The installation report goes on paper, for two signatures:")
    bench.tear()
    s.run("install-report")
    s.block(bench.tear().lines)


def _care(s, bench, folder):
    s.text("## Daily care", "", "Unlock, look, and lock again. Who has no password asks for a",
           "challenge (`shouyin unlock --challenge`) and reads it to the service desk, which",
           "answers it with the terminal's service key (`shouyin respond`); `shouyin unlock",
           "--response` takes the answer, once, within 5 minutes. Two custodians have loaded that",
           "key (`shouyin keys enter service`). A terminal that was set up without a technician",
           "knows its supervisors: `shouyin unlock --operator 00`, then `shouyin",
           "password`.")  # fmt: skip
    s.run("unlock", typed=[(SECRET, False)])
    s.run("info")
    s.run("selftest")
    s.run("keypad test --seconds 3", person=_keys_one_by_one(bench))
    s.run("printer test")
    s.run("modem status")
    s.run("modem trace --seconds 11")
    s.run("ping")
    s.run("settings get language")
    s.run("settings set receipt_copies=1 response_timeout_s=30")
    s.run("settings set port=99999", code=errors.REFUSED)
    s.text("An import takes over the whole file or nothing. Under an open batch the numbers of",
           "terminal and merchant stay; host and port change only with `--same-acquirer`: what is",
           "owed goes there.")  # fmt: skip
    s.run("settings export shop.json")
    s.run("settings import shop.json")
    s.run("log -n 5")
    s.run("counters")
    s.run("audit -n 8")
    s.run("audit --verify")
    s.text("In the middle of a sale the tool looks without touching:")
    bench.expect("请刷卡或输入金额")
    bench.type("1234")
    bench.press("ENTER")
    bench.expect("请刷卡")
    s.screen()
    s.run("reboot", code=errors.REFUSED)
    bench.press("CANCEL")
    _back_to_idle(bench)
    s.run("lock")
    s.run("log", code=errors.LOCKED)


def _back_to_idle(bench):
    for _ in range(4):
        if bench.sees("请刷卡或输入金额"):
            return
        bench.press("CANCEL")
        bench.run_for(300)
    bench.expect("请刷卡或输入金额")


def _faults(s, bench, folder):
    s.text("## Faults", "", "No network: what does the terminal say, and what does the modem?")
    s.run("unlock", typed=[(SECRET, False)])
    bench.network(False)
    bench.run_for(12_000)
    s.screen()
    s.run("ping", code=errors.NEGATIVE)
    s.run("net status")
    bench.network(True)
    bench.wait_for_network()
    bench.run_for(5000)
    s.text("It looks for a network. When one is there again:")
    s.run("ping")
    s.text("No paper:")
    bench.devices.printer.paper_out(now_us=bench.rack.now_us)
    bench.run_for(2000)
    s.run("selftest printer", code=errors.NEGATIVE)
    bench.devices.printer.load_paper(now_us=bench.rack.now_us)
    bench.run_for(2000)
    s.text("With a new roll in it:")
    s.run("printer status")
    s.text("When nothing helps, a report for the developers; no secrets, no card numbers in it:")
    s.run("report report.json")


def _books(s, bench, folder):
    s.text("## The books")
    _sale(bench, "1234")
    bench.expect("请刷卡或输入金额", 120_000)
    s.run("journal summary")
    s.run("journal export today.csv")
    lines = (folder / "today.csv").read_text(encoding="utf-8").splitlines()
    s.block(lines)


def _updating(s, bench, folder):
    s.text(
        "## Updating", "",
        "`shouyin flash` writes a new image and reads it back. A terminal in use keeps what only",
        "it has: keys, journal, audit log, settings (`--erase`, for a first flash, asks before it",
        "destroys them). Let it upload what it owes first all the same. `shouyin deploy` is for",
        "development builds, `shouyin bundle` and `shouyin image` make what is flashed; `make`",
        "has the same. What runs now:",
    )  # fmt: skip
    s.run("version")


def _mpremote(s, bench, folder):
    s.text("## The same with mpremote", "",
           "The console speaks MicroPython's raw mode, so mpremote works as it is, beside the",
           "running terminal. A release understands calls of `tech` with literals, and nothing",
           "else. `resume` keeps the session: without it mpremote begins with a soft reset, which",
           "here ends the technician's session and leaves the terminal running.")  # fmt: skip
    s.mpremote("import tech", f"print(tech.unlock('{SECRET}'))", shown="tech.unlock('********')")
    s.mpremote("import tech", "print(tech.journal.summary())")
    s.mpremote("import tech", "print(tech.keys.status().json())")
    s.mpremote("import os", "os.listdir()", code=1)
    s.text("All commands:")
    s.mpremote("import tech", "print(tech.help())")


def _end(s, bench, folder):
    s.text("## The end: decommissioning", "",
           "Before a terminal leaves its shop, its keys must go. What it still owes to the",
           "acquirer would be lost, so it says so first, and the word that confirms holds the",
           "numbers:")  # fmt: skip
    word = f"DESTROY-{preset.TID}-0-1"
    s.run("decommission", typed=[("no", True)], secrets=[SECRET], code=errors.LOCAL)
    s.run("decommission", typed=[(word, True)], secrets=[SECRET])
    bench.expect("未设置", 120_000)
    s.screen()
