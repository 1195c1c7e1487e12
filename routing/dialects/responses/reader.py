"""The stream of Responses, or the whole response, to events.

Relays and local servers leave out parts of the protocol: an item's text may come in deltas, only when the item is
done, or only with the completed response.  So each item remembers what was said of it already.
"""

from collections.abc import Callable, Mapping
from typing import Any

from routing.dialects import upstream_errors
from routing.dialects.chat.reader import citation
from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Refusal,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UpstreamError,
    UsageSeen,
    member,
)
from routing.dialects.exchange import Exchange
from routing.dialects.json import dumps_text, loads
from routing.dialects.responses import usage as responses_usage
from routing.dialects.sse import DONE, Frame

_CALLS = frozenset({"function_call", "custom_tool_call"})


class _Item:
    __slots__ = ("done", "key", "said", "summary")

    def __init__(self) -> None:
        self.key = -1  # of a call
        self.said = False  # its text or arguments have come
        self.summary: Any = None  # index of the summary part that is open
        self.done = False


class ResponsesReader:
    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._items: dict[Any, _Item] = {}
        self._calls = 0
        self._started = False
        self._ended = False

    def feed(self, frame: Frame) -> list[Event]:
        if self._ended:
            return []
        name, data = frame
        try:
            payload = loads(data)
        except ValueError:
            return self._unreadable(data)
        if not isinstance(payload, dict):
            return self._unreadable(data)
        kind = payload.get("type") or name.decode("utf-8", "replace")
        handler = _ON.get(kind)
        if handler is not None:
            return handler(self, payload)
        return self._on_error(payload) if not payload.get("type") and upstream_errors.is_error(payload) else []

    def whole(self, body: dict[str, Any]) -> list[Event]:
        if body.get("status") not in ("failed", "cancelled") and upstream_errors.is_error(body):
            return self._on_error(body)
        wrapped = {"response": body}
        return self._on_start(wrapped) + self._on_terminal(wrapped)

    def close(self) -> list[Event]:
        return [] if self._ended else self._fail(upstream_errors.cut_off())

    def _on_start(self, payload: dict[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = True
        response = member(payload, "response")
        id, model = response.get("id"), response.get("model")
        return [Start(id if isinstance(id, str) else "", model if isinstance(model, str) else "")]

    def _item(self, payload: Mapping[str, Any]) -> _Item:
        return self._items.setdefault(payload.get("output_index"), _Item())

    def _on_added(self, payload: dict[str, Any]) -> list[Event]:
        events = self._on_start({})
        item = member(payload, "item")
        if item.get("type") in _CALLS:
            events += self._call(self._item(payload), item)
        return events

    def _call(self, state: _Item, item: Mapping[str, Any]) -> list[Event]:
        if state.key >= 0 or not isinstance(item.get("name"), str):
            return []
        state.key = self._calls
        self._calls += 1
        id = item.get("call_id") or item.get("id") or self._exchange.call_id(state.key)
        return [ToolStart(state.key, str(id), item["name"], item["type"] == "custom_tool_call")]

    def _on_text(self, payload: dict[str, Any]) -> list[Event]:
        return self._delta(payload, Text)

    def _on_refusal(self, payload: dict[str, Any]) -> list[Event]:
        return self._delta(payload, Refusal)

    def _delta(self, payload: dict[str, Any], kind: Callable[[str], Event]) -> list[Event]:
        delta = payload.get("delta")
        if not delta or not isinstance(delta, str):
            return []
        events = [] if self._started else self._on_start({})
        self._item(payload).said = True
        return [*events, kind(delta)]

    def _on_reasoning(self, payload: dict[str, Any]) -> list[Event]:
        """A blank line stands between the parts of a summary."""
        state = self._item(payload)
        part = payload.get("summary_index")
        begins = state.summary is not None and part is not None and part != state.summary
        state.summary = part
        events = self._delta(payload, Reasoning)
        return [Reasoning("\n\n"), *events] if begins and events else events

    def _on_arguments(self, payload: dict[str, Any]) -> list[Event]:
        state, delta = self._item(payload), payload.get("delta")
        if state.key < 0 or not delta or not isinstance(delta, str):
            return []
        state.said = True
        return [ToolArguments(state.key, delta)]

    def _on_arguments_done(self, payload: dict[str, Any]) -> list[Event]:
        return self._rest(self._item(payload), payload)

    def _rest(self, state: _Item, said: Mapping[str, Any]) -> list[Event]:
        """The whole arguments, when none came in deltas."""
        text = said.get("arguments", said.get("input"))
        if isinstance(text, dict):
            text = dumps_text(text)
        if state.key < 0 or state.said or not text or not isinstance(text, str):
            return []
        state.said = True
        return [ToolArguments(state.key, text)]

    def _on_annotation(self, payload: dict[str, Any]) -> list[Event]:
        cited = member(payload, "annotation")
        return [citation(cited)] if isinstance(cited.get("url"), str) else []

    def _on_item_done(self, payload: dict[str, Any]) -> list[Event]:
        events = self._on_start({})
        return events + self._finished(self._item(payload), member(payload, "item"))

    def _finished(self, state: _Item, item: Mapping[str, Any]) -> list[Event]:
        if state.done:
            return []
        state.done = True
        kind = item.get("type")
        if kind in _CALLS:
            events = self._call(state, item) + self._rest(state, item)
            return [*events, ToolEnd(state.key)] if state.key >= 0 else []
        if kind == "reasoning":
            sealed, id = item.get("encrypted_content"), item.get("id")
            events = [] if state.said else _thought(item)
            return [
                *events,
                ReasoningEnd(encrypted=sealed if isinstance(sealed, str) else "", id=id if isinstance(id, str) else ""),
            ]
        if kind == "message":
            return [] if state.said else _message(item)
        self.warnings.append(f"An item of type {kind} in the answer was left out: only Responses have it.")
        return []

    def _on_terminal(self, payload: dict[str, Any]) -> list[Event]:
        response = member(payload, "response")
        status = response.get("status")
        if status in ("failed", "cancelled") or payload.get("type") == "response.failed":
            return self._on_error(response)
        events = self._on_start(payload)
        output = response.get("output")
        for index, item in enumerate(output if isinstance(output, list) else ()):
            if isinstance(item, dict):
                events += self._finished(self._items.setdefault(index, _Item()), item)
        usage = responses_usage.parse(response.get("usage"))
        if usage is not None:
            events.append(UsageSeen(usage))
        self._ended = True
        return [*events, self._finish(response, payload), End()]

    def _finish(self, response: Mapping[str, Any], payload: Mapping[str, Any]) -> Finish:
        if response.get("status") == "incomplete" or payload.get("type") == "response.incomplete":
            reason = member(response, "incomplete_details").get("reason")
            return Finish(FinishReason.REFUSAL if reason == "content_filter" else FinishReason.LENGTH)
        return Finish(FinishReason.TOOL_CALLS if self._calls else FinishReason.STOP)

    def _on_error(self, payload: Mapping[str, Any]) -> list[Event]:
        error = payload.get("error")
        return self._fail(upstream_errors.of_body(error if isinstance(error, dict) else payload))

    def _fail(self, error: UpstreamError) -> list[Event]:
        self._ended = True
        return [Failed(error)]

    def _unreadable(self, data: bytes) -> list[Event]:
        if data.strip() == DONE:
            return []
        if not self._started:
            return self._fail(upstream_errors.of_text(data))
        self.warnings.append("The upstream sent a line that is not JSON; it was skipped.")
        return []


def _thought(item: Mapping[str, Any]) -> list[Event]:
    texts = [
        part["text"]
        for name in ("content", "summary")
        for part in item.get(name) or ()
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    ]
    return [Reasoning("\n\n".join(texts))] if texts else []


def _message(item: Mapping[str, Any]) -> list[Event]:
    events: list[Event] = []
    for part in item.get("content") or ():
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("refusal"), str):
            events.append(Refusal(part["refusal"]))
        elif isinstance(part.get("text"), str) and part["text"]:
            events.append(Text(part["text"]))
        for cited in part.get("annotations") or ():
            if isinstance(cited, dict) and isinstance(cited.get("url"), str):
                events.append(citation(cited))
    return events


_ON: dict[str, Callable[[ResponsesReader, dict[str, Any]], list[Event]]] = {
    "response.created": ResponsesReader._on_start,
    "response.in_progress": ResponsesReader._on_start,
    "response.queued": ResponsesReader._on_start,
    "response.output_item.added": ResponsesReader._on_added,
    "response.output_item.done": ResponsesReader._on_item_done,
    "response.output_text.delta": ResponsesReader._on_text,
    "response.output_text.annotation.added": ResponsesReader._on_annotation,
    "response.refusal.delta": ResponsesReader._on_refusal,
    "response.reasoning_text.delta": ResponsesReader._on_reasoning,
    "response.reasoning_summary_text.delta": ResponsesReader._on_reasoning,
    "response.function_call_arguments.delta": ResponsesReader._on_arguments,
    "response.function_call_arguments.done": ResponsesReader._on_arguments_done,
    "response.custom_tool_call_input.delta": ResponsesReader._on_arguments,
    "response.custom_tool_call_input.done": ResponsesReader._on_arguments_done,
    "response.completed": ResponsesReader._on_terminal,
    "response.incomplete": ResponsesReader._on_terminal,
    "response.failed": ResponsesReader._on_terminal,
    "error": ResponsesReader._on_error,
}
