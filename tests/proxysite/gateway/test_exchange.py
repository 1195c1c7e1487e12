from datetime import timedelta

from proxysite.gateway.exchange import Exchange
from routing.dialects import Dialect
from routing.dialects.passing import Tap
from routing.errors import BadRequest, UpstreamTimeout
from tests.routing.dialects.transcripts import CHAT


def an_exchange():
    return Exchange("POST", "/v1/chat/completions")


def streaming(*frames):
    exchange = an_exchange()
    exchange.streamed, exchange.upstream_dialect, exchange.status = True, Dialect.CHAT, 200
    exchange.tap = Tap()
    for frame in frames:
        exchange.tap.feed(frame)
    exchange.client_gone = True
    return exchange


def test_every_request_has_an_id_of_its_own():
    ids = {an_exchange().request_id for _ in range(100)}
    assert len(ids) == 100
    assert all(name.startswith("req_") and len(name) <= 40 for name in ids)


def test_only_the_first_byte_is_the_first():
    exchange = an_exchange()
    exchange.first_byte_came()
    first = exchange.first_byte
    exchange.first_byte_came()
    assert exchange.first_byte == first >= exchange.received


def test_a_failure_says_what_became_of_the_request():
    exchange = an_exchange()
    exchange.failed(BadRequest("No model."))
    assert (exchange.outcome, exchange.error) == ("refused", "No model.")
    exchange.failed(UpstreamTimeout("Nothing came."))
    assert exchange.outcome == "upstream_error"


def test_a_client_that_left_before_an_answer_is_499():
    exchange = an_exchange()
    exchange.client_gone = True
    exchange.ended()
    assert (exchange.outcome, exchange.status) == ("client_gone", 499)


def test_a_client_that_left_in_the_middle_keeps_the_status_it_was_told():
    exchange = streaming(CHAT[0])
    exchange.ended()
    assert (exchange.outcome, exchange.status) == ("client_gone", 200)


def test_a_client_that_hangs_up_when_it_has_everything_has_not_left():
    exchange = streaming(*CHAT[:-1])
    exchange.ended()
    assert (exchange.outcome, exchange.status) == ("ok", 200)


def test_a_request_that_simply_ended_is_ok():
    exchange = an_exchange()
    exchange.ended()
    assert exchange.outcome == "ok"
    assert exchange.done >= exchange.received


def test_times_of_day_are_counted_from_the_first():
    exchange = an_exchange()
    assert exchange.at(None) is None
    assert exchange.at(exchange.received + 1.5) == exchange.received_at + timedelta(seconds=1.5)
