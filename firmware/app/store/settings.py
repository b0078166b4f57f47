# The terminal's parameters: a typed table with defaults and limits, kept in one JSON file.
#
# Reading a damaged file is an error that is shown, never a silent return to defaults: a terminal
# with the wrong merchant number takes money for somebody else.

from micropython import const

from . import files

# Constants, so that the rows of the table are constants too and stay in ROM.
_INT = const(0)
_TEXT = const(1)
_DIGITS = const(2)
_CHOICE = const(3)
_HOST = const(4)
_LIST = const(5)  # beginnings of card numbers: digits and commas
_ORDER = const(6)  # some of the choices, commas between, the first one first
_BYTES = const(7)  # a text whose length counts in bytes
_CAPITALS = const(8)

# name: (type, default, least or choices, most). Lengths for texts, values for numbers.
SCHEMA = {
    # who we are
    "tid": (_TEXT, "", 8, 8),
    "mid": (_TEXT, "", 15, 15),
    "merchant_name": (_TEXT, "", 1, 40),
    "merchant_name_en": (_TEXT, "", 0, 40),
    "receipt_title": (_TEXT, "银联POS签购单", 0, 16),
    "service_phone": (_TEXT, "95516", 0, 20),
    # the acquirer
    "host": (_HOST, "", 1, 63),
    "port": (_INT, 0, 1, 65535),
    "apn": (_TEXT, "cmnet", 1, 32),
    "tpdu": (_DIGITS, "6000030000", 10, 10),
    "header": (_DIGITS, "603100310001", 12, 12),
    "key_mode": (_CHOICE, "004", ("003", "004"), 0),
    # ways to it, by preference; those that the board lacks are passed over
    "bearers": (_ORDER, "lan,wifi,4g", ("lan", "wifi", "4g"), 0),
    # Wi-Fi networks by preference; their passwords are in the vault (store.wifi)
    "wifi_ssid_1": (_BYTES, "", 0, 32),
    "wifi_ssid_2": (_BYTES, "", 0, 32),
    "wifi_ssid_3": (_BYTES, "", 0, 32),
    "wifi_country": (_CAPITALS, "CN", 2, 2),
    "connect_timeout_s": (_INT, 30, 5, 120),
    "connect_tries": (_INT, 3, 1, 9),
    "response_timeout_s": (_INT, 60, 5, 120),
    "reversal_tries": (_INT, 3, 1, 9),
    # after the last try of a reversal: no sales, or offline ones only; it is never given up
    "reversal_policy": (_CHOICE, "block", ("block", "offline"), 0),
    "fault_slip": (_INT, 1, 0, 1),
    # a message that was sent before is marked (0401, 0221, 0321); 0 for hosts that refuse that
    "repeat_mark": (_INT, 1, 0, 1),
    # the message that ends a batch, also a balanced one (0320/207)
    "settle_end": (_INT, 1, 0, 1),
    # approval without the host, by the acquirer's rules; no count: never
    "offline_count_max": (_INT, 0, 0, 1000),
    "offline_txn_max": (_INT, 0, 0, 99_999_999),
    "offline_total_max": (_INT, 0, 0, 999_999_999),
    "offline_age_max_h": (_INT, 24, 1, 720),
    "offline_cards": (_LIST, "", 0, 120),
    "uploads_per_round": (_INT, 5, 1, 100),
    # the shop
    "language": (_CHOICE, "zh", ("zh", "en"), 0),
    "operator_timeout_s": (_INT, 60, 10, 300),
    "amount_max": (_INT, 5_000_000, 1, 999_999_999),
    "receipt_copies": (_INT, 2, 1, 3),
    # a QR code on the cardholder's receipt and on the screen: the shop's page, its invoices
    "receipt_code": (_BYTES, "", 0, 213),  # text.qr takes no more
    "void_card": (_INT, 1, 0, 1),
    "void_pin": (_INT, 1, 0, 1),
}

_HOST_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

# A terminal that lacks one of these has not been set up.
_NEEDED = ("tid", "mid", "merchant_name", "host", "port")


class SettingsError(Exception):
    """A parameter is unknown or not allowed, or the file is damaged. args: (name, what)"""


def check(name, value):
    """The value as it is kept. SettingsError naming the parameter when it is not allowed."""
    if name not in SCHEMA:
        raise SettingsError(name, "unknown parameter")
    kind, _, least, most = SCHEMA[name]
    if kind == _INT:
        if not isinstance(value, int) or isinstance(value, bool):
            raise SettingsError(name, "must be a whole number")
        if not least <= value <= most:
            raise SettingsError(name, "must be %d to %d" % (least, most))
        return value
    if not isinstance(value, str):
        raise SettingsError(name, "must be a text")
    if kind == _CHOICE:
        if value not in least:
            raise SettingsError(name, "must be one of " + " ".join(least))
        return value
    if kind == _ORDER:
        words = value.split(",")
        if len(set(words)) != len(words) or not set(words) <= set(least):
            raise SettingsError(name, "must be some of " + " ".join(least))
        return value
    data = value.encode()
    if not least <= len(data if kind == _BYTES else value) <= most:
        raise SettingsError(name, "must have %d to %d characters" % (least, most))
    for b in data:
        if kind == _LIST and not (48 <= b <= 57 or b == 44):
            raise SettingsError(name, "must be digits and commas")
        if kind == _CAPITALS and not 65 <= b <= 90:
            raise SettingsError(name, "must be capital letters")
        if kind == _DIGITS and not 48 <= b <= 57:
            raise SettingsError(name, "must be digits")
        # What goes into an AT command or a message must not be able to end it.
        if b < 32 or (kind == _HOST and b not in _HOST_BYTES):
            raise SettingsError(name, "character not allowed")
        if name in ("tid", "mid") and not 33 <= b < 127:
            raise SettingsError(name, "must be letters and digits")
    return value


class Settings:
    """settings["name"] reads; set() checks, writes the file and only then changes what is read."""

    def __init__(self, path):
        self._path = path
        self._values = {}

    def load(self):
        self._values = {}
        try:
            values = files.load_json(self._path)
        except ValueError:
            raise SettingsError("file", "is damaged")
        if values is None:
            return
        if not isinstance(values, dict):
            raise SettingsError("file", "is damaged")
        # A parameter of a newer firmware is kept but not looked at.
        self._values = {k: check(k, v) if k in SCHEMA else v for k, v in values.items()}

    def __getitem__(self, name):
        if name in self._values:
            return self._values[name]
        return SCHEMA[name][1]

    def set(self, **changes):
        new = dict(self._values)
        for name, value in changes.items():
            new[name] = check(name, value)
        files.replace_json(self._path, new)
        self._values = new

    def missing(self):
        """Names of the parameters without which the terminal cannot work."""
        return [n for n in _NEEDED if not self[n]]
