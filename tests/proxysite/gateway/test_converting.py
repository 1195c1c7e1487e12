"""Requests and answers that change their dialect, inside one event loop: what is closed, recorded and left behind."""

import asyncio

import orjson
import pytest

from proxysite.gateway import pipeline
from routing.dialects import Dialect
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
from tests.routing.dialects.checkers import check_messages
from tests.routing.dialects.transcripts import CHAT, frame
from tests.snapshots import an_upstream, bound, routing_of

CHAT_ONLY = routing_of(bound("*", an_upstream(dialects=frozenset({Dialect.CHAT}))))
ANSWER = orjson.dumps(
    {
        "choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }
)
FAILED = frame({"error": {"message": "Out of memory.", "type": "server_error"}})


def asking(stream=True):
    messages = [{"role": "user", "content": "Hello"}]
    return Client("/v1/messages", {"model": "m", "max_tokens": 9, "messages": messages, "stream": stream})


async def serve(handler, client):
    await handler(client.scope, client.receive, client.send)
    await settled()


@pytest.fixture
def served(proxy, nothing_left):
    """Serves one request for messages from a chat upstream; returns its record when nothing else is left of it."""

    async def serve_one(client, upstream):
        handler = proxy(upstream, CHAT_ONLY)
        await serve(handler, client)
        assert client.is_complete
        return nothing_left(handler, upstream)

    return serve_one


class TestAConvertedAnswer:
    async def test_streams_and_is_closed(self, served):
        client = asking()
        record = await served(client, Upstream(CHAT))
        assert check_messages(client.body).texts("text") == "Hi “there”"
        assert (record.status, record.outcome, record.streamed) == (200, "ok", True)
        assert (record.client_dialect, record.upstream_dialect) == (Dialect.MESSAGES, Dialect.CHAT)

    async def test_is_whole_and_closed(self, served):
        client = asking(stream=False)
        record = await served(client, Upstream((ANSWER[:20], ANSWER[20:]), JSON))
        assert client.json()["content"] == [{"type": "text", "text": "Hi"}]
        assert client.headers["content-length"] == str(len(client.body))
        assert (record.status, record.outcome, record.streamed) == (200, "ok", False)

    @pytest.mark.parametrize("upstream", [Upstream(CHAT), Upstream((ANSWER,), JSON)], ids=["a stream", "json"])
    async def test_is_recorded_as_the_upstream_gave_it(self, served, upstream):
        record = await served(asking(), Upstream(upstream.pieces, upstream.headers))
        assert record.tap.excerpt() == b"".join(upstream.pieces)
        assert (record.tap.summary().finish_reason, record.tap.summary().prompt_tokens) == ("stop", 10)

    async def test_reports_its_warnings_when_it_is_over(self, served):
        record = await served(asking(), Upstream((CHAT[0], b"data: no json\n\n", *CHAT[1:])))
        assert any("not JSON" in warning for warning in record.warnings)

    async def test_carries_the_estimate_it_was_given_for_the_next_ones_to_be_better(self, served):
        record = await served(asking(), Upstream(CHAT))
        assert record.prompt_estimate > 0
        assert record.token_ratio == 1.0


class TestAFailure:
    @pytest.mark.parametrize("streaming", [False, True])
    async def test_with_a_status_is_closed(self, served, streaming):
        client = asking(streaming)
        record = await served(client, Upstream((FAILED[6:],), JSON, status=500))
        assert (client.status, client.json()["error"]["message"]) == (500, "Out of memory.")
        assert record.outcome == "upstream_status"

    async def test_as_the_first_event_is_closed_although_more_would_come(self, served):
        client = asking()
        record = await served(client, Upstream((FAILED, Gate())))
        assert (client.status, client.json()["error"]["message"]) == (500, "Out of memory.")
        assert (record.outcome, record.error) == ("upstream_error", "Out of memory.")
        assert b"Out of memory." in record.tap.excerpt()

    async def test_inside_a_whole_answer_is_closed(self, served):
        client = asking(stream=False)
        record = await served(client, Upstream((FAILED[6:],), JSON))
        assert (client.status, record.outcome) == (500, "upstream_error")

    async def test_in_the_middle_is_closed_although_more_would_come(self, served):
        client = asking()
        record = await served(client, Upstream((*CHAT[:2], FAILED, Gate())))
        assert check_messages(client.body).error["message"] == "Out of memory."
        assert (record.outcome, record.status) == ("cut", 200)

    async def test_of_the_connection_in_the_middle_is_one_error_event(self, served):
        client = asking()
        record = await served(client, Upstream((CHAT[0], CHAT[1], CHAT[2][:9], OSError("reset by peer"))))
        assert "reset by peer" in check_messages(client.body).error["message"]
        assert record.outcome == "cut"

    async def test_of_the_connection_after_the_last_word_is_none(self, served):
        client = asking()
        record = await served(client, Upstream((*CHAT, OSError("reset by peer"))))
        assert check_messages(client.body).error is None
        assert record.outcome == "ok"

    async def test_of_the_connection_before_the_first_event_is_a_real_status(self, served):
        client = asking()
        record = await served(client, Upstream((b": hello\n\n", OSError("reset by peer"))))
        assert (client.status, client.json()["error"]["type"]) == (502, "api_error")
        assert record.outcome == "upstream_error"

    async def test_of_our_own_in_the_middle_is_told_without_details(self, served, monkeypatch, caplog):
        feed = pipeline.ConvertingRelay.feed

        def fail_later(self, chunk):
            if chunk is CHAT[2]:
                raise RuntimeError("planted detail")
            return feed(self, chunk)

        monkeypatch.setattr(pipeline.ConvertingRelay, "feed", fail_later)
        client = asking()
        record = await served(client, Upstream(CHAT))
        assert "The proxy failed" in check_messages(client.body).error["message"]
        assert record.outcome == "error"
        assert "planted detail" in caplog.text
        assert b"planted" not in client.body

    async def test_of_our_own_before_the_first_event_is_a_500(self, served, monkeypatch, caplog):
        monkeypatch.setattr(pipeline.ConvertingRelay, "feed", lambda self, chunk: 1 / 0)
        client = asking()
        record = await served(client, Upstream(CHAT))
        assert (client.status, record.outcome) == (500, "error")


class TestAClientThatLeaves:
    @pytest.fixture
    async def leaves(self, proxy, nothing_left):
        """Serves until something is true, and then the client leaves; returns the record."""

        async def serve_until(client, upstream, condition):
            handler = proxy(upstream, CHAT_ONLY)
            task = asyncio.get_running_loop().create_task(handler(client.scope, client.receive, client.send))
            await until(condition)
            await settled()
            client.leave()
            await task
            await settled()
            return nothing_left(handler, upstream)

        return serve_until

    @pytest.mark.parametrize("streaming", [False, True])
    async def test_before_the_first_event_closes_the_answer(self, leaves, streaming):
        client, upstream = asking(streaming), Upstream((b": prefill\n\n", Gate()))
        record = await leaves(client, upstream, lambda: upstream.bodies)
        assert (record.outcome, record.status, client.sent) == ("client_gone", 499, [])

    async def test_in_the_middle_closes_the_answer(self, leaves):
        client, upstream = asking(), Upstream((*CHAT[:2], Gate()))
        record = await leaves(client, upstream, lambda: b"Hi" in client.body)
        assert (record.outcome, record.status) == ("client_gone", 200)

    async def test_on_the_last_event_has_its_answer(self, leaves):
        client, upstream = asking(), Upstream((*CHAT, Gate()))
        record = await leaves(client, upstream, lambda: b"message_stop" in client.body)
        assert record.outcome == "ok"


REQUESTS = {
    "a stream": (Upstream(CHAT), True),
    "a stream that says nothing at first": (Upstream((b": a\n\n", b": b\n\n", *CHAT)), True),
    "a stream that breaks off": (Upstream((*CHAT[:2], OSError())), True),
    "an error inside a stream": (Upstream((*CHAT[:2], FAILED, *CHAT[2:])), True),
    "an error as the first event": (Upstream((FAILED, *CHAT)), True),
    "json for a stream": (Upstream((ANSWER[:9], ANSWER[9:]), JSON), True),
    "a whole answer": (Upstream((ANSWER[:9], ANSWER[9:]), JSON), False),
    "a stream for a whole answer": (Upstream(CHAT), False),
    "a refusal": (Upstream((b"{}",), JSON, status=500), True),
}


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize("action", INTERRUPTIONS)
async def test_at_every_suspension_a_request_may_end_and_leaves_only_its_record(proxy, nothing_left, what, action):
    script, streaming = REQUESTS[what]
    number, reached = 0, True
    while reached:
        number += 1
        upstream = Upstream(script.pieces, script.headers, script.status)
        handler, client = proxy(upstream, CHAT_ONLY), asking(streaming)
        reached, cancelled = await interrupted(handler, client, number, action)
        assert cancelled == (reached and action is not leave)
        record = nothing_left(handler, upstream)
        if not reached:
            assert client.is_complete
        elif action is stop and not client.is_complete:
            assert record.outcome == "error"
    assert number > 5
