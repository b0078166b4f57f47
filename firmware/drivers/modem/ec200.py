# Quectel modems, as a board file takes them.

from .cellular import Cellular
from .quectel import Quectel, QuectelU


class EC20(Cellular):
    """EC20, EC25, EG25. See Cellular."""

    profile = Quectel()


class EG25(EC20):
    """The same commands."""


class EC200(EC20):
    """EC200A, EC200N, EC200S, EC200T: the same commands."""


class EC200U(Cellular):
    """See Cellular."""

    profile = QuectelU()
