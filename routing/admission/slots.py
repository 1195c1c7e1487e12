"""Who has a slot and who waits for one.  Pure: no clock, no event loop; tickets are whatever the caller hands in.

A request needs a slot of every limit it meets: its model's, its upstream's, the global one.  It gets all of them at
once or none: whoever waits occupies nothing that somebody else could use meanwhile.  Every time something changes, the
waiting are looked at in the order they came:

* The oldest request that finds room everywhere starts.
* One that does not stands in line for the first limit that is full, most specific first.  It keeps one place free at
  each limit before that one, so that what it has waited for already is not taken from under it, and claims nothing at
  those behind it, so that the line for one model never keeps another model from running.
* Requests that need the same slots form one line, and only its head keeps places free.

Hence first come, first served at every limit: of two requests that stand in line for it, the older one passes first.
And nobody starves: nothing is ever kept free against the oldest of all, so each time a slot comes back where it stands
in line it moves on to the next limit, at most three times, and only a pause or a changed limit sends it back.  Nor can
anything lock up: only running requests hold slots, and they end.

A model with throttle pauses has a gate, which is passed before everything else and falls shut behind whoever passes;
`throttle` knows when it may be opened.  So a pause holds no slot either.

A request that is sent again, maybe elsewhere (`move`), keeps what it holds of its model's and the global limit, lets
go of its upstream's slot if it goes elsewhere, and comes before all who have not started yet.  It passes its gate last.
So whoever holds a slot waits only for upstreams that are really in use, or for a pause: no circle of waiting closes.
"""

from bisect import bisect
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from routing.admission.limits import Key, Limit, LimitTable, Scope
from routing.errors import QueueFull
from routing.matching import fold

Ticket = TypeVar("Ticket", bound=Hashable)

_GATE = "gate"  # the first word of the key of a model's gate
_UPSTREAM = frozenset({Scope.UPSTREAM})
_ALL = frozenset(Scope)
_NONE: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class LimitState:
    limit: Limit
    used: int
    queued: int


@dataclass(frozen=True, slots=True)
class SlotState:
    """What a status page shows."""

    running: int
    queued: int
    limits: tuple[LimitState, ...]


class _Request(Generic[Ticket]):
    __slots__ = ("holds", "line", "model", "number", "ticket", "upstream")

    def __init__(self, ticket: Ticket, number: int, model: str, upstream: str) -> None:
        self.ticket = ticket
        self.number = number  # the order in which they came
        self.model = model
        self.upstream = upstream
        self.holds = _NONE  # the scopes of the limits of which it has a slot
        self.line: _Line[Ticket] | None = None  # None: running


_Needs = tuple[bool, tuple[Key, ...]]  # whether the request has not started yet, and what it has to pass, in order


class _Line(Generic[Ticket]):
    """Waiting requests that need the same, in the order they came; `obstacle` is what its head waits for."""

    __slots__ = ("needs", "obstacle", "requests")

    def __init__(self, needs: _Needs, obstacle: Key) -> None:
        self.needs = needs
        self.obstacle = obstacle
        self.requests: deque[_Request[Ticket]] = deque()

    @property
    def turn(self) -> tuple[bool, int]:
        return self.needs[0], self.requests[0].number


class SlotTable(Generic[Ticket]):
    def __init__(self, limits: LimitTable | None = None, gated: Callable[[str], bool] = lambda model: False) -> None:
        """`gated` says whether a model has pauses."""
        self._limits = limits or LimitTable()
        self._gated = gated
        self._by_key = self._limits.by_key
        self._requests: dict[Ticket, _Request[Ticket]] = {}
        self._lines: dict[_Needs, _Line[Ticket]] = {}
        self._used: Counter[Key] = Counter()
        self._kept_free: Counter[Key] = Counter()  # as the last look at the waiting left it
        self._busy: Counter[str] = Counter()  # running and waiting, by upstream
        self._queued = 0
        self._shut: set[Key] = set()
        self._numbers = count()

    def request(self, ticket: Ticket, model: str, upstream: str) -> bool:
        """Whether it may start now; else it waits.  Raises QueueFull, and then it does not."""
        request = _Request(ticket, next(self._numbers), model, upstream)
        needs = self._needs(request)
        obstacle = self._lines[needs].obstacle if needs in self._lines else self._obstacle(needs)
        if obstacle is not None:
            self._refuse_if_full(obstacle)
        self._requests[ticket] = request
        self._busy[fold(upstream)] += 1
        if obstacle is None:
            self._start(request, needs)
            return True
        if needs not in self._lines:
            self._keep_free(needs, obstacle)
        self._wait(request, needs, obstacle)
        return False

    def release(self, ticket: Ticket) -> list[Ticket]:
        """A request has ended, or one that waits has gone.  Returns who starts now.  A second call does nothing."""
        request = self._requests.pop(ticket, None)
        if request is None:
            return []
        self._busy[fold(request.upstream)] -= 1
        freed = self._let_go(request, _ALL)
        led = self._leave_line(request)
        return self._look() if freed or led else []

    def move(self, ticket: Ticket, upstream: str) -> list[Ticket]:
        """A running request is sent again, to this upstream.  Returns who starts now, maybe itself among them."""
        request = self._requests[ticket]
        if fold(upstream) != fold(request.upstream):
            self._let_go(request, _UPSTREAM)
            self._busy[fold(request.upstream)] -= 1
            self._busy[fold(upstream)] += 1
            request.upstream = upstream
        self._wait(request, self._needs(request), (_GATE, ""))
        return self._look()

    def shut(self, model: str) -> list[Ticket]:
        """A pause of this model begins.  Returns who starts now, because a place is no longer kept free."""
        self._shut.add((_GATE, fold(model)))
        return self._look()

    def open(self, model: str) -> list[Ticket]:
        """The pause is over.  Returns who starts now."""
        self._shut.discard((_GATE, fold(model)))
        return self._look()

    def configure(
        self, limits: LimitTable, gated: Callable[[str], bool] = lambda model: False, shut: Iterable[str] = ()
    ) -> list[Ticket]:
        """New limits, in force at once for those who run and those who wait.  Returns who starts now.

        `shut` names the models in whose pause this falls.
        """
        self._limits, self._gated = limits, gated
        self._shut = {(_GATE, fold(model)) for model in shut}
        self._by_key = limits.by_key
        self._lines, self._used, self._queued = {}, Counter(), 0
        for request in sorted(self._requests.values(), key=lambda one: one.number):
            self._used.update(limit.key for limit in self._held(request))
            if request.line is not None:
                self._wait(request, self._needs(request), (_GATE, ""))
        return self._look()

    def held(self, ticket: Ticket) -> tuple[Limit, ...]:
        """The limits of which a request has a slot, most specific first."""
        request = self._requests.get(ticket)
        return self._held(request) if request else ()

    def obstacle(self, ticket: Ticket) -> Limit | None:
        """The limit at which a request stands in line; None if it runs, or waits for a pause to end."""
        request = self._requests.get(ticket)
        return self._by_key.get(request.line.obstacle) if request and request.line else None

    def used(self, limit: Limit) -> int:
        return self._used[limit.key]

    def queued(self, limit: Limit) -> int:
        return self._queued_at(limit.key)

    def busy(self, upstream: str) -> int:
        """How many requests an upstream answers or is to answer next."""
        return self._busy[fold(upstream)]

    def state(self) -> SlotState:
        return SlotState(
            running=len(self._requests) - self._queued,
            queued=self._queued,
            limits=tuple(LimitState(limit, self.used(limit), self.queued(limit)) for limit in self._limits.limits),
        )

    def _needs(self, request: _Request[Ticket]) -> _Needs:
        limits = self._limits.of(request.model, request.upstream)
        gate = ((_GATE, fold(request.model)),) if self._gated(request.model) else ()
        if request.holds:
            return False, (*(limit.key for limit in limits if limit.scope not in request.holds), *gate)
        return True, (*gate, *(limit.key for limit in limits))

    def _held(self, request: _Request[Ticket]) -> tuple[Limit, ...]:
        limits = self._limits.of(request.model, request.upstream)
        return limits if request.holds is _ALL else tuple(limit for limit in limits if limit.scope in request.holds)

    def _room(self, key: Key) -> int:
        """How many may pass at this limit, or gate, apart from those for whom a place is kept."""
        if key[0] == _GATE:
            return (key not in self._shut) - self._kept_free[key]
        return self._by_key[key].limit - self._used[key] - self._kept_free[key]

    def _obstacle(self, needs: _Needs) -> Key | None:
        for key in needs[1]:
            if self._room(key) <= 0:
                return key
        return None

    def _refuse_if_full(self, key: Key) -> None:
        limit = self._by_key.get(key)
        if limit and limit.queue_size is not None and self._queued_at(key) >= limit.queue_size:
            raise QueueFull(
                f"{limit.queue_size} requests wait for {limit.label} already, and no more may (limit: {limit.limit}). "
                "Try again later.",
                elsewhere=limit.scope is Scope.UPSTREAM,
            )

    def _queued_at(self, key: Key) -> int:
        return sum(len(line.requests) for line in self._lines.values() if line.obstacle == key)

    def _start(self, request: _Request[Ticket], needs: _Needs) -> None:
        request.holds, request.line = _ALL, None
        for key in needs[1]:
            if key[0] == _GATE:
                self._shut.add(key)
            else:
                self._used[key] += 1

    def _wait(self, request: _Request[Ticket], needs: _Needs, obstacle: Key) -> None:
        line = self._lines.get(needs) or self._lines.setdefault(needs, _Line(needs, obstacle))
        request.line = line
        self._queued += 1
        if not line.requests or line.requests[-1].number < request.number:
            line.requests.append(request)
        else:
            place = bisect(line.requests, request.number, key=lambda one: one.number)
            line.requests.insert(place, request)

    def _let_go(self, request: _Request[Ticket], scopes: frozenset[Scope]) -> bool:
        """Gives back what the request holds of these; whether that was anything."""
        freed = [limit.key for limit in self._held(request) if scopes is _ALL or limit.scope in scopes]
        for key in freed:
            self._used[key] -= 1
        request.holds = _NONE if scopes is _ALL else request.holds - scopes
        return bool(freed)

    def _leave_line(self, request: _Request[Ticket]) -> bool:
        """Whether the request waited at the head of a line, so that others may find room now."""
        line, request.line = request.line, None
        if line is None:
            return False
        led = line.requests[0] is request
        line.requests.remove(request)
        self._queued -= 1
        if not line.requests:
            del self._lines[line.needs]
        return led

    def _look(self) -> list[Ticket]:
        """Looks at the waiting in their order, starts whoever can start, and notes what the others wait for."""
        self._kept_free.clear()
        started: list[Ticket] = []
        heads = [(line.turn, line.needs) for line in self._lines.values()]
        heapify(heads)
        while heads:
            line = self._lines[heappop(heads)[1]]
            obstacle = self._obstacle(line.needs)
            if obstacle is None:
                request = line.requests[0]
                self._leave_line(request)
                self._start(request, line.needs)
                started.append(request.ticket)
                if line.requests:
                    heappush(heads, (line.turn, line.needs))
            else:
                line.obstacle = obstacle
                self._keep_free(line.needs, obstacle)
        return started

    def _keep_free(self, needs: _Needs, obstacle: Key) -> None:
        """The head of a line keeps a place at each limit that it has passed."""
        self._kept_free.update(needs[1][: needs[1].index(obstacle)])
