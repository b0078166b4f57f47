"""What is in the air: access points, and the radio of one station among them.

Owns: the way of a station from a search to an address as the closed part of ESP-IDF goes it, and
the schedule of what happens to the access points.
Must not: know MicroPython's `network` (boards/unix/network.py is written over this).

Times and reason codes: ESP-IDF's `wifi_err_reason_t` (200 beacon time-out, 201 no access point,
202 authentication failed, 203 association failed, 204 handshake time-out, 210-212 none that fits),
its programming guide "Wi-Fi Driver" (a station gives up after 6 s without beacons; a fast scan
takes the first match in the order of channels; a password asks for WPA2 or better).
"""

OPEN, WEP, WPA, WPA2, WPA_WPA2, ENTERPRISE, WPA3, WPA2_WPA3 = range(8)

_ENOUGH = (WPA2, WPA_WPA2, ENTERPRISE, WPA3, WPA2_WPA3)

ASSOC_LEAVE = 8
BEACON_TIMEOUT = 200
NO_AP_FOUND = 201
AUTH_FAIL = 202
NO_COMPATIBLE_SECURITY = 210
BELOW_THRESHOLD = 211

NO_ADDRESS = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

_FOUND_US = 500_000
_NOT_FOUND_US = 1_900_000
_JOIN_US = 700_000
_BEACONS_US = 6_000_000


class AccessPoint:
    """`ssid` text; `password` text ("": open). `lease`: what DHCP gives (address, mask, gateway,
    DNS). Faults are attributes, and the steps of Air.plan."""

    def __init__(self, ssid, password="", auth=None, rssi=-52, channel=6, hidden=False):
        self.ssid = ssid.encode()
        self.password = password.encode()
        self.auth = auth if auth is not None else (WPA2 if password else OPEN)
        self.rssi = rssi
        self.channel = channel
        self.hidden = hidden
        self.bssid = b"\x02\x00\x00\x00\x00" + bytes([channel])
        self.lease = ("192.168.4.2", "255.255.255.0", "192.168.4.1", "192.168.4.1")
        self.dhcp_us = 300_000  # None: DHCP never answers
        self.up = True
        self.mute = False  # beacons go on, nothing else does
        self.wrong_us = 1_200_000
        self.wrong_reason = AUTH_FAIL  # for a wrong password; 204, 15 and 2 are seen too
        self.refusals = []  # reasons with which the next attempts end, whatever the password
        self.attempts = 0


class Air:
    """The station is told connect() and disconnect(); what it finds out lies in `events`:
    ("connected",), ("disconnected", reason), ("got_ip", lease), in order."""

    def __init__(self, *points):
        self.points = list(points)
        self.events = []
        self.now_us = 0
        self.joined = None  # the AccessPoint
        self.address = NO_ADDRESS
        self.static = None  # an address that needs no DHCP
        self.steps = []  # (time_us, what, number of the access point, value)
        self.done = []  # steps that have happened
        self._phase = ""  # "", "search", "join", "dhcp", "up"
        self._due_us = None
        self._target = None
        self._want = None
        self._silent_since = None

    # ---- what happens to the access points ------------------------------------------------------

    def plan(self, *steps):
        """Steps (time_us, what, n, value): what is "up", "mute", "password", "dhcp_us", "lease",
        "rssi" (value: the new one), "kick" (value: the reason that the station is given) or
        "renumber" (value: the new lease, at once)."""
        self.steps = sorted(self.steps + list(steps), key=lambda s: s[0])

    def _step(self, what, n, value):
        point = self.points[n]
        if what == "kick":
            if self.joined is point or self._target is point:
                self._drop(value)
        elif what == "renumber":
            point.lease = value
            if self._phase == "up" and self.joined is point:
                self.address = value
        elif what == "password":
            point.password = value.encode()
        else:
            setattr(point, what, value)
            if what == "dhcp_us" and self._phase == "dhcp" and self.joined is point and value:
                self._due_us = self.now_us + value  # the station has never stopped asking

    # ---- the station ----------------------------------------------------------------------------

    def busy(self):
        """Whether connect() would be refused: an attempt is on, or a connection."""
        return self._phase != ""

    def searching(self):
        return self._phase in ("search", "join")

    def connect(self, ssid, password):
        """ssid and password as bytes. Only while not busy()."""
        self._want = (ssid, password)
        self._phase = "search"
        self._target = self._find(ssid)
        self._due_us = self.now_us + (_FOUND_US if self._target else _NOT_FOUND_US)

    def disconnect(self):
        if self._phase == "search":
            # The search is given up without a word.
            self._idle()
        elif self._phase:
            self._drop(ASSOC_LEAVE)

    def stop(self):
        """The radio is switched off."""
        if self.joined:
            self.events.append(("disconnected", ASSOC_LEAVE))
        self._idle()

    def fixed(self, addresses):
        """ifconfig() with an address: DHCP is not asked any more."""
        self.static = addresses
        if self._phase == "dhcp":
            self._due_us = self.now_us
        elif self._phase == "up":
            self.address = addresses

    def forwards(self):
        """Whether packets get through now."""
        point = self.joined
        return self._phase == "up" and point.up and not point.mute

    def scan(self):
        """[(ssid, bssid, channel, rssi, auth, hidden)] of what can be heard, strongest first."""
        heard = [p for p in self.points if p.up]
        heard.sort(key=lambda p: -p.rssi)
        return [
            (b"" if p.hidden else p.ssid, p.bssid, p.channel, p.rssi, p.auth, p.hidden)
            for p in heard
        ]

    def _find(self, ssid):
        found = [p for p in self.points if p.up and p.ssid == ssid]
        found.sort(key=lambda p: p.channel)
        return found[0] if found else None

    def _idle(self):
        self._phase = ""
        self._due_us = None
        self._target = None
        self.joined = None
        self.address = NO_ADDRESS
        self._silent_since = None

    def _drop(self, reason):
        self._idle()
        self.events.append(("disconnected", reason))

    def _searched(self):
        point = self._find(self._want[0])
        self._target = point
        if point is None:
            self._drop(NO_AP_FOUND)
            return
        password = self._want[1]
        if password and point.auth not in _ENOUGH:
            self._drop(BELOW_THRESHOLD)
        elif not password and point.auth != OPEN:
            self._drop(NO_COMPATIBLE_SECURITY)
        else:
            point.attempts += 1
            self._phase = "join"
            wrong = point.refusals or password != point.password
            self._due_us = self.now_us + (point.wrong_us if wrong else _JOIN_US)

    def _join(self):
        point = self._target
        if point.refusals:
            self._drop(point.refusals.pop(0))
        elif not point.up:
            self._drop(NO_AP_FOUND)
        elif self._want[1] != point.password:
            self._drop(point.wrong_reason)
        else:
            self.joined = point
            self._phase = "dhcp"
            self.events.append(("connected",))
            wait_us = 0 if self.static else point.dhcp_us
            self._due_us = None if wait_us is None else self.now_us + wait_us

    def _lease(self):
        self._due_us = None
        if self.static or (self.joined.up and not self.joined.mute):
            self._phase = "up"
            self.address = self.static or self.joined.lease
            self.events.append(("got_ip", self.address))

    def _listen(self):
        """Beacons: a station that hears none for 6 s lets go."""
        if self.joined is None or self.joined.up:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = self.now_us
        elif self.now_us - self._silent_since >= _BEACONS_US:
            self._drop(BEACON_TIMEOUT)

    # ---- time -----------------------------------------------------------------------------------

    def next_due(self):
        due = self._due_us
        if self.steps and (due is None or self.steps[0][0] < due):
            due = self.steps[0][0]
        if self._silent_since is not None:
            lost = self._silent_since + _BEACONS_US
            if due is None or lost < due:
                due = lost
        return due

    def advance(self, now_us):
        while True:
            self._listen()
            due = self.next_due()
            if due is None or due > now_us:
                break
            self.now_us = max(self.now_us, due)
            if self.steps and self.steps[0][0] <= due:
                step = self.steps.pop(0)
                self.done.append(step)
                self._step(*step[1:])
            elif self._due_us is not None and self._due_us <= due:
                {"search": self._searched, "join": self._join, "dhcp": self._lease}[self._phase]()
        self.now_us = max(self.now_us, now_us)


def random_plan(rng, points, until_us):
    """Steps for Air.plan: every few seconds something happens to one of `points` access points;
    `rng` is a models.XorShift. At the end all is well again."""
    steps = []
    t = 0
    while True:
        t += 2_000_000 + rng.below(20_000_000)
        if t >= until_us:
            break
        n = rng.below(points)
        what = ("up", "mute", "kick", "dhcp_us", "renumber")[rng.below(5)]
        back = t + 1_000_000 + rng.below(25_000_000)
        if what == "up":
            steps += [(t, what, n, False), (back, what, n, True)]
        elif what == "mute":
            steps += [(t, what, n, True), (back, what, n, False)]
        elif what == "kick":
            steps.append((t, what, n, (200, 2, 4, 203, 15)[rng.below(5)]))
        elif what == "dhcp_us":
            steps += [(t, what, n, None), (back, what, n, 300_000)]
        else:
            lease = ("192.168.4.%d" % (2 + rng.below(200)), "255.255.255.0", "192.168.4.1",
                     "192.168.4.1")  # fmt: skip
            steps.append((t, what, n, lease))
    for n in range(points):
        steps += [(until_us, "up", n, True), (until_us, "mute", n, False),
                  (until_us, "dhcp_us", n, 300_000)]  # fmt: skip
    return steps
