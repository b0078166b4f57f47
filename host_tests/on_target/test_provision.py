# Setting up a terminal: what is refused before anything is written, and what is there afterwards.

import sys

import vfs
from harness import flash, raises

from app.crypto import seal
from app.store import files, wifi
from app.store.operators import OperatorError
from app.store.settings import Settings, SettingsError
from app.store.vault import Vault

PATH = "/set_up"


class Board:
    DATA = PATH

    def device_secret(self):
        return b"0123456789abcdef0123456789abcdef"


_kept = sys.modules.get("board")
sys.modules["board"] = Board()
from app.tech import provision  # noqa: E402
from app.tech.provision import ProvisionError  # noqa: E402

if _kept is not None:
    sys.modules["board"] = _kept

FIRST = "00112233445566778899AABBCCDDEEFF"
SECOND = "1032547698BADCFE0123456789ABCDEF"
PARAMETERS = {
    "tid": "58402001", "mid": "302440380621100", "host": "h.example", "port": 5000,
    "tpdu": "6000030000", "merchant_name": "shop",
}  # fmt: skip


def fresh():
    _, dev = flash(1024, 16)
    vfs.VfsLfs2.mkfs(dev)
    try:
        vfs.umount(PATH)
    except OSError:
        pass
    vfs.mount(vfs.VfsLfs2(dev), PATH)


def vault():
    v = Vault(PATH + "/vault.bin", seal.Sealer(Board().device_secret()))
    v.load()
    return v


def test_the_master_key_is_the_two_components_joined_and_old_working_keys_go():
    fresh()
    v = vault()
    v.put(PIK=b"p" * 16, MAK=b"m" * 8, TDK=b"t" * 16)
    check = provision.master_key(FIRST, SECOND.lower())
    want = bytes(int(FIRST[i : i + 2], 16) ^ int(SECOND[i : i + 2], 16) for i in range(0, 32, 2))
    v = vault()
    assert v.names() == ["TMK"] and bytes(v.get("TMK")) == want
    assert len(check) == 6 and check == check.upper()
    assert provision.master_key(SECOND, FIRST) == check


def test_components_that_are_none_are_refused_and_not_repeated():
    fresh()
    for first, second, what in (
        (FIRST[:-1] + "x", SECOND, "component 1 is not hexadecimal"),
        (FIRST, SECOND[:-1], "component 2"),
        (FIRST, SECOND[:-2], "component 2 must have 32 hex digits"),
        (FIRST + "00", SECOND, "component 1 must have 32 hex digits"),
        (FIRST, FIRST, "weak"),
        ("00" * 16, "0123456789ABCDEF" * 2, "weak"),
    ):
        e = raises(ProvisionError, provision.master_key, first, second)
        assert what in e.args[0], e.args
        assert first not in e.args[0] and second not in e.args[0]
        assert vault().names() == []


def test_a_damaged_vault_is_replaced_by_a_new_master_key():
    fresh()
    provision.master_key(FIRST, SECOND)
    files.replace(PATH + "/vault.bin", b"\x55" * 96)
    check = provision.master_key(FIRST, SECOND)
    assert len(check) == 6 and vault().names() == ["TMK"]


def test_a_terminal_is_set_up_from_one_description():
    fresh()
    spec = {
        "settings": dict(PARAMETERS),
        "operators": [["01", "cashier", "246813"], ["00", "supervisor", "135792", False]],
        "master_key": [FIRST, SECOND],
    }
    assert len(provision.from_spec(spec)) == 6
    s = Settings(PATH + "/settings.json")
    s.load()
    assert s["tid"] == "58402001" and s.missing() == []
    e = raises(OperatorError, provision.operator, "01", "cashier", "246813")
    assert e.args == ("exists",)


def test_what_is_missing_is_named_and_no_key_is_loaded_then():
    fresh()
    parameters = dict(PARAMETERS)
    parameters.pop("mid")
    spec = {"settings": parameters, "operators": [], "master_key": [FIRST, SECOND]}
    e = raises(ProvisionError, provision.from_spec, spec)
    assert "mid" in e.args[0] and vault().names() == []
    raises(SettingsError, lambda: provision.settings(no_such_thing=1))


# ---- Wi-Fi --------------------------------------------------------------------------------------


def known():
    s = Settings(PATH + "/settings.json")
    s.load()
    return wifi.networks(s, vault())


def test_wifi_networks_are_kept_with_their_passwords_in_the_vault_only():
    fresh()
    provision.settings(**PARAMETERS)
    provision.wifi(2, "cafe")
    provision.wifi(1, "\u5e97\u94fa", "do-not-show")
    assert known() == (("\u5e97\u94fa", b"do-not-show"), ("cafe", b""))
    for name in ("/settings.json", "/vault.bin"):
        assert b"do-not-show" not in files.load(PATH + name)
    # A new master key leaves them alone.
    provision.master_key(FIRST, SECOND)
    assert len(known()) == 2
    provision.wifi(1, "")
    assert known() == (("cafe", b""),) and "WIFI1" not in vault().names()


def test_a_wrong_wifi_network_is_refused_without_showing_its_password():
    fresh()
    provision.wifi(1, "shop", "secret-1")
    for place, ssid, password in (
        (0, "shop", "secret-2"), (4, "shop", "secret-2"), (1, "s" * 33, "secret-2"),
        (1, "shop", "secret"), (1, "shop", "s" * 64), (1, "shop", "secret-2\n"),
        (1, "shop", "\u5bc6\u7801\u5bc6\u7801"),
    ):  # fmt: skip
        e = raises(SettingsError, provision.wifi, place, ssid, password)
        assert "secret" not in str(e.args)
    assert known() == (("shop", b"secret-1"),)
    provision.wifi(1, "shop", "0123456789abcdefABCDEF" * 2 + "0" * 20)
    assert len(known()[0][1]) == 64


def test_wifi_comes_with_a_spec():
    fresh()
    provision.from_spec({"settings": PARAMETERS, "operators": [], "master_key": [FIRST, SECOND],
                         "wifi": [["shop", "secret-1"], ["home", ""]]})  # fmt: skip
    assert known() == (("shop", b"secret-1"), ("home", b""))
