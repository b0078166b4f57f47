# From the controller's coordinates to the screen's: six integers (a, b, c, d, e, f) with
#
#   x = (a * X + b * Y + c) >> 16        y = (d * X + e * Y + f) >> 16
#
# They come from three points (Texas Instruments SLYT277, "Calibration in touch-screen systems"),
# or from how a panel is mounted; a tuple of six int is what is saved. Everything is integer
# arithmetic: the same numbers on every processor.

from micropython import const

_ONE = const(65536)

# Why a calibration is not accepted
NOT_SIX_INTEGERS = "not_six_integers"
FLAT = "flat"  # the three points lie on a line, or too close together
SKEWED = "skewed"  # no panel is mounted that way: a point was not hit
SCALE = "scale"  # the screen's corners lie outside the panel, or the panel is far larger
OFF = "off"  # the fourth point does not fit


def targets(width, height):
    """Four points to touch: three to solve() with, the fourth to judge with error()."""
    left, right = width // 8, width - 1 - width // 8
    top, bottom = height // 8, height - 1 - height // 8
    return (left, top), (right, height // 2), (width // 2, bottom), (right, top)


def _divided(n, d):
    """n / d, rounded to the nearest integer; d > 0."""
    return (2 * n + d) // (2 * d)


def solve(screen, raw):
    """(six int, "") from three points on the screen and the three raw ones that were measured
    there, each a tuple of (x, y); (None, FLAT) when they cannot say."""
    (x0, y0), (x1, y1), (x2, y2) = raw
    det = (x0 - x2) * (y1 - y2) - (x1 - x2) * (y0 - y2)
    # Twice the area of the triangle: the targets span a quarter of the raw range and more; a
    # hundredth of 12 bit squared is what nobody measures by touching them.
    if abs(det) < 2_000:
        return None, FLAT
    out = []
    for axis in (0, 1):
        s0, s1, s2 = screen[0][axis], screen[1][axis], screen[2][axis]
        p = ((s0 - s2) * (y1 - y2) - (s1 - s2) * (y0 - y2)) * _ONE
        q = ((x0 - x2) * (s1 - s2) - (x1 - x2) * (s0 - s2)) * _ONE
        if det < 0:
            p, q = -p, -q
        p, q = _divided(p, abs(det)), _divided(q, abs(det))
        # The half makes >> 16 round to the nearest dot.
        out += [p, q, s0 * _ONE - p * x0 - q * y0 + _ONE // 2]
    return tuple(out), ""


def apply(six, x, y):
    """(x, y) on the screen of a raw point."""
    a, b, c, d, e, f = six
    return (a * x + b * y + c) >> 16, (d * x + e * y + f) >> 16


def error(six, screen, raw):
    """Dots between the point `screen` and what `raw` becomes, the larger of both axes."""
    x, y = apply(six, raw[0], raw[1])
    return max(abs(x - screen[0]), abs(y - screen[1]))


def turned(width, height, quarters, mirror=False):
    """Six int for a panel of width x height dots (its own, unturned) whose picture is turned by
    `quarters` x 90 degrees clockwise, mirrored left to right before that."""
    w, h = width - 1, height - 1
    # x and y of the screen as (X, Y, offset); the offset counts in dots
    x, y = ((-1, 0, w) if mirror else (1, 0, 0)), (0, 1, 0)
    for _ in range(quarters & 3):
        x, y = y, (-x[0], -x[1], w - x[2])
        w, h = h, w
    half = _ONE // 2
    return (x[0] * _ONE, x[1] * _ONE, x[2] * _ONE + half,
            y[0] * _ONE, y[1] * _ONE, y[2] * _ONE + half)  # fmt: skip


def compose(outer, inner):
    """Six int that do `inner` first, then `outer`: a calibration of the unturned screen, then
    turned()."""
    a, b, c, d, e, f = inner
    half = _ONE // 2
    out = []
    for p, q, r in (outer[:3], outer[3:]):
        out += [
            _divided(p * a + q * d, _ONE),
            _divided(p * b + q * e, _ONE),
            _divided(p * (c - half) + q * (f - half), _ONE) + r,
        ]
    return tuple(out)


def check(six, width, height, raw_width, raw_height):
    """ "" when these six int can be a panel's whose raw coordinates reach to raw_width - 1 and
    raw_height - 1 under a screen of width x height dots; else the reason. Takes whatever comes
    out of a settings file."""
    if not isinstance(six, (tuple, list)) or len(six) != 6:
        return NOT_SIX_INTEGERS
    for n in six:
        # Larger ones are no panel's, and would make long integers of every sample.
        if not isinstance(n, int) or isinstance(n, bool) or not -(1 << 28) < n < 1 << 28:
            return NOT_SIX_INTEGERS
    a, b, c, d, e, f = six
    det = abs(a * e - b * d)
    if not det:
        return FLAT
    # What an axis of the panel does to the other axis of the screen: an eighth at most.
    for p, q in ((a, b), (d, e)):
        u, v = abs(p) * raw_width, abs(q) * raw_height
        if min(u, v) * 8 > max(u, v):
            return SKEWED
    if (abs(a) * raw_width > abs(b) * raw_height) == (abs(d) * raw_width > abs(e) * raw_height):
        return SKEWED
    area = det * raw_width * raw_height >> 32
    if not width * height * 3 // 4 <= area <= width * height * 3:
        return SCALE
    # The screen's corners, seen from the panel, lie on it, give or take a tenth.
    sign = 1 if a * e - b * d > 0 else -1
    for sx in (0, width - 1):
        for sy in (0, height - 1):
            u, v = sx * _ONE - c, sy * _ONE - f
            x, y = sign * (u * e - v * b) // det, sign * (v * a - u * d) // det
            if not -raw_width // 10 <= x <= raw_width + raw_width // 10:
                return SCALE
            if not -raw_height // 10 <= y <= raw_height + raw_height // 10:
                return SCALE
    return ""
