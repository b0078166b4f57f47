"""Every command of the technician's tool over a pty, against the firmware at work. What it shows
is compared with what the bench knows: paper, keys, the host's books, the flash."""

import csv
import datetime
import json
import re

import pytest
from conftest import Till
from cryptography.hazmat.primitives.asymmetric import rsa
from test_activation import FIRST, application, signing

import activation
from fieldkit import ADMIN, TECHNICIAN, Field
from shouyin import errors
from simulator import preset
from simulator.ptyport import Served

MASKED = re.compile(r"\d{6}\*+\d{4}")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A till with one sale of 12.34 in its batch, its technician unlocked."""
    f = Field(tmp_path_factory.mktemp("field"))
    f.do(f.till.sale)
    f.unlock()
    yield f
    f.close()


def test_info_tells_who_the_terminal_is_and_how_it_is(desk):
    data = desk.good("info")
    assert data["port"] == desk.path
    assert data["version"]["board"] == "SY_CLASSIC" and not data["version"]["development"]
    status = data["status"]
    assert (status["running"], status["network"], status["operator"]) == (True, "ready", "01")
    assert status["journal"]["transactions"] == 1


def test_selftest_passes_item_by_item_and_an_unknown_name_is_refused(desk):
    data = desk.good("selftest", "crypto", "keys", "printer")
    assert data["passed"] and {r["status"] for r in data["results"]} == {"pass"}
    assert desk.said.count("pass") == 3
    code, data = desk.run("selftest", "coffee")
    assert code == errors.REFUSED and "coffee" in data["error"]


def paper(till, there):
    printer = till.devices.printer
    if there:
        printer.load_paper(now_us=till.rack.now_us)
    else:
        printer.paper_out(now_us=till.rack.now_us)
    till.run_for(2000)


def test_without_paper_self_test_and_test_page_fail_with_their_exit_code(desk):
    desk.do(paper, desk.till, False)
    code, data = desk.run("selftest", "printer")
    assert code == errors.NEGATIVE and not data["passed"]
    code, data = desk.run("printer", "test")
    assert code == errors.NEGATIVE and data["status"] != "ok" and data["reason"]
    desk.do(paper, desk.till, True)
    assert desk.good("selftest", "printer")["passed"]


def test_the_keypad_shows_each_key_as_it_is_pressed(desk):
    def press():
        desk.till.press("1", "ENTER", "F1")
        desk.till.run_for(20_000)

    with desk.somebody(press):
        data = desk.good("keypad", "test")
    assert data["seen"] == ["1", "ENTER", "F1"]
    assert [line.split()[0] for line in desk.said.splitlines()] == data["seen"]
    assert desk.do(desk.till.sees, "请刷卡或输入金额")  # the screen got none of them


def test_display_and_printer_show_that_they_work(desk):
    desk.do(desk.till.tear)
    with desk.quickly(7000):
        assert desk.good("display", "test")["pictures"]
    with desk.quickly(6000):
        assert desk.good("printer", "test") == {"status": "ok", "reason": ""}
    assert desk.do(desk.till.tear).mm() > 20
    assert desk.good("printer", "status")["status"] == "ok"


def test_the_modem_is_looked_at_and_overheard_and_its_numbers_stay_masked(desk):
    data = desk.good("modem", "status")
    assert data["ready"] and set(data["iccid"][:-4]) == {"*"}
    with desk.quickly(30_000):
        lines = desk.good("modem", "trace", "--seconds", "30")
    assert any("AT+CSQ" in line for line in lines)
    assert desk.said.splitlines() == lines


def test_the_network_answers_and_does_not_without_radio(desk):
    assert desk.good("net", "status")["bearers"][0]["ready"]
    assert desk.good("ping")["answered"]
    desk.do(desk.till.network, False)
    desk.do(desk.till.run_for, 30_000)
    with desk.quickly(40_000):
        code, data = desk.run("ping")
    assert code == errors.NEGATIVE and not data["answered"] and data["detail"]
    desk.do(desk.till.network_back)


def test_the_journal_is_summed_up_and_exported_masked(desk, tmp_path):
    data = desk.good("journal", "summary")
    assert data["states"] == {"APPROVED": {"count": 1, "amount_fen": 1234}}
    for name in ("j.csv", "j.jsonl"):
        desk.good("journal", "export", str(tmp_path / name))
    rows = [json.loads(n) for n in (tmp_path / "j.jsonl").read_text("utf-8").splitlines()]
    table = list(csv.DictReader((tmp_path / "j.csv").open(encoding="utf-8")))
    assert [(r["amount"], r["state"]) for r in rows] == [(1234, "APPROVED")]
    assert MASKED.fullmatch(rows[0]["pan_masked"]) and table[0]["amount"] == "1234"


def test_settings_are_read_changed_exported_and_taken_over(desk, tmp_path):
    assert desk.good("settings", "get", "tid") == preset.TID
    before = desk.good("settings", "get")
    file = tmp_path / "settings.json"
    desk.good("settings", "export", str(file))
    done = desk.good("settings", "set", "response_timeout_s=30", "merchant_name=新店")
    assert done["changed"] == ["merchant_name", "response_timeout_s"]
    code, data = desk.run("settings", "set", "language=en", "port=70000")
    assert code == errors.REFUSED and "port" in data["error"]
    assert desk.good("settings", "get", "language") == "zh"  # all or nothing
    desk.unlock()
    done = desk.good("settings", "import", str(file))
    assert done["changed"] == ["merchant_name", "response_timeout_s"]
    assert desk.good("settings", "get") == before


def test_a_shop_with_an_open_batch_keeps_its_number(desk):
    code, data = desk.run("settings", "set", "tid=99999999")
    assert code == errors.REFUSED and "settle" in data["error"]


def test_the_log_counters_and_report(desk, tmp_path):
    assert desk.good("log", "-n", "3")[-1]
    assert desk.good("counters")["uptime_s"] > 0
    file = tmp_path / "report.json"
    assert desk.good("report", str(file))["file"] == str(file)
    report = json.loads(file.read_text("utf-8"))
    assert len(report) > 3


def hexadecimal(till, digits):
    for c in digits:
        till.press(*(c if c.isdigit() else ("ALPHA", str(ord(c) - 64))))


def custodians(till, components=preset.COMPONENTS, confirm="主密钥KCV"):
    """Two people load the test key at the keypad."""
    till.hold_ms = 40
    people = (preset.SUPERVISOR, ADMIN)
    for n, ((number, password), part) in enumerate(zip(people, components, strict=True)):
        till.expect(f"密钥持有人{n + 1}")
        till.type(number)
        till.press("ENTER")
        till.expect("密码")
        till.type(password)
        till.press("ENTER")
        for _ in range(2):
            till.expect("已输入0/32")
            hexadecimal(till, part)
            till.press("ENTER")
        till.expect("KCV")
        till.press("ENTER")
    till.expect(confirm)
    till.press("ENTER")
    till.expect("已存储")
    till.press("ENTER")


def test_sec8_two_people_enter_the_key_while_the_tool_waits(desk):
    desk.unlock()
    before = desk.good("keys", "status")
    till = desk.till
    with desk.somebody(lambda: custodians(till), b"at the keypad, please\r\n"):
        code, data = desk.run("keys", "enter", "--password-stdin", typed=TECHNICIAN[1] + "\n")
    assert (code, data) == (0, {"stored": True, "kcv": before["TMK"]})
    secrets = (*preset.COMPONENTS, preset.tmk().hex().upper())
    said = (desk.said + till.log.read_text(errors="replace")).upper()
    assert not any(secret in said for secret in secrets)


def test_sec22_a_service_key_that_two_people_have_entered_answers_challenges(desk, tmp_path):
    """Its check values are those of `keys kcv --service`; the desk's answer unlocks."""
    parts = ("0F1E2D3C4B5A69788796A5B4C3D2E1F0", "A3C01F7745D2966B08E95A3471BC2D60")
    key = bytes(a ^ b for a, b in zip(*map(bytes.fromhex, parts), strict=True)).hex()
    _, want = desk.run("keys", "kcv", "--service", typed=key + "\n")
    desk.unlock()
    till = desk.till
    act = lambda: custodians(till, parts, want["kcv"])  # noqa: E731
    with desk.somebody(act, b"at the keypad, please\r\n"):
        data = desk.good("keys", "enter", "service", "--password-stdin",
                         typed=TECHNICIAN[1] + "\n")  # fmt: skip
    assert data == {"stored": True, "kcv": want["kcv"]}
    assert desk.good("keys", "status")["SVC"] == want["kcv"]
    desk.good("lock")
    asked = desk.good("unlock", "--challenge")
    file = tmp_path / "service.key"
    file.write_text(key)
    answer = desk.good("respond", asked["challenge"], "--serial", asked["serial"],
                       "--key", str(file))  # fmt: skip
    assert desk.good("unlock", "--response", answer["response"])["unlocked"] is True
    assert desk.good("keys", "status")["TMK"]  # the other keys are as they were


def test_a_new_password_counts_from_then_on(desk):
    desk.unlock()
    desk.good("password", typed="97531864\n97531864\n")
    code, _ = desk.run("unlock", typed=TECHNICIAN[1] + "\n")
    assert code != errors.DONE
    assert desk.good("unlock", typed="97531864\n")["unlocked"]
    desk.good("password", typed=f"{TECHNICIAN[1]}\n{TECHNICIAN[1]}\n")


def test_the_audit_log_tells_what_happened_and_its_chain_holds(desk):
    names = [event["event"] for event in desk.good("audit", "-n", "200")]
    assert {"start", "logon", "unlock"} <= set(names)
    assert desk.good("audit", "--verify")["holds"] is True


def test_reboot_starts_the_terminal_anew_and_locks_it(desk):
    desk.good("reboot")
    desk.do(desk.till.expect, "操作员登录", 60_000)
    code, _ = desk.run("log")
    assert code == errors.LOCKED
    desk.do(desk.till.login)
    desk.unlock()


def test_sec28_decommissioning_over_the_cable(desk):
    """The last one: nothing is left of this terminal."""
    code, data = desk.run("decommission", "--confirm", f"DESTROY-{preset.TID}-0-0",
                          "--password-stdin", typed=TECHNICIAN[1] + "\n")  # fmt: skip
    assert code == errors.NEGATIVE and (data["owed"], data["unsettled"]) == (0, 1)
    data = desk.good("decommission", typed=data["confirm"] + "\n")
    assert data["decommissioned"]
    desk.do(desk.till.expect, "未设置", 120_000)
    assert desk.good("status")["problem"] == "not_set_up"
    assert desk.good("keys", "status") == {}


def test_activation_over_the_cable(tmp_path, monkeypatch):
    """A blank terminal, its file in pieces: a changed one is refused, the right one makes it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    monkeypatch.setenv("SHOUYIN_MODULES", "")  # signing() sets it; this takes it back
    signing(tmp_path / "modules", "desk", key)
    till = Till(tmp_path / "new")
    data, _ = activation.make(application(), key, "desk", datetime.date(2026, 11, 20), FIRST)
    file = tmp_path / "a.json"
    till.power_on()
    till.expect("未设置")
    with Served(till) as served:
        field = Field.of(till, served)
        file.write_bytes(data[:200] + b" " + data[201:])
        code, said = field.run("activate", str(file))
        assert code == errors.REFUSED and "signature" in said["error"]
        file.write_bytes(data)
        done = field.good("activate", str(file))
        assert done["activated"] and done["tid"] == preset.TID
        assert "shouyin keys enter" in field.said
        field.do(till.expect, "操作员登录", 60_000)
        assert field.run("keys", "status")[0] == errors.LOCKED
        field.good("unlock", typed=FIRST["90"] + "\n")
        assert field.good("settings", "get", "tid") == preset.TID
        code, said = field.run("install-report")
        assert code == errors.REFUSED and "acceptance" in said["error"]
    till.close()
