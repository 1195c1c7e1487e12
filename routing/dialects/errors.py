"""Our own errors in each dialect's shape: as the body of an answer, and as an event of a stream that runs already."""

from typing import Any

import orjson

from routing.dialects import Dialect
from routing.dialects.error_words import words
from routing.errors import ProxyError, ThreadNotKept


def error_body(dialect: Dialect, error: ProxyError, request_id: str) -> dict[str, Any]:
    """The JSON body of an error answer."""
    if dialect is Dialect.MESSAGES:
        detail: dict[str, Any] = {"type": words(error.status).kind, "message": error.message}
        if isinstance(error, ThreadNotKept):
            detail["details"] = {"error_code": error.code}
        return {"type": "error", "error": detail, "request_id": request_id}
    return {
        "error": {
            "message": error.message,
            "type": words(error.status).openai,
            "param": None,
            "code": error.code,
            "request_id": request_id,
        }
    }


def error_frame(dialect: Dialect, error: ProxyError, request_id: str, number: int = 0) -> bytes:
    """The bytes that end a stream which cannot go on.  Never a made-up finish: the client must see that it failed.

    `number`: of events that were sent before, where the dialect counts them.
    """
    if dialect is Dialect.RESPONSES:
        return _event(b"response.failed", _failed_response(error, request_id, number))
    body = error_body(dialect, error, request_id)
    if dialect is Dialect.MESSAGES:
        return _event(b"error", body)
    return b"data: " + orjson.dumps(body) + b"\n\ndata: [DONE]\n\n"


def _failed_response(error: ProxyError, request_id: str, number: int) -> dict[str, Any]:
    return {
        "type": "response.failed",
        "sequence_number": number,
        "response": {
            "id": f"resp_{request_id}",
            "object": "response",
            "status": "failed",
            "error": {"code": error.code, "message": error.message},
            "output": [],
        },
    }


def _event(name: bytes, payload: dict[str, Any]) -> bytes:
    return b"event: " + name + b"\ndata: " + orjson.dumps(payload) + b"\n\n"
