"""The keys that sign bundles: RSA, PEM. None of them is ever in the repository."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import BundleError
from .board import ROOT

DEVELOPMENT = "development"
DEVELOPMENT_KEY = ROOT / "build" / "keys" / f"{DEVELOPMENT}.pem"
_BITS = (2048, 4096)


def make(path, bits=2048):
    """Make a private key in a file that only its owner reads; never over another. -> the key"""
    path = Path(path)
    key = rsa.generate_private_key(65537, bits)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        f = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BundleError(f"{path} is there already; a lost key cannot be had again") from None
    with os.fdopen(f, "wb") as out:
        out.write(pem)
    return key


def development(say=print):
    """The development key of this checkout, made at the first call. It signs for development
    builds only."""
    path = DEVELOPMENT_KEY
    if not path.exists():
        say(f"making the development key {path} (once; it signs for development builds only)")
        return make(path)
    return load(path)


def load(path):
    """The private key of a PEM file. BundleError when it cannot sign bundles."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as e:
        raise BundleError(f"KEY={path}: {e.strerror}") from None
    if path.stat().st_mode & 0o077:
        raise BundleError(f"KEY={path}: others can read it; chmod 600 it")
    try:
        key = serialization.load_pem_private_key(data, None)
    except TypeError:
        raise BundleError(f"KEY={path}: it has a passphrase; decrypt it to a file first") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BundleError(f"KEY={path}: no private key in PEM") from None
    _check(path, key, rsa.RSAPrivateKey)
    return key


def public(path):
    """The public key of a PEM file that holds it or its private key."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as e:
        raise BundleError(f"{path}: {e.strerror}") from None
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        return load(path).public_key()
    _check(path, key, rsa.RSAPublicKey)
    return key


def _check(path, key, kind):
    if not isinstance(key, kind):
        raise BundleError(f"{path}: bundles are signed with RSA, this is another kind of key")
    if not _BITS[0] <= key.key_size <= _BITS[1]:
        raise BundleError(f"{path}: {key.key_size} bits; {_BITS[0]} to {_BITS[1]} are allowed")


def is_development(key):
    """Whether a key (private or public) is this checkout's development key."""
    if not DEVELOPMENT_KEY.exists():
        return False
    mine = load(DEVELOPMENT_KEY).public_key()
    other = key.public_key() if hasattr(key, "public_key") else key
    return mine.public_numbers() == other.public_numbers()
