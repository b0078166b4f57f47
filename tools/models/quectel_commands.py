"""AT commands of the Quectel model: the general ones, and Quectel's own.

Owns: command names, their replies and their usual delays. See modem_commands.py for the handlers'
form.

Sources: Quectel EC2x&EG2x&EG9x&EM05 Series AT Commands Manual (ATI, QCCID, QPINC, QNWINFO,
QURCCFG, QLTS, QPOWD), LTE Standard TCP/IP Application Note (QI...), replies as modules gave them
in public traces.
"""

from models.modem_commands import COMMANDS as GENERAL
from models.modem_commands import need_sim, nothing
from models.modem_reply import CmeError, Failure

DELAYS = {
    "default": 4000,
    "+CPIN": 12000,
    "+CSQ": 6000,
    "+COPS": 30000,
    "+CFUN": 800000,
    "+QIACT": 700000,
    "+QIACT?": 5000,  # a question: nothing is done
    "+QIDEACT": 400000,
    "+QIOPEN": 10000,
    "+QICLOSE": 60000,
    "+QISEND": 12000,
    "+QIRD": 6000,
    "CIPSEND payload": 12000,
    "QIOPEN result": 20000,
    "QIOPEN error": 1500000,
    "QISEND network": 20000,
}

MODELS = {
    "EC200": ("EC200A", "EC200ACNHAR01A10M16"),
    "EC20": ("EC20F", "EC20CEFAGR06A03M4G"),
    "EG25": ("EG25", "EG25GGBR07A08M2G"),
}

# Of the general commands, those of 3GPP and V.250; the maker's own are left out.
_SHARED = (
    "", "E", "V", "Z", "&F", "&W", "&C", "&D", "S", "+CGMI", "+CGMM", "+CGMR", "+CGSN", "+GSN",
    "+CMEE", "+IPR", "+IFC", "+CTZR", "+CPIN", "+CIMI", "+CSQ", "+CREG", "+CGREG", "+CEREG",
    "+COPS", "+CFUN", "+CGDCONT", "+CGATT", "+CGACT", "+CGPADDR", "+CCLK", "+CTZU",
)  # fmt: skip


def _identity(m, mode, args):
    model, revision = MODELS[m.family]
    return ["Quectel", model, "Revision: " + revision]


def _cgmm(m, mode, args):
    return [MODELS[m.family][0]]


def _cgmr(m, mode, args):
    return [MODELS[m.family][1]]


def _cgmi(m, mode, args):
    return ["Quectel"]


def _qccid(m, mode, args):
    need_sim(m)
    return ["+QCCID: " + m.iccid]


def _qpinc(m, mode, args):
    need_sim(m)
    if mode == "=" and args[0] not in ("SC", "P2"):
        raise CmeError(50)
    wanted = args[0] if mode == "=" else None
    lines = [f'+QPINC: "SC",{m.radio.tries},10', '+QPINC: "P2",3,10']
    return [line for line in lines if wanted is None or f'"{wanted}"' in line]


def _qnwinfo(m, mode, args):
    if not m.radio.registered():
        return ["+QNWINFO: No Service"]
    return [f'+QNWINFO: "FDD LTE","{m.plmn}","LTE BAND 3",1300']


def _qlts(m, mode, args):
    """AT+QLTS=2: the local time, as the network told it; empty when it has told none."""
    if not m.radio.nitz:
        return ['+QLTS: ""']
    zone = m.zone_quarters
    seconds = m.epoch_s + m.now // 1000000 + (0 if args and args[0] == "1" else zone * 900)
    stamp = m.radio.stamp(seconds)
    return [f'+QLTS: "20{stamp}{"-" if zone < 0 else "+"}{abs(zone):02d},0"']


def _qpowd(m, mode, args):
    m.shut_down()


def _tcp(method):
    def handler(m, mode, args):
        return getattr(m.tcp, method)(mode, args)

    return handler


def _qisend(m, mode, args):
    link, length = m.tcp.check_send(args)
    if length == 0:
        return m.tcp.sent(link)
    if length is None:
        m.unsupported.append("AT+QISEND without a length")
        raise Failure()
    m.line.want_payload(link, length)
    return None


COMMANDS = {name: GENERAL[name] for name in _SHARED}
COMMANDS.update(
    {
        "I": ("x", _identity),
        "+CGMI": ("x", _cgmi),
        "+CGMM": ("x", _cgmm),
        "+CGMR": ("x", _cgmr),
        "+QURCCFG": ("=", nothing),
        "+QCCID": ("x", _qccid),
        "+QPINC": ("?=", _qpinc),
        "+QNWINFO": ("x", _qnwinfo),
        "+QLTS": ("x=", _qlts),
        "+QPOWD": ("x=", _qpowd),
        "+QICSGP": ("=", _tcp("qicsgp")),
        "+QIACT": ("?=", _tcp("qiact")),
        "+QIDEACT": ("=", _tcp("qideact")),
        "+QIOPEN": ("=", _tcp("qiopen")),
        "+QICLOSE": ("=", _tcp("qiclose")),
        "+QISEND": ("=", _qisend),
        "+QIRD": ("=", _tcp("qird")),
        "+QIGETERROR": ("x", _tcp("qigeterror")),
    }
)
