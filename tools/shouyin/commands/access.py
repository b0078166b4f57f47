"""unlock, challenge and response, lock, password."""

import base64
import hmac

from ..errors import ToolError
from ..work import read_text

SERVICE_KEY = 16  # bytes


def register(add, group):
    p = add("unlock", "become the technician of this terminal", run_unlock)
    how = p.add_mutually_exclusive_group()
    how.add_argument("--response", metavar="CODE", help="answer to the challenge, by telephone")
    how.add_argument(
        "--challenge", action="store_true", help="show a challenge for the back office"
    )
    how.add_argument(
        "--operator", metavar="NO", help="supervisor's number, while there is no technician"
    )
    add("lock", "end the technician's session", run_lock)
    add("password", "set the technician's password (8 characters or more)", run_password)
    p = add("respond", "back office: the answer to a challenge, with the service key", run_respond)
    p.add_argument("challenge", help="16 hex digits")
    p.add_argument("--serial", required=True, help="the terminal's, which stands by the challenge")
    p.add_argument(
        "--key", required=True, metavar="FILE", help="the terminal's service key: 32 hex digits"
    )


def run_unlock(work):
    if work.args.challenge:
        work.show("challenge")
    elif work.args.response:
        work.show("respond", work.args.response)
    elif work.args.operator:
        work.show("unlock", work.secret("supervisor's password"), work.args.operator)
    else:
        work.show("unlock", work.secret("technician's password"))


def run_lock(work):
    work.show("lock")


def run_password(work):
    first = work.secret("new password")
    if first != work.secret("the same again"):
        raise ToolError("the two are not the same; nothing was changed", "type it again")
    work.key_show("password", first)


def response(key, serial, challenge):
    """8 characters of base32: the first 40 bits of HMAC-SHA-256 over purpose, serial number (str)
    and challenge (8 bytes) under the service key (16 bytes)."""
    mac = hmac.digest(key, b"shouyin service 1" + serial.encode() + challenge, "sha256")
    return base64.b32encode(mac[:5]).decode()


def hexadecimal(text, size, what):
    """The bytes of a text of hex digits. ToolError, which does not repeat it."""
    try:
        data = bytes.fromhex(text.strip())
    except ValueError:
        raise ToolError(f"{what} is not hexadecimal") from None
    if len(data) != size:
        raise ToolError(f"{what} has {2 * len(data)} hex digits, not {2 * size}")
    return data


def run_respond(work):
    args = work.args
    challenge = hexadecimal(args.challenge, 8, "the challenge")
    key = hexadecimal(read_text(args.key), SERVICE_KEY, "the service key")
    code = response(key, args.serial, challenge)
    work.out.result(
        {"response": code}, [f"response {code[:4]}-{code[4:]}: valid 5 minutes, for one unlocking"]
    )
