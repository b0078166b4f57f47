"""SIM, registration, signal and clock of the modem model.

Owns: +CPIN, +CREG / +CGREG / +CEREG states, attach, signal, network time.
Must not: parse commands (modem_commands.py) or keep sockets (modem_tcp.py).

Sources: 3GPP TS 27.007 (stat values 0 not registered, 1 home, 2 searching, 3 denied, 5 roaming;
+CME ERROR numbers, section 9.2), SIMCom A76XX Series AT Command Manual V1.09 (+CPIN, +CSQ, +CPSI).
"""

_SEARCH_RESULT = {"home": 1, "roaming": 5, "denied": 3, "searching": 2}


class Radio:
    """m: the Modem. network: "home", "roaming", "denied" or "searching" (never found)."""

    def __init__(self, m, sim, pin, network, register_us, rssi):
        self.m = m
        self.sim = sim  # "READY", "SIM PIN", "SIM PUK" or "ABSENT"
        self.pin = pin
        self.tries = 3
        self.network = network
        self.register_us = register_us
        self.rssi = rssi
        self.signal = True
        self.boot(False)

    def boot(self, sim_ready):
        """State after a start; sim_ready False: the card has not been read yet."""
        self.sim_ready = sim_ready
        self.unlocked = self.sim == "READY"
        self.stat = 0
        self.functional = 1
        self.attached = True
        self.urc_mode = {"CREG": 0, "CGREG": 0, "CEREG": 0}
        self.cops_format = 0
        self.nitz = False
        self.auto_zone = False
        self._search = 0  # number of the search under way; a later one makes it void
        self._csq_us = None
        self._loss = 0  # number of the loss of network under way

    # --- life -----------------------------------------------------------------------------------

    def sim_found(self):
        """The card has been read (timer after the start)."""
        self.sim_ready = True
        if self.sim == "ABSENT":
            if self.m.card_absent:
                self.m.urc(self.m.card_absent)
            return
        self.m.urc("+CPIN: READY" if self.unlocked else "+CPIN: " + self.sim)
        self._csq_us = self.m.now + 2000000
        self.search()

    def unlock(self):
        self.unlocked = True
        self.m.urc("+CPIN: READY", 100000)
        self.m.after(200000, self.search)

    def search(self):
        """Begins to look for a network if everything for it is there."""
        self._search += 1
        usable = self.sim_ready and self.sim != "ABSENT" and self.unlocked
        if not usable or self.functional != 1:
            self._set(0)
            return
        self._set(2)
        if self.signal:
            self.m.after(self.register_us, self._found, self._search)

    def _found(self, number):
        if number != self._search or not self.signal:
            return
        self._set(_SEARCH_RESULT[self.network])
        if self.registered():
            self._loss += 1
            self.nitz = True
            if self.m.family == "A7670":
                self.m.urc("+CGEV: EPS PDN ACT 1")

    def _set(self, stat):
        if stat == self.stat:
            return
        self.stat = stat
        for name, mode in self.urc_mode.items():
            if mode:
                self.m.urc(f"+{name}: {stat}{self._cell(mode)}")

    def registered(self):
        return self.stat in (1, 5)

    def data_ready(self):
        return self.registered() and self.attached

    def report(self, name):
        """-> the answer to AT+CREG? and its relatives."""
        mode = self.urc_mode[name]
        return f"+{name}: {mode},{self.stat}{self._cell(mode)}"

    def _cell(self, mode):
        return ',"5A1E","0B28F70C",7' if mode == 2 and self.registered() else ""

    def csq(self):
        """-> (rssi, ber); 99,99 until the first measurement and without a signal."""
        if not self.signal or self.functional != 1 or self._csq_us is None:
            return 99, 99
        return (self.rssi, 99) if self.m.now >= self._csq_us else (99, 99)

    # --- faults ---------------------------------------------------------------------------------

    def set_signal(self, on):
        self.signal = bool(on)
        self.search()
        if not on:
            self._net_gone(5000000)

    def set_network(self, network):
        self.network = network
        if network not in ("home", "roaming"):
            self._net_gone(1000000)
        self.search()

    def remove_sim(self):
        self.sim = "ABSENT"
        self.m.urc(self.m.card_removed)
        self.search()
        self._net_gone(500000)

    def set_functional(self, n):
        self.functional = n
        if n != 1:
            self._net_gone(0)
        self.search()

    def set_attached(self, on):
        self.attached = bool(on)
        if not on:
            self._net_gone(0)

    def _net_gone(self, delay_us):
        self._loss += 1
        self.m.after(delay_us, self._gone, self._loss)

    def _gone(self, number):
        # Registered again in time: the bearer has survived the gap.
        if number == self._loss:
            self.m.tcp.network_lost()

    # --- clock ----------------------------------------------------------------------------------

    def stamp(self, seconds):
        return _stamp(seconds)

    def cclk(self):
        """-> "yy/MM/dd,hh:mm:ss+zz", zz in quarters of an hour, local time.

        Without network time the module counts from its own beginning (1970 on A76xx, 1980 on
        SIM7600: a well-formed lie that a terminal must not believe).
        """
        if not self.nitz or not self.auto_zone:
            days = 0 if self.m.family == "A7670" else 3657
            return _stamp(days * 86400 + self.m.uptime_us() // 1000000) + "+00"
        zone = self.m.zone_quarters
        seconds = self.m.epoch_s + self.m.now // 1000000 + zone * 900
        return _stamp(seconds) + f"{'-' if zone < 0 else '+'}{abs(zone):02d}"


def _stamp(seconds):
    """-> "yy/MM/dd,hh:mm:ss" of Unix seconds (days to date: Hinnant's civil_from_days)."""
    days, rest = divmod(seconds, 86400)
    days += 719468
    era, doe = divmod(days, 146097)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    day = doy - (153 * mp + 2) // 5 + 1
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{year % 100:02d}/{month:02d}/{day:02d},{clock}"
