# The printer's self-test page, as a document of any printer: which profile is set, what its code
# page and its Chinese characters look like, how dark each density is, and a QR code by its own
# command and by dots. Who reads it sees whether the profile fits: a line that is missing or wrong
# names the field to change.

from . import escpos

_CODE_PAGE = 0  # CP437, the one that every printer has
_BAR_ROWS = 16


def document(profile, code=b"SHOUYIN TEST"):
    """Yield the lines; `code`: bytes of the QR codes."""
    yield profile.name, "cbwh"
    yield "%d dots, %d columns" % (profile.dots, profile.columns), ""
    yield ("0123456789" * 5)[: profile.columns], ""
    yield "", "-"
    yield "CODE PAGE %d" % _CODE_PAGE, ""
    for start in range(0x80, 0x100, 32):
        row = bytes(range(start, start + 32))
        yield (escpos.code_page(_CODE_PAGE) + row + b"\n", escpos.DOT_ROWS), "x"
    yield "中文 收银 〓", ""
    yield "", "-"
    for level in range(len(profile.density)):
        yield (profile.density[level], 0), "x"
        yield "DENSITY %d" % (level + 1), ""
        yield (profile.dots // 2, _BAR_ROWS, b"\xaa\x55" * (profile.dots // 32 * _BAR_ROWS)), "i"
    if profile.density:
        yield (profile.density[len(profile.density) // 2], 0), "x"
    yield "", "-"
    yield "QR BY COMMAND", "c"
    yield code, "qN"
    yield "QR BY DOTS", "c"
    yield code, "qR"
