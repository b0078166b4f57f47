# What differs from printer to printer, as data.
#
# Sources: Epson ESC/POS command reference (GS v 0, ESC *, GS ( k, GS ( K, GS V, GS r, DLE EOT),
# Cashino CSN-A2 and Zijiang ZJ-58LYDD manuals (ESC 7, DC2 #, ESC v). The bits of ESC v differ from
# maker to maker: a module that is not like these gets a row of its own.

from collections import namedtuple

from micropython import const

# The words of drivers.printer once more: only constants of this module make tables that stay in
# ROM. A test compares them.
_PAPER = const("paper")
_COVER = const("cover")
_HEAT = const("heat")
_VOLTAGE = const("voltage")
_CUTTER = const("cutter")
_BROKEN = const("broken")
_OFFLINE = const("offline")

# flow
NONE = const(0)  # nothing: paced by the speed of the paper and by fences alone
XONXOFF = const(1)
BUSY = const(2)  # a line, high while the terminal must not send

# raster
GS_V0 = const(0)
ESC_STAR = const(1)  # columns of 24 dots, for modules without GS v 0

# qr
DOTS = const(0)  # drawn by us
FULL = const(1)  # GS ( k, functions 165, 167, 169, 180, 181
SHORT = const(2)  # the clones that know only 167, 180 and 181

# A status question: (bytes to send, mask of the fixed bits of an answer, their value, rows). A row
# (mask, value, reason) says what is wrong when answer & mask == value, or, with value None, when
# any bit of the mask is set. In the order in which they are asked.
DLE_EOT = const(
    (
        (b"\x10\x04\x04", 0x93, 0x12, ((0x60, None, _PAPER),)),
        (
            b"\x10\x04\x03",
            0x93,
            0x12,
            ((0x08, None, _CUTTER), (0x20, None, _BROKEN), (0x40, None, _HEAT)),
        ),
        # last: its error bit does not say which
        (
            b"\x10\x04\x02",
            0x93,
            0x12,
            ((0x04, None, _COVER), (0x20, None, _PAPER), (0x40, None, _OFFLINE)),
        ),
    )
)
_ESC_V = const(
    (
        b"\x1bv",
        0xB2,
        0x00,
        ((0x04, None, _PAPER), (0x08, None, _VOLTAGE), (0x40, None, _HEAT), (0x01, 0, _OFFLINE)),
    )
)
ESC_V = const((_ESC_V,))

# A fence: (bytes to send, mask, value, rows) as a question; it is answered when everything before
# it is on paper.
GS_R = const((b"\x1dr\x01", 0x90, 0x00, ()))

# Density: (first byte strings, lightest to darkest); the middle one is the default.
_DC2 = const((b"\x12#\x00", b"\x12#\x05", b"\x12#\x0a", b"\x12#\x0f", b"\x12#\x14"))
_GS_K = const(
    (
        b"\x1d(K\x02\x001\xfb",
        b"\x1d(K\x02\x001\xfe",
        b"\x1d(K\x02\x001\x00",
        b"\x1d(K\x02\x001\x03",
        b"\x1d(K\x02\x001\x06",
    )
)
# ESC 7: 64 dots at once, 800 us, 20 us apart: the modules' own default. More dots at once print
# faster and take more current: a battery's voltage then breaks down.
_ESC_7 = const(b"\x1b7\x07\x50\x02")
_FEED_CUT = const(b"\x1dVB\x00")  # to the cutter, then a partial cut

FIELDS = (
    "name",
    "dots",  # across the paper, 8 a millimetre
    "columns",  # single-width characters a line, 12 dots each
    "line_us",  # of one dot row at full speed: what the buffer drains at, at the best
    "buffer",  # bytes that the printer takes while it prints
    "flow",
    "gb18030",  # whether its ROM has the two-byte characters
    "raster",
    "qr",
    "status",
    "fence",
    "heat",  # bytes at the start of a job, b"" for none
    "density",  # five byte strings, () when it cannot be set
    "cutter",  # bytes that feed and cut, b"" for none
)
Profile = namedtuple("Profile", FIELDS)  # type: ignore[misc]

ROWS = (
    # TTL module without flow control and without Chinese characters
    ("ttl58", 384, 32, 2000, 1024, NONE, False, GS_V0, DOTS,
     ESC_V, _ESC_V, _ESC_7, _DC2, b""),
    # the same of older make: no raster command
    ("column58", 384, 32, 2000, 1024, NONE, False, ESC_STAR, DOTS,
     DLE_EOT, GS_R, _ESC_7, _DC2, b""),
    # 58 mm with Chinese characters
    ("chinese58", 384, 32, 2000, 4096, XONXOFF, True, GS_V0, DOTS,
     DLE_EOT, GS_R, b"", _DC2, b""),
    # 80 mm with Chinese characters and a cutter
    ("chinese80", 576, 48, 1200, 4096, BUSY, True, GS_V0, SHORT,
     DLE_EOT, GS_R, b"", _DC2, _FEED_CUT),
    # 80 mm after Epson's TM-T88
    ("epson80", 576, 48, 800, 4096, BUSY, False, GS_V0, FULL,
     DLE_EOT, GS_R, b"", _GS_K, _FEED_CUT),
)  # fmt: skip

NAMES = const(("ttl58", "column58", "chinese58", "chinese80", "epson80"))


def get(name):
    """The Profile of that name. KeyError when there is none."""
    for row in ROWS:
        if row[0] == name:
            return Profile(*row)
    raise KeyError(name)
