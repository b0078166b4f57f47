"""docs/hardening.md: its steps on espefuse's virtual chips, and the sdkconfig fragment."""

import re
import subprocess
from pathlib import Path

import espefuse
import espsecure
import pytest
from esptool import FatalError
from new_board import checks

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hardening.md").read_text(encoding="utf-8")
PROFILE = (ROOT / "boards" / "common" / "sdkconfig.hardened").read_text(encoding="utf-8")


def commands(tool, chip=None):
    """Argument lists of a tool's lines on the page; of espefuse's only those for a chip."""
    found = []
    for line in re.findall(rf"^{tool} (.*)$", PAGE, re.M):
        args = line.replace("CHIP", chip or "").split()
        if chip is None or args[1] == chip:
            found.append(args)
    return found


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A folder with what step 1 and 2 make, out of parts as a build leaves them."""
    folder = tmp_path_factory.mktemp("keys")
    for name, size in (("bootloader", 24_000), ("partition-table", 3072), ("micropython", 90_000)):
        (folder / f"{name}.bin").write_bytes(bytes(i & 255 for i in range(size)))
    with pytest.MonkeyPatch.context() as m:
        m.chdir(folder)
        for args in commands("espsecure"):
            espsecure.main(args)
    return folder


def test_keys_are_made_and_parts_are_signed_and_encrypted(keys):
    for name in ("bootloader", "micropython"):
        plain, signed = ((keys / f"{name}{n}.bin").read_bytes() for n in ("", "-signed"))
        assert len(signed) % 4096 == 0 and signed.startswith(plain)
    for name, clear in (("bootloader", "bootloader-signed"), ("app", "micropython-signed"),
                        ("table", "partition-table")):  # fmt: skip
        sealed, plain = ((keys / f"{n}.bin").read_bytes() for n in (f"{name}-enc", clear))
        assert len(sealed) >= len(plain) and sealed[:64] != plain[:64]


def burn(keys, chip, capsys, monkeypatch):
    """Do the page's steps on a virtual chip; its eFuses as espefuse's summary."""
    monkeypatch.chdir(keys)
    cells = keys / f"{chip}.efuses"
    common = ["--virt", "--path-efuse-file", str(cells), "--do-not-confirm", "--chip", chip]
    for args in commands("espefuse", chip):
        espefuse.main([*common, *args[4:]])  # without --chip CHIP --port PORT
    capsys.readouterr()
    espefuse.main([*common, "summary"])
    return capsys.readouterr().out


@pytest.mark.parametrize("chip", ["esp32s3", "esp32c3"])
def test_the_steps_work_in_their_order_on_a_virtual_chip(keys, chip, capsys, monkeypatch):
    summary = burn(keys, chip, capsys, monkeypatch)

    def value(name):
        """What stands behind the = of an eFuse, which may be on the next line."""
        row = re.search(rf"^{name} \(BLOCK\d+\).*?= *(.*?)(?: R/| -/)", summary, re.M | re.S)
        assert row, name
        return row[1].strip()

    for name in ("SECURE_BOOT_EN", "DIS_PAD_JTAG", "DIS_USB_JTAG", "DIS_DOWNLOAD_MANUAL_ENCRYPT",
                 "DIS_DIRECT_BOOT", "ENABLE_SECURITY_DOWNLOAD", "DIS_DOWNLOAD_ICACHE",
                 "SECURE_BOOT_KEY_REVOKE1", "SECURE_BOOT_KEY_REVOKE2"):  # fmt: skip
        assert value(name) == "True", name
    assert value("SPI_BOOT_CRYPT_CNT") == "Enable"
    assert value("UART_PRINT_CONTROL") == "Disable"
    assert value("KEY_PURPOSE_0") == "XTS_AES_128_KEY"
    assert value("KEY_PURPOSE_1") == "SECURE_BOOT_DIGEST0"
    assert value("KEY_PURPOSE_4") == "HMAC_UP"
    assert value("DIS_USB_SERIAL_JTAG") in ("False", "Enable")  # the console
    # The two keys cannot be read back; the digest must be.
    assert re.search(r"^RD_DIS .*\(0b0010001\)", summary, re.M)
    digest = (keys / "boot_digest.bin").read_bytes().hex(" ")
    assert digest in re.sub(r"\s+", " ", summary)


def test_an_nvs_key_behind_the_write_protection_is_refused(keys, capsys, monkeypatch):
    """Why the order matters: with RD_DIS protected no key can be hidden any more."""
    monkeypatch.chdir(keys)
    cells = keys / "late.efuses"
    common = ["--virt", "--path-efuse-file", str(cells), "--do-not-confirm", "--chip", "esp32s3"]
    espefuse.main([*common, "write-protect-efuse", "RD_DIS"])
    with pytest.raises(FatalError, match="RD_DIS field being already write-disabled"):
        espefuse.main([*common, "burn-key", "BLOCK_KEY4", "hmac_key.bin", "HMAC_UP"])


def test_the_profile_and_the_page_name_the_same_block():
    options = checks.options(PROFILE)
    assert f"BLOCK_KEY{options['NVS_SEC_HMAC_EFUSE_KEY_ID']} hmac_key.bin HMAC_UP" in PAGE
    for name in ("SECURE_BOOT_V2_ENABLED", "SECURE_FLASH_ENCRYPTION_MODE_RELEASE",
                 "NVS_SEC_KEY_PROTECT_USING_HMAC", "BOOTLOADER_APP_ANTI_ROLLBACK",
                 "SECURE_ENABLE_SECURE_ROM_DL_MODE"):  # fmt: skip
        assert options[name] == "y", name
    assert options["ESP_COREDUMP_ENABLE_TO_FLASH"] == "n"


def test_no_key_is_in_the_repository():
    tracked = subprocess.run(
        ["git", "ls-files", "*.pem", "*key*.bin"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    ).stdout.split()  # fmt: skip
    assert tracked == []
