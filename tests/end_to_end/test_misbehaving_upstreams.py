"""Upstreams that misbehave before their answer holds anything: refused in the client's dialect, or tried again."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, MESSAGES
from tests.end_to_end.misbehaviour import LANES, SILENCES, SOON_WRONG, WAYS, assert_is_whole, good
from tests.end_to_end.shapes import assert_is_error


def assert_is_told(answer, proxy, pair, way):
    assert way.says in assert_is_error(answer, pair.client.dialect, way.status)
    assert pair.client is MESSAGES or answer.json()["error"]["code"] == way.code
    assert "retry-after" not in answer.headers
    assert "x-should-retry" not in answer.headers
    record = proxy.record(answer)
    assert (record["status"], record["outcome"], record["attempts"]) == (way.status, "upstream_error", 1)
    assert way.says in record["error"]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("pair", LANES, ids=str)
@pytest.mark.parametrize("way", SOON_WRONG, ids=str)
def test_the_client_is_told_in_its_dialect(client, proxy, upstream, way, pair, streaming):
    upstream.answer(way.answer(pair.upstream, streaming))
    answer = pair.post(client, model=way.model(pair, "once"), stream=streaming)
    assert_is_told(answer, proxy, pair, way)
    upstream.call.wait_until_closed()


@pytest.mark.parametrize("way", SILENCES, ids=str)
def test_the_client_is_told_in_its_dialect_after_a_silence(proxy, upstream, way):
    def ask(pair, streaming):
        with client_of(proxy) as client:
            return pair.post(client, model=way.model(pair, "once"), stream=streaming)

    asked = [(pair, streaming) for pair in LANES for streaming in (False, True)]
    upstream.answer(lambda call: way.answer(_asked_by(call), call.json()["stream"]))
    with ThreadPoolExecutor(len(asked)) as clients:
        answers = list(clients.map(lambda one: ask(*one), asked))
    for answer, (pair, _) in zip(answers, asked, strict=True):
        assert_is_told(answer, proxy, pair, way)
    for call in upstream.calls:
        call.wait_until_closed()


def _asked_by(call):
    return MESSAGES if call.path.endswith("/messages") else CHAT


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_later_attempt_answers(client, proxy, upstream, way):
    pair, streaming = _turn(way)
    upstream.answer(way.answer(pair.upstream, streaming), good(pair.upstream, streaming))
    answer = pair.post(client, model=way.model(pair, "thrice"), stream=streaming)
    assert_is_whole(answer, pair, streaming)
    record = proxy.record(answer)
    assert (record["status"], record["outcome"], record["attempts"]) == (200, "ok", 2)
    notes = [note for note in record["warnings"] if note.startswith("Attempt")]
    assert [way.says in note and "tried again" in note for note in notes] == [True]
    assert proxy.health(record["upstream"]) == "healthy"
    upstream.calls[0].wait_until_closed()


def _turn(way):
    """Each way on one lane, each lane with several ways."""
    number = WAYS.index(way)
    return LANES[number % len(LANES)], number // len(LANES) % 2 == 0


@pytest.mark.parametrize("way", WAYS[:-1], ids=str)
def test_a_target_that_does_it_again_and_again_is_not_well_until_it_answers(client, proxy, upstream, way):
    pair, _ = _turn(way)
    bad, model = way.answer(pair.upstream, True), way.model(pair, "thrice")
    upstream.answer(bad, bad, bad, good(pair.upstream, True))
    answer = pair.post(client, model=model, stream=True)
    assert way.says in assert_is_error(answer, pair.client.dialect, way.status)
    assert proxy.record(answer)["attempts"] == len(upstream.calls) == 3
    assert proxy.health(model.removeprefix("via-")) == "cooling down"
    assert_is_whole(pair.post(client, model=model, stream=True), pair, True)
    assert proxy.health(model.removeprefix("via-")) == "healthy"
