"""What upstreams say when something goes wrong, in all their shapes; and the same said in a client's dialect.

Statuses and words follow two tables: Anthropic's error types by status, OpenAI's type and code by status.  The
upstream's own sentence is always kept, because clients recover by its wording.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.dialects import Dialect
from routing.dialects.events import UpstreamError
from routing.dialects.json import loads
from routing.dialects.sse import DONE_FRAME, data_frame, named_frame


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
_BAD_REQUEST, _SERVER_ERROR = _BY_STATUS[400], _BY_STATUS[500]

# From the words inside an error to the status it would have had.
_BY_WORD: Mapping[str, int] = {
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

CONTEXT = "context_length_exceeded"
PERMANENT = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "usage_not_included", "billing_hard_limit_reached"}
)

_OVERFLOW = re.compile(
    r"maximum context length|longer than the model's context|exceeds? (the )?(available |model'?s? )?context"
    r"|context (length|size|window)[^.]{0,40}(exceed|overflow|too)|prompt is too long|input (length|is) (and|too long)"
    r"|greater than the context length|exceed_context_size|exceeds the limit of \d+ tokens",
    re.IGNORECASE,
)
_NO_ANSWER = 502  # what came inside of a 200 was neither an answer nor an error that its maker meant
_TOKENS = re.compile(r"(\d[\d,]*)\s*(?:input |prompt )?tokens", re.IGNORECASE)
_MAXIMUM = re.compile(
    r"(?:context (?:length|size|window)[^\d]{0,40}|maximum[^\d]{0,40}|limit of )(\d[\d,]*)", re.IGNORECASE
)


def is_error(body: Mapping[str, Any]) -> bool:
    return bool(body.get("error") or body.get("object") == "error" or body.get("type") == "error" or body.get("detail"))


def of_body(body: Any, otherwise: str = "The upstream reported an error.", status: int = 0) -> UpstreamError:
    """An error object in any shape.  `status` is the real one, 0 when it came inside of a 200."""
    if not isinstance(body, dict):
        return _made(status, otherwise if body in (None, "") else str(body)[:500], {}, _NO_ANSWER)
    inner = body.get("error")
    found = inner if isinstance(inner, dict) else body
    message = _sentence(found, inner, body) or otherwise
    return _made(status, message, found)


def of_text(data: bytes, status: int = 0) -> UpstreamError:
    """A body that may be JSON, HTML, plain text or nothing."""
    try:
        body = loads(data) if data.strip() else None
    except ValueError:
        text = data.decode("utf-8", "replace").strip()
        return _made(status, _without_markup(text)[:500], {}, _NO_ANSWER)
    return of_body(body, "The upstream answered with an error and gave no reason.", status)


def cut_off() -> UpstreamError:
    return UpstreamError(
        502, "The upstream's answer broke off before it was complete. Try again.", "api_error", "upstream_broken"
    )


def nothing_said() -> UpstreamError:
    return UpstreamError(
        502, "The upstream ended its answer without saying anything. Try again.", "api_error", "upstream_broken"
    )


def words(error: UpstreamError) -> Words:
    found = _BY_STATUS.get(error.status)
    if found is not None:
        return found
    return _SERVER_ERROR if error.status >= 500 else _BAD_REQUEST


def status_for(error: UpstreamError, client: Dialect) -> int:
    """529 is Anthropic's own; the others say 503."""
    return 503 if error.status == 529 and client is not Dialect.MESSAGES else error.status


def is_permanent(error: UpstreamError) -> bool:
    """Retrying cannot help, although the status says that it may."""
    return error.code in PERMANENT or error.kind in PERMANENT or error.status == 402


def body_for(error: UpstreamError, client: Dialect, request_id: str = "") -> dict[str, Any]:
    if client is Dialect.MESSAGES:
        named = {"request_id": request_id} if request_id else {}
        return {"type": "error", "error": {"type": _kind(error), "message": _message(error)}, **named}
    if client is Dialect.GENERATE:
        return {"error": {"message": error.message}}
    known = words(error)
    kind = "insufficient_quota" if error.code == "insufficient_quota" else known.openai
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": code_for(error)}}


def code_for(error: UpstreamError) -> str | None:
    return error.code or words(error).code


def frame_for(error: UpstreamError, client: Dialect, request_id: str = "") -> bytes:
    """The error event inside a stream.  Responses need the whole response around it: their writer makes that."""
    body = body_for(error, client, request_id)
    if client is Dialect.MESSAGES:
        return named_frame(body)
    return data_frame(body) + DONE_FRAME


def _kind(error: UpstreamError) -> str:
    return error.kind if error.kind in {known.kind for known in _BY_STATUS.values()} else words(error).kind


def _message(error: UpstreamError) -> str:
    """Claude Code looks for "prompt is too long" to know that it must compact."""
    if error.code != CONTEXT or "prompt is too long" in error.message:
        return error.message
    used, limit = _numbers(error.message)
    if used and limit:
        return f"prompt is too long: {used} tokens > {limit} maximum ({error.message})"
    return f"prompt is too long: {error.message}"


def _numbers(message: str) -> tuple[int, int]:
    maximum = _MAXIMUM.search(message)
    limit = int(maximum.group(1).replace(",", "")) if maximum else 0
    counts = [int(number.replace(",", "")) for number in _TOKENS.findall(message)]
    return max((number for number in counts if number > limit), default=0), limit


def _made(status: int, message: str, found: Mapping[str, Any], otherwise: int = 500) -> UpstreamError:
    """`otherwise` is the status when neither the upstream's status nor its words give one."""
    kind, code = _word(found.get("type")), _word(found.get("code"))
    if kind == "error":
        kind = ""
    if code.isdigit():
        status = status or _plausible(int(code))
        code = ""
    status = status or _BY_WORD.get(code) or _BY_WORD.get(kind) or 0
    if status < 500 and status != 429 and _is_overflow(kind, code, message):
        code, status = CONTEXT, 400
        message = _with_counts(message, found)
    elif kind == "insufficient_quota" and not code:
        code = kind
    param = found.get("param")
    return UpstreamError(status or otherwise, message, kind, code, param if isinstance(param, str) else None)


def _is_overflow(kind: str, code: str, message: str) -> bool:
    return code == CONTEXT or kind == "exceed_context_size_error" or _OVERFLOW.search(message) is not None


def _with_counts(message: str, found: Mapping[str, Any]) -> str:
    """llama.cpp says the counts beside its sentence."""
    used, limit = found.get("n_prompt_tokens"), found.get("n_ctx")
    if isinstance(used, int) and isinstance(limit, int) and "prompt is too long" not in message:
        return f"prompt is too long: {used} tokens > {limit} maximum ({message})"
    return message


def _plausible(number: int) -> int:
    return number if 400 <= number <= 599 else 0


def _word(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _sentence(found: Mapping[str, Any], inner: Any, body: Mapping[str, Any]) -> str:
    candidates = (found.get("message"), inner, body.get("message"), _detail(body.get("detail")))
    return next((text for text in candidates if isinstance(text, str) and text), "")


def _detail(detail: Any) -> str:
    """FastAPI: a text, or a list of what is wrong with which field."""
    if isinstance(detail, list):
        said = [item.get("msg") for item in detail if isinstance(item, dict)]
        return "; ".join(text for text in said if isinstance(text, str))
    return detail if isinstance(detail, str) else ""


def _without_markup(text: str) -> str:
    if not text.startswith("<"):
        return text or "The upstream answered with an error and gave no reason."
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    said = re.sub(r"<[^>]*>", " ", title.group(1) if title else text)
    return " ".join(said.split()) or "The upstream answered with an error page."
