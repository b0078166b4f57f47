# Into training and out of it, and what the composition root takes in the place of the real things.
#
# Everything of a training lies in one folder of the data volume: settings, operators, vault and
# journal. Its keys and passwords are worth nothing and stand here and in train.host. The flag is
# written last on the way in and removed first on the way out: a power cut in between leaves the
# terminal as it was.

import os

from micropython import const

from ..crypto import seal
from ..kernel import log
from ..store import files
from ..store.flashlog import FlashLog
from ..store.journal import Journal
from ..store.operators import OperatorError, Operators
from ..store.settings import Settings, SettingsError
from ..store.vault import Vault, VaultError
from . import FLAG, marks, storage
from .card import Reader, TestSwipe
from .host import OUTCOMES, TMK, Host

_FOLDER = "/training"

PASSWORD = "111111"  # of both operators
_OPERATORS = (("01", "cashier"), ("00", "supervisor"))

_SETTINGS = {
    "tid": "TRAINING",
    "mid": "TRAINING0000000",
    "merchant_name": "培训商户",
    "merchant_name_en": "TRAINING MERCHANT",
    "host": "training",
    "port": 1,
    # staff waits for the answer that does not come, but not for a minute
    "response_timeout_s": 10,
}

# Room for 60 transactions, which is a long training; at most 48 KiB of the data volume.
_CAPACITY = const(60)
_BLOCKS = const(12)
_BLOCK = const(4096)
_READY = const(2)  # erased blocks that housekeeping keeps (store.flashlog)


def switch(on, data, language="zh", owed=0):
    """enter() or leave(); whether that could be written down."""
    try:
        if on:
            enter(data, language, owed)
        else:
            leave(data)
        return True
    except OSError as e:
        log.exception("training", e)
        return False


def enter(data, language="zh", owed=0):
    """The next start is a training. `data`: folder of the data volume; `owed`: how many real
    transactions wait meanwhile. OSError: it could not be written, nothing has changed."""
    storage.wipe(data + _FOLDER)
    os.mkdir(data + _FOLDER)
    files.replace_json(data + FLAG, {"language": language, "owed": owed})
    log.info("training begins")


def leave(data):
    """The next start is none. OSError: it could not be written, the training goes on."""
    os.remove(data + FLAG)
    log.info("training ends")
    try:
        storage.wipe(data + _FOLDER)
    except OSError as e:
        log.error("training: %s", e)  # it goes when the next one begins


class Training:
    """`owed`: real transactions that wait for the end of the training. `outcomes`: what endings of
    amounts lead to, as (ending, response code). `folder`: where all of it lies."""

    outcomes = OUTCOMES

    def __init__(self, data, canvas):
        marks.on_glass(canvas)
        self.folder = data + _FOLDER
        try:
            state = files.load_json(data + FLAG) or {}
        except ValueError:
            state = {}  # the file is there: that is what counts
        self.owed = state.get("owed", 0)
        self._language = state.get("language", "zh")

    def load(self):
        """The Settings of the training; `vault` and `operators` are there afterwards, too. Made
        anew when they are not there or damaged. OSError."""
        try:
            return self._load()
        except (
            SettingsError,
            VaultError,
            OperatorError,
            KeyError,
            TypeError,
            AttributeError,
        ) as e:
            log.exception("training", e)
        storage.wipe(self.folder)
        return self._load()

    def _load(self):
        try:
            os.mkdir(self.folder)
        except OSError as e:
            if e.args[0] != 17:  # EEXIST
                raise
        settings = Settings(self.folder + "/settings.json")
        settings.load()
        if settings.missing():
            settings.set(language=self._language, **_SETTINGS)
        vault = Vault(self.folder + "/vault.bin", seal.Sealer(TMK, b"training"))
        vault.load()
        if vault.get("TMK") is None:
            vault.put(TMK=TMK)
        operators = Operators(self.folder + "/operators.json", seal.pbkdf2_sha256)
        operators.load()
        for no, role in _OPERATORS:
            if no not in operators.numbers():
                operators.add(no, role, PASSWORD.encode(), False)
        self.vault, self.operators = vault, operators
        return settings

    def journal(self, capacity, index):
        """A Journal of its own. `capacity` and `index`: those of the real one, whose memory it
        takes over."""
        ring = FlashLog(storage.FileBlocks(self.folder, _BLOCKS, _BLOCK), _READY)
        return Journal(ring, min(_CAPACITY, capacity), index)

    def bearers(self, settings):
        return [Host(settings)]

    def devices(self, printer, card_reader):
        """(printer, card reader) as the training has them."""
        return marks.Printer(printer), Reader(card_reader)

    def card(self):
        """A swipe of the built-in test card."""
        return TestSwipe()
