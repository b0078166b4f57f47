"""Fixed-length ESC/POS commands of the printer model: a table, and what each row does.

Owns: opcode, number of parameter bytes and effect of every command whose length is fixed.
Must not: read the receive buffer (printer_parser.py does).

Sources: Epson ESC/POS command reference (names and parameter counts), devices.md section 1.1,
Cashino CSN-A2 manual (ESC 7, DC2 #, ESC v).
"""

ESC, GS, FS, DLE, DC2 = 0x1B, 0x1D, 0x1C, 0x10, 0x12

# opcode: (parameter bytes, method or None). None: known, not supported.
COMMANDS = {
    ESC: {
        0x20: (1, "char_space"),  # SP
        0x21: (1, "print_mode"),  # !
        0x24: (2, "absolute"),  # $
        0x2D: (1, "underline"),  # -
        0x32: (0, "default_spacing"),  # 2
        0x33: (1, "spacing"),  # 3
        0x37: (3, "heat"),  # 7
        0x40: (0, "init"),  # @
        0x42: (2, None),  # B: buzzer
        0x45: (1, "bold"),  # E
        0x47: (1, "bold"),  # G: double strike, the same to a thermal head
        0x4A: (1, "feed_dots"),  # J
        0x4D: (1, "font"),  # M
        0x52: (1, None),  # R: international set
        0x56: (1, None),  # V: rotation
        0x5C: (2, None),  # \: relative position
        0x61: (1, "align"),  # a
        0x63: (2, None),  # c 3 / 4 / 5: sensors, buttons
        0x64: (1, "feed_lines"),  # d
        0x69: (0, None),  # i: cut
        0x6D: (0, None),  # m: cut
        0x70: (3, "drawer"),  # p
        0x74: (1, "codepage"),  # t
        0x76: (0, "module_status"),  # v
        0x7B: (1, None),  # {: upside down
    },
    GS: {
        0x21: (1, "size"),  # !
        0x42: (1, "reverse"),  # B
        0x48: (1, None),  # H
        0x49: (1, None),  # I: printer ID
        0x4C: (2, None),  # L: left margin
        0x50: (2, None),  # P: motion units
        0x57: (2, None),  # W: area width
        0x61: (1, "asb"),  # a
        0x62: (1, None),  # b: smoothing
        0x66: (1, None),  # f
        0x68: (1, None),  # h
        0x72: (1, "status"),  # r
        0x77: (1, None),  # w
        0x7C: (1, None),  # |
    },
    FS: {
        0x21: (1, "kanji_mode"),  # !
        0x26: (0, "kanji_on"),  # &
        0x2D: (1, "kanji_underline"),  # -
        0x2E: (0, "kanji_off"),  # .
        0x53: (2, "kanji_space"),  # S
        0x57: (1, "kanji_double"),  # W
    },
    DC2: {
        0x23: (1, "density"),  # #
        0x54: (0, None),  # T: test page
    },
}


def _on(n):
    """Switches look at the lowest bit only: 0, 48 off; 1, 49 on."""
    return bool(n & 1)


class Commands:
    """layout: Layout. machine: the Printer (errors, head, status, drawer)."""

    def __init__(self, layout, machine):
        self.layout = layout
        self.machine = machine

    def init(self):
        if self.layout.pending():
            self.machine.errors.add("ESC @ throws away a line that was not printed")
        self.layout.reset()
        self.machine.head.default_heat()

    def char_space(self, n):
        self.layout.space = n

    def print_mode(self, n):
        layout = self.layout
        layout.font_b = bool(n & 1)
        layout.bold = bool(n & 8)
        layout.sy = 2 if n & 16 else 1
        layout.sx = 2 if n & 32 else 1
        layout.underline = 1 if n & 128 else 0

    def absolute(self, low, high):
        self.layout.move_to(low + 256 * high)

    def underline(self, n):
        n -= 48 if n >= 48 else 0
        if n > 2:
            self.machine.errors.add(f"ESC - {n}")
        else:
            self.layout.underline = n

    def default_spacing(self):
        self.layout.spacing = self.layout.default_spacing

    def spacing(self, n):
        self.layout.spacing = n

    def heat(self, n1, n2, n3):
        head = self.machine.head
        head.max_dots = 8 * (n1 + 1)
        head.heat_us = 10 * n2
        head.interval_us = 10 * n3

    def density(self, n):
        head = self.machine.head
        head.density = 50 + 5 * (n & 31)
        head.break_us = 250 * (n >> 5)

    def print_density(self, m):
        """GS ( K, function 49: 0 is normal, 1 to 8 darker, 250 to 255 lighter."""
        if 8 < m < 250:
            self.machine.errors.add(f"GS ( K 49 {m}")
        else:
            self.machine.head.density = 100 + 5 * (m if m <= 8 else m - 256)

    def bold(self, n):
        self.layout.bold = _on(n)

    def feed_dots(self, n):
        self.layout.feed(n, False)

    def feed_lines(self, n):
        self.layout.feed(n * self.layout.spacing, False)

    def font(self, n):
        if n not in (0, 1, 48, 49):
            self.machine.errors.add(f"ESC M {n}")
        self.layout.font_b = _on(n)

    def align(self, n):
        n -= 48 if n >= 48 else 0
        if n > 2:
            self.machine.errors.add(f"ESC a {n}")
        elif self.layout.pending():
            # Epson: effective only at the beginning of a line.
            self.machine.errors.add("ESC a inside a line")
        else:
            self.layout.align = n

    def drawer(self, m, t1, t2):
        self.machine.drawer_pulses.append((m, 2 * t1, 2 * t2))

    def codepage(self, n):
        self.layout.codepage = n

    def size(self, n):
        if n & 0x88:
            self.machine.errors.add(f"GS ! 0x{n:02x}")
        self.layout.sx = (n >> 4 & 7) + 1
        self.layout.sy = (n & 7) + 1

    def reverse(self, n):
        self.layout.reverse = _on(n)

    def kanji_mode(self, n):
        self.layout.kanji_sx = 2 if n & 4 else 1
        self.layout.kanji_sy = 2 if n & 8 else 1
        self.layout.kanji_underline = 1 if n & 128 else 0

    def kanji_double(self, n):
        self.layout.kanji_sx = self.layout.kanji_sy = 2 if _on(n) else 1

    def kanji_underline(self, n):
        self.layout.kanji_underline = n % 48 if n % 48 <= 2 else 0

    def kanji_on(self):
        if self.machine.chinese:
            self.layout.chinese = True
        else:
            self.machine.unsupported.append("FS &")

    def kanji_off(self):
        self.layout.chinese = False

    def kanji_space(self, left, right):
        self.layout.kanji_left = left
        self.layout.kanji_right = right

    def asb(self, n):
        self.machine.status.enable_asb(n)

    def status(self, n):
        if self.machine.status_set == "esc_v":
            self.machine.unsupported.append("GS r")
            return
        self.machine.status.answer_gs_r(n)

    def module_status(self):
        self.machine.status.answer_esc_v()
