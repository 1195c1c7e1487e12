"""What `encrypted_content` of a reasoning item holds when the reasoning is not OpenAI's.

Clients send the items of an answer back with the next request and never look into this member, so it carries what
another maker needs to recognise its own thinking: Anthropic's signature, or a block that only Anthropic can read.
OpenAI's own content is bound to the id of its item; where our item has another id, the original travels along.
"""

from routing.dialects.request import Reasoning

_SIGNED = "anthropic-claude-v1:"
_REDACTED = "anthropic-claude-redacted-v1:"
_FOREIGN_ID = "openai-responses-v1:"


def seal(part: Reasoning) -> str:
    """Blank when there is nothing to keep."""
    if part.redacted:
        return _REDACTED + part.redacted
    if part.signature:
        return _SIGNED + part.signature
    if part.encrypted and part.id:
        return f"{_FOREIGN_ID}{part.id}:{part.encrypted}"
    return part.encrypted


def unseal(text: str, encrypted: str, id: str) -> Reasoning:
    if encrypted.startswith(_REDACTED):
        return Reasoning(redacted=encrypted.removeprefix(_REDACTED))
    if encrypted.startswith(_SIGNED):
        return Reasoning(text, encrypted.removeprefix(_SIGNED))
    if encrypted.startswith(_FOREIGN_ID):
        id, _, encrypted = encrypted.removeprefix(_FOREIGN_ID).partition(":")
    return Reasoning(text, encrypted=encrypted, id=id)
