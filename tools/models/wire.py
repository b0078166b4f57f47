# A serial line between the terminal's UART and a device model: bytes take their time on it.
#
# Owns the bytes that are under way in both directions. Knows baud rates, start and stop bits (8N1:
# ten bit times a byte), nothing of what the bytes mean. Runs on CPython and on MicroPython.

# Bytes are handed over in lumps of at most this long a time, as a receiver's interrupt would see
# them (ESP32: FIFO-full threshold 120 bytes or a pause). Smaller lumps only cost simulation time.
_LUMP_US = 2000


class _Lane:
    """One direction of a line: bytes that were put in at some time come out when they have been
    sent."""

    def __init__(self):
        self.data = bytearray()
        self.start_us = 0  # when the first byte of `data` began its way
        self.byte_us = 87

    def put(self, data, now_us):
        if not data:
            return
        if not self.data:
            self.start_us = now_us
        self.data += data

    def due(self):
        """Absolute time [us] at which the next lump is complete, or None."""
        if not self.data:
            return None
        n = min(len(self.data), max(1, _LUMP_US // self.byte_us))
        return self.start_us + n * self.byte_us

    def take(self, now_us):
        """bytes that are complete at now_us."""
        n = min(len(self.data), (now_us - self.start_us) // self.byte_us)
        if n <= 0:
            return b""
        out = bytes(self.data[:n])
        self.data = self.data[n:]
        self.start_us += n * self.byte_us
        return out

    def drop(self):
        self.data = bytearray()


class Wire:
    """UART line between terminal and `device` (a UART peer: receive, transmit, next_due, advance).

    `baud` is the device's rate in bit/s; while the terminal's rate differs, every byte arrives
    broken.
    """

    def __init__(self, device, baud=115200):
        self.device = device
        self.baud = baud
        self.terminal_baud = 0
        self._to_device = _Lane()
        self._to_terminal = _Lane()

    def configure(self, baud):
        """The terminal's UART was set to `baud` bit/s."""
        self.terminal_baud = baud
        self._to_device.byte_us = max(1, 10_000_000 // baud)
        self._to_terminal.byte_us = max(1, 10_000_000 // self.baud)

    def _broken(self, data):
        # A wrong rate samples the bits at wrong places; what matters is that no byte survives.
        if self.terminal_baud == self.baud:
            return data
        return bytes([b ^ 0xA5 for b in data])

    def send(self, data, now_us):
        """The terminal puts `data` on its TX line."""
        self._to_device.put(data, now_us)

    def next_due(self):
        due = None
        for t in (self._to_device.due(), self._to_terminal.due(), self.device.next_due()):
            if t is not None and (due is None or t < due):
                due = t
        return due

    def advance(self, now_us):
        """Move everything up to now_us; returns the bytes that arrived at the terminal (b"" if
        none)."""
        self.device.advance(now_us)
        data = self._to_device.take(now_us)
        if data:
            self.device.receive(self._broken(data), now_us)
        data = self.device.transmit(now_us)
        if data and self.terminal_baud:
            self._to_terminal.put(data, now_us)
        data = self._to_terminal.take(now_us)
        return self._broken(data) if data else b""

    def reset(self):
        """The terminal lost power or was reset: its half-sent bytes end, its rate is unset."""
        self._to_device.drop()
        self._to_terminal.drop()
        self.terminal_baud = 0
