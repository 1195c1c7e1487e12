"""Judges stored answers again with today's policies and detectors: no model is asked."""

from collections.abc import Iterable

from django.utils import timezone

from validation.failures import Channel
from validation.gate import Channel as JudgedChannel
from validation.judges import judges
from validation.loading import load
from validation.models import ValidationFailure
from validation.snapshot import ValidationTable
from validation.verdict import Verdict


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
    """What the built-in detectors that the model's policy has today say of the channel that was judged then.

    A model that no policy names any more is not judged.
    """
    policy = table.policy(failure.model)
    if policy is None:
        return None
    judge = judges(policy)(_CHANNELS.get(Channel(failure.channel), JudgedChannel.TEXT))
    return judge.feed(judged(failure)) or judge.close(failure.finish_reason)


_CHANNELS = {Channel.REASONING: JudgedChannel.REASONING, Channel.ARGUMENTS: JudgedChannel.ARGUMENTS}


def judged(failure: ValidationFailure) -> str:
    """The channel in which it went wrong."""
    if failure.channel == Channel.REASONING:
        return failure.reasoning
    if failure.channel == Channel.ARGUMENTS:
        calls = failure.tool_calls
        return str(calls[failure.call].get("arguments", "")) if failure.call < len(calls) else ""
    return failure.text
