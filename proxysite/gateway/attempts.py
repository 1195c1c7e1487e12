"""The attempts at one request, until one gives an answer that may be released to the client.

    choose a target → wait for slots and pauses → an attempt (`attempt`) → opened?
          ↑                                                          │ no: `routing.retry` decides
          └── next target ←── or the same again, after a wait ←──────┘

Nothing of an attempt reaches the client before its answer holds something: refusals, connections that break, an error
in the first event and an answer that ends before it began are all followed by another attempt.  So is an answer that
broke off later, where what had come of it was held back (`instead`).

Whoever makes an `Attempts` closes it, whatever happens: that closes the upstream's answer, gives the slots back, and
frees the probe.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from proxysite.gateway import stored_keys
from proxysite.gateway.again import Again
from proxysite.gateway.alarms import Alarms
from proxysite.gateway.attempt import Attempt, Failed, Opened
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.plan import Plan
from routing.admission.gatekeeper import Gatekeeper, Lease
from routing.admission.targets import Targets
from routing.errors import NoSlot, ProxyError
from routing.retry import Attempts as Counted
from routing.retry import GiveUp, Meaning, NextTarget, Retry, decide, harms_health, meaning
from routing.snapshot import Binding, Target
from routing.upstream import Upstreams
from validation.snapshot import Rung

log = logging.getLogger("proxysite.gateway")

Planner = Callable[[Target, Again | None], Plan]


class Holds(Protocol):
    """What the attempts need of the engine."""

    upstreams: Upstreams
    gatekeeper: Gatekeeper
    targets: Targets
    alarms: Alarms


@dataclass(slots=True)
class _Turn:
    """One target's, which is tried as often as makes sense.  `loading`: of its attempts those that met a model which
    was still being loaded; `began`: loop time."""

    target: Target
    began: float
    attempts: int = 0
    loading: int = 0


class Attempts:
    """`model` is the client's name for it, which limits and pauses go by; `plan_for` plans the request for a target.

    `admits`: the request needs slots; `repeats`: it may be sent more than once.
    """

    def __init__(
        self,
        engine: Holds,
        exchange: Exchange,
        binding: Binding,
        model: str,
        plan_for: Planner,
        *,
        admits: bool = True,
        repeats: bool = True,
        session: bytes | None = None,
    ) -> None:
        self._engine = engine
        self._exchange = exchange
        self._targets = engine.targets.asked_for(model)
        self._binding = binding
        self._model = model
        self._planner = plan_for
        self._changes: Again | None = None  # an answer was bad
        self._admits = admits
        self._repeats = repeats
        self._session = session
        self._tried: list[Target] = []
        self._lease: Lease | None = None
        self._turn: _Turn | None = None
        self._attempt: Attempt | None = None
        self._answers = False  # an answer runs, and nobody has said yet how it ended
        self._notes: list[str] = []

    async def open(self) -> Opened:
        """The first answer that holds something, or the last refusal.  Raises ProxyError when there is neither."""
        plan = self._first_plan()
        self._exchange.planned(plan)  # for the record of a request that never gets out of its queue
        if self._admits:
            plan = await self._admitted(plan)
        self._exchange.admitted = time.monotonic()
        self._turn_to(plan)
        return await self._until_answered(plan)

    async def _admitted(self, plan: Plan) -> Plan:
        """For the first target whose upstream has a slot, now or in time.  Raises QueueFull or QueueTimeout."""
        while True:
            upstream = plan.upstream.name
            try:
                self._lease = await self._engine.gatekeeper.admit(self._exchange.request_id, self._model, upstream)
                return plan
            except NoSlot as problem:
                self._tried.append(plan.target)
                following = self._next_plan() if problem.elsewhere else None
                if following is None:
                    raise
                self.note(f"The upstream “{upstream}” has no free slot; sent to {following.upstream.name}.")
                plan = following
                self._exchange.planned(plan)

    async def again(self, changes: Again, target: Target, after: float) -> Opened:
        """The same once more, at this target if it can, because the answer was garbage or has to go on; it is closed at
        once, and the slots are kept."""
        await self._close_attempt()
        self._changes = changes
        plan = self._plan_again(target)
        await asyncio.sleep(after)
        if self._lease:
            await self._lease.again(plan.upstream.name)
        self._turn_to(plan)
        return await self._until_answered(plan)

    async def instead(self, plan: Plan, broken: Failed) -> Opened | None:
        """What follows an answer that broke off while the client had nothing of it: the same as if it had failed before
        its first word.  None: nobody would do better."""
        await self._close_attempt()
        following = await self._following(plan, broken) if broken.is_retryable else None
        if following is None:
            return None
        # What a plan holds for the reading of its answer has been used.
        return await self._until_answered(self._plan_for(plan.target) if following is plan else following)

    @property
    def others(self) -> bool:
        """Whether there is a target that has not been tried."""
        return any(target not in self._tried for target in self._binding.targets)

    def note(self, note: str) -> None:
        """For the record and the log."""
        self._notes.append(note)
        self._exchange.warnings += (note,)
        log.info("%s %s", self._exchange.request_id, note)

    async def _until_answered(self, plan: Plan) -> Opened:
        """Tries one target after the other, from the one that is planned for, each as often as makes sense."""
        while True:
            outcome = await self._try(plan)
            status = outcome.status if isinstance(outcome, Opened) else outcome.failure.status
            if status:
                stored_keys.watch(self._engine.alarms, plan.upstream, status)
            if isinstance(outcome, Opened):
                self._targets.answers(plan.target)
                self._answers = True
                if outcome.is_whole:
                    self.finished()
                return outcome
            following = await self._following(plan, outcome)
            if following is None:
                return _last(outcome)
            plan = following

    async def _following(self, plan: Plan, failed: Failed) -> Plan | None:
        """What to send next, when its time has come; None: nobody would do better."""
        decision = self._decide(plan, failed)
        if isinstance(decision, Retry):
            self._note(plan, failed, f"tried again after {decision.after:.3g} s")
            await asyncio.sleep(decision.after)
            following: Plan | None = plan
        else:
            following = None if isinstance(decision, GiveUp) else self._next_plan()
            if following is None:
                return None
            self._note(plan, failed, f"sent to {following.upstream.name}")
            self._turn_to(following)
        if self._lease:
            await self._lease.again(following.upstream.name)
        return following

    def broke_off(self) -> None:
        """What `Opened.broke_off` does; once for each answer."""
        if self._answers and self._turn:
            self._answers = False
            self._targets.broke_off(self._turn.target, self, _now())

    def finished(self) -> None:
        """What `Opened.finished` does."""
        assert self._turn is not None
        self._targets.succeeded(self._turn.target)

    async def aclose(self) -> None:
        """Closes the upstream's answer and gives everything back.  A second call does nothing."""
        try:
            await self._close_attempt()
        finally:
            if self._lease:
                self._lease.release()
            if self._turn:
                self._targets.abandoned(self._turn.target, self)

    def _turn_to(self, plan: Plan) -> None:
        self._turn = _Turn(plan.target, _now())
        self._tried.append(plan.target)

    def _decide(self, plan: Plan, failed: Failed) -> Retry | NextTarget | GiveUp:
        turn = self._turn
        assert turn is not None
        turn.attempts += 1
        turn.loading += self._learn(plan, failed)
        if not self._repeats:
            return GiveUp()
        waited = _now() - turn.began
        counted = Counted(here=turn.attempts, loading=turn.loading, waited=waited, others=self.others)
        return decide(failed.failure, counted, plan.upstream, datetime.now(UTC).timestamp(), random.random())

    def _learn(self, plan: Plan, failed: Failed) -> bool:
        """Tells the target's health what came of it; whether its model is still being loaded."""
        targets, now, failure = self._targets, _now(), failed.failure
        if meaning(failure) is Meaning.LOADING:
            targets.is_loading(plan.target, self, now)
            return True
        if harms_health(failure) and failed.had_begun:
            self.broke_off()
        elif harms_health(failure):
            targets.failed(plan.target, self, now, unreachable=failure.unreachable)
        else:
            targets.abandoned(plan.target, self)
        return False

    def _choose(self) -> Target | None:
        return self._targets.choose(
            self._binding,
            _now(),
            random.random(),
            tried=self._tried,
            busy=self._engine.gatekeeper.busy,
            session=self._session,
        )

    def _first_plan(self) -> Plan:
        """Raises what the first target says against the request when none can take it."""
        target = self._choose()
        assert target is not None, "a binding has a target"
        try:
            return self._plan_for(target)
        except ProxyError:
            self._tried.append(target)
            if plan := self._next_plan():
                return plan
            raise

    def _plan_again(self, target: Target) -> Plan:
        """For the same target, or the next if that is the change, or if only that one can.  Raises ProxyError."""
        try:
            plan = self._plan_for(target)
        except ProxyError:
            if plan_elsewhere := self._next_plan():
                return plan_elsewhere
            raise
        return (self._next_plan() or plan) if plan.rung is Rung.NEXT_TARGET else plan

    def _plan_for(self, target: Target) -> Plan:
        return self._planner(target, self._changes)

    def _next_plan(self) -> Plan | None:
        """The plan for the next target that can take the request at all."""
        while target := self._choose():
            try:
                return self._plan_for(target)
            except ProxyError:
                self._tried.append(target)
        return None

    async def _try(self, plan: Plan) -> Opened | Failed:
        self._exchange.planned(plan)
        self._exchange.warnings = (*plan.warnings, *self._notes)
        self._exchange.attempts += 1
        self._targets.begins(plan.target, self, _now())
        self._attempt = Attempt(self._engine.upstreams, plan, self)
        return await self._attempt.outcome()

    async def _close_attempt(self) -> None:
        if self._attempt:
            await self._attempt.aclose()

    def _note(self, plan: Plan, failed: Failed, then: str) -> None:
        """For the record and the log: what went wrong, and what was done about it."""
        what = f"answered {failed.failure.status}" if failed.refused else f"failed ({failed.error})"
        self.note(f"Attempt {self._exchange.attempts}: the upstream “{plan.upstream.name}” {what}; {then}.")


def _last(failed: Failed) -> Opened:
    """The upstream's own refusal.  Raises the error where there is none."""
    if failed.refused:
        return failed.refused
    assert failed.error is not None
    raise failed.error


def _now() -> float:
    return asyncio.get_running_loop().time()
