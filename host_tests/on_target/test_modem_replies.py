# What real modems answer, and what it means. Facts from makers' manuals, from 3GPP TS 27.007 and
# from replies that public driver projects collected (ModemManager's test cases among them), in our
# own words: maker, line as it comes, value.

from harness import Rng, seed

from drivers.modem.at import Command
from drivers.modem.reply import (
    bars,
    iccid,
    identity,
    imei,
    local_time,
    numbers,
    registration,
    sim_state,
)

# ---- registration: the answer to the question, and the line that comes by itself ----------------

REGISTRATION = (
    ("+CREG: 0,1", 1),  # TS 27.007: home
    ("+CREG: 0,0", 0),  # not registered, not searching
    ("+CREG: 0,2", 2),  # searching
    ("+CREG: 0,3", 3),  # denied
    ("+CREG: 0,4", 4),  # unknown
    ("+CREG: 0,5", 5),  # roaming
    ("+CREG:0,1", 1),  # Huawei, old ones: no space
    ("+CREG: 1, 5", 5),  # Sierra: a space behind the comma
    ("+CREG: 2,1,000B,2816", 1),  # Option, Samsung: bare hexadecimal location
    ('+CREG: 2,1,"008B","00004A5E"', 1),  # ZTE, Ericsson: in quotes
    ('+CREG: 2,1,"01F4","0A48B7D6",7', 1),  # Quectel, SIMCom: with access technology
    ('+CGREG: 2,1,"1422","00000142",3', 1),  # in mode 2 from the packet side
    ('+CEREG: 2,5,"3F0A","019D9A03",7', 5),  # LTE, roaming
    ('+CEREG: 0,2,"FFFE","FFFFFFFF",7', 2),  # Quectel in a tunnel
    ("+CREG: 0,6", 6),  # TS 27.007 release 8: registered for SMS only
    ("+CGREG: 1", None),  # unsolicited: the state alone
    ("+CREG: 5", None),
    ("+CEREG: 2", None),
    ("+CREG: ", None),
    ("+CREG: x,y", None),
)


def test_registration():
    for line, value in REGISTRATION:
        assert registration(line) == value, (line, registration(line))


# ---- signal -------------------------------------------------------------------------------------

SIGNAL = (
    ("+CSQ: 0,99", 0),  # -113 dBm or less
    ("+CSQ: 5,99", 1),
    ("+CSQ: 17,99", 3),
    ("+CSQ: 23,0", 4),
    ("+CSQ: 31,99", 4),  # -51 dBm or more
    ("+CSQ:21,0", 3),  # without a space
    ("+CSQ: 99,99", None),  # not known or not detectable
    ("+CSQ: 99, 99", None),
    ("+CSQ: 199,99", None),  # TD-SCDMA and LTE scales of some: 100 to 199
    ("+CSQ: 32,99", None),
    ("+CSQ: -1,99", None),
    ("+CSQ: ", None),
)


def test_signal():
    for line, value in SIGNAL:
        assert bars(line) == value, (line, bars(line))


# ---- SIM ----------------------------------------------------------------------------------------

CARD = (
    ("+CPIN: READY", "READY"),
    ("+CPIN:READY", "READY"),  # old Huawei
    ("+CPIN: SIM PIN", "SIM PIN"),
    ("+CPIN: SIM PUK", "SIM PUK"),
    ("+CPIN: SIM PIN2", "SIM PIN2"),
    ("+CPIN: PH-NET PIN", "PH-NET PIN"),  # locked to an operator
    ('+CPIN: "SIM PIN"', "SIM PIN"),  # in quotes
    ("+CPIN: NOT INSERTED", "NOT INSERTED"),  # Quectel
    ("+CSQ: 1,1", None),
)

# Numbers on cards as issued in China, made up behind the issuer's digits.
CARD_NUMBERS = (
    ("+ICCID: 89860012345678901234", "89860012345678901234"),  # SIMCom
    ("+QCCID: 89860012345678901234", "89860012345678901234"),  # Quectel
    ("+QCCID: 8986001234567890123F", "8986001234567890123"),  # 19 digits, filled up
    ("+CCID: 8986001234567890123F", "8986001234567890123"),
    ("+CCID: 8986001234567890123f ", "8986001234567890123"),
    ('+CCID: "89860012345678901234"', "89860012345678901234"),  # Telit, u-blox
    ("+ICCID:89860012345678901234  ", "89860012345678901234"),
    ("89860012345678901234", "89860012345678901234"),  # SIM800: bare
    ("+ICCID: ", None),
    ("+ICCID: FFFFFFFFFFFFFFFFFFFF", None),  # the card's file is empty
    ("+ICCID: 8986A0012345678901F4", None),
    ("ERROR", None),
)

MODEM_NUMBERS = (
    ("867250061234560", "867250061234560"),
    ("+CGSN: 867250061234560", "867250061234560"),
    ('+CGSN: "867250061234560"', "867250061234560"),
    ("+GSN:867250061234560", "867250061234560"),
    ("86725006123456", None),
    ("86725006123456X", None),
    ("", None),
)


def test_card():
    for line, value in CARD:
        assert sim_state(line) == value, (line, sim_state(line))
    for line, value in CARD_NUMBERS:
        assert iccid(line) == value, (line, iccid(line))
    for line, value in MODEM_NUMBERS:
        assert imei(line) == value, (line, imei(line))


# ---- clock: quarters of an hour -----------------------------------------------------------------

CLOCK = (
    ('+CCLK: "26/03/01,08:00:00+32"', (2026, 3, 1, 8, 0, 0, 32)),  # Beijing
    ('+CCLK: "26/12/31,23:59:59-14"', (2026, 12, 31, 23, 59, 59, -14)),  # Newfoundland
    ('+CCLK: "26/01/02,03:04:05+22"', (2026, 1, 2, 3, 4, 5, 22)),  # India
    ('+CCLK: "26/01/02,03:04:05+23"', (2026, 1, 2, 3, 4, 5, 23)),  # Nepal
    ('+CCLK: "26/01/02,03:04:05"', (2026, 1, 2, 3, 4, 5, None)),  # TS 27.007: zone left out
    ('+CCLK:"26/01/02,03:04:05+00"', (2026, 1, 2, 3, 4, 5, 0)),
    ('+CCLK: "2026/01/02,03:04:05+08"', (2026, 1, 2, 3, 4, 5, 8)),  # four digits of the year
    ('+CCLK: "26/01/02, 03:04:05+08"', None),
    ('+QLTS: "2026/01/13,03:40:48+32,0"', (2026, 1, 13, 3, 40, 48, 32)),  # Quectel
    ('+QLTS: "2026/01/13,03:40:48-20,1"', (2026, 1, 13, 3, 40, 48, -20)),  # summer time
    ('+QLTS: ""', None),  # the network has told nothing
    ('+CCLK: "80/01/06,00:00:12+00"', None),  # SIM7600, EC2x: since it was switched on
    ('+CCLK: "70/01/01,00:00:25+00"', None),  # A7670
    ('+CCLK: "04/01/01,00:00:25+08"', None),  # SIM800
    ('+CCLK: "26/13/01,08:00:00+32"', None),
    ('+CCLK: "26/00/01,08:00:00+32"', None),
    ('+CCLK: "26/03/32,08:00:00+32"', None),
    ('+CCLK: "26/03/01,24:00:00+32"', None),
    ('+CCLK: "26/03/01,08:60:00+32"', None),
    ('+CCLK: "26/03/01,08:00:00+97"', None),
    ('+CCLK: "26/03/01"', None),
    ('+CCLK: "26/03,08:00:00+32"', None),
    ("+CCLK: ", None),
    ("", None),
)


def test_clock():
    for line, value in CLOCK:
        assert local_time(line) == value, (line, local_time(line))


# ---- what it is ---------------------------------------------------------------------------------

IDENTITY = (
    (("Quectel", "EC20F", "Revision: EC20CEFAGR06A03M4G"),
     ("Quectel", "EC20F", "EC20CEFAGR06A03M4G")),
    (("Quectel", "EG25", "Revision: EG25GGBR07A08M2G"), ("Quectel", "EG25", "EG25GGBR07A08M2G")),
    (("Manufacturer: INCORPORATED", "Model: A7670C-LNNV", "Revision: A7670M6_V1.11.1",
      "IMEI: 867250061234560", "+GCAP: +CGSM"),
     ("INCORPORATED", "A7670C-LNNV", "A7670M6_V1.11.1")),
    (("Manufacturer: SIMCOM INCORPORATED", "Model: SIMCOM_SIM7600CE",
      "Revision: LE11B14SIM7600M22", "SVN: 01"),
     ("SIMCOM INCORPORATED", "SIMCOM_SIM7600CE", "LE11B14SIM7600M22")),
    (("SIM800 R14.18",), ("SIM800 R14.18", "", "")),
    ((), ("", "", "")),
)  # fmt: skip


def test_identity():
    for lines, value in IDENTITY:
        assert identity(lines) == value, (lines, identity(lines))


# ---- operator, and numbers in general -----------------------------------------------------------


def test_numbers():
    assert numbers('+COPS: 0,0,"CHINA MOBILE",7') == [0, 0, -1, 7]
    assert numbers('+COPS: 1,2,"46000",7') == [1, 2, -1, 7]
    assert numbers("+COPS: 0") == [0]
    assert numbers('+QIURC: "recv",3') == [-1, 3]
    assert numbers("+QIOPEN: 0,563") == [0, 563]
    assert numbers("+CIPOPEN: 1, 11") == [1, 11]
    assert numbers("+QISEND: 9,9,0") == [9, 9, 0]
    assert numbers("+SPIC: 3,10,0,10")[0] == 3 and numbers("+SPIC: 3,3,10,10")[0] == 3
    assert numbers('+QPINC: "SC",3,10') == [-1, 3, 10]
    assert numbers("+IPADDR: 10.148.0.17") == [-1]
    assert numbers("") == [-1]


# ---- which line ends a command ------------------------------------------------------------------

FINAL = (
    ("OK", True, None),
    ("SEND OK", True, None),
    ("ERROR", True, "ERROR"),
    ("SEND FAIL", True, "SEND FAIL"),
    ("+CME ERROR: 10", True, "+CME ERROR: 10"),
    ("+CME ERROR: SIM not inserted", True, "+CME ERROR: SIM not inserted"),
    ("+CME ERROR:30", True, "+CME ERROR:30"),  # without a space
    ("+CMS ERROR: 500", True, "+CMS ERROR: 500"),
    ("+CSQ: 21,99", False, None),
    ("RING", False, None),
    ("OKAY", False, None),
)


def test_final_lines():
    for line, done, error in FINAL:
        c = Command("AT")
        c.line(line, False)
        assert c.done.is_set() == done and c.error == error, line


def test_no_text_breaks_a_parser():
    rng = Rng(seed(5))
    parsers = (registration, bars, sim_state, iccid, imei, local_time, numbers)
    lines = [t[0] for table in (REGISTRATION, SIGNAL, CARD, CARD_NUMBERS, CLOCK) for t in table]
    for _ in range(1500):
        text = rng.choice(lines)
        for _ in range(1 + rng.below(4)):
            at = rng.below(len(text) + 1)
            text = text[:at] + chr(rng.below(256)) + text[at + rng.below(3) :]
        for parse in parsers:
            parse(text)
        identity((text, text))
