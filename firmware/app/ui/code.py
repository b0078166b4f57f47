# A QR code on the glass; loaded when one is shown.

from .screens import OK, Screen


class Code(Screen):
    """A QR code for the customer's telephone: any key ends it. `code`: (size, bits) of
    text.qr.encode."""

    def __init__(self, code, timeout_ms):
        self.code = code
        self.timeout_ms = timeout_ms

    def render(self, c):
        c.code(self.code[0], self.code[1])

    def key(self, name):
        return OK

    def touch(self, row, column, rows, columns):
        return OK
