# What the simulated chip hangs on when it is an emulated microcontroller: one serial line, and
# memory outside of the heap. machine, esp32, network, time and the event loop are those of
# boards/unix.

import layout
import mcu
import uctypes

ASSETS = "/rom"

# Memory map: modules/layout.py and tools/mcu/qemu.py
_settings = {}
_line = None


def fit(board):
    """What this machine lacks of the board whose file it runs."""
    board.NAME = "qemu"
    board.CONSOLE = console
    board.CAPS["journal"] = layout.JOURNAL


def setting(name):
    """A value from outside, None when it is not set: WIFI, SERIAL, TIME, SEED."""
    return _settings.get(name)


def set_setting(name, value):
    _settings[name] = value


def table(name):
    """Text of board.json, pins.csv or partitions.csv."""
    return layout.TABLES[name]


# ---- the bus ------------------------------------------------------------------------------------


class Line:
    """The byte stream to the rack of device models: the console's serial line."""

    frame = staticmethod(mcu.frame)

    def recv_into(self, buf):
        """Whether buf could be filled: it waits until it is."""
        mcu.readinto(buf)
        return True

    def pending(self):
        return mcu.pending()

    def wait_real(self, timeout_ms, streams):
        pass  # the caller looks again


def use_line():
    """Have line() give the console: what is printed from here on must go through console()."""
    global _line
    _line = Line()


def power_off():
    raise SystemExit


def line():
    return _line


def console(text):
    """A line of the firmware's log, as a frame."""
    import bus

    bus.current.console(text)


def wait_real(timeout_ms, streams, own=None):
    pass


def ready(stream, mask):
    return stream.ioctl(3, mask)  # MP_STREAM_POLL


# ---- flash --------------------------------------------------------------------------------------


def memory(area):
    """bytearray over an area of layout.AREAS."""
    address, size = layout.AREAS[area]
    return uctypes.bytearray_at(address, size)


def flash(size, block):
    """The flash chip, in memory that outlives the machine (tools/mcu/qemu.py keeps it in a file):
    killing the emulator is a power cut."""
    from ramflash import RamFlash

    return RamFlash(memory("flash"), block)


def nvs_load():
    cells = memory("nvs")
    n = cells[0] | cells[1] << 8
    return "" if n == 0xFFFF else bytes(cells[2 : 2 + n]).decode()


def nvs_store(text):
    data = text.encode()
    cells = memory("nvs")
    cells[2 : 2 + len(data)] = data
    cells[0], cells[1] = len(data) & 255, len(data) >> 8
