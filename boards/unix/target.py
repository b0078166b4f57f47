# Which chip the board has, and what the ESP32 port of MicroPython gives of it. The board's
# board.json names the chip.
#
# Sources: ports/esp32 machine_pin.h (pins), machine_uart.c, machine_hw_spi.c, machine_i2c.c,
# machine_timer.c, machine_adc.c, machine_pwm.c with ESP-IDF's soc_caps.h of each chip, and
# modmachine.c (frequencies).

import json

import wires

_S3_MHZ = (20, 40, 80, 160, 240)
_C3_MHZ = (20, 40, 80, 160)

# chip: (last GPIO, missing GPIOs, UARTs, SPIs, I2Cs, timers, (first, last) pin of ADC block 1, the
# same of block 2, PWM channels, MHz that freq() takes)
_CHIPS = {
    # GPIO27 to 32 belong to the flash
    "esp32s3": (48, (22, 23, 24, 25, 27, 28, 29, 30, 31, 32), 3, 2, 2, 4, (1, 10), (11, 20), 8,
                _S3_MHZ),
    # GPIO14 to 17 belong to the flash; GPIO18 and 19 are the USB console's
    "esp32c3": (21, (14, 15, 16, 17, 18, 19), 2, 1, 1, 2, (0, 4), (5, 5), 6, _C3_MHZ),
}  # fmt: skip

NAME = json.loads(wires.table("board.json"))["mcu"]
(LAST_PIN, MISSING_PINS, UARTS, SPIS, I2CS, TIMERS, ADC_1, ADC_2, PWMS, MHZ) = _CHIPS[NAME]
del _CHIPS


def has_pin(number):
    return 0 <= number <= LAST_PIN and number not in MISSING_PINS
