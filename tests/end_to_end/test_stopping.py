"""A server that is told to stop writes what it still has to write, and goes without a complaint."""

import signal

import pytest

from tests.end_to_end.answers import Gate, json_answer, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT


@pytest.fixture(scope="module")
def installation(new_installation, configured):
    return new_installation(configured)


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", ["serve", "runserver", "daphne"])
def test_the_record_of_the_last_request_is_written(way, with_signal, installation, upstream):
    upstream.answer(json_answer(CHAT.answer))
    with getattr(installation, way)() as proxy, client_of(proxy) as client:
        answer = client.post("/v1/chat/completions", json=CHAT.body())
        proxy.stop(with_signal)
    assert proxy.record(answer)["outcome"] == "ok"
    proxy.assert_no_complaints()


def test_a_stream_that_runs_too_long_ends_with_an_error_and_a_record(new_installation, configured, upstream):
    upstream.answer(stream(*CHAT.events[:2], Gate()))
    proxy = new_installation(configured, STOP_SECONDS="0").serve()
    with (
        proxy,
        client_of(proxy) as client,
        client.stream("POST", "/v1/chat/completions", json=CHAT.body(stream=True)) as answer,
    ):
        pieces = answer.iter_raw()
        next(pieces)
        proxy.stop(signal.SIGTERM)
        rest = b"".join(pieces)
    assert b'"code":"server_stopped"' in rest
    assert proxy.record(answer)["outcome"] == "error"
    assert "Traceback" not in proxy.log()
