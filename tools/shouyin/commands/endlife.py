"""decommission: the end of a terminal's service here."""

from ..errors import ToolError
from ..output import render


def register(add, group):
    p = add("decommission", "wipe keys, cards and settings, after a warning of what is owed",
            run_decommission)  # fmt: skip
    p.add_argument("--confirm", metavar="TID", help="the terminal's number, instead of typing it")
    p.add_argument("--password-stdin", action="store_true", help="password from a pipe")


def run_decommission(work):
    summary = work.call("journal.summary")
    owed = summary.get("owed", {})
    work.out.say("This wipes the terminal's keys, its stored cards and its settings, for good.")
    if owed.get("count"):
        work.out.say(f"STILL OWED TO THE ACQUIRER: {owed['count']} transactions, "
                     f"{owed['amount_fen'] / 100:.2f} yuan. They are lost with it:")  # fmt: skip
        for line in render(summary.get("states", {}), "  "):
            work.out.say(line)
        work.out.say("Let it upload and settle first, if it still can.")
    typed = work.args.confirm or work.ask("Type the terminal's number (TID) to go on:")
    if not typed:
        raise ToolError("not confirmed; nothing was done")
    work.key_show("decommission", typed, wait_s=300)
