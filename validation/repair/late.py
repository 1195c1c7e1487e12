"""The repair of an answer that is read as events, put off until something in it could be markup: few answers need it.

What such an answer began with is kept, and is shown to the repair when there is one.  What came since tells it nothing:
text in which the grammar suspects nothing passes as it is, and changes nothing (`Lane.is_quiet`).
"""

from collections.abc import Callable, Sequence

from routing.dialects.events import End, Event, Failed, Finish, Start, Text, Transform, UsageSeen
from validation.repair.grammar import Grammar

_SAYS_NOTHING = frozenset({Start, UsageSeen, Finish, End, Failed})  # that a repair without anything held would change


class Late:
    """A `Transform` that stands for those that `make` makes, when they are needed."""

    def __init__(self, grammar: Grammar, make: Callable[[], Sequence[Transform]]) -> None:
        self._suspect = grammar.suspect.search
        self._begins = grammar.begins
        self._make = make
        self._transforms: Sequence[Transform] = ()
        self._is_made = False
        self._beginning: Text | None = None

    def feed(self, event: Event) -> list[Event]:
        if self._is_made:
            return self._through([event])
        if type(event) is Text:
            if self._beginning is not None:
                if self._suspect(event.text) is None:
                    return [event]
            elif self._begins(event.text):
                self._beginning = event
                return [event]
        elif type(event) in _SAYS_NOTHING:
            return [event]
        self._begin()
        return self._through([event])

    def close(self) -> list[Event]:
        out: list[Event] = []
        for transform in self._transforms:
            out = [passed for event in out for passed in transform.feed(event)] + transform.close()
        return out

    def _begin(self) -> None:
        self._is_made = True
        self._transforms = self._make()
        if self._beginning is not None:
            self._through([self._beginning])

    def _through(self, new: list[Event]) -> list[Event]:
        for transform in self._transforms:
            if len(new) == 1:
                new = transform.feed(new[0])
            else:
                new = [passed for event in new for passed in transform.feed(event)]
        return new
