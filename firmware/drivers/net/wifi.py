# Wi-Fi station: joins the first of the known networks that will have us, notices when it is gone,
# joins again.
#
# Source: ports/esp32/network_wlan.c (status codes, refusals), ESP-IDF's wifi_err_reason_t. What
# the port does not say plainly, and what is done about it:
#   status() gives the reason of the LAST failure until there is an address again, so that of the
#     attempt before too: the same code is believed only when an attempt has had its time;
#   a wrong password ends as 202, 204, 15 or 2, and each of them happens with a right one too:
#     it is called wrong when two attempts in a row end so;
#   isconnected() stays true while an access point that is still there carries nothing: who waits
#     in vain raises suspicion, and a question to the DNS server decides;
#   its own reconnecting (on by default) fights with ours ("Wifi Internal Error"): switched off.
# WPA2 and WPA3 are the port's choice; with a password it refuses anything weaker.

import asyncio

import network
from micropython import const

from .bearer import LOST, NO_ADDRESS, STARTING, SocketBearer, bars

_STEP_MS = const(100)
_JOIN_MS = const(15_000)
_STALE_MS = const(6000)  # an attempt has failed or joined by then
_DHCP_MS = const(12_000)
_LOOK_MS = const(1000)
_STABLE_MS = const(30_000)
_AGE_LOOKS = const(10)
_MISSES = const(3)
_RADIO_ROUNDS = const(4)
_WAIT_S = (1, 2, 4, 8, 15, 30, 60)  # after the n-th round in vain
_NOWHERE = "0.0.0.0"

# Reasons, for the screen; the later one in _TELLING tells more.
NO_AP = "no_ap"
WRONG_PASSWORD = "wrong_password"
WEAK_SECURITY = "weak_security"
WEAK_SIGNAL = "weak_signal"
REFUSED = "refused"
RADIO = "no_radio"
NOT_SET_UP = "not_set_up"
_TELLING = (NO_AP, RADIO, WEAK_SIGNAL, REFUSED, LOST, WEAK_SECURITY, NO_ADDRESS, WRONG_PASSWORD)

_AUTH_EXPIRE = const(2)
_HANDSHAKE_TIMEOUT = const(15)
_WORDS = (
    (network.STAT_NO_AP_FOUND, NO_AP),
    (network.STAT_WRONG_PASSWORD, WRONG_PASSWORD),
    (network.STAT_HANDSHAKE_TIMEOUT, WRONG_PASSWORD),
    (_HANDSHAKE_TIMEOUT, WRONG_PASSWORD),
    (_AUTH_EXPIRE, WRONG_PASSWORD),
    (network.STAT_BEACON_TIMEOUT, LOST),
    (network.STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY, WEAK_SECURITY),
    (network.STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD, WEAK_SECURITY),
    (network.STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD, WEAK_SIGNAL),
)

_SECURITY = ("open", "wep", "wpa", "wpa2", "wpa/wpa2", "enterprise", "wpa3", "wpa2/wpa3")


def word(status):
    """The reason that a status code of a failed attempt stands for."""
    for code, text in _WORDS:
        if code == status:
            return text
    return REFUSED


class Wifi(SocketBearer):
    """`wlan`: network.WLAN(network.STA_IF); `networks`: ((ssid, password), ...) in order of
    preference, each text or bytes, password empty for an open one, hidden ones too; `country`: two
    letters, None: leave it; `address`: (address, mask, gateway, dns) instead of DHCP."""

    def __init__(self, wlan, clock, networks, country=None, address=None, net=None):
        for ssid, password in networks:
            check(ssid, password)
        super().__init__("Wi-Fi", clock, net)
        self._wlan = wlan
        self._networks = networks
        self._country = country
        self._fixed = address
        self._started = False
        self.network = None  # number of the network that we are in
        self.rejoins = 0

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("wifi", self.run),)

    def addresses(self):
        return self._wlan.ifconfig()

    def scan(self):
        """[(ssid, rssi in dBm, security, channel)] of what can be heard, strongest first.

        BLOCKS the whole terminal for 2-3 s, as the port does: for the technician, never for the
        running terminal. (The driver itself needs no scan: it asks for its networks by name.) An
        attempt to join that is under way is given up for it: the port would hear nothing."""
        self._wlan.active(True)
        if not self.ready:
            self._quietly(self._wlan.disconnect)
        heard = sorted(self._wlan.scan(), key=lambda entry: -entry[3])
        return [(_text(e[0]), e[3], _security(e[4]), e[2]) for e in heard]

    # ---- owner task -----------------------------------------------------------------------------

    async def run(self):
        """Owner task: join, and stay joined."""
        rounds = 0
        try:
            while True:
                why = await self._join_any()
                if why is None:
                    begun = self._clock.ticks()
                    await self._watch()
                    self.link_down(LOST)
                    self.rejoins += 1
                    # One that lets go at once is not asked again at once.
                    stable = self._clock.diff(self._clock.ticks(), begun) >= _STABLE_MS
                    rounds = 0 if stable else rounds + 1
                else:
                    self.reason = why
                    rounds += 1
                    if rounds % _RADIO_ROUNDS == 0:
                        self._stop_radio()
                if rounds:
                    await asyncio.sleep_ms(_WAIT_S[min(rounds, len(_WAIT_S)) - 1] * 1000)
        finally:
            self.link_down(STARTING)

    def _quietly(self, call, *args):
        """Whether call(*args) was accepted. The port raises RuntimeError for errors that it has no
        text for."""
        try:
            call(*args)
        except (OSError, RuntimeError):
            return False
        return True

    def _start_radio(self):
        """active() returns when the radio has started: some 100 ms, at the start and after it was
        stopped because nothing went any more."""
        if self._started and self._wlan.active():
            return True
        wlan = self._wlan
        if self._country:
            network.country(self._country)
        self._started = (
            self._quietly(wlan.active, True)
            and self._configure(reconnects=0)
            # Asleep between beacons, the station answers 100 to 300 ms late, and loses broadcasts.
            and self._configure(pm=wlan.PM_NONE)
        )
        if self._started and self._fixed:
            wlan.ifconfig(self._fixed)
        return self._started

    def _configure(self, **change):
        return self._quietly(lambda: self._wlan.config(**change))

    def _stop_radio(self):
        self._started = False
        self._quietly(self._wlan.active, False)

    # ---- joining --------------------------------------------------------------------------------

    async def _join_any(self):
        """None when joined, else the reason that tells most."""
        if not self._networks:
            return NOT_SET_UP
        if not self._start_radio():
            return RADIO
        most = NO_AP
        for n, (ssid, password) in enumerate(self._networks):
            why = await self._join(ssid, password)
            if why == WRONG_PASSWORD:
                why = await self._join(ssid, password)
            if why is None:
                self.network = n
                return None
            if _TELLING.index(why) > _TELLING.index(most):
                most = why
        return most

    async def _leave(self):
        self.network = None
        if self._quietly(self._wlan.disconnect):
            await asyncio.sleep_ms(_STEP_MS)  # until the port has heard of it

    async def _join(self, ssid, password):
        """None when there is an address, else the reason."""
        wlan = self._wlan
        await self._leave()
        before = wlan.status()
        if not self._quietly(wlan.connect, ssid, password):
            return RADIO
        begun = self._clock.ticks()
        associated = None  # since when only the address is missing
        while True:
            await asyncio.sleep_ms(_STEP_MS)
            now = self._clock.ticks()
            waited = self._clock.diff(now, begun)
            status = wlan.status()
            if status == network.STAT_GOT_IP and self.addresses()[0] != _NOWHERE:
                return None
            if self._rssi() is not None:
                if associated is None:
                    associated = now
                if self._clock.diff(now, associated) >= _DHCP_MS:
                    return NO_ADDRESS
                continue
            if status not in (network.STAT_CONNECTING, network.STAT_IDLE, network.STAT_GOT_IP):
                if status != before or waited >= _STALE_MS:
                    return word(status)
            if waited >= _JOIN_MS:
                return REFUSED if associated is None else LOST

    def _rssi(self):
        """Signal of the access point in dBm, None while there is none."""
        try:
            return self._wlan.status("rssi")
        except (OSError, RuntimeError):
            return None

    # ---- staying --------------------------------------------------------------------------------

    async def _watch(self):
        """Until the link is lost."""
        address = self.addresses()[0]
        self.link_up()
        looks = misses = 0
        while True:
            rssi = self._rssi()
            misses = 0 if rssi is not None else misses + 1
            if rssi is not None:
                self.signal = bars(rssi)
            if misses >= _MISSES:
                return
            await self.suspicion.wait_ms(_LOOK_MS)
            # Another address is as good as another network: our connections are lost.
            if self._wlan.status() != network.STAT_GOT_IP or self.addresses()[0] != address:
                return
            if self.suspicion.is_set():
                self.suspicion.clear()
                if not await self.carries():
                    return
            looks += 1
            if looks % _AGE_LOOKS == 0:
                self._resolver.age()


def check(ssid, password):
    """ValueError for a name or a password that no network can have: the port cuts a long name
    without a word. A password is 8 to 63 bytes, or 64 hexadecimal digits."""
    if not 1 <= len(_data(ssid)) <= 32:
        raise ValueError("ssid")
    n = len(_data(password))
    if n == 64:
        for b in _data(password):
            if b not in b"0123456789abcdefABCDEF":
                raise ValueError("password")
    elif n and not 8 <= n <= 63:
        raise ValueError("password")


def _data(text):
    return text.encode() if isinstance(text, str) else text


def _text(ssid):
    try:
        return ssid.decode()
    except UnicodeError:
        return "?" * len(ssid)


def _security(auth):
    return _SECURITY[auth] if auth < len(_SECURITY) else "other"
