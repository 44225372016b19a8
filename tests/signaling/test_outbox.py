"""The outbox: in order, never waiting, bounded."""

import asyncio

from signaling.outbox import Outbox
from tests.cast import until


class Socket:
    """The server's side of a socket, whose reader can stop."""

    def __init__(self) -> None:
        self.sent = []
        self.open = asyncio.Event()
        self.open.set()
        self.fails = False

    async def send(self, event: dict) -> None:
        await self.open.wait()
        if self.fails:
            raise OSError("gone")
        self.sent.append(event)

    async def has_sent(self, number: int) -> list[dict]:
        await until(lambda: len(self.sent) >= number)
        return self.sent


class OutboxTests:
    async def test_messages_go_out_in_order_and_the_close_is_last(self):
        socket = Socket()
        outbox = Outbox(socket.send, on_too_slow=lambda: None)

        outbox.put(b"one")
        outbox.put(b"two")
        outbox.close(4005, "room-full")
        outbox.put(b"after the close")

        assert await socket.has_sent(3) == [
            {"type": "websocket.send", "text": "one"},
            {"type": "websocket.send", "text": "two"},
            {"type": "websocket.close", "code": 4005, "reason": "room-full"},
        ]
        await outbox.finish()
        assert len(socket.sent) == 3

    async def test_a_reader_that_stopped_costs_others_no_time_and_is_given_up(self):
        socket, given_up = Socket(), []
        outbox = Outbox(socket.send, on_too_slow=lambda: given_up.append(True))
        socket.open.clear()

        for _ in range(600):
            outbox.put(b"message")

        assert given_up == [True]
        assert outbox.is_closing
        socket.open.set()
        await until(lambda: outbox.waiting == 0)
        assert len(socket.sent) <= 1  # which was on its way; the others were dropped
        await outbox.finish()

    async def test_too_many_bytes_are_too_many(self):
        socket, given_up = Socket(), []
        outbox = Outbox(socket.send, on_too_slow=lambda: given_up.append(True))
        socket.open.clear()

        for _ in range(6):
            outbox.put(b"x" * 60_000)

        assert given_up == [True]
        await outbox.finish()

    async def test_what_was_written_makes_room_again(self):
        """Each is written after the next one was put, so that something waits all the time."""
        socket, given_up, turns = Socket(), [], asyncio.Semaphore(0)

        async def send(event: dict) -> None:
            await turns.acquire()
            await socket.send(event)

        outbox = Outbox(send, on_too_slow=lambda: given_up.append(True))
        outbox.put(b"x" * 60_000)
        for number in range(1, 41):
            outbox.put(b"x" * 60_000)
            turns.release()
            await socket.has_sent(number)

        assert given_up == []
        await outbox.finish()

    async def test_it_says_how_much_waits(self):
        socket = Socket()
        outbox = Outbox(socket.send, on_too_slow=lambda: None)
        assert outbox.waiting == 0
        socket.open.clear()

        outbox.put(b"four")
        outbox.put(b"seven77")

        assert outbox.waiting == 11
        socket.open.set()
        await socket.has_sent(2)
        await until(lambda: outbox.waiting == 0)

    async def test_no_progress_for_too_long_is_too_slow(self):
        socket, given_up = Socket(), asyncio.Event()
        outbox = Outbox(socket.send, on_too_slow=given_up.set, stuck=0.01)
        socket.open.clear()

        outbox.put(b"message")

        async with asyncio.timeout(5):
            await given_up.wait()

    async def test_a_socket_that_fails_is_left_to_its_reader(self):
        socket, given_up = Socket(), []
        outbox = Outbox(socket.send, on_too_slow=lambda: given_up.append(True))
        socket.fails = True

        outbox.put(b"message")
        await until(lambda: outbox.is_closing)

        assert given_up == []

    async def test_finishing_ends_a_stuck_writer(self):
        socket = Socket()
        outbox = Outbox(socket.send, on_too_slow=lambda: None)
        socket.open.clear()
        outbox.put(b"message")
        await asyncio.sleep(0)

        async with asyncio.timeout(5):
            await outbox.finish()

        assert socket.sent == []
