"""A hundred thousand random steps of arriving, ending, leaving, moving, pausing and reconfiguring.

The simulation keeps its own books of who runs and who waits, and after every step compares them with the slot table's,
and checks its promises: never more at once than a limit allows, no slot lost or given twice, first come first served at
every limit, nobody waits without a reason, the oldest never falls back, and in the end everybody has had a turn.
"""

import random

import pytest

from routing.admission.limits import Limit, LimitTable, Scope, ThrottleRule, ThrottleTable
from routing.admission.slots import SlotTable
from routing.admission.throttle import Throttle
from routing.errors import QueueFull

WORLDS, STEPS = 180, 60  # for each seed

MODELS = ("glm", "GLM-5", "qwen", "kimi")
UPSTREAMS = ("a", "b", "c")
PATTERNS = ("glm*", "glm-5", "QWEN", "*")


def random_limits(draw):
    limits = [
        *(Limit(scope=Scope.MODEL, name=name, limit=draw.randint(1, 3)) for name in PATTERNS if draw.random() < 0.5),
        *(
            Limit(scope=Scope.UPSTREAM, name=name, limit=draw.randint(1, 3))
            for name in UPSTREAMS
            if draw.random() < 0.5
        ),
    ]
    if draw.random() < 0.6:
        size = draw.choice([None, None, 0, 2])
        limits.append(Limit(scope=Scope.GLOBAL, limit=draw.randint(1, 4), queue_size=size))
    return LimitTable(limits=tuple(limits))


def random_rules(draw):
    names = [name for name in ("", *PATTERNS) if draw.random() < 0.2]
    return ThrottleTable(
        rules=tuple(
            ThrottleRule(
                pattern=name,
                start_pause_seconds=draw.choice([None, 0, 1, 5]),
                end_pause_seconds=draw.choice([None, 0, 1, 5]),
            )
            for name in names
        )
    )


class Job:
    def __init__(self, number, model, upstream):
        self.number, self.model, self.upstream = number, model, upstream
        self.state = "new"  # → waiting → running (→ moving → running) → gone
        self.keeps_upstream = False  # while it moves
        self.starts = 0

    def __repr__(self):
        return f"{self.state} {self.number}: {self.model} at {self.upstream}"


class World:
    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.now = 0.0
        self.limits, self.throttle = random_limits(self.draw), Throttle(random_rules(self.draw))
        self.slots = SlotTable(self.limits, self.throttle.paces)
        self.jobs = []  # all that are not gone, in the order they came
        self.made = 0
        self.refused = self.started = 0
        self.timers = {}  # folded model → when its pause ends
        self.oldest_stage = (None, 0)

    # What may happen

    def arrive(self):
        job = Job(self.made, self.draw.choice(MODELS), self.draw.choice(UPSTREAMS))
        self.made += 1
        try:
            starts = self.slots.request(job, job.model, job.upstream)
        except QueueFull:
            self.refused += 1
            assert any(limit.queue_size is not None for limit in self.limits.limits)
            return
        job.state = "waiting"
        self.jobs.append(job)
        self.note([job] if starts else [])

    def end(self):
        if running := self.in_state("running"):
            job = self.draw.choice(running)
            self.throttle.ended(job.model, self.now)
            self.pace(job.model)
            self.leave(job)

    def cancel(self):
        if jobs := self.in_state("waiting", "moving"):
            self.leave(self.draw.choice(jobs))

    def leave(self, job):
        job.state = "gone"
        self.jobs.remove(job)
        self.note(self.slots.release(job))
        assert self.slots.release(job) == []

    def send_again(self):
        if running := self.in_state("running"):
            self.move(self.draw.choice(running), self.draw.choice(UPSTREAMS))

    def target_dies(self):
        """Everybody who runs there goes elsewhere or gives up."""
        dead = self.draw.choice(UPSTREAMS)
        for job in self.in_state("running"):
            if job.upstream != dead:
                continue
            if self.draw.random() < 0.7:
                self.move(job, self.draw.choice([name for name in UPSTREAMS if name != dead]))
            else:
                self.leave(job)

    def move(self, job, upstream):
        job.state, job.keeps_upstream, job.upstream = "moving", job.upstream == upstream, upstream
        self.oldest_stage = (None, 0)
        self.note(self.slots.move(job, upstream))

    def reconfigure(self):
        if self.draw.random() < 0.7:
            self.limits = random_limits(self.draw)
        if self.draw.random() < 0.3:
            self.throttle.rules = random_rules(self.draw)
        self.oldest_stage = (None, 0)
        pauses = [pause.model for pause in self.throttle.pauses(self.now)]
        self.note(self.slots.configure(self.limits, self.throttle.paces, pauses))
        for model in MODELS:
            self.pace(model)

    def time_passes(self):
        self.now += self.draw.choice([0.1, 1, 5])
        for model, due in list(self.timers.items()):
            if due <= self.now:
                del self.timers[model]
                self.pace(model)

    # What follows from it

    def pace(self, model):
        """What the shell does with the throttle's answer: the gate is opened or shut, and a timer set."""
        due = self.throttle.due(model)
        if due > self.now:
            self.timers[model.casefold()] = due
            self.oldest_stage = (None, 0)
            self.note(self.slots.shut(model))
        else:
            self.timers.pop(model.casefold(), None)
            self.note(self.slots.open(model))

    def note(self, starting):
        taken = {limit for job in starting for limit in self.needs(job)}
        for job in starting:
            assert job in self.jobs, "it had left"
            assert job.state in ("waiting", "moving"), "it was started twice"
            job.state = "running"
            job.starts += 1
            self.started += 1
        self.check_limits(taken)
        self.check_order(starting)
        for job in starting:
            if self.throttle.paces(job.model):
                assert self.throttle.due(job.model) <= self.now, "it was sent during a pause"
                self.throttle.sent(job.model, self.now)
        self.check_books()
        self.check_reasons()
        for model in {job.model for job in starting if self.throttle.paces(job.model)}:
            self.pace(model)

    def in_state(self, *states):
        return [job for job in self.jobs if job.state in states]

    def limits_of(self, job):
        return self.limits.of(job.model, job.upstream)

    def needs(self, job):
        """What it waits for yet: all of its limits, or when it moves the upstream's."""
        return [limit for limit in self.limits_of(job) if not self.holds(job, limit)]

    def holds(self, job, limit):
        return job.state == "running" or (
            job.state == "moving" and (job.keeps_upstream or limit.scope is not Scope.UPSTREAM)
        )

    def count(self, limit):
        return sum(self.holds(job, limit) and limit in self.limits_of(job) for job in self.jobs)

    def turn(self, job):
        """Whoever started once comes first, then whoever came first."""
        return job.state != "moving", job.number

    def reasons(self):
        return {job: self.slots.obstacle(job) for job in self.in_state("waiting", "moving")}

    # What must hold

    def check_limits(self, taken):
        """Slots that were held before stay held, also above a limit that was lowered; new ones need room."""
        for limit in taken:
            assert self.count(limit) <= limit.limit

    def check_order(self, starting):
        """Whoever stands in line for a limit is passed there by nobody who came later."""
        for waiting, limit in self.reasons().items():
            for job in starting:
                if job.starts == 1 and (waiting.state == "moving" or waiting.number < job.number):
                    assert limit is None or limit not in self.limits_of(job)
                    assert limit is not None or job.model.casefold() != waiting.model.casefold()

    def check_books(self):
        state = self.slots.state()
        assert state.running == len(self.in_state("running"))
        assert state.queued == len(self.in_state("waiting", "moving"))
        for one in state.limits:
            assert one.used == self.count(one.limit)
        for name in UPSTREAMS:
            assert self.slots.busy(name) == sum(job.upstream == name for job in self.jobs)

    def check_reasons(self):
        """The oldest waits for a slot that is really taken, or a pause, and has not lost what it had waited for."""
        waiting = self.in_state("waiting", "moving")
        if not waiting:
            return
        oldest = min(waiting, key=self.turn)
        limit = self.slots.obstacle(oldest)
        if limit is None:
            assert self.throttle.paces(oldest.model)
            assert self.throttle.due(oldest.model) > self.now or oldest.model.casefold() in self.just_passed()
            return
        assert self.count(limit) >= limit.limit
        stage = self.needs(oldest).index(limit)
        if self.oldest_stage[0] is oldest:
            assert stage >= self.oldest_stage[1], "it fell back"
        self.oldest_stage = (oldest, stage)

    def just_passed(self):
        """Models whose gate fell shut in this step and has not been paced yet."""
        return {key[1] for key in self.slots._shut}

    def run(self, steps):
        actions = [self.arrive, self.end, self.cancel, self.send_again, self.target_dies, self.reconfigure]
        weights = [40, 28, 4, 6, 2, 2]
        for action in self.draw.choices([*actions, self.time_passes], [*weights, 12], k=steps):
            action()

    def drain(self):
        """Nobody new comes; those who run end, pauses pass.  Then everybody must have had a turn."""
        for _ in range(4 * len(self.jobs) + 20):
            self.end()
            self.time_passes()
        assert self.jobs == []
        assert self.slots.state().queued == self.slots.state().running == 0
        assert all(one.used == 0 for one in self.slots.state().limits)
        assert self.slots._lines == {}
        assert not any(self.slots.busy(name) for name in UPSTREAMS)


@pytest.mark.parametrize("seed", range(10))
def test_no_order_of_events_breaks_a_promise(seed):
    started = refused = 0
    for number in range(WORLDS):
        world = World(seed * WORLDS + number)
        world.run(STEPS)
        world.drain()
        started, refused = started + world.started, refused + world.refused
    assert started > 10 * WORLDS
    assert refused > 0


def test_the_line_for_one_model_never_starves_another_however_long_it_is():
    limits = LimitTable(
        limits=(Limit(scope=Scope.MODEL, name="slow", limit=1), Limit(scope=Scope.GLOBAL, limit=2)),
    )
    slots = SlotTable(limits)
    slots.request("slow 0", "slow", "a")
    for number in range(1, 1000):
        assert not slots.request(f"slow {number}", "slow", "a")
    for number in range(1000):
        assert slots.request(f"quick {number}", "quick", "a")
        assert slots.release(f"quick {number}") == []


def test_a_request_with_rare_needs_gets_its_turn_among_endless_others():
    """It needs two slots that are never free at the same moment: each time one comes back, a newcomer wants it."""
    limits = LimitTable(
        limits=(Limit(scope=Scope.MODEL, name="m", limit=1), Limit(scope=Scope.UPSTREAM, name="u", limit=1)),
    )
    slots = SlotTable(limits)
    slots.request("m 0", "m", "other")
    slots.request("u 0", "x", "u")
    assert not slots.request("both", "m", "u")
    started = []
    for number in range(1, 10):
        slots.request(f"m {number}", "m", "other")
        slots.request(f"u {number}", "x", "u")
        started += slots.release(f"u {number - 1}") + slots.release(f"m {number - 1}")
        if "both" in started:
            break
    assert number <= 2
