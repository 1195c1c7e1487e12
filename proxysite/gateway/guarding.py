"""Which answers are judged, and what is kept of one that was garbage."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from proxysite.gateway.exchange import Exchange
from proxysite.gateway.plan import Plan
from routing.dialects import conversion
from validation.ending import Guarded
from validation.failures import Channel, Failure, Outcome, ToolCall, admin_path
from validation.gate import Gate
from validation.judges import judges
from validation.snapshot import OnExhausted, ValidationTable
from validation.whole import WholeAnswer, request_of

_OUTCOMES = {
    OnExhausted.ERROR: Outcome.ERROR,
    OnExhausted.MESSAGE: Outcome.MESSAGE,
    OnExhausted.DELIVER: Outcome.DELIVERED,
}
EXCERPT = 500  # characters


def guarded(
    plan: Plan, validation: ValidationTable, request_id: str, now: int, asked: Mapping[str, Any] | None = None
) -> Plan:
    """The same plan, with a judge of its answer where the model has a policy; `now` in epoch seconds.

    `asked` is the client's body, by which calls are judged.

    An answer between two sides of one dialect is read for that; without a policy its bytes pass as they are.
    """
    policy = validation.policy(plan.model_asked)
    if policy is None or plan.dialect is None:
        return plan
    conversation = plan.conversation
    if conversation is None:
        body = {**orjson.loads(plan.body), "model": plan.model_asked}
        conversation = conversion.read_along(body, plan.dialect, request_id=request_id, created=now)
        if conversation is None:
            warning = "The answer was not judged: it would lose something if it were read."
            return replace(plan, warnings=(*plan.warnings, warning))
    ends = WholeAnswer(policy, partial(request_of, asked or {}, conversation.client), conversation.client_name)
    guard = Guarded(Gate(policy, judges(policy), ends=ends), policy, admin_path(request_id))
    return replace(plan, conversation=conversation, guard=guard)


def failure_of(exchange: Exchange) -> Failure | None:
    """What is kept of a garbage answer; None if it was not judged, or good."""
    guard = exchange.guard
    if guard is None or guard.gate.verdict is None or guard.gate.judged is None:
        return None
    gate, verdict, judged = guard.gate, guard.gate.verdict, guard.gate.judged
    calls = gate.calls
    start = max(0, verdict.onset - verdict.period)
    return Failure(
        at=exchange.received_at,
        request_id=exchange.request_id,
        model=exchange.model_asked,
        model_sent=exchange.model_sent,
        upstream=exchange.upstream,
        client_dialect=exchange.client_dialect.value,
        policy=guard.policy.model_pattern,
        attempt=exchange.attempts,
        detector=verdict.detector,
        issue_type=verdict.issue_type,
        confidence=verdict.confidence,
        channel=Channel(judged.channel.value),
        call=calls.index(judged) if judged in calls else 0,
        onset=verdict.onset,
        offset=verdict.offset,
        period=verdict.period,
        explanation=verdict.explanation,
        excerpt=judged.text[start : verdict.offset][:EXCERPT],
        text=gate.text,
        reasoning=gate.reasoning,
        tool_calls=[ToolCall(name=call.name, arguments=call.text) for call in calls],
        finish_reason=gate.finish.value if gate.finish else "",
        released=judged.released,
        parameters=_parameters(exchange.sent_body),
        request_body=exchange.sent_body,
        outcome=Outcome.CLIENT_GONE if exchange.client_gone else _OUTCOMES[guard.policy.on_exhausted],
    )


def _parameters(body: bytes) -> dict[str, Any]:
    """The plain values of a request, which is what sampling parameters are, and SGLang's object of them."""
    sent = orjson.loads(body)
    plain = {name: value for name, value in sent.items() if isinstance(value, bool | int | float)}
    nested = sent.get("sampling_params")
    return {**plain, **nested} if isinstance(nested, dict) else plain
