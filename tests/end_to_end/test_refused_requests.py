"""A request that cannot be served gets the right status, in the shape of its dialect, with a way out."""

import pytest

from tests.end_to_end.exchanges import ALL, GENERATE, MESSAGES
from tests.end_to_end.shapes import assert_is_error


@pytest.mark.parametrize("exchange", ALL, ids=str)
@pytest.mark.parametrize(
    "body", [b"{", b'{"model": "plain",}', b"not json", b'{"a": NaN}', b"\xff\xfe", b'{"model": "plain"} x']
)
def test_malformed_json(client, upstream, exchange, body):
    answer = client.post(exchange.client_path, content=body, headers=exchange.headers)
    assert "JSON" in assert_is_error(answer, exchange.dialect, 400)
    assert upstream.calls == []


@pytest.mark.parametrize("exchange", ALL, ids=str)
@pytest.mark.parametrize("body", [b"", b"  ", b"[]", b"null", b'"text"', b"7"])
def test_a_body_that_is_no_object(client, upstream, exchange, body):
    answer = client.post(exchange.client_path, content=body, headers=exchange.headers)
    assert "object" in assert_is_error(answer, exchange.dialect, 400)
    assert upstream.calls == []


@pytest.mark.parametrize("exchange", ALL, ids=str)
@pytest.mark.parametrize("model", [7, ["plain"], {"name": "plain"}, True])
def test_a_model_that_is_no_name(client, upstream, exchange, model):
    answer = client.post(exchange.client_path, json=exchange.body(model), headers=exchange.headers)
    assert "model" in assert_is_error(answer, exchange.dialect, 400)
    assert upstream.calls == []


@pytest.mark.parametrize("exchange", ALL, ids=str)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_a_wrong_method(client, upstream, exchange, method):
    answer = client.request(method, exchange.client_path, headers=exchange.headers)
    message = assert_is_error(answer, exchange.dialect, 405)
    assert method in message
    assert "POST" in message
    assert "POST" in answer.headers["allow"]
    assert upstream.calls == []


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_model_whose_upstream_is_switched_off_goes_nowhere_else(client, upstream, exchange):
    """Not even to the upstream of *, which would get the client's key."""
    answer = client.post(exchange.client_path, json=exchange.body("via-off"), headers=exchange.headers)
    message = assert_is_error(answer, exchange.dialect, 503)
    assert "“via-off”" in message
    assert "“off” is switched off" in message
    assert upstream.calls == []


def test_another_path_for_a_model_whose_upstream_is_switched_off(client, upstream):
    answer = client.post("/v1/rerank", json={"model": "via-off"})
    assert "“off” is switched off" in assert_is_error(answer, "chat", 503)
    assert upstream.calls == []


def test_a_model_whose_upstream_is_switched_off_is_not_listed(client):
    assert "via-off" not in [entry["id"] for entry in client.get("/v1/models").json()["data"]]


def test_a_wrong_head_request_has_no_body(client):
    answer = client.head("/v1/chat/completions")
    assert answer.status_code == 405
    assert answer.content == b""


@pytest.mark.parametrize("model", ["via-only-chat", "via-only-messages"])
def test_generate_is_sent_only_to_an_upstream_that_speaks_it(client, upstream, model):
    answer = client.post(GENERATE.client_path, json=GENERATE.body(model), headers=GENERATE.headers)
    message = assert_is_error(answer, GENERATE.dialect, 400)
    assert model.removeprefix("via-") in message
    assert "generate" in message
    assert upstream.calls == []


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_refusal_is_in_the_record(client, proxy, exchange):
    record = proxy.record(client.post(exchange.client_path, content=b"{", headers=exchange.headers))
    assert (record["status"], record["outcome"]) == (400, "refused")
    assert "JSON" in record["error"]


def test_a_model_that_is_missing_goes_to_the_catch_all(client, upstream):
    from tests.end_to_end.answers import json_answer

    upstream.answer(json_answer(MESSAGES.answer))
    assert client.post("/v1/messages", json=MESSAGES.request, headers=MESSAGES.headers).status_code == 200
    assert upstream.call.path == "/main/v1/messages"


def test_a_broken_request_does_not_break_the_connection(client):
    for _ in range(3):
        assert client.post("/v1/chat/completions", content=b"{").status_code == 400
    assert client.get("/health").status_code == 200
