"""An answer that goes on from a text: the request that asks for it, and what of its answer is new.

Servers differ in what they make of a conversation that ends with the assistant's words, and a guess is worse than
none: one that takes them for a finished turn answers anew, behind what the client has already.  So only those are asked
that are known to go on.
"""

import re
from collections.abc import Mapping
from typing import Any

from routing.dialects import BARE, Dialect, tokens
from routing.dialects.along import prompt_of
from routing.dialects.capabilities import Capabilities, Prefill, ThinkingForm
from routing.dialects.events import Event, Finish, Reasoning, ReasoningEnd, Redacted, Start, Text, Usage, UsageSeen
from routing.kinds import Kind

OVERLAP = 600  # characters at the end of a text that the answer may say once more
UNSEEN_LEAK = 64  # characters of garbage that an answer may have in it and read as one
SHORTEST_OVERLAP = 16  # what is shorter may be new

_GOES_ON_IN_MESSAGES = frozenset({Kind.ANTHROPIC, Kind.LLAMACPP})
# A grammar begins with the answer: the rest of one does not fit it.
_GRAMMARS = ("grammar", "json_schema", "regex", "ebnf", "structural_tag", "structured_outputs", "output_format")
_GUIDES = ("guided_json", "guided_regex", "guided_choice", "guided_grammar")
_SENTENCE_END = re.compile(r"[.!?…]['\"”’)\]]*\s+|[。！？]|\n")


def beginning(text: str, good: int, seen: int) -> tuple[str, str]:
    """What to go on from, where so many characters are good and the client has seen so many; and what it is told first.

    If it has seen hardly more than is good, the seam is made where it cannot be seen.  Else the garbage it has stays
    behind, and the answer goes on from before that, in a paragraph of its own.
    """
    if seen - good > UNSEEN_LEAK:
        return _up_to_a_sentence(text, good, max(0, good - OVERLAP)), "\n\n"
    said = _up_to_a_sentence(text, max(good, seen), seen)
    return said, said[seen:]


def _up_to_a_sentence(text: str, good: int, least: int) -> str:
    """Up to the end of a sentence or a line, but not behind the least.  A loop's first repeat seems to begin with the
    full stop before it, if that is like the one behind it: then it is moved on to that."""
    if found := _SENTENCE_END.match(text, good):
        return text[: found.end()]
    ends = [found.end() for found in _SENTENCE_END.finditer(text, least, good)]
    return text[: ends[-1] if ends else good]


def continued(body: Mapping[str, Any], dialect: Dialect, of: Capabilities, text: str) -> dict[str, Any] | None:
    """The body that asks for the rest; None if this server does not go on from a text, or not with such a request."""
    parameters = (body.get("sampling_params") or {}) if dialect is Dialect.GENERATE else body
    if not isinstance(parameters, Mapping) or _has_a_grammar(parameters):
        return None
    said = text.rstrip()  # a blank at the end makes tokens that no model has seen, and Anthropic refuses it
    if dialect in BARE:
        return _longer_prompt(body, parameters, dialect, said)
    messages = _prefilled(body.get("messages"), said, dialect)
    if messages is None:
        return None
    if dialect is Dialect.CHAT and of.prefill in (Prefill.CONTINUED, Prefill.FLAGGED):
        return {**body, "messages": messages, **_shorter(body, said), **_chat_switches(body, of)}
    if dialect is Dialect.MESSAGES and of.prefill is Prefill.CONTINUED and of.kind in _GOES_ON_IN_MESSAGES:
        thought = {"thinking": {"type": "disabled"}} if body.get("thinking") else {}  # it has done that
        return {**body, "messages": messages, **_shorter(body, said), **thought}
    return None


def _longer_prompt(
    body: Mapping[str, Any], parameters: Mapping[str, Any], dialect: Dialect, said: str
) -> dict[str, Any] | None:
    prompt = prompt_of(body, dialect)
    if prompt is None:
        return None
    shorter = _shorter(parameters, said)
    if dialect is Dialect.GENERATE:
        return {**body, "text": prompt + said, "sampling_params": {**parameters, **shorter}}
    silent = {"echo": False} if body.get("echo") else {}  # the client has the prompt already
    return {**body, "prompt": prompt + said, **shorter, **silent}


def _chat_switches(body: Mapping[str, Any], of: Capabilities) -> dict[str, Any]:
    """What makes a server go on, and not think once more."""
    flags: dict[str, Any] = {}
    if of.prefill is Prefill.FLAGGED:
        flags = {"continue_final_message": True, "add_generation_prompt": False}
    if of.thinking is ThinkingForm.TEMPLATE and of.thinking_switch:
        given = body.get("chat_template_kwargs")
        flags["chat_template_kwargs"] = {**(given if isinstance(given, dict) else {}), of.thinking_switch: False}
    return flags


def _prefilled(messages: Any, said: str, dialect: Dialect) -> list[Any] | None:
    if not isinstance(messages, list) or not messages:
        return None
    last = messages[-1]
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return [*messages, {"role": "assistant", "content": said}]
    if last.get("tool_calls"):
        return None
    before = last.get("content")  # the client has begun the answer itself
    if isinstance(before, str):
        return [*messages[:-1], {**last, "content": before + said}]
    if isinstance(before, list):
        return [*messages[:-1], {**last, "content": [*before, {"type": "text", "text": said}]}]
    return None


def _shorter(parameters: Mapping[str, Any], said: str) -> dict[str, Any]:
    """What was said counts against the most that may be said."""
    names = ("max_tokens", "max_completion_tokens", "max_new_tokens")
    spent = tokens.of_text(said)
    limits = {name: parameters[name] for name in names if isinstance(parameters.get(name), int)}
    return {name: max(1, limit - spent) for name, limit in limits.items()}


def _has_a_grammar(parameters: Mapping[str, Any]) -> bool:
    form, config = parameters.get("response_format"), parameters.get("output_config")
    return (
        any(parameters.get(name) for name in (*_GRAMMARS, *_GUIDES))
        or (isinstance(form, Mapping) and form.get("type") != "text")
        or (isinstance(config, Mapping) and bool(config.get("format")))
    )


class Continuation:
    """A `Transform`: the rest of an answer, as if there had been no seam.  `seen` is what the client has of it.

    A server that says the text once more, or its last sentence, is not let do so; and usage is told for the whole.
    One that goes on in nothing but thoughts has misread its model, which had done with those: they are text.
    """

    def __init__(self, seen: str) -> None:
        self._said = seen.rstrip()
        self._gap = seen[len(self._said) :]  # blanks that the client has, and the server may say
        self._tail = self._said[-OVERLAP:]
        self._held = ""  # what may turn out to be said twice
        self._thoughts: list[str] = []
        self._repeats_all = True
        self._is_settled = False
        self._spent = tokens.of_text(self._said)

    def feed(self, event: Event) -> list[Event]:
        if type(event) is Text:
            return [event] if self._is_settled else self._looked_at(event.text)
        if type(event) is UsageSeen:
            return [UsageSeen(self._whole(event.usage))]
        if type(event) is Start:
            return [Start(event.id, event.model, event.usage and self._whole(event.usage))]
        if type(event) is Reasoning:
            self._thoughts.append(event.text)
            return [event]
        if type(event) in (ReasoningEnd, Redacted) and not self._held:
            return [event]  # the text is still to come
        if type(event) is Finish and not self._is_settled:
            self._held = self._held or "".join(self._thoughts)
        return [*self.close(), event]

    def close(self) -> list[Event]:
        return [] if self._is_settled else self._settled()

    def _looked_at(self, text: str) -> list[Event]:
        self._repeats_all = self._repeats_all and self._said.startswith(text, len(self._held))
        self._held += text
        return [] if self._repeats_all or self._held in self._tail else self._settled()

    def _settled(self) -> list[Event]:
        self._is_settled = True
        new = self._held[self._overlap() :]
        for blank in self._gap:
            if not new.startswith(blank):
                break
            new = new[1:]
        self._held = ""
        return [Text(new)] if new else []

    def _overlap(self) -> int:
        """How many characters at the beginning are the end of what was said already."""
        if self._held.startswith(self._said):
            return len(self._said)
        sizes = range(min(len(self._held), len(self._tail)), SHORTEST_OVERLAP - 1, -1)
        return next((size for size in sizes if self._tail.endswith(self._held[:size])), 0)

    def _whole(self, usage: Usage) -> Usage:
        """The text was a part of this prompt, and is one of the answer."""
        prompt = None if usage.prompt is None else max(0, usage.prompt - self._spent)
        output = None if usage.output is None else usage.output + self._spent
        read = usage.cache_read if prompt is None or usage.cache_read is None else min(usage.cache_read, prompt)
        return Usage(prompt, output, read, usage.cache_write, usage.reasoning)
