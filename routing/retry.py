"""What to do after an attempt that failed, while nothing of its answer has reached the client.  Pure.

`decide()` answers `Retry` (the same target, after a wait), `NextTarget` or `GiveUp`; then the client gets the last
answer.  What the provider says of the wait comes first; without it the waits double, a little longer by chance so that
many clients do not come back at the same moment.  The rules for the texts of particular providers are a table.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from routing import hints
from routing.headers import value_of
from routing.snapshot import Upstream

LONGEST_WAIT = 300.0  # a provider that wants us to wait longer has a quota that is used up, not a rate that is too high
LONGEST_BACKOFF = 60.0
PATIENCE = 5.0  # with another target at hand nobody waits longer than this for one

_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
_RATE_LIMITED = frozenset({429, 503, 529})
_HARMLESS = frozenset({408, 409, 425, 429})  # says nothing about the health of the server


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt's end.  `status` 0: no answer came, or it broke off; `unreachable`: not even a connection."""

    status: int = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    unreachable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often it was tried: `here` at this target, this time included; `loading` of those it was still loading.

    `waited`: seconds since the first of them.  `others`: whether there is a target left that was not tried.
    """

    here: int
    loading: int = 0
    waited: float = 0.0
    others: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    after: float  # seconds


@dataclass(frozen=True, slots=True)
class NextTarget:
    pass


@dataclass(frozen=True, slots=True)
class GiveUp:
    pass


Decision = Retry | NextTarget | GiveUp


class Meaning(Enum):
    """What a failure says, beyond its status."""

    FINAL = auto()  # the same request will fail again, anywhere
    EXHAUSTED = auto()  # quota or money is used up here; somewhere else it may work
    LASTING = auto()  # a rate limit that lasts, but does not say how long
    RATE_LIMIT = auto()
    LOADING = auto()  # the server is fine, its model is not there yet
    BROKEN = auto()  # anything else that may work another time


@dataclass(frozen=True, slots=True)
class TextRule:
    """An answer with one of these statuses (none: any) whose text matches means this."""

    pattern: re.Pattern[bytes]
    meaning: Meaning
    statuses: frozenset[int] = frozenset()


def _rule(pattern: bytes, meaning: Meaning, *statuses: int) -> TextRule:
    return TextRule(re.compile(pattern, re.IGNORECASE), meaning, frozenset(statuses))


# The first match counts.
TEXT_RULES: tuple[TextRule, ...] = (
    _rule(rb"insufficient_quota|credit_balance_exhausted|credit balance is too low", Meaning.EXHAUSTED),
    # z.ai: no money (1113), quota of the day, plan, week or month used up (1304, 1308, 1310), plan ended (1309), abuse.
    _rule(rb'"code"\s*:\s*"?(1113|1304|1308|1309|1310|1313)\b', Meaning.EXHAUSTED),
    # z.ai: too many at once (1302), too often (1303), too many of everybody's (1305, 1312).
    _rule(rb'"code"\s*:\s*"?(1302|1303|1305|1312)\b', Meaning.LASTING),
    _rule(rb"too many failed attempts", Meaning.LASTING, 429),  # Venice
    _rule(rb"loading (the )?model|model (is )?(still |currently )?(being )?load(ing|ed)", Meaning.LOADING, 503),
)


def meaning(failure: Failure, retried: Iterable[int] = ()) -> Meaning:
    """`retried` are further statuses that are worth another try."""
    text = failure.body[:16384]
    for rule in TEXT_RULES if failure.status >= 400 else ():
        if (not rule.statuses or failure.status in rule.statuses) and rule.pattern.search(text):
            return rule.meaning
    if failure.status == 402:
        return Meaning.EXHAUSTED
    if failure.status == 429:
        return Meaning.RATE_LIMIT
    if failure.status == 0 or failure.status in _RETRIED or failure.status in retried:
        return Meaning.BROKEN
    return Meaning.FINAL


def harms_health(failure: Failure) -> bool:
    """Whether the failure says that the server is not well: rate limits, loading and bad requests do not."""
    return meaning(failure) is Meaning.BROKEN and failure.status not in _HARMLESS


def decide(failure: Failure, attempts: Attempts, policy: Upstream, now: float, draw: float) -> Decision:
    """`now` is a unix time, `draw` a random number in [0, 1)."""
    give_up: Decision = NextTarget() if attempts.others else GiveUp()
    found = meaning(failure, policy.retry_statuses)
    if found is Meaning.FINAL and _told(failure) is not True:
        return give_up if _concerns_this_target(failure, policy) else GiveUp()
    if found is Meaning.EXHAUSTED or _told(failure) is False:
        return give_up
    if found is Meaning.LOADING:
        left = policy.loading_wait - attempts.waited
        return Retry(min(_while_loading(failure, attempts, now), left)) if left > 0 else give_up
    if attempts.here - attempts.loading > policy.max_retries or (failure.unreachable and attempts.others):
        return give_up
    wait = _wait(failure, found, attempts, policy, now, draw)
    if wait > LONGEST_WAIT or (attempts.others and wait > PATIENCE):
        return give_up
    return Retry(wait)


def _concerns_this_target(failure: Failure, policy: Upstream) -> bool:
    """A model that is gone, or a key of ours that is refused: another target has others.  A client's key is its own."""
    return failure.status == 404 or (failure.status in (401, 403) and bool(policy.key))


def _told(failure: Failure) -> bool | None:
    """What the upstream itself says, if it does, of whether another try makes sense."""
    return {"true": True, "false": False}.get(value_of(failure.headers, "x-should-retry").strip().lower())


def _wait(failure: Failure, found: Meaning, attempts: Attempts, policy: Upstream, now: float, draw: float) -> float:
    tries = attempts.here - attempts.loading
    if failure.status in _RATE_LIMITED or found in (Meaning.LASTING, Meaning.RATE_LIMIT):
        hint = hints.wait_hint(failure.headers, failure.body, now)
    else:
        hint = hints.retry_after(failure.headers, now)
    if hint or (hint is not None and tries == 1):  # whoever says “now” and refuses again is not believed twice
        return hint
    if found is Meaning.LASTING:
        return policy.rate_limit_wait
    return backoff(tries, policy.base_retry_delay, draw)


def backoff(tries: int, base: float, draw: float) -> float:
    """The wait doubles with every try, and is up to a quarter longer by chance."""
    return min(LONGEST_BACKOFF, base * 2.0 ** min(tries - 1, 16)) * (1 + draw / 4)


def _while_loading(failure: Failure, attempts: Attempts, now: float) -> float:
    """At first often, for small models load within a second; then every five."""
    hint = hints.retry_after(failure.headers, now)
    return min(hint or 0.5 * 1.5 ** min(attempts.loading, 8), 5.0)
