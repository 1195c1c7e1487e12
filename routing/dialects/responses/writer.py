"""Events to the stream of Responses.

Every item is announced, filled and done, and the response at the end lists what was done.  At most one item of text
or thinking is open; calls may stay open side by side, as the dialect allows.  A call that is complete is closed as
soon as something else begins: agents run it from then on, and keep the items in the order in which they were done.
"""

from typing import Any, Protocol

import orjson

from routing.dialects import events
from routing.dialects.events import FinishReason
from routing.dialects.exchange import Exchange
from routing.dialects.free_text import FreeText
from routing.dialects.json import ObjectScanner
from routing.dialects.request import Reasoning
from routing.dialects.responses import items
from routing.dialects.sse import named_frame
from routing.dialects.writing import COMMON, StreamWriter

_DELTA_ENDS = {items.TEXT: b',"logprobs":[]}\n\n', items.REFUSAL: b"}\n\n"}


class Early(Protocol):
    """Events that the client was sent before there was an answer (`routing.dialects.life`)."""

    @property
    def count(self) -> int: ...

    @property
    def id(self) -> str: ...

    def is_followed(self) -> bool: ...

    def ping(self) -> bytes: ...


class _Call:
    __slots__ = ("after", "before", "called", "free_text", "has_ended", "index", "pieces", "scanner")

    def __init__(self, index: int, called: items.Called) -> None:
        self.index = index
        self.called = called
        self.free_text = FreeText() if called.is_wrapped else None
        self.has_ended = False  # the upstream said so, while another item was open
        self.pieces: list[str] = []
        self.scanner = ObjectScanner()
        kind = "custom_tool_call_input" if called.custom else "function_call_arguments"
        self.before, self.after = _delta_head(f"response.{kind}.delta", called.id, index)

    def is_complete(self) -> bool:
        """Of free text only its end tells."""
        if self.has_ended:
            return True
        return self.scanner.is_complete() and (self.called.is_wrapped or not self.called.custom)


class _Open:
    """The item of text or thinking that is being filled."""

    __slots__ = ("after", "annotations", "before", "content", "end", "id", "index", "kind", "logprobs", "pieces")

    def __init__(self, id: str, index: int) -> None:
        self.id = id
        self.index = index
        self.kind = ""  # of the message's part that is open; blank: thinking
        self.content: list[dict[str, Any]] = []  # parts of the message that are done
        self.pieces: list[str] = []
        self.annotations: list[dict[str, Any]] = []
        self.logprobs: list[Any] = []
        self.before = self.after = b""  # of a delta, up to its number and from there up to its text
        self.end = b"}\n\n"


class ResponsesWriter(StreamWriter):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._id = ""
        self._sequence = 0
        self._early: Early | None = None
        self._refused = False
        self._count = 0  # of items
        self._done: dict[int, dict[str, Any]] = {}
        self._open: _Open | None = None
        self._calls: dict[int, _Call] = {}  # those that are open, by key
        self._held: list[events.Text] = []  # white space that may turn out to lead a text

    def follow(self, early: Early) -> None:
        """The client may have been sent the beginning already."""
        self._early = early

    def ping(self) -> bytes:
        """A sign of life in the middle of the answer; nothing where there is no such middle."""
        if not self._started and self._early:
            return self._early.ping()
        if not self._started or self._ended:
            return b""
        begun = items.response(self._exchange, self._id, items.IN_PROGRESS, [])
        frame = {"type": "response.in_progress", "sequence_number": self._sequence, "response": begun}
        self._sequence += 1
        return named_frame(frame)

    def _begin(self, event: events.Start) -> None:
        early = self._early if self._early and self._early.is_followed() else None
        self._id = early.id if early else items.response_id(self._exchange, event.id)
        begun = items.response(self._exchange, self._id, items.IN_PROGRESS, [])
        if early:
            self._sequence = early.count
        else:
            self._frame("response.created", response=begun)
        self._frame("response.in_progress", response=begun)

    def _on_text(self, event: events.Text) -> None:
        text, logprobs, current = event.text, event.logprobs, self._open
        if current is None or current.kind != items.TEXT:
            self._held.append(event)
            if not text or text.isspace():
                if current is not None and not current.kind:
                    self._close_open(items.COMPLETED)
                return
            text = "".join([held.text for held in self._held])
            logprobs = [entry for held in self._held for entry in held.logprobs or ()]
            self._open_part(items.TEXT, items.text_part("", [], []))
        self._delta(text, logprobs)

    def _on_refusal(self, event: events.Refusal) -> None:
        self._refused = True
        if self._open is None or self._open.kind != items.REFUSAL:
            self._open_part(items.REFUSAL, items.refusal_part(""))
        self._delta(event.text)

    def _on_reasoning(self, event: events.Reasoning) -> None:
        if self._open is None or self._open.kind:
            self._open_reasoning()
        self._delta(event.text)

    def _on_reasoning_end(self, event: events.ReasoningEnd) -> None:
        seal = Reasoning("", event.signature, encrypted=event.encrypted, id=event.id)
        if self._open is not None and not self._open.kind:
            self._close_reasoning(self._open, seal)
        elif event.signature or event.encrypted:
            self._sealed(seal)

    def _on_redacted(self, event: events.Redacted) -> None:
        self._sealed(Reasoning(redacted=event.data))

    def _sealed(self, part: Reasoning) -> None:
        """Thinking without a text: the seal alone makes an item."""
        current = self._announce_reasoning()
        self._finish_item(current.index, items.reasoning(self._exchange, current.id, part))

    def _on_tool_start(self, event: events.ToolStart) -> None:
        self._make_room()
        self._tally.calls += 1
        name = self._exchange.client_name(event.name)
        called = items.Called(self._exchange, self._count, event.id, name, event.custom)
        self._calls[event.key] = _Call(self._count, called)
        self._announce(called.item("", items.IN_PROGRESS))

    def _on_tool_arguments(self, event: events.ToolArguments) -> None:
        call = self._calls.get(event.key)
        if call is None:
            if event.text.strip():
                self.warnings.append("A piece of a tool call came after the call was closed; it was dropped.")
            return
        call.pieces.append(event.text)
        call.scanner.feed(event.text)
        self._tally.characters += len(event.text)
        text = event.text if call.free_text is None else call.free_text.feed(event.text)
        if text and not call.called.is_search:
            self._delta_frame(call.before, call.after, text, b"}\n\n")

    def _on_tool_end(self, event: events.ToolEnd) -> None:
        """Codex takes any item's end for the end of the one whose text it reads, so a call waits for that."""
        if self._open is not None and event.key in self._calls:
            self._calls[event.key].has_ended = True
        elif event.key in self._calls:
            self._close_call(self._calls.pop(event.key), items.COMPLETED)

    def _on_citation(self, event: events.Citation) -> None:
        current = self._open
        if current is None or current.kind != items.TEXT:
            self.warnings.append("A citation was left out: there is no text that it belongs to.")
            return
        cited = items.annotation(event)
        number = len(current.annotations)
        current.annotations.append(cited)
        kind = "response.output_text.annotation.added"
        self._part_frame(current, kind, annotation_index=number, annotation=cited)

    def _on_failed(self, event: events.Failed) -> None:
        self._on_start(events.Start())
        self._ended = True
        failed = items.response(self._exchange, self._id, items.FAILED, self._output())
        self._frame("response.failed", response={**failed, "error": items.error(event.error)})

    def _on_end(self, event: events.End) -> None:
        finish = self._tally.finish
        if finish is not None and finish.reason is FinishReason.REFUSAL and finish.explanation and not self._refused:
            self._on_refusal(events.Refusal(finish.explanation))
        self._ended = True
        self.warnings += self._tally.unsaid()
        status = items.INCOMPLETE if self._tally.reason() in items.CUT else items.COMPLETED
        for call in self._calls.values():
            self._close_call(call, items.COMPLETED if call.is_complete() else status)
        self._close_open(status)
        final = items.ended(self._exchange, self._id, self._tally, self._output())
        self._frame(f"response.{final['status']}", response=final)

    def _output(self) -> list[dict[str, Any]]:
        return [self._done[index] for index in sorted(self._done)]

    def _make_room(self) -> None:
        """Before an item begins: the text or thinking before it is over, and so are the calls that are complete."""
        self._held.clear()
        self._close_open(items.COMPLETED)
        for key in [key for key, call in self._calls.items() if call.is_complete()]:
            self._close_call(self._calls.pop(key), items.COMPLETED)

    def _open_part(self, kind: str, part: dict[str, Any]) -> None:
        """A part in the message that is open, else in a new one."""
        current = self._open
        if current is not None and current.kind:
            self._held.clear()
            self._close_part(current)
        else:
            self._make_room()
            current = self._open = _Open(items.item_id(self._exchange, "msg", self._count), self._count)
            self._announce(items.message(current.id, items.IN_PROGRESS, []))
        current.kind, current.end = kind, _DELTA_ENDS[kind]
        self._part_frame(current, "response.content_part.added", part=part)
        place = f',"content_index":{len(current.content)}'
        current.before, current.after = _delta_head(f"response.{kind}.delta", current.id, current.index, place)

    def _open_reasoning(self) -> None:
        current = self._open = self._announce_reasoning()
        kind, part = "response.reasoning_summary_part.added", {"type": "summary_text", "text": ""}
        self._frame(kind, item_id=current.id, output_index=current.index, summary_index=0, part=part)
        kind, place = "response.reasoning_summary_text.delta", ',"summary_index":0'
        current.before, current.after = _delta_head(kind, current.id, current.index, place)

    def _announce_reasoning(self) -> _Open:
        self._make_room()
        current = _Open(items.item_id(self._exchange, "rs", self._count), self._count)
        self._announce(items.reasoning(self._exchange, current.id, Reasoning()))
        return current

    def _close_open(self, status: str) -> None:
        current = self._open
        if current is None:
            return
        if not current.kind:
            self._close_reasoning(current, Reasoning())
            return
        self._close_part(current)
        self._open = None
        self._finish_item(current.index, items.message(current.id, status, current.content))

    def _close_part(self, current: _Open) -> None:
        text = "".join(current.pieces)
        current.pieces.clear()
        if current.kind == items.TEXT:
            part = items.text_part(text, current.annotations, current.logprobs)
            self._part_frame(current, "response.output_text.done", text=text, logprobs=current.logprobs)
            current.annotations, current.logprobs = [], []
        else:
            part = items.refusal_part(text)
            self._part_frame(current, "response.refusal.done", refusal=text)
        self._part_frame(current, "response.content_part.done", part=part)
        current.content.append(part)

    def _close_reasoning(self, current: _Open, seal: Reasoning) -> None:
        seal.text = "".join(current.pieces)
        self._open = None
        place = {"item_id": current.id, "output_index": current.index, "summary_index": 0}
        part = {"type": "summary_text", "text": seal.text}
        self._frame("response.reasoning_summary_text.done", **place, text=seal.text)
        self._frame("response.reasoning_summary_part.done", **place, part=part)
        self._finish_item(current.index, {**items.reasoning(self._exchange, current.id, seal), "summary": [part]})

    def _close_call(self, call: _Call, status: str) -> None:
        streamed = "".join(call.pieces)
        text = call.called.text(streamed)
        if not call.called.is_search:
            self._end_text_of(call, streamed, text)
        self._finish_item(call.index, call.called.item(text, status))

    def _end_text_of(self, call: _Call, streamed: str, text: str) -> None:
        place = {"item_id": call.called.id, "output_index": call.index}
        unsaid = text.removeprefix(streamed)
        if call.free_text is not None:
            unsaid = "" if call.free_text.was_found else text
        if unsaid:
            self._delta_frame(call.before, call.after, unsaid, b"}\n\n")
        if call.called.custom:
            self._frame("response.custom_tool_call_input.done", **place, input=text)
        else:
            self._frame("response.function_call_arguments.done", **place, arguments=text)

    def _announce(self, item: dict[str, Any]) -> None:
        self._frame("response.output_item.added", output_index=self._count, item=item)
        self._count += 1

    def _finish_item(self, index: int, item: dict[str, Any]) -> None:
        self._done[index] = item
        self._frame("response.output_item.done", output_index=index, item=item)

    def _delta(self, text: str, logprobs: list[Any] | None = None) -> None:
        current = self._open
        assert current is not None
        current.pieces.append(text)
        self._tally.characters += len(text)
        end = current.end
        if logprobs:
            current.logprobs += logprobs
            end = b',"logprobs":' + orjson.dumps(logprobs) + b"}\n\n"
        self._delta_frame(current.before, current.after, text, end)

    def _delta_frame(self, before: bytes, after: bytes, text: str, end: bytes) -> None:
        self._out += (before, b"%d" % self._sequence, after, orjson.dumps(text), end)
        self._sequence += 1

    def _part_frame(self, current: _Open, kind: str, **members: Any) -> None:
        place = {"item_id": current.id, "output_index": current.index, "content_index": len(current.content)}
        self._frame(kind, **place, **members)

    def _frame(self, kind: str, **members: Any) -> None:
        self._out.append(named_frame({"type": kind, "sequence_number": self._sequence, **members}))
        self._sequence += 1


def _delta_head(kind: str, id: str, index: int, place: str = "") -> tuple[bytes, bytes]:
    return (
        f'event: {kind}\ndata: {{"type":"{kind}","sequence_number":'.encode(),
        f',"item_id":"{id}","output_index":{index}{place},"delta":'.encode(),
    )


ResponsesWriter.handlers = {
    **COMMON,
    events.Text: ResponsesWriter._on_text,
    events.Refusal: ResponsesWriter._on_refusal,
    events.Reasoning: ResponsesWriter._on_reasoning,
    events.ReasoningEnd: ResponsesWriter._on_reasoning_end,
    events.Redacted: ResponsesWriter._on_redacted,
    events.ToolStart: ResponsesWriter._on_tool_start,
    events.ToolArguments: ResponsesWriter._on_tool_arguments,
    events.ToolEnd: ResponsesWriter._on_tool_end,
    events.Citation: ResponsesWriter._on_citation,
    events.Failed: ResponsesWriter._on_failed,
    events.End: ResponsesWriter._on_end,
}
