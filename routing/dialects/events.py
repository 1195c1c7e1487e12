"""The steps of an answer, the same for every dialect.

A reader turns a dialect's frames into these, a writer turns these into a dialect's frames, and whatever repairs or
judges an answer stands between the two with `feed(event) -> list[Event]`.  A whole (not streamed) answer becomes the
same events.  Their order: `Start` first; then content; `Finish` and `UsageSeen` anywhere after it; `End` or `Failed`
last and once.  Events are made for every token, so they are plain slotted classes.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol


class FinishReason(StrEnum):
    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    REFUSAL = "refusal"
    PAUSE = "pause"  # Anthropic's pause_turn: the client is meant to send the answer back for more
    CONTEXT = "context"  # the context window is full
    UNKNOWN = "unknown"  # a word that no reference knows; fine if there is content


class Usage:
    """Token counts; None is "not reported".  `prompt` includes what was read from and written to the cache."""

    __slots__ = ("cache_read", "cache_write", "output", "prompt", "reasoning")

    def __init__(
        self,
        prompt: int | None = None,
        output: int | None = None,
        cache_read: int | None = None,
        cache_write: int | None = None,
        reasoning: int | None = None,
    ) -> None:
        self.prompt = prompt
        self.output = output
        self.cache_read = cache_read
        self.cache_write = cache_write
        self.reasoning = reasoning

    def update(self, newer: "Usage") -> None:
        """The newer report wins, where it says anything."""
        for name in self.__slots__:
            value = getattr(newer, name)
            if value is not None:
                setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={getattr(self, name)}" for name in self.__slots__ if getattr(self, name) is not None)
        return f"Usage({said})"


class UpstreamError:
    """What an upstream said went wrong.  `kind` is a word of Anthropic's list of error types."""

    __slots__ = ("code", "kind", "message", "param", "status")

    def __init__(self, status: int, message: str, kind: str = "", code: str = "", param: str | None = None) -> None:
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param

    def __repr__(self) -> str:
        return f"UpstreamError({self.status}, {self.message!r}, {self.kind!r}, {self.code!r})"


class Event:
    """Compared and shown by its slots, which is what tests need."""

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._values()))})"


class Start(Event):
    """The answer begins.  `id` is the upstream's own."""

    __slots__ = ("id", "model", "usage")

    def __init__(self, id: str = "", model: str = "", usage: Usage | None = None) -> None:
        self.id = id
        self.model = model
        self.usage = usage


class Text(Event):
    """`logprobs` are the entries of its tokens as chat and Responses have them, None when nobody asked."""

    __slots__ = ("logprobs", "text")

    def __init__(self, text: str, logprobs: list[Any] | None = None) -> None:
        self.text = text
        self.logprobs = logprobs


class Refusal(Event):
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Reasoning(Event):
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class ReasoningEnd(Event):
    """Seals the reasoning so far: Anthropic's signature, or OpenAI's encrypted content with the id of its item."""

    __slots__ = ("encrypted", "id", "signature")

    def __init__(self, signature: str = "", encrypted: str = "", id: str = "") -> None:
        self.signature = signature
        self.encrypted = encrypted
        self.id = id


class Redacted(Event):
    """A block of thinking that only its maker can read."""

    __slots__ = ("data",)

    def __init__(self, data: str) -> None:
        self.data = data


class ToolStart(Event):
    """A call begins.  `key` tells calls of one answer apart; `custom` calls have free text as their input, not JSON."""

    __slots__ = ("custom", "id", "key", "name")

    def __init__(self, key: int, id: str, name: str, custom: bool = False) -> None:
        self.key = key
        self.id = id
        self.name = name
        self.custom = custom


class ToolArguments(Event):
    """A piece of a call's arguments, raw: pieces may end in the middle of an escape."""

    __slots__ = ("key", "text")

    def __init__(self, key: int, text: str) -> None:
        self.key = key
        self.text = text


class ToolEnd(Event):
    """The upstream closed the call.  Not every dialect says so; `End` closes what is open."""

    __slots__ = ("key",)

    def __init__(self, key: int) -> None:
        self.key = key


class Citation(Event):
    """The source of a stretch of the text."""

    __slots__ = ("end", "start", "title", "url")

    def __init__(self, url: str, title: str = "", start: int = 0, end: int = 0) -> None:
        self.url = url
        self.title = title
        self.start = start
        self.end = end


class UsageSeen(Event):
    __slots__ = ("usage",)

    def __init__(self, usage: Usage) -> None:
        self.usage = usage


class Finish(Event):
    """Why the model stopped.  `explanation` is what a refusal says about itself."""

    __slots__ = ("explanation", "reason", "stop_sequence")

    def __init__(self, reason: FinishReason, stop_sequence: str | None = None, explanation: str = "") -> None:
        self.reason = reason
        self.stop_sequence = stop_sequence
        self.explanation = explanation


class Failed(Event):
    """The answer broke; nothing follows."""

    __slots__ = ("error",)

    def __init__(self, error: UpstreamError) -> None:
        self.error = error


class End(Event):
    """The answer is complete."""

    __slots__ = ()


class Transform(Protocol):
    """What stands between reader and writer."""

    def feed(self, event: Event) -> list[Event]: ...

    def close(self) -> list[Event]: ...


_COUNTLESS = 2**53  # so many of anything, of which sums still have a place in JSON


def count(value: Any) -> int | None:
    """A token count out of JSON: servers send null, floats and text in its place, and numbers beyond all counting."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value < _COUNTLESS:
        return None
    return max(0, int(value))


def total(*counts: int | None) -> int | None:
    """The sum of what is known, None when nothing is."""
    known = [number for number in counts if number is not None]
    return sum(known) if known else None


def member(value: Any, name: str) -> Mapping[str, Any]:
    """The object under a name, and an empty one for anything else that stands there."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def members(value: Any, name: str) -> list[dict[str, Any]]:
    """The objects of the list under a name, and none where anything else stands."""
    found = value.get(name) if isinstance(value, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
