"""Every command of the technician at the console of the running terminal, on the bench."""

import json

from simulator import board_process, preset

TECHNICIAN = ("90", "Werkzeug-17")
SERVICE_KEY = bytes(range(0x80, 0xA0))
WIFI = ("Shop network", "wifi-canary-7731")


def serviced(till, tmp_path):
    """A technician's password, a service key and a Wi-Fi password in a terminal that is off."""
    spec = {
        "settings": {}, "operators": [[TECHNICIAN[0], "technician", TECHNICIAN[1], False]],
        "master_key": list(preset.COMPONENTS), "wifi": [list(WIFI)],
    }  # fmt: skip
    board_process.run_with(till.flash, "provision.py", spec)
    script = tmp_path / "key.py"
    script.write_text(
        f"from app.tech.context import Context\nContext().vault().put(SVC={SERVICE_KEY!r})\n"
    )
    board_process.run(till.flash, script)
    return till


class Technician:
    """At the console: run() a command, its result as data, text kept for the search after it."""

    def __init__(self, till):
        self.till = till
        self.said = []

    def run(self, command, **how):
        out, wrong = self.till.console.execute(
            f"tech.unlock({TECHNICIAN[1]!r})\nprint(tech.{command}.json())", **how
        )
        assert not wrong, wrong
        self.said.append(out)
        return json.loads(out.splitlines()[-1])

    def refused(self, command):
        out, wrong = self.till.console.execute(
            f"tech.unlock({TECHNICIAN[1]!r})\nprint(tech.{command})"
        )
        self.said += [out, wrong]
        return wrong


def secrets(till):
    """What must never be said, as it could be said."""
    a, b = (bytes.fromhex(c) for c in preset.COMPONENTS)
    keys = [a, b, preset.tmk(), SERVICE_KEY]
    out = [WIFI[1], TECHNICIAN[1], preset.CASHIER[1], preset.SUPERVISOR[1], "6225000000000014"]
    for key in keys:
        out += [key[i : i + 4].hex() for i in range(0, len(key) - 3, 4)]
    return out


def test_sec7_every_command_works_beside_the_trade_and_says_no_secret(make_till, tmp_path):
    till = serviced(make_till(), tmp_path)
    till.start()
    till.expect("未签到", 120_000)
    till.sale("1234")
    till.sale("5678")
    t = Technician(till)
    assert t.run("status()")["journal"]["transactions"] == 2
    assert t.run("version()")["board"] == till.board
    assert t.run("counters()")["journal_flash"]["damaged"] == 0
    page = t.run("journal.export()")
    assert [r["amount"] for r in page["records"]] == [1234, 5678] and page["next"] is None
    assert t.run("journal.summary()")["states"]["APPROVED"]["count"] == 2
    assert t.run("log(50)")
    assert t.run("settings.get('host')") == preset.HOST
    export = t.run("settings.export()")
    assert export["settings"]["tid"] == preset.TID
    assert t.run("settings.set(apn='private')")["reboot"] == ["apn"]
    assert "tid: 2 transactions" in t.refused("settings.set(tid='12345678')")
    few = {name: export["settings"][name] for name in ("apn", "host", "port", "tid")}
    back = json.dumps({**export, "settings": few})  # a block at the console has 1,024 bytes
    assert t.run(f"settings.import_({back!r})")["changed"] == ["apn"]
    modem = t.run("modem.status()")
    assert modem["ready"] and modem["operator"] and modem["iccid"].startswith("****")
    assert t.run("net.status()")["bearers"][0]["ready"]
    assert t.run("net.ping()")["answered"]
    assert t.run(f"net.ping('{preset.HOST}')")["answered"]
    assert "+CSQ" in "".join(t.run("modem.trace(25)"))
    assert t.run("printer.status()")["status"] == "ok"
    assert t.run("printer.test()")["status"] == "ok"
    results = t.run("selftest()", timeout_ms=120_000)
    assert results["passed"] and not results["locked"], results
    report = t.run("report()")
    assert report["selftest"] and report["daily_selftest"]["keys"][0] == "pass"
    assert "journal" in [p["label"] for p in report["partitions"]]
    said = "\n".join(t.said)
    for secret in secrets(till):
        assert secret.lower() not in said.lower(), secret
    till.sale("999")
    assert till.restarts == 0
    till.assert_books_agree()


def test_the_keys_are_the_technicians_for_a_moment_and_refused_during_a_sale(make_till, tmp_path):
    till = serviced(make_till(), tmp_path)
    till.start()
    till.expect("未签到", 120_000)
    t = Technician(till)
    till.type("5")
    till.expect("请输入金额")
    for command in ("keypad(1)", "printer.test()", "display.test()", "net.ping()"):
        assert "somebody is being served" in t.refused(command)
    skipped = t.run("selftest('printer', 'keypad', 'display', 'crypto')")["results"]
    assert {r["name"]: r["status"] for r in skipped} == {
        "crypto": "pass", "keypad": "skip", "display": "skip", "printer": "skip"
    }  # fmt: skip
    till.press("CANCEL")
    till.expect("请刷卡或输入金额")
    till.console.write(b"\r\x03")
    till.console.read_until(b">>> ")
    till.console.write(f"tech.unlock({TECHNICIAN[1]!r})\r".encode())
    till.console.read_until(b"unlocked\r\n>>> ")
    till.console.write(b"tech.keypad(20)\r")
    till.run_for(500)
    till.press("1", "MENU", "ENTER")
    till.run_for(500)
    assert till.sees("请刷卡或输入金额")
    # A line of the log may come first, with a prompt behind it.
    said = till.console.read_until(b"never pressed: F1", timeout_ms=60_000).decode()
    assert "ENTER" in said and "3 of 20" in said
    till.sale("100")
