"""What a validator model answers, and what that means.

It is to answer with a JSON object.  One that cannot be understood is no verdict; one that contradicts itself, is not
sure enough, or says what the text does not bear out, means that the text is good: a false alarm is worse than a late
catch.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import orjson

from routing.dialects import Dialect
from validation import evidence
from validation.asks import Ask
from validation.verdict import Verdict

DETECTOR = "validator"
LONGEST_ISSUE, LONGEST_QUOTE = 50, 200  # characters of its words that are kept
MOST_BRACES = 50  # at which the object is looked for

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_NO_ISSUE = frozenset({"", "none", "null", "n/a", "valid", "ok"})
_decode = json.JSONDecoder().raw_decode


class NotAVerdict(Exception):
    """Its text is for the admin: what came instead."""


@dataclass(frozen=True, slots=True)
class Opinion:
    is_valid: bool
    issue_type: str = ""
    confidence: float = 1.0
    quote: str = ""

    @property
    def is_contradictory(self) -> bool:
        return not self.is_valid and self.issue_type in _NO_ISSUE

    @property
    def is_repetition(self) -> bool:
        return "repe" in self.issue_type or "loop" in self.issue_type or "duplicat" in self.issue_type


def opinion(body: bytes, dialect: Dialect) -> Opinion:
    """Of an answer's body.  Raises NotAVerdict."""
    text = _THOUGHT.sub("", _text(body, dialect))
    said = _object(text)
    is_valid = said.get("is_valid")
    if not isinstance(is_valid, bool):
        raise NotAVerdict("“is_valid” is neither true nor false")
    if is_valid:
        return Opinion(True)
    issue, confidence, quote = said.get("issue_type"), said.get("confidence"), said.get("quote")
    issue_type = issue.strip().lower()[:LONGEST_ISSUE] if isinstance(issue, str) else ""
    if not isinstance(confidence, int | float) or isinstance(confidence, bool) or not 0 <= confidence <= 1:
        raise NotAVerdict("“confidence” is no number from 0 to 1")
    return Opinion(False, issue_type, float(confidence), quote if isinstance(quote, str) else "")


def verdict(said: Opinion, ask: Ask, threshold: float, name: str) -> Verdict | None:
    """What counts of an opinion; None: the text is good.  `name` is the validator's."""
    if said.is_valid or said.is_contradictory or said.confidence < threshold:
        return None
    onset: int | None = 0
    if said.is_repetition:
        onset = evidence.repeats(ask.text, said.quote)
    elif evidence.reads_as_language(ask.text):
        onset = None
    if onset is None:
        return None
    quote = said.quote.strip()[:LONGEST_QUOTE]
    told = f"the validator model {name} says: {said.issue_type}" + (f" ({quote!r})" if quote else "")
    issue_type = "repetition" if said.is_repetition else said.issue_type
    end = ask.start + len(ask.text)
    return Verdict(DETECTOR, issue_type, said.confidence, ask.start + onset, end, 0, told)


def _text(body: bytes, dialect: Dialect) -> str:
    """What the model wrote."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotAVerdict("the answer is not JSON") from None
    try:
        if dialect is Dialect.MESSAGES:
            return "".join(block["text"] for block in answer["content"] if block.get("type") == "text")
        content = answer["choices"][0]["message"]["content"]
        return content if isinstance(content, str) else "".join(part["text"] for part in content)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise NotAVerdict(f"the answer has no text in it: {body[:100].decode(errors='replace')}") from None


def _object(text: str) -> dict[str, Any]:
    """The first JSON object that is a verdict, whatever stands around it: fences, a sentence."""
    at = text.find("{")
    for _ in range(MOST_BRACES):
        if at < 0:
            break
        try:
            value, _ = _decode(text, at)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and "is_valid" in value:
            return value
        at = text.find("{", at + 1)
    raise NotAVerdict(f"there is no verdict in it: {text[:100]!r}" if text.strip() else "it is empty")
