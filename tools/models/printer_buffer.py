"""Receive buffer, error list and default character decoding of the printer model.

Owns: a ring of bytes, a bounded list. Must not: know commands.
"""

_MAX_ERRORS = 200

# ESC t n: code pages that CPython's codecs know (Epson numbering).
_CODEPAGES = {0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 16: "cp1252"}
_CODEPAGES.update({17: "cp866", 18: "cp852", 19: "cp858"})


def host_codepage(n, byte):
    """-> the character of single-byte code page ESC t n, or None. Needs the host's codecs."""
    try:
        return bytes((byte,)).decode(_CODEPAGES[n])
    except (KeyError, LookupError, UnicodeError):
        return None


def host_gb18030(two):
    """-> the character of a two-byte GB18030 code. Needs the host's codecs."""
    return two.decode("gb18030")


class Errors(list):
    """Texts of what a correct terminal would not have sent; bounded, but all are counted."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def add(self, text):
        self.count += 1
        if len(self) < _MAX_ERRORS:
            self.append(text)


class Ring:
    """Receive buffer of fixed size."""

    def __init__(self, size):
        self._buf = bytearray(size)
        self._at = 0
        self._n = 0

    def __len__(self):
        return self._n

    def put(self, byte):
        """-> False when full."""
        buf = self._buf
        if self._n == len(buf):
            return False
        buf[(self._at + self._n) % len(buf)] = byte
        self._n += 1
        return True

    def peek(self, i):
        return self._buf[(self._at + i) % len(self._buf)]

    def drop(self, n):
        self._at = (self._at + n) % len(self._buf)
        self._n -= n

    def take(self, n):
        """-> bytes, the n oldest ones, which leave the buffer."""
        buf, at = self._buf, self._at
        out = bytes(buf[at : at + n])
        if len(out) < n:
            out += bytes(buf[: n - len(out)])
        self.drop(n)
        return out
