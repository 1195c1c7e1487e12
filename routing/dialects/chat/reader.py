"""Chat answers to events: chunks of a stream, or the whole body, which is read as one big delta."""

from collections.abc import Mapping
from typing import Any

from routing.dialects import Dialect, seals, upstream_errors
from routing.dialects.chat import usage as chat_usage
from routing.dialects.chat.calls import CallReader, texts
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
    Refusal,
    Start,
    Text,
    UpstreamError,
    UsageSeen,
    member,
    members,
)
from routing.dialects.exchange import Exchange
from routing.dialects.json import object_of
from routing.dialects.sse import DONE, Frame

_REASONS: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.REFUSAL,
}
_BROKEN = frozenset({"abort", "error"})


class ChatReader:
    """`feed` takes a frame, `whole` a body that is not streamed, `close` says that nothing more comes."""

    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._calls = CallReader(exchange)
        self._started = False
        self._ended = False
        self._content = False  # anything a client could use
        self._refused = False
        self._finish: Finish | None = None

    @property
    def finish(self) -> Finish | None:
        """What the upstream has said of it so far; the event comes with the end."""
        return self._finish

    def feed(self, frame: Frame) -> list[Event]:
        name, data = frame
        if self._ended:
            return []
        chunk = object_of(data)
        if chunk is None:
            return self._end() if data.strip() == DONE else self._unreadable(data)
        if name == b"error":
            return self._fail(upstream_errors.of_body(chunk))
        return self.chunk(chunk)

    def whole(self, body: dict[str, Any]) -> list[Event]:
        events = self.chunk(body)
        return events + self.close()

    def close(self) -> list[Event]:
        if self._ended:
            return []
        if self._finish is None:
            return self._fail(upstream_errors.cut_off())
        return self._end()

    def chunk(self, chunk: dict[str, Any]) -> list[Event]:
        choices = chunk.get("choices")
        if not choices or not isinstance(choices, list):
            return self._without_choices(chunk)
        if chunk.get("error"):
            return self._fail(upstream_errors.of_body(chunk))
        events: list[Event] = [] if self._started else [self._start(chunk)]
        if chunk.get("usage") is not None:
            self._usage(chunk["usage"], events)
        for choice in choices:
            if isinstance(choice, dict) and not choice.get("index"):
                self._choice(choice, chunk, events)
        return events

    def _without_choices(self, chunk: dict[str, Any]) -> list[Event]:
        if upstream_errors.is_error(chunk):
            return self._fail(upstream_errors.of_body(chunk))
        events: list[Event] = [] if self._started else [self._start(chunk)]
        self._any_usage(chunk, events)
        return events

    def _start(self, chunk: dict[str, Any]) -> Event:
        self._started = True
        id, model = chunk.get("id"), chunk.get("model")
        return Start(id if isinstance(id, str) else "", model if isinstance(model, str) else "")

    def _choice(self, choice: dict[str, Any], chunk: dict[str, Any], events: list[Event]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            self._delta(delta, events)
        if choice.get("logprobs"):
            _add_logprobs(choice["logprobs"], events)
        reason = choice.get("finish_reason")
        if reason is not None:
            self._reason(reason, choice, chunk, events)

    def _delta(self, delta: dict[str, Any], events: list[Event]) -> None:
        before = len(events)
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought and isinstance(thought, str):
            events.append(Reasoning(thought))
        if delta.get("reasoning_details"):
            self._details(members(delta, "reasoning_details"), events, bool(thought))
        content = delta.get("content")
        if content:
            if isinstance(content, str):
                events.append(Text(content))
            else:
                events.extend(Reasoning(text) if inner else Text(text) for inner, text in texts(content) if text)
        if delta.get("refusal") and isinstance(delta["refusal"], str):
            events.append(Refusal(delta["refusal"]))
            self._refused = True
        for annotation in members(delta, "annotations"):
            cited = member(annotation, "url_citation")
            if isinstance(cited.get("url"), str):
                events.append(citation(cited))
        if delta.get("tool_calls"):
            self._calls.feed(delta["tool_calls"], events)
        elif isinstance(delta.get("function_call"), dict):
            self._calls.legacy(delta["function_call"], events)
        if len(events) > before:
            self._content = True

    def _details(self, details: list[dict[str, Any]], events: list[Event], said: bool) -> None:
        """OpenRouter's form: the text is read only where no plain field said it, seals always."""
        for detail in details:
            text = detail.get("text") or detail.get("summary")
            if text and isinstance(text, str) and not said:
                events.append(Reasoning(text))
            format = str(detail.get("format") or "")
            is_anthropics = seals.is_anthropics(format)
            if is_anthropics and isinstance(detail.get("signature"), str) and detail["signature"]:
                events.append(ReasoningEnd(detail["signature"]))
            data = detail.get("data")
            if not isinstance(data, str) or not data:
                continue
            if format.startswith("openai"):
                id = detail.get("id")
                events.append(ReasoningEnd(encrypted=data, id=id if isinstance(id, str) else ""))
            elif is_anthropics:
                events.append(Redacted(data))

    def _reason(self, reason: Any, choice: dict[str, Any], chunk: dict[str, Any], events: list[Event]) -> None:
        word = reason if isinstance(reason, str) else ""
        if word in _BROKEN:
            body = chunk if upstream_errors.is_error(chunk) else choice
            if len(events) == 1 and type(events[0]) is Start:
                events.clear()  # nothing was said: the client can still be given a real status
            events.extend(self._fail(upstream_errors.of_body(body, f"The upstream ended the answer with “{word}”.")))
            return
        self._any_usage(chunk, events)
        if isinstance(choice.get("usage"), dict):
            self._usage(choice["usage"], events)
        known = _REASONS.get(word, FinishReason.UNKNOWN)
        if self._finish is None or self._finish.reason is FinishReason.UNKNOWN:  # some write "" into every chunk
            self._finish = Finish(known, self._matched_stop(choice, chunk))
            if self._finish.stop_sequence is not None and known is FinishReason.STOP:
                self._finish.reason = FinishReason.STOP_SEQUENCE
        elif known is FinishReason.TOOL_CALLS and self._finish.reason is FinishReason.STOP:
            self._finish = Finish(known)

    def _matched_stop(self, choice: dict[str, Any], chunk: dict[str, Any]) -> str | None:
        stops = self._exchange.stops
        if not stops:
            return None
        said = (
            choice.get("stop_reason"),
            choice.get("matched_stop"),
            choice.get("stopping_word"),
            chunk.get("stopping_word"),
        )
        return next((stop for stop in said if isinstance(stop, str) and stop in stops), None)

    def _any_usage(self, chunk: dict[str, Any], events: list[Event]) -> None:
        """Usage wherever a server puts it; the plain field of a chunk with choices was read before."""
        if chunk.get("usage") is None:
            found = chat_usage.of_timings(chunk.get("timings"))
            if found is not None:
                events.append(UsageSeen(found))
            self._usage(member(chunk, "x_groq").get("usage"), events)
        elif not chunk.get("choices"):
            self._usage(chunk["usage"], events)

    def _usage(self, raw: Any, events: list[Event]) -> None:
        found = chat_usage.parse(raw)
        if found is not None:
            events.append(UsageSeen(found))

    def _unreadable(self, data: bytes) -> list[Event]:
        if not self._started:
            return self._fail(upstream_errors.of_text(data))
        self.warnings.append("The upstream sent a line that is not JSON; it was skipped.")
        return []

    def _end(self) -> list[Event]:
        events: list[Event] = [] if self._started else [self._start({})]
        self._calls.close(events)
        content = self._content or self._calls.any
        finish = self._finish or Finish(FinishReason.UNKNOWN)
        if finish.reason is FinishReason.UNKNOWN:
            if not content:
                return self._fail(upstream_errors.nothing_said())
            finish = Finish(FinishReason.STOP)
        if self._refused and finish.reason is FinishReason.STOP and self._exchange.client is not Dialect.CHAT:
            finish = Finish(FinishReason.REFUSAL)  # which OpenAI tells by the part alone
        self._ended = True
        return [*events, finish, End()]

    def _fail(self, error: UpstreamError) -> list[Event]:
        self._ended = True
        return [Failed(error)]


def _add_logprobs(logprobs: Any, events: list[Event]) -> None:
    """They belong to the text of the same chunk."""
    entries = member({"of": logprobs}, "of").get("content")
    last = next((event for event in reversed(events) if type(event) is Text), None)
    if isinstance(entries, list) and last is not None:
        last.logprobs = entries


def citation(raw: Mapping[str, Any]) -> Citation:
    """Of an object with url, title, start_index and end_index, which chat nests and Responses does not."""
    title, start, end = raw.get("title"), raw.get("start_index"), raw.get("end_index")
    return Citation(
        raw["url"],
        title if isinstance(title, str) else "",
        start if isinstance(start, int) else 0,
        end if isinstance(end, int) else 0,
    )
