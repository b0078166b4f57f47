"""The terminal on the bench, with the emulated microcontroller as its processor."""

from simulator.bench import Bench

from . import build, qemu


class McuBench(Bench):
    """A Bench (simulator.bench) whose firmware runs in QEMU. `variant`: see build.VARIANTS."""

    def __init__(self, folder, variant="standard", icount=False, **options):
        super().__init__(folder, **options)
        self._elf = build.elf(variant)
        self._assets = build.assets()
        self._icount = icount
        self.memory_file = qemu.Memory(self.folder / "ram.bin")

    def provision(self, **settings):
        """Set up by the Unix port, which makes the same image; then put it into the machine."""
        check = super().provision(**settings)
        self.memory_file.load_image(self.flash)
        return check

    def spawn(self, port):
        return qemu.Qemu(self._elf, self._assets, self.memory_file, port, self._icount)

    def launched(self):
        prompt = qemu.Prompt(self._socket)
        prompt.start(qemu.call("boot"))
        rest = prompt.switch(b"\x02bus\n")
        self._bus.on_log = self._log_line
        self._socket.settimeout(60)
        if rest:
            self._bus.feed(rest)
            self._send(self._bus.take_output())

    def _log_line(self, text):
        with self.log.open("a") as f:
            f.write(text + "\n")

    def journal(self):
        self.memory_file.save_image(self.flash)
        return super().journal()

    @property
    def instructions(self):
        """Instructions of the firmware until it last waited (with icount)."""
        return self._bus.instructions
