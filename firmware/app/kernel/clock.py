# Durations and the calendar. Everybody asks here; nobody else imports time for them.
#
# Durations come from ticks() and do not care for the calendar. The calendar is only shown and
# printed: the order of things never depends on it (it may jump by years when the host sets it).

import time

ticks = time.ticks_ms
diff = time.ticks_diff
add = time.ticks_add

# A terminal without a battery clock wakes up in 2000: before this year the calendar is not set.
FLOOR_YEAR = 2026

_rtc = None


_up_s = 0
_mark = ticks()


def uptime_s():
    """Seconds since the start. Differences of ticks reach 6 days only; this counts on, as long as
    somebody asks now and then (the watchdog's task does, twice a second)."""
    global _up_s, _mark
    s = diff(ticks(), _mark) // 1000
    if s > 0:
        _up_s += s
        _mark = add(_mark, s * 1000)
    elif s < 0:
        _mark = ticks()
    return _up_s


def use_rtc(rtc):
    """rtc: a machine.RTC, or None when the board has none (the calendar then stays unset)."""
    global _rtc
    _rtc = rtc


def now():
    """(year, month, day, hour, minute, second), local time."""
    return time.localtime()[:6]


def is_set():
    """Whether the calendar can be believed."""
    return time.localtime()[0] >= FLOOR_YEAR


def _days(year, month, day):
    return time.mktime((year, month, day, 0, 0, 0, 0, 0)) // 86400


def _exists(year, month, day):
    t = time.localtime(_days(year, month, day) * 86400)
    return t[1] == month and t[2] == day


def year_of(month, day):
    """The year in which MMDD lies, for host dates without a year: the one nearest to today, or the
    first possible one from FLOOR_YEAR on while the calendar is not set. ValueError when no such
    day exists."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError("month or day")
    y, mo, d = time.localtime()[:3]
    if y < FLOOR_YEAR:
        for year in range(FLOOR_YEAR, FLOOR_YEAR + 8):
            if _exists(year, month, day):
                return year
        raise ValueError("no such day")
    today = _days(y, mo, d)
    best = None
    for year in (y, y - 1, y + 1):
        if _exists(year, month, day):
            away = abs(_days(year, month, day) - today)
            if best is None or away < best[0]:
                best = (away, year)
    if best is None:
        raise ValueError("no such day")
    return best[1]


def adopt(date, time_):
    """Set the calendar from a host's F13 `MMDD` and F12 `hhmmss` (str of digits); by how many
    seconds it was off. ValueError when they are no date or time; the calendar is then
    unchanged."""
    mo, d = int(date[:2]), int(date[2:4])
    h, mi, s = int(time_[:2]), int(time_[2:4]), int(time_[4:6])
    if h > 23 or mi > 59 or s > 59:
        raise ValueError("time of day")
    year = year_of(mo, d)
    before = time.time()
    if _rtc is not None:
        _rtc.datetime((year, mo, d, 0, h, mi, s, 0))
    return abs(time.mktime((year, mo, d, h, mi, s, 0, 0)) - before)
