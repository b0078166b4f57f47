# Scanners of QR codes and bar codes. A scanner has: tasks() (name and coroutine function of each
# task that must run), async scan(timeout_ms) -> gm65.Code. A payment code is money for as long as
# it is valid: it is shown, logged and kept nowhere.
