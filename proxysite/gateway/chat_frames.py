"""Chat answers mended on their way to a chat client, frame by frame.  Pure.

What nothing changes leaves as the very bytes that came, with whatever fields the upstream adds: a frame without markup
is not even parsed, and one that was parsed is written anew only if the transforms made something else of it, or if its
calls lack what clients need (ids, dense indices, each part said once).  Frames from the one with the finish reason on
wait for the end of the stream, because what is settled there (a call that was held, the reason itself) comes before.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import orjson

from proxysite.gateway.client_calls import ClientCalls, word_for
from routing.dialects.chat.reader import ChatReader
from routing.dialects.chat.writer import FINISH_REASONS
from routing.dialects.events import (
    End,
    Event,
    Failed,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Redacted,
    Text,
    member,
)
from routing.dialects.exchange import Exchange as Conversation
from routing.dialects.json import loads
from routing.dialects.sse import SseParser

# What must be looked at even where no text is suspect: calls, the end, and what says that the answer failed.
_STRUCTURE = rb'"(?:tool_calls|function_call)"\s*:\s*[\[{]|"finish_reason"\s*:\s*"|data:\s*\[DONE\]|"error"\s*:\s*[{"]'
_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_SKELETON = ("id", "object", "created", "model", "system_fingerprint")
_CONTENT = ("content", "reasoning_content", "reasoning", "tool_calls", "function_call")
REASONING_FIELDS = ("reasoning_content", "reasoning")
_SEALS = (ReasoningEnd, Redacted)


class Mender(Protocol):
    """A transform that says when nothing is held, so that bytes may go around it.  With `End` or `Failed`, which comes
    always, it gives all it has."""

    @property
    def is_idle(self) -> bool: ...

    def feed(self, event: Event) -> list[Event]: ...


def through(transforms: Sequence[Mender], new: list[Event]) -> list[Event]:
    for transform in transforms:
        new = [passed for event in new for passed in transform.feed(event)]
    return new


def significant(trigger: re.Pattern[bytes]) -> re.Pattern[bytes]:
    """Bytes in which this finds nothing may pass unparsed while the transforms are idle."""
    return re.compile(trigger.pattern + b"|" + _STRUCTURE, trigger.flags)


class ChatFrames:
    """Whole frames in, frames out."""

    def __init__(
        self,
        conversation: Conversation,
        transforms: Sequence[Mender],
        look: re.Pattern[bytes],
        reasoning_field: str = "",
    ) -> None:
        self.is_cut = False  # the stream ended before the answer did
        self._reader = ChatReader(conversation)
        self._transforms = transforms
        self._look = look.search
        self._sse = SseParser()
        self._field = reasoning_field or REASONING_FIELDS[0]
        self._fixed_field = bool(reasoning_field)
        self._skeleton: dict[str, Any] = {"object": "chat.completion.chunk"}
        self._calls = ClientCalls()
        self._spoke = False
        self._tail: list[tuple[bytes, dict[str, Any] | None]] = []
        self._ended = False

    @property
    def warnings(self) -> list[str]:
        return self._reader.warnings

    def feed(self, data: bytes) -> bytes:
        if self._spoke and self._look(data) is None and self._is_idle():
            return data
        return b"".join(self._frame(raw) for raw in _frames(data))

    def close(self) -> bytes:
        """The upstream has nothing more to say."""
        if self._ended:
            return b""
        found = self._reader.close()
        self.is_cut = bool(found) and type(found[-1]) is Failed
        return self._settled(found)

    def fail(self, failed: Failed) -> bytes:
        """The answer cannot go on: what was held is given as it was."""
        return b"" if self._ended else self._settled([failed])

    def _is_idle(self) -> bool:
        return not self._tail and all(transform.is_idle for transform in self._transforms)

    def _frame(self, raw: bytes) -> bytes:
        frames = self._sse.feed(raw)
        if not frames or self._ended:
            return raw
        found = self._reader.feed(frames[0])
        if found and type(found[-1]) in (End, Failed):
            return self._settled(found) + raw
        chunk = object_of(frames[0][1])
        if chunk is None:
            return raw
        self._learn(chunk, found)
        passed = through(self._transforms, found)
        self._calls.number(passed)
        choice = choice_of(chunk)
        if choice is None:
            written, rest = self._written(passed), raw
        elif passed == found and self._calls.is_tidy(choice, found):
            written, rest = b"", raw
            self._calls.said(passed)
        else:
            written, rest, chunk = self._rewritten(chunk, choice, passed)
        if choice is not None and (self._tail or choice.get("finish_reason") is not None):
            self._tail.append((rest, chunk))
            return written
        if not self._tail:
            return written + rest
        self._tail.append((rest, chunk))
        return written

    def _learn(self, chunk: dict[str, Any], found: list[Event]) -> None:
        self._skeleton = {name: chunk[name] for name in _SKELETON if name in chunk}
        self._spoke = self._spoke or any(type(event) in (Text, Reasoning) for event in found)
        if not self._fixed_field and (choice := choice_of(chunk)) is not None:
            said = [name for name in REASONING_FIELDS if member(choice, "delta").get(name)]
            self._field = said[0] if said else self._field

    def _rewritten(
        self, chunk: dict[str, Any], choice: dict[str, Any], passed: list[Event]
    ) -> tuple[bytes, bytes, dict[str, Any]]:
        """What is said instead, and what is left of the frame without its content."""
        written = self._written(passed)
        stripped = _stripped(choice, passed)
        left = {**chunk, "choices": [stripped if one is choice else one for one in chunk["choices"]]}
        if stripped.get("delta", {}).get("role"):
            return _sse(left) + written, b"", left
        others = len(chunk["choices"]) > 1
        matters = stripped.get("delta") or stripped.get("finish_reason") or chunk.get("usage") or others
        return written, _sse(left) if matters else b"", left

    def _written(self, passed: list[Event]) -> bytes:
        deltas = [delta for event in passed for delta in self._calls.deltas(event, self._field)]
        return b"".join(map(self._chunk, deltas))

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        return _sse({**self._skeleton, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    def _settled(self, found: list[Event]) -> bytes:
        """The end: what was held, then the frames that waited for it, with the reason that is right by now."""
        self._ended = True
        passed = through(self._transforms, found)
        self._calls.number(passed)
        written = self._written([*passed, *self._calls.unfinished()])
        failed = bool(found) and type(found[-1]) is Failed
        reason = None if failed else self._calls.reason(passed)
        return written + self._waiting(reason)

    def _waiting(self, reason: FinishReason | None) -> bytes:
        out: list[bytes] = []
        for raw, chunk in self._tail:
            choice = None if chunk is None else choice_of(chunk)
            if chunk is None or choice is None or choice.get("finish_reason") is None or reason is None:
                out.append(raw)
                continue
            word = word_for(reason, choice["finish_reason"])
            if word == choice["finish_reason"]:
                out.append(raw)
            else:
                new = {**choice, "finish_reason": word}
                out.append(_sse({**chunk, "choices": [new if one is choice else one for one in chunk["choices"]]}))
            reason = FinishReason.UNKNOWN  # it was said; a second one would make clients drop the calls
        self._tail.clear()
        if reason not in (None, FinishReason.UNKNOWN):
            out.append(self._chunk({}, FINISH_REASONS[reason]))  # the upstream gave none
        return b"".join(out)


def _frames(data: bytes) -> Iterator[bytes]:
    start = 0
    for match in _FRAME_END.finditer(data):
        yield data[start : match.end()]
        start = match.end()


def object_of(data: bytes) -> dict[str, Any] | None:
    try:
        chunk = loads(data)
    except ValueError:
        return None
    return chunk if isinstance(chunk, dict) else None


def choice_of(chunk: dict[str, Any]) -> dict[str, Any] | None:
    """The one that is read; whoever asks for several is not mended."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def _stripped(choice: dict[str, Any], passed: list[Event]) -> dict[str, Any]:
    """The choice without what is said anew."""
    kept = {name: value for name, value in member(choice, "delta").items() if name not in _CONTENT}
    if not any(isinstance(event, _SEALS) for event in passed):
        kept.pop("reasoning_details", None)
    stripped = {**choice, "delta": kept}
    if stripped.get("logprobs"):
        stripped["logprobs"] = None  # of tokens that are not there any more
    return stripped


def _sse(chunk: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
