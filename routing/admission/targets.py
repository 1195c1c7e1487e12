"""Which target a request goes to, and how well each is.  Pure: time and chance arrive as arguments.

Priority first.  Among equals those that are well; of these the least busy for its weight, and where that leaves
several, chance by weight.  With a session, the target its conversation went to before: every conversation prefers the
targets in an order of its own, so nothing has to be remembered, and only those of a target that fails move.

Health is learned from the requests themselves, of each model at each upstream: a target that names no model serves
many, and one that is dead says nothing of the others.  Several failures in a row and a model cools down; after that a
single request probes it, and only its success ends the cooldown.  A model that is being loaded is no failure.  Health
never refuses a request: when no target is well, the best of the others is tried.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from routing.matching import fold, without_context_marker
from routing.snapshot import Binding, Target

FAILURES = 3  # in a row, until a target cools down
COOLDOWN = 10.0  # seconds; twice as long each time the probe fails
LONGEST_COOLDOWN = 160.0
LOADING = 5.0  # seconds for which “loading” is believed
_REMEMBERED = 1024  # upstreams and models of which something is known; clients make names up


class Health(StrEnum):
    WELL = "healthy"
    LOADING = "loading"
    HALF_OPEN = "half-open"  # it has cooled down, and the next request probes it
    COOLING = "cooling down"
    PROBED = "being probed"


@dataclass(frozen=True, slots=True)
class TargetState:
    """What a status page shows.  `seconds_left`: until it is probed, or asked whether it is loaded."""

    upstream: str
    model: str  # as it is sent; blank where a request names none, and of what is known of a whole upstream
    health: Health
    failures: int
    seconds_left: float


Key = tuple[str, str]


@dataclass(slots=True)
class _Record:
    key: Key
    upstream: str
    model: str
    failures: int = 0  # before the first word of an answer
    breaks: int = 0  # behind it
    cools_until: float = -math.inf
    cooldown: float = 0.0
    loads_until: float = -math.inf
    probe: object = None  # the request that tries whether it is well again

    def health(self, now: float) -> Health:
        if self.probe is not None:
            return Health.PROBED
        if now < self.cools_until:
            return Health.COOLING
        if now < self.loads_until:
            return Health.LOADING
        return Health.HALF_OPEN if self.on_probation else Health.WELL

    def seconds_left(self, now: float) -> float:
        return max(0.0, self.cools_until - now, self.loads_until - now)

    @property
    def bad(self) -> int:
        return self.failures + self.breaks

    @property
    def on_probation(self) -> bool:
        return self.cools_until > -math.inf

    def begin_anew(self) -> None:
        self.failures, self.probe = 0, None
        self.cools_until = self.loads_until = -math.inf

    def cool(self, now: float) -> None:
        """Twice as long as the last time."""
        self.cooldown = min(LONGEST_COOLDOWN, self.cooldown * 2) if self.cooldown else COOLDOWN
        self.cools_until = now + self.cooldown


class Targets:
    """What is known of all upstreams and their models.  A failure to connect concerns an upstream, any other one a
    model of it."""

    def __init__(self) -> None:
        self._records: dict[Key, _Record] = {}

    def asked_for(self, model: str) -> "Choices":
        """The targets as requests for one model meet them."""
        return Choices(self, model)

    def reset(self, upstream: str | None = None) -> None:
        """Forgets what was learned, of one upstream or of all."""
        kept = {} if upstream is None else {key: one for key, one in self._records.items() if key[0] != fold(upstream)}
        self._records = kept

    def reset_model(self, upstream: str, model: str) -> None:
        """Forgets what was learned of one model, and with it what is known of its whole upstream."""
        for record in self.known(upstream, model):
            self.forget(record)

    def health(self, upstream: str, now: float) -> Health:
        """The worst that is known of any model at an upstream."""
        known = {record.health(now) for key, record in self._records.items() if key[0] == fold(upstream)}
        return max(known, key=list(Health).index, default=Health.WELL)

    def state(self, now: float) -> tuple[TargetState, ...]:
        """What is known, of whole upstreams and of their models."""
        return tuple(
            TargetState(record.upstream, record.model, record.health(now), record.bad, record.seconds_left(now))
            for record in self._records.values()
        )

    def state_of(self, upstream: str, model: str, now: float) -> TargetState:
        """One model, for which what is known of its whole upstream counts too: the worse of the two."""
        known = self.known(upstream, model)
        return TargetState(
            upstream=upstream,
            model=model,
            health=max((record.health(now) for record in known), key=list(Health).index, default=Health.WELL),
            failures=max((record.bad for record in known), default=0),
            seconds_left=max((record.seconds_left(now) for record in known), default=0.0),
        )

    def known(self, upstream: str, model: str) -> Sequence[_Record]:
        """The records of a whole upstream and of a model there, if there are any."""
        return [record for key in _keys(upstream, model) if (record := self._records.get(key))]

    def record(self, upstream: str, model: str | None) -> _Record:
        """That of a model, or (None) of a whole upstream; a new one if there is none."""
        whole, one = _keys(upstream, model or "")
        key = whole if model is None else one
        if key not in self._records:
            if len(self._records) >= _REMEMBERED:
                self.forget(self._least_missed())
            self._records[key] = _Record(key, upstream, model or "")
        return self._records[key]

    def forget(self, record: _Record) -> None:
        del self._records[record.key]

    def _least_missed(self) -> _Record:
        """The oldest that tells of no illness, else the oldest."""
        records = self._records.values()
        return next((record for record in records if not record.on_probation), next(iter(records)))


class Choices:
    """Which target a request for one model goes to, and what its attempts teach.

    `model`: the client's name for it, which targets are sent that have none of their own.
    """

    __slots__ = ("_model", "_targets")

    def __init__(self, targets: Targets, model: str) -> None:
        self._targets = targets
        self._model = model

    def choose(
        self,
        binding: Binding,
        now: float,
        draw: float,
        *,
        tried: Collection[Target] = (),
        busy: Callable[[str], int] = lambda upstream: 0,
        session: bytes | None = None,
    ) -> Target | None:
        """The target to try next, None when all were tried.  `draw` is a random number in [0, 1)."""
        left = [target for target in binding.targets if target not in tried]
        if len(left) < 2:
            return left[0] if left else None
        ranks = {id(target): self._rank(target, now) for target in left}
        best = min(ranks.values())
        equals = [target for target in left if ranks[id(target)] == best]
        if session is not None:
            return max(equals, key=lambda target: _affinity(session, target))
        least = min(busy(target.upstream.name) / target.weight for target in equals)
        return _by_weight([one for one in equals if busy(one.upstream.name) / one.weight == least], draw)

    def begins(self, target: Target, request: object, now: float) -> None:
        """A request is sent.  The first one after a cooldown is the probe."""
        for record in self._known(target):
            if record.on_probation and record.probe is None and now >= record.cools_until:
                record.probe = request

    def answers(self, target: Target) -> None:
        """The first word has come, which ends a cooldown.  How often it broke off behind one counts until an answer is
        whole: a target that always does would never cool down else."""
        for record in self._known(target):
            if record.breaks:
                record.begin_anew()
            else:
                self._targets.forget(record)

    def succeeded(self, target: Target) -> None:
        """An answer is whole."""
        for record in self._known(target):
            self._targets.forget(record)

    def failed(self, target: Target, request: object, now: float, *, unreachable: bool = False) -> None:
        """`unreachable`: not even a connection."""
        record = self._targets.record(target.upstream.name, None) if unreachable else self._record(target)
        was_probe = record.probe is request
        self.abandoned(target, request)
        record.failures += 1
        if was_probe or (record.failures >= FAILURES and not record.on_probation):
            record.cool(now)

    def broke_off(self, target: Target, request: object, now: float) -> None:
        """In the middle of its answer."""
        self.abandoned(target, request)
        record = self._record(target)
        record.breaks += 1
        if record.breaks >= FAILURES and not record.on_probation:  # of many that break at once the third counts
            record.cool(now)

    def is_loading(self, target: Target, request: object, now: float) -> None:
        self.abandoned(target, request)
        self._record(target).loads_until = now + LOADING

    def abandoned(self, target: Target, request: object) -> None:
        """A request ended without telling anything of the target: its client left, or asked for something wrong."""
        for record in self._known(target):
            if record.probe is request:
                record.probe = None

    def _rank(self, target: Target, now: float) -> tuple[bool, int, bool]:
        """The smaller the better: targets that are well or load, in order of priority; then those that are not well."""
        healths = {record.health(now) for record in self._known(target)}
        ill = bool(healths & {Health.COOLING, Health.PROBED})
        return ill, target.priority, Health.LOADING in healths

    def _known(self, target: Target) -> Sequence[_Record]:
        if not self._targets._records:
            return ()
        return self._targets.known(target.upstream.name, self._sent(target))

    def _record(self, target: Target) -> _Record:
        return self._targets.record(target.upstream.name, self._sent(target))

    def _sent(self, target: Target) -> str:
        return target.sent_model or without_context_marker(self._model)


def _keys(upstream: str, model: str) -> tuple[Key, Key]:
    """Of the whole upstream, and of the model."""
    folded = fold(upstream)
    return (folded, ""), (folded, "/" + fold(model))


def _by_weight(targets: list[Target], draw: float) -> Target:
    mark = draw * sum(target.weight for target in targets)
    for target in targets:
        mark -= target.weight
        if mark < 0:
            return target
    return targets[-1]


def _affinity(session: bytes, target: Target) -> float:
    """How much a conversation prefers a target: a number that is random, but always the same for the two, and larger
    for larger weights so that conversations are shared out by weight (weighted rendezvous hashing)."""
    name = f"{fold(target.upstream.name)}\0{target.model}".encode()
    number = int.from_bytes(blake2b(session + b"\0" + name, digest_size=8).digest())
    return -target.weight / math.log((number + 1) / (2**64 + 2))
