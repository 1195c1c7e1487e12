"""From a bad answer to its row: bounded, without keys, and only as much of it as the capture policy wants kept."""

from collections.abc import Callable

import orjson

from proxysite.redaction import LONGEST_KEY, redacted
from validation.failures import Channel, Failure, ToolCall
from validation.models import ValidationFailure

EXCERPT = 2_000  # characters
CALLS = 50


def row_of(failure: Failure, capture: str, most: int, body_text: Callable[[bytes], str]) -> ValidationFailure:
    """`most`: characters of a channel that are kept, its last ones, for there the garbage is."""
    keeps = capture != "none"
    calls = failure.tool_calls[:CALLS] if keeps else []
    return ValidationFailure(
        at=failure.at,
        request_id=failure.request_id[:40],
        model=failure.model[:200],
        model_sent=failure.model_sent[:200],
        upstream=failure.upstream[:100],
        client_dialect=failure.client_dialect[:20],
        policy=failure.policy[:200],
        attempt=failure.attempt,
        detector=failure.detector[:50],
        issue_type=failure.issue_type[:50],
        confidence=failure.confidence,
        channel=str(failure.channel),
        call=failure.call,
        onset=failure.onset,
        offset=failure.offset,
        period=failure.period,
        explanation=_text(failure.explanation, EXCERPT),
        excerpt=_text(failure.excerpt, EXCERPT),
        text=_text(failure.text, most) if keeps else "",
        reasoning=_text(failure.reasoning, most) if keeps else "",
        tool_calls=[{"name": _text(call.name, 200), "arguments": _text(call.arguments, most)} for call in calls],
        left_out=max(0, len(_judged(failure)) - most) if keeps else 0,
        finish_reason=failure.finish_reason[:50],
        released=failure.released,
        parameters=orjson.loads(redacted(orjson.dumps(failure.parameters).decode())),
        request_body=body_text(failure.request_body) if keeps else "",
        outcome=str(failure.outcome),
        next_step=_text(failure.next_step, 500),
    )


def _judged(failure: Failure) -> str:
    """The channel in which it went wrong."""
    if failure.channel == Channel.REASONING:
        return failure.reasoning
    if failure.channel == Channel.ARGUMENTS:
        return _call(failure).arguments
    return failure.text


def _call(failure: Failure) -> ToolCall:
    calls = failure.tool_calls
    return calls[failure.call] if failure.call < len(calls) else ToolCall(name="", arguments="")


def _text(text: str, most: int) -> str:
    """The last characters, in a form that a text column holds."""
    kept = text[-most - LONGEST_KEY :]
    clean = kept.encode(errors="replace").decode().replace("\x00", "�")
    return redacted(clean)[-most:]
