"""What the pins of the chips are good for.

Sources: ESP32-S3 and ESP32-C3 series data sheets, "Pin definitions", "Strapping pins"; technical
reference manuals, "Chip boot control"; ESP-IDF programming guide, "GPIO & RTC GPIO" of each chip;
ports/esp32/machine_pin.h of MicroPython, for what exists there.
"""

from dataclasses import dataclass


def _pins(*spans):
    """A set of pin numbers: numbers, and (first, last)."""
    out = set()
    for span in spans:
        out.update(range(span[0], span[1] + 1) if isinstance(span, tuple) else [span])
    return frozenset(out)


@dataclass(frozen=True)
class Chip:
    """`pins` exist. `refused` and `watched`: ({pins}, why). `psram`: kinds that its modules have,
    with the pins that each takes. `reference`: the board that a new one of this chip is made
    from; `mcu`: MicroPython's way to write its name."""

    target: str
    mcu: str
    pins: frozenset
    refused: tuple
    watched: tuple
    psram: dict
    reference: str


CHIPS = {
    "esp32s3": Chip(
        target="esp32s3",
        mcu="ESP32S3",
        pins=_pins((0, 21), (26, 48)),
        refused=(
            (_pins((26, 32)), "belongs to the flash"),
            (_pins(19, 20), "belongs to USB, where the console is"),
        ),
        watched=(
            (_pins(0), "strapping pin: low at reset starts the chip's loader"),
            (_pins(3), "strapping pin: source of JTAG, when the eFuses ask for it"),
            (_pins(45), "strapping pin: high at reset selects 1.8 V for the flash"),
            (_pins(46), "strapping pin: high at reset, and the loader of the chip cannot be used"),
            (_pins(43), "the chip's ROM writes there at every reset (U0TXD)"),
        ),
        psram={"none": _pins(), "quad": _pins(26), "octal": _pins((33, 37))},
        reference="SY_CLASSIC",
    ),
    "esp32c3": Chip(
        target="esp32c3",
        mcu="ESP32C3",
        pins=_pins((0, 21)),
        refused=(
            (_pins((11, 17)), "belongs to the flash and its supply"),
            (_pins(18, 19), "belongs to USB, where the console is"),
        ),
        watched=(
            (_pins(2), "strapping pin: must not be low at reset"),
            (_pins(8), "strapping pin: low at reset, and the loader of the chip cannot be used"),
            (_pins(9), "strapping pin: low at reset starts the chip's loader"),
            (_pins(21), "the chip's ROM writes there at every reset (U0TXD)"),
        ),
        psram={"none": _pins()},
        reference="SY_C3",
    ),
}

# MB of flash: the board whose partition table is taken
FLASH = {8: "SY_CLASSIC", 16: "SY_COUNTER"}
