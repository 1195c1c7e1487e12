import asyncio

from proxysite.gateway.keepalive import INTERVAL, Keepalive
from tests.virtual_time import in_virtual_time, settled


class Wire:
    def __init__(self, breaks_at=None):
        self.sent = []
        self.times = []
        self._breaks_at = breaks_at

    async def send(self, message):
        if len(self.sent) == self._breaks_at:
            raise OSError("gone")
        self.sent.append(message)
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0)

    @property
    def bodies(self):
        return [message["body"] for message in self.sent if "body" in message]


class Counting:
    def __init__(self, name):
        self.name, self.number = name, 0

    def ping(self):
        self.number += 1
        return f"{self.name}{self.number}".encode()


def kept(wire, *headers):
    return Keepalive(wire.send, list(headers), Counting("a"))


@in_virtual_time
async def test_a_request_that_is_answered_in_time_sees_nothing_of_it():
    wire = Wire()
    keepalive = kept(wire)
    await asyncio.sleep(INTERVAL - 1)
    assert await keepalive.stop() is False
    await asyncio.sleep(100)
    assert wire.sent == []


@in_virtual_time
async def test_from_the_tenth_second_on_there_is_something_every_ten():
    """Row 6.1.8 of the wire reference."""
    wire = Wire()
    keepalive = kept(wire, (b"x-request-id", b"req_1"))
    await asyncio.sleep(35)
    assert await keepalive.stop() is True
    assert wire.times == [10, 10, 20, 30]
    assert wire.bodies == [b"a1", b"a2", b"a3"]
    assert (b"x-request-id", b"req_1") in wire.sent[0]["headers"]
    assert (b"content-type", b"text/event-stream; charset=utf-8") in wire.sent[0]["headers"]


@in_virtual_time
async def test_a_head_that_could_not_be_sent_has_not_been_sent():
    """On a connection that still carries an earlier answer, a server waits before it writes."""
    wire = Wire()
    wire.send = lambda message: asyncio.Event().wait()
    keepalive = kept(wire)
    await asyncio.sleep(15)
    assert await keepalive.stop() is False


@in_virtual_time
async def test_after_it_was_stopped_it_is_silent():
    wire = Wire()
    keepalive = kept(wire)
    await asyncio.sleep(15)
    await keepalive.stop()
    assert await keepalive.stop() is True
    await asyncio.sleep(100)
    assert wire.bodies == [b"a1"]


@in_virtual_time
async def test_an_answer_that_has_begun_is_kept_alive_by_its_own_life_in_its_silences():
    wire = Wire()
    keepalive = kept(wire)
    await keepalive.stop()
    keepalive.go_on(Counting("b"))
    for _ in range(20):  # an answer that flows
        await asyncio.sleep(4)
        keepalive.beats += 2
    assert wire.sent == []
    await asyncio.sleep(26)
    assert await keepalive.stop() is True
    assert wire.bodies == [b"b1", b"b2"]
    assert all(80 + INTERVAL * number <= time <= 85 + INTERVAL * number for number, time in enumerate(wire.times, 1))


@in_virtual_time
async def test_nothing_comes_between_while_a_piece_is_being_sent():
    wire = Wire()
    keepalive = kept(wire)
    await keepalive.stop()
    keepalive.go_on(Counting("b"))
    keepalive.beats += 1
    await asyncio.sleep(100)  # a client that reads slowly
    assert wire.sent == []
    keepalive.beats += 1
    await asyncio.sleep(16)
    await keepalive.stop()
    assert wire.bodies == [b"b1"]


@in_virtual_time
async def test_a_piece_that_comes_in_the_same_moment_goes_first():
    wire = Wire()
    keepalive = kept(wire)
    await keepalive.stop()
    keepalive.go_on(Counting("b"))
    asyncio.get_running_loop().call_at(10, setattr, keepalive, "beats", 1)
    await asyncio.sleep(11)
    await keepalive.stop()
    assert wire.sent == []


@in_virtual_time
async def test_a_client_that_leaves_ends_it():
    wire = Wire(breaks_at=2)
    keepalive = kept(wire)
    await asyncio.sleep(15)
    await settled()
    assert wire.bodies == [b"a1"]
    await asyncio.sleep(10)
    assert await keepalive.stop() is True
    assert wire.bodies == [b"a1"]
