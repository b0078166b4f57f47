"""keys status, enter, kcv."""

import binascii
import hmac

from ..errors import ToolError
from .access import SERVICE_KEY, hexadecimal

_ENTRY_S = 1800  # two people, one after the other


def register(add, group):
    keys = group("keys", "the terminal's keys: only check values are ever shown")
    add("status", "which keys there are, and their check values", run_status, keys)
    p = add("enter", "two people type the components of a key on the terminal", run_enter, keys)
    p.add_argument("which", nargs="?", choices=("master", "service"), default="master",
                   help="which key (default: master)")  # fmt: skip
    p.add_argument("--password-stdin", action="store_true", help="password from a pipe")
    p = add("kcv", "check value of a key or a component, typed unseen by its holder",
            run_kcv, keys)  # fmt: skip
    p.add_argument("--service", action="store_true", help="of the service key")


def run_status(work):
    work.show("keys.status")


def run_enter(work):
    work.out.say("the entry is on the terminal's screen; each holder types his component there")
    work.key_show("keys.enter", work.args.which, wait_s=_ENTRY_S)


def check_value(component):
    """First 3 bytes of zeros enciphered with a double- or triple-length DES key, as hex digits
    (ANSI X9.24-1 A.2). ToolError; its text shows nothing of the component."""
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    try:
        key = binascii.unhexlify("".join(component.split()))
    except ValueError:
        raise ToolError("the component is not hexadecimal", "type its hex digits") from None
    if len(key) not in (16, 24):
        raise ToolError(f"the component has {2 * len(key)} hex digits, not 32 or 48")
    key += key[: 24 - len(key)]  # K1 K2 K1
    cipher = Cipher(TripleDES(key), modes.ECB()).encryptor()
    return (cipher.update(bytes(8)) + cipher.finalize())[:3].hex().upper()


def service_check_value(component):
    """First 3 bytes of HMAC-SHA-256 over "shouyin check value" under the service key or one of its
    components (16 bytes), as hex digits. ToolError; its text shows nothing of it."""
    key = hexadecimal("".join(component.split()), SERVICE_KEY, "the component")
    return hmac.digest(key, b"shouyin check value", "sha256")[:3].hex().upper()


def run_kcv(work):
    function = service_check_value if work.args.service else check_value
    kcv = function(work.secret("component (unseen)"))
    work.out.result({"kcv": kcv}, [f"KCV {kcv}: compare it with the one on the paper"])
