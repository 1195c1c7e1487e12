"""Events to the chunks of Completions, and to the whole answer.  Only text has a place there."""

from collections.abc import Callable
from typing import Any

import orjson

from routing.dialects import events, upstream_errors
from routing.dialects.answer import Answer
from routing.dialects.chat.writer import FINISH_REASONS, usage
from routing.dialects.events import Event, FinishReason
from routing.dialects.exchange import Exchange
from routing.dialects.sse import DONE_FRAME, data_frame
from routing.dialects.tally import Tally


class CompletionsWriter:
    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._tally = Tally(exchange.prompt_estimate)
        self._out: list[bytes] = []
        self._base: dict[str, Any] = skeleton(exchange, "")
        self._head = b""
        self._ended = False

    def feed(self, new: list[Event]) -> bytes:
        if self._ended:
            return b""
        for event in new:
            handler = _ON.get(type(event))
            if handler is not None:
                handler(self, event)
        out = b"".join(self._out)
        self._out.clear()
        return out

    def close(self) -> bytes:
        return b"" if self._ended else self.feed([events.Failed(upstream_errors.cut_off())])

    def _on_start(self, event: events.Start) -> None:
        if event.usage is not None:
            self._tally.usage.update(event.usage)
        self._base = skeleton(self._exchange, event.id)
        self._head = b"data: " + orjson.dumps(self._base)[:-1] + b',"choices":[{"text":'

    def _on_text(self, event: events.Text | events.Refusal) -> None:
        self._tally.characters += len(event.text)
        self._out += (self._head, orjson.dumps(event.text), b',"index":0,"logprobs":null,"finish_reason":null}]}\n\n')

    def _on_usage(self, event: events.UsageSeen) -> None:
        self._tally.usage.update(event.usage)

    def _on_finish(self, event: events.Finish) -> None:
        self._tally.finish = event

    def _on_failed(self, event: events.Failed) -> None:
        self._ended = True
        self._out.append(upstream_errors.frame_for(event.error, self._exchange.client))

    def _on_end(self, event: events.End) -> None:
        self._ended = True
        self._out.append(data_frame({**self._base, "choices": [choice("", self._tally.reason())]}))
        if self._exchange.include_usage:
            self._out.append(data_frame({**self._base, "choices": [], "usage": usage(self._tally)}))
        self._out.append(DONE_FRAME)


_ON: dict[type[Event], Callable[[CompletionsWriter, Any], None]] = {
    events.Start: CompletionsWriter._on_start,
    events.Text: CompletionsWriter._on_text,
    events.Refusal: CompletionsWriter._on_text,
    events.UsageSeen: CompletionsWriter._on_usage,
    events.Finish: CompletionsWriter._on_finish,
    events.Failed: CompletionsWriter._on_failed,
    events.End: CompletionsWriter._on_end,
}


def skeleton(exchange: Exchange, upstream_id: str) -> dict[str, Any]:
    id = upstream_id if upstream_id.startswith("cmpl-") else f"cmpl-{exchange.request_id}"
    return {"id": id, "object": "text_completion", "created": exchange.created, "model": exchange.model}


def choice(text: str, reason: FinishReason) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": FINISH_REASONS[reason]}


def body(answer: Answer) -> dict[str, Any]:
    text = answer.text() + answer.refusal()
    return {
        **skeleton(answer.exchange, answer.id),
        "choices": [choice(text, answer.tally.reason())],
        "usage": usage(answer.tally),
    }
