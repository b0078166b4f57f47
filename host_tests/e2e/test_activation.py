"""From a blank flash to the first sale, as a technician and two custodians do it; and the ends: a
decommissioned terminal, and one whose case was opened."""

import base64
import datetime
import json
import os
from pathlib import Path

import pytest
from conftest import Till
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes

import activation
from simulator import preset

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

ROOT = Path(__file__).resolve().parents[2]
FIRST = {"00": "11223344", "99": "55667788", "01": "99001122", "90": "first-tech-pw"}
OWN = {"00": "963852", "99": "741852"}
WIFI = "wifi-secret-1"


def kcv(data):
    cipher = Cipher(TripleDES(data + data[:8]), modes.ECB())
    return cipher.encryptor().update(bytes(8))[:3].hex().upper()


def signing(folder, name, key):
    """Have the firmware know `key`, as a build with another signers.py does."""
    row = activation.signer_row(name, key.public_key())
    folder.mkdir()
    (folder / "signers.py").write_text(f"KEYS = ()\nACTIVATION = ({row!r},)\n")
    os.environ["SHOUYIN_MODULES"] = str(folder)


def application():
    found = json.loads((ROOT / "docs" / "application.example.json").read_text(encoding="utf-8"))
    found.update(terminal=preset.TID, kcv=kcv(preset.tmk()))
    found["merchant"]["number"] = preset.MID
    found["acquirer"].update(host=preset.HOST, port=5000)
    found["wifi"] = [{"ssid": "SHOP", "password": WIFI}]
    return found


def command(bench, text, timeout_ms=120_000):
    """The JSON that a command gives."""
    said, wrong = bench.console.execute(f"print({text}.json())", timeout_ms)
    assert not wrong, wrong
    return json.loads(said.splitlines()[-1])


def send(bench, data, name="a.json"):
    for at in range(0, len(data), 384):
        piece = base64.b64encode(data[at : at + 384]).decode()
        have = command(bench, f"tech.receive('{name}', {at}, '{piece}')")["have"]
    assert have == len(data)


def enter(bench, prompt, digits):
    bench.expect(prompt)
    bench.type(digits)
    bench.press("ENTER")


def new_password(bench, old, new):
    """A first password is asked for, and must be changed."""
    enter(bench, "密码:", old)
    enter(bench, "新密码", new)
    enter(bench, "再输一次", new)


def hex_keys(text):
    keys = []
    for c in text:
        keys += [c] if c.isdigit() else ["ALPHA", str(ord(c) - ord("A") + 1)]
    return keys


def type_component(bench, which, text):
    for prompt in (f"密钥分量{which}", f"分量{which}再输一次"):
        bench.expect(prompt)
        bench.press(*hex_keys(text))
        assert bench.sees("已输入32/32") and not bench.sees(text[:4])
        bench.press("ENTER")
    bench.expect("KCV" + kcv(bytes.fromhex(text)))
    bench.press("ENTER")


def load_master_key(bench):
    """The two custodians at the keypad; the second one has his first password still."""
    first, second = preset.COMPONENTS
    enter(bench, "密钥持有人1", "00")
    enter(bench, "密码:", OWN["00"])
    type_component(bench, 1, first)
    enter(bench, "密钥持有人2", "99")
    new_password(bench, FIRST["99"], OWN["99"])
    type_component(bench, 2, second)
    bench.expect("主密钥KCV" + kcv(preset.tmk()))
    bench.press("ENTER")
    bench.expect("主密钥已存储")
    bench.press("ENTER")


class Installed:
    """The story, played once: what the tests look at."""

    def __init__(self, folder):
        self.bench = bench = Till(folder / "new")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        signing(folder / "modules", "desk", key)
        day = datetime.date(2026, 11, 20)
        self.data, _ = activation.make(application(), key, "desk", day, FIRST)
        bench.power_on()
        bench.expect("未设置")
        wrong = bytearray(self.data)
        wrong[100] ^= 1
        send(bench, bytes(wrong), "wrong.json")
        self.refused = bench.console.execute("tech.activate('wrong.json')")[1]
        send(bench, self.data)
        self.activated = command(bench, "tech.activate('a.json')")
        bench.run_until(lambda: bench.restarts == 1, "the restart", 10_000)
        bench.expect("操作员登录")
        bench.run_for(300)
        enter(bench, "操作员号", "00")
        new_password(bench, FIRST["00"], OWN["00"])
        bench.expect("未装主密钥")
        bench.press("ENTER")
        load_master_key(bench)
        bench.expect("请刷卡或输入金额")
        bench.wait_for_network()
        self.locked = bench.console.execute("tech.acceptance()")[1]
        bench.console.execute(f"tech.unlock('{FIRST['90']}')")
        self.acceptance = command(bench, "tech.acceptance()")
        self.tried = "\n".join(bench.tear().lines)
        self.report = command(bench, "tech.install_report()")
        self.paper = "\n".join(bench.tear().lines)
        bench.sale()
        self.verified = command(bench, "tech.audit.verify()")
        self.events = command(bench, "tech.audit.last(40)")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    before = os.environ.get("SHOUYIN_MODULES")
    try:
        story = Installed(tmp_path_factory.mktemp("activation"))
        yield story
        story.bench.close()
    finally:
        if before is None:
            os.environ.pop("SHOUYIN_MODULES", None)
        else:
            os.environ["SHOUYIN_MODULES"] = before


def test_a_changed_file_is_refused_and_the_right_one_makes_a_terminal(installed):
    assert "signature" in installed.refused
    assert installed.activated["activated"] and installed.activated["tid"] == preset.TID
    assert kcv(preset.tmk()) in installed.activated["to_do"][0]


def test_the_acceptance_test_is_for_the_technician_and_passes(installed):
    assert "locked" in installed.locked
    items = {row["item"]: row for row in installed.acceptance["items"]}
    assert installed.acceptance["passed"], items
    assert items["sign-in"]["ok"] and items["echo"]["ok"] and items["print"]["ok"]
    assert kcv(preset.tmk()) in items["master key"]["detail"]
    assert "ACCEPTANCE TEST" in installed.tried


def test_the_installation_report_is_on_paper(installed):
    assert installed.report["on_paper"] and installed.report["tid"] == preset.TID
    for text in ("INSTALLATION REPORT", preset.TID, preset.MID, kcv(preset.tmk()), "PASSED"):
        assert text in installed.paper, text


def test_the_first_sale_is_in_both_books(installed):
    result = installed.bench.comparison()
    assert result.agree, result.table()
    assert len(installed.bench.journal()["transactions"]) == 1


def test_sec27_the_audit_log_tells_the_story_and_its_chain_holds(installed):
    assert installed.verified["holds"] and installed.verified["lost"] == 0
    names = [e["event"] for e in installed.events]
    for name in ("start", "activation", "password", "logon", "master_key", "key_load", "unlock",
                 "acceptance"):  # fmt: skip
        assert name in names, (name, names)
    loaded = installed.events[names.index("master_key")]
    assert (loaded["who"], loaded["detail"]) == ("00", kcv(preset.tmk()) + " 99")
    assert [e["number"] for e in installed.events] == sorted(e["number"] for e in installed.events)


def test_sec20_first_passwords_are_changed_before_anybody_signs_on(installed):
    story = [(e["event"], e["who"]) for e in installed.events]
    assert story.index(("password", "00")) < story.index(("logon", "00"))
    assert story.index(("password", "99")) < story.index(("master_key", "00"))
    assert story.count(("logon", "00")) == 1


def secrets():
    """Keys, components, passwords."""
    found = [preset.tmk(), preset.tmk()[:8], preset.tmk()[8:]]
    found += [bytes.fromhex(c) for c in preset.COMPONENTS]
    found += [text.encode() for text in (*FIRST.values(), *OWN.values(), WIFI)]
    return found


def leaks(data):
    low = data.lower()
    return [s for s in secrets() if s in data or s.hex().encode() in low]


def test_sec6_no_key_component_or_password_rests_in_flash_nvs_or_log(installed):
    """In no partition and no file, after activation, key load and a sale."""
    places = [p for p in installed.bench.folder.iterdir() if p.is_file()]
    assert {"flash.bin", "flash.bin.nvs", "terminal.log"} <= {p.name for p in places}
    for path in places:
        assert not leaks(path.read_bytes()), path.name
    texts = json.dumps([installed.events, installed.report, installed.acceptance])
    assert not leaks(texts.encode()) and not leaks(installed.paper.encode())


def test_sec6_the_search_finds_every_kind(installed):
    """Negative control."""
    image = (installed.bench.folder / "flash.bin").read_bytes()
    for secret in secrets():
        for form in (secret, secret.hex().encode(), secret.hex().upper().encode()):
            assert leaks(image[:5000] + form + image[5000 + len(form) :]), form


# ---- the ends -----------------------------------------------------------------------------------


def test_sec28_a_decommissioned_terminal_is_blank_and_its_audit_log_stays(make_till):
    till = make_till()
    till.start()
    till.expect("未签到", 120_000)
    till.sale()
    sealed = bytes(till.flash.read_bytes())
    nvs = Path(str(till.flash) + ".nvs")
    secret = json.loads(nvs.read_text())["shouyin"]["device"][1]
    assert "locked" in till.console.execute("tech.decommission()")[1]
    number, password = preset.SUPERVISOR  # there is no technician
    assert command(till, f"tech.unlock('{password}', '{number}')")["unlocked"]
    said = command(till, "tech.decommission()")
    assert said["unsettled"] == 1 and not said["decommissioned"]
    assert not command(till, "tech.decommission('DESTROY')")["decommissioned"]
    assert command(till, f"tech.decommission('{said['confirm']}')")["decommissioned"]
    till.run_until(lambda: till.restarts == 2, "both restarts", 20_000)
    till.expect("未设置")
    image = till.flash.read_bytes()
    assert preset.MID.encode() in sealed and preset.MID.encode() not in image
    assert secret not in nvs.read_text()  # the terminal has made a new one
    events = [e["event"] for e in command(till, "tech.audit.last(9)")]
    assert events[-4:] == ["decommission", "zeroising", "zeroised", "start"]
    assert command(till, "tech.audit.verify()")["holds"]


def test_sec28_an_opened_case_locks_the_terminal(tmp_path):
    """Only two custodians with a new key get on from there (test_keyentry.py, on the target)."""
    till = Till(tmp_path / "mobile", board="SY_MPOS")
    try:
        till.provision()
        sealed = Path(str(till.flash) + ".nvs").read_text()
        till.power_on()
        till.expect("操作员登录")
        till.devices.tamper.open(till.rack.now_us)
        till.rack.poke()
        till.expect("外壳被打开", 20_000)
        assert till.restarts == 1
        till.power_off()
        till.devices.tamper.close(till.rack.now_us)
        till.power_on()
        till.expect("外壳被打开")
        secret = json.loads(sealed)["shouyin"]["device"][1]
        assert secret not in Path(str(till.flash) + ".nvs").read_text()
        till.run_for(300)
        till.press("ENTER")
        till.expect("密钥持有人1")
        assert till.restarts == 1
    finally:
        till.close()
