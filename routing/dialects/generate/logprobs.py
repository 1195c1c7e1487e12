"""The logprobs of /generate: [logprob, id, text] for each token, all so far in every frame."""

from collections.abc import Mapping
from typing import Any


class Logprobs:
    """`feed` takes what a frame says of itself and remembers what is new; `take` gives that in chat's form, once."""

    __slots__ = ("_seen", "_waiting")

    def __init__(self) -> None:
        self._seen = 0
        self._waiting: list[dict[str, Any]] = []

    def feed(self, meta: Mapping[str, Any]) -> None:
        chosen, others = meta.get("output_token_logprobs"), meta.get("output_top_logprobs")
        if not isinstance(chosen, list) or len(chosen) <= self._seen:
            return
        others = others if isinstance(others, list) else []
        for place in range(self._seen, len(chosen)):
            found = _token(chosen[place])
            if found is not None:
                beside = others[place] if place < len(others) and isinstance(others[place], list) else []
                tops = [top for entry in beside if (top := _token(entry)) is not None]
                self._waiting.append({**found, "bytes": None, "top_logprobs": tops})
        self._seen = len(chosen)

    def take(self) -> list[dict[str, Any]] | None:
        """None when there is nothing new."""
        taken, self._waiting = self._waiting, []
        return taken or None


def _token(entry: Any) -> dict[str, Any] | None:
    if not isinstance(entry, list | tuple) or len(entry) < 3:
        return None
    logprob, _, text = entry[:3]
    return {"token": text if isinstance(text, str) else "", "logprob": logprob}
