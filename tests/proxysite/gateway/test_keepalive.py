import asyncio

from proxysite.gateway.keepalive import INTERVAL, PING, Keepalive
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
        return [message.get("body") for message in self.sent[1:]]


@in_virtual_time
async def test_a_request_that_is_answered_in_time_sees_nothing_of_it():
    wire = Wire()
    keepalive = Keepalive(wire.send, [])
    await asyncio.sleep(INTERVAL - 1)
    assert await keepalive.stop() is False
    await asyncio.sleep(100)
    assert wire.sent == []


@in_virtual_time
async def test_from_the_tenth_second_on_it_pings_every_ten():
    wire = Wire()
    keepalive = Keepalive(wire.send, [(b"x-request-id", b"req_1")])
    await asyncio.sleep(35)
    assert await keepalive.stop() is True
    assert wire.times == [10, 10, 20, 30]
    assert wire.bodies == [PING] * 3
    assert (b"x-request-id", b"req_1") in wire.sent[0]["headers"]
    assert (b"content-type", b"text/event-stream; charset=utf-8") in wire.sent[0]["headers"]


@in_virtual_time
async def test_after_it_was_stopped_it_is_silent():
    wire = Wire()
    keepalive = Keepalive(wire.send, [])
    await asyncio.sleep(15)
    await keepalive.stop()
    assert await keepalive.stop() is True
    await asyncio.sleep(100)
    assert wire.bodies == [PING]


@in_virtual_time
async def test_a_client_that_leaves_ends_it():
    wire = Wire(breaks_at=2)
    keepalive = Keepalive(wire.send, [])
    await asyncio.sleep(100)
    await settled()
    assert wire.bodies == [PING]
    assert await keepalive.stop() is True


@in_virtual_time
async def test_a_client_that_waits_again_in_the_middle_of_its_stream_gets_pings_and_no_second_head():
    wire = Wire()
    keepalive = Keepalive(wire.send, [])
    await keepalive.stop()
    assert keepalive.is_stopped
    assert keepalive.resume() is True
    assert keepalive.resume() is False
    await asyncio.sleep(25)
    await keepalive.stop()
    await asyncio.sleep(100)
    assert [message["body"] for message in wire.sent] == [PING] * 2
    assert wire.times == [10, 20]
