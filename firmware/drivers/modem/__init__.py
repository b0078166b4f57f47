# Modems. A modem has tasks() (name and coroutine function of each task that must run) and is a
# bearer: name, ready, reason, signal, connected, async connect(host, port, timeout_ms), send(data,
# timeout_ms), recv_into(buf, timeout_ms), close(). It raises OSError and asyncio.TimeoutError.
