# The ESP32 port's `network` module: a Wi-Fi station that joins one simulated access point.
#
# SHOUYIN_WIFI="ssid:password" is what is in the air; without it scan() finds nothing. Once joined,
# the firmware's own sockets (the interpreter's) are the network. What the port lacks does not
# exist here; no PPP, no LAN yet.

import bus
import wires

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3

_JOIN_US = 1_500_000

_hostname = "mpy-esp32s3"
_country = "XX"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    if len(name) > 32:
        raise ValueError("hostname too long")
    _hostname = name


def country(code=None):
    global _country
    if code is None:
        return _country
    if len(code) != 2:
        raise ValueError("country code must be two letters")
    _country = code


def _in_the_air():
    text = wires.setting("WIFI")
    return tuple(text.split(":", 1)) if text else None


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _station = None

    def __new__(cls, interface_id=STA_IF):
        if interface_id != STA_IF:
            raise ValueError("the bench has a station interface only")
        if cls._station is None:
            self = super().__new__(cls)
            self._active = False
            self._joining = None  # (ssid, password, due_us)
            self._status = STAT_IDLE
            self._ssid = ""
            self._config = {"pm": cls.PM_PERFORMANCE, "reconnects": -1, "txpower": 20}
            cls._station = self
        return cls._station

    def __init__(self, interface_id=STA_IF):
        pass

    def active(self, is_active=None):
        if is_active is None:
            return self._active
        self._active = bool(is_active)
        if not self._active:
            self.disconnect()
        return self._active

    def _need_active(self):
        if not self._active:
            raise OSError("Wifi Not Started")

    def scan(self):
        """[(ssid, bssid, channel, RSSI, security, hidden)]"""
        self._need_active()
        bus.current.spend(2_000_000)
        ap = _in_the_air()
        return (
            [(ap[0].encode(), b"\x02\x00\x00\x00\x00\x01", 6, -52, AUTH_WPA2_PSK, False)]
            if ap
            else []
        )

    def connect(self, ssid=None, password=None, *, bssid=None):
        self._need_active()
        self._joining = (ssid, password, bus.current.now_us() + _JOIN_US)
        self._status = STAT_CONNECTING

    def _look(self):
        if self._joining and bus.current.now_us() >= self._joining[2]:
            ssid, password, _ = self._joining
            ap = _in_the_air()
            self._joining = None
            if not ap or ssid != ap[0]:
                self._status = STAT_NO_AP_FOUND
            elif password != ap[1]:
                self._status = STAT_WRONG_PASSWORD
            else:
                self._status = STAT_GOT_IP
                self._ssid = ssid
        return self._status

    def disconnect(self):
        self._joining = None
        self._status = STAT_IDLE
        self._ssid = ""

    def isconnected(self):
        return self._look() == STAT_GOT_IP

    def status(self, param=None):
        if param == "rssi":
            if not self.isconnected():
                raise OSError("STA must be active and connected")
            return -52
        if param is not None:
            raise ValueError("unknown status param")
        return self._look()

    def ifconfig(self, addresses=None):
        if addresses is not None:
            raise NotImplementedError("the bench gives addresses by DHCP only")
        if self.isconnected():
            return ("192.168.4.2", "255.255.255.0", "192.168.4.1", "192.168.4.1")
        return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

    def config(self, param=None, **changes):
        if param is None:
            for name, value in changes.items():
                if name not in self._config:
                    raise ValueError("unknown config param")
                self._config[name] = value
            return None
        if param in ("ssid", "essid"):
            return self._ssid
        if param == "mac":
            return b"\x7c\xdf\xa1\x02\x03\x04"
        if param not in self._config:
            raise ValueError("unknown config param")
        return self._config[param]
