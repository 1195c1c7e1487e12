"""Chat answers mended on their way to a chat client, frame by frame.  Pure.

What nothing changes leaves as the very bytes that came, with whatever fields the upstream adds: a frame without markup,
or with a text alone, is not even parsed, and one that was parsed is written anew only if the transforms made something
else of it, or if its calls lack what clients need (ids, dense indices, each part said once).  With the frame that has
the finish reason all is settled: what was held comes before it.
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from proxysite.gateway.client_calls import ClientCalls, word_for
from proxysite.gateway.plain_frames import PlainFrames
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
from routing.dialects.json import loads
from routing.dialects.sse import DONE, SseParser
from validation.repair import SAYS_SOMETHING, TEXTS, unsuspected

_suspect = TEXTS.search
_REASON = re.compile(rb'"finish_reason"\s*:\s*"')
_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_FRAMES = re.compile(rb"(?s).+?(?:\r\n\r\n|\n\n|\r\r|\n\r\n)")
_LONGEST_BEGINNING = 4096  # bytes that are kept
_SKELETON = ("id", "object", "created", "model", "system_fingerprint")
_CONTENT = ("content", "reasoning_content", "reasoning", "tool_calls", "function_call")
REASONING_FIELDS = ("reasoning_content", "reasoning")
_SEALS = (ReasoningEnd, Redacted)


class Menders(Protocol):
    """What mends an answer.  `transforms` are made when they are first asked for; few answers need them."""

    @property
    def transforms(self) -> Sequence["Mender"]: ...

    def begins(self, text: str) -> bool:
        """Whether an answer that begins so may stay unread until something suspect comes."""


class Mender(Protocol):
    """A transform that lets bytes around it while nothing is held that they could concern.  With `End` or `Failed`,
    which comes always, it gives all it has."""

    def passes(self, data: bytes, start: int) -> int:
        """Up to where these whole frames, from `start` on, may stay unread: behind a frame that tells of no call, no
        end, and no text it must look at."""

    def feed(self, event: Event) -> list[Event]: ...


def through(transforms: Sequence[Mender], new: list[Event]) -> list[Event]:
    for transform in transforms:
        new = transform.feed(new[0]) if len(new) == 1 else [passed for event in new for passed in transform.feed(event)]
    return new


class ChatFrames:
    """Whole frames in, frames out.

    An ordinary answer is never read: the frames it begins with are kept, to be read when something suspect comes.
    """

    def __init__(self, conversation: Conversation, menders: Menders, reasoning_field: str = "") -> None:
        self.is_cut = False  # the stream ended before the answer did
        self._reader = ChatReader(conversation)
        self._menders = menders
        self._transforms: Sequence[Mender] | None = None
        self._beginning = b""
        self._sse = SseParser()
        self._plain = PlainFrames()
        self._field = reasoning_field or REASONING_FIELDS[0]
        self._fixed_field = bool(reasoning_field)
        self._skeleton: dict[str, Any] = {"object": "chat.completion.chunk"}
        self._calls = ClientCalls()
        self._spoke = False
        self._is_told = False  # the finish reason
        self._is_finished = False  # the same, left unread
        self._ended = False
        self._quiet: bool | None = None  # None: not known since something was read

    @property
    def warnings(self) -> list[str]:
        return self._reader.warnings

    def feed(self, data: bytes) -> bytes:
        """A busy server reads many frames at once: each stretch without markup leaves in one piece."""
        texts = self._plain.texts(data)
        if texts is not None:
            if _suspect(texts) is None and (self._quiet or self._is_quiet()):
                return data
            if b"\n" not in texts:
                return b"".join(map(self._frame, self._plain.frames(data)))
        at = self._begun(data) if self._transforms is None and not self._spoke else 0
        out = [data[:at]]
        while at < len(data):
            end = self._unread(data, at)
            if end == len(data) and len(out) == 1:
                return data
            out.append(data[at:end])
            frame = _FRAME_END.search(data, end)
            at = frame.end() if frame else len(data)
            out.append(self._frame(data[end:at]) if frame else b"")
        return b"".join(out)

    def close(self) -> bytes:
        """The upstream has nothing more to say."""
        if not self._spoke:
            self._look_back()
        if self._ended:
            return b""
        if self._is_quiet():  # nothing is held, and nothing was changed that the end would have to fit
            self.is_cut = self._reader.finish is None and not self._is_finished
            return b""
        found = self._reader.close()
        self.is_cut = type(found[-1]) is Failed
        return self._ending(found)

    def fail(self, failed: Failed) -> bytes:
        """The answer cannot go on: what was held is given as it was."""
        self._look_back()
        return b"" if self._ended else self._ending([failed])

    def _begun(self, data: bytes) -> int:
        """Up to behind the first text, if the answer begins with one that may stay unread."""
        first = self._plain.first_text(data)
        head, end = (first.start, first.end) if first else (len(data), len(data))
        if (
            SAYS_SOMETHING.search(data, 0, head)
            or len(self._beginning) + end > _LONGEST_BEGINNING
            or (first and not self._menders.begins(first.text))
        ):
            self._look_back()
            return 0
        self._beginning += data[:end]
        self._spoke = first is not None
        return end

    def _look_back(self) -> None:
        """Reads what the answer began with, all of which has left as it was."""
        if self._transforms is None:
            beginning, self._beginning = self._beginning, b""
            self._transforms = self._menders.transforms
            self._plain = PlainFrames()
            for frame in _FRAMES.findall(beginning):
                self._frame(frame)

    def _is_quiet(self) -> bool:
        """Whether texts in which nothing is suspect change nothing: then it stays so until something else is read."""
        if self._transforms is None:
            return True
        if self._quiet is None:
            self._quiet = all(transform.passes(b" ", 0) for transform in self._transforms)
        return self._quiet

    def _transformed(self, new: list[Event]) -> list[Event]:
        self._quiet = None
        assert self._transforms is not None
        return through(self._transforms, new)

    def _unread(self, data: bytes, start: int) -> int:
        """Up to where the frames may go around the transforms."""
        if not self._spoke or self._plain.is_learning:
            return start
        run, texts = self._plain.run(data, start)
        if texts and b"\n" not in texts and _suspect(texts) is None and self._is_quiet():
            start = run
        if self._transforms is None:
            end = unsuspected(data, start)
        else:
            end = min(transform.passes(data, start) for transform in self._transforms)
        return self._before_end(data, start, end) if end > start else start

    def _before_end(self, data: bytes, start: int, end: int) -> int:
        """An end without a reason to finish is read, for it is given one."""
        if self._is_finished or self._is_told or _REASON.search(data, start, end):
            self._is_finished = True
            return end
        done = data.find(DONE, start, end)
        if done < 0:
            return end
        before = data.rfind(b"\n\n", start, done)
        return start if before < 0 else before + 2

    def _plainly(self, raw: bytes, event: Event) -> bytes:
        """A frame that says one text and nothing else."""
        passed = self._transformed([event])
        if passed == [event]:
            return raw
        self._calls.number(passed)
        if (written := self._plain.written(passed)) is not None:
            return written
        chunk = object_of(raw.partition(b"data:")[2])
        choice = choice_of(chunk) if chunk else None
        return self._rewritten(chunk, choice, passed) if chunk and choice else raw

    def _frame(self, raw: bytes) -> bytes:
        self._look_back()
        if (event := self._plain.read(raw)) is not None:
            return self._plainly(raw, event)
        frames = self._sse.feed(raw)
        if not frames or self._ended:
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

    def _finishing(self, raw: bytes, chunk: dict[str, Any], choice: dict[str, Any], found: list[Event]) -> bytes:
        """The frame with the finish reason: what is held comes before it, and what it says is right by then."""
        said, word = choice["finish_reason"], None  # said a second time, it would make clients drop the calls
        if not self._is_told and self._reader.finish is not None:
            found = [*found, self._reader.finish]
        passed = self._passed(found)
        if not self._is_told:
            self._is_told, word = True, word_for(self._calls.reason(passed), said)
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
        passed = self._transformed(found)
        self._calls.number(passed)
        return passed

    def _learn(self, chunk: dict[str, Any], found: list[Event]) -> None:
        self._skeleton = {name: chunk[name] for name in _SKELETON if name in chunk}
        self._spoke = self._spoke or any(type(event) in (Text, Reasoning) for event in found)
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
        self._ended = True
        failed = type(found[-1]) is Failed
        passed = self._passed([event for event in found if not (self._is_told and type(event) is Finish)])
        written = self._written(passed) + self._written(self._calls.unfinished())
        if failed or self._is_told:
            return written
        return written + self._chunk({}, FINISH_REASONS[self._calls.reason(passed)])


def is_readable(frame: bytes) -> bool:
    """Whether the bytes at the end of a stream are a whole frame, but for its blank line."""
    return any(data.strip() == DONE or object_of(data) is not None for _, data in SseParser().feed(frame + b"\n\n"))


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
