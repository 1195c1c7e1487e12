"""What is wrong with a stored configuration, told by whoever reads the rows."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """A row that cannot be used, and why; the admin index links to it."""

    what: str
    name: str
    text: str
    row: Any = None

    def __str__(self) -> str:
        return f"{self.what} “{self.name}”: {self.text}"
