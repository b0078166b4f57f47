# Crypto: published vectors, a plain twin of the viper code, roles of keys, sealing.

import harness
import twin
from harness import Rng, raises, vectors

from app.crypto import des, keys, mac, pinblock, seal, track
from app.crypto.keys import MAK, PIK, TDK, TMK, Key, KeyFault

hexa = bytes.fromhex


# ---- DES ----------------------------------------------------------------------------------------


def test_des_worked_example():
    """J. Orlin Grabbe's worked example of FIPS 46-3, and the published block of p8583sdk."""
    assert des.ecb(hexa("133457799BBCDFF1"), hexa("0123456789ABCDEF")) == hexa("85E813540F0AB405")
    assert des.ecb(b"11111111", b"34534668") == hexa("8E447DCD18B040EC")


def test_des_variable_plaintext_known_answers():
    """NIST SP 800-20, table A.1 (key 01..01, one bit set), first and last rows."""
    key = b"\x01" * 8
    for plain, cipher in (
        ("8000000000000000", "95F8A5E5DD31D900"),
        ("4000000000000000", "DD7F121CA5015619"),
        ("0000000000000001", "166B40B44ABA4BD6"),
    ):
        assert des.ecb(key, hexa(plain)) == hexa(cipher)
        assert des.ecb(key, hexa(cipher), True) == hexa(plain)


def test_triple_des_with_equal_halves_is_single_des():
    key = hexa("133457799BBCDFF1")
    assert des.ecb(key + key, b"12345678") == des.ecb(key, b"12345678")


def test_viper_and_plain_bytecode_agree():
    plain_ecb = twin.plain(des)["ecb"]
    rng = Rng(harness.seed(1))
    for i in range(12):
        key = rng.bytes(16 if i & 1 else 8)
        data = rng.bytes(16)
        cipher = des.ecb(key, data)
        assert cipher == plain_ecb(key, data), (key, data)
        assert des.ecb(key, cipher, True) == data
        assert plain_ecb(key, cipher, True) == data


def test_wrong_lengths_are_refused():
    raises(ValueError, des.Des, b"1234567")
    raises(ValueError, des.Des, b"1" * 24)
    raises(ValueError, des.ecb, b"12345678", b"123")


def test_des_allocates_nothing_once_it_is_ready():
    import micropython

    d = des.Des(bytes(range(16)))
    buf = bytearray(64)
    d.encrypt(buf, 8)
    micropython.heap_lock()
    try:
        d.encrypt(buf, 8)
        d.decrypt(buf, 8)
    finally:
        micropython.heap_unlock()
    d.wipe()
    assert not any(d._k1) and not any(d._k2)


# ---- keys ---------------------------------------------------------------------------------------


def test_unwrap_published_example():
    """code456.com article 3026509: a 40-byte F62."""
    master = Key(TMK, hexa("CA5D92598DCA48CE8A4C76361A9269E9"))
    f62 = hexa("6701EAD6A9AD51E51AA406E2C27FCFA98D0A74B8B651F9E9BACE9AE10000000000000000AB7153CA")
    pik = keys.unwrap(master, PIK, f62[:16], f62[16:20])
    assert pik.use(PIK) == hexa("807A23AD32B36D457AE91FDF927570EA")
    mak = keys.unwrap(master, MAK, f62[20:28], f62[36:40])
    assert mak.use(MAK) == hexa("5BB5C72CD00B7338")


def test_a_wrong_check_value_is_refused_and_says_no_key():
    master = Key(TMK, bytes(range(16)))
    e = raises(KeyFault, keys.unwrap, master, PIK, bytes(16), b"\0\0\0\0")
    assert e.args == (PIK, "check value")


def test_a_key_is_only_used_in_its_role():
    pik = Key(PIK, bytes(range(16)))
    raises(KeyFault, mac.union_pay_ecb, pik, b"12345678", 0, 8)
    raises(KeyFault, track.encrypt, pik, bytearray(b"6225000000000014D3012201"))
    raises(KeyFault, pinblock.encrypt_format_0, Key(MAK, bytes(8)), b"1234", b"6225000000000014")
    raises(KeyFault, keys.unwrap, pik, MAK, bytes(8), bytes(4))
    raises(KeyFault, Key, PIK, bytes(7))
    assert "00" not in repr(pik)


# ---- MAC, PIN block, track ----------------------------------------------------------------------


def test_union_pay_mac_of_a_real_message():
    key = Key(MAK, hexa("313215FDA2C4AB4C"))
    assert mac.union_pay_ecb(key, hexa("8DBA2933C4B6C379"), 0, 8) == b"B7133B57"


def test_mac_pads_with_zeros_and_respects_its_bounds():
    key = Key(MAK, hexa("313215FDA2C4AB4C"))
    want = mac.union_pay_ecb(key, b"12345678abc\0\0\0\0\0", 0, 16)
    assert mac.union_pay_ecb(key, b"12345678abc", 0, 11) == want
    assert mac.union_pay_ecb(key, b"xx12345678abcyy", 2, 13) == want
    assert mac.union_pay_ecb(key, b"12345678abd", 0, 11) != want


def test_macs_are_compared_whole():
    assert mac.same(b"12345678", b"12345678")
    assert not mac.same(b"12345678", b"12345679")
    assert not mac.same(b"12345678", b"1234567")


def test_pin_block_format_0():
    """ANSI X9.24-1:2009 A.4 as restated by openemv/pinblock."""
    assert pinblock.format_0(b"1234", b"4012345678909") == hexa("041274EDCBA9876F")


def test_pins_that_make_no_block():
    for pin in (b"", b"123", b"1234567890123", b"12a4"):
        e = raises(pinblock.PinError, pinblock.format_0, bytearray(pin), b"6225000000000014")
        assert pin.decode() not in str(e) or not pin
    raises(pinblock.PinError, pinblock.format_0, b"1234", b"123456789012")


def test_short_track_is_padded_on_the_left():
    key = Key(TDK, b"\x44" * 16)
    out = track.encrypt(key, bytearray(b"123456"))
    assert len(out) == 17 and out[-1:] == b"6"


def test_public_vectors():
    seen = {}
    for v in vectors("iso8583.json"):
        d = v["decoded"]
        check = CHECKS.get(v["kind"])
        if check is not None and check(v, d):
            seen[v["kind"]] = seen.get(v["kind"], 0) + 1
    print(seen)
    for kind, least in (("pinblock", 4), ("mac", 2), ("track", 1), ("key-unwrap", 1), ("des", 1)):
        assert seen.get(kind, 0) >= least, kind


def _pinblock(v, d):
    if d.get("format") != 0:
        return False
    block = pinblock.format_0(d["pin"].encode(), d["pan"].encode())
    assert block == hexa(v["hex"]), v["id"]
    return True


def _mac(v, d):
    if "UP_ECB_single_length_key_left_half" in d:
        data = hexa(v["hex"])
        whole = Key(MAK, hexa(d["key"]))
        assert (
            mac.union_pay_ecb(whole, data, 0, len(data)).decode()
            == d["UP_ECB_double_length_key"]["F64"]
        )
        half = Key(MAK, hexa(d["key"])[:8])
        want = d["UP_ECB_single_length_key_left_half"]["F64"]
        assert mac.union_pay_ecb(half, data, 0, len(data)).decode() == want
        return True
    if "MAK" in d and "xor_fold" in d:
        assert (
            mac.union_pay_ecb(Key(MAK, hexa(d["MAK"])), hexa(d["xor_fold"]), 0, 8).decode()
            == d["F64_ascii"]
        )
        return True
    return False


def _track(v, d):
    key = Key(TDK, hexa(d["TDK"]))
    assert (
        track.encrypt(key, bytearray(d["track2_clear"].encode())) == d["track2_encrypted"].encode()
    )
    assert (
        track.encrypt(key, bytearray(d["track2_even_clear"].encode()))
        == d["track2_even_encrypted"].encode()
    )
    return True


def _unwrap(v, d):
    master = Key(TMK, hexa(d["TMK"]))
    f62 = hexa(d["F62"])
    assert keys.unwrap(master, PIK, f62[:16], f62[16:20]).use(PIK) == hexa(d["PIK"])
    return True


def _des(v, d):
    assert des.ecb(hexa(d["key"]), hexa(v["hex"])) == hexa(d["cipher"])
    return True


CHECKS = {"pinblock": _pinblock, "mac": _mac, "track": _track, "key-unwrap": _unwrap, "des": _des}


# ---- sealing ------------------------------------------------------------------------------------


def test_hmac_and_pbkdf2_known_answers():
    """RFC 4231 test case 2; RFC 7914 section 11 (PBKDF2-HMAC-SHA-256, first 32 bytes)."""
    assert seal.hmac_sha256(b"Jefe", b"what do ya want ", b"for nothing?") == hexa(
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert seal.pbkdf2_sha256(b"passwd", b"salt", 1) == hexa(
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
    )


def test_sealed_things_open_only_unchanged_and_only_here():
    s = seal.Sealer(b"a device secret of 32 bytes.....")
    for n in (0, 1, 15, 16, 17, 100):
        data = bytes(range(n))
        box = s.seal(data, b"context")
        assert s.open(box, b"context") == data
        assert data not in box or n < 4
    box = bytearray(s.seal(b"secret keys", b"context"))
    raises(seal.SealError, s.open, box, b"other context")
    raises(seal.SealError, seal.Sealer(b"another secret, also 32 bytes..").open, box, b"context")
    for i in range(0, len(box), 7):
        bad = bytearray(box)
        bad[i] ^= 1
        raises(seal.SealError, s.open, bad, b"context")
    for n in (0, 16, 63):
        raises(seal.SealError, s.open, box[:n], b"context")


def test_two_seals_of_the_same_thing_differ():
    s = seal.Sealer(b"a device secret of 32 bytes.....")
    assert s.seal(b"x") != s.seal(b"x")


def test_the_short_seal_opens_only_unchanged_in_its_context_and_with_its_key():
    """[I13] Every byte of it is authenticated; padding included."""
    siv = seal.Siv(b"k" * 32)
    for n in range(1, 40):
        data = bytearray(range(n))
        box = siv.seal(data, b"context")
        assert len(box) == 16 + (n // 16 + 1) * 16 and siv.open(box, b"context") == data
        assert bytes(data) not in box or n < 3
    box = siv.seal(bytearray(b"6225000000000014"), b"1")
    assert box == siv.seal(bytearray(b"6225000000000014"), b"1")
    assert box != siv.seal(bytearray(b"6225000000000014"), b"2")
    raises(seal.SealError, siv.open, box, b"2")
    raises(seal.SealError, seal.Siv(b"j" * 32).open, box, b"1")
    for i in range(len(box)):
        bad = bytearray(box)
        bad[i] ^= 1
        raises(seal.SealError, siv.open, bad, b"1")
    for n in (0, 15, 16, 31, 33):
        raises(seal.SealError, siv.open, box[:n] if n < 33 else box + b"x", b"1")
