"""Whose key goes to an upstream: the client's, none, or its own in one of three headers."""

import pytest

from tests.end_to_end.answers import json_answer
from tests.end_to_end.configuration import CLIENT_KEY, OWN_KEY
from tests.end_to_end.exchanges import CHAT, MESSAGES

SENT_BY_CLIENTS = ({"authorization": f"Bearer {CLIENT_KEY}"}, {"x-api-key": CLIENT_KEY})


@pytest.fixture
def call(client, upstream):
    def send(model, headers, exchange=CHAT):
        upstream.answer(json_answer(exchange.answer))
        assert client.post(exchange.client_path, json=exchange.body(model), headers=headers).status_code == 200
        return upstream.call

    return send


@pytest.mark.parametrize("exchange", [CHAT, MESSAGES], ids=str)
@pytest.mark.parametrize("headers", SENT_BY_CLIENTS)
def test_forward_sends_the_clients_own_key_as_it_came(call, headers, exchange):
    """Row 6.1.2 of the wire reference."""
    seen = call("plain", headers, exchange)
    assert {name: value for name, value in seen.headers if CLIENT_KEY in value} == headers


@pytest.mark.parametrize("headers", SENT_BY_CLIENTS)
def test_none_sends_no_key(call, headers):
    """Row 6.3.7 of the wire reference."""
    seen = call("via-keyless", headers)
    assert seen.header("authorization") is None
    assert seen.header("x-api-key") is None


@pytest.mark.parametrize("headers", [*SENT_BY_CLIENTS, {}])
@pytest.mark.parametrize(
    ("model", "header", "value"),
    [
        ("via-own-bearer", "authorization", f"Bearer {OWN_KEY}"),
        ("via-own-x-api-key", "x-api-key", OWN_KEY),
        ("via-own-header", "api-key", OWN_KEY),
    ],
)
def test_own_sends_the_stored_key_and_nothing_of_the_clients(call, model, header, value, headers):
    seen = call(model, headers)
    assert seen.header(header) == value
    assert not [name for name, value in seen.headers if CLIENT_KEY in value]
    assert [name.lower() for name, value in seen.headers if OWN_KEY in value] == [header]


@pytest.mark.parametrize("headers", SENT_BY_CLIENTS)
def test_the_list_of_models_never_carries_a_clients_key_to_an_upstream_with_its_own(client, upstream, headers):
    client.get("/v1/models", headers=headers)
    asked = [request for request in upstream.requests if request.path.startswith("/own-")]
    assert len(asked) == 3
    assert not [value for request in asked for _, value in request.headers if CLIENT_KEY in value]
    assert all(any(OWN_KEY in value for _, value in request.headers) for request in asked)


def test_any_other_path_gets_the_key_of_its_upstream_too(client, upstream):
    upstream.answer(json_answer({}))
    client.post("/v1/rerank", json={"model": "via-own-bearer"}, headers=SENT_BY_CLIENTS[1])
    assert upstream.call.header("authorization") == f"Bearer {OWN_KEY}"
    assert upstream.call.header("x-api-key") is None


def test_a_stored_key_that_is_refused_is_an_alarm_until_it_is_taken(client, proxy, upstream):
    upstream.answer(json_answer({"error": {"message": "no"}}, 401))
    assert client.post("/v1/chat/completions", json=CHAT.body("via-own-bearer")).status_code == 401
    (alarm,) = proxy.status()["alarms"]
    assert "“own-bearer” refuses the key" in alarm
    upstream.answer(json_answer(CHAT.answer))
    client.post("/v1/chat/completions", json=CHAT.body("via-own-bearer"))
    assert proxy.status()["alarms"] == []


def test_a_clients_key_that_is_refused_is_none(client, proxy, upstream):
    upstream.answer(json_answer({"error": {"message": "no"}}, 401))
    client.post("/v1/chat/completions", json=CHAT.body("plain"), headers=SENT_BY_CLIENTS[0])
    assert proxy.status()["alarms"] == []
