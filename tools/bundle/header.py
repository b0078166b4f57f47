"""The first block of a bundle: manifest and signature. firmware/slots.py reads it."""

import hashlib
import json
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from . import BundleError

SIZE = 4096
MAGIC = b"SYB1"
FORMAT = 1


def canonical(manifest):
    """JSON of a dict, the only way it may be written: sorted keys, no blanks, UTF-8."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def manifest(board, version, counter, arch, mpy, image, dev):
    return {
        "format": FORMAT,
        "board": board,
        "version": version,
        "counter": counter,
        "arch": arch,
        "mpy": mpy,
        "size": len(image),
        "sha256": hashlib.sha256(image).hexdigest(),
        "dev": dev,
    }


def signed_part(fields):
    text = canonical(fields)
    return MAGIC + struct.pack("<H", len(text)) + text


def pack(fields, key):
    """The block of a manifest. `key`: RSA private key, None leaves the bundle unsigned (tests)."""
    signed = signed_part(fields)
    signature = b"" if key is None else key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    block = signed + struct.pack("<H", len(signature)) + signature
    if len(block) > SIZE:
        raise BundleError(f"manifest and signature have {len(block)} bytes, at most {SIZE}")
    return block + b"\xff" * (SIZE - len(block))


def unpack(data):
    """(manifest, signed bytes, signature) of a bundle. BundleError when it is none."""
    if len(data) < SIZE or data[:4] != MAGIC:
        raise BundleError("not a bundle: its first bytes must be SYB1")
    end = 6 + struct.unpack_from("<H", data, 4)[0]
    if end + 2 > SIZE:
        raise BundleError("not a bundle: the manifest is longer than its block")
    n = struct.unpack_from("<H", data, end)[0]
    if end + 2 + n > SIZE:
        raise BundleError("not a bundle: the signature is longer than its block")
    return json.loads(data[6:end]), data[:end], data[end + 2 : end + 2 + n]
