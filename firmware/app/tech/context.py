# What a technician's command works on: the running terminal, or the flash of a stopped one.

import board


class TechError(Exception):
    """A command cannot do what was asked. args: (what,), a sentence for the technician without
    any secret."""


class Context:
    """terminal: root.Terminal, None when it is stopped. session: tech.session.Session. `say`:
    callable(str), a progress line for the console; None: nowhere."""

    def __init__(self, terminal=None, session=None, say=None):
        self.terminal = terminal
        self.session = session
        self._say = say
        self._made = {}

    @property
    def app(self):
        """services.App of the running terminal; None when it is stopped or cannot trade."""
        return getattr(self.terminal, "app", None)

    def say(self, text):
        if self._say is not None:
            self._say(text)

    def _of(self, name, make):
        """What the terminal has under `name`, or what make() opens from flash, once."""
        found = getattr(self.terminal, name, None)
        if found is not None:
            return found
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def settings(self):
        """store.settings.Settings. SettingsError when the file is damaged."""
        return self._of("settings", _settings)

    def operators(self):
        """store.operators.Operators. OperatorError when the file is damaged."""
        return self._of("operators", _operators)

    def vault(self):
        """store.vault.Vault. VaultError when it is damaged or of another device."""
        return self._of("vault", _vault)

    def reread(self):
        """What is in memory of settings, operators and vault was written anew behind its back."""
        self._made.clear()
        for name in ("settings", "operators", "vault"):
            store = getattr(self.terminal, name, None)
            if store is not None:
                store.load()

    def training(self):
        """Whether the running terminal is in training: settings and journal are then those of it,
        operators and vault the real ones."""
        return getattr(self.terminal, "training", None) is not None

    def real(self):
        """TechError in training: what is to be changed or proved is the real terminal."""
        if self.training():
            raise TechError("in training: leave it first (menu 5, 9)")

    def journal(self):
        """store.journal.Journal, to look at. FlashError, OSError."""
        return self._of("journal", _journal)

    def audit(self, event, detail=""):
        """Note `event` (a code of store.audit) with the technician as who did it; without an audit
        log nothing is kept."""
        log = getattr(self.terminal, "audit", None)
        if log is not None:
            log.event(event, "tech", detail)


def _settings():
    from ..store.settings import Settings

    settings = Settings(board.DATA + "/settings.json")
    settings.load()
    return settings


def _operators():
    from ..crypto import seal
    from ..store.operators import Operators

    operators = Operators(board.DATA + "/operators.json", seal.pbkdf2_sha256)
    operators.load()
    return operators


def _vault():
    from ..crypto import seal
    from ..store.vault import Vault

    vault = Vault(board.DATA + "/vault.bin", seal.Sealer(board.device_secret()))
    vault.load()
    return vault


def _journal():
    from ..store.flashlog import FlashLog
    from ..store.journal import Journal

    journal = Journal(FlashLog(board.journal_partition()), board.CAPS["journal"])
    journal.recover(None, False)
    return journal
