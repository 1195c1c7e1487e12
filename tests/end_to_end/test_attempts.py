"""What the client sees of retries, of the next target and of queues, over real sockets."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.end_to_end.answers import End, Gate, event, hang_up, json_answer, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, STREAMED
from tests.end_to_end.proxy import eventually
from tests.end_to_end.test_conversion_errors import refusal

BUSY = refusal(CHAT, 503, "No capacity", "unavailable_error")
ERROR = event({"error": {"message": "No capacity", "type": "overloaded_error"}})


def _post(client, model, exchange=CHAT, **more):
    return client.post(exchange.client_path, json=exchange.body(model, **more), headers=exchange.headers)


@pytest.mark.parametrize("failure", [BUSY, hang_up(), hang_up(End.RESET), stream(ERROR)])
def test_a_failure_before_the_first_word_is_tried_again(client, proxy, upstream, failure):
    upstream.answer(failure, failure, stream(*CHAT.events))
    answer = _post(client, "via-patient", stream=True)
    assert (answer.status_code, answer.content) == (200, CHAT.stream)
    record = proxy.record(answer)
    assert (record["attempts"], record["outcome"]) == (3, "ok")
    assert len(upstream.calls) == 3


def test_the_last_refusal_is_the_clients_when_nothing_helps(client, proxy, upstream):
    upstream.answer(BUSY, BUSY, BUSY)
    answer = _post(client, "via-patient")
    assert (answer.status_code, answer.content) == (503, BUSY.body())
    assert proxy.record(answer)["attempts"] == 3


def test_a_request_that_is_wrong_is_not_tried_again(client, proxy, upstream):
    upstream.answer(refusal(CHAT, 400, "No such tool", "invalid_request_error"))
    assert _post(client, "via-patient").status_code == 400
    assert len(upstream.calls) == 1


def test_a_dead_model_of_a_wildcard_says_nothing_of_the_others(client, proxy, upstream):
    def one_is_dead(call):
        is_dead = call.json()["model"] == "wild-dead" and call.path.startswith("/many-models/")
        return BUSY if is_dead else json_answer(CHAT.answer)

    upstream.answer(one_is_dead)
    for _ in range(3):
        assert proxy.record(_post(client, "wild-dead"))["attempts"] == 2
    assert proxy.ill("many-models") == {"wild-dead": "cooling down"}
    assert proxy.record(_post(client, "WILD-dead[1m]"))["attempts"] == 1
    assert proxy.record(_post(client, "wild-alive"))["upstream"] == "many-models"
    assert proxy.ill("many-models") == {"wild-dead": "cooling down"}


@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_another_target_answers_when_the_first_is_away(client, proxy, upstream, exchange):
    upstream.answer(stream(*exchange.events))
    answer = _post(client, "somewhere", exchange, stream=True)
    assert answer.status_code == 200
    assert proxy.record(answer)["upstream"] == "main"


def test_a_request_over_the_limit_waits_for_the_one_before_it(client, proxy, upstream):
    rest = Gate()
    upstream.answer(stream(CHAT.events[0], rest, *CHAT.events[1:]), json_answer(CHAT.answer))
    with ThreadPoolExecutor(1) as elsewhere, client_of(proxy) as other:
        with client.stream("POST", CHAT.client_path, json=CHAT.body("one-at-a-time", stream=True)) as answer:
            chunks = answer.iter_raw()
            assert next(chunks) == CHAT.events[0]
            waiting = elsewhere.submit(_post, other, "one-at-a-time")
            limit = eventually(lambda: _queued(client_of(proxy)), "a request that queues")
            assert (limit["used"], limit["limit"], limit["queued"]) == (1, 1, 1)
            assert len(upstream.calls) == 1
            rest.open()
            assert b"".join(chunks) == b"".join(CHAT.events[1:])
        assert waiting.result().json() == CHAT.answer


def _queued(client):
    with client:
        limits = client.get("/").json()["limits"]
    limit = next(limit for limit in limits if limit["name"] == "one-at-a-time")
    return limit if limit["queued"] else None
