import asyncio

import pytest

from proxysite.gateway import pipeline
from proxysite.gateway.handler import LONGEST_URL
from routing.dialects import Dialect
from routing.dialects.sse import KEEP_ALIVE
from tests.proxysite.gateway.in_process import (
    INTERRUPTIONS,
    JSON,
    Client,
    Gate,
    Upstream,
    interrupted,
    leave,
    settled,
    stop,
    until,
)
from tests.routing.dialects.transcripts import TRANSCRIPTS
from tests.snapshots import an_upstream, bound, routing_of

CHAT = TRANSCRIPTS[Dialect.CHAT]
ANSWER = b'{"model":"m","choices":[{"finish_reason":"stop"}]}'
PATHS = {
    Dialect.CHAT: "/v1/chat/completions",
    Dialect.COMPLETIONS: "/v1/completions",
    Dialect.MESSAGES: "/v1/messages",
    Dialect.RESPONSES: "/v1/responses",
    Dialect.GENERATE: "/generate",
}


def asking(path="/v1/chat/completions", **more):
    return Client(path, {"model": "m", "stream": True}, **more)


async def serve(handler, client):
    await handler(client.scope, client.receive, client.send)
    await settled()


async def start(handler, client):
    task = asyncio.get_running_loop().create_task(handler(client.scope, client.receive, client.send))
    await asyncio.sleep(0)
    return task


class TestAnAnswer:
    @pytest.mark.parametrize("dialect", list(Dialect))
    async def test_that_streams_arrives_byte_for_byte_event_by_event(self, proxy, nothing_left, dialect):
        upstream = Upstream(TRANSCRIPTS[dialect])
        handler, client = proxy(upstream), asking(PATHS[dialect])
        await serve(handler, client)
        events = list(TRANSCRIPTS[dialect])
        if dialect is Dialect.CHAT:  # is mended, so the greeting waits for the first word
            events[:2] = [b"".join(events[:2])]
        assert [message["body"] for message in client.sent[1:]] == [*events, b""]
        assert client.is_complete
        record = nothing_left(handler, upstream)
        assert (record.status, record.outcome, record.streamed, record.attempts) == (200, "ok", True, 1)
        assert record.received <= record.first_byte <= record.done

    async def test_that_is_whole_arrives_with_its_length(self, proxy, nothing_left):
        upstream = Upstream((ANSWER[:5], ANSWER[5:]), JSON)
        handler, client = proxy(upstream), Client("/v1/chat/completions", {"model": "m"})
        await serve(handler, client)
        assert client.body == ANSWER
        assert client.headers["content-length"] == str(len(ANSWER))
        assert nothing_left(handler, upstream).outcome == "ok"

    async def test_carries_its_request_id_also_upstream_and_in_the_record(self, proxy, nothing_left):
        upstream = Upstream(CHAT)
        handler, client = proxy(upstream), asking()
        await serve(handler, client)
        record = nothing_left(handler, upstream)
        assert client.headers["x-request-id"] == client.headers["request-id"] == record.request_id
        assert upstream.requests[0].headers["x-request-id"] == record.request_id

    async def test_from_an_upstream_that_refuses_is_passed_on(self, proxy, nothing_left):
        upstream = Upstream((b'{"error": {"message": "no"}}',), JSON, status=429)
        handler, client = proxy(upstream), asking()
        await serve(handler, client)
        assert (client.status, client.json()) == (429, {"error": {"message": "no"}})
        assert nothing_left(handler, upstream).outcome == "upstream_status"

    @pytest.mark.parametrize("status", [204, 304])
    async def test_without_a_body_has_no_length(self, proxy, nothing_left, status):
        upstream = Upstream((), {}, status=status)
        handler, client = proxy(upstream), Client("/v1/files/1", method="DELETE")
        await serve(handler, client)
        assert (client.status, client.body) == (status, b"")
        assert "content-length" not in client.headers
        assert client.is_complete
        nothing_left(handler, upstream)

    async def test_of_an_unknown_path_streams_whatever_its_bytes_are(self, proxy, nothing_left):
        upstream = Upstream((b"\x00\x01", b"\xff"), {"content-type": "audio/mpeg"})
        handler, client = proxy(upstream), Client("/v1/audio/speech", {"model": "m"})
        await serve(handler, client)
        assert [message["body"] for message in client.sent[1:]] == [b"\x00\x01", b"\xff", b""]
        nothing_left(handler, upstream)

    async def test_of_json_lines_streams_line_by_line(self, proxy, nothing_left):
        upstream = Upstream((b'{"a":1}\n', b'{"b":2}\n'), {"content-type": "application/x-ndjson"})
        handler, client = proxy(upstream), Client("/api/chat", {"model": "m"})
        await serve(handler, client)
        assert [message["body"] for message in client.sent[1:]] == [b'{"a":1}\n', b'{"b":2}\n', b""]
        nothing_left(handler, upstream)


class TestHead:
    async def test_tells_the_length_that_get_would_have_and_sends_no_body(self, proxy):
        handler = proxy(Upstream())
        head, get = Client("/health", method="HEAD"), Client("/health")
        await serve(handler, head)
        await serve(handler, get)
        assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))
        assert head.body == b""

    @pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "audio/mpeg"])
    async def test_of_an_unknown_path_never_claims_an_empty_body(self, proxy, nothing_left, content_type):
        upstream = Upstream((), {"content-type": content_type})
        handler, client = proxy(upstream), Client("/v1/files/1", method="HEAD")
        await serve(handler, client)
        assert (client.status, client.body) == (200, b"")
        assert "content-length" not in client.headers
        assert nothing_left(handler, upstream).outcome == "ok"

    async def test_of_an_unknown_path_passes_the_length_on(self, proxy):
        client = Client("/v1/files/1", method="HEAD")
        await serve(proxy(Upstream((), {"content-type": "application/json", "content-length": "77"})), client)
        assert client.headers["content-length"] == "77"


class TestAClientThatLeaves:
    async def test_before_its_request_is_complete_reaches_no_upstream(self, proxy, nothing_left):
        upstream = Upstream(CHAT)
        handler, client = proxy(upstream), asking(more=True)
        client.leave()
        await serve(handler, client)
        assert (upstream.requests, client.sent) == ([], [])
        record = nothing_left(handler, upstream)
        assert (record.outcome, record.status) == ("client_gone", 499)

    async def test_while_the_upstream_has_not_answered_stops_the_question(self, proxy, nothing_left):
        upstream = Upstream(CHAT, before=Gate())
        handler, client = proxy(upstream), asking()
        task = await start(handler, client)
        await until(lambda: upstream.requests)
        client.leave()
        await task
        await settled()
        record = nothing_left(handler, upstream)
        assert (record.outcome, record.status) == ("client_gone", 499)
        assert client.sent == []

    async def test_before_the_first_byte_is_asked_for_closes_the_answer(self, proxy, nothing_left):
        upstream = Upstream(CHAT)
        handler, client = proxy(upstream), asking()
        client.leaves_at = 0
        await serve(handler, client)
        assert len(client.sent) == 1
        record = nothing_left(handler, upstream)
        assert (record.outcome, record.status) == ("client_gone", 200)

    async def test_in_the_middle_closes_the_answer(self, proxy, nothing_left):
        upstream = Upstream((*CHAT[:2], Gate()))
        handler, client = proxy(upstream), asking()
        task = await start(handler, client)
        await until(lambda: len(client.sent) == 2)
        client.leave()
        await task
        await settled()
        record = nothing_left(handler, upstream)
        assert (record.outcome, record.status) == ("client_gone", 200)

    async def test_on_the_last_event_has_its_answer(self, proxy, nothing_left):
        upstream = Upstream((*CHAT, Gate()))
        handler, client = proxy(upstream), asking()
        client.leaves_at = len(CHAT) - 1
        await serve(handler, client)
        assert nothing_left(handler, upstream).outcome == "ok"

    async def test_right_after_the_last_byte_has_its_answer(self, proxy, nothing_left):
        upstream = Upstream(CHAT)
        handler, client = proxy(upstream), asking()
        client.leaves_at = len(CHAT)
        await serve(handler, client)
        assert client.is_complete
        assert nothing_left(handler, upstream).outcome == "ok"

    async def test_while_a_whole_answer_is_read_closes_it(self, proxy, nothing_left):
        upstream = Upstream((ANSWER[:5], Gate()), JSON)
        handler, client = proxy(upstream), asking()
        task = await start(handler, client)
        await until(lambda: upstream.bodies)
        await settled()
        client.leave()
        await task
        await settled()
        assert nothing_left(handler, upstream).outcome == "client_gone"

    @pytest.mark.parametrize("at", [0, 1])
    async def test_and_whose_server_says_so_by_an_exception_is_gone_too(self, proxy, nothing_left, at):
        upstream = Upstream(CHAT)
        handler, client = proxy(upstream), asking()
        send = client.send

        async def failing(message):
            if len(client.sent) == at:
                raise BrokenPipeError
            await send(message)

        client.send = failing
        await serve(handler, client)
        assert nothing_left(handler, upstream).outcome == "client_gone"


class TestAFailure:
    @pytest.mark.parametrize(("dialect", "path"), PATHS.items())
    async def test_of_the_proxy_is_told_in_the_dialect_with_the_id_and_no_details(
        self, proxy, nothing_left, monkeypatch, caplog, dialect, path
    ):
        async def serve_badly(*args):
            raise RuntimeError("planted detail")

        monkeypatch.setattr(pipeline, "serve", serve_badly)
        upstream = Upstream()
        handler, client = proxy(upstream), asking(path)
        await serve(handler, client)
        record = nothing_left(handler, upstream)
        told = client.json()
        assert client.status == 500
        assert told["error"]["type"] == ("api_error" if dialect is Dialect.MESSAGES else "server_error")
        assert (told if dialect is Dialect.MESSAGES else told["error"])["request_id"] == record.request_id
        assert b"planted" not in client.body
        assert (record.outcome, record.status) == ("error", 500)
        assert "planted detail" in caplog.text
        assert record.request_id in caplog.text

    async def test_in_the_middle_of_a_stream_ends_it_with_an_error_event(
        self, proxy, nothing_left, monkeypatch, caplog
    ):
        def fail(self, chunk):
            raise RuntimeError("planted detail")

        monkeypatch.setattr(pipeline.MendingRelay, "feed", fail)
        upstream = Upstream(CHAT)
        handler, client = proxy(upstream), asking()
        await serve(handler, client)
        assert client.is_complete
        assert b"The proxy failed" in client.body
        assert b"planted" not in client.body
        assert nothing_left(handler, upstream).outcome == "error"
        assert "planted detail" in caplog.text

    async def test_of_the_upstream_in_the_middle_of_a_stream_ends_it_with_an_error_event(self, proxy, nothing_left):
        upstream = Upstream((*CHAT[:2], CHAT[2][:9], OSError("reset by peer")))
        handler, client = proxy(upstream), asking()
        await serve(handler, client)
        assert client.body.startswith(CHAT[0] + CHAT[1] + b'data: {"error"')
        assert client.is_complete
        record = nothing_left(handler, upstream)
        assert (record.outcome, record.status) == ("cut", 200)
        assert "reset by peer" in record.error

    async def test_of_the_upstream_in_the_middle_of_plain_bytes_reaches_the_server(self, proxy, nothing_left):
        upstream = Upstream((b"RIFF", OSError("reset")), {"content-type": "audio/wav"})
        handler, client = proxy(upstream), Client("/v1/audio/speech", {"model": "m"})
        with pytest.raises(Exception, match="broke off its answer"):
            await serve(handler, client)
        await settled()
        assert not client.is_complete
        assert nothing_left(handler, upstream).outcome == "cut"

    async def test_to_start_is_a_500_like_any_other(self, proxy, nothing_left, caplog):
        upstream = Upstream(CHAT)
        handler, client = proxy(upstream), asking()
        handler.engine.is_started = False  # and the database is not at hand in this test
        handler.engine._in_database_thread = lambda function: 1 / 0
        await serve(handler, client)
        assert client.status == 500
        assert nothing_left(handler, upstream).outcome == "error"

    async def test_to_speak_to_the_client_leaves_nothing_open(self, proxy, nothing_left):
        upstream = Upstream(CHAT)
        handler, client = proxy(upstream), asking()

        async def send(message):
            raise RuntimeError("the server is confused")

        client.send = send
        with pytest.raises(RuntimeError):
            await serve(handler, client)
        await settled()
        nothing_left(handler, upstream)


class TestARefusal:
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    async def test_of_a_method_names_those_that_work(self, proxy, method):
        client = Client("/v1/messages", {"model": "m"}, method=method)
        await serve(proxy(Upstream()), client)
        assert (client.status, client.headers["allow"]) == (405, "POST")
        assert client.json()["type"] == "error"

    async def test_of_a_body_that_is_too_large_does_not_read_on(self, proxy, nothing_left):
        upstream = Upstream(CHAT)
        handler = proxy(upstream)
        handler.engine.max_body_bytes = 10
        client = Client("/v1/messages", b"x" * 11, more=True)
        await serve(handler, client)
        assert (client.status, client.json()["error"]["type"]) == (413, "request_too_large")
        assert nothing_left(handler, upstream).outcome == "refused"

    @pytest.mark.parametrize("path", ["/v1/messages/" + "x" * LONGEST_URL, "/v1/messages?" + "x" * LONGEST_URL])
    async def test_of_a_url_that_is_too_long(self, proxy, nothing_left, path):
        """A thousand of them that were remembered took 200 MiB."""
        handler, client = proxy(upstream := Upstream()), Client(path, {"model": "m"})
        await serve(handler, client)
        assert (client.status, client.json()["type"]) == (414, "error")
        assert nothing_left(handler, upstream).outcome == "refused"

    @pytest.mark.parametrize("path", ["/v1/files/../secrets", "/.."])
    async def test_of_a_path_that_climbs(self, proxy, path):
        client = Client(path)
        await serve(proxy(upstream := Upstream()), client)
        assert client.status == 400
        assert upstream.requests == []


class TestABasePath:
    @pytest.fixture
    def below(self, proxy):
        handler = proxy(upstream := Upstream((b"{}",), JSON), routing_of(bound("*", an_upstream(base_url="http://up"))))
        handler.engine.base_path = "/llm/v1"
        return handler, upstream

    @pytest.mark.parametrize(
        ("path", "url"),
        [
            ("/llm/v1/props", "http://up/props"),
            ("/llm/v1/v1/props", "http://up/v1/props"),
            ("/props", "http://up/props"),
            ("/llm/v1/files", "http://up/v1/files"),
        ],
    )
    async def test_with_a_version_in_it_is_not_taken_for_the_clients(self, below, path, url):
        handler, upstream = below
        await serve(handler, Client(path))
        assert str(upstream.requests[0].url) == url

    @pytest.mark.parametrize(
        ("path", "headers", "public_url", "address"),
        [
            ("/llm/v1", {}, "", "http://proxy.example/llm/v1"),
            ("/llm/v1/", {"x-forwarded-proto": "https"}, "", "https://proxy.example/llm/v1"),
            ("/", {}, "", "http://proxy.example"),
            ("/llm/v1", {}, "https://set.example/ai", "https://set.example/ai"),
            ("/llm/v1", {"host": 'a"><script>'}, "", "http://127.0.0.1:8001"),
        ],
    )
    async def test_is_in_the_addresses_that_people_are_told_where_they_called_below_it(
        self, below, path, headers, public_url, address
    ):
        handler, _ = below
        handler.engine.public_url = public_url
        client = Client(path, headers={"host": "proxy.example", "accept": "text/html", **headers})
        await serve(handler, client)
        assert f'href="{address}/admin/"' in client.body.decode()


REQUESTS = {
    "a stream": (Upstream(CHAT), "/v1/chat/completions"),
    "a stream of another dialect": (Upstream(TRANSCRIPTS[Dialect.MESSAGES]), "/v1/messages"),
    "a broken stream": (Upstream((*CHAT[:2], OSError())), "/v1/chat/completions"),
    "a whole answer": (Upstream((ANSWER[:9], ANSWER[9:]), JSON), "/v1/chat/completions"),
    "a refusal by the upstream": (Upstream((b"{}",), JSON, status=500), "/v1/chat/completions"),
    "plain bytes": (Upstream((b"a", b"b"), {"content-type": "audio/wav"}), "/v1/audio/speech"),
}


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize("action", INTERRUPTIONS)
async def test_at_every_suspension_a_request_may_end_and_leaves_only_its_record(proxy, nothing_left, what, action):
    """The answer is closed, one record is left, nothing runs on; only the server's own stop shows as cancelled."""
    script, path = REQUESTS[what]
    number, reached = 0, True
    while reached:
        number += 1
        upstream = Upstream(script.pieces, script.headers, script.status)
        handler, client = proxy(upstream), asking(path)
        reached, cancelled = await interrupted(handler, client, number, action)
        assert cancelled == (reached and action is not leave)
        record = nothing_left(handler, upstream)
        if not reached:
            assert client.is_complete
        elif action is stop and not client.is_complete:
            assert record.outcome == "error"
    assert number > 5


async def test_a_stop_by_the_server_is_not_swallowed_when_the_client_had_left_before(proxy, nothing_left):
    upstream = Upstream((*CHAT[:2], Gate()))
    handler, client = proxy(upstream), asking()
    task = await start(handler, client)
    await until(lambda: len(client.sent) == 2)
    client.leave()
    await until(task.cancelling)
    task.cancel()
    await asyncio.wait([task])
    await settled()
    assert task.cancelled()
    assert nothing_left(handler, upstream).outcome == "client_gone"


class Slowly:
    """Lets pings come first."""

    async def wait(self):
        await settled()


@pytest.mark.parametrize("action", INTERRUPTIONS)
async def test_at_every_suspension_a_request_that_is_kept_alive_by_pings_may_end(proxy, nothing_left, pinging, action):
    number, reached = 0, True
    while reached:
        number += 1
        upstream = Upstream(CHAT, before=Slowly())
        handler, client = proxy(upstream), asking()
        reached, _ = await interrupted(handler, client, number, action)
        nothing_left(handler, upstream)
        assert handler.engine.gatekeeper.state().slots.running == 0
    assert client.body.startswith(KEEP_ALIVE)
    assert number > 5


async def test_a_refusal_after_pings_is_an_event_of_the_stream(proxy, nothing_left, pinging):
    upstream = Upstream((b'{"error": {"message": "No.", "type": "invalid_request_error"}}',), JSON, 400, Slowly())
    handler, client = proxy(upstream), asking()
    await serve(handler, client)
    nothing_left(handler, upstream)
    assert client.status == 200
    assert b'data: {"error":{"message":"No."' in client.body
    assert client.is_complete


class TestAServerThatStops:
    """It cancels what runs when the time for it is over."""

    @staticmethod
    async def stopped(handler, client, when):
        task = await start(handler, client)
        await until(when)
        task.cancel()
        await asyncio.wait([task])
        await settled()
        return client

    @pytest.mark.parametrize(
        ("dialect", "last"),
        [
            (Dialect.CHAT, b'"code":"server_stopped"'),
            (Dialect.COMPLETIONS, b'"code":"server_stopped"'),
            (Dialect.MESSAGES, b"event: error\n"),
            (Dialect.RESPONSES, b'"code":"server_stopped"'),
        ],
    )
    async def test_ends_a_stream_with_an_error(self, proxy, nothing_left, dialect, last):
        told = TRANSCRIPTS[dialect][: -1 if dialect is Dialect.RESPONSES else -2]
        upstream = Upstream((*told, Gate()))
        handler, client = proxy(upstream), asking(PATHS[dialect])
        await self.stopped(handler, client, lambda: client.body.endswith(told[-1]))
        assert (client.status, client.is_complete) == (200, True)
        assert last in client.sent[-1]["body"]
        assert nothing_left(handler, upstream).outcome == "error"

    async def test_refuses_who_has_nothing_yet(self, proxy, nothing_left):
        upstream = Upstream(CHAT, before=Gate())
        handler, client = proxy(upstream), asking()
        await self.stopped(handler, client, lambda: upstream.requests)
        assert (client.status, client.json()["error"]["code"]) == (503, "server_stopped")
        assert nothing_left(handler, upstream).status == 503

    async def test_tells_who_was_kept_alive_by_an_event(self, proxy, nothing_left, pinging):
        upstream = Upstream(CHAT, before=Gate())
        handler, client = proxy(upstream), asking()
        await self.stopped(handler, client, lambda: len(client.sent) > 2)
        assert (client.status, client.is_complete) == (200, True)
        assert b"server_stopped" in client.sent[-1]["body"]
        assert nothing_left(handler, upstream).outcome == "error"

    async def test_cuts_bytes_that_are_no_events(self, proxy, nothing_left):
        upstream = Upstream((b"a", Gate()), {"content-type": "audio/wav"})
        handler, client = proxy(upstream), asking("/v1/audio/speech")
        await self.stopped(handler, client, lambda: len(client.sent) == 2)
        assert (client.body, client.is_complete) == (b"a", False)
        assert nothing_left(handler, upstream).outcome == "error"
