"""Payloads of Completions written again with other words in them."""

from typing import Any

from routing.dialects.answer import Answer
from routing.dialects.chat.writer import usage
from routing.dialects.completions.writer import word
from routing.dialects.tally import Tally
from routing.dialects.text_reader import text_of
from routing.dialects.text_writer import TextWriter


class CompletionsAgain(TextWriter):
    def _saying(self, text: str) -> dict[str, Any]:
        return saying(self.payload, text, None)

    def _ending(self, tally: Tally) -> list[dict[str, Any]]:
        last = saying(self.payload, "", word(tally.reason()))
        return [last, {**last, "choices": [], "usage": usage(tally)}] if self._exchange.include_usage else [last]


def saying(payload: dict[str, Any], text: str, reason: str | None) -> dict[str, Any]:
    """The logprobs are those of tokens that are not there any more, and the usage is told in the end."""
    said = {**payload, "choices": [{**_choice(payload), "text": text, "logprobs": None, "finish_reason": reason}]}
    if "usage" in said:
        said["usage"] = None
    return said


def whole(answer: Answer, body: dict[str, Any]) -> dict[str, Any]:
    """The answer's text in the body it came with.  A text that stays, behind a prompt that is repeated perhaps, keeps
    its logprobs."""
    choice, text, reason = _choice(body), answer.text(), word(answer.tally.reason())
    if not text_of(choice.get("text")).endswith(text):
        choice = {**choice, "text": text, "logprobs": None}
    return {**body, "choices": [{**choice, "finish_reason": reason}]}


def _choice(payload: dict[str, Any]) -> dict[str, Any]:
    choices = payload.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {"index": 0}
