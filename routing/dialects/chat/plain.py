"""Whole chat answers that are one text and nothing else, as most are: it can be looked at without making events."""

from routing.dialects.json import loads

_ENDS = ("stop", "length")
_OF_MESSAGE = frozenset({"role", "content"})
_OF_CHOICE = frozenset({"index", "message", "finish_reason"})


def text_of(body: bytes) -> str | None:
    """The text; None where anything else is said, or nothing, or where it is no such answer."""
    try:
        answer = loads(body)
    except ValueError:
        return None
    choices = answer.get("choices") if isinstance(answer, dict) and not answer.get("error") else None
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    if not isinstance(choice, dict) or choice.get("finish_reason") not in _ENDS:
        return None
    message = choice.get("message")
    if not isinstance(message, dict):
        return None
    if _says_more(choice, _OF_CHOICE) or _says_more(message, _OF_MESSAGE):
        return None
    content = message.get("content")
    return content if isinstance(content, str) and content else None


def _says_more(members: dict[str, object], known: frozenset[str]) -> bool:
    return any(value for name, value in members.items() if name not in known)
