"""The module `signers` that a build freezes into a board: whose bundles it runs."""

from pathlib import Path

from . import keys
from .board import ROOT

OUT = ROOT / "build" / "signers" / "signers.py"


def signers_source(entries):
    """Source of the module. `entries`: (name, n, e) of public keys."""
    rows = ""
    for name, n, e in entries:
        data = n.to_bytes((n.bit_length() + 7) // 8, "big")
        lines = "".join(f"        {data[i : i + 24]!r}\n" for i in range(0, len(data), 24))
        rows += f"    ({name!r}, (\n{lines}    ), {e}),\n"
    body = f"(\n{rows})" if rows else "()"
    return f"# Made by tools/bundle/signers.py: whose bundles run here.\n\nKEYS = {body}\n"


def entry(path):
    """(name, n, e) of a PEM file; its name is the file's, or "development"."""
    key = keys.public(path)
    numbers = key.public_numbers()
    name = keys.DEVELOPMENT if keys.is_development(key) else Path(path).stem
    return name, numbers.n, numbers.e


def public_module(*paths):
    """Source of the module for the keys of these PEM files (private or public)."""
    return signers_source([entry(path) for path in paths])


def write(paths, out=OUT):
    """Write the module for these keys; without any, for the development key. -> its path"""
    if paths:
        source = public_module(*paths)
    else:
        numbers = keys.development().public_key().public_numbers()
        source = signers_source([(keys.DEVELOPMENT, numbers.n, numbers.e)])
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(source)
    return out
