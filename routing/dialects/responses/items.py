"""What a Responses answer is made of: items, their parts, and the response around them."""

from collections.abc import Mapping
from typing import Any

from routing.dialects import Dialect, arguments, events, free_text, seals, upstream_errors
from routing.dialects.events import FinishReason, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.request import Reasoning
from routing.dialects.responses import usage as responses_usage
from routing.dialects.tally import Tally

COMPLETED, INCOMPLETE, IN_PROGRESS, FAILED = "completed", "incomplete", "in_progress", "failed"

TEXT, REFUSAL = "output_text", "refusal"  # parts of a message
CUT = frozenset({FinishReason.LENGTH, FinishReason.CONTEXT})
_INCOMPLETE_REASONS = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTEXT: "max_output_tokens",
    FinishReason.REFUSAL: "content_filter",
}
# What stands where the request said nothing: SDKs read these members without asking whether they are there.
_UNSAID: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
}


def response_id(exchange: Exchange, upstream_id: str) -> str:
    return upstream_id if upstream_id.startswith("resp_") else f"resp_{exchange.request_id}"


def item_id(exchange: Exchange, prefix: str, index: int) -> str:
    return f"{prefix}_{exchange.request_id}_{index}"


def response(
    exchange: Exchange, id: str, status: str, output: list[dict[str, Any]], usage: Any = None
) -> dict[str, Any]:
    """`store` is false whatever was asked for, as nothing is kept here, unless the upstream keeps it."""
    return {
        "id": id,
        "object": "response",
        "created_at": exchange.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": exchange.model,
        "output": output,
        "previous_response_id": None,
        **_UNSAID,
        "store": False,
        **exchange.echo,
        "usage": usage,
    }


def ended(exchange: Exchange, id: str, tally: Tally, output: list[dict[str, Any]]) -> dict[str, Any]:
    """The response at its end.  A refusal that says something is an answer; one that does not is a cut."""
    reason = _INCOMPLETE_REASONS.get(tally.reason())
    if reason == "content_filter" and has_refusal(output):
        reason = None
    usage = responses_usage.render(tally)
    final = response(exchange, id, INCOMPLETE if reason else COMPLETED, output, usage)
    if reason:
        final["incomplete_details"] = {"reason": reason}
    return final


def has_refusal(output: list[dict[str, Any]]) -> bool:
    return any(part["type"] == "refusal" for item in output for part in item.get("content", ()))


def error(failed: UpstreamError) -> dict[str, str]:
    """Codex decides by the code whether to try again, so there is always one."""
    code = upstream_errors.code_for(failed) or ("server_error" if failed.status >= 500 else "invalid_prompt")
    return {"code": code, "message": failed.message}


def message(id: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": id, "type": "message", "role": "assistant", "status": status, "content": content}


def text_part(text: str, annotations: list[dict[str, Any]], logprobs: list[Any]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs}


def refusal_part(text: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": text}


def annotation(cited: events.Citation) -> dict[str, Any]:
    where = {"start_index": cited.start, "end_index": cited.end}
    return {"type": "url_citation", **where, "title": cited.title, "url": cited.url}


def reasoning(exchange: Exchange, id: str, part: Reasoning) -> dict[str, Any]:
    """The text is the summary, whatever it was upstream: agents show summaries, and they send them back.

    An upstream of the same dialect gets requests as they are, so its own seal is handed out untouched.
    """
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    item: dict[str, Any] = {"id": id, "type": "reasoning", "summary": summary}
    sealed = part.encrypted if exchange.upstream is Dialect.RESPONSES else seals.seal(part)
    return {**item, "encrypted_content": sealed} if sealed else item


class Called:
    """A call in the client's words: custom tools and those of a group may have gone upstream as plain functions."""

    __slots__ = ("_head", "custom", "id", "is_search", "is_wrapped")

    def __init__(self, exchange: Exchange, index: int, call_id: str, name: str, custom: bool) -> None:
        self.is_wrapped = not custom and name in exchange.wrapped
        self.custom = custom or self.is_wrapped
        self.is_search = not custom and bool(exchange.search) and name == exchange.search
        if self.is_search:
            self.id = item_id(exchange, "tsc", index)
            self._head: dict[str, Any] = {"id": self.id, "type": "tool_search_call", "call_id": call_id}
            self._head["execution"] = "client"
            return
        self.id = item_id(exchange, "ctc" if self.custom else "fc", index)
        kind = "custom_tool_call" if self.custom else "function_call"
        self._head = {"id": self.id, "type": kind, "call_id": call_id, "name": name}
        if name in exchange.namespaces:
            self._head["namespace"], self._head["name"] = exchange.namespaces[name]

    def text(self, pieces: str) -> str:
        """The arguments or the input as the client gets them at the end."""
        if self.is_wrapped:
            return free_text.of(pieces)
        return pieces if self.custom or pieces.strip() else pieces + "{}"

    def item(self, text: str, status: str) -> dict[str, Any]:
        if self.is_search:  # has an object in this place, and no events while it arrives
            return {**self._head, "arguments": arguments.as_object(text)[0], "status": status}
        return {**self._head, "input" if self.custom else "arguments": text, "status": status}
