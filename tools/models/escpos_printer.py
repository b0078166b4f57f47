"""58 or 80 mm ESC/POS thermal printer (203 dpi) on a serial line.

Owns: the receive buffer and its drain, flow control, real-time status, faults, power, the paper.
Must not: open a port or read a clock; share a byte table with the firmware's encoder.

How it behaves:
  * Bytes go into a buffer of `buffer_size`. A byte that finds it full is gone (`.lost`).
  * Commands are executed one after the other; while dot rows are being printed nothing is taken
    out of the buffer, so it drains at the speed of the mechanism (printer_head.py), about 2.1 ms a
    row, more when the row is dense.
  * DLE EOT n is recognised on reception, whatever stands in the buffer and whatever the state,
    also within the data of another command ("Graphic data might accidentally include a data
    string matching this command", HPRT TP809 manual). It is answered rt_latency_us later.
  * Paper end, open cover, hot head, low voltage: offline. The row under way is finished, then
    everything stands still and the data are kept; nothing but ESC v at the head of an idle
    printer's buffer is executed. When the cause is gone the printer goes on where it stopped, in
    the middle of a raster if need be.
  * GS r is an ordinary command: by the time it is executed all rows before it are on the paper.
  * A cutter that is jammed notices it at the next cut, and is offline until it is freed.
  * flow: "xonxoff" sends XOFF 13 / XON 11 at the water marks and when it goes off / on line;
    "busy" drives busy(); "both" does both (default); "none" has neither, as cheap TTL modules.

Sources: see printer_commands.py, printer_parser.py, printer_status.py, printer_head.py. The buffer
size and the water marks are the model's own choice (modules have 4 to 64 KB, devices.md section
1.1).
"""

from models.printer_buffer import Errors, Ring, host_codepage, host_gb18030
from models.printer_head import Head
from models.printer_layout import Layout
from models.printer_parser import Parser
from models.printer_status import Status

_XON, _XOFF = 0x11, 0x13


class Printer:
    """See the module's docstring. font: object with glyph(char) -> (width, height, rows) or None.

    decode: two GB18030 bytes -> str; codepages: (ESC t number, byte) -> str or None. Both default
    to the host's codecs on CPython and must be given on MicroPython. dots: 384, or 576 of 80 mm.
    chinese: whether there is a Chinese character ROM. status: "dle" (DLE EOT, GS r, ESC v) or
    "esc_v" (only that one). raster: whether GS v 0 is known. cutter: whether there is one.
    qr(data, level) -> rows of the code as ints, the left module highest, or None: GS ( k prints
    nothing; qr_functions: of GS ( k. faults: printer_faults.Faults.
    """

    def __init__(
        self,
        font=None,
        decode=host_gb18030,
        codepages=host_codepage,
        buffer_size=4096,
        high_water=None,
        low_water=None,
        flow="both",
        head=None,
        chinese_default=True,
        spacing=30,
        cr_feeds=False,
        boot_us=300000,
        rt_latency_us=1000,
        drawer_high=False,
        dots=384,
        chinese=True,
        status="dle",
        raster=True,
        cutter=False,
        qr=None,
        qr_functions=(65, 67, 69, 80, 81),
        faults=None,
    ):
        self._counters()
        self.head = head or Head()
        self.flow = flow
        self.cr_feeds = cr_feeds
        self.boot_us = boot_us
        self.rt_latency_us = rt_latency_us
        self.drawer_high = drawer_high
        self.chinese = chinese
        self.status_set = status
        self.raster = raster
        self.cutter = cutter
        self.cutter_rows = 96  # from the head to the knife
        self.qr = qr
        self.qr_functions = qr_functions
        self.faults = faults
        self.high_water = buffer_size * 3 // 4 if high_water is None else high_water
        self.low_water = buffer_size // 4 if low_water is None else low_water
        self._jobs = []
        self._layout = Layout(
            font, self._jobs, self.errors, chinese and chinese_default, spacing, dots
        )
        self.head.blank = self._layout.blank
        self.ring = Ring(buffer_size)
        self._parser = Parser(self.ring, self._layout, self, decode, codepages)
        self.status = Status(self)
        self._lines = []
        self._now = 0
        self._on = True
        self._ready_at = 0
        self._forget()

    def _counters(self):
        """What tests look at, and faults: none."""
        self.errors = Errors()
        self.unsupported = []
        self.drawer_pulses = []  # (pin, on ms, off ms)
        self.qr_payloads = []
        self.lost = 0  # bytes that found the buffer full
        self.ignored = 0  # bytes that came while the printer was off or starting
        self.received = 0
        self.max_fill = 0
        self.cover_open = self.feed_pressed = self.voltage_low = self.broken = False
        self.muted = self.cutter_jammed = self.cutter_error = False
        self.cuts = []  # dot rows since the last tear at which the paper was cut

    def _forget(self):
        """Everything that does not survive the supply."""
        self.ring.drop(len(self.ring))
        self._jobs.clear()
        self._layout.reset()
        self._parser.reset()
        self.status.reset()
        self.head.default_heat()
        self._y = 0  # row of the first job that comes next
        self._row = None
        self._row_end = None
        self._tx = []  # (due_us, bytes), ascending
        self._rt = 0  # how much of DLE EOT n has been seen
        self._full = False
        self._held = False  # XOFF is out

    # --- UART peer ------------------------------------------------------------------------------

    def receive(self, data, now_us):
        """Bytes from the terminal have arrived."""
        self.advance(now_us)
        if not self._on or now_us < self._ready_at:
            self.ignored += len(data)
            return
        for byte in data:
            if self.faults is not None and self.faults.drops():
                continue
            if self.status_set == "dle":
                self._realtime(byte)
            if not self.ring.put(byte):
                self._work()  # an idle mechanism takes bytes as they come
                if not self.ring.put(byte):
                    self.lost += 1
                    continue
            self.received += 1
        self.max_fill = max(self.max_fill, len(self.ring))
        self._work()

    def transmit(self, now_us):
        """-> bytes that the printer puts on its line now."""
        self.advance(now_us)
        out = b""
        while self._tx and self._tx[0][0] <= now_us:
            out += self._tx.pop(0)[1]
        return out

    def next_due(self):
        due = self._inner_due()
        if self._tx and (due is None or self._tx[0][0] < due):
            due = self._tx[0][0]
        return due

    def advance(self, now_us):
        while True:
            self._work()
            due = self._inner_due()
            if due is None or due > now_us:
                break
            self._now = max(self._now, due)
            self._tick()
        self._now = max(self._now, now_us)

    def power(self, on, now_us):
        """Off: buffer, modes and the line under way are gone; what is on the paper stays."""
        self.advance(now_us)
        if bool(on) == self._on:
            return
        self._forget()
        self._on = bool(on)
        self._ready_at = now_us + self.boot_us if on else 0

    # --- lines besides the UART -----------------------------------------------------------------

    def busy(self):
        """-> 1 while the terminal must not send, else 0 (always 0 without a BUSY line)."""
        if self.flow not in ("busy", "both"):
            return 0
        return 0 if self._on and not self._full and self.online() else 1

    def online(self):
        return not (
            self.cover_open
            or self.voltage_low
            or self.broken
            or self.cutter_error
            or self.head.overheated
            or self.head.paper_out()
        )

    # --- the paper ------------------------------------------------------------------------------

    @property
    def rows(self):
        """Dot rows printed since the last tear(): list of 48-byte (80 mm: 72) rows."""
        return self.head.rows

    def text_lines(self):
        """-> list of str, the text lines that are completely printed, since the last tear()."""
        return list(self._lines)

    def tear(self):
        """-> Paper: what was printed since the last tear."""
        paper = self.head.tear(self._lines)
        self._lines = []
        self.cuts = []
        return paper

    def paper_left_mm(self):
        return self.head.mm_left()

    def load_paper(self, length_mm=30000, now_us=None):
        """A new roll; the printer goes on by itself if nothing else stops it."""
        self._change(now_us)
        self.head.rows_left = length_mm * 8
        self.head.near_end_forced = False
        self._work()

    # --- faults (now_us None: at the last time the model knows) ---------------------------------

    def paper_out(self, after_rows=0, now_us=None):
        """The roll ends, now or after so many more dot rows."""
        self._change(now_us)
        self.head.rows_left = after_rows
        self._work()

    def near_end(self, on=True, now_us=None):
        self._change(now_us)
        self.head.near_end_forced = on
        self._work()

    def cover(self, is_open, now_us=None):
        self._change(now_us)
        self.cover_open = bool(is_open)
        self._work()

    def overheat(self, temp_c=75, now_us=None):
        """The head is that hot; it cools by itself."""
        self._change(now_us)
        self.head.heat_to(temp_c, self._now)
        self._work()

    def low_voltage(self, on=True, now_us=None):
        self._change(now_us)
        self.voltage_low = bool(on)
        self._work()

    def break_down(self, on=True, now_us=None):
        """An error that only a power cycle and repair would end (DLE EOT 3, bit 5)."""
        self._change(now_us)
        self.broken = bool(on)
        self._work()

    def cutter_jam(self, on=True, now_us=None):
        """The knife sticks, which the next cut finds out; on=False: somebody freed it."""
        self._change(now_us)
        self.cutter_jammed = bool(on)
        if not on:
            self.cutter_error = False
        self._work()

    def feed_button(self, pressed, now_us=None):
        """Status bit only; the model does not feed by hand."""
        self._change(now_us)
        self.feed_pressed = bool(pressed)
        self._work()

    def mute(self, on=True):
        """The printer prints but answers nothing any more."""
        self.muted = bool(on)
        if on:
            self._tx = []

    def _change(self, now_us):
        self.advance(self._now if now_us is None else now_us)

    # --- inside ---------------------------------------------------------------------------------

    def send(self, data, delay_us=0):
        """Queues an answer; answers leave in the order in which they are due."""
        if self.muted or not self._on:
            return
        due = self._now + delay_us
        at = len(self._tx)
        while at and self._tx[at - 1][0] > due:
            at -= 1
        self._tx.insert(at, (due, data))

    def answer(self, data, delay_us=0):
        """Sends a status, unless the schedule of faults has other plans with it."""
        if self.faults is not None:
            data, late_us = self.faults.answer(data)
            delay_us += late_us
        if data:
            self.send(data, delay_us)

    def cut(self):
        """The parser has read a cut; everything before it is printed."""
        if self.cutter_jammed:
            self.cutter_error = True
        else:
            self.cuts.append(self.head.row_count)

    def _realtime(self, byte):
        # The receive interrupt looks at every byte, without knowing what it is part of.
        if self._rt == 2:
            answer = self.status.realtime(byte)
            if answer is not None:
                self.answer(bytes((answer,)), self.rt_latency_us)
            self._rt = 0
        elif self._rt == 1 and byte == 0x04:
            self._rt = 2
            return
        self._rt = 1 if byte == 0x10 else 0

    def _inner_due(self):
        if not self._on:
            return None
        if self._now < self._ready_at:
            return self._ready_at
        due = self._row_end if self._row_end is not None else self.head.next_look()
        if self.faults is not None and self.faults.due_us is not None:
            due = self.faults.due_us if due is None else min(due, self.faults.due_us)
        return due

    def _tick(self):
        """Something is due at self._now."""
        if self.faults is not None:
            self.faults.undo(self, self._now)
        if self._row_end is not None and self._row_end <= self._now:
            self._row_done()
        elif self.head.overheated:
            self.head.cool(self._now)

    def _row_done(self):
        job = self._jobs[0]
        self.head.put(self._row, self._now)
        self._row = self._row_end = None
        self._y += 1
        if self._y == job.height and job.text is not None:
            self._lines.append(job.text)
        if self._y >= job.total:
            if not job.height and job.text is not None:
                self._lines.append(job.text)  # an empty line
            self._jobs.pop(0)
            self._y = 0
        if self.faults is not None:
            self.faults.row(self, self.head.total_rows, self._now)

    def _work(self):
        """Starts whatever can start at self._now."""
        if self._on and self._now >= self._ready_at:
            while self._row_end is None:
                if self._jobs:
                    if not self.online():
                        break
                    self._row = self._jobs[0].row(self._y)
                    self._row_end = self._now + self.head.row_us(self._row)
                elif not self._next_command():
                    break
            self._flow_control()
            self.status.look()

    def _next_command(self):
        if self.online():
            return self._parser.step()
        # Offline and idle: the module status is the one command that is still executed.
        ring = self.ring
        if len(ring) >= 2 and ring.peek(0) == 0x1B and ring.peek(1) == 0x76:
            return self._parser.step()
        return False

    def _flow_control(self):
        n = len(self.ring)
        if n >= self.high_water:
            self._full = True
        elif n <= self.low_water:
            self._full = False
        if self.flow not in ("xonxoff", "both"):
            return
        hold = self._full or not self.online()
        if hold != self._held:
            self._held = hold
            self.send(bytes((_XOFF if hold else _XON,)))
