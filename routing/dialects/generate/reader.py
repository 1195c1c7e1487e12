"""The answers of /generate to events: frames of a stream, or the whole body."""

from typing import Any

from routing.dialects import upstream_errors
from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Start,
    Text,
    UpstreamError,
    Usage,
    UsageSeen,
    count,
    member,
)
from routing.dialects.exchange import Exchange
from routing.dialects.generate.growth import Growth
from routing.dialects.generate.logprobs import Logprobs
from routing.dialects.json import loads
from routing.dialects.sse import DONE, Frame

OTHER_ANSWERS = "The upstream gave several answers; only the first one went on."
_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


class GenerateReader:
    """`feed` takes a frame, `whole` a body that is not streamed, `close` says that nothing more comes."""

    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._growth = Growth()
        self._logprobs = Logprobs()
        self._started = False
        self._ended = False
        self._content = False
        self._finish: Finish | None = None

    def feed(self, frame: Frame) -> list[Event]:
        name, data = frame
        if self._ended:
            return []
        if data.strip() == DONE:
            return self._end()
        try:
            payload = loads(data)
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            return self._unreadable(data)
        if name == b"error" or upstream_errors.is_error(payload):
            return self._fail(error(payload))
        return self._payload(payload)

    def whole(self, body: dict[str, Any]) -> list[Event]:
        if upstream_errors.is_error(body):
            return self._fail(error(body))
        return self._payload(body) + self._end()

    def close(self) -> list[Event]:
        if self._ended:
            return []
        return self._fail(upstream_errors.cut_off()) if self._finish is None else self._end()

    def _payload(self, payload: dict[str, Any]) -> list[Event]:
        if payload.get("index"):
            self._warn(OTHER_ANSWERS)
            return []
        meta = member(payload, "meta_info")
        events: list[Event] = []
        if not self._started:
            self._started = True
            events.append(Start(_text(meta.get("id"))))
        reason = meta.get("finish_reason")
        self._logprobs.feed(meta)
        self._text(self._growth.feed(_text(payload.get("text")), payload, is_last=reason is not None), events)
        usage = Usage(
            prompt=count(meta.get("prompt_tokens")),
            output=count(meta.get("completion_tokens")),
            cache_read=count(meta.get("cached_tokens")),
        )
        if usage != Usage():
            events.append(UsageSeen(usage))
        return events if reason is None else events + self._reason(reason)

    def _text(self, new: str, events: list[Event]) -> None:
        if new:
            self._content = True
            events.append(Text(new, self._logprobs.take()))

    def _reason(self, reason: Any) -> list[Event]:
        """An object with its `type`; older servers sent the word alone."""
        said = reason if isinstance(reason, dict) else {"type": reason}
        kind = said.get("type")
        if kind == "abort":
            message = _text(said.get("message")) or "The upstream aborted the answer."
            return self._fail(upstream_errors.of_body({"message": message}, status=_status(said.get("status_code"))))
        known = _REASONS.get(kind, FinishReason.UNKNOWN) if isinstance(kind, str) else FinishReason.UNKNOWN
        matched = said.get("matched")  # a number is that of an end token
        if known is FinishReason.STOP and isinstance(matched, str) and matched in self._exchange.stops:
            self._finish = Finish(FinishReason.STOP_SEQUENCE, matched)
        else:
            self._finish = Finish(known)
        return []

    def _end(self) -> list[Event]:
        """Without a reason it is a normal end, if anything was said."""
        if self._ended:
            return []
        events: list[Event] = []
        self._text(self._growth.close(), events)
        finish = self._finish or Finish(FinishReason.UNKNOWN)
        if finish.reason is FinishReason.UNKNOWN:
            if not self._content:
                return self._fail(upstream_errors.nothing_said())
            finish = Finish(FinishReason.STOP)
        self._ended = True
        return [*events, finish, End()]

    def _unreadable(self, data: bytes) -> list[Event]:
        if not self._started:
            return self._fail(upstream_errors.of_text(data))
        self._warn("The upstream sent a line that is not JSON; it was skipped.")
        return []

    def _fail(self, error: UpstreamError) -> list[Event]:
        self._ended = True
        return [Failed(error)]

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def error(body: dict[str, Any]) -> UpstreamError:
    """An error that is a message and nothing else is about the request: not streamed, it comes with a 400."""
    inner = body.get("error")
    only_a_message = isinstance(inner, dict) and inner.keys() == {"message"}
    return upstream_errors.of_body(body, status=400 if only_a_message else 0)


def _status(code: Any) -> int:
    status = count(code) or 0
    return status if 400 <= status <= 599 else 500


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
