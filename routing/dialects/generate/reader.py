"""The answers of /generate to events.

Each frame repeats the whole text so far, unless the server runs with incremental output; the second frame with text
tells which.  The text may shrink at the end, when a stop sequence is cut off; what was said stays said.
"""

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
    Usage,
    UsageSeen,
    count,
    member,
)
from routing.dialects.exchange import Exchange
from routing.dialects.json import loads
from routing.dialects.sse import DONE, Frame


class GenerateReader:
    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._length = 0
        self._first = ""  # the text of the first frame that had any
        self._started = False
        self._ended = False
        self._incremental: bool | None = None
        self._finish: Finish | None = None

    def feed(self, frame: Frame) -> list[Event]:
        data = frame[1]
        if self._ended:
            return []
        if data.strip() == DONE:
            return self.close()
        try:
            payload = loads(data)
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            return self._unreadable(data)
        if upstream_errors.is_error(payload):
            return self._fail(upstream_errors.of_body(payload))
        return self._payload(payload)

    def whole(self, body: dict[str, Any]) -> list[Event]:
        if upstream_errors.is_error(body):
            return self._fail(upstream_errors.of_body(body))
        return self._payload(body) + self.close()

    def close(self) -> list[Event]:
        if self._ended:
            return []
        if self._finish is None:
            return self._fail(upstream_errors.cut_off())
        self._ended = True
        return [self._finish, End()]

    def _payload(self, payload: dict[str, Any]) -> list[Event]:
        if payload.get("index"):
            return []  # of another prompt of a batch
        meta = member(payload, "meta_info")
        events: list[Event] = []
        if not self._started:
            self._started = True
            id = meta.get("id")
            events.append(Start(id if isinstance(id, str) else ""))
        text = payload.get("text")
        if isinstance(text, str) and (new := self._new(text)):
            events.append(Text(new))
        usage = Usage(
            prompt=count(meta.get("prompt_tokens")),
            output=count(meta.get("completion_tokens")),
            cache_read=count(meta.get("cached_tokens")),
        )
        if usage != Usage():
            events.append(UsageSeen(usage))
        return events + self._reason(meta.get("finish_reason"))

    def _new(self, text: str) -> str:
        if self._incremental is None and self._length:
            self._incremental = not text.startswith(self._first)
        new = text if self._incremental else text[self._length :]
        self._first = self._first or new
        self._length += len(new)
        return new

    def _reason(self, reason: Any) -> list[Event]:
        if not isinstance(reason, dict):
            if isinstance(reason, str):
                self._finish = Finish(FinishReason.LENGTH if reason == "length" else FinishReason.STOP)
            return []
        match reason.get("type"):
            case "abort":
                status = count(reason.get("status_code")) or 500
                message = str(reason.get("message") or "The upstream aborted the answer.")
                return self._fail(upstream_errors.of_body({"message": message}, status=status))
            case "length":
                self._finish = Finish(FinishReason.LENGTH)
            case _:
                matched = reason.get("matched")
                known = isinstance(matched, str) and matched in self._exchange.stops
                self._finish = Finish(
                    FinishReason.STOP_SEQUENCE if known else FinishReason.STOP, matched if known else None
                )
        return []

    def _unreadable(self, data: bytes) -> list[Event]:
        if not self._started:
            return self._fail(upstream_errors.of_text(data))
        self.warnings.append("The upstream sent a line that is not JSON; it was skipped.")
        return []

    def _fail(self, error: Any) -> list[Event]:
        self._ended = True
        return [Failed(error)]
