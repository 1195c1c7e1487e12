"""Which headers travel on, to the upstream and back to the client."""

import pytest

from tests.end_to_end.answers import json_answer, stream
from tests.end_to_end.exchanges import CHAT, MESSAGES

HOP_BY_HOP = ("keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade")


@pytest.fixture
def call(client, upstream):
    """Posts with the given headers; tells what the upstream got."""

    def send(headers, exchange=CHAT, model="plain"):
        upstream.answer(json_answer(exchange.answer))
        assert client.post(exchange.client_path, json=exchange.body(model), headers=headers).status_code == 200
        return upstream.call

    return send


@pytest.fixture
def answer(client, upstream):
    """The client's answer when the upstream sends the given headers."""

    def send(*headers):
        upstream.answer(json_answer(CHAT.answer).with_headers(*headers))
        return client.post("/v1/chat/completions", json=CHAT.body())

    return send


def test_what_a_client_says_of_itself_travels_on(call):
    seen = call({"user-agent": "agent/1.0", "x-title": "my app", "openai-beta": "assistants=v2"})
    assert seen.header("user-agent") == "agent/1.0"
    assert seen.header("x-title") == "my app"
    assert seen.header("openai-beta") == "assistants=v2"


def test_the_upstream_gets_its_own_host_and_the_right_length(call, upstream):
    seen = call({"host": "proxy.example"})
    assert seen.header("host") == f"127.0.0.1:{upstream.port}"
    assert seen.header("content-length") == str(len(seen.body))
    assert seen.header("content-type") == "application/json"


@pytest.mark.parametrize("name", [*HOP_BY_HOP, "cookie", "expect", "forwarded", "x-forwarded-for", "x-stainless-lang"])
def test_what_is_between_client_and_proxy_stays_there(call, name):
    """Row 6.3.7 of the wire reference."""
    value = {"te": "trailers", "expect": "100-continue"}.get(name, "x")
    assert call({name: value}).header(name) is None


def test_what_connection_names_stays_too(call):
    seen = call({"connection": "keep-alive, X-Hop", "x-hop": "1", "x-stays": "1"})
    assert seen.header("x-hop") is None
    assert seen.header("x-stays") == "1"


@pytest.mark.parametrize("coding", ["gzip, br, zstd", "x-unheard-of"])
def test_the_clients_accept_encoding_is_not_relayed(call, coding):
    assert call({"accept-encoding": coding}).header("accept-encoding") == "identity"


def test_extra_headers_are_sent_and_win(call):
    seen = call({"user-agent": "agent/1.0", "x-team": "other"}, model="via-headed")
    assert seen.header("x-team") == "lab"
    assert seen.header("user-agent") == "sampling-proxy-tests"


def test_anthropics_headers_go_to_messages_upstreams_as_they_are(call):
    """Row 6.1.3 of the wire reference."""
    headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "a-1,b-2"}
    seen = call(headers, MESSAGES)
    assert seen.header("anthropic-version") == "2026-10-21"
    assert seen.header("anthropic-beta") == "a-1,b-2"


def test_anthropics_headers_do_not_go_into_another_dialect(call):
    seen = call({"anthropic-version": "2023-06-01", "anthropic-beta": "a-1"})
    assert seen.header("anthropic-version") is None
    assert seen.header("anthropic-beta") is None


def test_a_messages_client_without_version_gets_the_usual_one(call):
    assert call({}, MESSAGES).header("anthropic-version") == "2023-06-01"


def test_an_upstreams_own_anthropic_version_wins(call):
    seen = call({"anthropic-version": "2023-06-01"}, MESSAGES, "via-versioned-messages")
    assert seen.header("anthropic-version") == "2026-10-21"


@pytest.mark.parametrize(
    "name",
    [
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "x-ratelimit-reset-requests",
        "openai-processing-ms",
        "x-custom",
    ],
)
def test_what_an_upstream_says_to_the_client_arrives(answer, name):
    assert answer((name, "7")).headers[name] == "7"


@pytest.mark.parametrize(
    "name", ["set-cookie", "alt-svc", "strict-transport-security", "keep-alive", "proxy-authenticate"]
)
def test_what_is_between_upstream_and_proxy_stays_there(answer, name):
    assert name not in answer((name, "x=1")).headers


def test_what_an_upstreams_connection_names_stays_too(answer):
    """Case 101 of the wire reference."""
    got = answer(("connection", "X-Hop"), ("x-hop", "1"), ("x-stays", "1")).headers
    assert "x-hop" not in got
    assert got["x-stays"] == "1"


def test_the_servers_names_and_dates_are_there_once(answer):
    headers = answer(("server", "theirs"), ("date", "Sat, 21 Nov 2026 00:00:00 GMT")).headers
    assert "theirs" not in headers.get_list("server")
    assert len(headers.get_list("date")) <= 1
    assert len(headers.get_list("content-length")) == 1


def test_a_stream_is_not_buffered_or_cached_on_its_way(client, upstream):
    upstream.answer(stream(*CHAT.events))
    headers = client.post("/v1/chat/completions", json=CHAT.body(stream=True)).headers
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"
    assert "content-length" not in headers
