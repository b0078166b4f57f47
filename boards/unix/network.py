# The ESP32 port's `network` module: a Wi-Fi station, and Ethernet by a W5500 on SPI.
#
# Written after ports/esp32/network_wlan.c and network_lan.c: same names, refusals and texts, and
# the same traps. status() keeps the reason of the last failure until there is an address;
# connect() is refused while an attempt or a connection stands; scan() blocks, and gives nothing
# while an attempt runs; a wrong password may look like four different things.
#
# What is in the air: SHOUYIN_WIFI="ssid:password", or what use() was given (models.wifi_air.Air).
# What is at the other end of the cable: a models.w5500.W5500 in the rack, and in use() for the
# rest. Once there is an address, the firmware's sockets (the interpreter's) are the network. No
# access point interface, no PPP, no RMII.

import bus
import wires

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_CONNECT_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY = 210
STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = 211
STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD = 212
AUTH_OPEN = 0
AUTH_WEP = 1
AUTH_WPA_PSK = 2
AUTH_WPA2_PSK = 3
AUTH_WPA_WPA2_PSK = 4
AUTH_WPA2_ENTERPRISE = 5
AUTH_WPA3_PSK = 6
AUTH_WPA2_WPA3_PSK = 7
ETH_INITIALIZED = 0
ETH_STARTED = 1
ETH_STOPPED = 2
ETH_CONNECTED = 3
ETH_DISCONNECTED = 4
ETH_GOT_IP = 5
PHY_LAN8720 = 1
PHY_W5500 = 102

_CONNECTION_FAIL = 205
_ASSOC_LEAVE = 8
_NO_ADDRESS = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
_LEASE = ("192.168.5.2", "255.255.255.0", "192.168.5.1", "192.168.5.1")

# What the calls that wait for hardware take (to verify on a board).
_WIFI_START_US = 100_000
_SCAN_US = 2_400_000
_LAN_INSTALL_US = 60_000
_LINK_CHECK_US = 2_000_000  # ESP-IDF looks at the PHY every 2 s

_hostname = "mpy-esp32s3"
_country = "XX"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    if len(name) > 32:
        raise ValueError
    _hostname = name


def country(code=None):
    global _country
    if code is None:
        return _country
    if len(code) != 2:
        raise ValueError
    _country = code


def use(air=None, wire=None):
    """Tests: the Air and the W5500 of this board; a station and a LAN that know nothing yet."""
    WLAN._station = None
    LAN._lan = None
    _world.air = air
    _world.wire = wire
    _world.own = False
    _world.bus = bus.current


class _World:
    """What is outside of this chip; another one for each simulated board."""

    bus = None
    air = None
    wire = None
    own = False  # the air is ours, with what SHOUYIN_WIFI says in it

    def look(self):
        if self.bus is not bus.current:
            use()
        if self.air is None:
            from models.wifi_air import Air

            self.air = Air()
            self.own = True
        return self.air

    def refresh(self):
        """Before the radio listens: SHOUYIN_WIFI may have changed."""
        air = self.look()
        if self.own:
            from models.wifi_air import AccessPoint

            text = wires.setting("WIFI")
            air.points[:] = [AccessPoint(*text.split(":", 1))] if text else []


_world = _World()


# ---- Wi-Fi --------------------------------------------------------------------------------------


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    SEC_OPEN = AUTH_OPEN
    SEC_WEP = AUTH_WEP
    SEC_WPA = AUTH_WPA_PSK
    SEC_WPA2 = AUTH_WPA2_PSK
    SEC_WPA_WPA2 = AUTH_WPA_WPA2_PSK
    SEC_WPA3 = AUTH_WPA3_PSK
    SEC_WPA2_WPA3 = AUTH_WPA2_WPA3_PSK

    _station = None

    def __new__(cls, interface_id=STA_IF):
        if interface_id != STA_IF:
            raise ValueError("invalid WLAN interface identifier")  # the bench has a station only
        _world.look()
        if cls._station is None:
            self = super().__new__(cls)
            self._active = False
            self._requested = False  # by connect(), not taken back by disconnect()
            self._connected = False
            self._reason = 0  # of the last disconnection; an address clears it, nothing else
            self._reconnects = 0
            self._most = 0  # 0: no limit
            self._ssid = b""
            self._config = {"pm": cls.PM_PERFORMANCE, "txpower": 20, "channel": 1, "protocol": 7}
            cls._station = self
        return cls._station

    def __init__(self, interface_id=STA_IF):
        pass

    def _look(self):
        """What ESP-IDF's event task would have done by now."""
        air = _world.look()
        while True:
            air.advance(bus.current.now_us())
            if not air.events:
                return air
            event = air.events.pop(0)
            if event[0] == "got_ip":
                self._connected = True
                self._reason = 0
            elif event[0] == "disconnected":
                self._connected = False
                self._reason = event[1]
                self._again(air)

    def _again(self, air):
        if not self._requested or not self._active:
            return
        if self._most:
            self._reconnects += 1
            if self._reconnects >= self._most:
                return
        air.connect(*self._want)

    def active(self, is_active=None):
        air = self._look()
        if is_active is not None:
            if is_active and not self._active:
                bus.current.spend(_WIFI_START_US)
                self._reconnects = 0
            elif self._active and not is_active:
                self._active = False
                air.stop()
                self._look()
            self._active = bool(is_active)
        return self._active

    def _need_started(self):
        if not self._active:
            raise OSError("Wifi Not Started")

    def scan(self):
        """[(ssid, bssid, channel, RSSI, security, hidden)]; the whole chip waits for it."""
        if not self._active:
            raise OSError("STA must be active")
        _world.refresh()
        air = self._look()
        if air.searching():
            return []  # ESP-IDF refuses, and the port does not tell
        bus.current.spend(_SCAN_US)
        # The port cannot tell a hidden network: always False.
        return [entry[:5] + (False,) for entry in self._look().scan()]

    def connect(self, ssid=None, key=None, *, bssid=None):
        self._need_started()
        if bssid is not None and len(bssid) != 6:
            raise ValueError
        _world.refresh()
        air = self._look()
        if air.busy():
            raise OSError("Wifi Internal Error")  # "sta is connecting, return error"
        if ssid is not None:
            # Longer ones are cut without a word.
            self._want = (_bytes(ssid)[:32], _bytes(key or "")[:64])
            self._ssid = self._want[0]
        self._reconnects = 0
        air.connect(*self._want)
        self._requested = True

    def disconnect(self):
        self._requested = False
        self._need_started()
        self._look().disconnect()
        self._look()

    def isconnected(self):
        self._look()
        return self._connected

    def status(self, param=None):
        air = self._look()
        if param == "rssi":
            if air.joined is None:
                raise OSError("Wifi Not Connected")
            return air.joined.rssi
        if param == "stations":
            raise OSError("AP required")
        if param is not None:
            raise ValueError("unknown status param")
        reason = self._reason
        if self._connected:
            return STAT_GOT_IP
        if reason in (STAT_NO_AP_FOUND, 210, 211, 212):
            return reason
        if reason in (STAT_WRONG_PASSWORD, _CONNECTION_FAIL):
            return STAT_WRONG_PASSWORD
        if reason == _ASSOC_LEAVE:
            return STAT_IDLE
        if self._requested and (not self._most or self._reconnects < self._most):
            return STAT_CONNECTING
        return reason or STAT_IDLE

    def ifconfig(self, addresses=None):
        air = self._look()
        return air.address if addresses is None else _ifconfig(air, addresses)

    def config(self, param=None, **changes):
        if param is None:
            for name, value in changes.items():
                self._set(name, value)
            return None
        if changes:
            raise TypeError("either pos or kw args are allowed")
        if param in ("ssid", "essid"):
            return self._ssid.decode()
        if param == "mac":
            return b"\x7c\xdf\xa1\x02\x03\x04"
        if param in ("hostname", "dhcp_hostname"):
            return _hostname
        if param == "reconnects":
            return self._most - 1
        if param not in self._config:
            raise ValueError("unknown config param")
        return self._config[param]

    def _set(self, name, value):
        if name in ("ssid", "essid", "key", "password", "security", "authmode", "hidden"):
            raise OSError("AP required")
        if name == "reconnects":
            # 0: none, -1: without end
            self._most = 0 if value == -1 else value + 1
        elif name in ("hostname", "dhcp_hostname"):
            hostname(value)
        elif name in self._config:
            self._config[name] = value
        else:
            raise ValueError("unknown config param")


def _bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def _ifconfig(end, addresses):
    """Set (address, mask, gateway, dns), texts, or "dhcp", for the air's or the cable's end."""
    if isinstance(addresses, str):
        if addresses != "dhcp":
            raise ValueError("invalid arguments")
        return
    if len(addresses) != 4:
        raise ValueError("requested length 4 but object has length %d" % len(addresses))
    for text in addresses:
        parts = text.split(".")
        if len(parts) != 4 or not all(p.isdigit() and int(p) < 256 for p in parts):
            raise ValueError("invalid IP address")
    end.fixed(tuple(addresses))


# ---- Ethernet -----------------------------------------------------------------------------------


class LAN:
    """One object, as in the port. Pins and SPI are machine objects; only PHY_W5500 is wired."""

    _lan = None

    def __new__(cls, id=None, **options):
        _world.look()
        if cls._lan is not None:
            return cls._lan
        self = super().__new__(cls)
        self._install(id, **options)
        cls._lan = self
        return self

    def __init__(self, id=None, **options):
        pass

    def _install(self, id, *, phy_addr, phy_type, spi=None, cs=None, int=None, reset=None,
                 mdc=None, mdio=None, power=None, ref_clk_mode=-1, ref_clk=None):  # fmt: skip
        if id not in (None, 0):
            raise ValueError("invalid LAN interface identifier")
        if not 0 <= phy_addr <= 0x1F:
            raise ValueError("invalid phy address")
        if phy_type != PHY_W5500:
            raise ValueError("invalid phy type")
        if spi is None or cs is None:
            raise ValueError("SPI and CS must be given")
        self._spi = spi._id
        self._cs = cs._id
        self._is_active = False
        self._state = ETH_INITIALIZED
        self._address = _NO_ADDRESS
        self._static = None
        self._lease_us = None  # when DHCP will have answered
        self._check_us = 0
        bus.current.pin_config(self._cs, 3, 0, 1)
        bus.current.spend(_LAN_INSTALL_US)
        if int is None:
            raise OSError("esp_eth_driver_install() failed with invalid argument")
        if self._register(0x39) != 0x04:  # VERSIONR
            raise OSError("esp_eth_driver_install() failed")
        self._write(0x00, 0x80)

    def _transfer(self, data):
        bus.current.pin_set(self._cs, 0)
        try:
            return bus.current.spi_transfer(self._spi, data)
        finally:
            bus.current.pin_set(self._cs, 1)

    def _register(self, at):
        return self._transfer(bytes([0, at, 0x00, 0]))[3]

    def _write(self, at, value):
        self._transfer(bytes([0, at, 0x04, value]))

    def _look(self):
        """What ESP-IDF's timer and event task would have done by now."""
        _world.look()
        if not self._is_active:
            return
        now = bus.current.now_us()
        if now >= self._check_us:
            self._check_us = now + _LINK_CHECK_US
            link = self._register(0x2E) & 1 and self._register(0x39) == 0x04  # PHYCFGR
            up = self._state in (ETH_CONNECTED, ETH_GOT_IP)
            if link and not up and self._state != ETH_STOPPED:
                self._state = ETH_CONNECTED
                self._ask(now)
            elif not link and self._state != ETH_STARTED:
                self._state = ETH_DISCONNECTED
                self._address = _NO_ADDRESS
                self._lease_us = None
        if self._lease_us is None and self._state == ETH_CONNECTED:
            self._ask(now)  # a DHCP client asks for ever
        if self._lease_us is not None and now >= self._lease_us:
            self._lease_us = None
            self._address = self._static or (_world.wire.lease if _world.wire else _LEASE)
            self._state = ETH_GOT_IP

    def _ask(self, now):
        wire = _world.wire
        wait_us = 800_000 if wire is None else wire.dhcp_us if wire.forwards() else None
        wait_us = 0 if self._static else wait_us
        self._lease_us = None if wait_us is None else now + wait_us

    def wifi_lost_ip(self):
        """Not in the port: what its event handler does when Wi-Fi's lost-IP timer runs out; it
        takes that event for its own (micropython#19123)."""
        self._state = ETH_STOPPED

    def fixed(self, addresses):
        self._static = addresses
        if self._state in (ETH_CONNECTED, ETH_GOT_IP):
            self._address = addresses
            self._state = ETH_GOT_IP

    def active(self, is_active=None):
        self._look()
        if is_active is not None:
            if is_active and not self._is_active:
                if self._register(0x39) != 0x04:
                    raise OSError("ethernet enable failed")
                self._write(0x00, 0x80)
                self._state = ETH_STARTED
                self._check_us = bus.current.now_us() + _LINK_CHECK_US
            elif not is_active:
                self._state = ETH_STOPPED
                self._address = _NO_ADDRESS
                self._lease_us = None
            self._is_active = bool(is_active)
        return self._is_active

    def status(self):
        self._look()
        return self._state

    def isconnected(self):
        self._look()
        return self._is_active and self._state == ETH_GOT_IP

    def ifconfig(self, addresses=None):
        self._look()
        return self._address if addresses is None else _ifconfig(self, addresses)

    def config(self, param):
        if param == "mac":
            return b"\x7c\xdf\xa1\x02\x03\x07"
        raise ValueError("unknown config param")
