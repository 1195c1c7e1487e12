"""Asks validator models about pieces of answers.

Whatever goes wrong, the answer passes and an alarm stands in the admin: a validator that is down, slow, lying or
talking nonsense must cost clients neither an answer nor time.  So one that has failed several times in a row is left
alone for a while, and only then asked again.  How long an answer waits is for the asker to say, who cancels what he
does not want any more.
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from typing import Protocol

from django.utils import timezone

from proxysite.gateway.alarms import Alarms
from proxysite.redaction import without_keys
from routing.dialects import Dialect
from routing.errors import AnswerTooLarge, ProxyError
from routing.headers import credentials
from routing.kinds import Kind
from routing.snapshot import CredentialMode, KeyStyle, Upstream
from routing.upstream import Upstreams, joined
from validation.asks import Ask
from validation.opinion import NotAVerdict, Opinion, opinion, verdict
from validation.question import question
from validation.snapshot import Policy, ValidatorTarget
from validation.verdict import Verdict

log = logging.getLogger("proxysite.gateway")

IN_A_ROW = 3  # failures, after which it is left alone
REST_SECONDS = 30.0
AT_ONCE = 64  # questions to one validator
LONGEST_ANSWER = 2**18  # bytes
QUOTED = 200  # bytes of what came instead of a verdict
REMEMBERED = 64  # validators; each change of one is another


class Holds(Protocol):
    """What is needed of the engine."""

    upstreams: Upstreams
    alarms: Alarms


@dataclass(slots=True)
class _State:
    """Of one validator.  `rests_until`: loop time."""

    upstream: Upstream
    running: int = 0
    failures: int = 0  # in a row
    rests_until: float = field(default=float("-inf"))


class ValidatorModels:
    def __init__(self, engine: Holds) -> None:
        self._engine = engine
        self._states: dict[ValidatorTarget, _State] = {}

    async def __call__(self, ask: Ask, policy: Policy) -> Verdict | None:
        """None: nothing is wrong with the text, or nobody can say.  Raises nothing but CancelledError."""
        target = policy.validator
        if target is None:
            return None
        state, began = self._state(target), _now()
        if began < state.rests_until:
            return None
        if state.running >= AT_ONCE:
            self._alarm(target, f"it is asked {AT_ONCE} questions at once already")
            return None
        if state.failures >= IN_A_ROW:
            state.rests_until = began + REST_SECONDS  # for the others, while this question finds out
        state.running += 1
        try:
            return await self._verdict(ask, policy, target, state)
        except asyncio.CancelledError:
            if ask.at_end and _now() - began >= policy.hold_seconds > 0:
                self._failed(target, state, f"no verdict within {policy.hold_seconds:g} s, which is all a client waits")
            raise
        finally:
            state.running -= 1

    async def _verdict(self, ask: Ask, policy: Policy, target: ValidatorTarget, state: _State) -> Verdict | None:
        try:
            async with asyncio.timeout(target.timeout_seconds):
                said = await opinion_of(target, ask, state.upstream, self._engine.upstreams)
            found = verdict(said, ask, policy.confidence_threshold, target.name)
        except TimeoutError:
            self._failed(target, state, f"no verdict within {target.timeout_seconds:g} s")
        except ProxyError as problem:
            self._failed(target, state, of_a_validator(problem))
        except NotAVerdict as problem:
            self._failed(target, state, str(problem))
        except Exception:
            log.exception("The validator “%s” could not be asked.", target.name)
            self._failed(target, state, "the proxy failed; its log says why")
        else:
            self._works(target, state)
            return found
        return None

    def _state(self, target: ValidatorTarget) -> _State:
        """One that was changed begins anew."""
        if target not in self._states:
            if len(self._states) >= REMEMBERED:
                self._states.clear()
            self._states[target] = _State(server_of(target))
        return self._states[target]

    def _failed(self, target: ValidatorTarget, state: _State, why: str) -> None:
        state.failures += 1
        if state.failures >= IN_A_ROW:
            state.rests_until = _now() + REST_SECONDS
        self._alarm(target, why)

    def _alarm(self, target: ValidatorTarget, why: str) -> None:
        end = "" if why.endswith((".", "?", "!")) else "."
        text = f"Answers pass without the judgement of the validator “{target.name}”. {why[:1].upper()}{why[1:]}{end}"
        if self._engine.alarms.failed(target.name, text, timezone.now()):
            log.warning("%s", text)

    def _works(self, target: ValidatorTarget, state: _State) -> None:
        state.failures, state.rests_until = 0, float("-inf")
        if self._engine.alarms.works(target.name):
            log.info("The validator “%s” gives verdicts again.", target.name)


async def opinion_of(target: ValidatorTarget, ask: Ask, upstream: Upstream, upstreams: Upstreams) -> Opinion:
    """What a validator model says, whether that counts or not.  Raises ProxyError or NotAVerdict."""
    asked = question(target, ask, secrets.token_hex(8))
    headers = [*asked.headers, (b"accept-encoding", b"identity"), *credentials((), upstream)]
    answer = await upstreams.send(upstream, "POST", asked.url, headers, asked.body)
    try:
        body = await joined(answer.chunks(), LONGEST_ANSWER)
    except AnswerTooLarge:
        raise NotAVerdict("its answer does not end") from None
    finally:
        await answer.aclose()
    if answer.status != 200:
        said = without_keys(body, upstream)[:QUOTED].decode(errors="replace")
        raise NotAVerdict(f"it answered {answer.status}: {said}")
    return opinion(body, target.dialect)


def of_a_validator(problem: ProxyError) -> str:
    """Upstreams are what most servers that we call are; this one is none."""
    return problem.message.replace("The upstream", "The validator", 1)


def server_of(target: ValidatorTarget) -> Upstream:
    """The validator as a server that is called."""
    return Upstream(
        name=target.name,
        base_url=target.base_url,
        kind=Kind.OTHER,
        dialects=frozenset({target.dialect}),
        connect_timeout_seconds=target.connect_timeout_seconds,
        timeout_seconds=target.timeout_seconds,
        credential_mode=CredentialMode.OWN,
        key_style=KeyStyle.X_API_KEY if target.dialect is Dialect.MESSAGES else KeyStyle.BEARER,
        key=target.key,
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
