"""A terminal whose self-test fails, on the bench: what the shop sees, and what still goes out."""

import hashlib
import json
import subprocess
import sys

import pytest

from simulator import board_process, preset

APP = 0x10000  # the running application's partition, in every partition table


def offset(board, label):
    """Address of a partition."""
    path = board_process.ROOT / "boards" / board / "partitions.csv"
    for line in path.read_text().splitlines():
        if line.split(",")[0].strip() == label:
            return int(line.split(",")[3], 0)
    raise KeyError(label)


def flip(till, at, bit=0x10):
    with open(till.flash, "r+b") as f:
        f.seek(at)
        value = f.read(1)[0]
        f.seek(at)
        f.write(bytes([value ^ bit]))


def test_sec19_a_record_that_rots_in_flash_stops_the_sales_and_nothing_else(make_till):
    till = make_till(service_phone="400-810-8888", **preset.OFFLINE)
    till.start()
    till.expect("未签到", 120_000)
    till.sale("1111")
    till.network(False)
    till.offline_sale("2222")
    journal = till.flash.read_bytes()
    start = offset(till.board, "journal")
    found = journal.index(b"\xa5\x01", start + 16)  # an intent: magic, kind
    flip(till, found + 20)
    till.expect("终端已锁 E-19-4", 1_000_000)  # found in the first quiet minutes
    assert till.sees("流水损坏,已停售") and till.sees("电话400-810-8888")
    till.type("1234")
    till.press("ENTER")
    till.run_for(2000)
    assert not till.sees("请刷卡")
    # What is owed goes out all the same, behind the lock.
    till.network_back()
    till.run_until(lambda: "0220" in [e["mti"] for e in till.events], "the upload", 600_000)
    assert till.sees("E-19-4") or till.sees("操作员号")

    # The lock outlives the power; then the shop settles, and trades again.
    till.power_off()
    till.power_on()
    till.expect("终端已锁 E-19-4", 60_000)
    till.wait_for_network()
    till.press("ENTER")
    till.expect("操作员号")
    till.type(preset.CASHIER[0])
    till.press("ENTER")
    till.expect("密码:")
    till.type(preset.CASHIER[1])
    till.press("ENTER")
    till.expect("确认结算", 60_000)
    for _ in range(40):
        if till.sees("操作员登录"):
            break
        till.press("ENTER")
        till.run_for(5000)
    till.login()
    till.sale("3333")
    assert till.restarts == 0


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """An application image that esptool has made (its own code for segments, checksum, hash)."""
    folder = tmp_path_factory.mktemp("image")
    script = (
        "import sys\n"
        "from esptool.bin_image import ELFSection, ESP32S3FirmwareImage\n"
        "i = ESP32S3FirmwareImage()\n"
        "i.segments = [ELFSection(b'.data', 0x3FC88000, bytes(range(256)) * 11, 0),\n"
        "              ELFSection(b'.text', 0x40374000, b'code' * 777, 0)]\n"
        "i.entrypoint = 0x40374000\n"
        "i.save(sys.argv[1])\n"
    )
    path = folder / "app.bin"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=60,
                   capture_output=True)  # fmt: skip
    return path.read_bytes()


def program(till, image):
    with open(till.flash, "r+b") as f:
        f.seek(APP)
        f.write(image)


def test_sec19_an_image_of_esptool_is_believed_until_a_bit_of_it_changes(make_till, image):
    assert image[0] == 0xE9 and hashlib.sha256(image[:-32]).digest() == image[-32:]
    till = make_till()
    program(till, image)
    till.power_on()
    till.expect("操作员登录")
    number, password = preset.SUPERVISOR  # there is no technician
    assert till.console.execute(f"tech.unlock('{password}', '{number}')") == ("unlocked\r\n", "")
    said, wrong = till.console.execute("print(tech.selftest('firmware').json())")
    assert not wrong and json.loads(said.splitlines()[-1])["results"][0]["status"] == "pass", said
    flip(till, APP + 2000, 1)
    said, wrong = till.console.execute("print(tech.selftest().json())")
    assert not wrong and json.loads(said.splitlines()[-1])["locked"] == "E-19-1", said
    till.expect("终端已锁 E-19-1")
    assert till.sees("自检未通过") and till.sees("电话95516")
    till.press("ENTER", "MENU", "1")
    till.run_for(1000)
    assert till.sees("E-19-1")
    till.power_off()
    till.power_on()
    till.expect("终端已锁 E-19-1")
    program(till, image)
    till.power_off()
    till.power_on()
    till.login()  # all tests at once, then the day
    till.sale("2222")


def test_sec19_a_key_store_that_does_not_open_shows_its_code(make_till):
    till = make_till()
    vault = offset(till.board, "vfs")
    flash = bytearray(till.flash.read_bytes())
    size = len(flash) - vault
    names = flash.count(b"vault.bin", vault, vault + size)
    assert names
    script = till.folder / "spoil.py"
    script.write_text(
        "f = open('/flash/vault.bin', 'rb')\n"
        "data = bytearray(f.read())\n"
        "f.close()\n"
        "data[30] ^= 1\n"
        "f = open('/flash/vault.bin', 'wb')\n"
        "f.write(data)\n"
        "f.close()\n"
    )
    board_process.run(till.flash, script, board=till.board)
    till.power_on()
    till.expect("E-19-2", 60_000)
    assert till.sees("密钥库损坏")
    till.run_for(300)
    till.press("ENTER")  # two custodians put it right with a new master key
    till.expect("密钥持有人1")
    assert till.restarts == 0
