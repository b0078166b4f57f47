"""unlock, challenge and response, lock, password."""

from ..errors import ToolError


def register(add, group):
    p = add("unlock", "become the technician of this terminal", run_unlock)
    how = p.add_mutually_exclusive_group()
    how.add_argument("--response", metavar="CODE", help="answer to the challenge, by telephone")
    how.add_argument(
        "--challenge", action="store_true", help="show a challenge for the back office"
    )
    add("lock", "end the technician's session", run_lock)
    add("password", "set the technician's password (8 characters or more)", run_password)
    p = add("respond", "back office: the answer to a challenge, with the service key", run_respond)
    p.add_argument("challenge")
    p.add_argument(
        "--key", required=True, metavar="FILE", help="service key, hex digits in a file"
    )


def run_unlock(work):
    if work.args.challenge:
        work.out.result(work.call("challenge"))
    elif work.args.response:
        work.out.result(work.call("respond", work.args.response))
    else:
        work.out.result(work.call("unlock", work.secret("technician's password")))


def run_lock(work):
    work.out.result(work.call("lock"))


def run_password(work):
    first = work.secret("new password")
    if first != work.secret("the same again"):
        raise ToolError("the two are not the same; nothing was changed", "type it again")
    work.out.result(work.key_call("password", first))


def run_respond(work):
    raise ToolError("not yet")
