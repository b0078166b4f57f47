# Clock chips count in BCD. Pure: bytes to a checked time and back.

from micropython import const

from . import DIGITS, RANGE

_FIRST_YEAR = const(2000)
_LAST_YEAR = const(2099)  # the chips think that 2100 is a leap year
_DAYS = b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"


def from_bcd(b):
    """0-99, or -1 when a digit is none."""
    low, high = b & 0x0F, b >> 4
    return -1 if low > 9 or high > 9 else 10 * high + low


def to_bcd(n):
    return n // 10 << 4 | n % 10


def days_in(year, month):
    """Days of a month; 2000 to 2099."""
    return 29 if month == 2 and not year & 3 else _DAYS[month - 1]


def weekday(year, month, day):
    """0 Monday to 6 Sunday; 2000-01-01 was a Saturday."""
    y = year - _FIRST_YEAR
    n = y * 365 + (y + 3) // 4 + day - 1
    for m in range(1, month):
        n += days_in(year, m)
    return (n + 5) % 7


def hour_of(b):
    """0-23 from an hour register, 24 or 12 hours (bit 6: 12 hours, bit 5: afternoon); -1 for no
    digits, -2 for no hour."""
    if not b & 0x40:
        h = from_bcd(b & 0x3F)
        return h if h <= 23 else -2
    h = from_bcd(b & 0x1F)
    if h < 0:
        return -1
    if not 1 <= h <= 12:
        return -2
    return h % 12 + (12 if b & 0x20 else 0)


def checked(year, month, day, hour, minute, second):
    """("", time) of numbers that stand for a date; (reason, None) of others. -1 is a number with a
    wrong digit."""
    if min(year, month, day, minute, second) < 0 or hour == -1:
        return DIGITS, None
    reason = check((_FIRST_YEAR + year, month, day, 0, hour, minute, second, 0))
    if reason:
        return reason, None
    year += _FIRST_YEAR
    return "", (year, month, day, weekday(year, month, day), hour, minute, second, 0)


def check(t):
    """ "" when `t` is a time that a chip can keep (2000 to 2099), else RANGE."""
    y, mo, d, _, h, mi, s = t[:7]
    if not (_FIRST_YEAR <= y <= _LAST_YEAR and 1 <= mo <= 12 and 0 <= h <= 23):
        return RANGE
    if not (0 <= mi <= 59 and 0 <= s <= 59 and 1 <= d <= days_in(y, mo)):
        return RANGE
    return ""


def seconds(t):
    """Seconds since 2000, to compare two times."""
    y = t[0] - _FIRST_YEAR
    days = y * 365 + (y + 3) // 4 + t[2] - 1
    for m in range(1, t[1]):
        days += days_in(t[0], m)
    return ((days * 24 + t[4]) * 60 + t[5]) * 60 + t[6]
