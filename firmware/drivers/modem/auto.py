# A modem of a kind that is known only when it answers: a fleet in which one board carries
# whatever could be bought.

from .cellular import NO_MODEM, Cellular, Trouble
from .profile import Profile
from .reply import identity

# Beginning of the model's name in ATI -> module and class of its profile. The longer ones first.
_MODELS = (
    ("EC200U", "quectel", "QuectelU"),
    ("EG915U", "quectel", "QuectelU"),
    ("EC2", "quectel", "Quectel"),
    ("EG2", "quectel", "Quectel"),
    ("EG9", "quectel", "Quectel"),
    ("A76", "simcom", "Simcom"),
    ("SIM7", "simcom", "Simcom"),
    ("SIMCOM_SIM7", "simcom", "Simcom"),
)


def find(model):
    """Profile of a model, by the name in ATI. Trouble for one that is not known."""
    for begin, module, name in _MODELS:
        if model.startswith(begin):
            # Only the one that is needed takes memory.
            if module == "quectel":
                from . import quectel as found
            else:
                from . import simcom as found
            return getattr(found, name)()
    raise Trouble(NO_MODEM)


class Auto(Cellular):
    """See Cellular. The kind is asked for at every start of the module."""

    profile = Profile()

    async def _recognise(self):
        c = await self.at.command("ATI", 5000)
        self.profile = find(identity(c.lines)[1])
        self.at.announce(self.profile.ANNOUNCE)
