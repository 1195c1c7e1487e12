"""Upstreams with which not even a connection comes about: refused, or TLS that fails."""

import pytest

from tests.end_to_end.answers import stream
from tests.end_to_end.exchanges import CHAT, MESSAGES
from tests.end_to_end.pairs import Pair
from tests.end_to_end.shapes import assert_is_error

CHAT_ALONE, MESSAGES_ALONE = Pair(CHAT, CHAT), Pair(MESSAGES, MESSAGES)
CHAT_TO_MESSAGES, MESSAGES_TO_CHAT = Pair(CHAT, MESSAGES), Pair(MESSAGES, CHAT)

# upstream, what the client is told, who asks
WAYS = (
    ("refused", "refused", CHAT_ALONE),
    ("refused", "refused", MESSAGES_ALONE),
    ("only-refused", "refused", MESSAGES_TO_CHAT),
    ("tls", "certificate", CHAT_ALONE),
    ("tls", "certificate", MESSAGES_ALONE),
    ("tls-messages", "certificate", CHAT_TO_MESSAGES),
)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(("name", "says", "pair"), WAYS, ids=str)
def test_the_client_is_told_in_its_dialect(client, proxy, upstream, name, says, pair, streaming):
    answer = pair.post(client, model=f"via-{name}", stream=streaming)
    assert says in assert_is_error(answer, pair.client.dialect, 502)
    assert pair.client is MESSAGES or answer.json()["error"]["code"] == "upstream_unreachable"
    record = proxy.record(answer)
    assert (record["status"], record["outcome"], record["attempts"]) == (502, "upstream_error", 1)
    assert upstream.calls == []


@pytest.mark.parametrize("exchange", [CHAT, MESSAGES], ids=str)
def test_a_plain_request_to_a_tls_port_is_a_502(client, tls_upstream, exchange):
    answer = client.post(exchange.client_path, json=exchange.body("via-plain-at-tls"), headers=exchange.headers)
    assert_is_error(answer, exchange.dialect, 502)


@pytest.mark.parametrize(("name", "why"), [("away", "cannot be reached"), ("untrusted", "certificate")])
@pytest.mark.parametrize("exchange", [CHAT, MESSAGES], ids=str)
def test_the_next_target_answers_at_once_and_soon_the_first_is_not_even_tried(
    client, proxy, upstream, exchange, name, why
):
    upstream.answer(stream(*exchange.events))
    body = exchange.body(f"not-{name}-{exchange.dialect}", stream=True)
    answers = [client.post(exchange.client_path, json=body, headers=exchange.headers) for _ in range(4)]
    assert [answer.content for answer in answers] == [exchange.stream] * 4
    records = [proxy.record(answer) for answer in answers]
    assert [(record["upstream"], record["outcome"]) for record in records] == [("main", "ok")] * 4
    assert [record["attempts"] for record in records] == [2, 2, 2, 1]
    assert any(why in note and "sent to main" in note for note in records[0]["warnings"])
    assert proxy.health(f"{name}-{exchange.dialect}") == "cooling down"
