"""When to come again: the forms of table 1.3 of the wire reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.hints import for_client, in_text, retry_after, seconds_until, wait_hint

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


def hint(body=b"", **headers):
    return wait_hint([(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()], body, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360),
        ("1h2m3s", 3723),
        ("1s", 1),
        ("12ms", 0.012),
        ("1m30.951s", 90.951),
        ("0s", 0),
        ("1d2h", 93600),
        ("500us", 0.0005),
        ("500µs", 0.0005),
        ("7ns", 7e-9),
        ("11.054", 11.054),
        (" 30 ", 30),
        (".5", 0.5),
        ("0", 0),
        ("-5", 0),
        ("1700000060", 60),
        ("1700000060000", 60),
        ("1699999999", 0),
        ("1600000000000", 0),
        ("2023-11-14T22:14:20Z", 60),
        ("2023-11-14t22:14:20.5z", 60.5),
        ("2023-11-14T22:14:20", 60),
        ("2023-11-15T00:14:20+02:00", 60),
        ("2023-11-14T17:14:20-0500", 60),
        ("2020-01-01T00:00:00Z", 0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2000 22:14:20 GMT", 0),
    ],
)
def test_8_102_every_form_of_a_reset_is_read(text, seconds):
    assert seconds_until(text, NOW) == pytest.approx(seconds, rel=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "soon",
        "6m0",
        "5 apples",
        "nan",
        "inf",
        "2023-99-14T22:14:20Z",
        "١",
        "Tue, 99 Foo 2023",
        "Tue, 14 Nov 99999 22:14:20 GMT",
    ],
)
def test_what_says_nothing_is_unknown(text):
    assert seconds_until(text, NOW) is None


@given(st.text(max_size=40))
def test_no_text_at_all_makes_it_fail_or_go_back_in_time(text):
    seconds = seconds_until(text, NOW)
    assert seconds is None or seconds >= 0


@given(st.binary(max_size=200))
def test_no_body_makes_it_fail(body):
    seconds = in_text(body)
    assert seconds is None or seconds >= 0


def test_milliseconds_come_before_seconds():
    assert hint(retry_after_ms="1500", retry_after="30") == 1.5


@pytest.mark.parametrize("text", ["", "soon", "-1"])
def test_milliseconds_that_say_nothing_are_passed_over(text):
    assert hint(retry_after_ms=text, retry_after="30") == 30


def test_retry_after_comes_before_the_resets():
    assert hint(x_ratelimit_reset_requests="6m0s", retry_after="Tue, 14 Nov 2023 22:14:20 GMT") == 60


def test_names_of_headers_compare_whatever_their_case():
    assert wait_hint([(b"Retry-After", b"7")], b"", NOW) == 7


@pytest.mark.parametrize(
    "headers",
    [
        {"x_ratelimit_reset_requests": "1m0s"},
        {"x_ratelimit_reset_tokens": "60"},
        {"x_ratelimit_reset": "1700000060000"},
        {"ratelimit_reset": "60"},
        {"anthropic_ratelimit_input_tokens_reset": "2023-11-14T22:14:20Z"},
        {"anthropic_ratelimit_unified_reset": "1700000060"},
    ],
)
def test_each_providers_reset_is_found(headers):
    assert hint(**headers) == 60


def test_the_limit_that_is_used_up_decides():
    assert (
        hint(
            x_ratelimit_remaining_requests="12",
            x_ratelimit_reset_requests="1s",
            x_ratelimit_remaining_tokens="0",
            x_ratelimit_reset_tokens="40s",
        )
        == 40
    )


def test_of_several_that_are_used_up_the_last_decides():
    both = {f"x_ratelimit_remaining_{what}": "0" for what in ("requests", "tokens")}
    assert hint(**both, x_ratelimit_reset_requests="9s", x_ratelimit_reset_tokens="40s") == 40


def test_when_nobody_says_what_is_used_up_the_first_reset_is_tried():
    assert hint(x_ratelimit_reset_requests="9s", x_ratelimit_reset_tokens="40s") == 9


def test_a_reset_that_nobody_knows_is_passed_over():
    assert hint(x_ratelimit_reset_requests="-1", x_ratelimit_reset_tokens="") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Rate limit reached. Please try again in 11.054s. Visit", 11.054),
        ("Please try again in 320ms.", 0.32),
        ("Try again in 1m2s", 62),
        ("try again in 6m 3s", 363),
        ("retry again after 5 s", 5),
        ("Please retry after 20 seconds", 20),
        ("Please wait for 2 minutes", 120),
        ("please retry your request in about 1 hour", None),
        ("retry later in 1 hour", 3600),
        ("wait for 500 milliseconds", 0.5),
        ('{"error": {"metadata": {"retry_after": 12}}}', 12),
        ('{"@type": "RetryInfo", "retryDelay": "31s"}', 31),
        ("Try again later", None),
        ("in 5 steps", None),
        ("", None),
    ],
)
def test_the_text_of_the_answer_is_read(text, seconds):
    assert hint(text.encode()) == seconds


def test_headers_come_before_the_text():
    assert hint(b"try again in 9s", retry_after="3") == 3


def test_only_retry_after_counts_where_there_is_no_rate_limit():
    headers = [(b"x-ratelimit-reset-requests", b"9s")]
    assert retry_after(headers, NOW) is None
    assert retry_after([*headers, (b"retry-after", b"3")], NOW) == 3


@pytest.mark.parametrize(("seconds", "header"), [(7, "7"), (0.2, "1"), (0, "0"), (3600, "60")])
def test_what_clients_are_told_is_whole_and_not_too_long(seconds, header):
    assert for_client(seconds) == header
