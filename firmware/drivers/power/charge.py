# What a lithium cell's voltage says about its charge. Pure: samples in, flags out.
#
# A printer draws amperes and the voltage sags by half a volt for seconds: what counts is the best
# voltage of the last 20 seconds (the fourth best, for the converter's outliers), so that a low one
# must persist. A voltage at which the regulator itself fails counts after two seconds, load or
# not. While nothing charges the shown percentage only falls; a rise of 5 and more is believed
# after 20 seconds (a battery that was changed).

from array import array

from micropython import const

from ..sensor.adc import interpolate

# (mV at rest or light load, percent) of a lithium cell with 4.2 V, from makers' discharge curves
# at 0.2 C, 25 C.
LI_ION = (
    (4170, 100), (4060, 90), (3980, 80), (3920, 70), (3870, 60), (3820, 50), (3790, 40),
    (3770, 30), (3740, 20), (3680, 10), (3550, 5), (3300, 0),
)  # fmt: skip

_WINDOW = const(40)  # samples of 500 ms
_FIRST = const(8)  # so many make the first answer
_LOW_ON = const(15)
_LOW_OFF = const(20)
_CRITICAL_ON = const(5)
_CRITICAL_OFF = const(10)
_RISE = const(5)
_COLLAPSE_MV = const(3100)
_COLLAPSE = const(4)
_AGREE = const(3)  # samples for the charging pin
_LEAST_MV = const(2000)
_MOST_MV = const(4500)


def plausible(mv):
    """0: a cell can have that voltage; -1: too low for any; 1: too high."""
    return -1 if mv < _LEAST_MV else 1 if mv > _MOST_MV else 0


class Charge:
    """Feed it every 500 ms. `table`: (mV, percent), descending; `rise_mv`: how much a charger
    lifts the voltage. `percent` is None until four seconds are known."""

    def __init__(self, table=LI_ION, rise_mv=60):
        self._table = table
        self._rise = rise_mv
        self._window = array("H", [0] * _WINDOW)
        self.forget()

    def forget(self):
        """Nothing is known any more (another battery, a gap)."""
        self._n = 0
        self._at = 0
        self._deep = 0
        self._plugged = 0
        self._risen = 0
        self.mv = 0
        self.percent = None
        self.low = False
        self.critical = False
        self.charging = False

    def feed(self, mv, plugged, percent=-1):
        """`mv` of the cell; `plugged`: the charging pin; `percent` from a fuel gauge, -1 to go by
        the table."""
        self._charges(plugged)
        self._window[self._at] = mv
        self._at = (self._at + 1) % _WINDOW
        self._n = min(self._n + 1, _WINDOW)
        self._deep = self._deep + 1 if mv < _COLLAPSE_MV else 0
        best = self._fourth()
        if self._n <= _FIRST:
            self.mv = best  # nothing to smooth yet
        # A quarter of the way: the ripple that a median leaves.
        self.mv += (best - self.mv) // 4 if abs(best - self.mv) >= 4 else best - self.mv
        if self._n < _FIRST:
            return
        if percent < 0:
            percent = interpolate(self._table, self.mv - (self._rise if self.charging else 0))
        self._show(percent)
        self._flags()

    def _fourth(self):
        """The fourth highest of the window; the lowest while there are fewer."""
        a = b = c = d = 0
        least = 65535
        for i in range(self._n):
            v = self._window[i]
            least = min(least, v)
            if v > d:
                d = v
                if d > c:
                    c, d = d, c
                if c > b:
                    b, c = c, b
                if b > a:
                    a, b = b, a
        return d if self._n >= 4 else least

    def _charges(self, plugged):
        if bool(plugged) == self.charging:
            self._plugged = 0
            return
        self._plugged += 1
        if self._plugged >= _AGREE:
            self.charging = bool(plugged)
            self._plugged = 0

    def _show(self, percent):
        shown = self.percent
        self._risen = self._risen + 1 if shown is not None and percent >= shown + _RISE else 0
        if shown is None or self._risen >= _WINDOW:
            self.percent = percent
        elif self.charging:
            self.percent = max(shown, percent)
        else:
            self.percent = min(shown, percent)

    def _flags(self):
        percent = self.percent or 0
        self.low = percent <= (_LOW_OFF if self.low else _LOW_ON)
        # Beside a charger the power does not end, unless the charger is too weak for the load.
        deep = self._deep >= _COLLAPSE
        empty = percent <= (_CRITICAL_OFF if self.critical else _CRITICAL_ON)
        self.critical = deep or (empty and not self.charging)
