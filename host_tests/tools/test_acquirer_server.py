"""The host on a TCP port, with real sockets on 127.0.0.1. No sleeps: every wait is for an
event."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer.server import serve

# Only so that a broken test ends; nothing is measured.
PATIENCE_S = 60


def run(scenario):
    """Run a scenario(pos, server) with a served host; afterwards nothing may be left in the
    loop."""

    async def main():
        before = asyncio.all_tasks()
        pos = kit.signed_in_pos()
        server = await serve(pos.host)
        try:
            await scenario(pos, server)
        finally:
            await server.stop()
        assert asyncio.all_tasks() == before

    asyncio.run(asyncio.wait_for(main(), PATIENCE_S))


async def connect(server):
    return await asyncio.open_connection("127.0.0.1", server.port)


def frame(body):
    return len(body).to_bytes(2, "big") + body


def sale_frame(pos, fen=100):
    return frame(pos.pack("0200", pos.sale_fields(fen)))


async def read_answer(reader):
    size = int.from_bytes(await reader.readexactly(2), "big")
    return kit.Answer(await reader.readexactly(size))


def test_it_listens_on_localhost_only_and_picks_a_port():
    async def scenario(pos, server):
        assert server.address == "127.0.0.1" and server.port > 0

    run(scenario)


def test_requests_on_one_connection_and_on_several():
    async def scenario(pos, server):
        links = [await connect(server) for _ in range(3)]
        for turn in range(5):
            for reader, writer in links:
                writer.write(sale_frame(pos, 100 + turn))
                answer = await read_answer(reader)
                assert answer[39] == "00" and int(answer[4]) == 100 + turn
        for _, writer in links:
            writer.close()
        assert kit.net_fen(pos.host) == 3 * 510

    run(scenario)


def test_merged_and_split_segments():
    async def scenario(pos, server):
        reader, writer = await connect(server)
        data = sale_frame(pos, 100) + sale_frame(pos, 200)
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
        assert [(await read_answer(reader))[4] for _ in range(2)] == [
            "000000000100",
            "000000000200",
        ]
        writer.close()

    run(scenario)


def test_absurd_length_closes_the_connection_and_the_server_lives_on():
    async def scenario(pos, server):
        reader, writer = await connect(server)
        writer.write(b"\xff\xff")
        assert await reader.read() == b""
        writer.close()
        reader, writer = await connect(server)
        writer.write(sale_frame(pos))
        assert (await read_answer(reader))[39] == "00"
        writer.close()

    run(scenario)


def test_cuts_are_seen_by_the_terminal():
    async def scenario(pos, server):
        pos.host.faults.arm("cut_in_reply", bytes=30)
        reader, writer = await connect(server)
        writer.write(sale_frame(pos))
        assert len(await reader.read()) == 30
        writer.close()
        pos.host.faults.arm("cut_before_reply")
        reader, writer = await connect(server)
        writer.write(sale_frame(pos))
        assert await reader.read() == b""
        writer.close()
        pos.host.faults.arm("cut_before_reply", reset=1)
        reader, writer = await connect(server)
        writer.write(sale_frame(pos))
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        assert kit.net_fen(pos.host) == 300

    run(scenario)


def test_late_answer_comes_after_a_later_one():
    """Order, not time: the answer that is held back comes second."""

    async def scenario(pos, server):
        pos.host.faults.arm("late_answer", delay_ms=50)
        reader, writer = await connect(server)
        late, prompt = sale_frame(pos, 100), sale_frame(pos, 200)
        writer.write(late + prompt)
        assert [(await read_answer(reader))[4] for _ in range(2)] == [
            "000000000200",
            "000000000100",
        ]
        writer.close()

    run(scenario)


def test_stop_ends_open_connections_and_answers_that_wait():
    async def scenario(pos, server):
        pos.host.faults.arm("late_answer", delay_ms=3600000)
        told = asyncio.Event()
        pos.host.on_event(lambda event: told.set())
        reader, writer = await connect(server)
        idle_reader, idle_writer = await connect(server)
        writer.write(sale_frame(pos))
        await told.wait()
        await server.stop()
        for end in (reader, idle_reader):
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await end.readexactly(1)
        writer.close()
        idle_writer.close()
        with pytest.raises(OSError):
            await connect(server)
        await server.stop()  # a second time is no harm

    run(scenario)


def test_a_terminal_that_leaves_takes_its_waiting_answer_with_it():
    async def scenario(pos, server):
        pos.host.faults.arm("late_answer", delay_ms=3600000)
        told = asyncio.Event()
        pos.host.on_event(lambda event: told.set())
        _, writer = await connect(server)
        writer.write(sale_frame(pos))
        await told.wait()
        writer.close()
        reader, writer = await connect(server)
        writer.write(sale_frame(pos))
        assert (await read_answer(reader))[39] == "00"
        writer.close()

    run(scenario)


def test_a_terminal_that_never_reads_does_not_stop_the_others():
    async def scenario(pos, server):
        pos.host.faults.arm("garbage", count=500, kind="echo", size=65535)
        echo = frame(pos.pack("0820", {41: pos.tid, 42: pos.mid, 60: "00000001301"}, mac=False))
        _, deaf = await connect(server)
        deaf.write(echo * 500)
        reader, writer = await connect(server)
        writer.write(sale_frame(pos))
        assert (await read_answer(reader))[39] == "00"
        deaf.transport.abort()
        writer.close()

    run(scenario)


def test_port_in_use():
    async def scenario(pos, server):
        with pytest.raises(OSError):
            await serve(pos.host, port=server.port)

    run(scenario)


def test_server_is_a_context_manager():
    async def main():
        pos = kit.signed_in_pos()
        async with await serve(pos.host) as server:
            reader, writer = await connect(server)
            writer.write(sale_frame(pos))
            assert (await read_answer(reader))[39] == "00"
            writer.close()
        with pytest.raises(OSError):
            await connect(server)

    asyncio.run(asyncio.wait_for(main(), PATIENCE_S))
