"""SIMCom A7670 / SIM7600 modem on a serial line, with TCP sockets behind it.

Owns: the command line (echo, CR, busy, payload), the queue of what goes out, power and start-up.
Must not: open sockets, read a clock. The network side is `net`, see modem_tcp.py.

LINE. Echo is on at first (ATE1), results are verbose (ATV1): every reply is <CR><LF>text<CR><LF>.
A command line ends with CR; LF is ignored. Characters before "AT" are ignored, a line without "AT"
is not answered. While a command is being executed (until its OK, ERROR or ">"), bytes from the
terminal are dropped (while_busy="ignore", also recorded in `.errors`) or kept and executed later
(while_busy="queue").

START. After PWRKEY (or with the supply, auto_on=True) the module is deaf for boot_us; then

    *ATREADY: 1     (family "SIM7600": RDY)
    +CPIN: READY    0.5 s later; before that AT+CPIN? is +CME ERROR: SIM busy
    SMS DONE        2 s later
    PB DONE         3 s later

each framed by CR LF. The search for a network begins with +CPIN: READY and takes register_us.

PWRKEY is active low. 50 ms low switch the module on, 2.5 s low (a new press) switch it off; the
module is off off_us after that. STATUS is high from 7/8 of boot_us until the module is off.
(A7670 Series Hardware Design V1.06, section 3.2: Ton typ. 50 ms, Toff min. 2.5 s, Toff(uart) typ.
2 s, Toff-on min. 2 s; Ton(uart) is given as 8 to 11 s, by module.)

PAYLOAD. AT+CIPSEND=link,length answers <CR><LF>">" and then takes exactly `length` bytes, whatever
they are. Only AT+CIPSEND=link (no length) ends with Ctrl-Z, escapes with ETX and is cancelled by
ESC (SIM7600 manual, AT+CIPSEND). esc_aborts=True makes ESC as the first byte cancel the fixed form
too. Payload bytes are echoed while echo is on. What arrives before ">" is lost.

A replied line is never split by an unsolicited one; between lines anything may come.
"""

from models.modem_commands import COMMANDS, DELAYS
from models.modem_faults import Faults
from models.modem_line import Line
from models.modem_radio import Radio
from models.modem_tcp import Tcp

READY_LINE = {"A7670": "*ATREADY: 1", "SIM7600": "RDY"}
BOOT_LINES = ((2000000, "SMS DONE"), (3000000, "PB DONE"))  # us after the first


class Modem:
    """net: object with open(link, host, port), send(link, data), close(link), or None.

    sim: "READY", "SIM PIN", "SIM PUK", "ABSENT".
    network: "home", "roaming", "denied", "searching" (never found).
    latency: {name: us} over DELAYS of modem_commands.py. epoch_s: Unix time at now_us = 0.
    The class attributes are the module's identity and pin timing; set them on the object.
    """

    commands = COMMANDS
    delays = DELAYS
    prompt = b"\r\n>"
    card_absent = None  # line after the start without a card
    card_removed = "+CPIN: SIM REMOVED"
    imei = "867250061234560"
    imsi = "460001234567890"
    iccid = "89860012345678901234"
    operator = "CHINA MOBILE"
    plmn = "46000"
    ip = "10.148.0.17"
    ton_us = 50000  # PWRKEY low to switch on
    toff_us = 2500000  # PWRKEY low to switch off
    off_us = 2000000  # from there until the module is off
    off_on_us = 2000000  # rest before it can be switched on again

    def __init__(
        self,
        net=None,
        family="A7670",
        boot_us=8000000,
        register_us=3000000,
        auto_on=False,
        sim="READY",
        pin="1234",
        network="home",
        rssi=21,
        latency=None,
        while_busy="ignore",
        esc_aborts=False,
        epoch_s=1767225600,
        zone_quarters=32,
        seed=1,
    ):
        self.family = family
        self.boot_us = boot_us
        self.auto_on = auto_on
        self.latency = latency or {}
        self.epoch_s = epoch_s
        self.zone_quarters = zone_quarters
        self.errors = []  # what a correct terminal would not have sent
        self.unsupported = []
        self.starts = 0
        self.now = 0
        self.baud = 115200
        self.on_baud = None  # called with the new rate after AT+IPR
        self.apns = {1: ("IP", "")}
        self.faults = Faults(seed)
        self._tx = []  # (due_us, bytes), ascending
        self._held_us = 0  # nothing is said before it: the rest of a line comes then
        self._timers = []  # (due_us, fn, args), ascending
        self._in_timer = False
        self._storms = 0
        self._supply = True
        self._state = "off"  # "off", "booting", "on", "stopping"
        self._off_at = -self.off_on_us
        self._key_low = False
        self._key_due = None
        self._hung = False
        self._status = False
        self._started_us = 0
        self.radio = Radio(self, sim, pin, network, register_us, rssi)
        self.tcp = self.make_tcp(net)
        self.line = Line(self, while_busy, esc_aborts)
        if auto_on:
            self._start()

    def make_tcp(self, net):
        return Tcp(self, net)

    def boot_lines(self):
        """-> first line after a start, and [(us later, line)]."""
        return READY_LINE[self.family], BOOT_LINES

    # --- UART peer ------------------------------------------------------------------------------

    def receive(self, data, now_us):
        self.advance(now_us)
        data = self.faults.line(data)
        self.line.feed(data)

    def transmit(self, now_us):
        self.advance(now_us)
        out = b""
        while self._tx and self._tx[0][0] <= now_us:
            data = self._tx.pop(0)[1]
            first, later = self.faults.pieces(data)
            out += first
            if later:
                # What is said after it comes after it.
                wait = self.faults.pause()
                self._tx.insert(0, (now_us + wait, later))
                self._held_us = now_us + wait
                self._tx = [(max(due, self._held_us), more) for due, more in self._tx]
                break
        return self.faults.line(out)

    def next_due(self):
        due = self._key_due
        for queue in (self._timers, self._tx):
            if queue and (due is None or queue[0][0] < due):
                due = queue[0][0]
        return due

    def advance(self, now_us):
        if self._in_timer:  # the network side answered from within one of our own calls
            return
        self._in_timer = True
        try:
            while True:
                key = self._key_due
                timer = self._timers[0][0] if self._timers else None
                if key is not None and key <= now_us and (timer is None or key <= timer):
                    self.now = max(self.now, key)
                    self._key_due = None
                    self._key_held()
                elif timer is not None and timer <= now_us:
                    due, fn, args = self._timers.pop(0)
                    self.now = max(self.now, due)
                    fn(*args)
                else:
                    break
        finally:
            self._in_timer = False
        self.now = max(self.now, now_us)

    # --- power ----------------------------------------------------------------------------------

    def power(self, on, now_us):
        """VBAT. Off is at once, without a farewell to the network."""
        self.advance(now_us)
        if bool(on) == self._supply:
            return
        self._supply = bool(on)
        if not on:
            self._off()
            # A supply that was off leaves nothing to wait for before the next start.
            self._off_at = now_us - self.off_on_us
            self._key_due = None
        elif self.auto_on:
            self._start()
        elif self._key_low:
            self._key_due = now_us + self.ton_us

    def pwrkey(self, level, now_us):
        """PWRKEY pin of the module: 0 pressed, 1 (or floating) released."""
        self.advance(now_us)
        low = not level
        if low == self._key_low:
            return
        self._key_low = low
        self._key_due = None
        if low and self._supply:
            self._key_due = now_us + (self.ton_us if self._state == "off" else self.toff_us)

    def _key_held(self):
        if self._state == "off":
            if self.now - self._off_at >= self.off_on_us:
                self._start()
        else:
            self.shut_down()

    def status(self):
        """-> level of the STATUS pin at the last time the model knows."""
        return 1 if self._status else 0

    def listening(self):
        """-> bool: the module takes bytes from its line."""
        return self._state in ("on", "stopping") and not self._hung

    def uptime_us(self):
        return self.now - self._started_us

    def _start(self):
        self.starts += 1
        self.line.reset()
        self._tx = []
        self._hung = False
        self._state = "booting"
        self._started_us = self.now
        self.after(self.boot_us * 7 // 8, self._status_high)
        self.radio.boot(False)
        self.after(self.boot_us, self._ready)

    def _status_high(self):
        self._status = True

    def _ready(self):
        self._state = "on"
        first, later = self.boot_lines()
        self.say(self.faults.boot_noise)
        self.urc(first)
        self.after(500000, self.radio.sim_found)
        for delay, text in later:
            self.urc(text, delay)
        self._storms += 1
        self._storm(self._storms)  # a storm outlives a restart

    def shut_down(self):
        """AT+CPOF or PWRKEY: leaves the network, then switches off."""
        self._state = "stopping"
        self.after(self.off_us, self._off)

    def _off(self):
        self.tcp.reset()
        self.radio.boot(False)
        self._state = "off"
        self._off_at = self.now
        self._status = False
        self._timers = []
        self._tx = []
        self.line.reset()

    def restart(self):
        """Watchdog, AT+CRESET, a crash: off and on in one."""
        self._off()
        self._start()

    def change_baud(self, baud):
        self.after(20000, self._set_baud, baud)

    def _set_baud(self, baud):
        self.baud = baud
        if self.on_baud:
            self.on_baud(baud)

    # --- faults that act at a moment (the others are attributes of .faults) ---------------------

    def hang(self, now_us):
        """Answers nothing any more until it is switched off and on."""
        self.advance(now_us)
        self._hung = True
        self._tx = []

    def crash(self, now_us):
        """Restarts by itself."""
        self.advance(now_us)
        if self._state in ("on", "booting"):
            self.restart()

    def storm(self, period_us, now_us, inside=0.0, seed=None):
        """Random unsolicited lines from now on; period 0 ends it. See Faults.storm."""
        self.advance(now_us)
        self.faults.storm(period_us, inside, seed=seed)
        self._storms += 1
        self._storm(self._storms)

    def _storm(self, number):
        # A later call of storm() makes this one void.
        if self.faults.storm_us and number == self._storms:
            wait, text = self.faults.next_storm()
            self.after(wait, self._storm_line, number, text)

    def _storm_line(self, number, text):
        if number == self._storms:
            self.urc(text)
            self._storm(number)

    def flood(self, n, now_us):
        """At least n bytes of unsolicited lines at once: more than a terminal has room for?"""
        self.advance(now_us)
        while n > 0:
            text = self.faults.storm_text()
            self.urc(text)
            n -= len(text) + 4

    def set_signal(self, on, now_us):
        self.advance(now_us)
        self.radio.set_signal(on)

    def set_network(self, network, now_us):
        """ "home", "roaming", "denied" or "searching"."""
        self.advance(now_us)
        self.radio.set_network(network)

    def remove_sim(self, now_us):
        self.advance(now_us)
        self.radio.remove_sim()

    def insert_sim(self, now_us, sim="READY"):
        """Seen at the next start only."""
        self.advance(now_us)
        self.radio.sim = sim

    # --- network side ---------------------------------------------------------------------------

    def net_opened(self, link, error, now_us):
        """Outcome of net.open(): 0, or an error number (1 failure, 10 timeout, 11 DNS)."""
        self.advance(now_us)
        self.tcp.opened(link, error)

    def net_data(self, link, data, now_us):
        self.advance(now_us)
        self.tcp.data(link, bytes(data))

    def net_closed(self, link, now_us):
        """The peer closed."""
        self.advance(now_us)
        self.tcp.closed(link)

    # --- for the parts --------------------------------------------------------------------------

    def delay(self, name):
        """-> us, from the caller's table or the default one."""
        default = self.delays.get(name, self.delays["default"])
        return self.latency.get(name, self.latency.get("default", default))

    def after(self, delay_us, fn, *args):
        due = self.now + delay_us
        at = len(self._timers)
        while at and self._timers[at - 1][0] > due:
            at -= 1
        self._timers.insert(at, (due, fn, args))

    def say(self, data, delay_us=0):
        """Puts bytes on the line; the caller frames them."""
        if self._hung or self._state in ("off", "booting") or not data:
            return
        due = max(self.now + delay_us, self._held_us)
        at = len(self._tx)
        while at and self._tx[at - 1][0] > due:
            at -= 1
        if at and self._tx[at - 1][0] == due:
            self._tx[at - 1] = (due, self._tx[at - 1][1] + data)
        else:
            self._tx.insert(at, (due, data))

    def urc(self, text, delay_us=0):
        start = b"\r\n" if self.line.verbose else b""
        self.say(start + text.encode() + b"\r\n", delay_us)
