"""A provider that says when to come again is believed, in every form in which providers say it."""

import email.utils
import time

import pytest

from tests.end_to_end.exchanges import CHAT, MESSAGES
from tests.end_to_end.misbehaviour import assert_is_whole, good
from tests.end_to_end.pairs import Pair
from tests.end_to_end.shapes import assert_is_error
from tests.end_to_end.test_conversion_errors import refusal

PAIRS = (Pair(CHAT, CHAT), Pair(MESSAGES, MESSAGES), Pair(MESSAGES, CHAT))
TYPES = {429: "rate_limit_error", 503: "api_error", 529: "overloaded_error"}

# What says that it is soon, and how soon.  Times that have passed mean now.
SOON = (
    ({"retry-after": "0"}, "0 s"),
    ({"retry-after": "0.02"}, "0.02 s"),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "0 s"),
    ({"retry-after-ms": "12"}, "0.012 s"),
    ({"retry-after-ms": "12.5", "retry-after": "60"}, "0.0125 s"),
    ({"x-ratelimit-reset-requests": "12ms"}, "0.012 s"),
    ({"x-ratelimit-reset-tokens": "0.012s"}, "0.012 s"),
    ({"x-ratelimit-reset-tokens": "0m0s"}, "0 s"),
    ({"x-ratelimit-reset-requests": "0d0h0m0s12000us9ns"}, "0.012 s"),
    ({"x-ratelimit-reset": "0.012"}, "0.012 s"),
    ({"x-ratelimit-reset": "1500000000"}, "0 s"),
    ({"x-ratelimit-reset": "1500000000000"}, "0 s"),
    ({"anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z"}, "0 s"),
    ({"anthropic-ratelimit-input-tokens-reset": "2020-01-01T02:00:00.5+02:00"}, "0 s"),
    ({"anthropic-ratelimit-unified-reset": "1500000000"}, "0 s"),
    (
        {
            "x-ratelimit-remaining-requests": "9",
            "x-ratelimit-reset-requests": "1d2h",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "12ms",
        },
        "0.012 s",
    ),
    ("Rate limit reached. Please try again in 12ms.", "0.012 s"),
    ("Please try again in 0.012s.", "0.012 s"),
)


def _later():
    """What says that it is not soon at all: nobody waits, the client is told instead."""
    now = time.time()
    return (
        {"retry-after": "3600"},
        {"retry-after": email.utils.formatdate(now + 3600, usegmt=True)},
        {"retry-after-ms": "3600000"},
        {"x-ratelimit-reset-requests": "1h0m0s"},
        {"x-ratelimit-reset-tokens": "6m0s"},
        {"x-ratelimit-reset-tokens": "1d2h"},
        {"x-ratelimit-reset": str(int(now) + 3600)},
        {"x-ratelimit-reset": str((int(now) + 3600) * 1000)},
        {"anthropic-ratelimit-tokens-reset": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 3600))},
        {"anthropic-ratelimit-unified-reset": str(int(now) + 3600)},
    )


def _refused(pair, status, hint):
    if isinstance(hint, str):
        return refusal(pair.upstream, status, hint, TYPES[status])
    return refusal(pair.upstream, status, "Slow down.", TYPES[status]).with_headers(*hint.items())


def _model(pair, name):
    return f"via-{name}" if pair.client is pair.upstream else f"via-{name}-chat"


def _post(client, pair, name="hinting"):
    return pair.post(client, model=_model(pair, name), stream=True)


@pytest.mark.parametrize("status", TYPES)
@pytest.mark.parametrize("number", range(len(SOON)))
def test_what_comes_soon_is_waited_for(client, proxy, upstream, status, number):
    pair, (hint, wait) = PAIRS[number % len(PAIRS)], SOON[number]
    upstream.answer(_refused(pair, status, hint), good(pair.upstream, True))
    answer = _post(client, pair)
    assert_is_whole(answer, pair, True)
    record = proxy.record(answer)
    assert record["attempts"] == 2
    assert f"answered {status}; tried again after {wait}." in "".join(record["warnings"])
    assert proxy.health(record["upstream"]) == "healthy"


@pytest.mark.parametrize("status", TYPES)
@pytest.mark.parametrize("number", range(len(_later())))
def test_what_takes_long_is_told_to_the_client_at_once(client, proxy, upstream, status, number):
    pair, hint = PAIRS[number % len(PAIRS)], _later()[number]
    upstream.answer(_refused(pair, status, hint))
    answer = _post(client, pair)
    shown = 503 if status == 529 and pair.client is not MESSAGES and pair.upstream is MESSAGES else status
    assert answer.status_code == shown
    assert proxy.record(answer)["attempts"] == len(upstream.calls) == 1
    if pair.client is pair.upstream:
        assert answer.content == _refused(pair, status, hint).body()
        assert {name: answer.headers[name] for name in hint} == hint
    elif status == 429 or "retry-after" in hint or "retry-after-ms" in hint:
        assert_is_error(answer, pair.client.dialect, status)
        assert answer.headers["retry-after"] == "60"


@pytest.mark.parametrize("value", ["-1", "", "soon"])
def test_a_reset_that_says_nothing_is_no_hint(client, proxy, upstream, value):
    refused = _refused(PAIRS[0], 429, {"x-ratelimit-reset-tokens": value})
    upstream.answer(refused, good(CHAT, True))
    answer = _post(client, PAIRS[0], "patient")
    assert_is_whole(answer, PAIRS[0], True)
    assert "tried again after 0 s" in proxy.record(answer)["warnings"][0]


@pytest.mark.parametrize("status", TYPES)
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_who_says_that_trying_again_is_no_use_is_believed(client, proxy, upstream, pair, status):
    upstream.answer(_refused(pair, status, {"x-should-retry": "false", "retry-after": "1"}))
    answer = _post(client, pair)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (status, "false")
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_who_says_that_trying_again_helps_is_believed(client, upstream, pair):
    refused = refusal(pair.upstream, 400, "Not yet.", "invalid_request_error")
    upstream.answer(refused.with_headers(("x-should-retry", "true"), ("retry-after", "0")), good(pair.upstream, True))
    assert_is_whole(_post(client, pair), pair, True)
