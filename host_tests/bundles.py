"""Small bundles for host_tests/on_target/test_slots.py, made by tools/bundle: good ones, and one
for each thing that can be wrong with a signed one."""

from cryptography.hazmat.primitives.asymmetric import rsa

from bundle import build, header, romfs, signers
from bundle.board import version

ROOM = 16 * 1024  # bytes of a slot in these tests
_SOURCES = {
    "hello_rom.py": b"from pkg_rom import inner\nWHO = 'rom ' + inner.NAME\n",
    "pkg_rom/__init__.py": b"",
    "pkg_rom/inner.py": (
        b"import micropython\nNAME = 'inner'\n\n\n@micropython.viper\ndef add(a: int, b: int) ->"
        b" int:\n    return a + b\n"
    ),
    "fails_rom.py": b"def fail():\n    raise ValueError('no')\n",
}
_CELLS = bytes(i * 7 & 0xFF for i in range(5003))


def _files():
    mpy_cross, _, mpy = build.compiler()
    files = build.compile_modules(_SOURCES, "x64", mpy_cross)
    files.update({"cells.bin": _CELLS, "pkg_rom/empty.bin": b""})
    return files, mpy


def make(folder):
    """Write them into a folder; the environment by which the tests find them. NAME.syb: slots;
    bundle_keys.py: the keys that the device believes."""
    files, mpy = _files()
    image = romfs.image(files)
    release, foreign, development = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    frozen = version()[1]

    def write(name, key=release, image=image, **changes):
        fields = header.manifest("SY_CLASSIC", "1.0", frozen + 4, "x64", mpy, image, False)
        fields.update(changes)
        fields = {k: v for k, v in fields.items() if v is not None}
        data = header.pack(fields, key) + image
        (folder / f"{name}.syb").write_bytes(data + b"\xff" * (ROOM - len(data)))

    write("good")
    write("newer", version="1.1", counter=frozen + 5)
    write("newest", version="1.2", counter=frozen + 6)
    write("bytecode", arch="")
    write("dev", key=development, dev=True)
    write("same_dev", key=development, dev=True, counter=frozen)
    write("unsigned", key=None)
    write("wrong_signature", key=foreign)
    for reason, changes in (
        ("board", {"board": "SY_MPOS"}),
        ("old", {"counter": frozen}),
        ("mpy", {"mpy": "6.2"}),
        ("arch", {"arch": "rv32imc"}),
        ("format", {"format": 2}),
        ("size", {"size": ROOM - header.SIZE + 1}),
        ("hash", {"size": len(image) - 1}),
    ):
        write("wrong_" + reason, **changes)
    write("wrong_counter", counter=2**31)
    write("wrong_counter2", counter=-1)
    write("wrong_dev", dev=True)
    write("wrong_signer", key=development)
    write("wrong_manifest", counter="5")
    write("wrong_manifest2", sha256=None)
    write("wrong_manifest3", dev=0)
    entries = []
    for name, key in (("release", release), ("development", development)):
        numbers = key.public_key().public_numbers()
        entries.append((name, numbers.n, numbers.e))
    (folder / "bundle_keys.py").write_text(signers.signers_source(entries))
    return {"SHOUYIN_BUNDLES": str(folder)}
