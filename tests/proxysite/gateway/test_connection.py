"""The head of a request under `manage.py serve`: how long it may take, and how large it may be."""

import asyncio

import pytest
from django.conf import settings
from uvicorn import Config
from uvicorn.server import ServerState

from proxysite.gateway.connection import LARGEST_HEAD, LONGEST_STALL, Connection
from tests.virtual_time import in_virtual_time, settled

HEAD = b"POST /v1/messages HTTP/1.1\r\nhost: here\r\ncontent-length: 4\r\n\r\n"


class Wire(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.sent = b""
        self.is_open = True

    def write(self, data):
        self.sent += data

    def close(self):
        self.is_open = False

    def abort(self):
        self.is_open = False

    def is_closing(self):
        return not self.is_open

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


async def answers(scope, receive, send):
    """Reads the body and then waits for `goes_on`."""
    answers.body, more = b"", True
    while more:
        message = await receive()
        answers.body, more = answers.body + message["body"], message["more_body"]
    await answers.goes_on.wait()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def connected(monkeypatch):
    monkeypatch.setitem(settings.ENV.values, "CLIENT_TIMEOUT_SECONDS", 30.0)
    wires = []

    def connect():
        answers.goes_on = asyncio.Event()
        answers.goes_on.set()
        config = Config(answers, access_log=False, log_config=None, timeout_keep_alive=5)
        connection = Connection(config=config, server_state=ServerState(), app_state={})
        wires.append(connection)
        wire = Wire()
        connection.connection_made(wire)
        return connection, wire

    yield connect
    for connection in wires:
        connection.connection_lost(None)


@in_virtual_time
async def test_a_connection_on_which_nothing_comes_is_closed(connected):
    _, wire = connected()
    await asyncio.sleep(29)
    assert wire.is_open
    await asyncio.sleep(2)
    assert not wire.is_open
    assert wire.sent == b""


@in_virtual_time
async def test_a_head_that_comes_byte_by_byte_has_as_long(connected):
    connection, wire = connected()
    for byte in HEAD[:40]:
        connection.data_received(bytes([byte]))
        await asyncio.sleep(1)
    assert not wire.is_open


@in_virtual_time
async def test_a_head_that_is_complete_waits_for_its_body_as_long_as_the_application_does(connected):
    connection, wire = connected()
    connection.data_received(HEAD)
    await asyncio.sleep(1000)
    assert wire.is_open
    connection.data_received(b"body")
    await settled()
    assert wire.sent.endswith(b"\r\n\r\nok")


@in_virtual_time
async def test_the_next_request_on_a_connection_has_as_long_as_the_first(connected):
    connection, wire = connected()
    connection.data_received(HEAD + b"body")
    await settled()
    connection.data_received(HEAD[:9])
    await asyncio.sleep(29)
    assert wire.is_open
    await asyncio.sleep(2)
    assert not wire.is_open


@in_virtual_time
async def test_an_answer_on_its_way_is_not_cut_by_what_comes_behind_its_request(connected):
    connection, wire = connected()
    answers.goes_on.clear()
    connection.data_received(HEAD + b"body" + HEAD[:9])
    await asyncio.sleep(1000)
    assert wire.is_open
    answers.goes_on.set()
    await settled()
    assert wire.sent.endswith(b"\r\n\r\nok")
    await asyncio.sleep(61)
    assert not wire.is_open


@in_virtual_time
async def test_without_a_limit_it_waits(connected, monkeypatch):
    monkeypatch.setitem(settings.ENV.values, "CLIENT_TIMEOUT_SECONDS", 0.0)
    connection, wire = connected()
    connection.data_received(HEAD[:9])
    await asyncio.sleep(10**6)
    assert wire.is_open


LINE = b"x-many: 1\r\n"


@pytest.mark.parametrize(("begin", "more"), [(b"GET /", b"p"), (HEAD[:28] + b"x-long: ", b"x"), (HEAD[:28], LINE)])
@in_virtual_time
async def test_a_head_without_an_end_is_refused(connected, begin, more):
    connection, wire = connected()
    connection.data_received(begin)
    for _ in range(LARGEST_HEAD // 1100):
        connection.data_received(more * (1100 // len(more)))
        assert wire.is_open
    connection.data_received(more * 1100)
    assert wire.sent.startswith(b"HTTP/1.1 400 ")
    assert b"must not be larger than 256 KiB" in wire.sent
    assert not wire.is_open


@in_virtual_time
async def test_a_body_of_many_chunks_is_no_head(connected):
    connection, wire = connected()
    connection.data_received(HEAD.replace(b"content-length: 4", b"transfer-encoding: chunked"))
    for _ in range(LARGEST_HEAD // 6):
        connection.data_received(b"1\r\nx\r\n")
    connection.data_received(b"0\r\n\r\n")
    await settled()
    assert wire.sent.endswith(b"\r\n\r\nok")


@in_virtual_time
async def test_trailers_without_an_end_are_refused(connected):
    connection, wire = connected()
    connection.data_received(HEAD.replace(b"content-length: 4", b"transfer-encoding: chunked") + b"1\r\nx\r\n0\r\n")
    for _ in range(LARGEST_HEAD // 1100 + 1):
        connection.data_received(LINE * 100)
    assert not wire.is_open


OFFER = b"connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"


@in_virtual_time
async def test_an_offer_of_http2_is_declined_and_its_request_answered(connected):
    connection, wire = connected()
    for _ in range(2):
        connection.data_received(HEAD.replace(b"host: here", b"host: here\r\n" + OFFER) + b"body")
        await settled()
        assert answers.body == b"body"
    assert wire.sent.count(b"HTTP/1.1 200 ") == 2
    assert wire.is_open


@in_virtual_time
async def test_a_body_that_speaks_of_upgrades_stays_as_it_is(connected):
    connection, _ = connected()
    said = b"\r\nupgrade: h2c\r\n\r\nupgrade: h2c\r\n"
    head = HEAD.replace(b"length: 4", b"length: %d" % len(said))
    for pieces in ((head + said,), (head, said)):
        for piece in pieces:
            connection.data_received(piece)
        await settled()
        assert answers.body == said


@in_virtual_time
async def test_a_client_that_takes_nothing_of_its_answer_is_let_go(connected):
    connection, wire = connected()
    answers.goes_on.clear()  # it is still being answered
    connection.data_received(HEAD + b"body")
    for _ in range(3):
        connection.pause_writing()
        await asyncio.sleep(LONGEST_STALL - 1)
        connection.resume_writing()
    await asyncio.sleep(2 * LONGEST_STALL)
    connection.pause_writing()
    await asyncio.sleep(LONGEST_STALL - 1)
    assert wire.is_open
    await asyncio.sleep(2)
    assert not wire.is_open
    connection.connection_lost(None)  # which the transport says then
    answers.goes_on.set()
    await settled()
