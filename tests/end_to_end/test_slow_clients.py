"""Clients that begin a request and do not end it: they are told so, and do not hold their connection for ever."""

import json
import socket

import pytest

from tests.end_to_end.answers import json_answer
from tests.end_to_end.exchanges import ALL, CHAT
from tests.end_to_end.upstream import PATIENCE


@pytest.fixture(scope="module")
def impatient(new_installation, configured):
    with new_installation(configured, CLIENT_TIMEOUT_SECONDS="0.2").serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def said_to(impatient):
    """Sends bytes, and gives all that comes back until the proxy closes the connection."""

    def say(*pieces):
        with socket.create_connection(("127.0.0.1", impatient.port), timeout=PATIENCE) as connection:
            connection.sendall(b"".join(pieces))
            return b"".join(iter(lambda: connection.recv(65536), b""))

    yield say
    impatient.wait_until_idle()


@pytest.mark.parametrize("body", [b"content-length: 100\r\n\r\n{", b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"])
@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_body_that_breaks_off_is_answered_in_the_clients_dialect(said_to, upstream, exchange, body):
    head = f"POST {exchange.client_path} HTTP/1.1\r\nhost: here\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in exchange.headers.items())
    status, _, answer = said_to(head.encode(), body).partition(b"\r\n")
    headers, _, content = answer.partition(b"\r\n\r\n")
    assert status.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in headers
    error = json.loads(content)["error"]
    assert "CLIENT_TIMEOUT_SECONDS" in error["message"]
    assert error["type"] == ("timeout_error" if exchange.dialect == "messages" else "timeout")
    assert upstream.calls == []


@pytest.mark.parametrize("head", [b"", b"GE", b"GET / HTTP/1.1\r\nhost: here\r\nx-more"])
def test_a_head_that_does_not_come_is_not_waited_for(said_to, head):
    assert said_to(head) == b""


def test_the_body_behind_an_offer_of_http2_is_read(said_to, upstream):
    """Java's HTTP client makes one with its first request."""
    upstream.answer(json_answer(CHAT.answer))
    body = json.dumps(CHAT.body()).encode()
    offer = b"connection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\n%bcontent-length: %d\r\n\r\n" % (offer, len(body))
    assert said_to(head, body).startswith(b"HTTP/1.1 200 ")
    assert upstream.call.body == body
    assert upstream.call.header("upgrade") is None


def test_a_head_without_an_end_is_refused(said_to):
    answer = said_to(b"GET / HTTP/1.1\r\nx-long: ", b"x" * 300 * 1024)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"256 KiB" in answer
