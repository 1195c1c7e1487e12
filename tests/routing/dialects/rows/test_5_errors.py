"""Tables 5.1 to 5.3 of the reference, row by row: the shapes of errors, their words, and what SDKs make of them."""

import orjson
import pytest

from routing.dialects.conversion import convert_error, convert_response
from routing.dialects.errors import error_body
from routing.errors import ProxyError
from tests.routing.dialects.support import CHAT, COMPLETIONS, MESSAGES, RESPONSES, exchange


def told(status: int, body, client=CHAT):
    return convert_error(status, body if isinstance(body, bytes) else orjson.dumps(body), client, "req_1")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(400, {"type": "error", "error": {"type": "api_error", "message": "boom"}}, id="5.1.1 messages"),
        pytest.param(400, {"error": {"message": "boom", "type": "x", "param": None, "code": None}}, id="5.1.2 OpenAI"),
        pytest.param(400, {"error": {"message": "boom", "type": "BadRequestError", "code": 400}}, id="5.1.3 vLLM"),
        pytest.param(400, {"object": "error", "message": "boom", "type": "x", "code": 400}, id="5.1.3 vLLM, older"),
        pytest.param(400, {"object": "error", "message": "boom", "param": None, "code": 400}, id="5.1.4 SGLang"),
        pytest.param(400, {"error": {"message": "boom"}}, id="5.1.4 SGLang's own"),
        pytest.param(400, {"error": {"code": 400, "message": "boom", "type": "x"}}, id="5.1.5 llama.cpp"),
        pytest.param(400, {"error": {"message": "boom", "type": "api_error", "param": None}}, id="5.1.6 Ollama"),
        pytest.param(400, {"error": "boom"}, id="5.1.6 Ollama's own"),
        pytest.param(400, {"error": "boom"}, id="5.1.7 LM Studio"),
        pytest.param(422, {"detail": "boom"}, id="5.1.8 FastAPI"),
        pytest.param(422, {"detail": [{"loc": ["body"], "msg": "boom"}]}, id="5.1.8 FastAPI's list"),
        pytest.param(502, b"<html><title>boom</title></html>", id="5.1.9 a page"),
        pytest.param(502, b"boom", id="5.1.9 a text"),
    ],
)
def test_the_message_of_every_shape_is_kept(status, body):
    detail = told(status, body, MESSAGES).body["error"]
    assert detail["message"] == "boom"
    answer = told(status, body)
    assert (answer.status, answer.body["error"]["message"]) == (status, "boom")


def test_5_1_1_and_5_1_2_the_shapes_that_clients_get():
    assert told(429, b"x", MESSAGES).body == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "x"},
        "request_id": "req_1",
    }
    error = {"message": "x", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}
    for client in (CHAT, COMPLETIONS, RESPONSES):
        assert told(429, b"x", client).body == {"error": error}


def test_5_1_5_the_counts_beside_an_overflow_are_said():
    error = {"type": "exceed_context_size_error", "message": "too big", "code": 400, "n_prompt_tokens": 50, "n_ctx": 40}
    found = told(400, {"error": error}, MESSAGES).body["error"]
    assert found["message"].startswith("prompt is too long: 50 tokens > 40 maximum")


def test_5_1_9_an_empty_body_has_a_sentence_of_ours():
    assert told(502, b"").body["error"]["message"]


INVALID = "invalid_request_error"
UNAVAILABLE = ("overloaded_error", "service_unavailable_error", "server_is_overloaded")


@pytest.mark.parametrize(
    ("status", "anthropics", "openais", "code"),
    [
        pytest.param(400, INVALID, INVALID, None, id="5.2.1 400"),
        pytest.param(401, "authentication_error", INVALID, "invalid_api_key", id="5.2.2 401"),
        pytest.param(402, "billing_error", "insufficient_quota", "insufficient_quota", id="5.2.3 402"),
        pytest.param(403, "permission_error", INVALID, None, id="5.2.4 403"),
        pytest.param(404, "not_found_error", INVALID, "model_not_found", id="5.2.5 404"),
        pytest.param(405, INVALID, INVALID, None, id="5.2.6 405"),
        pytest.param(408, "timeout_error", "timeout", None, id="5.2.7 408"),
        pytest.param(409, "conflict_error", "conflict", None, id="5.2.8 409"),
        pytest.param(413, "request_too_large", INVALID, None, id="5.2.9 413"),
        pytest.param(422, INVALID, INVALID, None, id="5.2.10 422"),
        pytest.param(429, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded", id="5.2.11 429"),
        pytest.param(500, "api_error", "server_error", None, id="5.2.13 500"),
        pytest.param(502, "api_error", "server_error", None, id="5.2.14 502"),
        pytest.param(503, *UNAVAILABLE, id="5.2.14 503"),
        pytest.param(504, "timeout_error", "server_error", "timeout", id="5.2.15 504"),
        pytest.param(529, *UNAVAILABLE, id="5.2.16 529"),
    ],
)
def test_each_status_has_its_words(status, anthropics, openais, code):
    """Errors of our own have the same types, and codes of their own."""
    found = told(status, b"boom", MESSAGES)
    assert (found.status, found.body["error"]["type"]) == (status, anthropics)
    found = told(status, b"boom")
    error = found.body["error"]
    assert (error["type"], error["code"]) == (openais, code)
    assert found.status == (503 if status == 529 else status)
    own = ProxyError("boom")
    own.status = status
    assert error_body(MESSAGES, own, "r")["error"]["type"] == anthropics
    assert error_body(CHAT, own, "r")["error"]["type"] == openais


@pytest.mark.parametrize("code", ["server_is_overloaded", "slow_down"])
def test_5_2_14_the_upstreams_own_code_is_kept(code):
    assert told(503, {"error": {"message": "x", "code": code}}).body["error"]["code"] == code


def test_5_2_11_and_5_3_2_what_is_permanent_is_not_to_be_tried_again():
    """SDKs obey the header before they look at the status."""
    error = {"message": "x", "type": "insufficient_quota", "code": "insufficient_quota"}
    assert told(429, {"error": error}).headers == (("x-should-retry", "false"),)
    assert told(429, {"error": error}).body["error"]["type"] == "insufficient_quota"
    assert told(429, b"slow down").headers == ()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"text"'])
@pytest.mark.parametrize("client", [CHAT, MESSAGES, RESPONSES])
def test_5_3_7_no_json_in_a_200_is_an_error_that_sdks_understand(body, client):
    answer = convert_response(body, exchange(client, CHAT))
    assert answer.failure is not None
    assert answer.failure.status == 502
    assert answer.body["error"]["message"]
