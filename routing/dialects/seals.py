"""How the seal of one maker's reasoning travels in the place that another dialect has for its own.

Clients send reasoning back with the next request and never look into its seal: `encrypted_content` of a Responses
item, `signature` of an Anthropic thinking block.  So it carries what another maker needs to recognise its own thinking:
Anthropic's signature, or a block that only Anthropic can read, or what OpenAI encrypted.  OpenAI's own content is bound
to the id of its item; where there is another id or none, the original travels along.
"""

from routing.dialects import Dialect
from routing.dialects.request import Reasoning

_SIGNED = "anthropic-claude-v1:"
_REDACTED = "anthropic-claude-redacted-v1:"
FOREIGN = "openai-responses-v1:"  # what begins a signature that Anthropic did not make


def is_anthropics(format: str) -> bool:
    """Of an entry in `reasoning_details`: relays say whose seal it is; those that do not have Anthropic's alone."""
    return not format or format.startswith("anthropic")


def seal(part: Reasoning) -> str:
    """Blank when there is nothing to keep."""
    if part.redacted:
        return _REDACTED + part.redacted
    if part.signature:
        return _SIGNED + part.signature
    if part.encrypted and part.id:
        return f"{FOREIGN}{part.id}:{part.encrypted}"
    return part.encrypted


def unseal(text: str, encrypted: str, id: str) -> Reasoning:
    if encrypted.startswith(_REDACTED):
        return Reasoning(redacted=encrypted.removeprefix(_REDACTED))
    if encrypted.startswith(_SIGNED):
        return Reasoning(text, encrypted.removeprefix(_SIGNED))
    if encrypted.startswith(FOREIGN):
        id, _, encrypted = encrypted.removeprefix(FOREIGN).partition(":")
    return Reasoning(text, encrypted=encrypted, id=id)


def signature(part: Reasoning, upstream: Dialect) -> str:
    """What a thinking block bears: the genuine signature, else what OpenAI sealed, if it can get that back.  Blank
    when there is neither."""
    if part.encrypted and upstream is Dialect.RESPONSES:
        return f"{FOREIGN}{part.id}:{part.encrypted}"
    return part.signature


def of_signature(text: str, signature: str) -> Reasoning:
    """The reasoning of a thinking block: Anthropic's own, or that of another maker which it carried."""
    return unseal(text, signature, "") if signature.startswith(FOREIGN) else Reasoning(text, signature)
