# Settings, operators, vault: limits, damage, and power cuts of their files on littlefs.

import os

import vfs
from harness import flash, raises

from app.crypto import seal
from app.store import files, operators, settings
from app.store.operators import CASHIER, SUPERVISOR, OperatorError, Operators
from app.store.settings import Settings, SettingsError
from app.store.vault import Vault, VaultError
from models.nor import PowerCut

PATH = "/fs"


def mount(dev, make=False):
    if make:
        vfs.VfsLfs2.mkfs(dev)
    try:
        vfs.umount(PATH)
    except OSError:
        pass
    vfs.mount(vfs.VfsLfs2(dev), PATH)


def fresh():
    nor, dev = flash(1024, 16)
    mount(dev, True)
    return nor, dev


def sealer(secret=b"0123456789abcdef0123456789abcdef"):
    return seal.Sealer(secret)


def derive(password, salt, rounds):
    return seal.hmac_sha256(salt, password)  # quick: the slow one has its own test


# ---- files --------------------------------------------------------------------------------------


def test_a_file_is_the_old_or_the_new_one_after_every_cut():
    nor, dev = fresh()
    files.replace(PATH + "/f", b"old" * 30)
    before = bytes(nor.storage.data)
    start = nor.ops
    files.replace(PATH + "/f", b"new" * 40)
    count = nor.ops - start
    outcomes = set()
    for cut in range(count):
        for torn in (0, 0.5, 1):
            nor.storage.data[:] = before
            mount(dev)
            nor.cut_at(nor.ops + cut, torn)
            try:
                files.replace(PATH + "/f", b"new" * 40)
            except PowerCut:
                pass
            nor.power_on()
            mount(dev)
            data = files.load(PATH + "/f")
            assert data in (b"old" * 30, b"new" * 40), (cut, torn)
            outcomes.add(data[:3])
    assert outcomes == {b"old", b"new"}
    print("%d operations of one replace, 0 halves" % count)
    assert count > 3


def test_a_missing_file_is_none():
    fresh()
    assert files.load(PATH + "/nothing") is None


# ---- settings -----------------------------------------------------------------------------------


def good_settings():
    who = {"tid": "58402001", "mid": "302440380621100", "merchant_name": "收银演示商店"}
    who.update({"host": "10.0.0.1", "port": 5000})
    return who


def test_settings_have_defaults_and_come_back():
    fresh()
    s = Settings(PATH + "/settings.json")
    s.load()
    assert s["language"] == "zh" and s["response_timeout_s"] == 60
    assert s.missing() == ["tid", "mid", "merchant_name", "host", "port"]
    s.set(**good_settings())
    assert s.missing() == []
    again = Settings(PATH + "/settings.json")
    again.load()
    assert again["merchant_name"] == "收银演示商店" and again["port"] == 5000


BAD = (
    ("nonsense", 1, "unknown"),
    ("port", 0, "1 to 65535"),
    ("port", 70000, "1 to 65535"),
    ("port", "80", "whole number"),
    ("port", True, "whole number"),
    ("tid", "123", "8 to 8"),
    ("tid", "1234567 ", "letters"),
    ("tid", 12345678, "text"),
    ("language", "fr", "zh en"),
    ("tpdu", "60000300xx", "digits"),
    ("host", "a b", "not allowed"),
    ("host", 'h",80\r\nAT', "not allowed"),
    ("merchant_name", "a\nb", "not allowed"),
    ("receipt_copies", 4, "1 to 3"),
    ("bearers", "lan,wlan", "lan wifi 4g"),
    ("bearers", "wifi,wifi", "lan wifi 4g"),
    ("bearers", "", "lan wifi 4g"),
    ("wifi_ssid_1", "店" * 11, "0 to 32"),
    ("wifi_ssid_3", "a\nb", "not allowed"),
    ("wifi_country", "cn", "capital"),
    ("wifi_country", "CHN", "2 to 2"),
)


def test_a_wrong_parameter_is_named_and_nothing_is_kept():
    fresh()
    s = Settings(PATH + "/settings.json")
    s.load()
    s.set(**good_settings())
    for name, value, why in BAD:
        changes = {"language": "en"}
        changes[name] = value
        try:
            s.set(**changes)
            raise AssertionError(name)
        except SettingsError as e:
            assert e.args[0] == name and why in e.args[1], e.args
    again = Settings(PATH + "/settings.json")
    again.load()
    for reader in (s, again):
        assert reader["port"] == 5000 and reader["language"] == "zh"


def test_a_damaged_settings_file_is_an_error_and_not_a_default():
    fresh()
    path = PATH + "/settings.json"
    for value in ([1, 2], {"port": "x"}, {"port": 99999999}):
        files.replace_json(path, value)
        raises(SettingsError, Settings(path).load)
    files.replace_json(path, {"port": 5000})
    whole = files.load(path)
    Settings(path).load()
    for cut in range(len(whole)):
        files.replace(path, whole[:cut])
        raises(SettingsError, Settings(path).load)
    for i in range(len(whole)):
        files.replace(path, whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        raises(SettingsError, Settings(path).load)


def test_a_parameter_of_a_later_firmware_is_kept():
    fresh()
    files.replace_json(PATH + "/settings.json", {"of_the_future": [1], "port": 5000})
    s = Settings(PATH + "/settings.json")
    s.load()
    s.set(language="en")
    assert b"of_the_future" in files.load(PATH + "/settings.json")


def test_every_default_is_allowed():
    for name, (_, default, _, _) in settings.SCHEMA.items():
        if default not in ("", 0):
            assert settings.check(name, default) == default


# ---- operators ----------------------------------------------------------------------------------


def people():
    fresh()
    o = Operators(PATH + "/operators.json", derive, 1)
    o.load()
    o.add("01", CASHIER, b"147258")
    o.add("00", SUPERVISOR, b"963852", False)
    return o


def reloaded():
    o = Operators(PATH + "/operators.json", derive, 1)
    o.load()
    return o


def why(function, *args):
    return raises(OperatorError, function, *args).args[0]


def test_passwords_and_roles():
    for o in (people(), reloaded()):
        o.verify("01", b"147258")
        assert why(o.verify, "01", b"147259") == "wrong"
        assert why(o.verify, "07", b"147258") == "unknown"
        assert why(o.verify, "01", b"147258", (SUPERVISOR,)) == "role"
        o.verify("00", b"963852", (SUPERVISOR,))
        assert o.must_change("01") and not o.must_change("00")


def test_bad_operators_are_refused():
    o = people()
    for args in (("1", CASHIER, b"123456"), ("ab", CASHIER, b"123456"), ("02", "king", b"123456")):
        assert why(o.add, *args) == "number or role"
    assert why(o.add, "01", CASHIER, b"123456") == "exists"
    assert why(o.add, "02", CASHIER, b"12345") == "short"
    assert reloaded().numbers() == ["00", "01"]


def test_a_new_password_must_be_new():
    o = people()
    assert why(o.change_password, "01", b"147258") == "same"
    assert why(o.change_password, "01", b"123") == "short"
    o.change_password("01", b"258369")
    assert not o.must_change("01")
    reloaded().verify("01", b"258369")


def test_five_wrong_passwords_lock_for_30_minutes_even_over_a_reboot():
    import time

    o = people()
    for i in range(4):
        assert why(o.verify, "01", b"000000") == "wrong"
        assert o.tries_left("01") == 4 - i
    o = reloaded()
    assert why(o.verify, "01", b"000000") == "locked"
    assert why(o.verify, "01", b"147258") == "locked"
    o = reloaded()
    time.sleep_ms(29 * 60_000)
    assert why(o.verify, "01", b"147258") == "locked"
    time.sleep_ms(2 * 60_000)
    o.verify("01", b"147258")
    assert o.tries_left("01") == 5


def test_a_power_cut_does_not_give_another_guess():
    o = people()
    o._matches = None  # the power goes while the password is being judged
    try:
        o.verify("01", b"000000")
    except TypeError:
        pass
    assert reloaded().tries_left("01") == 4


def test_no_password_is_in_the_file():
    people()
    data = files.load(PATH + "/operators.json")
    assert b"147258" not in data and b"963852" not in data


def test_the_slow_hash_is_slow_and_salted():
    a = seal.pbkdf2_sha256(b"147258", b"salt one", 300)
    assert a != seal.pbkdf2_sha256(b"147258", b"salt two", 300)
    assert a != seal.pbkdf2_sha256(b"147258", b"salt one", 299)


# ---- vault --------------------------------------------------------------------------------------


def test_the_vault_keeps_all_or_nothing_and_opens_only_here():
    nor, dev = fresh()
    v = Vault(PATH + "/vault.bin", sealer())
    v.load()
    v.put(TMK=b"master key 16 by", PIK=b"pin key 16 bytes", MAK=b"mac key8")
    again = Vault(PATH + "/vault.bin", sealer())
    again.load()
    assert again.names() == ["MAK", "PIK", "TMK"]
    assert again.get("MAK") == b"mac key8" and again.get("TDK") is None
    other = Vault(PATH + "/vault.bin", sealer(b"another device's secret, 32 byte"))
    raises(VaultError, other.load)
    image = bytes(nor.storage.data)
    for key in (b"master key", b"pin key", b"mac key"):
        assert key not in image


def test_a_damaged_vault_is_an_error():
    fresh()
    v = Vault(PATH + "/vault.bin", sealer())
    v.load()
    v.put(TMK=b"master key 16 by")
    data = bytearray(files.load(PATH + "/vault.bin"))
    for bad in (b"", data[:20], data[:-1], bytes(len(data))):
        files.replace(PATH + "/vault.bin", bytes(bad))
        raises(VaultError, Vault(PATH + "/vault.bin", sealer()).load)


def test_a_cut_while_keys_are_stored_leaves_the_old_or_the_new_ones():
    nor, dev = fresh()
    v = Vault(PATH + "/vault.bin", sealer())
    v.load()
    v.put(TMK=b"T" * 16, PIK=b"1" * 16, MAK=b"2" * 8)
    before = bytes(nor.storage.data)
    start = nor.ops
    v.put(PIK=b"3" * 16, MAK=b"4" * 8)
    for cut in range(nor.ops - start):
        nor.storage.data[:] = before
        mount(dev)
        w = Vault(PATH + "/vault.bin", sealer())
        w.load()
        nor.cut_at(nor.ops + cut, 0.5)
        try:
            w.put(PIK=b"3" * 16, MAK=b"4" * 8)
        except PowerCut:
            pass
        nor.power_on()
        mount(dev)
        w = Vault(PATH + "/vault.bin", sealer())
        w.load()
        assert (w.get("PIK"), w.get("MAK")) in ((b"1" * 16, b"2" * 8), (b"3" * 16, b"4" * 8)), cut
        assert w.get("TMK") == b"T" * 16


def test_replaced_keys_are_wiped():
    fresh()
    v = Vault(PATH + "/vault.bin", sealer())
    v.load()
    v.put(PIK=b"1" * 16)
    old = v.get("PIK")
    v.put(PIK=b"2" * 16)
    assert old == bytes(16)
    assert "operators" in dir(operators) or os.listdir(PATH)
