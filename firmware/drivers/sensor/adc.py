# Analogue inputs: one number out of several conversions.
#
# The ESP32's converter has outliers of tens of millivolts while the radio sends: a median takes
# them out, a mean would not. Inputs belong on ADC block 1 (ESP32-S3: GPIO 1-10); block 2 cannot be
# read while Wi-Fi is on.

from micropython import const

SAMPLES = const(5)


def median_uv(adc, room):
    """Median of five readings [uV]; some 0.3 ms. `adc`: machine.ADC; `room`: a list of five
    integers, so that nothing else is allocated. OSError from a converter that is in use."""
    for i in range(SAMPLES):
        v = adc.read_uv()
        j = i
        while j and room[j - 1] > v:
            room[j] = room[j - 1]
            j -= 1
        room[j] = v
    return room[SAMPLES // 2]


def interpolate(table, x):
    """y at x between the (x, y) of a table whose x descend; its ends beyond them."""
    x1, y1 = table[0]
    if x >= x1:
        return y1
    for x0, y0 in table:
        if x >= x0:
            return y0 + (y1 - y0) * (x - x0) // (x1 - x0)
        x1, y1 = x0, y0
    return y1
