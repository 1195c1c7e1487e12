import asyncio
import contextlib
import errno
import socket
import ssl

import aiohttp
import httpx
import pytest
import yarl
from aiohttp.client_reqrep import ConnectionKey

from routing import upstream
from routing.errors import ConnectTimeout, ProxyError, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from routing.secrets import Secret
from routing.snapshot import CredentialMode
from routing.upstream import Upstreams, translated
from tests.snapshots import an_upstream

KEY = "planted-key-0123456789"
URL = f"http://up/v1/models?key={KEY}"
KEYED = an_upstream(credential_mode=CredentialMode.OWN, key=Secret(KEY))


def with_subclasses(cls):
    yield cls
    for subclass in cls.__subclasses__():
        yield from with_subclasses(subclass)


def made(cls):
    """An instance whose text holds the key wherever the class shows its arguments."""
    connection = ConnectionKey("up", 80, False, True, None, None, None)
    info = aiohttp.RequestInfo(yarl.URL(URL), "GET", {}, yarl.URL(URL))
    attempts = (
        lambda: cls(f"refused {URL} with {KEY}"),
        lambda: cls(connection, OSError(111, f"refused {KEY}")),
        lambda: cls(connection, ssl.SSLCertVerificationError(f"bad {KEY}")),
        lambda: cls(f"path/{KEY}", connection, OSError(111, f"refused {KEY}")),
        lambda: cls(b"a", b"b", "up", 80),
        lambda: cls(info, (), status=502, message=f"bad {KEY}"),
        lambda: cls(f"bad {KEY}", request=httpx.Request("GET", URL), response=httpx.Response(500)),
    )
    for attempt in attempts:
        with contextlib.suppress(Exception):
            problem = attempt()
            str(problem)
            return problem
    raise AssertionError(f"no way to make a {cls}")


LIBRARIES = sorted(
    {*with_subclasses(httpx.HTTPError), *with_subclasses(aiohttp.ClientError)},
    key=lambda cls: f"{cls.__module__}.{cls.__name__}",
)
SYSTEM = [
    TimeoutError, OSError, ConnectionResetError, BrokenPipeError, EOFError, ValueError, ssl.SSLError,
    httpx.InvalidURL, socket.gaierror,
]  # fmt: skip


@pytest.mark.parametrize("answering", [False, True])
@pytest.mark.parametrize("cls", [*LIBRARIES, *SYSTEM], ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
class TestEveryExceptionOfTheLibraries:
    def test_becomes_one_of_ours_that_may_be_tried_again(self, cls, answering):
        error = translated(made(cls), KEYED, answering=answering)
        assert type(error) in (UpstreamUnreachable, ConnectTimeout, UpstreamTimeout, UpstreamBroken)
        assert error.retryable
        assert error.message.startswith("The upstream “local” at http://up ")
        assert error.message.endswith((".", "?"))

    def test_shows_no_key(self, cls, answering):
        assert KEY not in translated(made(cls), KEYED, answering=answering).message


@pytest.mark.parametrize(
    ("problem", "ours", "says"),
    [
        (httpx.ConnectTimeout("x"), ConnectTimeout, "did not accept a connection within 5 s"),
        (aiohttp.ConnectionTimeoutError("x"), ConnectTimeout, "did not accept a connection within 5 s"),
        (httpx.ReadTimeout("x"), UpstreamTimeout, "sent nothing for 1200 s"),
        (aiohttp.SocketTimeoutError("x"), UpstreamTimeout, "sent nothing for 1200 s"),
        (TimeoutError(), UpstreamTimeout, "sent nothing for 1200 s"),
        (made(aiohttp.ClientConnectorError), UpstreamUnreachable, "cannot be reached: .* Is it running?"),
        (httpx.ConnectError("x"), UpstreamUnreachable, "cannot be reached: x. Is it running?"),
        (made(aiohttp.ClientConnectorCertificateError), UpstreamUnreachable, "failed the TLS handshake"),
        (aiohttp.InvalidURL("x"), UpstreamUnreachable, "has an address that cannot be called"),
        (aiohttp.ServerDisconnectedError(), UpstreamBroken, "closed the connection or answered nonsense"),
        (aiohttp.ClientPayloadError("x"), UpstreamBroken, "closed the connection or answered nonsense: x"),
    ],
)
def test_each_says_what_happened(problem, ours, says):
    with pytest.raises(ours, match=says):
        raise translated(problem, an_upstream())


def test_a_tls_failure_behind_a_connection_error_is_a_tls_failure():
    problem = httpx.ConnectError("x")
    problem.__cause__ = ssl.SSLError("bad certificate")
    assert "TLS" in translated(problem, an_upstream()).message


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 9)"), "nonsense: Connection refused."),
        (OSError(f"Multiple: [Errno {errno.EHOSTUNREACH}] Connect call failed ('::1', 9), …"), "No route to host."),
        (OSError("Connect call failed"), "nonsense: Connect call failed."),
    ],
)
def test_a_connection_that_fails_is_told_in_the_systems_words_without_addresses(problem, says):
    assert translated(problem, an_upstream()).message.endswith(says)


@pytest.mark.parametrize("text", ["", "\n", "one\ntwo"])
def test_a_reason_is_one_line(text):
    assert "\n" not in translated(ValueError(text), an_upstream()).message


def test_the_query_of_a_url_is_not_repeated_for_it_may_hold_the_clients_key():
    message = translated(httpx.InvalidURL(f"'{URL}' is odd"), an_upstream()).message
    assert "'http://up/v1/models?…' is odd" in message


def test_what_breaks_off_says_so():
    error = translated(aiohttp.ClientPayloadError("x"), an_upstream(), answering=True)
    assert "broke off its answer: x" in error.message


def test_a_mistake_of_ours_is_not_blamed_on_the_upstream():
    with pytest.raises(ZeroDivisionError):
        translated(ZeroDivisionError(), an_upstream())


class Server:
    """Says a piece of an answer, and notes when the other side closes the connection."""

    def __init__(self, said):
        self._said = said
        self.connections = 0
        self.reached = asyncio.Event()
        self.closed = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc):
        self._server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        self.reached.set()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while (await reader.readuntil(b"\r\n\r\n")) and self._said:
                writer.write(self._said)
                await writer.drain()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.read()
        writer.close()
        self.closed.set()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
WHOLE = HEAD + b"content-length: 2\r\n\r\nok"


@pytest.fixture
async def upstreams():
    made = Upstreams()
    yield made
    await made.aclose()


async def ask(upstreams, url, **fields):
    return await upstreams.send(an_upstream(base_url=url, **fields), "GET", f"{url}/v1/models", [], b"")


class TestOverARealSocket:
    @pytest.mark.parametrize("http2", [False, True])
    @pytest.mark.parametrize("read", [0, 1])
    async def test_closing_an_unfinished_answer_cuts_the_connection(self, upstreams, http2, read):
        said = HEAD + b"content-length: 100\r\n\r\nhalf"
        async with Server(said) as server:
            answer = await ask(upstreams, server.url, http2=http2)
            chunks = answer.chunks()
            for _ in range(read):
                assert await anext(chunks) == b"half"
            await chunks.aclose()
            await answer.aclose()
            async with asyncio.timeout(10):
                await server.closed.wait()

    async def test_a_finished_answer_leaves_its_connection_for_the_next(self, upstreams):
        async with Server(WHOLE) as server:
            for _ in range(3):
                answer = await ask(upstreams, server.url)
                assert await answer.read() == b"ok"
                await answer.aclose()
                await answer.aclose()
            assert server.connections == 1
            await upstreams.aclose()

    @pytest.mark.parametrize("http2", [False, True])
    async def test_a_connection_that_is_idle_is_closed_in_time(self, upstreams, http2, monkeypatch):
        monkeypatch.setattr(upstream, "IDLE_SECONDS", 0.05)
        async with Server(WHOLE) as server:
            for _ in range(2):
                answer = await ask(upstreams, server.url, http2=http2)
                assert await answer.read() == b"ok"
                await answer.aclose()
                async with asyncio.timeout(10):
                    await server.closed.wait()
                server.closed.clear()
            assert server.connections == 2

    @pytest.mark.parametrize("http2", [False, True])
    async def test_a_request_that_is_given_up_closes_its_connection(self, upstreams, http2):
        async with Server(b"") as server:
            task = asyncio.get_running_loop().create_task(ask(upstreams, server.url, http2=http2))
            await server.reached.wait()
            task.cancel()
            await asyncio.wait([task])
            async with asyncio.timeout(10):
                await server.closed.wait()

    @pytest.mark.parametrize(("http2", "why"), [(False, ": Connection refused. Is it running"), (True, "")])
    async def test_nobody_listening_is_unreachable(self, upstreams, http2, why):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(UpstreamUnreachable, match=f"cannot be reached{why}"):
                await ask(upstreams, f"http://127.0.0.1:{taken.getsockname()[1]}", http2=http2)

    @pytest.mark.parametrize("http2", [False, True])
    @pytest.mark.parametrize("said", [b"\x00 nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
    async def test_what_is_not_http_is_broken(self, upstreams, said, http2):
        async with Server(said) as server:
            with pytest.raises(UpstreamBroken):
                await ask(upstreams, server.url, http2=http2)

    async def test_a_silent_upstream_times_out(self, upstreams):
        async with Server(b"") as server:
            with pytest.raises(UpstreamTimeout, match=r"sent nothing for 0\.01 s"):
                await ask(upstreams, server.url, timeout_seconds=0.01)

    async def test_a_silence_in_the_middle_times_out(self, upstreams):
        async with Server(HEAD + b"content-length: 100\r\n\r\nhalf") as server:
            answer = await ask(upstreams, server.url, timeout_seconds=0.05)
            with pytest.raises(UpstreamTimeout):
                await answer.read()
            await answer.aclose()

    async def test_no_key_is_in_an_error_about_a_header_that_cannot_be_sent(self, upstreams):
        for http2 in (False, True):
            upstream = an_upstream(http2=http2, key=Secret("bad\nkey-0123"), base_url="http://127.0.0.1:9")
            with pytest.raises(ProxyError) as caught:
                await upstreams.send(
                    upstream, "GET", "http://127.0.0.1:9/", [(b"authorization", b"Bearer bad\nkey-0123")], b""
                )
            assert "key-0123" not in caught.value.message


async def test_the_demo_upstream_can_be_switched_off(upstreams):
    with pytest.raises(UpstreamUnreachable, match="switched off"):
        await upstreams.send(an_upstream(base_url="demo:"), "GET", "demo:/v1/models", [], b"")
