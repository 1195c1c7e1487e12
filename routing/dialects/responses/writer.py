"""Events to the stream of Responses, and to the whole response.

An item of text or reasoning is closed when another kind of content begins; calls stay open side by side until the
upstream closes them or everything ends.  The response at the end lists the same items that were reported as done.
"""

from collections.abc import Callable
from typing import Any

import orjson

from routing.dialects import arguments, events, upstream_errors
from routing.dialects.answer import Answer
from routing.dialects.events import Event, FinishReason, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.request import Reasoning, ToolCall
from routing.dialects.responses import usage as responses_usage
from routing.dialects.sse import named_frame
from routing.dialects.tally import Tally

_MESSAGE, _REFUSAL, _REASONING = "output_text", "refusal", "reasoning_text"
_INCOMPLETE = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTEXT: "max_output_tokens",
    FinishReason.REFUSAL: "content_filter",
}


class _Call:
    __slots__ = ("index", "item", "pieces", "wrapped")

    def __init__(self, index: int, item: dict[str, Any], wrapped: bool) -> None:
        self.index = index
        self.item = item
        self.pieces: list[str] = []
        self.wrapped = wrapped  # its JSON arguments hold the free text of a custom tool


class ResponsesWriter:
    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._tally = Tally(exchange.prompt_estimate)
        self._out: list[bytes] = []
        self._id = f"resp_{exchange.request_id}"
        self._sequence = 0
        self._started = False
        self._ended = False
        self._output: dict[int, dict[str, Any]] = {}  # the items that are done, by their index
        self._next = 0  # output_index of the next item
        self._kind = ""  # of the open text or reasoning
        self._item: dict[str, Any] = {}
        self._index = 0
        self._pieces: list[str] = []
        self._annotations: list[dict[str, Any]] = []
        self._heads = (b"", b"")  # of a delta: before and after the sequence number
        self._calls: dict[int, _Call] = {}

    def feed(self, new: list[Event]) -> bytes:
        if self._ended:
            return b""
        for event in new:
            _ON[type(event)](self, event)
        out = b"".join(self._out)
        self._out.clear()
        return out

    def close(self) -> bytes:
        return b"" if self._ended else self.feed([events.Failed(upstream_errors.cut_off())])

    def _on_start(self, event: events.Start) -> None:
        if self._started:
            return
        self._started = True
        if event.usage is not None:
            self._tally.usage.update(event.usage)
        if event.id.startswith("resp_"):
            self._id = event.id
        for kind in ("response.created", "response.in_progress"):
            self._frame(kind, response=response(self._exchange, self._id, "in_progress"))

    def _on_text(self, event: events.Text) -> None:
        self._say(_MESSAGE, event.text)

    def _on_refusal(self, event: events.Refusal) -> None:
        self._say(_REFUSAL, event.text)

    def _on_reasoning(self, event: events.Reasoning) -> None:
        self._say(_REASONING, event.text)

    def _say(self, kind: str, text: str) -> None:
        if self._kind != kind:
            self._open(kind)
        self._tally.characters += len(text)
        self._pieces.append(text)
        before, after = self._heads
        self._out += (before, b"%d" % self._sequence, after, orjson.dumps(text), _DELTA_ENDS[kind])
        self._sequence += 1

    def _open(self, kind: str) -> None:
        self._close_item()
        self._kind = kind
        self._index = self._next
        if kind is _REASONING:
            self._item = {"id": self._item_id("rs"), "type": "reasoning", "summary": []}
            self._frame("response.output_item.added", output_index=self._index, item=self._item)
            part = {"type": "summary_text", "text": ""}
            self._part_frame("response.reasoning_summary_part.added", "summary_index", part=part)
            event, member = "response.reasoning_summary_text.delta", "summary_index"
        else:
            self._item = message(self._item_id("msg"), "in_progress", [])
            self._frame("response.output_item.added", output_index=self._index, item=self._item)
            self._part_frame("response.content_part.added", "content_index", part=_part(kind, "", []))
            event, member = f"response.{kind}.delta", "content_index"
        self._next += 1
        self._heads = (
            f'event: {event}\ndata: {{"type":"{event}","sequence_number":'.encode(),
            f',"item_id":"{self._item["id"]}","output_index":{self._index},"{member}":0,"delta":'.encode(),
        )

    def _close_item(self) -> None:
        kind = self._kind
        if not kind:
            return
        self._kind = ""
        text = "".join(self._pieces)
        self._pieces.clear()
        if kind is _REASONING:
            part = {"type": "summary_text", "text": text}
            self._part_frame("response.reasoning_summary_text.done", "summary_index", text=text)
            self._part_frame("response.reasoning_summary_part.done", "summary_index", part=part)
            self._done(self._index, {**self._item, "summary": [part]})
            return
        part = _part(kind, text, self._annotations)
        extra = {"refusal": text} if kind is _REFUSAL else {"text": text, "logprobs": []}
        self._part_frame(f"response.{kind}.done", "content_index", **extra)
        self._part_frame("response.content_part.done", "content_index", part=part)
        self._annotations = []
        self._done(self._index, {**self._item, "status": "completed", "content": [part]})

    def _on_reasoning_end(self, event: events.ReasoningEnd) -> None:
        if event.encrypted:
            if self._kind is not _REASONING:
                self._close_item()
                self._open(_REASONING)
            self._item["encrypted_content"] = event.encrypted
        if self._kind is _REASONING:
            self._close_item()

    def _ignore(self, event: Event) -> None:
        """Thinking that only its maker can read has no form here."""

    def _on_tool_start(self, event: events.ToolStart) -> None:
        self._close_item()
        self._tally.calls += 1
        name = self._exchange.client_name(event.name)
        wrapped = name in self._exchange.wrapped
        item = call_item(self._exchange, self._item_id("ctc" if wrapped or event.custom else "fc"), name, event.id)
        if event.custom and not wrapped:
            item = {**item, "type": "custom_tool_call", "input": ""}
            item.pop("arguments", None)
        call = self._calls[event.key] = _Call(self._next, item, wrapped)
        self._next += 1
        self._frame("response.output_item.added", output_index=call.index, item={**item, "status": "in_progress"})

    def _on_tool_arguments(self, event: events.ToolArguments) -> None:
        self._tally.characters += len(event.text)
        call = self._calls.get(event.key)
        if call is None:
            self.warnings.append("A piece of a tool call came after the call was closed; it was dropped.")
            return
        call.pieces.append(event.text)
        if not call.wrapped:
            self._call_frame(call, "delta", delta=event.text)

    def _on_tool_end(self, event: events.ToolEnd) -> None:
        call = self._calls.pop(event.key, None)
        if call is not None:
            self._close_call(call)

    def _close_call(self, call: _Call) -> None:
        text = "".join(call.pieces)
        if call.item["type"] == "custom_tool_call":
            member = "input"
            if call.wrapped:
                text = arguments.unwrapped(text)
                self._call_frame(call, "delta", delta=text)
        else:
            member = "arguments"
            text = text if text.strip() else "{}"
        self._call_frame(call, "done", **{member: text})
        self._done(call.index, {**call.item, member: text, "status": "completed"})

    def _call_frame(self, call: _Call, step: str, **members: Any) -> None:
        custom = call.item["type"] == "custom_tool_call"
        kind = f"response.{'custom_tool_call_input' if custom else 'function_call_arguments'}.{step}"
        self._frame(kind, item_id=call.item["id"], output_index=call.index, **members)

    def _on_citation(self, event: events.Citation) -> None:
        if self._kind is not _MESSAGE:
            self.warnings.append("A citation was left out: it belongs to no text.")
            return
        self._annotations.append(annotation(event))
        index = len(self._annotations) - 1
        self._part_frame(
            "response.output_text.annotation.added",
            "content_index",
            annotation_index=index,
            annotation=self._annotations[-1],
        )

    def _on_usage(self, event: events.UsageSeen) -> None:
        self._tally.usage.update(event.usage)

    def _on_finish(self, event: events.Finish) -> None:
        self._tally.finish = event

    def _on_failed(self, event: events.Failed) -> None:
        self._ended = True
        failed = response(self._exchange, self._id, "failed", output=self._done_items())
        self._frame("response.failed", response={**failed, "error": error(event.error)})

    def _on_end(self, event: events.End) -> None:
        self._ended = True
        self._close_item()
        for call in self._calls.values():
            self._close_call(call)
        final = ended(self._exchange, self._id, self._tally, self._done_items())
        self._frame(f"response.{final['status']}", response=final)

    def _done(self, index: int, item: dict[str, Any]) -> None:
        self._output[index] = item
        self._frame("response.output_item.done", output_index=index, item=item)

    def _done_items(self) -> list[dict[str, Any]]:
        return [self._output[index] for index in sorted(self._output)]

    def _item_id(self, prefix: str) -> str:
        return f"{prefix}_{self._exchange.request_id}_{self._next}"

    def _part_frame(self, kind: str, position: str, **members: Any) -> None:
        self._frame(kind, item_id=self._item["id"], output_index=self._index, **{position: 0}, **members)

    def _frame(self, kind: str, **members: Any) -> None:
        self._out.append(named_frame({"type": kind, "sequence_number": self._sequence, **members}))
        self._sequence += 1


_DELTA_ENDS = {_MESSAGE: b',"logprobs":[]}\n\n', _REFUSAL: b"}\n\n", _REASONING: b"}\n\n"}

_ON: dict[type[Event], Callable[[ResponsesWriter, Any], None]] = {
    events.Start: ResponsesWriter._on_start,
    events.Text: ResponsesWriter._on_text,
    events.Refusal: ResponsesWriter._on_refusal,
    events.Reasoning: ResponsesWriter._on_reasoning,
    events.ReasoningEnd: ResponsesWriter._on_reasoning_end,
    events.Redacted: ResponsesWriter._ignore,
    events.ToolStart: ResponsesWriter._on_tool_start,
    events.ToolArguments: ResponsesWriter._on_tool_arguments,
    events.ToolEnd: ResponsesWriter._on_tool_end,
    events.Citation: ResponsesWriter._on_citation,
    events.UsageSeen: ResponsesWriter._on_usage,
    events.Finish: ResponsesWriter._on_finish,
    events.Failed: ResponsesWriter._on_failed,
    events.End: ResponsesWriter._on_end,
}


def response(
    exchange: Exchange, id: str, status: str, output: list[dict[str, Any]] | None = None, usage: Any = None
) -> dict[str, Any]:
    return {
        "id": id,
        "object": "response",
        "created_at": exchange.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": exchange.model,
        "output": output or [],
        "previous_response_id": None,
        "store": False,
        **exchange.echo,
        "usage": usage,
    }


def ended(exchange: Exchange, id: str, tally: Tally, output: list[dict[str, Any]]) -> dict[str, Any]:
    reason = _INCOMPLETE.get(tally.reason())
    if reason == "content_filter" and _has_refusal(output):
        reason = None
    final = response(exchange, id, "incomplete" if reason else "completed", output, responses_usage.render(tally))
    if reason:
        final["incomplete_details"] = {"reason": reason}
    return final


def _has_refusal(output: list[dict[str, Any]]) -> bool:
    return any(part.get("type") == "refusal" for item in output for part in item.get("content") or ())


def error(failed: UpstreamError) -> dict[str, Any]:
    return {"code": upstream_errors.code_for(failed) or "server_error", "message": failed.message}


def message(id: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": id, "type": "message", "role": "assistant", "status": status, "content": content}


def _part(kind: str, text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    if kind is _REFUSAL:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def annotation(cited: events.Citation) -> dict[str, Any]:
    where = {"start_index": cited.start, "end_index": cited.end}
    return {"type": "url_citation", **where, "title": cited.title, "url": cited.url}


def call_item(exchange: Exchange, id: str, name: str, call_id: str) -> dict[str, Any]:
    """A call as the client knows its tools: custom ones and those of a namespace went upstream as plain functions."""
    if name in exchange.wrapped:
        return {"id": id, "type": "custom_tool_call", "call_id": call_id, "name": name, "input": ""}
    item = {"id": id, "type": "function_call", "call_id": call_id, "name": name, "arguments": ""}
    if name in exchange.namespaces:
        namespace, inner = exchange.namespaces[name]
        return {**item, "namespace": namespace, "name": inner}
    return item


def body(answer: Answer) -> dict[str, Any]:
    """The whole response."""
    exchange = answer.exchange
    output: list[dict[str, Any]] = []
    for part in answer.parts:
        item = _whole_item(part, exchange, len(output), answer)
        if item is not None:
            output.append(item)
    id = answer.id if answer.id.startswith("resp_") else f"resp_{exchange.request_id}"
    return ended(exchange, id, answer.tally, output)


def _whole_item(part: Any, exchange: Exchange, index: int, answer: Answer) -> dict[str, Any] | None:
    suffix = f"{exchange.request_id}_{index}"
    if isinstance(part, ToolCall):
        return _whole_call(part, exchange, suffix)
    if isinstance(part, Reasoning):
        if not part.text and not part.encrypted:
            return None
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        item: dict[str, Any] = {"id": f"rs_{suffix}", "type": "reasoning", "summary": summary}
        return {**item, "encrypted_content": part.encrypted} if part.encrypted else item
    kind = _REFUSAL if type(part).__name__ == "Refusal" else _MESSAGE
    annotations = [annotation(cited) for cited in answer.citations] if kind is _MESSAGE else []
    return message(f"msg_{suffix}", "completed", [_part(kind, part.text, annotations)])


def _whole_call(part: ToolCall, exchange: Exchange, suffix: str) -> dict[str, Any]:
    custom = part.custom or part.name in exchange.wrapped
    item = call_item(exchange, f"{'ctc' if custom else 'fc'}_{suffix}", part.name, part.id)
    if part.name in exchange.wrapped:
        return {**item, "input": arguments.unwrapped(part.arguments), "status": "completed"}
    if part.custom:
        item.pop("arguments")
        return {**item, "type": "custom_tool_call", "input": part.arguments, "status": "completed"}
    return {**item, "arguments": part.arguments if part.arguments.strip() else "{}", "status": "completed"}
