"""A conversation of messages that moves to Anthropic from another server: its thinking is not Anthropic's there.

Clients send thinking back with the signature it came with.  Anthropic refuses one that it did not make: an empty one,
as local servers and converted answers have it, and one that carries what OpenAI sealed.
"""

from collections.abc import Mapping
from typing import Any

from routing.dialects import seals
from routing.dialects.events import members

_SIGNS = (seals.FOREIGN.encode(), b'"signature":""', b'"signature": ""')


def may_hold_foreign_thinking(body: bytes) -> bool:
    """A look at the bytes, so that other requests cost nothing and stay as they are."""
    return any(sign in body for sign in _SIGNS)


def without_foreign_thinking(body: Mapping[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The body without it, and a warning where more had to change; None when there is nothing to leave out."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    kept = [_kept(message) for message in messages]
    if all(after is before for after, before in zip(kept, messages, strict=True)):
        return None
    fit = {**body, "messages": [message for message in kept if message is not None]}
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled" and _continues_unsigned(kept):
        del fit["thinking"]
        return fit, "Thinking was switched off: the tool calls before came without the model's signed thinking."
    return fit, ""


def _kept(message: Any) -> Any:
    """The message itself if nothing has to go, None if nothing is left of it."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list) or message.get("role") != "assistant":
        return message
    kept = [block for block in content if not _is_foreign(block)]
    if len(kept) == len(content):
        return message
    return {**message, "content": kept} if kept else None


def _is_foreign(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") != "thinking":
        return False
    signature = block.get("signature")
    return not isinstance(signature, str) or not signature or signature.startswith(seals.FOREIGN)


def _continues_unsigned(messages: list[Any]) -> bool:
    """Models that are told a budget must find their thinking before the calls whose results they get."""
    if len(messages) < 2 or not any(block.get("type") == "tool_result" for block in members(messages[-1], "content")):
        return False
    calling = next((message for message in reversed(messages) if _is_assistant(message)), None)
    return not any(block.get("type") in ("thinking", "redacted_thinking") for block in members(calling, "content")[:1])


def _is_assistant(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant"
