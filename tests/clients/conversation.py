"""What a scripted upstream says, turn by turn, and what it hears, whatever the dialect."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SEAL = "c2VhbGVkIGJ5IHRoZSBzY3JpcHRlZCB1cHN0cmVhbQ=="  # what this upstream puts on its thinking, and takes back
PIECE = 7  # characters of text in one event


@dataclass(frozen=True)
class Call:
    """`arguments` that are text go to a free-form tool; `group` is the namespace a Responses client keeps it in."""

    name: str
    arguments: dict[str, Any] | str
    group: str = ""

    @property
    def flat_name(self) -> str:
        """The name in a dialect that knows no groups."""
        return f"{self.group}__{self.name}" if self.group else self.name

    @property
    def as_function(self) -> str:
        """The arguments in a dialect that knows no free-form tools."""
        wrapped = {"input": self.arguments} if isinstance(self.arguments, str) else self.arguments
        return json.dumps(wrapped, ensure_ascii=False)


@dataclass(frozen=True)
class Turn:
    thinking: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Usage:
    """`cached` are among the `input`, `reasoning` among the `output`."""

    input: int
    cached: int
    output: int
    reasoning: int


@dataclass(frozen=True)
class Said:
    """One answer to give: `ids` are those of the turn's calls."""

    turn: Turn
    ids: tuple[str, ...]
    usage: Usage
    number: int
    model: str

    @property
    def calls(self) -> Iterator[tuple[str, Call]]:
        return zip(self.ids, self.turn.calls, strict=True)


@dataclass(frozen=True)
class Result:
    text: str
    is_error: bool = False
    images: int = 0


@dataclass
class Heard:
    """What one request tells of the conversation so far; `faults` are what a strict server would refuse it for."""

    tools: list[str] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    called: dict[str, tuple[str, Any]] = field(default_factory=dict)  # the calls as they are told back, by id
    thinking: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # of the assistant
    images: list[str] = field(default_factory=list)  # of the user, as data URLs
    asked: str = ""  # the user's last words
    faults: list[str] = field(default_factory=list)

    def must(self, condition: Any, fault: str) -> bool:
        if not condition:
            self.faults.append(fault)
        return bool(condition)

    def must_know(self, given: dict[str, Any], known: set[str], what: str) -> None:
        self.must(set(given) <= known, f"{what} has {sorted(set(given) - known)}")


def words(text: str) -> set[str]:
    return set(text.split())


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))
