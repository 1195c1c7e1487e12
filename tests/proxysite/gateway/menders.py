"""What mends an answer, in a test: transforms that exist from the start."""

from collections.abc import Callable, Sequence
from typing import Any

from validation.repair.grammar import grammar


class Menders:
    """`begins`: nothing may stay unread, unless it says so."""

    def __init__(self, *transforms: Any, begins: Callable[[str], bool] = lambda text: False) -> None:
        self.transforms: Sequence[Any] = transforms
        self.begins = begins


def lazy(*transforms: Any) -> Menders:
    """As answers are mended: the beginning stays unread where the recogniser would find nothing in it."""
    return Menders(*transforms, begins=grammar(None, True).begins)
