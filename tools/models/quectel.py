"""Quectel EC200 / EC20 / EG25 modem on a serial line, with TCP sockets behind it.

Line, power and faults as in a7670.py; what differs is here, in quectel_commands.py and in
quectel_tcp.py. After a start:

    RDY
    +CFUN: 1           0.2 s later
    +CPIN: READY       0.5 s later, or +CPIN: NOT INSERTED
    +QUSIM: 1          0.6 s later
    +QIND: SMS DONE    2 s later
    +QIND: PB DONE     3 s later

PWRKEY: 500 ms low switch on, 650 ms low switch off; POWERED DOWN is said at the end of the way
down (EC25 Hardware Design, sections 3.7; EC2x&EG2x AT Commands Manual, AT+QPOWD). The prompt for
data is "> " (TCP/IP Application Note, examples of AT+QISEND).
"""

from models.a7670 import Modem
from models.quectel_commands import COMMANDS, DELAYS
from models.quectel_tcp import QuectelTcp

BOOT_LINES = (
    (200000, "+CFUN: 1"),
    (600000, "+QUSIM: 1"),
    (2000000, "+QIND: SMS DONE"),
    (3000000, "+QIND: PB DONE"),
)


class Quectel(Modem):
    """See models.a7670.Modem. family: "EC200", "EC20" or "EG25".

    rearm: when a new `+QIURC: "recv"` can come: "zero", after AT+QIRD has answered 0; "empty", as
    soon as everything has been read (by firmware).
    """

    commands = COMMANDS
    delays = DELAYS
    prompt = b"\r\n> "
    card_absent = "+CPIN: NOT INSERTED"
    card_removed = "+CPIN: NOT READY"
    imei = "861536030196001"
    ton_us = 500000
    toff_us = 650000
    off_us = 4000000
    off_on_us = 1000000

    def __init__(self, net=None, family="EC200", boot_us=10000000, rearm="zero", **options):
        self.rearm = rearm
        super().__init__(net, family, boot_us, **options)

    def make_tcp(self, net):
        return QuectelTcp(self, net)

    def boot_lines(self):
        return "RDY", BOOT_LINES

    def shut_down(self):
        self.urc("POWERED DOWN", self.off_us - 100000)
        super().shut_down()
