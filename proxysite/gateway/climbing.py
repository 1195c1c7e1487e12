"""A judged answer, attempt after attempt until one is good: what happens between a verdict and the next try.

    chunks → relay (reader → gate → writer) → client
                        │ garbage
                        ▼
    is a try left, and may it begin? ── no ──► the policy's end: an error, a message, or what there is
                        │ yes                                 ▲
                        ▼                                     │ it fails too
    close the upstream → wait → another attempt, with something changed ──► its chunks → the same relay …

The client's stream is the same all the time, and its slots are kept.
"""

import random
from collections.abc import AsyncGenerator, Sequence

from proxysite.gateway.again import Again
from proxysite.gateway.attempt import Opened
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
from validation.ahead import Ahead
from validation.ending import Guarded
from validation.failures import Failure, Outcome
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
        self._unsaid = ""  # what the client is told between the answer before and this one

    async def chunks(self, relay: ConvertingRelay) -> AsyncGenerator[bytes]:
        """What the relay is to be fed with, each before the next is asked for: attempt after attempt, as if it were
        one answer.  Raises what an answer's chunks raise."""
        questions = self._questions
        while True:
            gate, chunks = self.guard.gate, self._answer.chunks()
            while gate.verdict is None:
                coming = anext(chunks, None)
                chunk = await (questions.or_verdict(coming) if questions.are_open else coming)
                if chunk is None:
                    await self._end(relay)
                    break
                yield chunk
                if (gate.ask or questions.are_open) and await self._look_after(relay):
                    yield b""  # something was said
            if self.verdict is None:
                return
            if not await self._tried_again(self.verdict):
                relay.say(self.guard.end())
                return
            relay.say([Text(self._unsaid)] if self._unsaid else [])
            relay.go_on(self.conversation, self.transforms, self.guard)

    async def whole(self, body: bytes) -> tuple[bytes, list[Event], list[str]]:
        """The answer that is not streamed, as it came in the last attempt; the events of it, or of an error, and
        warnings.  Raises what reading an answer raises."""
        while True:
            guard = self.guard
            found, warnings = self._read(body)
            found += await self._questions.last(guard)
            if self.verdict and not await self._tried_again(self.verdict):
                found += guard.end()
            if guard is self.guard:
                return body, found, warnings
            body = await self._answer.read()
            if self._exchange.tap:
                self._exchange.tap.feed(body)

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
        ahead = Ahead(self.guard.gate, judges(self.guard.policy))
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

    async def _tried_again(self, verdict: Verdict) -> bool:
        """Whether the next attempt gave an answer, which is judged now.  If not, the bad one is still there."""
        policy, gate = self.guard.policy, self.guard.gate
        if self._retries >= policy.max_retries or not (gate.may_restart or gate.may_continue):
            return False
        await self._questions.aclose()  # what is still asked is about the answer that is given up
        self._retries += 1
        said, unsaid = "", ""
        if not gate.may_restart:
            said, unsaid = beginning(gate.text, len(gate.good_text), len(gate.released_text))
        exchange, failure = self._exchange, failure_of(self._exchange)
        assert failure is not None
        exchange.failures, exchange.guard = (*exchange.failures, failure), None
        self._attempts.note(f"Attempt {exchange.attempts}: its answer was garbage ({verdict.explanation}).")
        again = Again(
            number=self._retries,
            target=self.plan.target,
            ladder=policy.ladder,
            seed=random.getrandbits(31),
            others=self._attempts.others,
            said=said,
        )
        try:
            answer = await self._attempts.again(again, policy.delay(self._retries))
        except ProxyError as problem:
            return self._gave_up(failure, problem.message)
        if answer.status >= 300:
            return self._gave_up(failure, f"the upstream “{answer.plan.upstream.name}” answered {answer.status}")
        failure.outcome = Outcome.CONTINUED if said else Outcome.RETRIED
        failure.next_step = f"{'continued' if said else 'asked again'}: {answer.plan.changed}"
        self._answer, self._unsaid = answer, unsaid
        exchange.answered_by(answer)
        exchange.repair = AnswerRepair(answer.plan.mending) if answer.plan.mending else None
        return True

    def _gave_up(self, failure: Failure, why: str) -> bool:
        failure.outcome = OUTCOMES[self.guard.policy.on_exhausted]
        failure.next_step = f"no good answer followed: {why}"
        return False
