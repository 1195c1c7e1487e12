"""When the client goes away the upstream is left at once, in every phase, and the record says so."""

import json
import socket

import httpx
import pytest

from tests.end_to_end.answers import Gate, hang, json_answer, stream
from tests.end_to_end.exchanges import ALL, CHAT, STREAMED


class LeavingClient:
    """A client on a bare socket, which can leave whenever it likes."""

    def __init__(self, port: int, exchange, **more) -> None:
        body = json.dumps(exchange.body(**more)).encode()
        request = httpx.Request(
            "POST", f"http://127.0.0.1:{port}{exchange.client_path}", content=body, headers=exchange.headers
        )
        head = f"POST {exchange.client_path} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(head.encode() + b"\r\n" + body)

    def read_until(self, mark: bytes) -> bytes:
        received = b""
        while mark not in received:
            chunk = self._socket.recv(65536)
            assert chunk, f"the connection ended before {mark!r} came: {received!r}"
            received += chunk
        return received

    def leave(self) -> None:
        self._socket.close()


@pytest.fixture
def leaving(proxy):
    made = []

    def start(exchange, **more):
        made.append(LeavingClient(proxy.port, exchange, **more))
        return made[-1]

    yield start
    for client in made:
        client.leave()


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_client_that_leaves_while_it_waits_stops_the_upstream(proxy, upstream, leaving, exchange, streaming):
    upstream.answer(hang(Gate()))
    client = leaving(exchange, stream=streaming)
    call = upstream.wait_for_call()
    client.leave()
    call.wait_until_closed()
    record = proxy.installation.record(call.header("x-request-id"))
    assert record["outcome"] == "client_gone"


@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_a_client_that_leaves_in_the_middle_stops_the_upstream(proxy, upstream, leaving, exchange):
    """Case 105 of the wire reference. Row 5.2.12 of the wire reference."""
    upstream.answer(stream(exchange.events[0], Gate()))
    client = leaving(exchange, stream=True)
    client.read_until(exchange.events[0])
    client.leave()
    upstream.call.wait_until_closed()
    record = proxy.installation.record(upstream.call.header("x-request-id"))
    assert (record["outcome"], record["status"]) == ("client_gone", 200)


@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_a_client_that_leaves_when_it_has_everything_is_not_called_gone(proxy, upstream, leaving, exchange):
    """The official clients hang up as soon as they have read the last event."""
    upstream.answer(stream(*exchange.events, Gate()))
    client = leaving(exchange, stream=True)
    client.read_until(exchange.events[-1])
    client.leave()
    upstream.call.wait_until_closed()
    assert proxy.installation.record(upstream.call.header("x-request-id"))["outcome"] == "ok"


def test_a_client_that_leaves_in_the_middle_of_a_whole_answer_stops_the_upstream(upstream, leaving):
    body = json.dumps(CHAT.answer).encode()
    upstream.answer(stream(body[:10], Gate()).with_headers(("content-type", "application/json")))
    client = leaving(CHAT)
    call = upstream.wait_for_call()
    client.leave()
    call.wait_until_closed()


def test_a_client_that_leaves_while_it_sends_reaches_no_upstream(proxy, upstream):
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
    proxy.wait_until_idle()
    assert upstream.calls == []


def test_many_clients_that_leave_together_leave_nothing_open(proxy, upstream, leaving):
    upstream.answer(stream(CHAT.events[0], Gate()))
    clients = [leaving(CHAT, stream=True) for _ in range(30)]
    for client in clients:
        client.read_until(CHAT.events[0])
    assert proxy.status()["running"] == 30
    for client in clients:
        client.leave()
    for call in upstream.calls:
        call.wait_until_closed()
    proxy.wait_until_idle()


def test_a_client_that_leaves_does_not_disturb_the_others(upstream, leaving, client):
    rest = Gate()
    upstream.answer(stream(CHAT.events[0], Gate()), stream(CHAT.events[0], rest, *CHAT.events[1:]))
    leaver = leaving(CHAT, stream=True)
    leaver.read_until(CHAT.events[0])
    with client.stream("POST", "/v1/chat/completions", json=CHAT.body(stream=True)) as answer:
        chunks = answer.iter_raw()
        first = next(chunks)
        leaver.leave()
        upstream.calls[0].wait_until_closed()
        rest.open()
        assert first + b"".join(chunks) == CHAT.stream


def test_a_client_that_closes_only_its_sending_side_still_gets_its_answer_or_is_gone(upstream, proxy):
    """Half-closed connections are treated as gone by some servers and served by others; neither may leak."""
    upstream.answer(json_answer(CHAT.answer))
    body = json.dumps(CHAT.body()).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(head + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    proxy.wait_until_idle()
