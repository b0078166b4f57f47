# A release never comes out of _boot.py: whatever fails there, the processor is reset. What comes
# after it in the port is a prompt. And a chip whose NVS cannot be used still starts and says so.

import sys

import bus
import esp32
import machine
import wires
from harness import flash

import board  # here, because imports are watched below: relative ones would fail
import bootstate
import volume


class Module:
    """A step of the boot that does what the test wants."""

    def __init__(self, error=None):
        self.error = error

    def __getattr__(self, name):
        raise AttributeError(name)


class Boot:
    """One run of _boot.py with other steps behind it; `main` is an exception or None."""

    def __init__(self, main=None, nvs=None):
        self.main = main
        self.text = ""
        self.nvs = nvs or {}

    def _load(self):
        if "load" in self.nvs:
            raise OSError(self.nvs["load"])
        return self.text

    def _store(self, text):
        if "store" in self.nvs:
            raise OSError(self.nvs["store"])
        self.text = text

    def _finder(self, name, *args):
        if name == "main":
            self.began = True
            if self.main is not None:
                raise self.main
            return Module()
        if name in self.missing:
            raise MemoryError
        return Module() if name == "boot" else self._import(name, *args)

    def run(self, missing=()):
        """What comes out of _boot.py: an exception or None."""
        import builtins

        self.missing, self.began = missing, False
        kept = wires.nvs_load, wires.nvs_store, esp32.Partition.find, volume.mount
        dev = flash()[1]
        esp32.Partition.find = staticmethod(lambda kind, label: [dev])  # blank: no bundle
        volume.mount = lambda partition, place: None
        self._import = builtins.__import__
        wires.nvs_load, wires.nvs_store = self._load, self._store
        bootstate.crash, bootstate.crashes, bootstate.safe = "", 0, False
        builtins.__import__ = self._finder
        try:
            sys.modules.pop("_boot", None)
            self._import("_boot")
        except BaseException as e:  # noqa: BLE001  whatever it is
            return e
        finally:
            builtins.__import__ = self._import
            wires.nvs_load, wires.nvs_store, esp32.Partition.find, volume.mount = kept
            bootstate.crash, bootstate.crashes, bootstate.safe = "", 0, False
        return None


def hex_of(text):
    return text.encode().hex()


def was_reset(e):
    return isinstance(e, bus.BoardReset)


def test_sec23_whatever_ends_main_a_release_is_reset_and_never_returns():
    for error in (
        None, ValueError("x"), MemoryError(), SystemExit(), KeyboardInterrupt(), GeneratorExit(),
    ):  # fmt: skip
        boot = Boot(error)
        e = boot.run()
        assert boot.began and was_reset(e), (error, e)
        if error is not None:
            assert '"crashes": ["i", 1]' in boot.text, (error, boot.text)
            assert hex_of(type(error).__name__) in boot.text


def test_sec23_a_step_that_cannot_even_be_loaded_ends_in_a_reset():
    for name in ("flavour", "bootstate", "chip", "esp32", "volume", "board"):
        e = Boot().run((name,))
        assert was_reset(e), (name, e)


def test_sec23_without_nvs_a_release_starts_and_never_returns():
    """ESP_ERR_NVS_NOT_INITIALIZED when nothing can be read, ESP_ERR_NVS_NOT_ENOUGH_SPACE when
    nothing can be written."""
    for nvs in ({"load": -4353}, {"store": -4357}):
        for error in (None, ValueError("x")):
            boot = Boot(error, nvs)
            e = boot.run()
            assert boot.began and was_reset(e), (nvs, e)


def test_a_watchdog_that_bites_without_nvs_does_not_keep_the_firmware_from_starting():
    bus.current.reset_cause = machine.WDT_RESET
    for nvs in ({"load": -4353}, {"store": -4357}):
        boot = Boot(None, nvs)
        assert was_reset(boot.run()) and boot.began, nvs


def test_only_a_development_build_returns_and_looks_at_what_was_deployed():
    """`make deploy FILES=...` writes into /flash/lib, which nobody has signed."""
    import flavour

    place = board.DATA + "/lib"
    kept = sys.path[:]
    try:
        assert was_reset(Boot().run()) and place not in sys.path and "" not in sys.path
        sys.path[:] = kept
        flavour.DEV = True
        boot = Boot()
        assert boot.run() is None and not boot.began
        assert sys.path[0] == place
    finally:
        sys.path[:], flavour.DEV = kept, False


class FlashMap:
    """Stands for the module of boards/common/flashmap.c."""

    def __init__(self, panicked):
        self.panicked = lambda: panicked


def test_a_panic_counts_as_a_crash_and_a_reset_that_was_wanted_does_not():
    bus.current.reset_cause = machine.HARD_RESET
    for panicked in (True, False):
        sys.modules["flashmap"] = FlashMap(panicked)
        try:
            boot = Boot()
            assert was_reset(boot.run()) and boot.began
        finally:
            del sys.modules["flashmap"]
        assert ('"crashes": ["i", 1]' in boot.text) == panicked, boot.text
        assert (hex_of("panic") in boot.text) == panicked
