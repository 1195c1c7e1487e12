"""The questions that a gate has for the validator model, while the answer goes on."""

import asyncio
import logging
from collections.abc import Awaitable

from proxysite.gateway import tasks
from proxysite.gateway.guarding import Validator
from routing.dialects.events import Event
from validation.asks import Ask
from validation.ending import Guarded
from validation.snapshot import Policy
from validation.verdict import Verdict

log = logging.getLogger("proxysite.gateway")


class Questions:
    """Whoever makes one closes it.  `validator` None: nobody can be asked, and every answer passes."""

    def __init__(self, validator: Validator | None) -> None:
        self._validator = validator
        self._task: asyncio.Task[Verdict | None] | None = None
        self._ask: Ask | None = None
        self._wait: asyncio.Timeout | None = None  # for the next chunk, while a question is open

    @property
    def are_open(self) -> bool:
        return self._task is not None

    def look_after(self, guard: Guarded) -> None:
        """Between two chunks: gives the gate the answer that has come, and asks what it wants to know next."""
        task, asked = self._task, self._ask
        if task and asked and task.done():
            self._task = self._ask = None
            guard.answer(asked, None if task.cancelled() else task.result())
        wanted = guard.gate.ask
        if wanted is None or wanted.at_end or wanted is self._ask:
            return
        if self._validator is None:
            guard.answer(wanted, None)
        elif self._task is None:
            self._ask, asking = wanted, self._answered(self._validator, wanted, guard.policy)
            self._task = tasks.spawn(asking, name="validator")

    async def or_verdict(self, coming: Awaitable[bytes | None]) -> bytes | None:
        """The chunk that is coming; None as soon as the open question is answered by a verdict, if that comes first.

        What was waited for is cancelled then: nobody wants it any more.
        """
        try:
            async with asyncio.timeout(None) as self._wait:
                return await coming
        except TimeoutError:
            return None
        finally:
            self._wait = None

    async def last(self, guard: Guarded) -> list[Event]:
        """What goes on when the whole answer is judged; it waits no longer than the policy allows."""
        await self.aclose()  # this question holds the ones before
        wanted = guard.gate.ask
        if wanted is None or not wanted.at_end:
            return []
        verdict = None
        if self._validator:
            try:
                async with asyncio.timeout(guard.policy.hold_seconds):
                    verdict = await _asked(self._validator, wanted, guard.policy)
            except TimeoutError:
                log.info("The validator model did not answer within %g s.", guard.policy.hold_seconds)
        return guard.answer(wanted, verdict)

    async def _answered(self, validator: Validator, ask: Ask, policy: Policy) -> Verdict | None:
        verdict = await _asked(validator, ask, policy)
        if verdict and self._wait:
            self._wait.reschedule(asyncio.get_running_loop().time())
        return verdict

    async def aclose(self) -> None:
        """Nobody waits for an answer any more."""
        task, self._task, self._ask = self._task, None, None
        if task:
            task.cancel()
            await asyncio.wait([task])


async def _asked(validator: Validator, ask: Ask, policy: Policy) -> Verdict | None:
    """Whatever goes wrong with a judge, the answer is not to suffer for it."""
    try:
        return await validator(ask, policy)
    except Exception:
        log.exception("The validator model could not be asked.")
        return None
