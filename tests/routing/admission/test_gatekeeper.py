import asyncio
import logging

import pytest

from routing.admission.gatekeeper import Gatekeeper
from routing.admission.limits import Limit, LimitTable, Scope, ThrottleRule, ThrottleTable
from routing.errors import QueueFull, QueueTimeout
from tests.virtual_time import in_virtual_time, settled


def limits(*names_and_limits, overall=None, upstreams=(), **fields):
    of_models = [Limit(scope=Scope.MODEL, name=name, limit=limit, **fields) for name, limit in names_and_limits]
    of_upstreams = [Limit(scope=Scope.UPSTREAM, name=name, limit=limit, **fields) for name, limit in upstreams]
    of_all = [Limit(scope=Scope.GLOBAL, limit=overall, **fields)] if overall else []
    return LimitTable(limits=(*of_models, *of_upstreams, *of_all))


def pauses(start=None, end=None):
    return ThrottleTable(rules=(ThrottleRule(start_pause_seconds=start, end_pause_seconds=end),))


def now():
    return asyncio.get_running_loop().time()


def asks(gatekeeper, request_id="req", model="glm", upstream="a"):
    return asyncio.get_running_loop().create_task(gatekeeper.admit(request_id, model, upstream))


async def cancelled(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def numbers(gatekeeper):
    slots = gatekeeper.state().slots
    return slots.running, slots.queued


@in_virtual_time
async def test_without_limits_nobody_waits():
    gatekeeper = Gatekeeper()
    first, second = await gatekeeper.admit("1", "glm", "a"), await gatekeeper.admit("2", "glm", "a")
    assert numbers(gatekeeper) == (2, 0)
    first.release()
    second.release()
    assert numbers(gatekeeper) == (0, 0)


@in_virtual_time
async def test_at_the_limit_a_request_waits_until_another_ends():
    gatekeeper = Gatekeeper(limits(("glm", 1)))
    first = await gatekeeper.admit("1", "glm", "a")
    second = asks(gatekeeper)
    await settled()
    assert not second.done()
    first.release()
    (await second).release()
    assert numbers(gatekeeper) == (0, 0)


@in_virtual_time
async def test_a_lease_is_released_once():
    gatekeeper = Gatekeeper(limits(("glm", 1)))
    first = await gatekeeper.admit("1", "glm", "a")
    waiting = [asks(gatekeeper), asks(gatekeeper)]
    await settled()
    first.release()
    first.release()
    await settled()
    assert [task.done() for task in waiting] == [True, False]
    waiting[0].result().release()
    (await waiting[1]).release()


@in_virtual_time
async def test_a_lease_is_released_when_its_block_ends_however_it_ends():
    gatekeeper = Gatekeeper(limits(("glm", 1)))

    async def fails():
        async with gatekeeper.admitted("1", "glm", "a"):
            raise LookupError

    with pytest.raises(LookupError):
        await fails()
    assert numbers(gatekeeper) == (0, 0)


@in_virtual_time
async def test_a_full_queue_refuses_with_a_time_to_come_again():
    gatekeeper = Gatekeeper(limits(("glm", 1), queue_size=0))
    await gatekeeper.admit("1", "glm", "a")
    with pytest.raises(QueueFull) as refused:
        await gatekeeper.admit("2", "glm", "a")
    assert (refused.value.status, refused.value.headers) == (429, (("retry-after", "5"),))
    assert numbers(gatekeeper) == (1, 0)


@in_virtual_time
async def test_a_wait_that_takes_too_long_is_ended():
    gatekeeper = Gatekeeper(limits(("GLM", 1), queue_timeout_seconds=30))
    await gatekeeper.admit("1", "glm", "a")
    with pytest.raises(QueueTimeout, match=r"No slot of GLM \(limit: 1\) came free within 30 s") as refused:
        await gatekeeper.admit("2", "glm", "a")
    assert now() == 30
    assert (refused.value.status, refused.value.headers) == (503, (("retry-after", "5"),))
    assert numbers(gatekeeper) == (1, 0)


@in_virtual_time
async def test_a_slot_that_comes_at_the_last_moment_is_taken_and_the_time_limit_forgotten():
    gatekeeper = Gatekeeper(limits(("glm", 1), queue_timeout_seconds=30))
    first = await gatekeeper.admit("1", "glm", "a")
    second = asks(gatekeeper)
    await asyncio.sleep(29.9)
    first.release()
    await asyncio.sleep(60)
    assert second.done()
    second.result().release()


@in_virtual_time
async def test_a_slot_and_the_time_limit_in_the_same_moment_lose_nothing():
    gatekeeper = Gatekeeper(limits(("glm", 1), queue_timeout_seconds=30))
    first = await gatekeeper.admit("1", "glm", "a")
    asyncio.get_running_loop().call_at(30, first.release)
    second = asks(gatekeeper)
    (await second).release()
    assert numbers(gatekeeper) == (0, 0)


@in_virtual_time
async def test_new_limits_are_in_force_at_once_for_those_who_wait():
    gatekeeper = Gatekeeper(limits(("glm", 1)))
    await gatekeeper.admit("1", "glm", "a")
    waiting = [asks(gatekeeper) for _ in range(3)]
    await settled()
    gatekeeper.configure(limits(("glm", 3)), ThrottleTable())
    await settled()
    assert [task.done() for task in waiting] == [True, True, False]
    await cancelled(waiting[2])


@in_virtual_time
async def test_a_new_time_limit_counts_from_the_beginning_of_the_wait():
    gatekeeper = Gatekeeper(limits(("glm", 1)))
    await gatekeeper.admit("1", "glm", "a")
    waiting = asks(gatekeeper)
    await asyncio.sleep(20)
    gatekeeper.configure(limits(("glm", 1), queue_timeout_seconds=30), ThrottleTable())
    with pytest.raises(QueueTimeout):
        await waiting
    assert now() == 30


@in_virtual_time
async def test_a_time_limit_that_is_taken_away_ends_no_wait():
    gatekeeper = Gatekeeper(limits(("glm", 1), queue_timeout_seconds=30))
    await gatekeeper.admit("1", "glm", "a")
    waiting = asks(gatekeeper)
    await asyncio.sleep(20)
    gatekeeper.configure(limits(("glm", 1)), ThrottleTable())
    await asyncio.sleep(100)
    assert not waiting.done()
    await cancelled(waiting)


@in_virtual_time
async def test_the_same_configuration_again_changes_nothing():
    table, rules = limits(("glm", 1)), ThrottleTable()
    gatekeeper = Gatekeeper(table, rules)
    await gatekeeper.admit("1", "glm", "a")
    before = gatekeeper.state()
    gatekeeper.configure(table, rules)
    assert gatekeeper.state() == before


@in_virtual_time
async def test_sends_to_a_model_are_a_start_pause_apart():
    gatekeeper, times = Gatekeeper(None, pauses(start=2)), []

    async def send(model):
        async with gatekeeper.admitted("r", model, "a"):
            times.append((model, now()))

    await asyncio.gather(*(send(model) for model in ("glm", "GLM", "qwen", "glm")))
    assert times == [("glm", 0), ("qwen", 0), ("GLM", 2), ("glm", 4)]


@in_virtual_time
async def test_the_next_send_comes_an_end_pause_after_the_answer_and_the_answer_is_not_delayed():
    gatekeeper = Gatekeeper(None, pauses(end=5))
    async with gatekeeper.admitted("1", "glm", "a"):
        async with gatekeeper.admitted("2", "glm", "a"):
            await asyncio.sleep(3)
        assert now() == 3
    assert now() == 3
    async with gatekeeper.admitted("3", "glm", "a"):
        assert now() == 8


@in_virtual_time
async def test_a_pause_holds_no_slot():
    gatekeeper = Gatekeeper(limits(overall=1), pauses(end=60))
    (await gatekeeper.admit("1", "glm", "a")).release()
    paused = asks(gatekeeper)
    await settled()
    (await gatekeeper.admit("3", "qwen", "a")).release()
    assert now() == 0
    (await paused).release()
    assert now() == 60


@in_virtual_time
async def test_the_slot_that_an_answer_frees_does_not_slip_past_its_own_end_pause():
    gatekeeper = Gatekeeper(limits(("glm", 1)), pauses(end=5))
    first = await gatekeeper.admit("1", "glm", "a")
    second = asks(gatekeeper)
    await settled()
    first.release()
    (await second).release()
    assert now() == 5


@in_virtual_time
async def test_a_request_that_was_never_sent_begins_no_pause():
    gatekeeper = Gatekeeper(limits(("glm", 1)), pauses(end=5))
    first = await gatekeeper.admit("1", "glm", "a")
    waiting = asks(gatekeeper)
    await settled()
    await cancelled(waiting)
    assert gatekeeper.state().pauses == ()
    first.release()
    assert [(pause.model, pause.seconds_left) for pause in gatekeeper.state().pauses] == [("glm", 5)]


@in_virtual_time
async def test_shorter_pauses_are_in_force_at_once():
    gatekeeper = Gatekeeper(None, pauses(start=100))
    await gatekeeper.admit("1", "glm", "a")
    waiting, later = asks(gatekeeper), asks(gatekeeper)
    await asyncio.sleep(3)
    gatekeeper.configure(LimitTable(), pauses(start=10))
    await waiting
    assert now() == 10
    gatekeeper.configure(LimitTable(), ThrottleTable())
    await later
    assert now() == 10


@in_virtual_time
async def test_another_try_waits_for_the_pause_too():
    gatekeeper = Gatekeeper(None, pauses(start=2))
    lease = await gatekeeper.admit("1", "glm", "a")
    await lease.again("a")
    assert now() == 2


@in_virtual_time
async def test_another_try_at_the_same_upstream_keeps_the_slot():
    gatekeeper = Gatekeeper(limits(("glm", 1), upstreams=[("a", 1)]))
    lease = await gatekeeper.admit("1", "glm", "a")
    waiting = asks(gatekeeper)
    await settled()
    await lease.again("a")
    assert not waiting.done()
    lease.release()
    (await waiting).release()


@in_virtual_time
async def test_a_try_elsewhere_frees_the_old_upstream_and_waits_for_the_new():
    gatekeeper = Gatekeeper(limits(upstreams=[("a", 1), ("b", 1)]))
    lease, other = await gatekeeper.admit("1", "glm", "a"), await gatekeeper.admit("2", "glm", "b")
    moving = asyncio.get_running_loop().create_task(lease.again("b"))
    await settled()
    assert not moving.done()
    assert (gatekeeper.busy("a"), gatekeeper.busy("b")) == (0, 2)
    (await gatekeeper.admit("3", "glm", "a")).release()
    other.release()
    await moving
    assert lease.upstream == "b"
    lease.release()
    assert numbers(gatekeeper) == (0, 0)


@in_virtual_time
async def test_a_try_elsewhere_that_waits_too_long_gives_everything_back():
    gatekeeper = Gatekeeper(limits(("glm", 2), upstreams=[("b", 1)], queue_timeout_seconds=9))
    lease = await gatekeeper.admit("1", "glm", "a")
    await gatekeeper.admit("2", "glm", "b")
    with pytest.raises(QueueTimeout, match="upstream b"):
        await lease.again("b")
    assert numbers(gatekeeper) == (1, 0)
    lease.release()
    assert numbers(gatekeeper) == (1, 0)


@pytest.mark.parametrize("rules", [ThrottleTable(), pauses(start=1, end=2)], ids=["no pauses", "pauses"])
@pytest.mark.parametrize("moment", range(12))
@in_virtual_time
async def test_a_client_that_leaves_at_any_moment_leaves_nothing_behind(moment, rules):
    """Cancels a request's task after every possible number of turns of the loop, among others that come and go."""
    gatekeeper = Gatekeeper(limits(("glm", 1), upstreams=[("a", 1), ("b", 1)], overall=2), rules)

    async def request(number, rounds=1):
        async with gatekeeper.admitted(f"r{number}", "glm", "a") as lease:
            for _ in range(rounds):
                await asyncio.sleep(0)
                await lease.again("b" if lease.upstream == "a" else "a")

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(request(number, rounds=number)) for number in range(4)]
    for victim in tasks[1:]:
        for _ in range(moment):
            await asyncio.sleep(0)
        victim.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert numbers(gatekeeper) == (0, 0)
    assert all(one.used == one.queued == 0 for one in gatekeeper.state().slots.limits)
    await (await gatekeeper.admit("last", "glm", "a")).again("b")


@in_virtual_time
async def test_a_slot_granted_to_a_client_that_leaves_in_the_same_moment_goes_on_to_the_next():
    gatekeeper = Gatekeeper(limits(("glm", 1)), pauses(start=1))
    first = await gatekeeper.admit("1", "glm", "a")
    leaving, next_one = asks(gatekeeper), asks(gatekeeper)
    await asyncio.sleep(5)
    leaving.cancel()
    first.release()
    (await next_one).release()
    assert now() == 5
    assert leaving.cancelled()


@in_virtual_time
async def test_a_client_that_leaves_right_after_its_grant_gives_the_slot_back():
    gatekeeper = Gatekeeper(limits(("glm", 1)))
    first = await gatekeeper.admit("1", "glm", "a")
    leaving, next_one = asks(gatekeeper), asks(gatekeeper)
    await settled()
    first.release()
    leaving.cancel()
    (await next_one).release()
    assert numbers(gatekeeper) == (0, 0)


@in_virtual_time
async def test_two_thousand_clients_that_leave_while_they_wait_leave_no_timer_behind():
    gatekeeper = Gatekeeper(limits(("glm", 1), queue_timeout_seconds=600), pauses(start=1))
    await gatekeeper.admit("1", "glm", "a")
    waiting = [asks(gatekeeper) for _ in range(2000)]
    await settled()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.sleep(2)
    assert numbers(gatekeeper) == (1, 0)
    assert not gatekeeper._waiting
    assert not gatekeeper._timers
    assert not [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="routing.admission.gatekeeper")
    return lambda: [record.getMessage() for record in caplog.records]


def test_the_log_tells_who_waits_who_starts_and_who_ends(lines):
    @in_virtual_time
    async def story():
        gatekeeper = Gatekeeper(limits(("GLM-5", 2)))
        leases = [await gatekeeper.admit(f"r{number}", "glm-5", "a") for number in (1, 2)]
        waiting = [asks(gatekeeper, f"r{number}", "glm-5") for number in (3, 4)]
        await settled()
        leases[0].release()
        waiting[1].cancel()
        (await waiting[0]).release()

    story()
    assert lines() == [
        "r1 Slot acquired GLM-5, used: 1/2",
        "r2 Slot acquired GLM-5, used: 2/2",
        "r3 Queueing for GLM-5, 1 requests waiting (limit: 2)",
        "r4 Queueing for GLM-5, 2 requests waiting (limit: 2)",
        "r1 Slot released GLM-5, used: 1/2",
        "r3 Slot acquired GLM-5, used: 2/2",
        "r3 Slot released GLM-5, used: 1/2",
    ]


def test_the_log_calls_the_global_limit_and_upstreams_by_name(lines):
    @in_virtual_time
    async def story():
        gatekeeper = Gatekeeper(limits(upstreams=[("zai", 1)], overall=2))
        lease = await gatekeeper.admit("r1", "glm", "zai")
        await lease.again("zai")
        await lease.again("b")
        lease.release()

    story()
    assert lines() == [
        "r1 Slot acquired upstream zai, used: 1/1; Global slot acquired, used: 1/2",
        "r1 Slot released upstream zai, used: 0/1",
        "r1 Global slot released, used: 0/2",
    ]


def test_the_log_tells_who_waits_for_the_global_limit_and_for_a_pause(lines):
    @in_virtual_time
    async def story():
        gatekeeper = Gatekeeper(limits(overall=1), pauses(end=7))
        lease = await gatekeeper.admit("r1", "glm", "zai")
        waiting = asks(gatekeeper, "r2", "qwen")
        await settled()
        lease.release()
        (await waiting).release()
        (await gatekeeper.admit("r3", "glm", "zai")).release()

    story()
    assert "r2 Queueing for global limit, 1 requests waiting (limit: 1)" in lines()
    assert "r3 Pausing for 'glm', 7.0 s left" in lines()


@pytest.mark.parametrize(
    ("limit", "level", "told"),
    [
        (16, logging.INFO, ["acquired m, used: 1/16", "released m, used: 0/16"]),
        (17, logging.INFO, []),
        (17, logging.DEBUG, ["acquired m, used: 1/17", "released m, used: 0/17"]),
    ],
)
def test_of_a_large_limit_that_is_half_empty_only_details_tell(caplog, limit, level, told):
    caplog.set_level(level, logger="routing.admission.gatekeeper")

    @in_virtual_time
    async def story():
        lease = await Gatekeeper(limits(("m", limit))).admit("r1", "m", "a")
        lease.release()

    story()
    assert [record.getMessage() for record in caplog.records] == [f"r1 Slot {line}" for line in told]
