"""What a request becomes on its way through: the body that is sent on, the answer that comes back, the log."""

import gzip
import logging

import orjson
import pytest

from routing.dialects import Dialect
from routing.secrets import Secret
from routing.snapshot import CredentialMode, Target
from tests.proxysite.gateway.in_process import JSON, SSE, Client, Upstream
from tests.routing.dialects.transcripts import CHAT, TRANSCRIPTS
from tests.snapshots import an_upstream, bound, routing_of

RENAMED = routing_of(bound("*", Target(upstream=an_upstream(), model="theirs")))
KEYED = routing_of(
    bound("*", an_upstream(credential_mode=CredentialMode.OWN, key=Secret("planted-key"), set_params={"seed": 1}))
)


@pytest.fixture
def served(proxy):
    """Serves one request and returns what the client got, and the exchange."""

    async def serve(client, upstream, routing=None):
        handler = proxy(upstream, routing)
        await handler(client.scope, client.receive, client.send)
        return handler.engine.recorder._queue[0]

    return serve


def asking(**more):
    return Client("/v1/chat/completions", {"model": "mine", **more})


async def test_a_whole_answer_calls_the_model_as_the_client_did(served):
    upstream = Upstream((b'{"model":"theirs"}',), {**JSON, "etag": "x"})
    record = await served(client := asking(), upstream, RENAMED)
    assert client.json() == {"model": "mine"}
    assert client.headers["content-length"] == str(len(client.body))
    assert "etag" not in client.headers
    assert orjson.loads(await upstream.requests[0].aread()) == {"model": "theirs"}
    assert (record.model_asked, record.model_sent) == ("mine", "theirs")


@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES])
async def test_a_stream_calls_the_model_as_the_client_did(served, dialect):
    path = {Dialect.CHAT: "chat/completions"}.get(dialect, dialect.value)
    client = Client(f"/v1/{path}", {"model": "mine", "stream": True})
    await served(client, Upstream(TRANSCRIPTS[dialect]), RENAMED)
    assert b"theirs" not in client.body
    assert b'"mine"' in client.body


async def test_a_compressed_body_is_sent_on_plain(served):
    body = gzip.compress(b'{"model":"m"}')
    client = Client(
        "/v1/chat/completions", body, headers={"content-encoding": "gzip", "content-length": str(len(body))}
    )
    await served(client, upstream := Upstream(CHAT))
    assert await upstream.requests[0].aread() == b'{"model":"m"}'
    assert "content-encoding" not in upstream.requests[0].headers


@pytest.mark.parametrize("model", ["mine", "m" * 999])
async def test_the_record_of_a_request_that_no_binding_takes_names_its_model(served, model):
    record = await served(client := asking(model=model), Upstream(), routing_of(bound("glm-*", an_upstream())))
    assert (client.status, client.json()["error"]["code"]) == (400, "model_not_found")
    assert record.model_asked == model


async def test_a_body_that_cannot_be_decoded_is_refused(served):
    client = Client("/v1/messages", b"nonsense", headers={"content-encoding": "gzip"})
    record = await served(client, Upstream())
    assert (client.status, client.json()["type"], record.outcome) == (400, "error", "refused")


@pytest.mark.parametrize("content", [JSON, SSE])
async def test_a_refusal_that_quotes_our_key_reaches_client_and_record_without_it(served, content):
    upstream = Upstream((b'{"error": "bad key planted-key"}',), content, status=401)
    record = await served(client := asking(), upstream, KEYED)
    assert client.status == 401
    assert b"bad key" in client.body
    assert b"planted-key" not in client.body
    assert b"planted-key" not in record.tap.excerpt()


async def test_a_compressed_refusal_arrives_plain_and_without_its_coding(served):
    upstream = Upstream((gzip.compress(b'{"error": "no"}'),), {**JSON, "content-encoding": "gzip"}, status=400)
    await served(client := asking(), upstream)
    assert client.json() == {"error": "no"}
    assert "content-encoding" not in client.headers


async def test_plain_bytes_keep_their_length(served):
    upstream = Upstream((b"RIFF",), {"content-type": "audio/wav", "content-length": "4"})
    client = Client("/v1/audio/speech", {"model": "m"})
    await served(client, upstream)
    assert (client.body, client.headers["content-length"]) == (b"RIFF", "4")


async def test_a_stream_is_neither_cached_nor_buffered_on_its_way(served):
    client = asking(stream=True)
    await served(client, Upstream(CHAT, {**SSE, "cache-control": "public", "x-accel-buffering": "yes"}))
    assert (client.headers["cache-control"], client.headers["x-accel-buffering"]) == ("no-cache", "no")


async def test_the_upstreams_own_request_id_is_noted_and_not_passed_on(served):
    record = await served(client := asking(), Upstream((b"{}",), {**JSON, "request-id": "up-1"}))
    assert record.upstream_request_id == "up-1"
    assert client.headers["request-id"] == record.request_id


async def test_an_answer_that_is_no_json_where_json_was_expected_is_passed_on(served):
    await served(client := asking(), Upstream((b"<html>",), {"content-type": "text/html"}))
    assert (client.status, client.body, client.headers["content-type"]) == (200, b"<html>", "text/html")


async def test_every_change_is_logged_with_its_origin_when_wanted(served, caplog):
    caplog.set_level(logging.INFO, "proxysite.override")
    record = await served(asking(), Upstream(CHAT), KEYED)
    assert f"{record.request_id} 'mine': seed: (not set) → 1 (upstream local: set)" in caplog.text


async def test_every_route_is_logged_when_wanted_and_no_key_with_it(served, caplog):
    caplog.set_level(logging.DEBUG, "proxysite.gateway")
    record = await served(asking(), Upstream(CHAT), KEYED)
    assert f"{record.request_id} POST /v1/chat/completions → http://up/v1/chat/completions (local)" in caplog.text
    assert "planted-key" not in caplog.text
