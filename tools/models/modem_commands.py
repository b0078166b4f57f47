"""General AT commands of the modem model: identity, SIM, radio, clock, power.

Owns: command names, their replies and their usual delays.
Must not: keep the line's state (modem_line.py) or sockets (modem_tcp.py).

A handler is fn(modem, mode, args) with mode "" (execute), "?" (read), "=" (write); it returns a
list of information lines or None, or raises Failure / CmeError. Test commands (=?) answer OK for
every known name.

Sources: SIMCom A76XX Series AT Command Manual V1.09 and SIM7500_SIM7600 Series AT Command Manual
V2.00 (names and syntax), replies as modules gave them in public traces, 3GPP TS 27.007.
Delays are typical of traces of such modules, not of the manuals, which give maxima only.
"""

from models.modem_reply import CmeError, Failure, number

# Delay of a reply in us, from the end of the command line; the default is "default". Names with a
# word behind them are the asynchronous results.
DELAYS = {
    "default": 5000,
    "+CPIN": 15000,
    "+CSQ": 10000,
    "+COPS": 30000,
    "+CPSI": 30000,
    "+CFUN": 900000,
    "+CGATT": 400000,
    "+CGACT": 300000,
    "+NETOPEN": 30000,
    "+NETCLOSE": 30000,
    "+CIPOPEN": 20000,
    "+CIPCLOSE": 20000,
    "+CIPSEND": 15000,
    "+CIPRXGET": 8000,
    "CIPSEND payload": 10000,
    "NETOPEN result": 600000,
    "NETCLOSE result": 300000,
    "CIPOPEN result": 20000,
    "CIPOPEN error": 1500000,
    "CIPCLOSE result": 80000,
    "CIPSEND result": 30000,
}

MODELS = {
    "A7670": ("A7670C-LNNV", "A7670M6_V1.11.1", "INCORPORATED"),
    "SIM7600": ("SIMCOM_SIM7600CE", "LE11B14SIM7600M22", "SIMCOM INCORPORATED"),
}


def need_sim(m):
    radio = m.radio
    if not radio.sim_ready:
        raise CmeError(14)
    if radio.sim == "ABSENT":
        raise CmeError(10)


def _need_pin(m):
    need_sim(m)
    if not m.radio.unlocked:
        raise CmeError(12 if m.radio.sim == "SIM PUK" else 11)


def nothing(m, mode, args):
    return None


def _echo(m, mode, args):
    m.line.echo = bool(args)


def _verbose(m, mode, args):
    m.line.verbose = bool(args)


def _defaults(m, mode, args):
    m.line.default_settings()


def _identity(m, mode, args):
    model, revision, maker = MODELS[m.family]
    lines = ["Manufacturer: " + maker, "Model: " + model, "Revision: " + revision]
    if m.family == "SIM7600":
        lines.append("SVN: 01")
    return lines + ["IMEI: " + m.imei, "+GCAP: +CGSM"]


def _cgmm(m, mode, args):
    return [MODELS[m.family][0]]


def _cgmr(m, mode, args):
    return ["+CGMR: " + MODELS[m.family][1]]


def _cgmi(m, mode, args):
    return [MODELS[m.family][2]]


def _cgsn(m, mode, args):
    return [m.imei]


def _cmee(m, mode, args):
    if mode == "?":
        return [f"+CMEE: {m.line.cmee}"]
    n = number(args[0])
    if n not in (0, 1, 2):
        raise CmeError(50)
    m.line.cmee = n


def _ipr(m, mode, args):
    if mode == "?":
        return [f"+IPR: {m.baud}"]
    baud = number(args[0])
    if baud not in (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 3000000):
        raise CmeError(50)
    m.change_baud(baud)


# --- SIM ---------------------------------------------------------------------------------------


def _cpin(m, mode, args):
    radio = m.radio
    need_sim(m)
    if mode == "?":
        return ["+CPIN: " + ("READY" if radio.unlocked else radio.sim)]
    if radio.unlocked:
        raise CmeError(3)
    if radio.sim == "SIM PUK":
        raise CmeError(12)
    if args[0] != radio.pin:
        radio.tries -= 1
        if not radio.tries:
            radio.sim = "SIM PUK"
        raise CmeError(16)
    radio.tries = 3
    radio.unlock()


def _spic(m, mode, args):
    return [f"+SPIC: {m.radio.tries},10,0,10"]


def _ciccid(m, mode, args):
    need_sim(m)
    return ["+ICCID: " + m.iccid]


def _cimi(m, mode, args):
    _need_pin(m)
    return [m.imsi]


# --- network -----------------------------------------------------------------------------------


def _csq(m, mode, args):
    return ["+CSQ: {},{}".format(*m.radio.csq())]


def _registration(name):
    def handler(m, mode, args):
        if mode == "?":
            return [m.radio.report(name)]
        n = number(args[0]) if args else 0
        if n not in (0, 1, 2):
            raise CmeError(50)
        m.radio.urc_mode[name] = n
        return None

    return handler


def _cops(m, mode, args):
    radio = m.radio
    if mode == "=":
        if args[0] == "3":
            radio.cops_format = number(args[1]) or 0
        elif args[0] == "0":
            _need_pin(m)
            if len(args) > 1 and args[1]:
                radio.cops_format = number(args[1]) or 0
            if not radio.registered():
                radio.search()
        else:
            m.unsupported.append("AT+COPS=" + args[0])
            raise CmeError(4)
        return None
    if not radio.registered():
        return ["+COPS: 0"]
    name = m.plmn if radio.cops_format == 2 else m.operator
    return [f'+COPS: 0,{radio.cops_format},"{name}",7']


def _cpsi(m, mode, args):
    radio = m.radio
    if radio.functional != 1:
        return ["+CPSI: NO SERVICE,Low Power Mode"]
    if not radio.registered():
        return ["+CPSI: NO SERVICE,Online"]
    plmn = m.plmn[:3] + "-" + m.plmn[3:]
    cell = "0x5A1E,187214604,257,EUTRAN-BAND3,1300,5,5,16,51,240,14"
    return [f"+CPSI: LTE,Online,{plmn},{cell}"]


def _cfun(m, mode, args):
    if mode == "?":
        return [f"+CFUN: {m.radio.functional}"]
    n = number(args[0])
    if n == 6 or (n == 1 and len(args) > 1 and args[1] == "1"):
        m.after(500000, m.restart)
        return None
    if n not in (0, 1, 4):
        raise CmeError(50)
    if n != m.radio.functional:
        m.radio.set_functional(n)
    return None


def _cgdcont(m, mode, args):
    if mode == "?":
        return [f'+CGDCONT: {c},"{m.apns[c][0]}","{m.apns[c][1]}","",0,0' for c in sorted(m.apns)]
    cid = number(args[0])
    if cid is None or not 1 <= cid <= 15:
        raise CmeError(50)
    if len(args) == 1:
        m.apns.pop(cid, None)
    else:
        m.apns[cid] = (args[1], args[2] if len(args) > 2 else "")
    return None


def _cgatt(m, mode, args):
    if mode == "?":
        return [f"+CGATT: {1 if m.radio.data_ready() else 0}"]
    if args[0] not in ("0", "1"):
        raise CmeError(50)
    if args[0] == "1" and not m.radio.registered():
        raise CmeError(30)
    m.radio.set_attached(args[0] == "1")
    return None


def _cgact(m, mode, args):
    if mode == "?":
        return [f"+CGACT: 1,{1 if m.radio.data_ready() else 0}"]
    if args[0] == "1" and not m.radio.data_ready():
        raise CmeError(30)
    return None


def _cgpaddr(m, mode, args):
    return [f"+CGPADDR: 1,{m.ip if m.radio.data_ready() else '0.0.0.0'}"]


def _cclk(m, mode, args):
    if mode == "=":
        m.unsupported.append("AT+CCLK=")
        raise CmeError(4)
    return [f'+CCLK: "{m.radio.cclk()}"']


def _ctzu(m, mode, args):
    if mode == "?":
        return [f"+CTZU: {1 if m.radio.auto_zone else 0}"]
    m.radio.auto_zone = args[0] == "1"
    return None


# --- power -------------------------------------------------------------------------------------


def _cpof(m, mode, args):
    m.shut_down()


def _creset(m, mode, args):
    m.after(500000, m.restart)


# --- sockets -----------------------------------------------------------------------------------


def _tcp(method):
    def handler(m, mode, args):
        if mode == "=" and not args[0] and method != "ciptimeout":
            raise Failure()
        return getattr(m.tcp, method)(mode, args)

    return handler


def _cipsend(m, mode, args):
    if mode != "=":
        raise Failure()
    link, length = m.tcp.check_send(args)
    m.line.want_payload(link, length)


# name: (modes it has, handler). "x" execute, "?" read, "=" write.
COMMANDS = {
    "": ("x", nothing),
    "E": ("x", _echo),
    "V": ("x", _verbose),
    "I": ("x", _identity),
    "Z": ("x", _defaults),
    "&F": ("x", _defaults),
    "&W": ("x", nothing),
    "&C": ("x", nothing),
    "&D": ("x", nothing),
    "S": ("x=?", nothing),
    "+CGMI": ("x", _cgmi),
    "+CGMM": ("x", _cgmm),
    "+CGMR": ("x", _cgmr),
    "+CGSN": ("x", _cgsn),
    "+GSN": ("x", _cgsn),
    "+CMEE": ("?=", _cmee),
    "+IPR": ("?=", _ipr),
    "+IFC": ("=", nothing),
    "+CSCLK": ("=", nothing),
    "+CNMP": ("=", nothing),
    "+CTZR": ("=", nothing),
    "+CLTS": ("=", nothing),
    "+CPIN": ("?=", _cpin),
    "+SPIC": ("x", _spic),
    "+CICCID": ("x", _ciccid),
    "+CIMI": ("x", _cimi),
    "+CSQ": ("x", _csq),
    "+CREG": ("?=", _registration("CREG")),
    "+CGREG": ("?=", _registration("CGREG")),
    "+CEREG": ("?=", _registration("CEREG")),
    "+COPS": ("?=", _cops),
    "+CPSI": ("?", _cpsi),
    "+CFUN": ("?=", _cfun),
    "+CGDCONT": ("?=", _cgdcont),
    "+CGATT": ("?=", _cgatt),
    "+CGACT": ("?=", _cgact),
    "+CGPADDR": ("x=", _cgpaddr),
    "+CCLK": ("?=", _cclk),
    "+CTZU": ("?=", _ctzu),
    "+CPOF": ("x", _cpof),
    "+CRESET": ("x", _creset),
    "+NETOPEN": ("x?", _tcp("netopen")),
    "+NETCLOSE": ("x", _tcp("netclose")),
    "+IPADDR": ("x", _tcp("ipaddr")),
    "+CIPOPEN": ("?=", _tcp("cipopen")),
    "+CIPCLOSE": ("?=", _tcp("cipclose")),
    "+CIPSEND": ("=", _cipsend),
    "+CIPRXGET": ("?=", _tcp("ciprxget")),
    "+CIPACK": ("=", _tcp("cipack")),
    "+CIPTIMEOUT": ("?=", _tcp("ciptimeout")),
    "+CIPMODE": ("?=", _tcp("cipmode")),
    "+CIPHEAD": ("?=", _tcp("ciphead")),
    "+CIPSRIP": ("?=", _tcp("cipsrip")),
    "+CIPSENDMODE": ("=", nothing),
    "+CIPCCFG": ("=", nothing),
    "+CSOCKSETPN": ("=", nothing),
}


def find(commands, name, mode, args):
    """commands: a table as above. -> (handler, mode, args, name in the table), or None for what
    the module does not know."""
    if name and name[0] not in "+&":
        # Basic command: a letter and a number, "E0"; the number is its only argument, 0 if left
        # out. ATI0, ATE, ATS0=1 are the forms in use.
        digits = name[1:]
        name = name[0]
        args = [] if digits in ("", "0") else [digits]
    elif name[:1] == "&":
        name = name[:2]
    entry = commands.get(name)
    if entry is None:
        return None
    modes, handler = entry
    if mode == "=?":
        return nothing, mode, args, name
    if (mode or "x") not in modes:
        return None
    return handler, mode, args, name
