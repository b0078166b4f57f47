"""What docs/hardware.md says of chips and parts, as tables: pins that are special on a chip, and for
each kind of part what to buy, what it draws, and what its terminals are called.

Sources: Espressif ESP32-S3 series data sheet, "Strapping pins" and table "Pin overview"; ESP32-C3
series data sheet, "Strapping pins"; the data sheets and manuals that the drivers name. Currents are
the makers' figures for planning a supply, not measured by us.
"""

from dataclasses import dataclass

# {chip: {GPIO: (short note for the table, what must be looked at when it is wired, or "")}}
SPECIAL = {
    "esp32s3": {
        0: ("strapping: boot mode", "Low at reset starts the ROM's loader."),
        3: (
            "strapping: JTAG source",
            "Any level is fine at reset, unless somebody has burnt the eFuse STRAP_JTAG_SEL.",
        ),
        19: ("USB D-", "The USB cable; nothing else."),
        20: ("USB D+", "The USB cable; nothing else."),
        38: (
            "",
            "ESP32-S3-DevKitC-1 v1.1 has its RGB LED here: it may flicker, which does no harm.",
        ),
        43: (
            "UART 0: the ROM talks here at reset",
            "The device sees some rubbish at 115,200 baud whenever the board starts.",
        ),
        45: ("strapping: flash voltage", "Leave it open: high at reset gives the flash 1.8 V."),
        46: (
            "strapping: ROM messages",
            "Must not be pulled high from outside: with GPIO0 low the loader then does not start. "
            "Use the chip's own pull-up only, which comes on after the boot.",
        ),
        47: ("", "1.8 V on modules with R8V or R16V in their name: take one without the V."),
        48: ("", "As GPIO47. ESP32-S3-DevKitC-1 v1.0 has its RGB LED here: cut it off."),
    },
    "esp32c3": {
        2: (
            "strapping: must be high",
            "Must not be low at reset. The reader's output rests high; without a reader fit 10 kOhm "
            "to 3.3 V.",
        ),
        8: (
            "strapping: high for the loader",
            "Must be high at reset when the ROM's loader is wanted. The 10 kOhm pull-up of INT does "
            "that; boards with an RGB LED here (DevKitC-02, DevKitM-1) must lose it.",
        ),
        9: (
            "strapping: boot mode",
            "Leave it to the BOOT button: low at reset starts the loader.",
        ),
        18: ("USB D-", "The USB cable; nothing else."),
        19: ("USB D+", "The USB cable; nothing else."),
        21: (
            "UART 0: the ROM talks here at reset",
            "The modem may see PWRKEY move when the board starts; pulses are too short to count.",
        ),
    },
}


@dataclass(frozen=True)
class Part:
    """`terminals`: {signal of pins.csv: name on the device}; a signal with * at its end stands for
    all that begin so, and {} for what follows. `buy`: what to look for; `supply`: volts, current;
    `care`: what goes wrong."""

    title: str
    buy: str
    supply: str
    terminals: dict
    care: str = ""


_LCD = {"LCD_CS": "CS", "LCD_DC": "DC", "LCD_RST": "RES"}
_I2C = {"I2C_SCL": "SCL", "I2C_SDA": "SDA"}
_PULLS = "2.2 to 4.7 kOhm from SCL and SDA to 3.3 V, once for the whole bus"
_UART_1V8 = (
    "The module's UART, STATUS and VDD_EXT are 1.8 V: put a level shifter between (TXS0108E, or two "
    'BSS138 with 10 kOhm), fed with VDD_EXT on its side. A carrier board with "3.3 V TTL" on it has '
    "one. PWRKEY is low active here; where a carrier turns it round with a transistor, bridge that. "
    "PWRKEY is pulled up to the module's supply on some modules: then a diode (1N5819, cathode to the "
    "GPIO)"
)
_MODEM_SUPPLY = (
    "3.4 to 4.2 V (nominal 3.8 V), 2 A in bursts of 0.6 ms: an own regulator (TPS54331, MP2315 or a "
    "Li-ion cell), and 470 uF low ESR + 100 nF right at VBAT"
)

PARTS = {
    "ST7567": Part(
        "Display 128x64",
        'COG module with ST7567 or UC1701X, 4-line SPI ("serial" in the drawing), 3.3 V logic',
        "3.3 V, 1 mA, backlight 20 to 60 mA",
        {
            "LCD_CS": "CS (CSB)",
            "LCD_DC": "A0 (RS)",
            "LCD_RST": "RES (RSTB)",
            "LCD_SCK": "SCL (D6)",
            "LCD_MOSI": "SDA (SI, D7)",
        },
        "The backlight needs its resistor; modules without built-in capacitors need those of their "
        "drawing at the booster's pins.",
    ),
    "ST7789": Part(
        "Display 320x240 colour",
        '2.4" or 2.8" IPS module with ST7789V on 4-line SPI; not the one with a parallel bus',
        "3.3 V, backlight 40 to 100 mA by a transistor",
        {**_LCD, "LCD_SCK": "SCL", "LCD_MOSI": "SDA (SDI)", "LCD_BL": "BLK (LED)"},
        "BLK carries the light's current on some modules: then a transistor between.",
    ),
    "ILI9488": Part(
        "Display 320x480 colour",
        '3.5" module with ILI9488 on 4-line SPI (18 bits a pixel) and a capacitive panel',
        "3.3 V logic, often 5 V at VCC; backlight 120 mA by a transistor",
        {**_LCD, "LCD_SCK": "SCK", "LCD_MOSI": "SDI (MOSI)", "LCD_BL": "LED"},
        "Leave SDO open: it does not let go of the bus when CS is high.",
    ),
    "SSD1306": Part(
        "Display 128x64 OLED",
        '0.96" or 1.3" module with SSD1306 (not SH1106) on I2C, address 0x3C',
        "3.3 V, 25 mA",
        _I2C,
        "Its own pull-ups may be enough for the bus; a module that pulls up to 5 V must lose them.",
    ),
    "FT6336": Part(
        "Touch panel",
        "on the display: FocalTech FT6336U or FT6236, address 0x38; not GT911",
        "3.3 V, 5 mA",
        {"TOUCH_INT": "CTP_INT", **_I2C},
        "CTP_RST to 3.3 V through 10 kOhm.",
    ),
    "Matrix": Part(
        "Keypad 4x5",
        "20 keys as a plain matrix of 5 rows and 4 columns, no diodes needed",
        "none",
        {"KEY_ROW*": "row {}", "KEY_COL*": "column {}"},
        "Rows rest high by the chip's pull-ups. With a cable longer than 20 cm: 10 kOhm to 3.3 V at "
        "each row.",
    ),
    "TCA8418": Part(
        "Keypad controller",
        "TCA8418RTWR (breakouts exist) and a plain 4x5 key matrix at ROW0-4 and COL0-3; address 0x34",
        "3.3 V, 1 mA",
        {"KEY_INT": "/INT", "KEY_RST": "/RESET", **_I2C},
        f"/INT is open drain: 10 kOhm to 3.3 V. {_PULLS}. Without KEY_RST on the board tie /RESET to "
        "3.3 V.",
    ),
    "chinese58": Part(
        "Printer 58 mm",
        "ESC/POS panel printer with a GB18030 font (Cashino CSN-A2 with Chinese ROM and the like), "
        "TTL serial at 115,200 baud",
        "5 to 9 V, 2 A at full black: its own supply, 1000 uF at its plug",
        {"PRINTER_TX": "RXD", "PRINTER_RX": "TXD"},
    ),
    "ttl58": Part(
        "Printer 58 mm",
        "TTL module without Chinese font (Zijiang ZJ-58LYDD and the like), 115,200 baud",
        "5 to 9 V, 2 A at full black: its own supply, 1000 uF at its plug",
        {"PRINTER_TX": "RXD", "PRINTER_RX": "TXD"},
    ),
    "chinese80": Part(
        "Printer 80 mm",
        "ESC/POS printer with cutter, a GB18030 font and a busy line, serial (TTL, or RS-232 by a "
        "MAX3232), 115,200 baud",
        "24 V, 2 A: its own supply",
        {"PRINTER_TX": "RXD", "PRINTER_RX": "TXD", "PRINTER_BUSY": "DTR (busy)"},
    ),
    "A7670": Part(
        "4G modem",
        "SIMCom A7670 with the letter of your country's bands (A7670E, A7670C, A7670SA), antenna, SIM "
        "without PIN",
        _MODEM_SUPPLY,
        {
            "MODEM_TX": "RXD",
            "MODEM_RX": "TXD",
            "MODEM_PWRKEY": "PWRKEY",
            "MODEM_STATUS": "STATUS",
        },
        _UART_1V8,
    ),
    "EC200": Part(
        "4G modem",
        "Quectel EC200U or EC200S with the letters of your country's bands (EC200U-CN), antenna, SIM "
        "without PIN",
        _MODEM_SUPPLY,
        {
            "MODEM_TX": "MAIN_RXD",
            "MODEM_RX": "MAIN_TXD",
            "MODEM_PWRKEY": "PWRKEY",
            "MODEM_STATUS": "STATUS",
        },
        _UART_1V8,
    ),
    "W5500": Part(
        "Ethernet",
        "WIZnet W5500 module (W5500 itself, not W5100S), short wires: 20 MHz",
        "3.3 V, 150 mA",
        {
            "ETH_SCK": "SCLK",
            "ETH_MOSI": "MOSI",
            "ETH_MISO": "MISO",
            "ETH_CS": "SCSn",
            "ETH_INT": "INTn",
        },
        "RSTn to 3.3 V through 10 kOhm.",
    ),
    "MagStripe": Part(
        "Card reader",
        "magnetic-stripe module with decoder and UART, 9600 baud, ASCII with sentinels and LRC, tracks "
        "2 and 3",
        "3.3 or 5 V, 10 mA",
        {"CARD_TX": "RXD (if it has one)", "CARD_RX": "TXD"},
    ),
    "TtlStripe": Part(
        "Card reader",
        "magnetic-stripe head with F2F decoder and TTL outputs (as in MagTek 99875148), track 2",
        "3.3 or 5 V, 5 mA",
        {
            "CARD_PRESENT": "CARD PRESENT (CLD)",
            "CARD_CLK": "STROBE track 2 (RCP2)",
            "CARD_DATA": "DATA track 2 (RDP2)",
        },
    ),
    "scanner": Part(
        "Code scanner",
        "Hangzhou Grow GM65 or GM65S, UART, 9600 baud (its default)",
        "3.3 to 5 V, 160 mA while it reads",
        {"SCAN_TX": "RXD", "SCAN_RX": "TXD"},
    ),
    "buzzer": Part(
        "Buzzer",
        "passive piezo or magnetic, 2.7 kHz; not one with an oscillator of its own",
        "3.3 V; a magnetic one by a transistor with a diode across it",
        {"BUZZER": "piezo, or base of the transistor through 1 kOhm"},
    ),
    "battery": Part(
        "Battery",
        "one Li-ion cell with protection, and a charger with a status output (TP4056, BQ24075)",
        "3.0 to 4.2 V, must give 3 A",
        {
            "BATTERY": "middle of the cell's divider",
            "CHARGING": "CHRG of the charger",
        },
        "Divider of 100 kOhm and 100 kOhm from the cell to GND, 100 nF across the lower one. CHRG is open "
        "drain, low while it charges.",
    ),
    "tamper": Part(
        "Tamper switch",
        "closed while the case is closed, to GND",
        "none",
        {"TAMPER": "switch to GND"},
        "Open means that the case is open. A board that never had keys lets it be; once it has some, "
        "an open switch destroys them: close the case, or bridge TAMPER to GND, before keys are loaded.",
    ),
}

# What every 5 V or 12 V device's output needs on its way into the chip.
FIVE_VOLTS = (
    "No input of the chip takes more than 3.6 V: a device that is fed with 5 V gets 1 kOhm / 2 kOhm as "
    "a divider, or a level shifter, between its output and the chip's input."
)

# The module for the chip: (chip, PSRAM): (what to buy, what not)
MODULES = {
    ("esp32s3", "quad"): (
        "ESP32-S3-DevKitC-1-N8R2 (module ESP32-S3-WROOM-1-N8R2): 8 MB flash, 2 MB quad PSRAM",
        "N8R8 (octal PSRAM) starts with another image only; N4 is too small",
    ),
    ("esp32s3", ""): (
        "ESP32-S3-DevKitC-1-N8 (module ESP32-S3-WROOM-1-N8): 8 MB flash, no PSRAM",
        "N4 is too small; one with PSRAM works as well, it is not used",
    ),
    ("esp32s3", "octal"): (
        "ESP32-S3-DevKitC-1 with the module ESP32-S3-WROOM-1-N16R8: 16 MB flash, 8 MB octal PSRAM",
        "WROOM-2 and all with a V at the end (R8V, R16V) have 1.8 V at GPIO47 and 48",
    ),
    ("esp32c3", ""): (
        "a board with the module ESP32-C3-WROOM-02-N8 (8 MB flash) whose USB socket is the chip's own (GPIO18, 19)",
        "most C3 boards are sold with 4 MB (N4): too small; ESP32-C3-DevKitC-02 and DevKitM-1 have a UART bridge at their "
        "socket, on the modem's pins, where no console answers: they need a USB plug at GPIO18 (D-) and GPIO19 (D+)",
    ),
}
