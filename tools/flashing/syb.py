"""A bundle file, read for flashing: its manifest, and whether its bytes are what that says. Its
form is bundle/header.py's."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from bundle import BundleError, header, keys, signers

from . import FlashingError

HEADER = header.SIZE


@dataclass(frozen=True)
class Bundle:
    """`data` is the file, `manifest` its dict."""

    data: bytes
    manifest: dict


def manifest(block):
    """(manifest, signed bytes, signature) of the first 4096 bytes of a slot or file, None when
    there is no bundle."""
    try:
        found, signed, signature = header.unpack(bytes(block))
    except (BundleError, ValueError):
        return None
    return (found, signed, signature) if isinstance(found, dict) else None


def read(path, board=None, key=None):
    """The Bundle in the file; FlashingError when it is damaged, is for another board than the
    board.Board given, or is not signed by `key` (an RSA public key, None: not looked at)."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as e:
        raise FlashingError(f"BUNDLE={path}: {e.strerror}") from e
    parts = manifest(data[:HEADER])
    if parts is None:
        raise FlashingError(f"{path.name} is not a bundle")
    found, signed, signature = parts
    missing = {"format", "board", "version", "counter", "arch", "size", "sha256"} - found.keys()
    if missing or found["format"] != 1:
        raise FlashingError(f"{path.name}: its manifest lacks {sorted(missing) or 'format 1'}")
    body = data[HEADER:]
    if len(body) != found["size"] or hashlib.sha256(body).hexdigest() != found["sha256"]:
        raise FlashingError(f"{path.name} is damaged: size or SHA-256 is not the manifest's")
    # "": bytecode only, which runs everywhere
    if board is not None and (
        found["board"] != board.name or found["arch"] not in ("", board.arch)
    ):
        raise FlashingError(
            f"{path.name} is for {found['board']} ({found['arch']}), not for {board.name} "
            f"({board.arch})"
        )
    if key is not None:
        try:
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as e:
            raise FlashingError(f"{path.name} is not signed by the key that is given") from e
    return Bundle(data, found)


def public_key(path):
    """The RSA public key in a PEM file, private or public."""
    try:
        return keys.public(path)
    except BundleError as e:
        raise FlashingError(str(e)) from e


def signers_source(key):
    """Text of the module signers.py that trusts this one public key, for development: for bundles
    and for activation files."""
    numbers = key.public_numbers()
    entry = ("development", numbers.n, numbers.e)
    return signers.signers_source([entry], [entry])
