"""NOR flash as an ESP32 sees it (SPI NOR behind the partition layer), with power cuts.

Owns: the rules of NOR cells (program clears bits, erase sets a whole block), wear counters, torn
operations, two planted defects for negative controls, and MicroPython's block protocol on top.
Must not: open files. The cells live in a storage object with read(addr, n) / write(addr, data).

Sources: SPI NOR data sheets (e.g. Winbond W25Q32JV, page program and sector erase: 4 KiB, cells go
1 -> 0 by program and back to 1 only by erase); ESP-IDF "Flash Encryption":
data are encrypted in 16-byte units, so programming over a byte that is not erased leaves garbage,
which is why strict mode refuses it; MicroPython docs, os.AbstractBlockDev (block protocol).

Cuts. `cut_at(k, torn)`: operation number k (programs and erases count together, from 0, over the
life of the object) is torn. torn = 0 nothing done, 0.25 / 0.5 / 0.75 of its bytes done in address
order, 1 all done and then the cut, "random" a seeded random half of the BITS that had to change
("weak" is the same thing, named after what it does to an erase). PowerCut is then raised, and
every further access raises it again until power_on().
"""

from models import XorShift


class FlashFault(Exception):
    """The firmware did what the chip does not allow. The text names the address."""


class PowerCut(BaseException):
    """Power is gone. A BaseException, so that `except Exception` in the firmware cannot eat it."""


class RamStorage:
    """Cells in a bytearray; born erased (0xff)."""

    def __init__(self, size):
        self.data = bytearray(b"\xff" * size)

    def read(self, addr, n):
        return bytes(self.data[addr : addr + n])

    def write(self, addr, data):
        self.data[addr : addr + len(data)] = data


class NorFlash:
    """size and block in bytes. See the module's docstring for strict and cuts.

    lie_program=n acknowledges every n-th program without doing it (negative control).
    stuck_bit=(addr, bit, value) makes one cell read and stay `value` (negative control).
    log: callable(op, addr, n) or None; op is "program", "erase", "read" or "cut".
    """

    def __init__(
        self,
        storage,
        size,
        block=4096,
        strict=True,
        seed=1,
        lie_program=0,
        stuck_bit=None,
        log=None,
    ):
        if size % block:
            raise ValueError("size is not a whole number of blocks")
        self.storage = storage
        self.size = size
        self.block = block
        self.blocks = size // block
        self.strict = strict
        self.log = log
        self.lie_program = lie_program
        self.stuck_bit = stuck_bit
        self.powered = True
        self.ops = 0  # programs + erases ever begun: the index that cut_at() counts by
        self.block_erases = [0] * self.blocks
        self._rng = XorShift(seed)
        self._cut = None
        self.clear_counters()

    def clear_counters(self):
        """Zeroes the statistics; `ops` (the cut index) and the wear per block stay."""
        self.programs = self.programmed_bytes = self.erases = self.reads = self.read_bytes = 0

    # --- power ----------------------------------------------------------------------------------

    def cut_at(self, op_index, torn=0, seed=None):
        """Arms a cut at operation op_index; None disarms. seed: repeatable "random" pattern."""
        if torn not in (0, 0.25, 0.5, 0.75, 1, "random", "weak"):
            raise ValueError("torn")
        if op_index is not None and op_index < self.ops:
            raise ValueError(f"operation {op_index} is already done")
        if seed is not None:
            self._rng = XorShift(seed)
        self._cut = None if op_index is None else (op_index, torn)

    def power_off(self):
        """A cut between two operations."""
        self.powered = False

    def power_on(self):
        self.powered = True
        self._cut = None

    def _alive(self):
        if not self.powered:
            raise PowerCut("no power")

    # --- access ---------------------------------------------------------------------------------

    def _span(self, addr, n):
        self._alive()
        if addr < 0 or addr + n > self.size:
            raise FlashFault(f"0x{addr:06x} + {n} is outside the flash")

    def read(self, addr, n):
        """-> bytes, n of them."""
        self._span(addr, n)
        self.reads += 1
        self.read_bytes += n
        if self.log:
            self.log("read", addr, n)
        data = self.storage.read(addr, n)
        stuck = self.stuck_bit
        if stuck and addr <= stuck[0] < addr + n:
            data = bytearray(data)
            data[stuck[0] - addr] = self._stick(data[stuck[0] - addr])
            data = bytes(data)
        return data

    def read_into(self, addr, buf):
        """Fills buf (bytearray or memoryview)."""
        n = len(buf)
        memoryview(buf)[0:n] = self.read(addr, n)

    def _stick(self, byte):
        mask = 1 << self.stuck_bit[1]
        return byte | mask if self.stuck_bit[2] else byte & ~mask & 0xFF

    def program(self, addr, data):
        """Clears bits. One call is one operation, whatever its length."""
        n = len(data)
        self._span(addr, n)
        old = self.storage.read(addr, n)
        if old.count(b"\xff") == n:
            new = bytes(data)
        elif self.strict:
            i = 0
            while old[i] == 0xFF:
                i += 1
            # The operation is not counted: it never reaches the chip.
            raise FlashFault(f"programmed twice at 0x{addr + i:06x}")
        else:
            new = bytearray(n)
            for i in range(n):
                new[i] = old[i] & data[i]
        self.programs += 1
        self.programmed_bytes += n
        if self.lie_program and self.programs % self.lie_program == 0:
            new = old
        self._do("program", addr, old, new)

    def erase(self, block_no):
        """Sets one whole block to 0xff."""
        self._alive()
        if not 0 <= block_no < self.blocks:
            raise FlashFault(f"block {block_no} does not exist")
        addr = block_no * self.block
        self.erases += 1
        self.block_erases[block_no] += 1
        self._do("erase", addr, self.storage.read(addr, self.block), b"\xff" * self.block)

    def _do(self, op, addr, old, new):
        index = self.ops
        self.ops += 1
        if self.log:
            self.log(op, addr, len(new))
        if self._cut is None or index != self._cut[0]:
            self.storage.write(addr, new)
            return
        self.storage.write(addr, self._torn(old, new, self._cut[1]))
        self.powered = False
        if self.log:
            self.log("cut", addr, len(new))
        raise PowerCut(f"{op} 0x{addr:06x} cut as operation {index}")

    def _torn(self, old, new, torn):
        if torn in ("random", "weak"):
            out = bytearray(len(new))
            for i in range(len(new)):
                out[i] = old[i] ^ ((old[i] ^ new[i]) & self._rng.below(256))
            return out
        done = int(len(new) * torn)
        return bytes(new[:done]) + bytes(old[done:])


class BlockDevice:
    """`count` blocks of `nor` from block `start`, with MicroPython's extended block protocol.

    Without off, writeblocks erases first; with off it programs only, and the caller has erased
    with ioctl(6) before (os.AbstractBlockDev; the shape of esp32.Partition).
    """

    def __init__(self, nor, start, count):
        if start < 0 or count < 1 or start + count > nor.blocks:
            raise ValueError("outside the flash")
        self.nor = nor
        self.start = start
        self.count = count

    def _addr(self, block_no, off, n):
        if block_no < 0 or off < 0 or block_no * self.nor.block + off + n > self._bytes():
            raise OSError(22)  # EINVAL: a neighbour's data lie beyond
        return (self.start + block_no) * self.nor.block + off

    def _bytes(self):
        return self.count * self.nor.block

    def readblocks(self, block_no, buf, off=0):
        self.nor.read_into(self._addr(block_no, off, len(buf)), buf)

    def writeblocks(self, block_no, buf, off=None):
        n = len(buf)
        addr = self._addr(block_no, off or 0, n)
        if off is None:
            if n % self.nor.block:
                raise OSError(22)  # erasing would destroy what the caller did not hand over
            for i in range(n // self.nor.block):
                self.nor.erase(self.start + block_no + i)
        self.nor.program(addr, buf)

    def ioctl(self, op, arg):
        if op in (1, 2, 3):  # init, deinit, sync: nothing is cached
            return 0
        if op == 4:
            return self.count
        if op == 5:
            return self.nor.block
        if op == 6:
            self._addr(arg, 0, self.nor.block)
            self.nor.erase(self.start + arg)
            return 0
        return None
