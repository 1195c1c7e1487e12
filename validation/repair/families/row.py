"""What a row says of a family's markup."""

from collections.abc import Callable
from dataclasses import dataclass

from validation.repair.calls import Found
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools

Parser = Callable[[Source, Tools], Steps[Found]]


@dataclass(frozen=True, slots=True)
class Row:
    """`parse` reads from an opener on, through one call or a list of them.

    What may still follow a call, `closers`, is markup there and text elsewhere.  `at_start`: the opener says nothing by
    itself, so it counts only where an answer begins, and the calls must be all of it.
    """

    family: str
    openers: tuple[str, ...]
    parse: Parser
    closers: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()  # what ends the reasoning, or the frame of the answer, that the row can open
    at_start: bool = False
    frames: bool = False  # tells reasoning from answer too, so it is wanted without tools
