"""`make run`: the live terminal drawn in a text terminal, its keys on the keyboard."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import termios
import tty
import unicodedata

from acquirer.cards import CARDS

from . import pictures, preset
from .board_process import BoardError
from .live import LiveBench

_KEYS = {
    "\r": "ENTER", "\n": "ENTER", "\x7f": "CLEAR", "\x08": "CLEAR", "\x1b": "CANCEL",
    "\x1b[A": "UP", "\x1b[B": "DOWN", "\x1bOA": "UP", "\x1bOB": "DOWN", "m": "MENU", "f": "F1",
}  # fmt: skip

_HELP = (
    "0-9 Enter Backspace Esc Up Down: the terminal's keys   m MENU   f F1 reprint",
    "c swipe a card   t tear off the receipt   p paper out/in",
    "n network off/on   h acquirer's machine off/on   x cut the next reply",
    "k pull the plug/plug in   b acquirer's books   q quit",
)

_GLASS = "\x1b[38;5;16;48;5;149m"
_PLAIN = "\x1b[0m"
_DIM = "\x1b[2m"
_BOLD = "\x1b[1m"


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text, columns):
    """`text` cut or padded to a number of columns."""
    out = ""
    n = 0
    for c in text:
        w = width(c)
        if n + w > columns:
            break
        out += c
        n += w
    return out + " " * (columns - n)


class Face:
    """Draws the bench and turns key strokes into what a person does."""

    def __init__(self, bench, out):
        self._bench = bench
        self._out = out
        self._last = None
        self._choosing = False
        self._reading = []  # lines of a torn receipt that is held up to be read
        self._said = "operator {}, password {}; supervisor {}, password {}".format(
            *preset.CASHIER, *preset.SUPERVISOR
        )
        self._paper = []
        self.quit = asyncio.Event()

    # ---- drawing --------------------------------------------------------------------------------

    def lines(self):
        columns, rows = shutil.get_terminal_size((80, 24))
        if self._reading:
            return self._receipt(columns, rows)
        pixels = self._bench.devices.display.pixels()
        if not self._bench.powered:
            pixels = bytes(len(pixels))
        big = columns >= 132 and rows >= 46
        glass = pictures.half_blocks(pixels) if big else pictures.braille(pixels)
        glass_width = 128 if big else 64
        side = columns - glass_width - 5
        text = self._side(len(glass), side) if side >= 20 else None
        console = f"mpremote: {self._bench.port.path}"
        out = [f"{_BOLD}收银 Shouyin{_PLAIN}  simulated   {_DIM}{console}   q quits{_PLAIN}"]
        for i, row in enumerate(glass):
            line = f" {_GLASS} {row} {_PLAIN} "
            out.append(line + (" " + text[i] if text else ""))
        out.append(self._status(columns))
        out += [_DIM + fit(h, columns - 1) + _PLAIN for h in _HELP]
        out += self._below(columns, rows - len(out) - 1, text is None)
        return out[: rows - 1]

    def _receipt(self, columns, rows):
        """The torn receipt, in as many columns as there is room for; what does not fit comes with
        the next key."""
        height, across = rows - 3, max(1, columns // 36)
        page = self._reading[: height * across]
        out = [fit(self._said, columns - 1)]
        for y in range(height):
            strips = page[y::height]
            out.append("".join("│" + fit(text, 32) + "│  " for text in strips))
        more = len(self._reading) > len(page)
        return out + [
            _DIM + ("any key: more" if more else "any key: back to the terminal") + _PLAIN
        ]

    def _turn(self):
        columns, rows = shutil.get_terminal_size((80, 24))
        self._reading = self._reading[(rows - 3) * max(1, columns // 36) :]

    def _status(self, columns):
        b = self._bench
        marks = [
            "power " + ("on" if b.powered else "OFF"),
            "network " + ("on" if b.net.up else "OFF"),
            "acquirer " + ("on" if b.net.host_up else "OFF"),
            "paper " + ("in" if b.on_paper else "OUT"),
        ]
        return fit(" | ".join(marks), columns - 1)

    def _side(self, height, columns):
        """The paper that hangs out of the printer, and what the acquirer saw."""
        paper = self._bench.devices.printer.text_lines() or self._paper
        shown = paper[-(height - 6) :]
        rows = [fit("paper:", columns)] + [fit("│" + fit(p, 32) + "│", columns) for p in shown]
        rows += [" " * columns] * (height - 5 - len(rows))
        rows += [fit("acquirer:", columns)] + [fit(m, columns) for m in self._bench.messages[-4:]]
        return (rows + [" " * columns] * height)[:height]

    def _below(self, columns, rows, everything):
        if self._choosing:
            out = ["which card?"]
            for i, card in enumerate(CARDS):
                pin = card.pin or "none"
                out.append(
                    f" {chr(97 + i)}  {card.name:<12} PIN {pin:<8} {card.description_zh}  "
                    f"{card.description_en}"
                )
        else:
            out = self._said.split("\n")
            if everything:
                paper = self._bench.devices.printer.text_lines() or self._paper
                out += ["acquirer: " + m for m in self._bench.messages[-2:]] + paper[
                    -max(0, rows - 5) :
                ]
        return [fit(line, columns - 1) for line in out[:rows]]

    def draw(self):
        lines = self.lines()
        if lines != self._last:
            self._last = lines
            self._out.write("\x1b[H" + "\x1b[K\r\n".join(lines) + "\x1b[K\x1b[J")
            self._out.flush()

    # ---- key strokes ----------------------------------------------------------------------------

    async def stroke(self, stroke):
        if self._reading:
            self._turn()
        elif self._choosing:
            self._choose(stroke)
        elif stroke in _KEYS or stroke.isdigit() or stroke == "*":
            await self._bench.press(_KEYS.get(stroke, stroke))
        elif stroke in _COMMANDS:
            result = _COMMANDS[stroke](self)
            if asyncio.iscoroutine(result):
                await result
        else:
            self._said = f"{stroke!r} is no key here; see the list above"

    def _choose(self, stroke):
        self._choosing = False
        i = ord(stroke[0]) - 97 if stroke else -1
        if 0 <= i < len(CARDS):
            self._bench.swipe(CARDS[i])
            self._said = f"swiped: {CARDS[i].name}, PIN {CARDS[i].pin or 'none'}"
        else:
            self._said = "no card swiped"

    def _card(self):
        self._choosing = True

    def _tear(self):
        torn = self._bench.tear()
        if torn is None:
            self._said = "nothing was printed"
        else:
            self._paper = torn[0]
            self._reading = list(torn[0])
            self._said = f"receipt, saved as {torn[1]}"

    def _network(self):
        self._bench.network(not self._bench.net.up)
        self._said = "network " + ("restored" if self._bench.net.up else "cut")

    def _acquirer(self):
        self._bench.net.host_up = not self._bench.net.host_up
        self._said = "the acquirer's machine is " + ("on" if self._bench.net.host_up else "off")

    def _cut(self):
        self._bench.cut_next_reply()
        self._said = "the next request will be booked, and its reply cut"

    def _paper_out(self):
        self._bench.paper(not self._bench.on_paper)
        self._said = "paper " + ("loaded" if self._bench.on_paper else "out")

    async def _plug(self):
        await self._bench.power(not self._bench.powered)
        self._said = "power " + (
            "on" if self._bench.powered else "cut: SIGKILL in the middle of whatever it did"
        )

    def _books(self):
        self._said = "acquirer's books:\n" + "\n".join(
            "  " + line for line in self._bench.totals()
        )

    def _quit(self):
        self.quit.set()


_COMMANDS = {
    "c": Face._card,
    "t": Face._tear,
    "n": Face._network,
    "h": Face._acquirer,
    "x": Face._cut,
    "p": Face._paper_out,
    "k": Face._plug,
    "b": Face._books,
    "q": Face._quit,
    "\x03": Face._quit,
}


def strokes(data):
    """Key strokes in what the keyboard sent: characters, and escape sequences as a whole."""
    out = []
    i = 0
    while i < len(data):
        n = 3 if data[i] == "\x1b" and data[i + 1 : i + 2] in ("[", "O") else 1
        out.append(data[i : i + n])
        i += n
    return out


@contextlib.contextmanager
def raw_keyboard():
    """Keys one by one and unseen; the terminal's screen is given back as it was."""
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    sys.stdout.write("\x1b[?1049h\x1b[?25l\x1b[2J")
    try:
        tty.setraw(fd)
        yield fd
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()


async def _serve(bench, face, fd):
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    def readable():
        data = os.read(fd, 1024).decode(errors="ignore")
        if not data:
            face.quit.set()
        for stroke in strokes(data):
            queue.put_nowait(stroke)

    async def work():
        while True:
            await face.stroke(await queue.get())

    loop.add_reader(fd, readable)
    worker = asyncio.create_task(work())
    try:
        while not face.quit.is_set() and not worker.done():
            face.draw()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(face.quit.wait(), 0.1)
        if worker.done():
            worker.result()
    finally:
        loop.remove_reader(fd)
        worker.cancel()


async def _main(args):
    bench = LiveBench(args.folder, args.fresh)
    loop = asyncio.get_running_loop()
    try:
        print("starting the acquirer and the terminal ...")
        await bench.start()
        bench.net.host_up = not args.no_acquirer
        face = Face(bench, sys.stdout)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, face.quit.set)
        with raw_keyboard() as fd:
            await _serve(bench, face, fd)
    finally:
        await bench.stop()
    print(f"the terminal, its receipts and the acquirer's ledger are kept in {bench.folder}")
    return 0


def main(args):
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        print(
            "make run draws on a terminal and reads its keys; unattended: make demo",
            file=sys.stderr,
        )
        return 2
    try:
        return asyncio.run(_main(args))
    except (OSError, BoardError) as e:
        print(f"cannot start: {e}", file=sys.stderr)
        return 1
