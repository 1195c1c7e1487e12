"""Our own errors in each dialect's shape: as the body of an answer, and as an event of a stream that runs already.

Shapes and types: the official APIs' error references.  `status` 529 exists only in `messages`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from routing.dialects import Dialect
from routing.errors import ProxyError, ThreadNotKept

_MESSAGES_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OPENAI_TYPES: Mapping[int, str] = {
    408: "timeout",
    409: "conflict",
    429: "rate_limit_error",
    503: "service_unavailable_error",
    504: "timeout",
}


def _messages_type(status: int) -> str:
    return _MESSAGES_TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")


def _openai_type(status: int) -> str:
    return _OPENAI_TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")


def error_body(dialect: Dialect, error: ProxyError, request_id: str) -> dict[str, Any]:
    """The JSON body of an error answer."""
    if dialect is Dialect.MESSAGES:
        detail: dict[str, Any] = {"type": _messages_type(error.status), "message": error.message}
        if isinstance(error, ThreadNotKept):
            detail["details"] = {"error_code": error.code}
        return {"type": "error", "error": detail, "request_id": request_id}
    return {
        "error": {
            "message": error.message,
            "type": _openai_type(error.status),
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
