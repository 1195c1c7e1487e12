import pytest
from django.core.exceptions import ValidationError

from routing.validators import (
    validate_base_url,
    validate_extra_headers,
    validate_header_name,
    validate_mapping_of_names,
    validate_names,
    validate_object,
    validate_statuses,
)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "https://api.z.ai/api/paas/v4",
        " https://host/v1/ ",
        "http://[::1]:8080/v1",
        "http://gateway/messages",
        "demo:",
    ],
)
def test_a_base_url_is_an_http_address_or_the_demo(url):
    validate_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8080",
        "ftp://host",
        "http://",
        "http://:8080",
        "http://host:0",
        "http://host:99999",
        "http://host:port",
        "http://[broken",
        "http://ho st",
        "http://host/a\nb",
        "demo:x",
    ],
)
def test_anything_else_is_refused_with_an_example(url):
    with pytest.raises(ValidationError, match="Enter a URL like"):
        validate_base_url(url)


@pytest.mark.parametrize("url", ["http://user:sk-secret@host", "http://sk-secret@host/v1", "http://@host"])
def test_a_key_in_a_base_url_is_refused_without_repeating_it(url):
    with pytest.raises(ValidationError, match="API key field") as caught:
        validate_base_url(url)
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://host/?key=1", "http://host/?", "http://host/#top"])
def test_a_base_url_has_no_query(url):
    with pytest.raises(ValidationError, match=r"no \? and no #"):
        validate_base_url(url)


@pytest.mark.parametrize(
    "url", ["http://host:8080/v1/chat/completions", "http://host:8080/v1/messages/", " http://host:8080/v1/responses"]
)
def test_the_address_of_an_endpoint_is_no_base_url_and_the_sentence_says_which_is(url):
    with pytest.raises(ValidationError, match=r"the base URL is http://host:8080/v1\.'"):
        validate_base_url(url)


def test_a_header_name_has_no_spaces_or_colons():
    validate_header_name("x-api-key")
    for name in ("", "a b", "a:", "ä"):
        with pytest.raises(ValidationError, match="is not a header name"):
            validate_header_name(name)


def test_extra_headers_are_names_and_texts():
    validate_extra_headers({})
    validate_extra_headers({"x-team": "lab", "HTTP-Referer": "https://lab.example"})


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        (["x-team"], "Enter an object"),
        ({"x team": "lab"}, "is not a header name"),
        ({"x-team": 3}, "plain text on one line"),
        ({"x-team": "a\r\nb: c"}, "plain text on one line"),
        ({"x-team": "ä"}, "plain text on one line"),
        ({"Content-Length": "3"}, "set by the proxy itself"),
        ({"transfer-encoding": "chunked"}, "set by the proxy itself"),
    ],
)
def test_headers_that_would_break_requests_are_refused(headers, sentence):
    with pytest.raises(ValidationError, match=sentence):
        validate_extra_headers(headers)


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "api-key", "apikey", "Cookie", "x-auth-token"])
def test_a_header_that_carries_a_key_belongs_into_the_key_field(name):
    with pytest.raises(ValidationError, match="API key field") as caught:
        validate_extra_headers({name: "sk-planted"})
    assert "sk-planted" not in str(caught.value)


@pytest.mark.parametrize("value", [[], ["logprobs", "top_k"]])
def test_a_list_of_names_is_fine(value):
    validate_names(value)


@pytest.mark.parametrize("value", ["logprobs", {"logprobs": 1}, [1], [""], None])
def test_anything_but_a_list_of_names_is_refused(value):
    with pytest.raises(ValidationError, match="Enter a list of field names"):
        validate_names(value)


def test_names_are_mapped_to_names():
    validate_mapping_of_names({"max_tokens": "n_predict"})
    for value in (["a"], {"a": 1}, {"a": ""}, {"a": None}):
        with pytest.raises(ValidationError, match="from name to name"):
            validate_mapping_of_names(value)


def test_fields_to_set_are_an_object():
    validate_object({"cache_prompt": True, "x": {"y": [1, None]}})
    with pytest.raises(ValidationError, match="Enter an object"):
        validate_object([1])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**70, "\ud800"])
def test_fields_that_could_never_be_sent_are_refused(value):
    with pytest.raises(ValidationError, match="cannot be sent"):
        validate_object({"x": {"y": [value]}})


def test_statuses_are_those_of_errors():
    validate_statuses([400, 418, 599])
    for value in (418, [200], [600], ["418"], [True], [418.0]):
        with pytest.raises(ValidationError, match="from 400 to 599"):
            validate_statuses(value)
