"""Names and ids that a peer accepts: left alone when they are legal, else made legal always in the same way.

The same input gives the same output in every request, so a call and its result still match turns later, and two
different inputs never meet, because a hash of the whole is part of what replaces them.
"""

import hashlib
import re

_LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_PLAIN_KIMI = re.compile(r"functions_.*_(\d+)_[0-9a-f]{8}")
_MISTRAL_LENGTH = 9


def tool_name(name: str) -> str:
    if _LEGAL_NAME.fullmatch(name):
        return name
    return f"{_ILLEGAL.sub('_', name)[:55]}_{_hash(name)[:8]}"


def call_id(id: str, *, length: int | None, plain: bool) -> str:
    if length == _MISTRAL_LENGTH:
        return id if id.isascii() and id.isalnum() and len(id) == length else _hash(id)[:length]
    if (length is None or len(id) <= length) and not (plain and (not id or _ILLEGAL.search(id))):
        return id
    kept = (length or 64) - 9
    return f"{_ILLEGAL.sub('_', id)[:kept]}_{_hash(id)[:8]}"


def plain_id(id: str) -> str:
    """For clients that send an id back only where it has no other signs."""
    return call_id(id, length=None, plain=True)


def own_id(id: str, name: str) -> str:
    """The id that a call of this tool came with, if that was one of Kimi's, which its model wants to see again."""
    if match := _PLAIN_KIMI.fullmatch(id):
        own = f"functions.{name}:{match[1]}"
        return own if plain_id(own) == id else id
    return id


def short(text: str, length: int) -> str:
    """A text that must not be longer: a hash of it when it is."""
    return text if len(text) <= length else _hash(text)[:length]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
