"""`make deploy`: unmodified mpremote against the simulated board at its prompt, over a pty. The
test reads the board's flash from the file that it is."""

import sys

import flashkit
import ptyboard
import pytest

from flashing import FlashingError, board, deploy, syb
from flashing import __main__ as command

# ptyboard reads /proc
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs the /proc of Linux")

BOARD = "SY_CLASSIC"
TABLE = board.load(BOARD).table
OLD, NEW = 20_000, 21_500  # bytes of the images


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return flashkit.make_key(tmp_path_factory.mktemp("deploy"))[0]


class Rig:
    """A simulated board at its prompt, and its flash."""

    def __init__(self, folder, key):
        modules = folder / "modules"
        modules.mkdir()
        (modules / "signers.py").write_text(syb.signers_source(key.public_key()))
        self.flash = folder / "flash.bin"
        self.flash.write_bytes(b"\xff" * 8 * flashkit.MB)
        self.env = {
            "HOME": str(folder), "SHOUYIN_BOARD": BOARD, "SHOUYIN_FLASH": str(self.flash),
            "SHOUYIN_FLAVOUR": "dev", "SHOUYIN_MODULES": str(modules),
        }  # fmt: skip

    def slot(self, n):
        part = TABLE[f"bundle_{n}"]
        with open(self.flash, "rb") as f:
            f.seek(part.offset)
            return f.read(part.size)

    def fill(self, n, data):
        with open(self.flash, "r+b") as f:
            f.seek(TABLE[f"bundle_{n}"].offset)
            f.write(data)


@pytest.fixture
def rig(tmp_path, key):
    r = Rig(tmp_path, key)
    with ptyboard.PtyBoard(flashkit.ROOT, r.env) as r.board:
        yield r


def save(tmp_path, key, size, counter, seed=5, **fields):
    path = tmp_path / f"{counter}.syb"
    name = fields.pop("board", BOARD)
    body = flashkit.noise(size, seed)
    fields.setdefault("arch", "")  # the interpreter here is no chip's
    path.write_bytes(flashkit.bundle(key, name, body=body, counter=counter, **fields))
    return path


def test_a_bundle_goes_into_a_slot_and_the_board_restarts(rig, key, tmp_path):
    syb = save(tmp_path, key, OLD, 3)
    told = []
    progress = lambda what, done, total: told.append((what, done, total))  # noqa: E731
    report = deploy.bundle(rig.board.path, syb, progress=progress)
    data = syb.read_bytes()
    assert rig.slot(0) == data.ljust(len(rig.slot(0)), b"\xff")
    assert rig.slot(1).strip(b"\xff") == b""
    assert told[-1] == ("writing bundle_0", 24_576, 24_576)
    assert "bundle 1.2.3 in slot 0" in report.lines()[0]
    assert f"{len(data):,}  of 1,048,576 in the slot" in report.lines()[0]
    rig.board.wait_starts(2)


def test_the_newer_bundle_is_never_the_one_that_is_overwritten(rig, key, tmp_path):
    old, new = save(tmp_path, key, OLD, 3), save(tmp_path, key, NEW, 9, seed=6)
    rig.fill(0, new.read_bytes())
    rig.fill(1, old.read_bytes())
    before = rig.slot(0)
    newest = save(tmp_path, key, NEW, 10, seed=7)
    report = deploy.bundle(rig.board.path, newest, reset=False)
    assert rig.slot(0) == before and rig.slot(1).startswith(newest.read_bytes())
    assert report.notes == []
    third = save(tmp_path, key, OLD, 5, seed=8)
    report = deploy.bundle(rig.board.path, third, reset=False)
    assert rig.slot(0).startswith(third.read_bytes())
    assert "slot 1 holds counter 10" in report.notes[0]


@pytest.mark.parametrize(
    "counter, fields, said",
    (
        (1, {}, None),  # as the frozen firmware's: for development that is enough
        (3, {}, None),
        (1, {"dev": False}, "(signer)"),  # a release of the development key
        (3, {"arch": "xtensawin"}, "(arch): it is not made for this firmware"),
        (3, {"mpy": "6.2"}, "(mpy)"),
    ),
)
def test_a_developer_is_told_when_the_board_will_not_run_it(
    rig, key, tmp_path, counter, fields, said
):
    syb = save(tmp_path, key, OLD, counter, **fields)
    notes = deploy.bundle(rig.board.path, syb, reset=False).notes
    assert (notes == []) if said is None else ("WILL NOT RUN" in notes[0] and said in notes[0])


def test_a_bundle_of_another_signer_and_one_that_is_too_old_are_named(rig, key, tmp_path):
    (tmp_path / "other").mkdir()
    foreign, _ = flashkit.make_key(tmp_path / "other")
    notes = deploy.bundle(rig.board.path, save(tmp_path, foreign, OLD, 3), reset=False).notes
    assert "WILL NOT RUN it (signature): it believes the keys" in notes[0]
    nvs = rig.flash.with_name(rig.flash.name + ".nvs")
    nvs.write_text('{"boot": {"floor": ["i", 8]}}')
    notes = deploy.bundle(rig.board.path, save(tmp_path, key, OLD, 7), reset=False).notes
    assert "WILL NOT RUN it (floor): make bundle COUNTER=8 or higher" in notes[0]


def test_of_equal_counters_slot_0_runs_and_a_developer_is_told(rig, key, tmp_path):
    syb = save(tmp_path, key, OLD, 5)
    rig.fill(0, syb.read_bytes())
    notes = deploy.bundle(rig.board.path, syb, slot=1, reset=False).notes
    assert len(notes) == 1 and "COUNTER=6 goes before it" in notes[0]
    assert deploy.bundle(rig.board.path, syb, slot=0, reset=False).notes == []


def test_only_blocks_that_differ_travel(rig, key, tmp_path):
    first = save(tmp_path, key, OLD, 3)
    deploy.bundle(rig.board.path, first, slot=0, reset=False)
    body = bytearray(flashkit.noise(OLD, 5))
    body[9000] ^= 0xFF
    changed = tmp_path / "changed.syb"
    changed.write_bytes(flashkit.bundle(key, BOARD, body=bytes(body), counter=4))
    report = deploy.bundle(rig.board.path, changed, slot=0, reset=False)
    assert rig.slot(0).startswith(changed.read_bytes())
    travelled = int(report.done[0][2].split("; ")[1].split()[0].replace(",", ""))
    assert 4096 < travelled < 2 * 4096  # one block of the image, and the header


def test_a_transfer_that_is_cut_off_leaves_a_blank_slot_and_the_other_alone(rig, key, tmp_path):
    running = save(tmp_path, key, OLD, 9)
    rig.fill(0, running.read_bytes())
    rig.fill(1, save(tmp_path, key, OLD, 3, seed=6).read_bytes())
    before = rig.slot(0)
    newest = save(tmp_path, key, NEW, 10, seed=7)

    def cut(what, done, total):
        if done >= total // 2:
            rig.board.cut()

    with pytest.raises(FlashingError):
        deploy.bundle(rig.board.path, newest, progress=cut)
    assert rig.slot(0) == before
    assert rig.slot(1)[:4096] == b"\xff" * 4096  # no bundle, not half of one
    assert newest.read_bytes()[4096:8192] in rig.slot(1)  # it had begun
    rig.board.wait_starts(2)
    deploy.bundle(rig.board.path, newest, reset=False)
    assert rig.slot(0) == before and rig.slot(1).startswith(newest.read_bytes())


def test_a_flash_that_stores_wrongly_leaves_no_bundle(rig, key, tmp_path):
    """Negative control: a byte of the slot changes behind the board's back."""
    syb = save(tmp_path, key, OLD, 3)

    def spoil(what, done, total):
        if done == 3 * 4096:
            with open(rig.flash, "r+b") as f:
                f.seek(TABLE["bundle_0"].offset + 5000)
                f.write(b"\x00")

    with pytest.raises(FlashingError, match="bundle_0 reads back differently"):
        deploy.bundle(rig.board.path, syb, progress=spoil)
    assert rig.slot(0)[:4096] == b"\xff" * 4096


def test_what_cannot_be_deployed_is_refused(rig, key, tmp_path):
    before = rig.flash.read_bytes()
    other = save(tmp_path, key, OLD, 3, board="SY_COUNTER")
    with pytest.raises(FlashingError, match="is SY_CLASSIC, the bundle is SY_COUNTER's"):
        deploy.bundle(rig.board.path, other)
    big = save(tmp_path, key, flashkit.MB, 3)
    with pytest.raises(FlashingError, match="bundle_0 does not fit"):
        deploy.bundle(rig.board.path, big)
    damaged = tmp_path / "damaged.syb"
    damaged.write_bytes(big.read_bytes()[:-1])
    with pytest.raises(FlashingError, match="damaged"):
        deploy.bundle(rig.board.path, damaged)
    with pytest.raises(FlashingError, match="/dev/nowhere"):
        deploy.bundle("/dev/nowhere", other)
    vfs = TABLE["vfs"]
    slots = slice(TABLE["bundle_0"].offset, TABLE["journal"].offset)
    assert rig.flash.read_bytes()[slots] == before[slots] and vfs.offset > slots.stop


def test_the_slot_that_runs_is_left_alone():
    assert deploy._choose(None, 0, [9, None]) == 1
    assert deploy._choose(None, 1, [None, 9]) == 0
    assert deploy._choose(1, None, [None, None]) == 1
    with pytest.raises(FlashingError, match="slot 1 runs now: SLOT=0"):
        deploy._choose(1, 1, [None, 9])


def test_files_are_compiled_copied_once_and_run(rig, tmp_path, capsys):
    module = tmp_path / "hello.py"
    module.write_text("WORD = 'hello from ' + 'the board'\n")
    text = tmp_path / "note.txt"
    text.write_text("收银\n", encoding="utf-8")
    port = rig.board.path
    report = deploy.files(port, [module, text], reset=False)
    assert [(p, a) for p, _, a in report.done] == [
        ("/flash/lib/hello.mpy", "copied"),
        ("/flash/lib/note.txt", "copied"),
    ]
    again = deploy.files(port, [module, text], reset=False)
    assert {a for _, _, a in again.done} == {"already there"}
    with deploy._board(port) as transport:
        transport.exec("import sys; sys.path.insert(0, '/flash/lib'); import hello")
        assert transport.eval("hello.WORD") == "hello from the board"
        assert transport.fs_readfile("/flash/lib/note.txt").decode() == "收银\n"
        assert transport.eval("sorted(__import__('os').listdir('/flash/lib'))") == [
            "hello.mpy", "note.txt",
        ]  # fmt: skip
    module.write_text("WORD = (\n")
    with pytest.raises(FlashingError, match="hello.py does not compile"):
        deploy.files(port, [module], reset=False)
    assert command.main(["deploy", "--port", port, "--files", str(tmp_path / "none.py")]) == 1
    assert "FILES=" in capsys.readouterr().err
