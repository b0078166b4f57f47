# What differs by maker and model, and what is the same for all of them. Data, and the few commands
# whose order or replies differ; the state is in Cellular and Socket.

# Unsolicited lines: (beginning, method of Cellular or None, index of the link's number among the
# line's numbers if it concerns a connection). 3GPP TS 27.007; boot lines as the makers' manuals
# have them.
COMMON = (
    ("RDY", "on_boot"),
    ("+CPIN: READY", "on_late_boot"),
    ("SMS DONE", "on_late_boot"),
    ("PB DONE", "on_late_boot"),
    ("+CPIN: NOT", "on_card_gone"),
    ("+CPIN: SIM REMOVED", "on_card_gone"),
    ("+CREG:", "on_registration"),
    ("+CGREG:", "on_registration"),
    ("+CEREG:", "on_registration"),
    ("NORMAL POWER DOWN", "on_off"),
    ("RING", None),
    ("NO CARRIER", None),
)


class Profile:
    """One kind of modem; this one knows only what all have in common. `at` is the Channel. The
    methods raise AtError and asyncio.TimeoutError."""

    LINKS = 10  # numbers of connections
    ANNOUNCE = None  # type: tuple | None  # see reply.announced
    URCS = COMMON  # type: tuple
    PRESS_MS = (600, 2200)  # power key: first and second try to switch on
    PRESS_OFF_MS = 3000
    OFF_MS = 30_000  # at most, until it is off
    REST_MS = 2000  # before it can be switched on again
    BOOT_MS = 25_000  # until the first answer
    SETUP = ("AT+CMEE=2",)  # type: tuple
    RESTART = "AT+CFUN=1,1"
    POWER_OFF = "AT"
    PIN_TRIES = ("AT+CPINR", "+CPINR:", 1)  # command, prefix, index of the number
    ICCID = ("AT+CCID", "+CCID:")
    CLOCK = ("AT+CCLK?", "+CCLK:")

    async def bearer_up(self, at, apn):
        """Make the data service ready for sockets."""
        raise NotImplementedError

    async def bearer_is_up(self, at):
        raise NotImplementedError

    async def bearer_down(self, at):
        raise NotImplementedError

    async def open(self, at, link, host, port, timeout_ms):
        """Begin to open a connection; how it ends comes unsolicited (Cellular.on_opened)."""
        raise NotImplementedError

    async def send(self, at, link, part, timeout_ms):
        """Whether it was taken; False: not now. AtError: not, or not all."""
        raise NotImplementedError

    async def fetch(self, at, link, view, timeout_ms):
        """(bytes put into view, whether there may be more). AtError: what came is not whole."""
        raise NotImplementedError

    async def drop(self, at, link):
        raise NotImplementedError

    async def unacked(self, at, link):
        """Bytes sent that the host has not acknowledged, or None."""
        raise NotImplementedError
