"""What mends an answer, in a test: transforms that exist from the start."""

from collections.abc import Callable, Sequence
from typing import Any

from routing.dialects import Dialect
from routing.dialects.exchange import Exchange
from tests.validation.repair.support import TOOLS
from validation.repair.grammar import grammar


class Menders:
    """`begins`: nothing may stay unread, unless it says so."""

    def __init__(self, *transforms: Any, begins: Callable[[str], bool] = lambda text: False) -> None:
        self.transforms: Sequence[Any] = transforms
        self.begins = begins
        self.conversation = Exchange(
            client=Dialect.CHAT,
            upstream=Dialect.CHAT,
            model="m",
            request_id="r",
            created=1,
            known_tools=frozenset(TOOLS),
        )


def lazy(*transforms: Any) -> Menders:
    """As answers are mended: the beginning stays unread where the recogniser would find nothing in it."""
    return Menders(*transforms, begins=grammar(None, True).begins)
