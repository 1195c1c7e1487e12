import logging
import sys

import pytest

from proxysite import redaction
from proxysite.redaction import RedactSecrets, redacted, without_keys
from routing.kinds import Kind
from routing.secrets import MASK, Secret
from routing.snapshot import Upstream


@pytest.fixture(autouse=True)
def nothing_hidden(monkeypatch):
    monkeypatch.setattr(redaction, "_hidden", ())


def logged(message, *args, exc_info=None, exc_text=None):
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, message, args, exc_info)
    record.exc_text = exc_text
    assert RedactSecrets().filter(record)
    return logging.Formatter().format(record)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef123456",
        "{b'authorization': b'bearer abcdef123456'}",
        "x-api-key: abcdef123456",
        "{'x-api-key': 'abcdef123456'}",
        "(b'x-api-key': b'abcdef123456')",
        "?api_key=abcdef123456&x=1",
        '{"apikey": "abcdef123456"}',
    ],
)
def test_what_is_sent_as_a_key_is_masked(text):
    assert "abcdef123456" not in redacted(text)
    assert MASK in redacted(text)


def test_what_looks_like_a_providers_key_is_masked():
    assert redacted("refused sk-proj-abcdefghij0123456789.") == f"refused {MASK}"


@pytest.mark.parametrize(
    "text", ["", "the bearer of news", "a risk-free sk-short", "model glm-4.7 at http://127.0.0.1"]
)
def test_other_words_stay(text):
    assert redacted(text) == text.replace("bearer of news", "bearer of news")


def test_a_configured_key_is_masked_wherever_it_stands():
    redaction.hide([Secret("hunter-22")])
    assert redacted("at http://host/hunter-22/x") == f"at http://host/{MASK}/x"


def test_a_key_that_is_part_of_another_leaves_nothing_of_it():
    redaction.hide([Secret("hunter-22"), Secret("hunter-22-long")])
    assert redacted("hunter-22-long hunter-22") == f"{MASK} {MASK}"


@pytest.mark.parametrize("key", ["a", "no", "none", "EMPTY", "lm-studio"])
def test_what_is_no_secret_leaves_words_as_they_are(key):
    redaction.hide([Secret(key), Secret("hunter-22")])
    assert redacted(f"hunter-22 and a note: {key}") == f"{MASK} and a note: {key}"
    assert without_keys(f"a note: {key}".encode(), upstream(Secret(key))) == f"a note: {key}".encode()


def test_a_key_that_is_no_longer_configured_is_forgotten():
    redaction.hide([Secret("hunter-22")])
    redaction.hide([])
    assert redacted("hunter-22") == "hunter-22"


def test_a_log_line_is_masked_in_its_message_and_its_arguments():
    redaction.hide([Secret("hunter-22")])
    assert logged("key %s", "hunter-22") == f"key {MASK}"
    assert logged("key hunter-22 100%") == f"key {MASK} 100%"


def test_a_log_line_without_a_key_stays_as_it_is():
    assert logged("%d requests", 3) == "3 requests"


def test_a_traceback_is_masked():
    redaction.hide([Secret("hunter-22")])
    try:
        raise ValueError("hunter-22")
    except ValueError:
        text = logged("failed", exc_info=sys.exc_info())
    assert "hunter-22" not in text
    assert f"ValueError: {MASK}" in text


def test_a_traceback_that_another_handler_wrote_first_is_masked_too():
    redaction.hide([Secret("hunter-22")])
    assert "hunter-22" not in logged("failed", exc_text="ValueError: hunter-22")


def test_a_log_call_with_the_wrong_arguments_is_left_to_the_handler():
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "%d", ("x",), None)
    assert RedactSecrets().filter(record)


def upstream(key):
    return Upstream(name="a", base_url="http://a", kind=Kind.OTHER, dialects=frozenset(), key=key)


def test_an_upstreams_refusal_is_told_without_its_key():
    assert without_keys(b"bad key hunter-22", upstream(Secret("hunter-22"))) == b"bad key " + MASK.encode()
    assert without_keys(b"bad key", upstream(Secret("hunter-22"))) == b"bad key"
    assert without_keys(b"bad key", upstream(None)) == b"bad key"
