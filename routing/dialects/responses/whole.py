"""A whole answer as Responses have it: the items that a stream of the same answer would end with."""

from typing import Any

from routing.dialects.answer import Answer
from routing.dialects.events import FinishReason
from routing.dialects.exchange import Exchange
from routing.dialects.json import ObjectScanner
from routing.dialects.request import Part, Reasoning, Refusal, Text, ToolCall
from routing.dialects.responses import items


def body(answer: Answer) -> dict[str, Any]:
    """The whole response: the items that a stream of the same answer would end with."""
    exchange, finish = answer.exchange, answer.tally.finish
    answer.warnings += answer.tally.unsaid()
    parts = list(answer.parts)
    if finish is not None and finish.reason is FinishReason.REFUSAL and finish.explanation and not answer.refusal():
        parts.append(Refusal(finish.explanation))
    status = items.INCOMPLETE if answer.tally.reason() in items.CUT else items.COMPLETED
    output: list[dict[str, Any]] = []
    annotations = [items.annotation(cited) for cited in answer.citations]
    logprobs = answer.logprobs.copy()
    for part in parts:
        _add(part, output, exchange, annotations, logprobs, status)
    if output and output[-1]["type"] == "message":
        output[-1]["status"] = status
    return items.ended(exchange, items.response_id(exchange, answer.id), answer.tally, output)


def _add(
    part: Part,
    output: list[dict[str, Any]],
    exchange: Exchange,
    annotations: list[dict[str, Any]],
    logprobs: list[Any],
    status: str,
) -> None:
    index = len(output)
    if isinstance(part, ToolCall):
        called = items.Called(exchange, index, part.id, part.name, part.custom)
        output.append(called.item(called.text(part.arguments), items.COMPLETED if _is_whole(part) else status))
        return
    if isinstance(part, Reasoning):
        if part.text or part.signature or part.redacted or part.encrypted:
            output.append(items.reasoning(exchange, items.item_id(exchange, "rs", index), part))
        return
    assert isinstance(part, Text | Refusal)
    kind, member = (items.TEXT, "text") if isinstance(part, Text) else (items.REFUSAL, "refusal")
    message = output[-1] if output and output[-1]["type"] == "message" else None
    if message is not None and message["content"][-1]["type"] == kind:
        message["content"][-1][member] += part.text
        return
    if kind == items.TEXT and not part.text.strip():
        return
    if message is None:
        message = items.message(items.item_id(exchange, "msg", index), items.COMPLETED, [])
        output.append(message)
    if kind == items.REFUSAL:
        message["content"].append(items.refusal_part(part.text))
    else:
        message["content"].append(items.text_part(part.text, annotations.copy(), logprobs.copy()))
        annotations.clear()
        logprobs.clear()


def _is_whole(call: ToolCall) -> bool:
    scanner = ObjectScanner()
    scanner.feed(call.arguments)
    return not call.custom and scanner.is_complete()
