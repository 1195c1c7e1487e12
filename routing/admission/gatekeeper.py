"""Makes requests wait for their slots and for the pauses of their models: the event loop's side of `slots`, `throttle`.

    lease = await gatekeeper.admit(request_id, model, upstream)
    try:
        ...                               # send; whatever comes, up to the last byte
        await lease.again(upstream)       # before sending once more, there or elsewhere
    finally:
        lease.release()                   # gives everything back; a second call does nothing

Whatever interrupts a wait (the client leaves, the server stops) gives back what the request had, also when its slot is
granted in the same moment.  All of it runs on one event loop; nothing here needs a task or a lock.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from routing.admission.limits import Key, Limit, LimitTable, Scope, ThrottleTable
from routing.admission.slots import SlotState, SlotTable
from routing.admission.throttle import PauseState, Throttle
from routing.errors import QueueTimeout
from routing.matching import fold

log = logging.getLogger(__name__)

SMALL_LIMIT = 16  # slots, of which each is news

_ALL = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class AdmissionState:
    """What a status page shows."""

    slots: SlotState
    pauses: tuple[PauseState, ...]


class Lease:
    """A request's permission to be sent, from the moment it asks for it until it is released."""

    __slots__ = (
        "_gatekeeper",
        "granted",
        "is_released",
        "model",
        "request_id",
        "shown",
        "timer",
        "upstream",
        "waits_since",
        "was_sent",
    )

    def __init__(self, gatekeeper: "Gatekeeper", request_id: str, model: str, upstream: str) -> None:
        self._gatekeeper = gatekeeper
        self.request_id = request_id
        self.model = model
        self.upstream = upstream
        self.granted: asyncio.Future[None] | None = None  # while it waits
        self.waits_since = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.was_sent = False
        self.is_released = False
        self.shown: frozenset[Key] = frozenset()  # the slots that the log knows of

    async def again(self, upstream: str) -> None:
        """Waits until it may be sent once more, to this upstream.  Raises QueueTimeout."""
        await self._gatekeeper.readmit(self, upstream)

    def release(self) -> None:
        if not self.is_released:
            self.is_released = True
            self._gatekeeper.take_back(self)


class Gatekeeper:
    def __init__(self, limits: LimitTable | None = None, rules: ThrottleTable | None = None) -> None:
        self._limits = limits or LimitTable()
        self._throttle = Throttle(rules)
        self._slots: SlotTable[Lease] = SlotTable(self._limits, self._throttle.paces)
        self._waiting: set[Lease] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}  # by folded model: when its pause ends

    @asynccontextmanager
    async def admitted(self, request_id: str, model: str, upstream: str) -> AsyncIterator[Lease]:
        lease = await self.admit(request_id, model, upstream)
        try:
            yield lease
        finally:
            lease.release()

    async def admit(self, request_id: str, model: str, upstream: str) -> Lease:
        """Waits until the request may be sent.  Raises QueueFull or QueueTimeout."""
        lease = Lease(self, request_id, model, upstream)
        if self._slots.request(lease, model, upstream):
            self._start([lease])
            return lease
        try:
            await self._wait(lease)
        except BaseException:
            lease.release()
            raise
        return lease

    async def readmit(self, lease: Lease, upstream: str) -> None:
        """What `Lease.again` does."""
        elsewhere = fold(upstream) != fold(lease.upstream)
        self._log_released(lease, frozenset({Scope.UPSTREAM}) if elsewhere else frozenset())
        lease.upstream = upstream
        started = self._slots.move(lease, upstream)
        self._start(started)
        if lease not in started:
            await self._wait(lease)

    def take_back(self, lease: Lease) -> None:
        """What `Lease.release` does."""
        self._forget(lease)
        started: list[Lease] = []
        if lease.was_sent and self._throttle.paces(lease.model):
            self._throttle.ended(lease.model, _now())
            started += self._pace(lease.model)  # before the slot is free: the next of this model waits for the pause
        self._log_released(lease, _ALL)
        started += self._slots.release(lease)
        self._start(started)

    def configure(self, limits: LimitTable, rules: ThrottleTable) -> None:
        """Puts a configuration in force, at once and for everybody.  Cheap when it is the same as before."""
        if limits is self._limits and rules is self._throttle.rules:
            return
        self._limits, self._throttle.rules = limits, rules
        paused = [pause.model for pause in self._throttle.pauses(_now())]
        started = self._slots.configure(limits, self._throttle.paces, paused)
        for name in list(self._timers):
            self._timers.pop(name).cancel()
        for model in paused:
            started += self._pace(model)
        self._start(started)
        for lease in list(self._waiting):
            self._set_timer(lease)

    def busy(self, upstream: str) -> int:
        """How many requests an upstream answers or is to answer next."""
        return self._slots.busy(upstream)

    def state(self) -> AdmissionState:
        return AdmissionState(self._slots.state(), self._throttle.pauses(_now()))

    async def _wait(self, lease: Lease) -> None:
        """Until it is granted, and no longer than its limits allow."""
        lease.granted, lease.waits_since = asyncio.get_running_loop().create_future(), _now()
        self._waiting.add(lease)
        self._set_timer(lease)
        self._log_queueing(lease)
        try:
            await lease.granted
        finally:
            self._forget(lease)

    def _forget(self, lease: Lease) -> None:
        """It no longer waits."""
        self._waiting.discard(lease)
        lease.granted = None
        if lease.timer:
            lease.timer.cancel()
            lease.timer = None

    def _set_timer(self, lease: Lease) -> None:
        if lease.timer:
            lease.timer.cancel()
            lease.timer = None
        longest = self._limits.longest_wait(lease.model, lease.upstream)
        if longest is not None:
            at = lease.waits_since + longest
            lease.timer = asyncio.get_running_loop().call_at(at, self._expire, lease, longest)

    def _expire(self, lease: Lease, longest: float) -> None:
        granted, limit = lease.granted, self._slots.obstacle(lease)
        if granted is None or granted.done():
            return
        what = f"of {limit.label} (limit: {limit.limit}) " if limit else ""
        lease.release()
        granted.set_exception(
            QueueTimeout(
                f"No slot {what}came free within {longest:g} s. Try again later.",
                elsewhere=limit is not None and limit.scope is Scope.UPSTREAM,
            )
        )

    def _start(self, leases: Iterable[Lease]) -> None:
        """Lets requests go.  Whoever goes may begin a pause, or find that it is none, so that others go too."""
        pending = deque(leases)
        while pending:
            lease = pending.popleft()
            self._log_acquired(lease)
            paced = self._throttle.paces(lease.model)
            if lease.granted is None or not lease.granted.done():  # done: it is leaving in this very moment
                lease.was_sent = True
                if paced:
                    self._throttle.sent(lease.model, _now())
                if lease.granted:
                    lease.granted.set_result(None)
            if paced:
                pending.extend(self._pace(lease.model))

    def _pace(self, model: str) -> list[Lease]:
        """Opens or shuts the gate of a model by what the throttle says, and sees to it that it is opened in time."""
        if timer := self._timers.pop(fold(model), None):
            timer.cancel()
        due = self._throttle.due(model)
        if due <= _now():
            return self._slots.open(model)
        self._timers[fold(model)] = asyncio.get_running_loop().call_at(due, self._pause_ends, model)
        return self._slots.shut(model)

    def _pause_ends(self, model: str) -> None:
        self._start(self._pace(model))

    def _log_queueing(self, lease: Lease) -> None:
        limit = self._slots.obstacle(lease)
        if limit:
            log.info(
                "%s Queueing for %s, %d requests waiting (limit: %d)",
                lease.request_id,
                limit.label,
                self._slots.queued(limit),
                limit.limit,
            )
        else:
            seconds = self._throttle.due(lease.model) - _now()
            log.info("%s Pausing for %r, %.1f s left", lease.request_id, lease.model, max(0.0, seconds))

    def _log_acquired(self, lease: Lease) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        held = self._slots.held(lease)
        _log_slots(
            lease, "acquired", [(limit, self._slots.used(limit)) for limit in held if limit.key not in lease.shown]
        )
        lease.shown = frozenset(limit.key for limit in held)

    def _log_released(self, lease: Lease, scopes: frozenset[Scope]) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        released = [limit for limit in self._slots.held(lease) if limit.scope in scopes]
        _log_slots(lease, "released", [(limit, self._slots.used(limit) - 1) for limit in released])
        lease.shown -= {limit.key for limit in released}


def _log_slots(lease: Lease, what: str, used: list[tuple[Limit, int]]) -> None:
    """One line for all that happens to a request's slots at once: a line costs more than the slots."""
    news = [f"{_slot(limit, what)}, used: {now}/{limit.limit}" for limit, now in used if _is_news(limit, now)]
    if news:
        log.info("%s %s", lease.request_id, "; ".join(news))


def _is_news(limit: Limit, used: int) -> bool:
    """Of a limit that is large and half empty nobody wants to hear of every slot."""
    return limit.limit <= SMALL_LIMIT or 2 * used >= limit.limit or log.isEnabledFor(logging.DEBUG)


def _slot(limit: Limit, what: str) -> str:
    return f"Global slot {what}" if limit.scope is Scope.GLOBAL else f"Slot {what} {limit.label}"


def _now() -> float:
    return asyncio.get_running_loop().time()
