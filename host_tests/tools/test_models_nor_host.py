"""The flash model under littlefs (littlefs-python), with power cut at every operation."""

import pathlib
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
if str(TOOLS) not in sys.path:
    sys.path.insert(0, str(TOOLS))

from models.nor import NorFlash, PowerCut, RamStorage  # noqa: E402

littlefs = pytest.importorskip("littlefs")

BLOCK, COUNT = 512, 16


class Context:
    """littlefs-python's user context over the model.

    No exception may cross its C code: after the cut it goes on in a dream in which everything
    works, and nothing of that reaches the cells.
    """

    def __init__(self, nor):
        self.nor = nor
        self.dream = None  # the flash as littlefs believes it to be after the cut

    def _guard(self, method, *args):
        if self.dream is None:
            try:
                getattr(self.nor, method)(*args)
                return 0
            except PowerCut:
                cells = RamStorage(self.nor.size)
                cells.write(0, self.nor.storage.read(0, self.nor.size))
                self.dream = NorFlash(cells, self.nor.size, BLOCK, strict=False)
        getattr(self.dream, method)(*args)
        return 0

    def read(self, cfg, block, off, size):
        nor = self.dream or self.nor
        return bytearray(nor.read(block * BLOCK + off, size))

    def prog(self, cfg, block, off, data):
        return self._guard("program", block * BLOCK + off, bytes(data))

    def erase(self, cfg, block):
        return self._guard("erase", block)

    def sync(self, cfg):
        return 0


def mount(nor, fresh=False):
    context = Context(nor)
    fs = littlefs.LittleFS(
        context=context,
        block_size=BLOCK,
        block_count=COUNT,
        read_size=16,
        prog_size=16,
        cache_size=64,
        mount=False,
    )
    if fresh:
        fs.format()
    fs.mount()
    return fs, context


def write(fs, text):
    with fs.open("new", "w") as f:
        f.write(text)
    fs.rename("new", "settings")


def test_littlefs_obeys_the_strict_rules():
    nor = NorFlash(RamStorage(BLOCK * COUNT), BLOCK * COUNT, BLOCK)
    fs, _ = mount(nor, fresh=True)
    for i in range(30):
        write(fs, f"{i} " * 40)
    assert nor.programs > 60 and nor.erases > 10
    fs, _ = mount(nor)
    with fs.open("settings") as f:
        assert f.read() == "29 " * 40


def trial(k, torn):
    nor = NorFlash(RamStorage(BLOCK * COUNT), BLOCK * COUNT, BLOCK, seed=k + 1)
    fs, context = mount(nor, fresh=True)
    write(fs, "old " * 30)
    nor.cut_at(nor.ops + k, torn)
    try:
        write(fs, "fresh " * 30)
    except littlefs.LittleFSError:  # it read back what a torn operation had left
        pass
    assert context.dream is not None
    nor.power_on()
    fs, _ = mount(nor)
    with fs.open("settings") as f:
        return f.read()


@pytest.mark.parametrize("torn", [0, 0.25, 0.5, 0.75, 1, "random"])
def test_littlefs_survives_every_cut(torn):
    nor = NorFlash(RamStorage(BLOCK * COUNT), BLOCK * COUNT, BLOCK)
    fs, _ = mount(nor, fresh=True)
    write(fs, "old " * 30)
    start = nor.ops
    write(fs, "fresh " * 30)
    operations = nor.ops - start
    assert operations >= 3
    seen = set()
    for k in range(operations):
        seen.add(trial(k, torn))
    assert seen <= {"old " * 30, "fresh " * 30}
    assert "old " * 30 in seen
    assert torn != 1 or "fresh " * 30 in seen


def test_negative_control_a_lying_flash_is_noticed():
    """littlefs reads back what it programmed: a program that was not done must not pass."""
    nor = NorFlash(RamStorage(BLOCK * COUNT), BLOCK * COUNT, BLOCK, lie_program=7)
    honest = NorFlash(RamStorage(BLOCK * COUNT), BLOCK * COUNT, BLOCK)
    for flash in (nor, honest):
        fs, _ = mount(flash, fresh=True)
        for i in range(40):
            write(fs, f"{i:04d} " * 30)
    # It finds the lie on reading back and takes another block: more erases for the same work.
    assert nor.erases > honest.erases * 3 // 2
