"""Anthropic's stream, or its whole message, to events."""

from collections.abc import Callable, Mapping
from typing import Any

from routing.dialects import upstream_errors
from routing.dialects.events import (
    Citation,
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Redacted,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UsageSeen,
    member,
    members,
)
from routing.dialects.exchange import Exchange
from routing.dialects.json import dumps_text, object_of
from routing.dialects.messages import usage as messages_usage
from routing.dialects.sse import DONE, Frame

_REASONS: Mapping[str, FinishReason] = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "max_tokens": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.REFUSAL,
    "pause_turn": FinishReason.PAUSE,
    "model_context_window_exceeded": FinishReason.CONTEXT,
    "compaction": FinishReason.STOP,
}


class _Block:
    __slots__ = ("has_arguments", "input", "key", "kind", "signature")

    def __init__(self, kind: str, key: int = -1, input: Any = None) -> None:
        self.kind = kind
        self.key = key
        self.input = input
        self.has_arguments = False
        self.signature = ""


class MessagesReader:
    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._blocks: dict[int | None, _Block] = {}
        self._calls = 0
        self._started = False
        self._ended = False
        self._finish: Finish | None = None

    @property
    def finish(self) -> Finish | None:
        """What the upstream has said of it so far; the event comes with the end."""
        return self._finish

    def feed(self, frame: Frame) -> list[Event]:
        name, data = frame
        if self._ended:
            return []
        payload = object_of(data)
        if payload is None:
            return self._unreadable(data)
        kind = payload.get("type") or name.decode("utf-8", "replace")
        if kind == "content_block_delta":
            return self._delta(payload)
        handler = _ON.get(kind) if isinstance(kind, str) else None
        if handler is not None:
            return handler(self, payload)
        return self._fail(payload) if upstream_errors.is_error(payload) else []

    def whole(self, body: dict[str, Any]) -> list[Event]:
        if upstream_errors.is_error(body):
            return self._fail(body)
        events = self._message_start({"message": body})
        for block in members(body, "content"):
            events += self._whole_block(block)
        self._message_delta({"delta": body})
        return events + self.close()

    def close(self) -> list[Event]:
        if self._ended:
            return []
        if self._finish is None:
            self._ended = True
            return [Failed(upstream_errors.cut_off())]
        return self._message_stop({})

    def _whole_block(self, block: dict[str, Any]) -> list[Event]:
        events = self._block_start({"content_block": block})
        if block.get("type") == "text":
            for citation in members(block, "citations"):
                events += self._citation(citation)
        return events + self._block_stop({})

    def _message_start(self, payload: dict[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = True
        message = member(payload, "message")
        usage = messages_usage.parse(message.get("usage"))
        if usage is not None and usage.output == 0:
            usage.output = None
        id, model = message.get("id"), message.get("model")
        return [Start(id if isinstance(id, str) else "", model if isinstance(model, str) else "", usage)]

    def _block_start(self, payload: dict[str, Any]) -> list[Event]:
        events = [] if self._started else self._message_start({})
        block = member(payload, "content_block")
        kind = block.get("type")
        state = self._blocks[_index(payload)] = _Block(str(kind))
        match kind:
            case "text":
                events += [Text(block["text"])] if _said(block, "text") else []
            case "thinking":
                events += [Reasoning(block["thinking"])] if _said(block, "thinking") else []
                state.signature = block["signature"] if _said(block, "signature") else ""
            case "redacted_thinking":
                events += [Redacted(block["data"])] if _said(block, "data") else []
            case "tool_use":
                state.key, state.input = self._calls, block.get("input")
                self._calls += 1
                id = block["id"] if _said(block, "id") else self._exchange.call_id(state.key)
                events.append(ToolStart(state.key, id, block["name"] if _said(block, "name") else ""))
            case _:
                self.warnings.append(
                    f"A block of type {kind} in the answer was left out: it exists only at Anthropic's."
                )
        return events

    def _delta(self, payload: dict[str, Any]) -> list[Event]:
        block = self._blocks.get(_index(payload))
        delta = payload.get("delta")
        if block is None or not isinstance(delta, dict):
            return []
        kind = delta.get("type")
        if kind == "text_delta":
            return [Text(delta["text"])] if _said(delta, "text") else []
        if kind == "input_json_delta":
            if block.key < 0 or not _said(delta, "partial_json"):
                return []
            block.has_arguments = True
            return [ToolArguments(block.key, delta["partial_json"])]
        if kind == "thinking_delta":
            return [Reasoning(delta["thinking"])] if _said(delta, "thinking") else []
        if kind == "signature_delta":
            block.signature += delta["signature"] if _said(delta, "signature") else ""
        elif kind == "citations_delta":
            return self._citation(delta.get("citation"))
        return []

    def _citation(self, citation: Any) -> list[Event]:
        if isinstance(citation, dict) and isinstance(citation.get("url"), str):
            return [Citation(citation["url"], str(citation.get("title") or ""))]
        self.warnings.append("A citation was left out: it points into a document, which only Anthropic's form can say.")
        return []

    def _block_stop(self, payload: dict[str, Any]) -> list[Event]:
        block = self._blocks.pop(_index(payload), None)
        if block is None:
            return []
        if block.kind == "thinking":
            return [ReasoningEnd(block.signature)]
        if block.key < 0:
            return []
        events: list[Event] = []
        if not block.has_arguments:
            given = block.input if isinstance(block.input, dict) else {}
            events.append(ToolArguments(block.key, dumps_text(given)))
        return [*events, ToolEnd(block.key)]

    def _message_delta(self, payload: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        usage = messages_usage.parse(payload.get("usage"))
        if usage is not None:
            events.append(UsageSeen(usage))
        delta = member(payload, "delta")
        reason = delta.get("stop_reason")
        if isinstance(reason, str):
            known = _REASONS.get(reason, FinishReason.STOP)
            if known is FinishReason.PAUSE:
                self.warnings.append("The upstream paused its turn; the client cannot be told that it should go on.")
            stop = delta.get("stop_sequence")
            explanation = member(delta, "stop_details").get("explanation")
            self._finish = Finish(
                known,
                stop if isinstance(stop, str) else None,
                explanation if isinstance(explanation, str) else "",
            )
        return events

    def _message_stop(self, payload: dict[str, Any]) -> list[Event]:
        self._ended = True
        open_calls = [ToolEnd(block.key) for block in self._blocks.values() if block.key >= 0]
        started = [] if self._started else self._message_start({})
        return [*started, *open_calls, self._finish or Finish(FinishReason.STOP), End()]

    def _fail(self, payload: dict[str, Any]) -> list[Event]:
        self._ended = True
        return [Failed(upstream_errors.of_body(payload))]

    def _ignore(self, payload: dict[str, Any]) -> list[Event]:
        return []

    def _unreadable(self, data: bytes) -> list[Event]:
        if data.strip() == DONE:
            return self.close()
        if not self._started:
            self._ended = True
            return [Failed(upstream_errors.of_text(data))]
        self.warnings.append("The upstream sent a line that is not JSON; it was skipped.")
        return []


def _index(payload: dict[str, Any]) -> int | None:
    """Which block an event is about."""
    index = payload.get("index")
    return index if isinstance(index, int) else None


def _said(value: Mapping[str, Any], name: str) -> bool:
    """There is a text, and it is not empty."""
    return bool(value.get(name)) and isinstance(value[name], str)


_ON: dict[str, Callable[[MessagesReader, dict[str, Any]], list[Event]]] = {
    "message_start": MessagesReader._message_start,
    "content_block_start": MessagesReader._block_start,
    "content_block_stop": MessagesReader._block_stop,
    "message_delta": MessagesReader._message_delta,
    "message_stop": MessagesReader._message_stop,
    "error": MessagesReader._fail,
    "ping": MessagesReader._ignore,
}
