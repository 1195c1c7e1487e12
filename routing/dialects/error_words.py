"""What an error is called, by its status: Anthropic's type, OpenAI's type and code.  And from such a word to a status.

Facts: the official APIs' error references.  `status` 529 exists only in `messages`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What a status is called: Anthropic's type, OpenAI's type and code."""

    kind: str
    openai: str
    code: str | None = None


_BY_STATUS: Mapping[int, Words] = {
    400: Words("invalid_request_error", "invalid_request_error"),
    401: Words("authentication_error", "invalid_request_error", "invalid_api_key"),
    402: Words("billing_error", "insufficient_quota", "insufficient_quota"),
    403: Words("permission_error", "invalid_request_error"),
    404: Words("not_found_error", "invalid_request_error", "model_not_found"),
    405: Words("invalid_request_error", "invalid_request_error"),
    408: Words("timeout_error", "timeout"),
    409: Words("conflict_error", "conflict"),
    413: Words("request_too_large", "invalid_request_error"),
    422: Words("invalid_request_error", "invalid_request_error"),
    429: Words("rate_limit_error", "rate_limit_error", "rate_limit_exceeded"),
    500: Words("api_error", "server_error"),
    502: Words("api_error", "server_error"),
    503: Words("overloaded_error", "service_unavailable_error", "server_is_overloaded"),
    504: Words("timeout_error", "server_error", "timeout"),
    529: Words("overloaded_error", "service_unavailable_error", "server_is_overloaded"),
}
KINDS = frozenset(known.kind for known in _BY_STATUS.values())  # Anthropic's types
_BAD_REQUEST, _SERVER_ERROR = _BY_STATUS[400], _BY_STATUS[500]

# From the words inside an error to the status it would have had.
STATUS_OF_WORD: Mapping[str, int] = {
    "invalid_request_error": 400,
    "BadRequestError": 400,
    "exceed_context_size_error": 400,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "timeout": 504,
    "timeout_error": 504,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "usage_not_included": 429,
    "not_supported_error": 501,
    "unavailable_error": 503,
    "service_unavailable_error": 503,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "overloaded_error": 529,
    "server_error": 500,
    "api_error": 500,
}


def words(status: int) -> Words:
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    return _SERVER_ERROR if status >= 500 else _BAD_REQUEST
