"""tools/activation: from the application to a file that the schema, another library's signature
and the terminal's own rules accept."""

import base64
import datetime
import hashlib
import json
import os
import random
import re
import sys
from pathlib import Path

import jsonschema
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import activation
from activation import __main__ as cli
from bundle import signers

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ON_TARGET = ROOT / "host_tests" / "on_target"
SCHEMA = json.loads((DOCS / "activation.schema.json").read_text(encoding="utf-8"))
DAY = datetime.date(2026, 11, 25)


@pytest.fixture(scope="module")
def key():
    return activation.new_key()


@pytest.fixture
def rng():
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def application():
    return json.loads((DOCS / "application.example.json").read_text(encoding="utf-8"))


def test_what_is_made_is_good(key, application):
    data, first = activation.make(application, key, "desk", DAY)
    file = json.loads(data)
    jsonschema.validate(file, SCHEMA, jsonschema.Draft202012Validator)
    content = file["activation"]
    signed = data[len(b'{"activation":') : data.rfind(b',"signature":"')]
    key.public_key().verify(
        base64.b64decode(file["signature"]), signed, padding.PKCS1v15(), hashes.SHA256()
    )
    assert activation.check(data, key.public_key(), DAY) == content
    people = [*content["operators"], content["technician"]]
    assert sorted(first) == sorted(p["number"] for p in people)
    for person in people:
        want = hashlib.pbkdf2_hmac(
            "sha256", first[person["number"]].encode(), bytes.fromhex(person["salt"]), 300
        )
        assert person["hash"] == want.hex()
        assert first[person["number"]].encode() not in data
    assert len(first["90"]) >= 8 and all(len(first[n]) >= 6 for n in first)
    again, _ = activation.make(application, key, "desk", DAY)
    assert again != data  # other salts and passwords


def test_a_change_anywhere_and_another_key_are_refused(key, application, rng):
    data, _ = activation.make(application, key, "desk", DAY)
    for _ in range(200):
        at = rng.randrange(len(data))
        wrong = bytearray(data)
        wrong[at] ^= 1 << rng.randrange(8)
        with pytest.raises(activation.ActivationError):
            activation.check(bytes(wrong), key.public_key(), DAY)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(activation.ActivationError, match="signature"):
        activation.check(data, other.public_key(), DAY)
    _, signed, signature = activation.opened(data)
    with pytest.raises(InvalidSignature):
        other.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda a: a.pop("kcv"), "kcv"),
        (lambda a: a.pop("operators"), "operators"),
        (lambda a: a["merchant"].update(number="1"), "merchant.number"),
        (lambda a: a.update(terminal="1234567"), "terminal"),
        (lambda a: a["acquirer"].update(port=70000), "acquirer.port"),
        (lambda a: a["acquirer"].pop("host"), "host"),
        (lambda a: a["parameters"].update(no_such=1), "parameters"),
        (lambda a: a["operators"].pop(), "custodians"),
        (lambda a: a["operators"][0].update(number="01"), "twice"),
        (lambda a: a["technician"].update(number="00"), "twice"),
        (lambda a: a["operators"][1].update(role="technician"), "operators.1.role"),
        (lambda a: a["wifi"][0].update(password="short"), "wifi.0.password"),
        (lambda a: a.update(not_after="31.12.2026"), "not_after"),
        (lambda a: a.update(serial="x"), "serial"),
    ],
)
def test_a_wrong_application_is_named(key, application, change, what):
    change(application)
    with pytest.raises(activation.ActivationError, match=what):
        activation.make(application, key, "desk", DAY)


def test_no_key_has_a_place_in_a_file(key, application):
    for name in ("tmk", "master_key", "components", "service_key"):
        content = {**activation.opened(activation.make(application, key, "d", DAY)[0])[0]}
        content[name] = "1F2E3D4C5B6A79880796A5B4C3D2E1F0"
        with pytest.raises(activation.ActivationError):
            activation.judge(content)


def test_the_days_of_a_file(key, application):
    del application["not_before"], application["not_after"]
    data, _ = activation.make(application, key, "desk", DAY)
    for days, good in ((-1, False), (0, True), (30, True), (31, False)):
        day = DAY + datetime.timedelta(days=days)
        if good:
            activation.check(data, key.public_key(), day)
        else:
            with pytest.raises(activation.ActivationError, match="valid from"):
                activation.check(data, key.public_key(), day)


def test_the_schema_knows_the_parameters_of_the_firmware():
    source = (ROOT / "firmware/app/store/settings.py").read_text(encoding="utf-8")
    table = source[source.index("SCHEMA = {") : source.index("\n}\n")]
    names = set(re.findall(r'^    "(\w+)":', table, re.MULTILINE))
    content = SCHEMA["$defs"]["content"]["properties"]
    own = set(content["acquirer"]["properties"]) | {
        "tid", "mid", "merchant_name", "merchant_name_en"
    }  # fmt: skip
    others = set(content["parameters"]["propertyNames"]["enum"])
    assert others | own == {n for n in names if not n.startswith("wifi_ssid")}
    assert not others & own


def test_the_examples_are_those_of_the_terminals_tests():
    """docs/activation.example.json is what host_tests/on_target/test_activation.py takes over."""
    data = (DOCS / "activation.example.json").read_bytes()
    jsonschema.validate(json.loads(data), SCHEMA, jsonschema.Draft202012Validator)
    names = {}
    source = (ON_TARGET / "signed.py").read_text(encoding="utf-8")
    exec(compile(source, "signed.py", "exec"), names)
    assert names["FILE"] == data
    public = rsa.RSAPublicNumbers(names["E"], int.from_bytes(names["N"], "big")).public_key()
    content = activation.check(data, public, DAY)
    application = json.loads((DOCS / "application.example.json").read_text(encoding="utf-8"))
    for name in ("merchant", "terminal", "acquirer", "parameters", "wifi", "kcv"):
        assert content[name] == application[name]


def test_a_build_can_know_the_signer(tmp_path, key):
    """What `python -m bundle signers --activation` freezes into the firmware."""
    desk, builder = tmp_path / "desk.pem", tmp_path / "builder.pem"
    activation.save_key(key, desk)
    activation.save_key(activation.new_key(), builder)
    names = {}
    exec(signers.write([builder], tmp_path / "signers.py", [desk]).read_text(), names)
    assert names["ACTIVATION"] == (activation.signer_row("desk", key.public_key()),)
    assert names["KEYS"][0][0] == "builder" and names["KEYS"][0][1] != names["ACTIVATION"][0][1]


def test_the_command_line(tmp_path, capsys):
    key, out, letter = tmp_path / "k" / "key.pem", tmp_path / "a.json", tmp_path / "first"
    assert cli.main(["key", str(key)]) == 0
    assert key.stat().st_mode & 0o777 == 0o600
    assert cli.main(["key", str(key)]) == 1  # never overwritten
    make = ["make", str(DOCS / "application.example.json"), "--key", str(key), "--signer", "desk",
            "-o", str(out)]  # fmt: skip
    assert cli.main([*make, "--passwords", str(letter)]) == 0
    assert letter.stat().st_mode & 0o777 == 0o600
    first = dict(line.split() for line in letter.read_text().splitlines())
    said = capsys.readouterr().out
    assert sorted(first) == ["00", "01", "90", "99"]
    assert not any(password in said for password in first.values())
    assert cli.main(["check", str(out), "--key", str(key)]) == 0
    assert cli.main(["show", str(out)]) == 0
    said = capsys.readouterr().out
    assert "58402001" in said and "00 supervisor" in said
    content, _, _ = activation.opened(out.read_bytes())
    assert content["technician"]["hash"] not in said and "change-me-now" not in said
    assert cli.main(["row", "desk", str(key)]) == 0
    assert capsys.readouterr().out.startswith("('desk', b")
    out.write_bytes(out.read_bytes().replace(b"58402001", b"58402002"))
    assert cli.main(["check", str(out), "--key", str(key)]) == 1
    assert "signature" in capsys.readouterr().err
    assert cli.main(["show", str(key)]) == 1
    (tmp_path / "bad.json").write_text("{")
    make[1] = str(tmp_path / "bad.json")
    assert cli.main(make) == 1
    assert sys.modules["activation"].LONGEST == 8192


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    missing = str(tmp_path / "none.json")
    assert cli.main(["show", missing]) == 1
    assert capsys.readouterr().err == f"activation: {missing}: No such file or directory\n"


def test_first_passwords_in_a_file_are_for_its_owner_only(application, key, tmp_path):
    """Also in a file that was there, and that everybody could read."""
    pem, letter, wanted = (tmp_path / n for n in ("desk.pem", "letter", "application.json"))
    activation.save_key(key, pem)
    wanted.write_text(json.dumps(application), encoding="utf-8")
    letter.touch(mode=0o644)
    made = ["make", str(wanted), "--key", str(pem), "--signer", "desk", "-o", str(tmp_path / "a")]
    assert cli.main([*made, "--passwords", str(letter)]) == 0
    assert letter.stat().st_mode & 0o777 == 0o600 and letter.read_text().startswith("00 ")
