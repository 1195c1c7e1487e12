"""A whole answer, put together from events: what a client gets that did not ask for a stream."""

from collections.abc import Callable
from typing import Any

from routing.dialects import events, upstream_errors
from routing.dialects.events import Event, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.request import Part, Reasoning, Refusal, Text, ToolCall
from routing.dialects.tally import Tally


class Answer:
    """`feed` takes events; afterwards `parts` hold the content in order, or `error` says what went wrong."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.id = ""
        self.parts: list[Part] = []
        self.citations: list[events.Citation] = []
        self.logprobs: list[Any] = []  # of all the text
        self.tally = Tally(exchange.prompt_estimate)
        self.error: UpstreamError | None = None
        self.is_complete = False
        self.warnings: list[str] = []  # what a dialect had no place for
        self._pieces: list[str] = []  # of the part that is open
        self._open: Callable[[str], Part] | None = None
        self._calls: dict[int, tuple[ToolCall, list[str]]] = {}

    def feed(self, new: list[Event]) -> None:
        for event in new:
            _ON[type(event)](self, event)

    def close(self) -> None:
        if not self.is_complete and self.error is None:
            self.error = upstream_errors.cut_off()
        self._close()
        for call, pieces in self._calls.values():
            call.arguments = "".join(pieces)

    def calls(self) -> list[ToolCall]:
        return [part for part in self.parts if isinstance(part, ToolCall)]

    def text(self) -> str:
        """All text without a separator: one answer may come in several blocks, around citations."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    def reasoning(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Reasoning))

    def refusal(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Refusal))

    def _add(self, kind: Callable[[str], Part], text: str) -> None:
        if self._open is not kind:
            self._close()
            self._open = kind
        self._pieces.append(text)
        self.tally.characters += len(text)

    def _close(self) -> None:
        if self._open is not None:
            self.parts.append(self._open("".join(self._pieces)))
            self._pieces.clear()
            self._open = None

    def _on_start(self, event: events.Start) -> None:
        self.id = event.id
        if event.usage is not None:
            self.tally.usage.update(event.usage)

    def _on_text(self, event: events.Text) -> None:
        self._add(Text, event.text)
        if event.logprobs is not None:
            self.logprobs += event.logprobs

    def _on_reasoning(self, event: events.Reasoning) -> None:
        self._add(Reasoning, event.text)

    def _on_refusal(self, event: events.Refusal) -> None:
        self._add(Refusal, event.text)

    def _on_reasoning_end(self, event: events.ReasoningEnd) -> None:
        if self._open is not Reasoning:
            self._close()
            self._open = Reasoning
        self._close()
        part = self.parts[-1]
        assert isinstance(part, Reasoning)
        part.signature, part.encrypted, part.id = event.signature, event.encrypted, event.id

    def _on_redacted(self, event: events.Redacted) -> None:
        self._close()
        self.parts.append(Reasoning(redacted=event.data))

    def _on_tool_start(self, event: events.ToolStart) -> None:
        self._close()
        call = ToolCall(event.id, self.exchange.client_name(event.name), "", event.custom)
        self._calls[event.key] = call, []
        self.parts.append(call)
        self.tally.calls += 1

    def _on_tool_arguments(self, event: events.ToolArguments) -> None:
        self._calls[event.key][1].append(event.text)
        self.tally.characters += len(event.text)

    def _on_citation(self, event: events.Citation) -> None:
        self.citations.append(event)

    def _on_usage(self, event: events.UsageSeen) -> None:
        self.tally.usage.update(event.usage)

    def _on_finish(self, event: events.Finish) -> None:
        self.tally.finish = event

    def _on_failed(self, event: events.Failed) -> None:
        self.error = event.error

    def _on_end(self, event: events.End) -> None:
        self.is_complete = True

    def _ignore(self, event: events.ToolEnd) -> None:
        """What is open is closed in the end."""


_ON: dict[type[Event], Callable[[Answer, Any], None]] = {
    events.Start: Answer._on_start,
    events.Text: Answer._on_text,
    events.Reasoning: Answer._on_reasoning,
    events.ReasoningEnd: Answer._on_reasoning_end,
    events.Redacted: Answer._on_redacted,
    events.Refusal: Answer._on_refusal,
    events.ToolStart: Answer._on_tool_start,
    events.ToolArguments: Answer._on_tool_arguments,
    events.ToolEnd: Answer._ignore,
    events.Citation: Answer._on_citation,
    events.UsageSeen: Answer._on_usage,
    events.Finish: Answer._on_finish,
    events.Failed: Answer._on_failed,
    events.End: Answer._on_end,
}
