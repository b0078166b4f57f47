"""The acquirer's codec and cryptography against vectors that were published or computed elsewhere.

The vector file is not part of the project: $SHOUYIN_VECTORS, by default ../shared/vectors beside
the repository. Without it these tests are skipped; the few values that are written here have their
source.
"""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer import keys, messages, packing

FOLDER = Path(os.environ.get("SHOUYIN_VECTORS", kit.ROOT.parent / "shared" / "vectors"))


def load():
    path = FOLDER / "iso8583.json"
    if not path.exists():
        return []
    return json.loads(path.read_text(encoding="utf-8"))["vectors"]


VECTORS = load()


def of_kind(kind, wanted=lambda decoded: True):
    """Parameters for the vectors of a kind, or one that skips when the file is not there."""
    chosen = [v for v in VECTORS if v["kind"] == kind and wanted(v["decoded"])]
    assert chosen or not VECTORS, f"no vector of kind {kind}"
    chosen = [pytest.param(v, id=v["id"]) for v in chosen]
    reason = f"no vectors in {FOLDER}: set SHOUYIN_VECTORS"
    return chosen or [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="absent")]


def by_id(name):
    if not VECTORS:
        pytest.skip(f"no vectors in {FOLDER}: set SHOUYIN_VECTORS")
    return next(v for v in VECTORS if v["id"] == name)


def body_of(vector):
    """Frame body of a message vector; those without frame get length, TPDU and header of our
    own."""
    data = bytes.fromhex(vector["hex"])
    if "h" in vector["decoded"]:
        assert int.from_bytes(data[:2], "big") == len(data) - 2
        return data[2:]
    return bytes.fromhex(kit.TPDU + kit.HEADER) + data


@pytest.mark.parametrize("vector", of_kind("iso8583-message"))
def test_message_is_read_and_written_back_byte_by_byte(vector):
    body = body_of(vector)
    message = packing.unpack(body)
    expected = vector["decoded"]
    assert message.mti == expected["t"]
    assert message.tpdu + message.header == expected.get("h", kit.TPDU + kit.HEADER)
    assert message.fields == {int(n): text for n, text in expected.items() if n.isdigit()}
    assert packing.pack(message) == body
    assert message.mac_input == body[11 : -8 if 64 in message.fields else None]


@pytest.fixture
def session_keys():
    """Keys of the generated messages: TMK 11..11, and F62 of the generated sign-in response."""
    blob = bytes.fromhex(by_id("gen-signin-rsp")["decoded"]["62"])
    tmk = b"\x11" * 16
    pik, mak, tdk = (keys.decrypt(tmk, blob[a:b]) for a, b in ((0, 16), (20, 28), (40, 56)))
    assert keys.kcv(pik) == blob[16:20]
    assert keys.kcv(mak) == blob[36:40]
    assert keys.kcv(tdk) == blob[56:60]
    return keys.WorkingKeys(pik, mak, tdk)


def test_wrapping_gives_the_f62_of_the_vector(session_keys):
    blob = bytes.fromhex(by_id("gen-signin-rsp")["decoded"]["62"])
    assert keys.wrap(b"\x11" * 16, session_keys, "004") == blob
    assert keys.wrap(b"\x11" * 16, session_keys, "003") == blob[:40]


@pytest.mark.parametrize("vector", of_kind("iso8583-message", lambda d: "64" in d))
def test_mac_of_every_signed_message(vector, session_keys):
    message = packing.unpack(body_of(vector))
    assert keys.ecb_mac(session_keys.mak, message.mac_input) == vector["decoded"]["64"]


def test_pin_blocks_and_tracks_of_the_messages(session_keys):
    seen = 0
    for vector in VECTORS:
        fields = vector["decoded"]
        if vector["kind"] != "iso8583-message" or "52" not in fields:
            continue
        clear = keys.clear_track(session_keys.tdk, fields["35"])
        assert clear == "6225000000000014D30122010000012345000"
        block = bytes.fromhex(fields["52"])
        assert keys.clear_pin(session_keys.pik, block, clear[:16]) == "123456"
        seen += 1
    assert seen >= 5


def test_track_vector():
    data = by_id("gen-track2")["decoded"]
    tdk = bytes.fromhex(data["TDK"])
    assert keys.clear_track(tdk, data["track2_encrypted"]) == data["track2_clear"]
    assert keys.clear_track(tdk, data["track2_even_encrypted"]) == data["track2_even_clear"]
    assert kit.encrypt_track(tdk, data["track2_clear"]) == data["track2_encrypted"]


def test_published_key_download():
    data = by_id("code456-keys")["decoded"]
    tmk, blob = bytes.fromhex(data["TMK"]), bytes.fromhex(data["F62"])
    published = keys.WorkingKeys(bytes.fromhex(data["PIK"]), bytes.fromhex(data["MAK"]))
    assert keys.wrap(tmk, published, "003") == blob
    assert keys.kcv(published.pik, 8).hex().upper() == data["PIK_KCV_full"]
    assert keys.kcv(published.mak, 8).hex().upper() == data["MAK_KCV_full"]


def test_real_mac_block():
    data = by_id("mac-ecb-real")["decoded"]
    folded = bytes.fromhex(data["xor_fold"])  # folding one block gives the block itself
    assert keys.ecb_mac(bytes.fromhex(data["MAK"]), folded) == data["F64_ascii"]


def test_mac_with_both_key_lengths():
    vector = by_id("mac-four-modes")
    data, key = bytes.fromhex(vector["hex"]), bytes.fromhex(vector["decoded"]["key"])
    double = vector["decoded"]["UP_ECB_double_length_key"]["F64"]
    single = vector["decoded"]["UP_ECB_single_length_key_left_half"]["F64"]
    assert keys.ecb_mac(key, data) == double
    assert keys.ecb_mac(key[:8], data) == single
    assert kit.mac_of(key[:8], data) == single


@pytest.mark.parametrize("vector", of_kind("pinblock", lambda d: d.get("format") == 0))
def test_format_0_pin_blocks(vector):
    data = vector["decoded"]
    key = bytes(range(16))
    block = keys.encrypt(key, bytes.fromhex(vector["hex"]))
    assert keys.clear_pin(key, block, data["pan"]) == data["pin"]


@pytest.mark.parametrize("vector", of_kind("pinblock-negative"))
def test_pin_blocks_that_are_none(vector):
    key = bytes(range(16))
    block = keys.encrypt(key, bytes.fromhex(vector["hex"]))
    with pytest.raises(keys.PinBlockError) as caught:
        keys.clear_pin(key, block, vector["decoded"]["pan"])
    assert not any(character.isdigit() for character in str(caught.value).replace("0", ""))


@pytest.mark.parametrize("vector", of_kind("bitmap"))
def test_fields_of_real_bitmaps_are_in_the_packing_table(vector):
    bits = int(vector["hex"], 16)
    numbers = [n for n in range(1, 65) if bits >> (64 - n) & 1]
    assert numbers == vector["decoded"]["fields"]
    assert set(numbers) <= set(packing.FIELDS)


def test_answer_tables_agree_with_observed_answers():
    """Every field this host answers with was seen in the real or the generated answer of that
    MTI."""
    observed = {"0210": by_id("bitmap-sale-rsp-0210")["decoded"]["fields"] + [38]}
    for vector in VECTORS:
        mti = vector["decoded"].get("t")
        if mti in ("0410", "0510", "0810"):
            numbers = [int(n) for n in vector["decoded"] if n.isdigit()]
            observed.setdefault(mti, []).extend(numbers)
    assert set(observed) == {"0210", "0410", "0510", "0810"}
    for mti, numbers in observed.items():
        assert set(messages.ANSWERS[mti]) <= set(numbers), mti


def test_generated_settlement_request_is_understood():
    """The vector's terminal: batch 7, 3 sales of 3.00 in all, one void of 1.00."""
    vector = by_id("gen-settle-req")
    host = kit.make_host(batch=7)
    pos = kit.signed_in_pos(host)
    sale = pos.sale(100)
    pos.sale(100), pos.sale(100), pos.void(sale)
    answer = kit.Answer(host.handle(body_of(vector)).body)
    assert answer[48] == by_id("gen-settle-rsp-balanced")["decoded"]["48"]


def test_des_worked_example():
    # NBS 500-20 / FIPS 81: key 0123456789ABCDEF, "Now is t" -> 3FA40E8A984D4815.
    key = bytes.fromhex("0123456789ABCDEF")
    assert keys.encrypt(key, b"Now is t").hex() == "3fa40e8a984d4815"
    assert keys.decrypt(key, bytes.fromhex("3FA40E8A984D4815")) == b"Now is t"


@pytest.mark.parametrize(
    "length, window", [(17, (0, 16)), (18, (0, 16)), (19, (2, 18)), (36, (18, 34)), (37, (20, 36))]
)
def test_window_of_a_track(length, window):
    """host-protocol.md 4.6: odd [n-17, n-1), even [n-18, n-2)."""
    assert keys.track_window(length) == window


@pytest.mark.parametrize("length", [0, 1, 15, 16])
def test_track_without_a_window(length):
    with pytest.raises(keys.TrackError):
        keys.track_window(length)


def test_kcv_and_components():
    # psec's documented example: KCV of 0123456789ABCDEFFEDCBA9876543210 begins with 08D7.
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    assert keys.kcv(key).hex().upper().startswith("08D7")
    part = bytes(range(16))
    assert keys.combine(part, keys.combine(part, key)) == key
    with pytest.raises(ValueError):
        keys.combine(part, bytes(8))
