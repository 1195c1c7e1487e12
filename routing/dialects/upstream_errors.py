"""What upstreams say when something goes wrong, in all their shapes; and the same said in a client's dialect.

The upstream's own sentence is always kept, because clients recover by its wording.
"""

import re
from collections.abc import Mapping
from typing import Any

from routing.dialects import Dialect
from routing.dialects.error_words import KINDS, STATUS_OF_WORD, words
from routing.dialects.events import UpstreamError
from routing.dialects.json import loads
from routing.dialects.sse import DONE_FRAME, data_frame, named_frame

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
# Upstreams quote what clients sent, so no text may take time by the square of its length.
_TOKENS = re.compile(r"(?<![\d,])(\d[\d,]{0,20})\s{0,9}(?:input |prompt )?tokens", re.IGNORECASE)
_MAXIMUM = re.compile(
    r"(?:context (?:length|size|window)[^\d]{0,40}|maximum[^\d]{0,40}|limit of )(\d[\d,]{0,20})", re.IGNORECASE
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
    known = words(error.status)
    kind = "insufficient_quota" if error.code == "insufficient_quota" else known.openai
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": code_for(error)}}


def code_for(error: UpstreamError) -> str | None:
    return error.code or words(error.status).code


def frame_for(error: UpstreamError, client: Dialect, request_id: str = "") -> bytes:
    """The error event inside a stream.  Responses need the whole response around it: their writer makes that."""
    body = body_for(error, client, request_id)
    if client is Dialect.MESSAGES:
        return named_frame(body)
    return data_frame(body) + DONE_FRAME


def _kind(error: UpstreamError) -> str:
    return error.kind if error.kind in KINDS else words(error.status).kind


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
    status = status or STATUS_OF_WORD.get(code) or STATUS_OF_WORD.get(kind) or 0
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
    title = re.search(r"<title[^<>]*>([^<]*)</title>", text, re.IGNORECASE)
    said = re.sub(r"<[^<>]*>", " ", title.group(1) if title else text)
    return " ".join(said.split()) or "The upstream answered with an error page."
