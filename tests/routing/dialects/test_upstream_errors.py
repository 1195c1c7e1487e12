"""Errors of upstreams: section 5 of the reference, and the edge cases 96 to 104."""

import orjson
import pytest

from routing.dialects.conversion import convert_error
from routing.dialects.upstream_errors import of_body, of_text, status_for
from tests.routing.dialects.checkers import check_responses
from tests.routing.dialects.support import CHAT, GENERATE, MESSAGES, RESPONSES, exchange, frames_of, streamed

CLIENTS = [CHAT, MESSAGES, RESPONSES]


def told(status: int, body, client=CHAT):
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return convert_error(status, data, client, "req_1")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "boom", "type": "x", "param": None, "code": None}},
        {"error": {"message": "boom", "type": "BadRequestError", "code": 400}},
        {"object": "error", "message": "boom", "type": "BadRequestError", "param": None, "code": 400},
        {"error": {"code": 400, "message": "boom", "type": "invalid_request_error"}},
        {"error": "boom"},
        {"type": "error", "error": {"type": "invalid_request_error", "message": "boom"}},
        {"detail": "boom"},
        {"detail": [{"msg": "boom", "loc": ["body"]}, "odd"]},
        {"message": "boom"},
        "boom",
        b"boom",
        b"<html><head><title>boom</title></head></html>",
        b"<p>boom</p>",
    ],
)
@pytest.mark.parametrize("client", CLIENTS)
def test_5_1_the_message_is_found_in_every_shape(body, client):
    answer = told(400, body, client)
    assert answer.status == 400
    assert answer.body["error"]["message"] == "boom"


@pytest.mark.parametrize("body", [b"", b" ", b"{}", b"[]", b"<br>", {"detail": [3]}, {"detail": {}}, {"error": {}}])
def test_5_1_there_is_always_some_message(body):
    assert told(502, body).body["error"]["message"]


TABLE = [
    (400, "invalid_request_error", "invalid_request_error", None),
    (401, "authentication_error", "invalid_request_error", "invalid_api_key"),
    (402, "billing_error", "insufficient_quota", "insufficient_quota"),
    (403, "permission_error", "invalid_request_error", None),
    (404, "not_found_error", "invalid_request_error", "model_not_found"),
    (405, "invalid_request_error", "invalid_request_error", None),
    (408, "timeout_error", "timeout", None),
    (409, "conflict_error", "conflict", None),
    (413, "request_too_large", "invalid_request_error", None),
    (418, "invalid_request_error", "invalid_request_error", None),
    (422, "invalid_request_error", "invalid_request_error", None),
    (429, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded"),
    (500, "api_error", "server_error", None),
    (501, "api_error", "server_error", None),
    (502, "api_error", "server_error", None),
    (503, "overloaded_error", "service_unavailable_error", "server_is_overloaded"),
    (504, "timeout_error", "server_error", "timeout"),
    (529, "overloaded_error", "service_unavailable_error", "server_is_overloaded"),
]


@pytest.mark.parametrize(("status", "kind", "openai", "code"), TABLE)
def test_5_2_each_status_has_its_words(status, kind, openai, code):
    body = {"error": {"message": "boom"}}
    anthropic = told(status, body, MESSAGES)
    assert anthropic.status == status
    assert anthropic.body == {"type": "error", "error": {"type": kind, "message": "boom"}, "request_id": "req_1"}
    answer = told(status, body, CHAT)
    assert answer.status == (503 if status == 529 else status)
    assert answer.body == {"error": {"message": "boom", "type": openai, "param": None, "code": code}}


def test_8_97_an_overloaded_anthropic_is_a_503_for_others():
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    assert told(529, body, CHAT).status == 503
    assert told(529, body, MESSAGES).body["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"message": "x", "type": "insufficient_quota", "code": "insufficient_quota"}),
        (429, {"message": "x", "type": "insufficient_quota"}),
        (400, {"message": "x", "code": "credit_balance_exhausted"}),
        (402, {"message": "x"}),
    ],
)
def test_5_2_what_retrying_cannot_help_says_so(status, error):
    assert told(status, {"error": error}).headers == (("x-should-retry", "false"),)
    assert told(429, {"error": {"message": "slow down"}}).headers == ()


def test_5_2_the_upstreams_code_and_param_are_kept():
    body = {
        "error": {"message": "no", "type": "invalid_request_error", "code": "unsupported_parameter", "param": "top_k"}
    }
    error = told(400, body).body["error"]
    assert (error["code"], error["param"]) == ("unsupported_parameter", "top_k")


OVERFLOWS = [
    (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"
            }
        },
    ),
    (
        400,
        {
            "object": "error",
            "message": "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        },
    ),
    (
        400,
        {
            "error": {
                "code": 400,
                "type": "exceed_context_size_error",
                "message": "the request exceeds the available context size",
                "n_prompt_tokens": 5000,
                "n_ctx": 4096,
            }
        },
    ),
    (400, {"error": {"message": "x", "code": "context_length_exceeded"}}),
    (400, {"error": "input length is too long: the prompt exceeds the context window"}),
    (
        413,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "prompt is too long: 5 tokens > 4 maximum"},
        },
    ),
]


@pytest.mark.parametrize(("status", "body"), OVERFLOWS)
def test_8_98_a_full_context_is_recognised_in_every_wording(status, body):
    anthropic = told(status, body, MESSAGES)
    assert anthropic.status == 400
    assert anthropic.body["error"]["type"] == "invalid_request_error"
    assert anthropic.body["error"]["message"].startswith("prompt is too long")
    assert told(status, body, CHAT).body["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(("status", "body"), OVERFLOWS[:3])
def test_8_98_the_numbers_are_said_where_they_are_known(status, body):
    message = told(status, body, MESSAGES).body["error"]["message"]
    assert message.startswith("prompt is too long: 5000 tokens > 4096 maximum")


def test_8_98_in_a_stream_of_responses():
    out = streamed(frames_of(OVERFLOWS[0][1]), exchange(RESPONSES, CHAT))
    assert check_responses(out).error["code"] == "context_length_exceeded"


def test_a_server_error_that_speaks_of_contexts_is_no_overflow():
    assert told(500, {"error": {"message": "context length bookkeeping exceeded"}}).body["error"]["code"] is None


@pytest.mark.parametrize("client", CLIENTS)
def test_8_99_an_html_page_becomes_json_with_the_same_status(client):
    answer = told(502, b"<html><title>502 Bad\n Gateway</title><h1>nginx</h1></html>", client)
    assert answer.status == 502
    assert answer.body["error"]["message"] == "502 Bad Gateway"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"type": "overloaded_error"}, 529),
        ({"type": "rate_limit_error"}, 429),
        ({"type": "unavailable_error"}, 503),
        ({"type": "not_supported_error"}, 501),
        ({"code": 503}, 503),
        ({"code": "418"}, 418),
        ({"code": 7}, 500),
        ({"code": True, "type": 3}, 500),
        ({"code": "slow_down"}, 503),
        ({"type": "who_knows"}, 500),
    ],
)
def test_4_8_an_error_inside_a_stream_has_the_status_it_would_have_had(error, status):
    found = of_body({"error": {"message": "x", **error}})
    assert found.status == status
    assert status_for(found, MESSAGES) == status


def test_an_unnamed_type_keeps_to_the_table_and_generate_says_it_shortly():
    assert (
        told(403, {"error": {"message": "x", "type": "who_knows"}}, MESSAGES).body["error"]["type"]
        == "permission_error"
    )
    assert told(500, {"error": {"message": "x"}}, GENERATE).body == {"error": {"message": "x"}}
    assert "request_id" not in convert_error(500, b"x", MESSAGES).body
    assert "who" in repr(of_text(b'{"message":"who"}'))


@pytest.mark.parametrize(
    "piece", ["<", "<a", "<title>", "<title", "<p>a", "1", "1,", "1 ", "maximum ", "context size "]
)
def test_an_error_of_any_text_is_read_in_time_by_its_length(piece):
    """Some quote what the client sent.  By the square of its length this took a minute."""
    text = (piece * 40_000)[:40_000]
    assert of_text(text.encode(), 500).status == 500
    long = convert_error(400, orjson.dumps({"error": {"message": f"prompt is too long: {text}"}}), MESSAGES, "req_1")
    assert long.status == 400


def test_the_title_of_a_page_without_an_end_is_none():
    assert of_text(b"<title>Bad <p>gateway", 502).message == "Bad gateway"


def test_an_error_that_is_nested_too_deeply_is_text():
    assert of_text(b"[" * 100_000, 500).status == 500
    assert of_text(b'{"error": ' * 3_000 + b"1" + b"}" * 3_000, 500).status == 500
