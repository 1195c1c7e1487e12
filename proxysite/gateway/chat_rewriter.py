"""Chat answers mended on their way to a chat client: the frames that are read, one by one.  Pure.

One that was parsed is written anew only if the transforms made something else of it, or if its calls lack what clients
need (ids, dense indices, each part said once); with whatever fields the upstream adds.  With the frame that has the
finish reason all is settled: what was held comes before it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from proxysite.gateway.plain_frames import PlainFrames
from routing.dialects.chat.client_calls import ClientCalls, choice_of, word_for
from routing.dialects.chat.reader import ChatReader
from routing.dialects.chat.writer import FINISH_REASONS
from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    Reasoning,
    ReasoningEnd,
    Redacted,
    Text,
    member,
)
from routing.dialects.exchange import Exchange as Conversation
from routing.dialects.json import object_of
from routing.dialects.sse import SseParser

_SKELETON = ("id", "object", "created", "model", "system_fingerprint")
_CONTENT = ("content", "reasoning_content", "reasoning", "tool_calls", "function_call")
REASONING_FIELDS = ("reasoning_content", "reasoning")
_SEALS = (ReasoningEnd, Redacted)


class Menders(Protocol):
    """What mends an answer.  All is made when it is first asked for; few answers need it."""

    @property
    def transforms(self) -> Sequence["Mender"]: ...

    @property
    def conversation(self) -> Conversation: ...

    def begins(self, text: str) -> bool:
        """Whether an answer that begins so may stay unread until something suspect comes."""


class Mender(Protocol):
    """A transform that lets bytes around it while nothing is held that they could concern.  With `End` or `Failed`,
    which comes always, it gives all it has."""

    def passes(self, data: bytes) -> bool:
        """Whether these whole frames may stay unread: they tell of no call, no end, and no text it must look at."""

    def may_wait(self) -> bool:
        """Whether text in which no marker begins would stay as it is, and may be fed later, and much at once."""

    def feed(self, event: Event) -> list[Event]: ...


def through(transforms: Sequence[Mender], new: list[Event]) -> list[Event]:
    for transform in transforms:
        new = transform.feed(new[0]) if len(new) == 1 else [passed for event in new for passed in transform.feed(event)]
    return new


class ChatRewriter:
    """`feed` takes a frame, `hear` what others said that left unread; they are those that `plain` knows."""

    def __init__(self, menders: Menders, plain: PlainFrames, reasoning_field: str = "") -> None:
        self.is_cut = False  # the stream ended before the answer did
        self.has_spoken = False
        self.has_told_reason = False  # the finish reason
        self.has_ended = False
        self._reader = ChatReader(menders.conversation)
        self._transforms = menders.transforms
        self._plain = plain
        self._sse = SseParser()
        self._field = reasoning_field or REASONING_FIELDS[0]
        self._fixed_field = bool(reasoning_field)
        self._skeleton: dict[str, Any] = {"object": "chat.completion.chunk"}
        self._calls = ClientCalls()
        self._ahead = 0  # characters that the client has and the transforms still hold

    @property
    def warnings(self) -> Sequence[str]:
        return self._reader.warnings

    @property
    def knows_reason(self) -> bool:
        return self._reader.finish is not None

    def passes(self, frames: bytes) -> bool:
        return all(transform.passes(frames) for transform in self._transforms)

    def is_quiet(self) -> bool:
        """Whether the end would change nothing."""
        return self.passes(b" ")

    def may_wait(self) -> bool:
        return all(transform.may_wait() for transform in self._transforms)

    def hear(self, said: Text | Reasoning) -> None:
        """What the client has already.  What the transforms hold of it is not for the client when they give it."""
        self._ahead += len(said.text) - sum(map(_size, through(self._transforms, [said])))

    def feed(self, raw: bytes) -> bytes:
        if (event := self._plain.read(raw)) is not None:
            return self._text(raw, event)
        frames = self._sse.feed(raw)
        if not frames or self.has_ended:
            return raw
        name, payload = frames[0]
        chunk = None if name == b"error" else object_of(payload)
        found = self._reader.feed(frames[0]) if chunk is None else self._reader.chunk(chunk)
        self._plain.forget()
        if found and type(found[-1]) in (End, Failed):
            return self._ending(found) + raw
        if chunk is None:
            return raw
        self._learn(chunk, found)
        choice = choice_of(chunk)
        if choice is None:
            return self._written(self._passed(found)) + raw
        if choice.get("finish_reason") is not None:
            return self._finishing(raw, chunk, choice, found)
        self._plain.learn(raw, found)
        passed = self._passed(found)
        if passed == found and self._calls.is_tidy(choice, found):
            self._calls.said(passed)
            return raw
        return self._rewritten(chunk, choice, passed)

    def close(self) -> bytes:
        """The upstream has nothing more to say."""
        found = self._reader.close()
        self.is_cut = type(found[-1]) is Failed
        return self._ending(found)

    def fail(self, failed: Failed) -> bytes:
        return b"" if self.has_ended else self._ending([failed])

    def _text(self, raw: bytes, event: Event) -> bytes:
        """A frame that says one text and nothing else."""
        passed = self._mended([event])
        if passed == [event]:
            return raw
        self._calls.number(passed)
        if (written := self._plain.written(passed)) is not None:
            return written
        chunk = object_of(raw.partition(b"data:")[2])
        choice = choice_of(chunk) if chunk else None
        return self._rewritten(chunk, choice, passed) if chunk and choice else raw

    def _finishing(self, raw: bytes, chunk: dict[str, Any], choice: dict[str, Any], found: list[Event]) -> bytes:
        """The frame with the finish reason: what is held comes before it, and what it says is right by then."""
        said, word = choice["finish_reason"], None  # said a second time, it would make clients drop the calls
        if not self.has_told_reason and self._reader.finish is not None:
            found = [*found, self._reader.finish]
        passed = self._passed(found)
        if not self.has_told_reason:
            self.has_told_reason, word = True, word_for(self._calls.reason(passed), said)
        if (
            passed == found
            and word == said
            and self._calls.is_tidy(choice, found)
            and not self._calls.leaves_open(found)
        ):
            self._calls.said(passed)
            return raw
        return self._rewritten(chunk, {**choice, "finish_reason": word}, passed, ends=True)

    def _passed(self, found: list[Event]) -> list[Event]:
        passed = self._mended(found)
        self._calls.number(passed)
        return passed

    def _mended(self, found: list[Event]) -> list[Event]:
        passed = through(self._transforms, found)
        return self._new(passed) if self._ahead else passed

    def _new(self, passed: list[Event]) -> list[Event]:
        """Without the text that the client has."""
        new: list[Event] = []
        for event in passed:
            size = min(self._ahead, _size(event))
            self._ahead -= size
            if not size:
                new.append(event)
            elif isinstance(event, Text | Reasoning) and size < len(event.text):
                new.append(type(event)(event.text[size:]))
        return new

    def _learn(self, chunk: dict[str, Any], found: list[Event]) -> None:
        self._skeleton = {name: chunk[name] for name in _SKELETON if name in chunk}
        self.has_spoken = self.has_spoken or any(type(event) in (Text, Reasoning) for event in found)
        if not self._fixed_field and (choice := choice_of(chunk)) is not None:
            said = [name for name in REASONING_FIELDS if member(choice, "delta").get(name)]
            self._field = said[0] if said else self._field

    def _rewritten(
        self, chunk: dict[str, Any], choice: dict[str, Any], passed: list[Event], *, ends: bool = False
    ) -> bytes:
        """What is said instead, between the role and whatever else the frame holds."""
        stripped = _stripped(choice, passed)
        role = stripped["delta"].pop("role", None)
        first = self._chunk({"role": role}) if role else b""
        written = self._written(passed) + (self._written(self._calls.unfinished()) if ends else b"")
        others = chunk["choices"][1:]
        matters = stripped["delta"] or stripped.get("finish_reason") or chunk.get("usage") or others
        return first + written + (_sse({**chunk, "choices": [stripped, *others]}) if matters else b"")

    def _written(self, passed: list[Event]) -> bytes:
        deltas = [delta for event in passed for delta in self._calls.deltas(event, self._field)]
        return b"".join(map(self._chunk, deltas))

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        return _sse({**self._skeleton, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    def _ending(self, found: list[Event]) -> bytes:
        """The end of the stream.  A server that gave no reason to finish is helped out."""
        self.has_ended = True
        failed = type(found[-1]) is Failed
        passed = self._passed([event for event in found if not (self.has_told_reason and type(event) is Finish)])
        written = self._written(passed) + self._written(self._calls.unfinished())
        if failed or self.has_told_reason:
            return written
        return written + self._chunk({}, FINISH_REASONS[self._calls.reason(passed)])


def _size(event: Event) -> int:
    return len(event.text) if isinstance(event, Text | Reasoning) else 0


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
