"""ESC/POS command parser of the printer model.

Owns: where a command begins and ends, text bytes, and the commands that carry data.
Must not: keep time. step() is called while the mechanism is idle and consumes one command (or one
character, or one row of a raster), so that everything before it has been printed by then.

Sources: Epson ESC/POS command reference (GS v 0, GS ( k, GS k, GS V, ESC D, DLE EOT), Zijiang
ZJ-58LYDD manual p. 32 (ESC *), GB 18030-2005 (byte ranges of two-byte characters).

Commands that the printer knows but has no hardware or code for are consumed with their parameters
and go to `.unsupported`; bytes that are no command at all go to `.errors`.
"""

from models.printer_commands import COMMANDS, DC2, DLE, ESC, FS, GS, Commands

_NAMES = {ESC: "ESC", GS: "GS", FS: "FS", DC2: "DC2"}

# ESC * m: (dots of a column, horizontal factor, vertical factor) on a 203 dpi head
_COLUMN_MODES = {0: (8, 2, 3), 1: (8, 1, 3), 32: (24, 2, 1), 33: (24, 1, 1)}


class Parser:
    """ring: receive buffer. layout: Layout. machine: the Printer (status, heat, drawer)."""

    def __init__(self, ring, layout, machine, decode, codepages):
        self.ring = ring
        self.layout = layout
        self.machine = machine
        self.decode = decode
        self.codepages = codepages
        self.commands = Commands(layout, machine)
        self.qr_data = b""
        self.qr_module = 3
        self.qr_level = "L"
        self.reset()

    def reset(self):
        self._rest = None  # a command whose data are still arriving: method, called by step()

    def error(self, text):
        self.machine.errors.add(text)

    def unsupported(self, text):
        self.machine.unsupported.append(text)

    def step(self):
        """-> True when something was consumed, False when bytes are missing."""
        if self._rest is not None:
            return self._rest()
        ring = self.ring
        if not len(ring):
            return False
        byte = ring.peek(0)
        if byte >= 0x20 and byte != 0x7F:
            return self._text(byte)
        if byte in COMMANDS:
            return self._command(byte)
        if byte == DLE:
            return self._realtime()
        ring.drop(1)
        self._control(byte)
        return True

    # --- single bytes ---------------------------------------------------------------------------

    def _control(self, byte):
        if byte == 0x0A:
            self.layout.feed(self.layout.spacing)
        elif byte == 0x0D:
            if self.machine.cr_feeds:
                self.layout.feed(self.layout.spacing)
        elif byte == 0x09:
            self.layout.tab()
        elif byte == 0x18:
            self.layout.clear_line()
        elif byte in (0x00, 0x11, 0x13):
            # NUL pads; XON and XOFF belong to the line discipline.
            pass
        else:
            self.error(f"control byte 0x{byte:02x}")

    def _realtime(self):
        """DLE commands were acted on at reception; in the stream they only take up room."""
        ring = self.ring
        if len(ring) < 2:
            return False
        if ring.peek(1) in (0x04, 0x05):
            if len(ring) < 3:
                return False
            ring.drop(3)
        else:
            self.error(f"DLE 0x{ring.peek(1):02x}")
            ring.drop(2)
        return True

    def _text(self, byte):
        ring = self.ring
        layout = self.layout
        if byte < 0x80:
            ring.drop(1)
            layout.char(chr(byte))
            return True
        if not layout.chinese:
            ring.drop(1)
            char = self.codepages(layout.codepage, byte) if self.codepages else None
            if char is None:
                self.error(f"byte 0x{byte:02x} in code page {layout.codepage}")
                char = "?"
            layout.char(char)
            return True
        if byte in (0x80, 0xFF):
            ring.drop(1)
            self.error(f"byte 0x{byte:02x} is no GB18030 lead byte")
            return True
        if len(ring) < 2:
            return False
        self._hanzi(byte, ring.peek(1))
        return True

    def _hanzi(self, lead, trail):
        if trail < 0x40 or trail in (0x7F, 0xFF):
            # Also where a four-byte character begins: these printers hold two-byte sets only.
            self.ring.drop(1)
            self.error(f"GB18030 0x{lead:02x} followed by 0x{trail:02x}")
            return
        self.ring.drop(2)
        char = None
        try:
            char = self.decode(bytes((lead, trail))) if self.decode else None
        except (UnicodeError, ValueError, KeyError):
            pass
        if not char:
            self.error(f"no character 0x{lead:02x}{trail:02x}")
            char = "\ufffd"
        self.layout.char(char, True)

    # --- commands -------------------------------------------------------------------------------

    def _command(self, prefix):
        ring = self.ring
        if len(ring) < 2:
            return False
        op = ring.peek(1)
        special = _SPECIAL.get((prefix, op))
        if special:
            return getattr(self, special)()
        found = COMMANDS[prefix].get(op)
        if found is None:
            self.error(f"{_NAMES[prefix]} 0x{op:02x}")
            ring.drop(2)
            return True
        count, method = found
        if len(ring) < 2 + count:
            return False
        ring.drop(2)
        args = ring.take(count)
        if method is None:
            self.unsupported(f"{_NAMES[prefix]} {chr(op)}")
        else:
            getattr(self.commands, method)(*args)
        return True

    # --- commands with data ---------------------------------------------------------------------

    def _tabs(self):
        """ESC D n1 .. nk NUL: columns of font A."""
        ring = self.ring
        for i in range(2, min(len(ring), 35)):
            if ring.peek(i) == 0:
                stops = [12 * ring.peek(j) for j in range(2, i)]
                ring.drop(i + 1)
                self.layout.tabs = stops
                return True
        if len(ring) >= 35:
            self.error("ESC D without NUL")
            ring.drop(2)
            return True
        return False

    def _cut(self):
        ring = self.ring
        if len(ring) < 3:
            return False
        count = 4 if ring.peek(2) in (65, 66) else 3
        if len(ring) < count:
            return False
        ring.drop(count)
        if self.machine.cutter:
            if self.layout.pending():
                self.error("GS V inside a line")
            if count == 4:
                self.layout.feed(self.machine.cutter_rows, False)

            def cut():  # when the paper has moved so far
                self.machine.cut()
                self._rest = None
                return True

            self._rest = cut
        else:
            self.unsupported("GS V")  # no cutter on a 58 mm hand-held
        return True

    def _column_image(self):
        ring = self.ring
        if len(ring) < 5:
            return False
        mode = _COLUMN_MODES.get(ring.peek(2))
        if mode is None or ring.peek(4) > 3:
            # "nL and the data following are processed as normal data."
            self.error(f"ESC * {ring.peek(2)}")
            ring.drop(3)
            return True
        count = ring.peek(3) + 256 * ring.peek(4)
        ring.drop(5)
        size = mode[0] // 8
        columns = []

        def more():
            if len(columns) == count:
                self.layout.image(columns, mode[0], mode[1], mode[2])
                self._rest = None
                return True
            if len(ring) < size:
                return False
            columns.append(int.from_bytes(ring.take(size), "big"))
            return True

        self._rest = more
        return True

    def _raster(self):
        ring = self.ring
        if not self.machine.raster:
            # What follows is text to such a module: the "character dump".
            self.error("GS v 0 is not known here")
            ring.drop(2)
            return True
        if len(ring) < 8:
            return False
        zero, m = ring.peek(2), ring.peek(3)
        width = ring.peek(4) + 256 * ring.peek(5)
        rows = ring.peek(6) + 256 * ring.peek(7)
        m -= 48 if m >= 48 else 0
        if zero != 0x30 or m > 3 or not width or not rows:
            self.error(f"GS v {zero} {m}, {width} bytes x {rows}")
            ring.drop(2)
            return True
        ring.drop(8)
        if self.layout.pending():
            # Epson: "effective only when there is no data in the print buffer".
            self.error("GS v 0 inside a line")
            self.layout.feed(0)
        sx, sy = 1 + (m & 1), 1 + (m >> 1)
        if width * 8 * sx > self.layout.dots:
            self.error(f"GS v 0 is {width * 8 * sx} dots wide")
        left = [rows]

        def more():
            if not left[0]:
                self._rest = None
                return True
            if len(ring) < width:
                return False
            left[0] -= 1
            self.layout.raster(int.from_bytes(ring.take(width), "big"), width * 8, sx, sy)
            return True

        self._rest = more
        return True

    def _barcode(self):
        """GS k m: both forms, NUL-terminated (m <= 6) and counted (m >= 65)."""
        ring = self.ring
        if len(ring) < 4:
            return False
        if ring.peek(2) >= 65:
            if len(ring) < 4 + ring.peek(3):
                return False
            ring.drop(4 + ring.peek(3))
        else:
            end = 3
            while end < len(ring) and ring.peek(end):
                end += 1
            if end == len(ring):
                return False
            ring.drop(end + 1)
        self.unsupported("GS k")
        return True

    def _function(self):
        """GS ( x pL pH ...: QR codes under x = k, everything else is skipped."""
        ring = self.ring
        if len(ring) < 5:
            return False
        group = ring.peek(2)
        left = [ring.peek(3) + 256 * ring.peek(4)]
        ring.drop(5)
        data = bytearray()

        def more():
            if not left[0]:
                self._rest = None
                self._extended(group, bytes(data))
                return True
            if not len(ring):
                return False
            data.extend(ring.take(1))
            left[0] -= 1
            return True

        self._rest = more
        return True

    def _extended(self, group, data):
        if group == 0x4B and len(data) == 2 and data[0] == 49:
            self.commands.print_density(data[1])
            return
        if group != 0x6B or len(data) < 2 or data[0] != 49:
            self.unsupported(f"GS ( {chr(group)}")
            return
        fn = data[1]
        if fn not in self.machine.qr_functions:
            self.error(f"GS ( k function {fn}")
        elif fn == 80:  # function 180: store
            self.qr_data = data[3:]
        elif fn == 67:
            self.qr_module = data[2]
        elif fn == 69:
            self.qr_level = "LMQH"[data[2] - 48 & 3]
        elif fn == 81:  # function 181: print
            self.machine.qr_payloads.append(self.qr_data)
            if self.machine.qr is None:  # like many clones: nothing comes out
                self.unsupported("GS ( k 181")
            else:
                self._print_qr(self.machine.qr(self.qr_data, self.qr_level))

    def _print_qr(self, rows):
        if self.layout.pending():
            self.error("GS ( k 181 inside a line")
            self.layout.feed(0)
        if len(rows) * self.qr_module > self.layout.dots:
            self.error(f"a QR code of {len(rows)} modules of {self.qr_module} dots")
            return
        for row in rows:
            self.layout.raster(row, len(rows), self.qr_module, self.qr_module)


_SPECIAL = {
    (ESC, 0x2A): "_column_image",
    (ESC, 0x44): "_tabs",
    (GS, 0x28): "_function",
    (GS, 0x56): "_cut",
    (GS, 0x6B): "_barcode",
    (GS, 0x76): "_raster",
}
