"""When to come again: the forms of table 1.3, and edge case 102."""

import pytest

from routing.dialects.retry_after import for_client, retry_after_seconds

NOW = 1_763_600_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("6m0s", 360),
        ("1h2m3s", 3723),
        ("1s", 1),
        ("12ms", 0.012),
        ("1m30.951s", 90.951),
        ("0s", 0),
        ("1d2h", 93600),
        ("5us", 5e-6),
        ("5µs", 5e-6),
        ("5ns", 5e-9),
        ("7", 7),
        ("0.5", 0.5),
        ("1763640000", 40_000),
        ("1763640000000", 40_000),
        ("1763500000", 0),
        ("-5", 0),
        ("2025-11-20T00:53:30Z", 10),
        ("2025-11-20T00:53:30", 10),
        ("Thu, 20 Nov 2025 00:53:30 GMT", 10),
        ("Thu, 20 Nov 2025 00:00:00 GMT", 0),
        ("-1", None),
        ("", None),
        ("soon", None),
        ("12 parsecs", None),
    ],
)
def test_8_102_every_form_of_a_reset(value, seconds):
    for name in ("x-ratelimit-reset-tokens", "retry-after", "anthropic-ratelimit-unified-reset"):
        found = retry_after_seconds({name: value}, NOW)
        assert found == (None if seconds is None else pytest.approx(seconds))


def test_milliseconds_come_first_and_retry_after_before_resets():
    headers = {"retry-after-ms": "1500", "retry-after": "7", "x-ratelimit-reset-requests": "9s"}
    assert retry_after_seconds(headers, NOW) == 1.5
    assert retry_after_seconds({**headers, "retry-after-ms": "soon"}, NOW) == 7
    assert retry_after_seconds({"x-ratelimit-reset-requests": "9s", "x-ratelimit-limit-requests": "5"}, NOW) == 9


def test_the_limit_that_is_used_up_counts():
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-tokens": "90",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert retry_after_seconds(headers, NOW) == 2


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 11.054s. Visit …", 11.054),
        ("try again in 320ms", 0.32),
        ("Try again in 1m2s", 62),
        ("retry again after 5 s", 5),
        ("try again later", None),
    ],
)
def test_some_say_it_only_in_their_sentence(message, seconds):
    assert retry_after_seconds({}, NOW, message) == seconds


@pytest.mark.parametrize(("seconds", "header"), [(7, "7"), (0.2, "1"), (0, "0"), (3600, "60")])
def test_what_clients_are_told_is_whole_and_not_too_long(seconds, header):
    assert for_client(seconds) == header
