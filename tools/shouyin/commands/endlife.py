"""decommission: the end of a terminal's service here."""

from ..errors import NEGATIVE, ToolError


def register(add, group):
    p = add(
        "decommission",
        "destroy keys, journal, settings and operators, after a warning of what is owed",
        run_decommission,
    )
    p.add_argument("--confirm", metavar="WORD", help="the word, instead of typing it")
    p.add_argument("--password-stdin", action="store_true", help="password from a pipe")


def warning(data):
    """Lines that say what is lost; `data` as of tech.decommission()."""
    lines = []
    if data["owed"] < 0:
        lines.append("THE JOURNAL CANNOT BE READ: nobody knows what the acquirer does not have.")
    elif data["owed"]:
        lines.append(
            f"{data['owed']} TRANSACTIONS, {data['amount_fen'] / 100:.2f} YUAN, HAVE NOT REACHED "
            "THE ACQUIRER: THEY WILL BE LOST. Let the terminal upload them first."
        )
    if data["unsettled"] > 0:
        lines.append(f"{data['unsettled']} transactions are not settled: settle first.")
    return [*lines, "Keys, journal, settings and operators will be destroyed for good."]


def run_decommission(work):
    word = work.args.confirm
    if word is None:
        asked = work.key_call("decommission")
        for line in warning(asked):
            work.out.say(line)
        word = asked["confirm"]
        if work.ask(f"Type {word} to go on:") != word:
            raise ToolError("not confirmed; nothing was destroyed")
    data = work.key_call("decommission", word, wait_s=300)
    if not data["decommissioned"]:
        lines = [*warning(data), f"THE WORD IS NOT RIGHT (ANY MORE): it is {data['confirm']} now"]
        work.out.result(data, lines)
        return NEGATIVE
    work.out.result(data, ["keys destroyed; the terminal starts anew, blank"])
    return 0
