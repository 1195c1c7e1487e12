import orjson
import pytest

from routing.dialects import Dialect
from routing.dialects.errors import error_body, error_frame
from routing.errors import BadRequest, ProxyError, ThreadNotKept, UpstreamBroken

OPENAI = [dialect for dialect in Dialect if dialect is not Dialect.MESSAGES]


def problem(status):
    error = ProxyError("Something is wrong.")
    error.status = status
    return error


@pytest.mark.parametrize("dialect", OPENAI)
def test_openais_shape_carries_message_type_code_and_request_id(dialect):
    assert error_body(dialect, BadRequest("No model."), "req_1") == {
        "error": {
            "message": "No model.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_request",
            "request_id": "req_1",
        }
    }


def test_anthropics_shape_carries_type_message_and_request_id():
    assert error_body(Dialect.MESSAGES, BadRequest("No model."), "req_1") == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "No model."},
        "request_id": "req_1",
    }


def test_a_refused_thread_carries_the_code_at_which_sdks_send_the_whole_conversation():
    error = error_body(Dialect.MESSAGES, ThreadNotKept("No thread."), "req_1")["error"]
    assert error["details"] == {"error_code": "thread_unsupported_request"}


@pytest.mark.parametrize(
    ("status", "messages", "openai"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "authentication_error", "invalid_request_error"),
        (404, "not_found_error", "invalid_request_error"),
        (405, "invalid_request_error", "invalid_request_error"),
        (413, "request_too_large", "invalid_request_error"),
        (429, "rate_limit_error", "rate_limit_error"),
        (500, "api_error", "server_error"),
        (502, "api_error", "server_error"),
        (503, "overloaded_error", "service_unavailable_error"),
        (504, "timeout_error", "server_error"),
        (529, "overloaded_error", "service_unavailable_error"),
    ],
)
def test_each_status_has_its_type(status, messages, openai):
    assert error_body(Dialect.MESSAGES, problem(status), "r")["error"]["type"] == messages
    assert error_body(Dialect.CHAT, problem(status), "r")["error"]["type"] == openai


@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.COMPLETIONS, Dialect.GENERATE])
def test_a_broken_stream_ends_with_the_error_and_done(dialect):
    error, done, rest = error_frame(dialect, UpstreamBroken("Gone."), "req_1").split(b"\n\n")
    assert orjson.loads(error.removeprefix(b"data: ")) == error_body(dialect, UpstreamBroken("Gone."), "req_1")
    assert (done, rest) == (b"data: [DONE]", b"")


def test_a_broken_messages_stream_ends_with_an_error_event():
    name, data, *rest = error_frame(Dialect.MESSAGES, UpstreamBroken("Gone."), "req_1").split(b"\n")
    assert name == b"event: error"
    assert orjson.loads(data.removeprefix(b"data: "))["error"] == {"type": "api_error", "message": "Gone."}
    assert rest == [b"", b""]


def test_a_broken_responses_stream_ends_with_a_failed_response():
    name, data, *rest = error_frame(Dialect.RESPONSES, UpstreamBroken("Gone."), "req_1").split(b"\n")
    payload = orjson.loads(data.removeprefix(b"data: "))
    assert name == b"event: response.failed"
    assert payload["type"] == "response.failed"
    assert payload["response"]["status"] == "failed"
    assert payload["response"]["error"] == {"code": "upstream_broken", "message": "Gone."}
    assert rest == [b"", b""]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_message_of_several_lines_stays_one_event(dialect):
    whole = error_frame(dialect, BadRequest("one\n\ntwo\r\nthree"), "r")
    expected = 2 if dialect in (Dialect.CHAT, Dialect.COMPLETIONS, Dialect.GENERATE) else 1
    assert whole.count(b"\n\n") == expected
    assert b"\r" not in whole
