"""Status bytes of the printer model.

Owns: the bits of DLE EOT 1-4, GS r, GS a (automatic status back) and ESC v.
Must not: decide when the printer stops; it asks the machine.

Sources: Epson TM-U220 / TM-T88 command reference (DLE EOT n, GS r n, GS a n; basic ASB is four
bytes, transmitted when GS a is executed and whenever an enabled item changes), devices.md section
1.1 (test vector: out of paper = 1A / 32 / 7E, idle n=1 = 12 or 16; ESC v bits of embedded 58 mm
modules: 0 online, 2 paper out, 3 voltage, 6 over temperature).
"""


class Status:
    """machine: the Printer. Its attributes drawer_high, cover_open, feed_pressed are read here."""

    def __init__(self, machine):
        self.machine = machine
        self.reset()

    def reset(self):
        self._asb = 0
        self._asb_last = None

    def realtime(self, n):
        """-> the one byte that answers DLE EOT n, or None for another n."""
        m = self.machine
        head = m.head
        out = 0x12
        if n == 1:
            out |= 0x04 if m.drawer_high else 0
            out |= 0x08 if not m.online() else 0
            out |= 0x40 if m.feed_pressed else 0
        elif n == 2:
            out |= 0x04 if m.cover_open else 0
            out |= 0x08 if m.feed_pressed else 0
            out |= 0x20 if head.paper_out() else 0
            out |= 0x40 if self._error() else 0
        elif n == 3:
            out |= 0x08 if m.cutter_error else 0
            out |= 0x20 if m.broken else 0
            out |= 0x40 if head.overheated or m.voltage_low else 0
        elif n == 4:
            out |= 0x0C if head.near_end() else 0
            out |= 0x60 if head.paper_out() else 0
        else:
            return None
        return out

    def _error(self):
        m = self.machine
        return m.broken or m.cutter_error or m.head.overheated or m.voltage_low

    def answer_gs_r(self, n):
        m = self.machine
        if n in (1, 49):
            # Bits 2 and 3 (paper end) cannot be seen here: without paper GS r is not executed.
            m.answer(bytes((0x03 if m.head.near_end() else 0x00,)))
        elif n in (2, 50):
            m.answer(bytes((0x01 if m.drawer_high else 0x00,)))
        else:
            m.errors.add(f"GS r {n}")

    def answer_esc_v(self):
        m = self.machine
        out = 0x01 if m.online() else 0x00
        out |= 0x04 if m.head.paper_out() else 0
        out |= 0x08 if m.voltage_low else 0
        out |= 0x40 if m.head.overheated else 0
        m.answer(bytes((out,)))

    # --- automatic status back ------------------------------------------------------------------

    def enable_asb(self, n):
        """GS a n: bit 0 drawer, 1 online / offline, 2 error, 3 paper sensors."""
        self._asb = n & 0x0F
        if self._asb:
            self._asb_last = self._watched()
            self.machine.send(self.asb())

    def asb(self):
        """-> bytes, the four bytes of basic ASB."""
        m = self.machine
        first = 0x10
        first |= 0x04 if m.drawer_high else 0
        first |= 0x08 if not m.online() else 0
        first |= 0x20 if m.cover_open else 0
        first |= 0x40 if m.feed_pressed else 0
        second = 0x20 if m.broken else 0
        second |= 0x08 if m.cutter_error else 0
        second |= 0x40 if m.head.overheated or m.voltage_low else 0
        third = 0x03 if m.head.near_end() else 0
        third |= 0x0C if m.head.paper_out() else 0
        return bytes((first, second, third, 0))

    def _watched(self):
        first, second, third, _ = self.asb()
        asb = self._asb
        return (
            first & 0x04 if asb & 1 else 0,
            first & 0x68 if asb & 2 else 0,
            second if asb & 4 else 0,
            third if asb & 8 else 0,
        )

    def look(self):
        """Sends ASB when an enabled item has changed since the last time."""
        if self._asb:
            now = self._watched()
            if now != self._asb_last:
                self._asb_last = now
                self.machine.send(self.asb())
