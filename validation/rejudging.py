"""Judges stored answers again with today's policies and detectors: no model is asked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from django.utils import timezone

from routing.dialects import BARE, Dialect
from routing.dialects.events import (
    End,
    Event,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
)
from routing.dialects.request import Request
from validation.channels import Channel as JudgedChannel
from validation.failures import Channel
from validation.gate import Gate
from validation.judges import asks_for_code, judges
from validation.loading import load
from validation.models import ValidationFailure
from validation.snapshot import ValidationTable
from validation.verdict import Verdict
from validation.wanted import Wanted, texts_of
from validation.whole import WholeAnswer, request_of


def rejudge(failures: Iterable[ValidationFailure]) -> tuple[int, int]:
    """How many of them are flagged today and how many are not.  What nobody kept the text of is left out."""
    table, _ = load()
    flagged = passed = 0
    for failure in failures:
        if not has_text(failure):
            continue
        verdict = verdict_of(failure, table)
        failure.rejudged_at = timezone.now()
        failure.rejudged_detector = verdict.detector if verdict else ""
        failure.rejudged_issue = verdict.issue_type if verdict else ""
        failure.rejudged_offset = verdict.offset + failure.left_out if verdict else None
        failure.save(update_fields=["rejudged_at", "rejudged_detector", "rejudged_issue", "rejudged_offset"])
        flagged, passed = flagged + bool(verdict), passed + (not verdict)
    return flagged, passed


def has_text(failure: ValidationFailure) -> bool:
    """Whether there is something to judge: of an empty answer, that is nothing."""
    return bool(failure.text or failure.reasoning or failure.tool_calls) or failure.detector == "empty"


def verdict_of(failure: ValidationFailure, table: ValidationTable) -> Verdict | None:
    """What the built-in detectors that the model's policy has today say of the answer.

    A model that no policy names any more is not judged; of an answer that was not kept whole, the channel is that was
    judged then.
    """
    policy = table.policy(failure.model)
    if policy is None:
        return None
    asked, dialect = _asked(failure)
    is_code = dialect in BARE and asks_for_code(asked, dialect)
    wanted = Wanted(partial(texts_of, asked, dialect)).copies
    make = judges(policy, code=is_code, wanted=wanted)
    if failure.left_out:
        judge = make(_CHANNELS.get(Channel(failure.channel), JudgedChannel.TEXT))
        return judge.feed(judged(failure)) or judge.close(failure.finish_reason)
    ends = WholeAnswer(policy, lambda: _request(asked, dialect))
    gate = Gate(replace(policy, validator=None), make, ends=ends, whole=True)
    for event in _events(failure):
        gate.feed(event)
    return gate.verdict


_CHANNELS = {Channel.REASONING: JudgedChannel.REASONING, Channel.ARGUMENTS: JudgedChannel.ARGUMENTS}


def _events(failure: ValidationFailure) -> Iterator[Event]:
    """The answer as it came, as far as it came: without a finish reason it was stopped."""
    if failure.reasoning:
        yield Reasoning(failure.reasoning)
    if failure.text:
        yield Text(failure.text)
    for key, call in enumerate(failure.tool_calls):
        arguments = str(call.get("arguments", ""))
        yield ToolStart(key, "", str(call.get("name", "")))
        yield ToolArguments(key, arguments)
        if failure.finish_reason or _is_json(arguments):
            yield ToolEnd(key)
    if failure.finish_reason:
        known = failure.finish_reason in list(FinishReason)
        yield Finish(FinishReason(failure.finish_reason) if known else FinishReason.UNKNOWN)
        yield End()


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _asked(failure: ValidationFailure) -> tuple[Mapping[str, Any], Dialect]:
    """What the attempt was sent, where that was kept whole, and the client's dialect, which may be another one."""
    try:
        body, dialect = orjson.loads(failure.request_body), Dialect(failure.client_dialect)
    except ValueError:
        return {}, Dialect.CHAT
    return body if isinstance(body, dict) else {}, dialect


def _request(asked: Mapping[str, Any], dialect: Dialect) -> Request | None:
    """What goes on from a bare prompt may end anywhere: that tells nothing."""
    return None if dialect in BARE else request_of(asked, dialect)


def judged(failure: ValidationFailure) -> str:
    """The channel in which it went wrong."""
    if failure.channel == Channel.REASONING:
        return failure.reasoning
    if failure.channel == Channel.ARGUMENTS:
        calls = failure.tool_calls
        return str(calls[failure.call].get("arguments", "")) if failure.call < len(calls) else ""
    return failure.text
