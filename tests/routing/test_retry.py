import pytest

from routing.kinds import Kind
from routing.retry import (
    LONGEST_BACKOFF,
    LONGEST_WAIT,
    Attempts,
    Failure,
    GiveUp,
    NextTarget,
    Retry,
    backoff,
    decide,
    harms_health,
)
from routing.secrets import Secret
from routing.snapshot import Upstream

NOW = 1_700_000_000.0


def policy(**fields):
    return Upstream(name="u", base_url="http://u", kind=Kind.OTHER, dialects=frozenset(), **fields)


def failed(status=0, body=b"", unreachable=False, **headers):
    pairs = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    return Failure(status=status, headers=pairs, body=body, unreachable=unreachable)


def decided(failure, *, here=1, loading=0, waited=0.0, others=False, draw=0.0, **fields):
    attempts = Attempts(here=here, loading=loading, waited=waited, others=others)
    return decide(failure, attempts, policy(**fields), NOW, draw)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529, 0])
def test_what_may_work_another_time_is_tried_again(status):
    assert decided(failed(status)) == Retry(1.0)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_key_of_ours_that_is_refused_and_a_model_that_is_gone_are_another_targets_turn(status):
    assert decided(failed(status), others=True, key=Secret("sk-ours")) == NextTarget()
    assert decided(failed(status), others=False, key=Secret("sk-ours")) == GiveUp()


@pytest.mark.parametrize("status", [400, 401, 403, 413, 422, 501])
@pytest.mark.parametrize("others", [True, False])
def test_what_will_fail_again_is_not(status, others):
    assert decided(failed(status), others=others) == GiveUp()


def test_an_upstream_may_have_further_statuses_that_are_tried_again():
    assert decided(failed(418)) == GiveUp()
    assert decided(failed(418), retry_statuses=(418,)) == Retry(1.0)


def test_it_is_tried_again_as_often_as_the_upstream_allows():
    assert decided(failed(500), here=2, max_retries=2) == Retry(2.0)
    assert decided(failed(500), here=3, max_retries=2) == GiveUp()
    assert decided(failed(500), here=1, max_retries=0) == GiveUp()


def test_then_the_next_target_has_its_turn():
    assert decided(failed(500), here=3, others=True) == NextTarget()


def test_a_server_that_cannot_be_reached_is_left_at_once_when_there_is_another():
    assert decided(failed(unreachable=True), others=True) == NextTarget()
    assert decided(failed(unreachable=True)) == Retry(1.0)


def test_the_waits_double_up_to_a_bound():
    assert [backoff(tries, 1.0, 0.0) for tries in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert backoff(40, 1.0, 0.0) == LONGEST_BACKOFF


def test_the_waits_are_a_little_longer_by_chance():
    assert decided(failed(500), draw=0.5, base_retry_delay=2.0) == Retry(2.25)


def test_the_providers_own_hint_comes_first():
    assert decided(failed(429, retry_after="7")) == Retry(7.0)
    assert decided(failed(503, retry_after_ms="250")) == Retry(0.25)
    assert decided(failed(429, x_ratelimit_reset_requests="6s")) == Retry(6.0)
    assert decided(failed(429, b"Please try again in 320ms.")) == Retry(0.32)


def test_resets_that_come_with_any_answer_count_for_rate_limits_only():
    assert decided(failed(500, x_ratelimit_reset_requests="6s")) == Retry(1.0)
    assert decided(failed(500, retry_after="6")) == Retry(6.0)


def test_whoever_says_now_and_refuses_again_is_not_believed_twice():
    assert decided(failed(429, retry_after="0")) == Retry(0.0)
    assert decided(failed(429, retry_after="0"), here=2) == Retry(2.0)


def test_nobody_waits_for_a_provider_longer_than_makes_sense():
    assert decided(failed(429, retry_after=str(LONGEST_WAIT))) == Retry(LONGEST_WAIT)
    assert decided(failed(429, retry_after="86400")) == GiveUp()


def test_with_another_target_nobody_waits_long_for_one():
    assert decided(failed(429, retry_after="2"), others=True) == Retry(2.0)
    assert decided(failed(429, retry_after="30"), others=True) == NextTarget()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b'{"error": "Too many failed attempts (> 20) resulting in a non-success status code"}'),
        (429, b'{"error": {"code": "1302", "message": "High concurrency usage of this API"}}'),
        (500, b'{"error":{"code":1305,"message":"..."}}'),
    ],
)
def test_a_rate_limit_that_lasts_is_waited_out(status, body):
    assert decided(failed(status, body), rate_limit_wait=12.0) == Retry(12.0)
    assert decided(failed(status, body, retry_after="3"), rate_limit_wait=12.0) == Retry(3.0)


def test_the_text_of_venice_counts_at_its_status_only():
    assert decided(failed(500, b"Too many failed attempts"), rate_limit_wait=12.0) == Retry(1.0)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b'{"error": {"code": "insufficient_quota"}}'),
        (429, b'{"error": {"code": "1113", "message": "Your account is in arrears"}}'),
        (429, b'{"error": {"code":1308}}'),
        (400, b"Your credit balance is too low to access the API"),
        (402, b""),
    ],
)
def test_money_that_is_used_up_here_may_be_left_elsewhere(status, body):
    assert decided(failed(status, body)) == GiveUp()
    assert decided(failed(status, body), others=True) == NextTarget()


def test_the_upstream_may_forbid_and_advise_another_try():
    assert decided(failed(500, x_should_retry="false")) == GiveUp()
    assert decided(failed(500, x_should_retry="false"), others=True) == NextTarget()
    assert decided(failed(404, x_should_retry="true")) == Retry(1.0)


LOADING = b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'


def test_a_model_that_is_being_loaded_is_waited_for_however_few_retries_are_allowed():
    assert decided(failed(503, LOADING), here=1, max_retries=0) == Retry(0.5)
    assert decided(failed(503, LOADING), here=30, loading=29, waited=100.0, max_retries=0) == Retry(5.0)
    assert decided(failed(503, LOADING, retry_after="2"), max_retries=0) == Retry(2.0)


def test_it_is_not_waited_for_without_end():
    assert decided(failed(503, LOADING), waited=599.0, loading=8, here=9) == Retry(1.0)
    assert decided(failed(503, LOADING), waited=600.0, here=9) == GiveUp()


def test_an_upstream_says_how_long_it_is_waited_for():
    assert decided(failed(503, LOADING), waited=19.0, loading=8, here=9, loading_wait=20.0) == Retry(1.0)
    assert decided(failed(503, LOADING), waited=20.0, here=9, loading_wait=20.0) == GiveUp()
    assert decided(failed(503, LOADING), loading_wait=0.0) == GiveUp()
    assert decided(failed(503, LOADING), loading_wait=0.0, others=True) == NextTarget()


def test_the_tries_while_it_was_loading_do_not_count_afterwards():
    assert decided(failed(500), here=6, loading=5, max_retries=2) == Retry(1.0)


@pytest.mark.parametrize(
    ("failure", "harms"),
    [
        (failed(), True),
        (failed(500), True),
        (failed(503), True),
        (failed(503, LOADING), False),
        (failed(429), False),
        (failed(408), False),
        (failed(400), False),
        (failed(402), False),
    ],
)
def test_what_says_something_about_a_servers_health(failure, harms):
    assert harms_health(failure) is harms
