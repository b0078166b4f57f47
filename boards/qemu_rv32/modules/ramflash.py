# NOR flash in memory outside of the heap, with the rules of models/nor.py and none of its weight:
# the models' memory must not count against the firmware, and neither must their work.

import mcu
import micropython


class FlashFault(Exception):
    """The firmware did what the chip does not allow. args: (address,)"""


@micropython.viper
def _is_blank(cells: ptr8, at: int, n: int) -> bool:
    for i in range(at, at + n):
        if cells[i] != 255:
            return False
    return True


@micropython.viper
def _copy(to: ptr8, at: int, data: ptr8, first: int, n: int):
    # A slice assignment would move the whole rest of the chip's memory.
    for i in range(n):
        to[at + i] = data[first + i]


@micropython.viper
def _erase(cells: ptr8, at: int, n: int):
    for i in range(at, at + n):
        cells[i] = 255


class RamFlash:
    """`cells`: bytearray of the whole chip; `block` bytes an erase block."""

    def __init__(self, cells, block):
        self._cells = cells
        self.block = block
        self.size = len(cells)
        self.blocks = self.size // block
        self.programs = self.erases = 0

    def read_into(self, addr, buf):
        mcu.pause()
        _copy(buf, 0, self._cells, addr, len(buf))
        mcu.resume()

    def program(self, addr, data):
        mcu.pause()
        n = len(data)
        good = addr + n <= self.size and _is_blank(self._cells, addr, n)
        if good:
            _copy(self._cells, addr, data, 0, n)
        self.programs += 1
        mcu.resume()
        if not good:
            raise FlashFault(addr)

    def erase(self, number):
        mcu.pause()
        _erase(self._cells, number * self.block, self.block)
        self.erases += 1
        mcu.resume()
