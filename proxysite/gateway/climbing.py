"""A judged answer, attempt after attempt until one is good: what happens between a bad end and the next try.

    chunks → relay (reader → gate → writer) → client
                        │ garbage, or the upstream broke off
                        ▼
    is a try left, and may it begin? ── no ──► the policy's end: an error, a message, or what there is
                        │ yes                                 ▲
                        ▼                                     │ it fails too
    close the upstream → wait → another attempt, with something changed ──► its chunks → the same relay …

The client's stream is the same all the time, and its slots are kept.  The policy says how often garbage is followed.
An answer that breaks off while the client has nothing of it is followed as one that fails before its first word is, by
the upstream's own settings; where the client has good text the answer goes on from that, as a retry of the policy.
"""

import random
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from proxysite.gateway.again import Again
from proxysite.gateway.attempt import Failed, Opened
from proxysite.gateway.attempts import Attempts
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.guarding import OUTCOMES, Validator, failure_of
from proxysite.gateway.plan import Plan
from proxysite.gateway.questions import Questions
from proxysite.gateway.relay import ConvertingRelay
from proxysite.gateway.repairs import AnswerRepair
from routing.dialects import Dialect, conversion
from routing.dialects.chat import plain
from routing.dialects.continuing import Continuation, beginning
from routing.dialects.events import End, Event, Text, Transform
from routing.dialects.exchange import Exchange as Conversation
from routing.errors import ProxyError
from routing.retry import Meaning, meaning
from validation.ahead import Ahead
from validation.ending import Guarded
from validation.failures import Outcome
from validation.judges import judges
from validation.verdict import Verdict


class Climb:
    """One judged answer.  Whoever makes one closes it, which ends its attempts too."""

    def __init__(
        self,
        attempts: Attempts,
        answer: Opened,
        exchange: Exchange,
        validator: Validator | None,
    ) -> None:
        self._attempts = attempts
        self._answer = answer  # of the attempt that is judged now
        self._exchange = exchange
        self._questions = Questions(validator)
        self._retries = 0
        self._changed: Again | None = None  # what the last retry changed
        self._unsaid = ""  # what the client is told between the answer before and this one

    async def chunks(self, relay: ConvertingRelay) -> AsyncGenerator[bytes]:
        """What the relay is to be fed with, each before the next is asked for: attempt after attempt, as if it were
        one answer.  Raises what an answer's chunks raise."""
        questions = self._questions
        while True:
            gate, chunks, broken = self.guard.gate, self._answer.chunks(), None
            try:
                while gate.verdict is None and gate.failure is None:
                    coming = anext(chunks, None)
                    chunk = await (questions.or_verdict(coming) if questions.are_open else coming)
                    if chunk is None:
                        await self._end(relay)
                        break
                    yield chunk
                    if (gate.ask or questions.are_open) and await self._look_after(relay):
                        yield b""  # something was said
            except ProxyError as problem:
                broken = problem
            if not await self._is_followed(broken):
                if broken:
                    relay.say(gate.good_rest() if gate.has_released else [])
                    raise broken
                relay.say(self.guard.end())
                return
            relay.say([Text(self._unsaid)] if self._unsaid else [])
            relay.go_on(self.conversation, self.transforms, self.guard)

    async def whole(self) -> tuple[bytes, list[Event], list[str]]:
        """The answer that is not streamed, as it came in the last attempt; the events of it, or of an error, and
        warnings.  Raises what reading an answer raises."""
        while True:
            guard, broken = self.guard, None
            body, found, warnings = b"", list[Event](), list[str]()
            try:
                body = await self._answer.read()
                self._exchange.first_byte_came()
                self._exchange.tap.feed(body)
                found, warnings = self._read(body)
                found += await self._questions.last(guard)
            except ProxyError as problem:
                broken = problem
            if await self._is_followed(broken):
                continue
            if broken:
                raise broken
            return body, found + guard.end(), warnings

    def _read(self, body: bytes) -> tuple[list[Event], list[str]]:
        """What may go on of a whole answer, and warnings.  An ordinary one is a text, which is judged by itself."""
        repair, conversation = self._exchange.repair, self.conversation
        if conversation.client is conversation.upstream is Dialect.CHAT:
            text = plain.text_of(body)
            if text and (repair is None or repair.leaves(text)) and self.guard.gate.passes(text):
                return [End()], []
        return conversion.read_whole(body, conversation, (*self.transforms, self.guard))

    async def aclose(self) -> None:
        try:
            await self._questions.aclose()
        finally:
            await self._attempts.aclose()

    @property
    def plan(self) -> Plan:
        return self._answer.plan

    @property
    def guard(self) -> Guarded:
        assert self.plan.guard is not None
        return self.plan.guard

    @property
    def verdict(self) -> Verdict | None:
        return self.guard.gate.verdict

    @property
    def conversation(self) -> Conversation:
        assert self.plan.conversation is not None
        return self.plan.conversation

    @property
    def transforms(self) -> Sequence[Transform]:
        """What stands before the gate."""
        seam = (Continuation(self.plan.said),) if self.plan.said else ()
        if self._exchange.repair is None:
            return seam
        ahead = Ahead(judges(self.guard.policy))
        return (self._exchange.repair.late(ahead), *seam)

    async def _end(self, relay: ConvertingRelay) -> None:
        """The upstream has nothing more to say, or nobody wants to hear it."""
        self._questions.look_after(self.guard)
        if self.verdict is None:
            relay.end_answer()
            await self._look_after(relay)

    async def _look_after(self, relay: ConvertingRelay) -> bool:
        """Cares for the questions of the gate.  Whether something was said that the next chunk should not wait for."""
        self._questions.look_after(self.guard)
        asked = self.guard.gate.ask
        if asked is None or not asked.at_end:
            return False
        relay.say(await self._questions.last(self.guard))
        return True

    async def _is_followed(self, broken: ProxyError | None) -> bool:
        """Whether another attempt gave an answer, which is judged now.  If not, the bad one is still there."""
        gate = self.guard.gate
        if problem := broken or gate.failure:
            return not gate.is_complete and await self._followed_break(Failed.broken(problem))
        return gate.verdict is not None and await self._followed_garbage(gate.verdict)

    async def _followed_break(self, broken: Failed) -> bool:
        gate, exchange, upstream = self.guard.gate, self._exchange, self.plan.upstream
        if gate.may_restart:
            await self._questions.aclose()
            answer = await self._attempts.instead(self.plan, broken)
            if answer and answer.status >= 300:
                self._attempts.note(f"Attempt {exchange.attempts}: {_refusal(answer)}.")
                return False
            if answer:
                self._judge(answer)
            return answer is not None
        said, found = gate.released_text, meaning(broken.failure, upstream.retry_statuses)
        if found is Meaning.FINAL or not broken.is_retryable:
            return False
        if not (self._may_retry and gate.may_continue and said.strip()):
            return False
        why = f"the upstream “{upstream.name}” failed ({broken.error})"
        self._attempts.note(f"Attempt {exchange.attempts}: {why}; its answer is to go on.")
        self._attempts.broke_off()
        changed = self._changed or Again(number=0, target=self.plan.target, ladder=(), seed=0)
        if why := await self._retried(replace(changed, said=said)):
            self._attempts.note(f"It could not go on: {why}")
        return not why

    async def _followed_garbage(self, verdict: Verdict) -> bool:
        policy, gate, exchange = self.guard.policy, self.guard.gate, self._exchange
        if not self._may_retry or not (gate.may_restart or gate.may_continue):
            return False
        said, unsaid = "", ""
        if not gate.may_restart:
            said, unsaid = beginning(gate.text, len(gate.good_text), len(gate.released_text))
        failure = failure_of(exchange)
        assert failure is not None
        exchange.failures, exchange.guard = (*exchange.failures, failure), None
        self._attempts.note(f"Attempt {exchange.attempts}: its answer was garbage ({verdict.explanation}).")
        again = Again(
            number=len(exchange.failures),
            target=self.plan.target,
            ladder=policy.ladder,
            seed=random.getrandbits(31),
            others=self._attempts.others,
            said=said,
        )
        if why := await self._retried(again, unsaid):
            failure.outcome = OUTCOMES[policy.on_exhausted]
            failure.next_step = f"no good answer followed: {why}"
            return False
        failure.outcome = Outcome.CONTINUED if said else Outcome.RETRIED
        failure.next_step = f"{'continued' if said else 'asked again'}: {self.plan.changed}"
        return True

    @property
    def _may_retry(self) -> bool:
        return self._retries < self.guard.policy.max_retries

    async def _retried(self, again: Again, unsaid: str = "") -> str:
        """A retry of the policy: blank when its answer is judged now, else why there is none."""
        await self._questions.aclose()  # what is still asked is about the answer that is given up
        self._retries += 1
        try:
            answer = await self._attempts.again(again, self.plan.target, self.guard.policy.delay(self._retries))
        except ProxyError as problem:
            return problem.message
        if answer.status >= 300:
            return _refusal(answer)
        self._changed = again
        self._judge(answer, unsaid)
        return ""

    def _judge(self, answer: Opened, unsaid: str = "") -> None:
        """Another attempt's answer from now on."""
        self._answer, self._unsaid = answer, unsaid
        self._exchange.answered_by(answer)
        self._exchange.repair = AnswerRepair(answer.plan.mending) if answer.plan.mending else None


def _refusal(answer: Opened) -> str:
    return f"the upstream “{answer.plan.upstream.name}” answered {answer.status}"
