"""The answers of /generate to events: frames of a stream, or the whole body."""

from typing import Any

from routing.dialects import upstream_errors
from routing.dialects.events import (
    Event,
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
from routing.dialects.text_reader import TextReader, text_of

OTHER_ANSWERS = "The upstream gave several answers; only the first one went on."
NUMBERS = "The answer was not judged: it is the numbers of its tokens alone."
_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


class GenerateReader(TextReader):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._growth = Growth()
        self._logprobs = Logprobs()

    @property
    def in_pieces(self) -> bool:
        return bool(self._growth.in_pieces)

    def _start(self, payload: dict[str, Any]) -> Start:
        return Start(text_of(member(payload, "meta_info").get("id")))

    def _events(self, payload: dict[str, Any]) -> list[Event]:
        if payload.get("index"):
            self._warn(OTHER_ANSWERS)
            return []
        meta = member(payload, "meta_info")
        reason = meta.get("finish_reason")
        if "text" not in payload and "output_ids" in payload:
            self.is_mute = True
            self._warn(NUMBERS)
        self._logprobs.feed(meta)
        events = self._text(self._growth.feed(text_of(payload.get("text")), payload, is_last=reason is not None))
        return events if reason is None else events + self._reason(reason)

    def _held(self) -> list[Event]:
        return self._text(self._growth.close()) + self._usage()

    def _usage(self) -> list[Event]:
        """Every frame counts anew; the last one has it all."""
        meta = member(self.payload, "meta_info")
        usage = Usage(
            prompt=count(meta.get("prompt_tokens")),
            output=count(meta.get("completion_tokens")),
            cache_read=count(meta.get("cached_tokens")),
        )
        return [UsageSeen(usage)] if usage != Usage() else []

    def _text(self, new: str) -> list[Event]:
        return [self._said(Text(new, self._logprobs.take()))] if new else []

    def _reason(self, reason: Any) -> list[Event]:
        """An object with its `type`; older servers sent the word alone."""
        said = reason if isinstance(reason, dict) else {"type": reason}
        kind = said.get("type")
        if kind == "abort":
            message = text_of(said.get("message")) or "The upstream aborted the answer."
            return self._fail(upstream_errors.of_body({"message": message}, status=_status(said.get("status_code"))))
        known = _REASONS.get(kind, FinishReason.UNKNOWN) if isinstance(kind, str) else FinishReason.UNKNOWN
        if self.is_mute:
            known = FinishReason.LENGTH  # not "of its own accord, and without a word", which would be judged
        matched = said.get("matched")  # a number is that of an end token
        if known is FinishReason.STOP and isinstance(matched, str) and matched in self._exchange.stops:
            self.finish = Finish(FinishReason.STOP_SEQUENCE, matched)
        else:
            self.finish = Finish(known)
        return []

    def _error(self, payload: dict[str, Any]) -> UpstreamError:
        return error(payload)


def error(body: dict[str, Any]) -> UpstreamError:
    """An error that is a message and nothing else is about the request: not streamed, it comes with a 400."""
    inner = body.get("error")
    only_a_message = isinstance(inner, dict) and inner.keys() == {"message"}
    return upstream_errors.of_body(body, status=400 if only_a_message else 0)


def _status(code: Any) -> int:
    status = count(code) or 0
    return status if 400 <= status <= 599 else 500
