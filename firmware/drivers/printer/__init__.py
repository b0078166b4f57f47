# Printers. A printer has: tasks() (name and coroutine function of
# each task that must run), async print(lines) -> JobResult, async status() -> JobResult, columns
# (single-width characters a line).
#
# A line to print is (text, style); the style is a str of letters: c centre, r right, b bold, w
# double width, h double height, - a rule across the paper (text ignored). Instead of text:
#   q   a QR code of the text (str or bytes); qN by the printer's own command, qR as dots (without
#       either: as the profile says)
#   i   an image (width, height, bits): one bit a dot, MSB left, 1 = black, rows of whole bytes
#   x   (bytes, dot rows) that go to the printer as they are: for the self-test

OK = "ok"
FAULT = "fault"
UNKNOWN = "unknown"

# Reasons of a FAULT
PAPER = "paper"
COVER = "cover"
HEAT = "heat"
VOLTAGE = "voltage"
CUTTER = "cutter"
BROKEN = "broken"
OFFLINE = "offline"
# Reason of UNKNOWN
NO_ANSWER = "no_answer"


class JobResult:
    """status OK: everything is on paper (the printer said so after the last line). FAULT: it is
    not, for `reason`. UNKNOWN: bytes were sent and nothing was heard."""

    def __init__(self, status, reason=""):
        self.status = status
        self.reason = reason

    def __repr__(self):
        return "<%s %s>" % (self.status, self.reason)
