"""Events to chat chunks, and to the whole chat answer."""

from typing import Any

import orjson

from routing.dialects import events, free_text
from routing.dialects.answer import Answer
from routing.dialects.chat import usage as chat_usage
from routing.dialects.events import FinishReason
from routing.dialects.exchange import Exchange
from routing.dialects.free_text import FreeText
from routing.dialects.json import object_of
from routing.dialects.request import Reasoning, ToolCall
from routing.dialects.sse import DONE_FRAME
from routing.dialects.tally import Tally
from routing.dialects.writing import COMMON, StreamWriter

FINISH_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.REFUSAL: "content_filter",
    FinishReason.PAUSE: "stop",
    FinishReason.CONTEXT: "length",
}
SEAL = "anthropic-claude-v1"  # the format that a sealed piece of thinking says it has
OPENAI_SEAL = "openai-responses-v1"
_COMMON = ("id", "created", "model", "system_fingerprint")  # to all chunks of an answer


class _Wrapped:
    """A custom call that the upstream knows as a function: its free text comes out of the JSON piece by piece."""

    __slots__ = ("free_text", "pieces")

    def __init__(self) -> None:
        self.free_text = FreeText()
        self.pieces: list[str] = []

    def feed(self, text: str) -> str:
        if not self.free_text.was_found:
            self.pieces.append(text)
        return self.free_text.feed(text)

    def unsaid(self) -> str:
        """What a model wrote that did not keep to the wrapping."""
        return "" if self.free_text.was_found else free_text.of("".join(self.pieces))


class ChatWriter(StreamWriter):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._indices: dict[int, int] = {}  # of calls, by key: dense, whatever the upstream counted
        self._without_arguments: set[int] = set()
        self._customs: set[int] = set()
        self._wrapped: dict[int, _Wrapped] = {}
        self._thought: list[str] = []  # since the last seal
        self._details = 0
        self._head = b""  # of every chunk, up to the delta
        self._tail = b""  # of every chunk, after the delta

    def _begin(self, event: events.Start) -> None:
        self._heads(skeleton(self._exchange, event.id, "chat.completion.chunk"))
        self._chunk(b'{"role":"assistant","content":""}')

    def left(self, new: list[events.Event]) -> None:
        """Text leaves nothing behind but its size."""
        if len(new) == 1 and type(new[0]) is events.Text:
            self._tally.characters += len(new[0].text)
        else:
            self.feed(new)

    def stand(self, place: Any) -> None:
        """`place` is the first frame, which says what all chunks of this answer have in common."""
        first = object_of(place.partition(b"data:")[2]) or {}
        common = {name: first[name] for name in _COMMON if name in first}
        if self._exchange.renamed:
            common.pop("model", None)
        self._heads({**skeleton(self._exchange, "", "chat.completion.chunk"), **common})

    def _heads(self, common: dict[str, Any]) -> None:
        base = orjson.dumps(common)[:-1]
        usage = b',"usage":null' if self._exchange.include_usage else b""
        self._head = b"data: " + base + b',"choices":[{"index":0,"delta":'
        self._tail = b',"logprobs":null,"finish_reason":null}]' + usage + b"}\n\n"

    def _on_text(self, event: events.Text) -> None:
        self._tally.characters += len(event.text)
        delta = b'{"content":' + orjson.dumps(event.text) + b"}"
        if event.logprobs is None:
            self._chunk(delta)
            return
        said = b',"logprobs":' + orjson.dumps(logprobs(event.logprobs))
        self._out += (self._head, delta, self._tail.replace(b',"logprobs":null', said))

    def _on_refusal(self, event: events.Refusal) -> None:
        self._tally.characters += len(event.text)
        self._chunk(b'{"content":null,"refusal":' + orjson.dumps(event.text) + b"}")

    def _on_reasoning(self, event: events.Reasoning) -> None:
        self._tally.characters += len(event.text)
        self._thought.append(event.text)
        self._chunk(b'{"content":null,"reasoning_content":' + orjson.dumps(event.text) + b"}")

    def _on_reasoning_end(self, event: events.ReasoningEnd) -> None:
        """The seal goes along with the text it seals, so that a client that sends it back has both."""
        text = "".join(self._thought)
        self._thought.clear()
        for detail in seals(Reasoning(text, event.signature, encrypted=event.encrypted, id=event.id), self._details):
            self._detail(detail)

    def _on_redacted(self, event: events.Redacted) -> None:
        for detail in seals(Reasoning(redacted=event.data), self._details):
            self._detail(detail)

    def _detail(self, detail: dict[str, Any]) -> None:
        self._details += 1
        self._chunk(orjson.dumps({"content": None, "reasoning_details": [detail]}))

    def _on_tool_start(self, event: events.ToolStart) -> None:
        index = self._indices[event.key] = self._tally.calls
        self._tally.calls += 1
        name = self._exchange.client_name(event.name)
        entry: dict[str, Any] = {"index": index, "id": event.id}
        if event.custom or name in self._exchange.wrapped:
            self._customs.add(event.key)
            if not event.custom:
                self._wrapped[event.key] = _Wrapped()
            entry |= {"type": "custom", "custom": {"name": name, "input": ""}}
        else:
            self._without_arguments.add(event.key)
            entry |= {"type": "function", "function": {"name": name, "arguments": ""}}
        self._chunk(orjson.dumps({"tool_calls": [entry]}))

    def _on_tool_arguments(self, event: events.ToolArguments) -> None:
        self._tally.characters += len(event.text)
        if event.key in self._customs:
            wrapped = self._wrapped.get(event.key)
            self._input(event.key, event.text if wrapped is None else wrapped.feed(event.text))
            return
        self._without_arguments.discard(event.key)
        index = b'{"tool_calls":[{"index":%d,' % self._indices[event.key]
        self._chunk(index + b'"function":{"arguments":' + orjson.dumps(event.text) + b"}}]}")

    def _input(self, key: int, text: str) -> None:
        if text:
            index = b'{"tool_calls":[{"index":%d,' % self._indices[key]
            self._chunk(index + b'"custom":{"input":' + orjson.dumps(text) + b"}}]}")

    def _on_tool_end(self, event: events.ToolEnd) -> None:
        """A call without arguments is a call with none: clients parse the text, and an empty one is no JSON."""
        if event.key in self._without_arguments:
            self._on_tool_arguments(events.ToolArguments(event.key, "{}"))
        elif event.key in self._wrapped:
            self._input(event.key, self._wrapped.pop(event.key).unsaid())

    def _on_citation(self, event: events.Citation) -> None:
        self._chunk(orjson.dumps({"annotations": [annotation(event)]}))

    def _on_end(self, event: events.End) -> None:
        self._ended = True
        for key in sorted(self._without_arguments | self._wrapped.keys()):
            self._on_tool_end(events.ToolEnd(key))
        reason = self._tally.reason()
        self.warnings += self._tally.unsaid()
        said = self._tally.finish.explanation if self._tally.finish else ""
        if reason is FinishReason.REFUSAL and said:
            self._chunk(orjson.dumps({"content": None, "refusal": said}))
        word = FINISH_REASONS[reason].encode()
        self._out.append(
            self._head + b"{}" + self._tail.replace(b'"finish_reason":null', b'"finish_reason":"' + word + b'"')
        )
        if self._exchange.include_usage:
            head = self._head.removesuffix(b'[{"index":0,"delta":')
            self._out.append(head + b'[],"usage":' + orjson.dumps(usage(self._tally)) + b"}\n\n")
        self._out.append(DONE_FRAME)

    def _chunk(self, delta: bytes) -> None:
        self._out += (self._head, delta, self._tail)


ChatWriter.handlers = {
    **COMMON,
    events.Text: ChatWriter._on_text,
    events.Refusal: ChatWriter._on_refusal,
    events.Reasoning: ChatWriter._on_reasoning,
    events.ReasoningEnd: ChatWriter._on_reasoning_end,
    events.Redacted: ChatWriter._on_redacted,
    events.ToolStart: ChatWriter._on_tool_start,
    events.ToolArguments: ChatWriter._on_tool_arguments,
    events.ToolEnd: ChatWriter._on_tool_end,
    events.Citation: ChatWriter._on_citation,
    events.End: ChatWriter._on_end,
}


def skeleton(exchange: Exchange, upstream_id: str, kind: str) -> dict[str, Any]:
    id = upstream_id if upstream_id.startswith("chatcmpl-") else f"chatcmpl-{exchange.request_id}"
    return {"id": id, "object": kind, "created": exchange.created, "model": exchange.model}


def usage(tally: Tally) -> dict[str, Any]:
    return chat_usage.render(tally.usage, prompt=tally.prompt(), output=tally.output())


def logprobs(entries: list[Any]) -> dict[str, Any]:
    return {"content": entries, "refusal": None}


def seals(part: Reasoning, index: int = 0) -> list[dict[str, Any]]:
    """Entries of `reasoning_details`: what a client must send back for its model to know its own thinking."""
    if part.redacted:
        return [{"type": "reasoning.encrypted", "data": part.redacted, "format": SEAL, "index": index}]
    if part.signature:
        text = {"text": part.text, "signature": part.signature}
        return [{"type": "reasoning.text", **text, "format": SEAL, "index": index}]
    if part.encrypted:
        sealed = {"id": part.id, "data": part.encrypted}
        return [{"type": "reasoning.encrypted", **sealed, "format": OPENAI_SEAL, "index": index}]
    return []


def annotation(citation: events.Citation) -> dict[str, Any]:
    cited = {"start_index": citation.start, "end_index": citation.end, "title": citation.title, "url": citation.url}
    return {"type": "url_citation", "url_citation": cited}


def body(answer: Answer) -> dict[str, Any]:
    """The whole answer."""
    calls = [_call(call, answer.exchange) for call in answer.calls()]
    refusal = answer.refusal()
    reason = answer.tally.reason()
    answer.warnings += answer.tally.unsaid()
    if not refusal and reason is FinishReason.REFUSAL and answer.tally.finish:
        refusal = answer.tally.finish.explanation
    text = answer.text()
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text or (None if calls or refusal else ""),
        "refusal": refusal or None,
    }
    if reasoning := answer.reasoning():
        message["reasoning_content"] = reasoning
    thoughts = [part for part in answer.parts if isinstance(part, Reasoning)]
    if details := [detail for index, part in enumerate(thoughts) for detail in seals(part, index)]:
        message["reasoning_details"] = details
    if answer.citations:
        message["annotations"] = [annotation(citation) for citation in answer.citations]
    if calls:
        message["tool_calls"] = calls
    known = logprobs(answer.logprobs) if answer.logprobs else None
    choice = {"index": 0, "message": message, "logprobs": known, "finish_reason": FINISH_REASONS[reason]}
    return {
        **skeleton(answer.exchange, answer.id, "chat.completion"),
        "choices": [choice],
        "usage": usage(answer.tally),
    }


def _call(call: ToolCall, exchange: Exchange) -> dict[str, Any]:
    is_wrapped = not call.custom and call.name in exchange.wrapped
    if call.custom or is_wrapped:
        said = free_text.of(call.arguments) if is_wrapped else call.arguments
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": said}}
    text = call.arguments if call.arguments.strip() else "{}"
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": text}}
