# What tells a training from the real thing: a mark on every screen and on every piece of paper.

MARK = "培训"
_COLUMNS = 4  # of the mark

_LARGE = "cbwh"
_PAPER = (
    (MARK + " TRAINING", _LARGE),
    ("不作付款凭证", _LARGE),
    ("NOT A PAYMENT", _LARGE),
)


def on_glass(canvas):
    """Every title that is drawn on `canvas` from now on begins with the mark."""
    title = canvas.title

    def marked(text):
        # Two bytes more for each Chinese character, which takes one column more.
        room = canvas.columns - _COLUMNS - (len(text) + len(text.encode())) // 2
        title(MARK + (" " + text if room > 0 else text.replace(" ", "")))

    canvas.title = marked


class Printer:
    """The board's printer, whose documents say what they are, above and below."""

    def __init__(self, printer):
        self._printer = printer

    def __getattr__(self, name):
        return getattr(self._printer, name)

    async def print(self, lines):
        rule = [("", "-")]
        lines = list(_PAPER) + rule + list(lines) + rule + list(_PAPER)
        return await self._printer.print(lines)
