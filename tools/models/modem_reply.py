"""Grammar of the AT line: splitting commands, framing replies.

Owns: V.250 command lines (basic and extended commands, concatenation with ';'), reply framing for
V1 and V0, +CME ERROR in its three forms.
Must not: know what a command means.

Sources: ITU-T V.250 sections 5.2 (command lines), 5.7 (framing of information and result codes);
3GPP TS 27.007 section 9.2 (+CME ERROR numbers and texts).
"""

CME = {
    3: "operation not allowed",
    4: "operation not supported",
    10: "SIM not inserted",
    11: "SIM PIN required",
    12: "SIM PUK required",
    13: "SIM failure",
    14: "SIM busy",
    16: "incorrect password",
    30: "no network service",
    50: "Incorrect parameters",
    100: "unknown",
}

_RESULTS = {"OK": "0", "ERROR": "4"}


class Failure(Exception):
    """The command ends with ERROR, after these information lines."""

    def __init__(self, *lines):
        super().__init__(lines)
        self.lines = lines


class CmeError(Exception):
    """The command ends with +CME ERROR `code` (or ERROR, by AT+CMEE)."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def number(text):
    """-> int, or None where the text is no decimal number."""
    return int(text) if text.isdigit() else None


def split_line(body):
    """What follows "AT" -> list of commands: "E0", "+CSQ", '+CIPOPEN=0,"TCP","a;b",1'."""
    out = []
    i = 0
    while i < len(body):
        if body[i] in " ;":
            i += 1
            continue
        end = i + 1
        if body[i] == "+":
            quoted = False
            while end < len(body) and (quoted or body[end] != ";"):
                if body[end] == '"':
                    quoted = not quoted
                end += 1
        else:
            if body[i] == "&":
                end += 1
            while end < len(body) and (body[end].isdigit() or body[end] in "=?"):
                end += 1
        out.append(body[i:end].strip())
        i = end
    return out


def split_command(text):
    """-> (name, mode, args): mode "" execute, "?" read, "=" write, "=?" test."""
    name, eq, rest = text.partition("=")
    if not eq:
        if text.endswith("?"):
            return text[:-1].upper(), "?", []
        return text.upper(), "", []
    if rest == "?":
        return name.upper(), "=?", []
    args = []
    current = ""
    quoted = False
    for ch in rest:
        if ch == '"':
            quoted = not quoted
        elif ch == "," and not quoted:
            args.append(current.strip())
            current = ""
        else:
            current += ch
    args.append(current.strip())
    return name.upper(), "=", args


def frame_info(lines, verbose):
    """Information lines (str, or bytes for raw data) -> list of pieces (kind, bytes)."""
    out = []
    for i, line in enumerate(lines):
        if isinstance(line, bytes):
            out.append(("data", line + b"\r\n"))
        else:
            start = "\r\n" if verbose and i == 0 else ""
            out.append(("info", (start + line + "\r\n").encode()))
    return out


def frame_result(text, verbose):
    """OK, ERROR or +CME ERROR -> piece."""
    if verbose:
        return ("final", ("\r\n" + text + "\r\n").encode())
    if text in _RESULTS:
        return ("final", (_RESULTS[text] + "\r").encode())
    return ("final", (text + "\r\n").encode())


def cme_text(code, mode):
    """mode: AT+CMEE. -> result line."""
    if mode == 0:
        return "ERROR"
    return f"+CME ERROR: {code if mode == 1 else CME[code]}"
