"""The module `signers` that a build freezes into a board: whose bundles it runs, and whose
activation files it takes."""

from pathlib import Path

from . import keys
from .board import ROOT

OUT = ROOT / "build" / "signers" / "signers.py"


def signers_source(entries, activation=()):
    """Source of the module. `entries`, `activation`: (name, n, e) of public keys."""
    head = "# Made by tools/bundle/signers.py: whose bundles run, whose activation files count."
    return f"{head}\n\nKEYS = {_rows(entries)}\nACTIVATION = {_rows(activation)}\n"


def _rows(entries):
    rows = ""
    for name, n, e in entries:
        data = n.to_bytes((n.bit_length() + 7) // 8, "big")
        lines = "".join(f"        {data[i : i + 24]!r}\n" for i in range(0, len(data), 24))
        rows += f"    ({name!r}, (\n{lines}    ), {e}),\n"
    return f"(\n{rows})" if rows else "()"


def entry(path):
    """(name, n, e) of a PEM file; its name is the file's, or "development"."""
    key = keys.public(path)
    numbers = key.public_numbers()
    name = keys.DEVELOPMENT if keys.is_development(key) else Path(path).stem
    return name, numbers.n, numbers.e


def public_module(*paths):
    """Source of the module for the keys of these PEM files (private or public)."""
    return signers_source([entry(path) for path in paths])


def write(paths, out=OUT, activation=()):
    """Write the module for these keys; without any, for the development key. `activation`: PEM
    files of those who sign activation files; a signer's name is the file's. -> its path"""
    if paths:
        entries = [entry(path) for path in paths]
    else:
        numbers = keys.development().public_key().public_numbers()
        entries = [(keys.DEVELOPMENT, numbers.n, numbers.e)]
    source = signers_source(entries, [entry(path) for path in activation])
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(source)
    return out
