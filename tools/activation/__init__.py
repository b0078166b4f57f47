"""Activation files: from a merchant's application to a signed file that a terminal takes over.

An application (docs/application.example.json) says what the merchant asked for and the acquirer
granted. make() turns it into an activation file (docs/activation.schema.json): first passwords are
drawn here, only their hashes go into the file. A file is {"activation":{...},"signature":"..."};
signed are the bytes of the inner object, which is canonical JSON (sorted keys, no blanks, UTF-8).
"""

import base64
import datetime
import hashlib
import json
import secrets
from pathlib import Path

import jsonschema
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "activation.schema.json"
ROUNDS = 300  # of PBKDF2-HMAC-SHA-256, as in the terminal
LONGEST = 8192  # bytes of a file that a terminal takes

_BEGIN = b'{"activation":'
_SIGNED = b',"signature":"'
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are mistaken for each other
_COPIED = ("merchant", "terminal", "acquirer", "parameters", "wifi", "kcv", "serial")


class ActivationError(Exception):
    """An application or an activation file is not right. The text names what is wrong."""


def canonical(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _person(number, role, password):
    salt = secrets.token_bytes(8)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    found = {"number": number, "rounds": ROUNDS, "salt": salt.hex(), "hash": digest.hex()}
    return {**found, "role": role} if role else found


def _draw(role):
    """A first password: digits for the keypad, letters and digits for the console."""
    if role:
        return "".join(secrets.choice("0123456789") for _ in range(8))
    return "".join(secrets.choice(_LETTERS) for _ in range(12))


def _dates(application, today):
    if "not_before" in application:
        return application["not_before"], application["not_after"]
    last = today + datetime.timedelta(days=application.get("valid_days", 30))
    return today.isoformat(), last.isoformat()


def make(application, key, signer, today=None, passwords=None):
    """(bytes of the signed file, {number: first password}) of an application (dict). `key`: RSA
    private key of `signer`. `passwords`: {number: password} instead of drawn ones.
    ActivationError."""
    try:
        known = passwords or {}
        first = {}
        people = []
        for entry in application["operators"]:
            number = entry["number"]
            first[number] = known.get(number) or _draw(entry["role"])
            people.append(_person(number, entry["role"], first[number]))
        number = application.get("technician", {}).get("number", "90")
        first[number] = known.get(number) or _draw(None)
        content = {name: application[name] for name in _COPIED if name in application}
        begins, ends = _dates(application, today or datetime.date.today())
    except KeyError as e:
        raise ActivationError(f"the application lacks {e.args[0]}") from None
    content.setdefault("parameters", {})
    content.update(
        format=1,
        operators=people,
        technician=_person(number, None, first[number]),
        not_before=begins,
        not_after=ends,
        signer=signer,
    )
    judge(content)
    data = sign(content, key)
    if len(data) > LONGEST:
        raise ActivationError(f"the file has {len(data)} bytes, a terminal takes {LONGEST}")
    return data, first


def sign(content, key):
    inner = canonical(content)
    signature = key.sign(inner, padding.PKCS1v15(), hashes.SHA256())
    return _BEGIN + inner + _SIGNED + base64.b64encode(signature) + b'"}'


def judge(content):
    """ActivationError naming the field that the schema refuses, or what no schema can say."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]["content"]
    validator = jsonschema.Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(content), key=lambda e: list(map(str, e.path))):
        place = ".".join(map(str, error.path)) or "the file"
        raise ActivationError(f"{place}: {error.message}")
    numbers = [p["number"] for p in content["operators"]] + [content["technician"]["number"]]
    for number in numbers:
        if numbers.count(number) > 1:
            raise ActivationError(f"operator {number} is there twice")
    if sum(p["role"] != "cashier" for p in content["operators"]) < 2:
        raise ActivationError(
            "the master key needs two custodians: operators who are supervisor or admin"
        )


def opened(data):
    """(content, the signed bytes, signature) of a file. ActivationError."""
    at = data.rfind(_SIGNED)
    if not data.startswith(_BEGIN) or at < 0 or not data.endswith(b'"}'):
        raise ActivationError("this is no activation file")
    inner = data[len(_BEGIN) : at]
    try:
        signature = base64.b64decode(data[at + len(_SIGNED) : -2], validate=True)
        content = json.loads(inner)
    except ValueError as e:
        raise ActivationError(f"this is no activation file: {e}") from None
    if not isinstance(content, dict):
        raise ActivationError("this is no activation file")
    return content, inner, signature


def check(data, public, today=None):
    """The content of a file that is whole, signed by `public`, and valid today.
    ActivationError."""
    content, inner, signature = opened(data)
    try:
        public.verify(signature, inner, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise ActivationError("the signature is not this key's, or the file was changed") from None
    judge(content)
    if canonical(content) != inner:
        raise ActivationError("the file is not canonical JSON")
    day = (today or datetime.date.today()).isoformat()
    if not content["not_before"] <= day <= content["not_after"]:
        raise ActivationError(
            f"valid from {content['not_before']} to {content['not_after']}, today is {day}"
        )
    return content


# ---- keys ---------------------------------------------------------------------------------------


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def save_key(key, path):
    """A new PEM file that only its owner reads. FileExistsError: a key is never overwritten."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def load_key(path):
    return serialization.load_pem_private_key(Path(path).read_bytes(), None)


def load_public(path):
    """The public key of a PEM file that holds either half."""
    data = Path(path).read_bytes()
    if b"PRIVATE" in data:
        return serialization.load_pem_private_key(data, None).public_key()
    return serialization.load_pem_public_key(data)


def signer_row(name, public):
    """(name, modulus, exponent): a row of ACTIVATION in the firmware's signers.py."""
    numbers = public.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    return name, numbers.n.to_bytes(size, "big"), numbers.e
