"""What makes two requests parts of one conversation: their beginning, for that is what a KV cache holds.  Pure."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

_BEGINNING = 2048  # characters of a plain prompt


def session_of(body: Mapping[str, Any]) -> bytes:
    """The same for all requests of a conversation: its model, system prompt and first words.

    What a client itself says of the session comes first (`prompt_cache_key`, `session_id`).
    """
    model = body.get("model")
    for name in ("prompt_cache_key", "session_id"):
        if isinstance(body.get(name), str) and body[name]:
            return _digest([model, body[name]])
    return _digest([model, body.get("system"), body.get("instructions"), _first_words(body)])


def _first_words(body: Mapping[str, Any]) -> Any:
    """Everything up to the first thing a user said, in whatever dialect."""
    for name in ("messages", "input"):
        turns = body.get(name)
        if isinstance(turns, list):
            users = (at for at, turn in enumerate(turns) if isinstance(turn, dict) and turn.get("role") == "user")
            return turns[: next(users, 0) + 1]
        if isinstance(turns, str):
            return turns[:_BEGINNING]
    prompt = body.get("prompt", body.get("text"))
    return prompt[:_BEGINNING] if isinstance(prompt, str | list) else None


def _words(turn: Any) -> Any:
    """A turn without what clients move around between requests: the marks of where a prompt cache should end."""
    if isinstance(turn, dict):
        return {name: _words(value) for name, value in turn.items() if name != "cache_control"}
    return [_words(value) for value in turn] if isinstance(turn, list) else turn


def _digest(parts: list[Any]) -> bytes:
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    if b'"cache_control"' in text:
        text = orjson.dumps(_words(parts), option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=16).digest()
