"""Which answers are judged, and what is kept of one that was garbage.

How the judging goes: the detectors look at every event as it passes (`Guarded` behind `Gate`), and when they are sure
the gate is shut and has a `verdict`.  `climbing` sees that between two chunks, and tries again or ends the answer.

**How the validator model takes part.**  The gate says what it wants judged by `gate.ask`.  `climbing` hands every such
`Ask` to the engine's `validator` (a `Validator`, below) and gives its answer back by `guard.answer(ask, verdict)`, from
where a verdict is treated exactly like one of the detectors.  In the middle of an answer the model is asked in the
background, one question at a time, and its answer is looked at between two chunks; at the end the last piece of the
answer waits for it, no longer than the policy's `hold_seconds`.  A question whose answer is not wanted any more is
cancelled.  An engine without a validator passes every answer.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import orjson

from proxysite.gateway.exchange import Exchange
from proxysite.gateway.plan import Plan
from routing.dialects.along import Unreadable, read_along
from validation.asks import Ask
from validation.ending import Guarded
from validation.failures import Channel, Failure, Outcome, ToolCall, admin_path
from validation.gate import Gate
from validation.judges import asks_for_code, judges
from validation.snapshot import OnExhausted, Policy, ValidationTable
from validation.verdict import Verdict
from validation.wanted import Wanted, texts_of
from validation.whole import WholeAnswer, request_of

OUTCOMES = {
    OnExhausted.ERROR: Outcome.ERROR,
    OnExhausted.MESSAGE: Outcome.MESSAGE,
    OnExhausted.DELIVER: Outcome.DELIVERED,
}
EXCERPT = 500  # characters


class Validator(Protocol):
    """Asks a policy's validator model about a piece of an answer."""

    async def __call__(self, ask: Ask, policy: Policy) -> Verdict | None:
        """None: nothing is wrong, or the model cannot say.  Whatever fails is None too: it raises nothing but
        CancelledError, which it passes on at once."""


def guarded(
    plan: Plan,
    validation: ValidationTable,
    request_id: str,
    now: int,
    asked: Mapping[str, Any] | None = None,
    site: Callable[[], str] = str,
) -> Plan:
    """The plan is given a judge of its answer where the model has a policy; `now` in epoch seconds.

    `asked` is the client's body, by which calls are judged; `site` tells the address under which people reach the
    admin, where they find the failure.

    An answer between two sides of one dialect is read for that; without a policy its bytes pass as they are.
    """
    policy = validation.policy(plan.model_asked)
    if policy is None or plan.dialect is None:
        return plan
    conversation, is_code = plan.conversation, False
    if conversation is None:
        body = {**plan.content, "model": plan.model_asked}
        try:
            conversation = read_along(
                body,
                plan.dialect,
                request_id=request_id,
                created=now,
                renamed=plan.echo is not None,
                passes=not plan.streams,
            )
        except Unreadable as problem:
            plan.warnings += (f"The answer was not judged: {problem}.",)
            return plan
        is_code = conversation.is_bare and asks_for_code(body, plan.dialect)
    of_request = _nobody if conversation.is_bare else partial(request_of, asked or {}, conversation.client)
    ends = WholeAnswer(policy, of_request, conversation.client_name)
    wanted = Wanted(partial(texts_of, asked or {}, conversation.client)).copies
    gate = Gate(policy, judges(policy, code=is_code, wanted=wanted), plan.said, ends=ends, whole=not plan.streams)
    plan.conversation = conversation
    plan.guard = Guarded(gate, policy, lambda: site() + admin_path(request_id), watched=True)
    return plan


def _nobody() -> None:
    """What goes on from a client's text may end anywhere: its request tells nothing of that."""


def failures_of(exchange: Exchange) -> tuple[Failure, ...]:
    """All that is kept of a request, when it is over: its bad answers, attempt by attempt."""
    last = failure_of(exchange)
    found = (*exchange.failures, last) if last else exchange.failures
    if exchange.client_gone and found and not found[-1].next_step:
        found[-1].outcome = Outcome.CLIENT_GONE  # before anything had followed
    return found


def failure_of(exchange: Exchange) -> Failure | None:
    """What is kept of the newest attempt's answer; None if it was not judged, or good."""
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
        outcome=OUTCOMES[guard.policy.on_exhausted],
    )


def _parameters(body: bytes) -> dict[str, Any]:
    """The plain values of a request, which is what sampling parameters are, and SGLang's object of them."""
    sent = orjson.loads(body)
    plain = {name: value for name, value in sent.items() if isinstance(value, bool | int | float)}
    nested = sent.get("sampling_params")
    return {**plain, **nested} if isinstance(nested, dict) else plain
