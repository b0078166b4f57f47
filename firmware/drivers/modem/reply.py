# What modems answer, as values. Pure: text in, value or None out, no other exception for any text.
#
# Sources: 3GPP TS 27.007 (+CSQ 8.5, +CREG 7.2, +CCLK 8.15, +CGREG 10.1.20, +CEREG 10.1.22), ITU-T
# E.118 (ICCID), ITU-T V.250 6.1.3 (I), makers' manuals where a reply is their own.

from micropython import const

_YEAR_MIN = const(2024)  # before it the clock counts from the module's own beginning
_YEAR_MAX = const(2069)  # "70" and "80" are 1970 and 1980: a clock that nobody has set
_RSSI_MAX = const(31)
_ICCID = (18, 22)  # digits, at least and at most

HOME, SEARCHING, DENIED, ROAMING = 1, 2, 3, 5


def numbers(text):
    """The comma-separated integers behind the first ':' of a line; -1 where there is none."""
    out = []
    for part in text[text.find(":") + 1 :].split(","):
        part = part.strip()
        try:
            out.append(int(part))
        except ValueError:
            out.append(-1)
    return out


def announced(text, announce):
    """Length of the binary data behind a line; 0 when it is not such a line, or absurd.

    `announce`: (prefix, index of the length among the line's numbers, how many numbers it has).
    """
    if not text.startswith(announce[0]):
        return 0
    n = numbers(text)
    return max(0, n[announce[1]]) if len(n) == announce[2] else 0


def bars(text):
    """+CSQ: rssi,ber -> 0 to 4; None for 99 and whatever else is no measurement."""
    rssi = numbers(text)[0]
    return min(4, (rssi + 1) // 6) if 0 <= rssi <= _RSSI_MAX else None


def registration(text):
    """Answer to AT+CREG? and its relatives (`+CREG: n,stat...`) -> stat; None when it is the
    unsolicited form (`+CREG: stat`), or none."""
    n = numbers(text)
    return n[1] if len(n) >= 2 and 0 <= n[0] <= 5 and n[1] >= 0 else None


def sim_state(text):
    """+CPIN: ... -> "READY", "SIM PIN", "SIM PUK", ...; None when it is none."""
    return text[6:].strip(' "').upper() if text.startswith("+CPIN:") else None


def iccid(text):
    """Card number of an answer with or without prefix, quotes, spaces and the filler F; None when
    it is none."""
    text = text[text.find(":") + 1 :].strip(' "')
    while text and text[-1] in "Ff":
        text = text[:-1]
    return text if text.isdigit() and _ICCID[0] <= len(text) <= _ICCID[1] else None


def imei(text):
    """15 digits, with or without prefix and quotes; None when it is none."""
    text = text[text.find(":") + 1 :].strip(' "')
    return text if text.isdigit() and len(text) == 15 else None


def operator(text):
    """+COPS: mode,format,"name",... -> name of the network; None when there is none."""
    parts = text.split('"')
    return parts[1] if len(parts) > 2 and parts[1] else None


def _fields(text, sign, limits):
    """Numbers between the signs, within their limits; None when they are not."""
    parts = text.split(sign)
    if len(parts) != len(limits):
        return None
    out = []
    for i, (least, most) in enumerate(limits):
        n = int(parts[i]) if parts[i].isdigit() else -1
        if not least <= n <= most:
            return None
        out.append(n)
    return out


_DATE = ((0, _YEAR_MAX), (1, 12), (1, 31))
_TIME = ((0, 23), (0, 59), (0, 59))
_ZONE = ((0, 96),)


def local_time(text):
    """`+CCLK: "yy/MM/dd,hh:mm:ss+zz"` or `+QLTS: "yyyy/MM/dd,hh:mm:ss+zz,dst"` -> (year, month,
    day, hour, minute, second, zone in quarters of an hour or None); None when the clock was never
    set or the text is none."""
    parts = text[text.find('"') + 1 :].split('"')[0].split(",")
    if len(parts) < 2:
        return None
    clock, zone = parts[1], None
    for sign in "+-":
        at = clock.find(sign)
        if at >= 0:
            clock, zone = clock[:at], clock[at:]
    date = _fields(parts[0], "/", _DATE)
    time = _fields(clock, ":", _TIME)
    if date is None or time is None:
        return None
    if zone is not None:
        quarters = _fields(zone[1:], ",", _ZONE)
        if quarters is None:
            return None
        zone = -quarters[0] if zone[0] == "-" else quarters[0]
    if date[0] < 100:
        date[0] += 2000
    if not _YEAR_MIN <= date[0] <= _YEAR_MAX:
        return None
    return tuple(date + time) + (zone,)


def identity(lines):
    """Lines of ATI -> (maker, model, revision); "" for what is not there. SIMCom names each
    (`Model: ...`), Quectel says maker and model on lines of their own."""
    found = ["", "", ""]
    bare = []
    for text in lines:
        key, colon, value = text.partition(":")
        if not colon:
            bare.append(text.strip())
            continue
        for i, name in enumerate(("Manufacturer", "Model", "Revision")):
            if key.strip() == name:
                found[i] = value.strip()
    for i in range(2):
        if not found[i] and bare:
            found[i] = bare.pop(0)
    return tuple(found)
