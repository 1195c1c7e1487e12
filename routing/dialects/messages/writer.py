"""Events to Anthropic's stream, and to its whole message.

A stream's blocks are numbered without gaps and never overlap.  Parallel calls of other dialects do overlap, so a call
that begins while another is open waits until the open one is a complete object, is closed, or everything ends.
"""

from typing import Any

import orjson

from routing.dialects import Dialect, arguments, events, names, seals
from routing.dialects.answer import Answer
from routing.dialects.events import FinishReason
from routing.dialects.exchange import Exchange
from routing.dialects.json import ObjectScanner
from routing.dialects.messages import usage as messages_usage
from routing.dialects.request import Part, Reasoning, Refusal, Text, ToolCall
from routing.dialects.sse import PING, named_frame
from routing.dialects.tally import Tally
from routing.dialects.writing import COMMON, StreamWriter

STOP_REASONS = {
    FinishReason.STOP: "end_turn",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.REFUSAL: "refusal",
    FinishReason.PAUSE: "pause_turn",
    FinishReason.CONTEXT: "model_context_window_exceeded",
}

NO_CITATION = "A citation was left out: Anthropic's form needs data that the upstream does not give."
_TEXT, _THINKING, _TOOL = "text", "thinking", "tool_use"
_DELTAS = {
    _TEXT: ("text_delta", "text"),
    _THINKING: ("thinking_delta", "thinking"),
    _TOOL: ("input_json_delta", "partial_json"),
}
_DELTA_END = b"}}\n\n"


class _Waiting:
    """A call that another open call keeps from being written."""

    __slots__ = ("ended", "event", "pieces")

    def __init__(self, event: events.ToolStart) -> None:
        self.event = event
        self.pieces: list[str] = []
        self.ended = False


class MessagesWriter(StreamWriter):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._kind = ""  # of the open block
        self._index = -1  # of the open block, else of the last one
        self._prefix = b""  # everything of the open block's delta before its text
        self._held: list[str] = []  # white space that may turn out to lead a text
        self._tool = -1  # key of the open call
        self._custom = False  # the open call's text must be wrapped
        self._scanner = ObjectScanner()
        self._waiting: dict[int, _Waiting] = {}

    def ping(self) -> bytes:
        """A sign of life in the middle of the message; nothing where there is no such middle."""
        return PING if self._started and not self._ended else b""

    def _begin(self, event: events.Start) -> None:
        message = skeleton(self._exchange, event.id)
        message["usage"] = {**messages_usage.prompt(self._tally), "output_tokens": 1}
        self._out.append(named_frame({"type": "message_start", "message": message}))

    def stand(self, place: Any) -> None:
        """`place` is the index and the kind of the block that the frames left open; no kind: of the last one."""
        index, kind = place
        self._held.clear()
        self._index = index
        if kind and kind != self._kind and kind not in (_TEXT, _THINKING):  # nothing that could go on
            self._frame("content_block_stop", index=index)
            kind = ""
        self._goes_on(kind)

    def _on_text(self, event: events.Text | events.Refusal) -> None:
        text = event.text
        if self._kind != _TEXT:
            if not text or text.isspace():
                self._held.append(text)
                return
            self._open(_TEXT, {"type": "text", "text": ""})
            text = "".join([*self._held, text])
            self._held.clear()
        self._delta(text)

    def _on_reasoning(self, event: events.Reasoning) -> None:
        if self._kind != _THINKING:
            self._open_thinking()
        self._delta(event.text)

    def _on_reasoning_end(self, event: events.ReasoningEnd) -> None:
        seal = Reasoning("", event.signature, encrypted=event.encrypted, id=event.id)
        if signature := seals.signature(seal, self._exchange.upstream):
            if self._kind != _THINKING:
                self._open_thinking()
            delta = {"type": "signature_delta", "signature": signature}
            self._frame("content_block_delta", index=self._index, delta=delta)
        if self._kind == _THINKING:
            self._close_block()

    def _on_redacted(self, event: events.Redacted) -> None:
        self._open("redacted_thinking", {"type": "redacted_thinking", "data": event.data})
        self._close_block()

    def _on_tool_start(self, event: events.ToolStart) -> None:
        self._tally.calls += 1
        self._held.clear()
        if self._kind == _TOOL and not self._scanner.is_complete():
            self._waiting[event.key] = _Waiting(event)
            return
        self._open_tool(event)

    def _on_tool_arguments(self, event: events.ToolArguments) -> None:
        if event.key == self._tool:
            self._tool_delta(event.text)
            if self._waiting:
                self._advance()
        elif event.key in self._waiting:
            self._waiting[event.key].pieces.append(event.text)
        else:
            self.warnings.append("A piece of a tool call came after the call was closed; it was dropped.")

    def _on_tool_end(self, event: events.ToolEnd) -> None:
        if event.key == self._tool:
            self._close_block()
            self._advance()
        elif event.key in self._waiting:
            self._waiting[event.key].ended = True

    def _on_citation(self, event: events.Citation) -> None:
        self.warnings.append(NO_CITATION)

    def _on_end(self, event: events.End) -> None:
        self._ended = True
        self._close_block()
        self._flush_waiting()
        self._frame("message_delta", delta=stop(self._tally), usage=messages_usage.render(self._tally))
        self._frame("message_stop")

    def _advance(self) -> None:
        """Lets waiting calls be written for as long as the one before them is complete."""
        while self._waiting and (self._kind != _TOOL or self._scanner.is_complete()):
            self._write_waiting(next(iter(self._waiting)))

    def _flush_waiting(self) -> None:
        while self._waiting:
            self._write_waiting(next(iter(self._waiting)))
        self._close_block()

    def _write_waiting(self, key: int) -> None:
        call = self._waiting.pop(key)
        self._open_tool(call.event)
        if call.pieces:
            self._tool_delta("".join(call.pieces))
        if call.ended:
            self._close_block()

    def _open_thinking(self) -> None:
        self._open(_THINKING, {"type": "thinking", "thinking": "", "signature": ""})

    def _open_tool(self, event: events.ToolStart) -> None:
        self._close_block()
        name = self._exchange.client_name(event.name)
        self._start_block(_TOOL, {"type": "tool_use", "id": names.plain_id(event.id), "name": name, "input": {}})
        self._tool = event.key
        self._custom = event.custom
        self._scanner = ObjectScanner()
        if event.custom:
            self._delta(arguments.WRAP_PREFIX)

    def _tool_delta(self, text: str) -> None:
        if self._custom:
            text = arguments.escaped(text)
        else:
            self._scanner.feed(text)
        self._delta(text)

    def _open(self, kind: str, block: dict[str, Any]) -> None:
        self._close_block()
        self._flush_waiting()
        self._start_block(kind, block)

    def _start_block(self, kind: str, block: dict[str, Any]) -> None:
        self._index += 1
        self._frame("content_block_start", index=self._index, content_block=block)
        self._goes_on(kind)

    def _goes_on(self, kind: str) -> None:
        self._kind = kind
        if kind in _DELTAS:
            type, member = _DELTAS[kind]
            self._prefix = (
                f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{self._index},'
                f'"delta":{{"type":"{type}","{member}":'
            ).encode()

    def _close_block(self) -> None:
        if not self._kind:
            return
        if self._kind == _TOOL:
            if self._custom:
                self._delta(arguments.WRAP_SUFFIX)
            self._tool = -1
        self._kind = ""
        self._frame("content_block_stop", index=self._index)

    def _delta(self, text: str) -> None:
        self._tally.characters += len(text)
        self._out += (self._prefix, orjson.dumps(text), _DELTA_END)

    def _frame(self, type: str, **members: Any) -> None:
        self._out.append(named_frame({"type": type, **members}))


MessagesWriter.handlers = {
    **COMMON,
    events.Text: MessagesWriter._on_text,
    events.Refusal: MessagesWriter._on_text,
    events.Reasoning: MessagesWriter._on_reasoning,
    events.ReasoningEnd: MessagesWriter._on_reasoning_end,
    events.Redacted: MessagesWriter._on_redacted,
    events.ToolStart: MessagesWriter._on_tool_start,
    events.ToolArguments: MessagesWriter._on_tool_arguments,
    events.ToolEnd: MessagesWriter._on_tool_end,
    events.Citation: MessagesWriter._on_citation,
    events.End: MessagesWriter._on_end,
}


def skeleton(exchange: Exchange, upstream_id: str) -> dict[str, Any]:
    id = upstream_id if upstream_id.startswith("msg_") else f"msg_{exchange.request_id}"
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": exchange.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def stop(tally: Tally) -> dict[str, Any]:
    reason = tally.reason()
    said: dict[str, Any] = {"stop_reason": STOP_REASONS[reason], "stop_sequence": tally.stop_sequence()}
    if reason is FinishReason.REFUSAL and tally.finish and tally.finish.explanation:
        said["stop_details"] = {"type": "refusal", "category": None, "explanation": tally.finish.explanation}
    return said


def body(answer: Answer) -> dict[str, Any]:
    """The whole message."""
    answer.warnings += [NO_CITATION for _ in answer.citations]
    content = [block for part in answer.parts for block in _block(part, answer.exchange.upstream)]
    return {
        **skeleton(answer.exchange, answer.id),
        "content": content,
        **stop(answer.tally),
        "usage": messages_usage.render(answer.tally),
    }


def _block(part: Part, upstream: Dialect) -> list[dict[str, Any]]:
    if isinstance(part, Text | Refusal):
        return [{"type": "text", "text": part.text}] if part.text.strip() else []
    if isinstance(part, ToolCall):
        given = {arguments.INPUT: part.arguments} if part.custom else arguments.as_object(part.arguments)[0]
        return [{"type": "tool_use", "id": names.plain_id(part.id), "name": part.name, "input": given}]
    assert isinstance(part, Reasoning)
    if part.redacted:
        return [{"type": "redacted_thinking", "data": part.redacted}]
    signature = seals.signature(part, upstream)
    if not part.text and not signature:
        return []
    return [{"type": "thinking", "thinking": part.text, "signature": signature}]
