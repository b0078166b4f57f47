# Modems. A modem has tasks() (name and coroutine function of each task that must run) and is a
# bearer: name, ready, reason, signal, connected, async connect(host, port, timeout_ms), send(data,
# timeout_ms), recv_into(buf, timeout_ms), close(). It raises OSError and asyncio.TimeoutError.
# Its second connection is another bearer, modem.socket().
#
# at.py       the channel: lines, binary data, commands, one reader
# reply.py    what modems answer, as values
# cellular.py from power to registration and data service, and back up whatever happens
# tcp.py      a connection
# simcom.py, quectel.py   what differs by maker
# a7670.py, ec200.py, auto.py   what a board file takes
