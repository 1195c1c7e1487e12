"""The wire formats, one module each, and their names.

`chat`, `completions` and `responses` are OpenAI's, `messages` is Anthropic's, `generate` is SGLang's.
"""

from enum import StrEnum


class Dialect(StrEnum):
    CHAT = "chat"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    GENERATE = "generate"


BARE = frozenset({Dialect.COMPLETIONS, Dialect.GENERATE})  # a prompt in, and the text that goes on from it out
