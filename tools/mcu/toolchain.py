"""What a build of MicroPython needs: Debian packages, and the sources of MicroPython and mbed TLS.

Sources: a checkout that MICROPYTHON_DIR names (its submodule lib/mbedtls must be there), or else
Debian's source packages, by a private apt configuration that leaves the machine's own as it is.
The mirror's address is the machine's own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "mcu"
SUITE = "trixie"
MICROPYTHON = "1.25.0+ds-1"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# command: package
MCU_TOOLS = {
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
    "qemu-system-riscv32": "qemu-system-misc",
}
MCU_FILES = {"/usr/lib/picolibc/riscv64-unknown-elf": "picolibc-riscv64-unknown-elf"}
SOURCE_TOOLS = {"dpkg-source": "dpkg-dev", "xz": "xz-utils", "bzip2": "bzip2"}
UNIX_TOOLS = {"gcc": "gcc", "pkg-config": "pkg-config"}


class ToolchainError(Exception):
    """Something is missing that this machine cannot give. The text says what, and what to do."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def ensure(tools, files=None):
    """Install the Debian packages of the commands and files that are not there."""
    missing = [package for command, package in tools.items() if not shutil.which(command)]
    missing += [package for path, package in (files or {}).items() if not Path(path).exists()]
    if not missing:
        return
    names = " ".join(missing)
    if not shutil.which("apt-get"):
        raise ToolchainError(f"needed and not here: {names} (names of Debian's packages)")
    if os.geteuid() != 0:
        raise ToolchainError(f"needed and not here; install with: sudo apt-get install {names}")
    say(f"installing {names}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        _run(["apt-get", "--quiet=2", *command], f"apt-get {command[0]}", env=env)


def _run(command, what, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise ToolchainError(f"{what} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


# ---- sources ------------------------------------------------------------------------------------


def sources():
    """(MicroPython, mbed TLS): folders of the sources."""
    named = os.environ.get("MICROPYTHON_DIR")
    if named:
        top = Path(named).resolve()
        for part in ("ports/qemu/Makefile", "py/mpconfig.h"):
            if not (top / part).exists():
                raise ToolchainError(f"MICROPYTHON_DIR={named} has no {part}")
        tls = top / "lib" / "mbedtls"
        if not (tls / "library" / "aes.c").exists():
            raise ToolchainError(f"{tls} is empty: run git submodule update --init lib/mbedtls")
        return top, tls
    return _debian_source("micropython", MICROPYTHON), _debian_source("mbedtls", None)


def _debian_source(package, version):
    folder = BUILD / "src" / package
    if (folder / ".complete").exists():
        return folder
    ensure(SOURCE_TOOLS)
    options = _apt_options()
    download = BUILD / "src" / "download"
    download.mkdir(parents=True, exist_ok=True)
    say(f"fetching the source of {package} {version or ''} (Debian {SUITE})")
    wanted = f"{package}={version}" if version else package
    _run(
        ["apt-get", *options, "source", "--download-only", wanted],
        f"apt-get source {package}",
        cwd=download,
    )
    shutil.rmtree(folder, ignore_errors=True)
    # apt has verified the files against the archive's signature.
    dsc = max(download.glob(f"{package}_*.dsc"), key=lambda p: p.stat().st_mtime)
    _run(["dpkg-source", "--no-check", "-x", str(dsc), str(folder)], "dpkg-source")
    (folder / ".complete").touch()
    return folder


def _apt_options():
    """Options that make apt read the source packages of SUITE, in folders of our own."""
    if not shutil.which("apt-get"):
        raise ToolchainError(
            "the source of MicroPython cannot be fetched without apt: name a checkout "
            "(1.25 or newer) with MICROPYTHON_DIR=/path"
        )
    base = BUILD / "apt"
    lists, cache = base / "lists", base / "cache"
    options = []
    for name, value in (
        ("Dir::Etc::SourceList", base / "debian.sources"),
        ("Dir::Etc::SourceParts", "/dev/null"),
        ("Dir::State::Lists", lists),
        ("Dir::Cache", cache),
        ("APT::Sandbox::User", "root"),
    ):
        options += ["-o", f"{name}={value}"]
    if not (base / "debian.sources").exists():
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        (cache / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        (base / "debian.sources").write_text(
            f"Types: deb-src\nURIs: {_mirror()}\nSuites: {SUITE}\nComponents: main\n"
            f"Signed-By: {KEYRING}\n"
        )
    say(f"reading the list of source packages (Debian {SUITE})")
    _run(["apt-get", *options, "--quiet=2", "update"], "apt-get update")
    return options


def _mirror():
    """The Debian mirror that this machine uses."""
    out = _run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(LABEL)", "Created-By: Packages"],
        "apt-get indextargets",
    )
    sites = [line.rsplit(" ", 1)[0] for line in out.splitlines() if line.endswith(" Debian")]
    if not sites:
        # Lists that were never fetched are not shown; then fetch them.
        raise ToolchainError("apt knows no Debian mirror here: run apt-get update, or name a "
                             "checkout of MicroPython with MICROPYTHON_DIR=/path")  # fmt: skip
    return sites[0]
