"""Events to the chunks of Completions, and to the whole answer.  Only text has a place there."""

from itertools import accumulate
from typing import Any

import orjson

from routing.dialects import events
from routing.dialects.answer import Answer
from routing.dialects.chat.writer import FINISH_REASONS, usage
from routing.dialects.events import Event, FinishReason, members
from routing.dialects.exchange import Exchange
from routing.dialects.request import Reasoning, Refusal, Text
from routing.dialects.sse import DONE_FRAME
from routing.dialects.tally import Tally
from routing.dialects.writing import COMMON, StreamWriter

NO_REASONING = "The model's reasoning was left out: completions have no place for it."
NO_CALLS = "A tool call of the model was left out: completions have no place for it."
NO_CITATIONS = "The answer's citations were left out: completions have no place for them."


class Logprobs:
    """The entries of other dialects in this one's form: lists side by side, and where in the text a token begins."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said = 0

    def of(self, text: str, entries: list[Any] | None) -> dict[str, Any] | None:
        """`entries` belong to `text`, which follows what was given before."""
        known = [entry for entry in entries or () if isinstance(entry, dict)]
        tokens = [str(entry.get("token", "")) for entry in known]
        starts = accumulate((len(token) for token in tokens), initial=self._said)
        self._said += len(text)
        if not known:
            return None
        return {
            "tokens": tokens,
            "token_logprobs": [entry.get("logprob") for entry in known],
            "top_logprobs": [_alternatives(entry) for entry in known],
            "text_offset": [start for _, start in zip(tokens, starts, strict=False)],
        }


def _alternatives(entry: dict[str, Any]) -> dict[str, Any] | None:
    return {str(item.get("token", "")): item.get("logprob") for item in members(entry, "top_logprobs")} or None


class CompletionsWriter(StreamWriter):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._base = b""  # of every chunk, up to its choices
        self._head = b""  # of a chunk with text, up to the text
        self._tail = b""  # and after it
        self._logprobs = Logprobs()

    def _begin(self, event: events.Start) -> None:
        self._base = b"data: " + orjson.dumps(skeleton(self._exchange, event.id))[:-1] + b',"choices":'
        self._head = self._base + b'[{"text":'
        usage = b',"usage":null' if self._exchange.include_usage else b""
        self._tail = b',"index":0,"logprobs":null,"finish_reason":null}]' + usage + b"}\n\n"

    def _on_text(self, event: events.Text) -> None:
        self._tally.characters += len(event.text)
        tail = self._tail
        if (said := self._logprobs.of(event.text, event.logprobs)) is not None:
            tail = tail.replace(b'"logprobs":null', b'"logprobs":' + orjson.dumps(said))
        self._out += (self._head, orjson.dumps(event.text), tail)

    def _on_refusal(self, event: events.Refusal) -> None:
        self._on_text(events.Text(event.text))

    def _on_reasoning(self, event: events.Reasoning) -> None:
        self._tally.characters += len(event.text)
        self._warn(NO_REASONING)

    def _on_tool_start(self, event: events.ToolStart) -> None:
        self._warn(NO_CALLS)

    def _on_citation(self, event: events.Citation) -> None:
        self._warn(NO_CITATIONS)

    def _on_end(self, event: events.End) -> None:
        self._ended = True
        reason = word(self._tally.reason()).encode()
        self._out += (self._head, b'""', self._tail.replace(b'"finish_reason":null', b'"finish_reason":"%s"' % reason))
        if self._exchange.include_usage:
            self._out += (self._base, b'[],"usage":', orjson.dumps(usage(self._tally)), b"}\n\n")
        self._out.append(DONE_FRAME)
        self.warnings += explanation(self._tally) + self._tally.unsaid()

    def _ignore(self, event: Event) -> None:
        """It belongs to what was left out."""

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


CompletionsWriter.handlers = {
    **COMMON,
    events.Text: CompletionsWriter._on_text,
    events.Refusal: CompletionsWriter._on_refusal,
    events.Reasoning: CompletionsWriter._on_reasoning,
    events.ReasoningEnd: CompletionsWriter._ignore,
    events.Redacted: CompletionsWriter._ignore,
    events.ToolStart: CompletionsWriter._on_tool_start,
    events.ToolArguments: CompletionsWriter._ignore,
    events.ToolEnd: CompletionsWriter._ignore,
    events.Citation: CompletionsWriter._on_citation,
    events.End: CompletionsWriter._on_end,
}


def skeleton(exchange: Exchange, upstream_id: str) -> dict[str, Any]:
    id = upstream_id if upstream_id.startswith("cmpl-") else f"cmpl-{exchange.request_id}"
    return {"id": id, "object": "text_completion", "created": exchange.created, "model": exchange.model}


def word(reason: FinishReason) -> str:
    """This dialect knows of no tools."""
    return "stop" if reason is FinishReason.TOOL_CALLS else FINISH_REASONS[reason]


def explanation(tally: Tally) -> list[str]:
    """What a refusal said about itself has no place in the answer."""
    said = tally.finish.explanation if tally.finish else ""
    return [f"The model refused to answer: {said}"] if said else []


def body(answer: Answer) -> dict[str, Any]:
    """The whole answer."""
    answer.warnings += left_out(answer)
    text = "".join(part.text for part in answer.parts if isinstance(part, Text | Refusal))
    finish_reason = word(answer.tally.reason())
    logprobs = Logprobs().of(text, answer.logprobs)
    choice = {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish_reason}
    return {**skeleton(answer.exchange, answer.id), "choices": [choice], "usage": usage(answer.tally)}


def left_out(answer: Answer) -> list[str]:
    """What a whole answer held beside text."""
    return [
        *([NO_REASONING] if any(isinstance(part, Reasoning) and part.text for part in answer.parts) else []),
        *([NO_CALLS] if answer.calls() else []),
        *([NO_CITATIONS] if answer.citations else []),
        *explanation(answer.tally),
        *answer.tally.unsaid(),
    ]
