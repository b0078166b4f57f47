# SIMCom modems, as a board file takes them.

from .cellular import Cellular
from .simcom import Simcom


class A7670(Cellular):
    """See Cellular."""

    profile = Simcom()


class SIM7600(A7670):
    """The same commands; up to 23 s until the first answer."""
