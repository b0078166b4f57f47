# The ESP32 port's `time`, over the simulated board's clock.
#
# Shadows the built-in module (which stays reachable as utime). Ticks wrap at 2**30 ms as on the
# ESP32, and start 20 s before the wrap, so that every run crosses it. time() counts whole seconds
# since 2000-01-01, the epoch of the ESP32 port (the Unix port's own is 1970).

import bus
import utime

_EPOCH_2000 = 946_684_800  # 2000-01-01 in seconds since 1970
_PERIOD = 1 << 30
_HALF = _PERIOD >> 1
_START_MS = -20_000  # masked: 20 s before the wrap; a small int on a 32-bit board too

_calendar_offset_s = 0  # set by machine.RTC


def _running_s():
    return bus.current.epoch_s + bus.current.now_us() // 1_000_000 - _EPOCH_2000


def _set_calendar(seconds):
    global _calendar_offset_s
    _calendar_offset_s = seconds - _running_s()


def ticks_ms():
    b = bus.current
    if b.virtual:
        b.spend(1)  # a loop that only looks at the clock must see it move
    return (b.now_us() // 1000 + _START_MS) & (_PERIOD - 1)


def ticks_us():
    b = bus.current
    if b.virtual:
        b.spend(1)
    return (b.now_us() + _START_MS * 1000) & (_PERIOD - 1)


def ticks_cpu():
    return ticks_us()


def ticks_add(ticks, delta):
    if not -_HALF < delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return (ticks + delta) & (_PERIOD - 1)


def ticks_diff(end, start):
    return ((end - start + _HALF) & (_PERIOD - 1)) - _HALF


def sleep_us(us):
    if us > 0:
        bus.current.spend(us)


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep(seconds):
    sleep_us(int(seconds * 1_000_000))


def time():
    return _running_s() + _calendar_offset_s


def time_ns():
    return time() * 1_000_000_000


def gmtime(seconds=None):
    return utime.gmtime((time() if seconds is None else seconds) + _EPOCH_2000)[:8]


localtime = gmtime


def mktime(t):
    return int(utime.mktime(tuple(t) + ((0,) if len(t) == 8 else ()))) - _EPOCH_2000
