"""The terminal in real time: firmware process, devices and acquirer in one event loop, over real
TCP.

The bench without a face; tui.py draws it and gives it keys.
"""

import asyncio
import datetime
import json
import time
from pathlib import Path

from acquirer.host import Host
from acquirer.server import serve

from . import board_process, pictures, preset
from .board_process import BoardProcess
from .bus_port import BusPort
from .devices import Classic
from .ptyport import LivePort

PWRON, WDT = 1, 3
_PORT = 5000  # what the terminal believes the acquirer's port to be
_HOLD_S = 0.11  # a quick finger
_GAP_S = 0.06
_SLICE_S = 0.02  # the rack looks at least this often


class RealNet:
    """Network side of the modem model over real sockets. The terminal's port is mapped to the
    acquirer's real one.

    up: while False nothing gets through. host_up: while False the acquirer's machine refuses.
    """

    def __init__(self, port_map, now_us):
        self._map = port_map
        self._now_us = now_us
        self.modem = None
        self.up = True
        self.host_up = True
        self._links = {}
        self._tasks = set()
        self.sent = 0

    def _spawn(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def open(self, link, host, port):
        if self.up:
            self._spawn(self._run(link, host, port))

    async def _run(self, link, host, port):
        try:
            if not self.host_up:
                raise OSError("refused")
            reader, writer = await asyncio.open_connection(host, self._map.get(port, port))
        except OSError:
            self.modem.net_opened(link, 1, self._now_us())
            return
        self._links[link] = writer
        self.modem.net_opened(link, 0, self._now_us())
        try:
            while data := await reader.read(4096):
                if self.up and self._links.get(link) is writer:
                    self.modem.net_data(link, data, self._now_us())
        except OSError:
            pass
        if self.up and self._links.get(link) is writer:
            del self._links[link]
            self.modem.net_closed(link, self._now_us())
        writer.close()

    def send(self, link, data):
        writer = self._links.get(link)
        if writer is not None and self.up:
            self.sent += 1
            writer.write(data)

    def close(self, link):
        writer = self._links.pop(link, None)
        if writer is not None:
            writer.close()

    async def stop(self):
        for writer in self._links.values():
            writer.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class LiveBench:
    """`folder` keeps the terminal (flash image, log) and the acquirer's ledger from one run to the
    next."""

    def __init__(self, folder, fresh=False):
        self.folder = Path(folder)
        if fresh:
            self._forget()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.flash = self.folder / "flash.bin"
        self.log = self.folder / "terminal.log"
        self._started = time.monotonic()
        self._epoch_s = int(
            (datetime.datetime.now() - datetime.datetime(1970, 1, 1)).total_seconds()
        )
        self.host = Host(db_path=str(self.folder / "ledger.db"))
        self.host.add_terminal(preset.TID, preset.MID, preset.tmk())
        self.messages = []  # what the acquirer says, one line a message
        self.host.on_event(self._message)
        self._server = None
        self.net = None
        self.devices = None
        self._process = None
        self._writer = None
        self._bus = None
        self._listener = None
        self.port = None  # the technician's console: ptyport.LivePort
        self._connected = asyncio.Event()
        self.powered = False
        self.on_paper = True
        self.receipts = 0

    def _forget(self):
        for name in ("flash.bin", "flash.bin.nvs", "ledger.db", "terminal.log"):
            (self.folder / name).unlink(missing_ok=True)

    def now_us(self):
        return int((time.monotonic() - self._started) * 1e6)

    def _message(self, event):
        amount = "" if event["amount"] is None else f" {event['amount'] / 100:.2f}"
        fault = f"  ({event['fault']})" if event["fault"] else ""
        stan = event["stan"] or "------"
        self.messages.append(
            f"{event['mti']} {event['kind']} {stan}{amount} -> {event['rc']}{fault}"
        )
        del self.messages[:-50]

    # ---- life -----------------------------------------------------------------------------------

    async def start(self, modem_boot_us=2_000_000, modem_register_us=1_000_000):
        """Start everything. OSError, board_process.BoardError."""
        self._server = await serve(self.host)
        self.net = RealNet({_PORT: self._server.port}, self.now_us)
        self.devices = Classic(
            self.net,
            modem_boot_us=modem_boot_us,
            modem_register_us=modem_register_us,
            epoch_s=self._epoch_s,
        )
        self.net.modem = self.devices.modem
        self.port = LivePort()
        self._listener = await asyncio.start_server(self._board, "127.0.0.1", 0)
        if not self._is_set_up():
            self._forget_flash()
            spec = preset.classic(_PORT, **preset.OFFLINE)
            await asyncio.to_thread(board_process.provision, self.flash, spec)
            (self.folder / "set-up.json").write_text(json.dumps({"tid": preset.TID}))
        self._ticker = asyncio.create_task(self._tick())
        await self.power(True)

    def _is_set_up(self):
        return self.flash.exists() and (self.folder / "set-up.json").exists()

    def _forget_flash(self):
        for name in ("flash.bin", "flash.bin.nvs", "set-up.json"):
            (self.folder / name).unlink(missing_ok=True)

    async def stop(self):
        """End everything: no process and no port is left."""
        self._kill()
        if getattr(self, "_ticker", None):
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        if self.net is not None:
            await self.net.stop()
        if self.port is not None:
            self.port.close()
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            await self._server.stop()
        self.host.close()

    async def power(self, on, cause=PWRON):
        """Switch the terminal on, or cut its power."""
        if on:
            if cause == PWRON:
                self.devices.power(True)
            port = self._listener.sockets[0].getsockname()[1]
            self._bus = BusPort(self.devices.rack, self.now_us, cause, self._epoch_s)
            self._connected.clear()
            self._process = BoardProcess(self.flash, port, self.log, console=True)
            self.port.attach(self._process)
            self.powered = True
        else:
            self._kill()
            self.devices.power(False)

    def _kill(self):
        self.powered = False
        if self._process is not None:
            self.port.detach()
            self._process.kill()
            self._process = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _board(self, reader, writer):
        """The firmware's process has connected."""
        if self._writer is not None or not self.powered:
            writer.close()
            return
        self._writer = writer
        bus = self._bus
        self._connected.set()
        try:
            while data := await reader.read(65536):
                self._advance()
                bus.feed(data)
                self._flush()
        except OSError:
            pass
        if bus is self._bus and self.powered and self._writer is writer:
            # It reset itself or crashed: a processor starts again.
            await self._restart(bus.reset_wanted or WDT)

    async def _restart(self, cause):
        self._kill()
        self.devices.rack.processor_reset()
        await asyncio.sleep(0.3)
        await self.power(True, cause)

    def _advance(self):
        self.devices.rack.advance(self.now_us())

    def _flush(self):
        if self._writer is not None:
            self._bus.push_events()
            out = self._bus.take_output()
            if out:
                self._writer.write(out)

    async def _tick(self):
        rack = self.devices.rack
        while True:
            due = rack.next_due()
            wait = _SLICE_S if due is None else (due - self.now_us()) / 1e6
            await asyncio.sleep(min(_SLICE_S, max(0.001, wait)))
            self._advance()
            if self.powered and rack.watchdog_expired():
                await self._restart(WDT)
            if self._bus is not None and self._bus.reset_wanted is not None and self.powered:
                await self._restart(self._bus.reset_wanted)
            self._flush()

    # ---- what a person does ---------------------------------------------------------------------

    async def press(self, key):
        """Press one key, with a finger."""
        if not self.powered:
            return
        for action, then in (
            (self.devices.keys.press, _HOLD_S),
            (self.devices.keys.release, _GAP_S),
        ):
            self._advance()
            action(key, self.devices.rack.now_us)
            self.devices.rack.poke()
            self._flush()
            await asyncio.sleep(then)

    def swipe(self, card):
        self._advance()
        self.devices.reader.swipe(card.track1, card.track2, card.track3, self.devices.rack.now_us)
        self.devices.rack.poke()

    def network(self, on):
        """Cut or restore the radio, and with it everything behind it."""
        self._advance()
        self.net.up = on
        self.devices.modem.set_signal(on, self.devices.rack.now_us)

    def paper(self, loaded):
        self._advance()
        self.on_paper = loaded
        if loaded:
            self.devices.printer.load_paper(now_us=self.devices.rack.now_us)
        else:
            self.devices.printer.paper_out(now_us=self.devices.rack.now_us)

    def cut_next_reply(self):
        """The acquirer books the next request, then the connection breaks before the reply."""
        self.host.faults.arm("cut_before_reply")

    def tear(self):
        """Tear off the paper. (text lines, path of the PNG), or None when nothing was printed."""
        if not self.devices.printer.rows:
            return None
        paper = self.devices.printer.tear()
        folder = self.folder / "receipts"
        folder.mkdir(exist_ok=True)
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        self.receipts += 1
        path = folder / f"receipt-{stamp}-{self.receipts}.png"
        pictures.paper(paper.rows).save(path)
        return paper.lines, path

    def totals(self):
        """The acquirer's totals of the open batch, one line a type."""
        totals = self.host.books.totals(preset.TID)
        return [
            f"{name}: {totals[name]['count']}, {totals[name]['amount_fen'] / 100:.2f}"
            for name in ("sale", "void", "reversal", "declined")
        ]
