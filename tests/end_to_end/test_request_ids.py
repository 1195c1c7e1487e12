"""One id for one request: in the answer, at the upstream, in errors and in the record."""

import pytest

from tests.end_to_end.answers import json_answer, stream
from tests.end_to_end.exchanges import ALL, CHAT, MESSAGES


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_the_answer_the_upstream_and_the_record_have_the_same_id(client, proxy, upstream, exchange):
    upstream.answer(json_answer(exchange.answer))
    answer = client.post(exchange.client_path, json=exchange.body(), headers=exchange.headers)
    assert upstream.call.header("x-request-id") == answer.headers["x-request-id"]
    assert proxy.record(answer)["upstream"] == "main"


def test_a_messages_client_finds_it_under_the_name_it_looks_for(client, upstream):
    upstream.answer(json_answer(MESSAGES.answer))
    answer = client.post("/v1/messages", json=MESSAGES.body(), headers=MESSAGES.headers)
    assert answer.headers["request-id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("HEAD", "/"), ("GET", "/health"), ("GET", "/v1/models"), ("GET", "/v1/chat/completions")],
)
def test_local_answers_and_errors_have_one_too(client, method, path):
    assert client.request(method, path).headers["x-request-id"]


def test_no_two_requests_share_an_id(client, upstream):
    upstream.answer(json_answer(CHAT.answer))
    ids = {client.post("/v1/chat/completions", json=CHAT.body()).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_an_error_of_ours_says_it_in_the_body(client):
    answer = client.post("/v1/messages", content=b"{")
    assert answer.json()["request_id"] == answer.headers["request-id"]


def test_the_upstreams_own_id_is_in_the_record(client, proxy, upstream):
    upstream.answer(json_answer(CHAT.answer).with_headers(("x-request-id", "theirs-1")))
    answer = client.post("/v1/chat/completions", json=CHAT.body())
    assert answer.headers["x-request-id"] != "theirs-1"
    assert proxy.record(answer)["upstream_request_id"] == "theirs-1"


def test_the_record_tells_what_happened(client, proxy, upstream):
    upstream.answer(stream(*CHAT.events))
    answer = client.post("/v1/chat/completions", json=CHAT.body("renamed", stream=True), headers={"user-agent": "me/1"})
    record = proxy.record(answer)
    assert (record["method"], record["path"], record["client"]) == ("POST", "/v1/chat/completions", "me/1")
    assert (record["client_dialect"], record["upstream_dialect"]) == ("chat", "chat")
    assert (record["model_asked"], record["model_sent"]) == ("renamed", "Their-Name")
    assert (record["status"], record["outcome"], record["finish_reason"]) == (200, "ok", "stop")
    assert (record["attempts"], record["streamed"]) == (1, 1)
    assert record["received_at"] <= record["first_byte_at"] <= record["done_at"]


def test_the_record_counts_tokens(client, proxy, upstream):
    upstream.answer(json_answer(CHAT.answer))
    record = proxy.record(client.post("/v1/chat/completions", json=CHAT.body()))
    assert (record["prompt_tokens"], record["completion_tokens"]) == (3, 2)
