"""A small terminal on a pty, for what the real firmware does not do: it is mute, talks garbage,
is pulled out in the middle, is another device.

It speaks the raw REPL of the service console with a parser of CPython's, so that the tool's
quoting has another judge than the firmware.
"""

import ast
import json
import os
import select
import threading
import tty

BANNER = b"raw REPL; CTRL-B to exit\r\n>"

# What is at the port.
TERMINAL, PLAIN, MUTE, NOISE = "terminal", "plain MicroPython", "mute", "noise"


class Refusal(Exception):
    """What the terminal answers instead of a result: the last line of a traceback."""


class FakeTerminal:
    """`answers`: {path: data, or callable(*args, **kw) -> data}. An answer may also be HANG (no
    reply until Ctrl-C), PULL (the cable is gone) or RAW(bytes). `said`: {path: lines on the way}.
    A context manager with .path; .calls is what was asked: [(path, args, kw)]."""

    HANG, PULL = object(), object()

    def __init__(self, answers=None, kind=TERMINAL, said=None):
        self.answers = answers or {}
        self.said = said or {}
        self.kind = kind
        self.calls = []
        self.typed = bytearray()  # at the friendly prompt
        self.cancelled = 0
        self.longest = 0  # bytes of a block
        self._stop = os.pipe()

    def __enter__(self):
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        os.write(self._stop[1], b"x")
        self._thread.join()
        for fd in (self._slave, *self._stop):
            os.close(fd)
        if self._master is not None:
            os.close(self._master)

    def _send(self, data):
        os.write(self._master, data)

    def _run(self):
        self._raw, self._line = False, bytearray()
        while self._master is not None:
            ready, _, _ = select.select([self._master, self._stop[0]], [], [])
            if self._stop[0] in ready:
                return
            for byte in os.read(self._master, 4096):
                if self._master is not None:
                    self._byte(byte)

    def _byte(self, byte):
        if self.kind == MUTE:
            return
        if self.kind == NOISE:
            self._send(b"\xff\x00AT+CSQ\r\n")
        elif byte == 1:
            self._raw, self._line = True, bytearray()
            self._send(b"\r\n" + BANNER)
        elif byte == 2:
            self._raw = False
            self._send(b"\r\n>>> ")
        elif byte == 3:
            if self._raw and self._line == b"(hangs)":
                self.cancelled += 1
                self._answer(b"", b"Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n")
            self._line = bytearray()
        elif self._raw:
            self._raw_byte(byte)
        else:
            self.typed.append(byte)
            self._send(bytes((byte,)))

    def _raw_byte(self, byte):
        self._line.append(byte)
        if self._line == b"\x05A\x01":
            self._line = bytearray()
            self._send(b"R\x00")
        elif byte == 4:
            source, self._line = bytes(self._line[:-1]).decode(), bytearray()
            self.longest = max(self.longest, len(source.encode()))
            self._send(b"OK")
            self._execute(source)

    def _answer(self, out, error=b""):
        self._send(out + b"\x04" + error + b"\x04>")

    def _execute(self, source):
        try:
            out = self._result(source)
        except Refusal as e:
            frames = b'Traceback (most recent call last):\r\n  File "<stdin>", line 1\r\n'
            self._answer(b"", frames + str(e).encode() + b"\r\n")
            return
        if out is self.HANG:
            self._line = bytearray(b"(hangs)")
        elif out is self.PULL:
            fd, self._master = self._master, None
            os.close(fd)
        else:
            self._answer(out)

    def _result(self, source):
        if source == "import tech":
            if self.kind == PLAIN:
                raise Refusal("ImportError: no module named 'tech'")
            return b""
        path, args, kw = parse(source)
        self.calls.append((path, args, kw))
        if path not in self.answers:
            raise Refusal(f"TechError: no command tech.{path}; tech.help() lists them")
        answer = self.answers[path]
        if callable(answer):
            answer = answer(*args, **kw)
        if answer in (self.HANG, self.PULL) or isinstance(answer, bytes):
            return answer
        lines = [*self.said.get(path, ())]
        if ".json()" in source:
            lines.append(json.dumps(answer, ensure_ascii=False))
        else:
            lines += [f"{name}: {value}" for name, value in answer.items()]
        return "".join(line + "\r\n" for line in lines).encode()


def parse(source):
    """(path, args, kw) of print(tech.path(...)), with or without .json(), read by CPython's own
    parser."""
    tree = ast.parse(source, mode="eval").body
    assert isinstance(tree, ast.Call) and tree.func.id == "print", source
    call = tree.args[0]
    assert isinstance(call, ast.Call), source
    if isinstance(call.func, ast.Attribute) and call.func.attr == "json":
        assert not call.args, source
        call = call.func.value
    assert isinstance(call, ast.Call), source
    args = [ast.literal_eval(a) for a in call.args]
    kw = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    names = ast.unparse(call.func).split(".")
    assert names[0] == "tech", source
    return ".".join(names[1:]), tuple(args), kw
