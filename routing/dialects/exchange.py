"""What converting an answer must know of its request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.dialects import BARE, Dialect


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request and its answer.  `request_id` and `created` come from outside: nothing here has a clock or dice.

    Nobody changes it; it is not frozen because it is made anew for each request, which would cost three times as much.
    """

    client: Dialect
    upstream: Dialect
    model: str = ""  # as the client asked for it; answers say it back
    request_id: str = "0"
    created: int = 0
    include_usage: bool = False  # a streaming chat client asked for its usage
    stops: frozenset[str] = frozenset()  # the stop sequences that were asked for
    names: Mapping[str, str] = field(default_factory=dict)  # tool name sent upstream → the client's name
    known_tools: frozenset[str] = frozenset()  # the names sent upstream
    wrapped: frozenset[str] = frozenset()  # custom tools (by the client's name) that went upstream as functions
    search: str = ""  # the function that stands for a Responses client's search for tools
    namespaces: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # flat name → (namespace, name)
    renamed: bool = False  # the upstream knows the model by another name
    echo: Mapping[str, Any] = field(default_factory=dict)  # what the answer repeats of its request
    prompt_estimate: int = 0  # tokens, for clients that must have a number before the upstream says one

    @property
    def is_bare(self) -> bool:
        """Bare text between two sides of one dialect: nothing but text is read of it, and its frames are kept."""
        return self.client is self.upstream and self.client in BARE

    def client_name(self, name: str) -> str:
        return self.names.get(name, name)

    def call_id(self, number: int) -> str:
        """An id for a call that the upstream gave none."""
        prefix = "toolu" if self.client is Dialect.MESSAGES else "call"
        return f"{prefix}_{self.request_id}_{number}"
