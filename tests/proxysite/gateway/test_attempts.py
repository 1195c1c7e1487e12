import asyncio

import httpx
import orjson
import pytest
from django.utils import timezone

from proxysite.gateway.alarms import Alarms
from proxysite.gateway.attempt import Failed
from proxysite.gateway.attempts import Attempts
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.plan import Plan
from routing.admission.gatekeeper import Gatekeeper
from routing.admission.limits import Limit, LimitTable, Scope
from routing.admission.targets import Health, Targets
from routing.dialects import Dialect
from routing.dialects.events import UpstreamError
from routing.errors import (
    DialectNotSpoken,
    FirstTokenTimeout,
    QueueFull,
    QueueTimeout,
    TotalTimeout,
    UpstreamBroken,
    UpstreamUnreachable,
)
from routing.secrets import Secret
from routing.snapshot import CredentialMode, Target
from routing.upstream import Upstreams
from tests.proxysite.gateway.in_process import JSON, SSE, Script, Stepped
from tests.snapshots import an_upstream, bound
from tests.virtual_time import in_virtual_time, settled

HELLO = b'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n\n'
WORD = b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error": {"message": "busy", "type": "overloaded_error"}}\n\n'


class Later(httpx.AsyncByteStream):
    """A body whose numbers are seconds to wait."""

    def __init__(self, *pieces):
        self._pieces = pieces

    async def __aiter__(self):
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                await asyncio.sleep(piece)

    async def aclose(self):
        pass


def says(status=200, *pieces, headers=SSE):
    return httpx.Response(status, headers=headers, stream=Script(pieces))


def streams(*pieces):
    return says(200, *(pieces or (HELLO, WORD, DONE)))


def refuses(status, body=b"{}", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return says(status, body, headers={**JSON, **named})


class World:
    """An engine whose upstreams answer by script: for each upstream's name the answers, one after another."""

    def __init__(self, limits=(), **scripts):
        self.scripts = {name: list(answers) for name, answers in scripts.items()}
        self.asked = []  # (upstream, when)
        self.upstreams = Upstreams(httpx.MockTransport(self._answer))
        self.gatekeeper = Gatekeeper(LimitTable(limits=tuple(limits)))
        self.targets = Targets()
        self.alarms = Alarms()
        self.exchange = Exchange("POST", "/v1/chat/completions")
        self.given = []

    async def _answer(self, request):
        self.asked.append((request.url.host, now()))
        answer = self.scripts[request.url.host].pop(0)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = await answer()
        self.given.append(answer)
        return answer

    def attempts(self, *targets, speaks=None, **more):
        def plan_for(target, again=None):
            if speaks and target.upstream.name not in speaks:
                raise DialectNotSpoken("no")
            url = f"{target.upstream.base_url}/v1/chat/completions"
            return Plan(
                target=target, dialect=Dialect.CHAT, method="POST", url=url, headers=[], body=b"{}", streams=True
            )

        return Attempts(self, self.exchange, bound("*", *targets), "glm", plan_for, **more)

    @property
    def running(self):
        return self.gatekeeper.state().slots.running

    @property
    def order(self):
        return [name for name, _ in self.asked]


def at(name, *, priority=0, **fields):
    fields = {"base_url": f"http://{name}", "base_retry_delay": 0.0, "max_retries": 2, **fields}
    return Target(upstream=an_upstream(name, **fields), priority=priority)


def now():
    return asyncio.get_running_loop().time()


async def text(opened):
    return b"".join([chunk async for chunk in opened.chunks()])


@in_virtual_time
async def test_a_stored_key_that_is_refused_is_told_although_the_next_target_answers():
    world = World(a=[refuses(401)], b=[streams()])
    own = {"credential_mode": CredentialMode.OWN, "key": Secret("sk-planted-key")}
    attempts = world.attempts(at("a", **own), at("b", priority=1, **own))
    assert (await attempts.open()).status == 200
    (alarm,) = world.alarms.standing(timezone.now())
    assert "“a” refuses the key" in alarm.text
    await attempts.aclose()


@in_virtual_time
async def test_an_answer_ends_the_alarm():
    own = {"credential_mode": CredentialMode.OWN, "key": Secret("sk-planted-key")}
    world = World(a=[refuses(403), streams()])
    for status in (403, 200):
        attempts = world.attempts(at("a", **own))
        assert (await attempts.open()).status == status
        assert bool(world.alarms.standing(timezone.now())) is (status == 403)
        await attempts.aclose()


@in_virtual_time
async def test_an_answer_comes_through_as_it_is():
    world = World(a=[streams()])
    attempts = world.attempts(at("a"))
    opened = await attempts.open()
    assert (opened.status, await text(opened)) == (200, HELLO + WORD + DONE)
    assert world.running == 1
    await attempts.aclose()
    await attempts.aclose()
    assert world.running == 0
    assert world.given[0].stream.is_closed
    assert (world.exchange.attempts, world.exchange.warnings) == (1, ())


@pytest.mark.parametrize(
    "failing",
    [
        lambda: refuses(503),
        lambda: refuses(429),
        lambda: httpx.ConnectError("refused"),
        lambda: httpx.ReadError("reset"),
        lambda: streams(HELLO, httpx.ReadError("reset")),
        lambda: streams(HELLO),
        lambda: streams(),
        lambda: streams(ERROR),
        lambda: streams(HELLO, ERROR),
        lambda: says(200, b"{", httpx.ReadError("reset"), headers=JSON),
    ],
    ids=[
        "503", "429", "refused", "reset before the head", "reset after the greeting", "end after the greeting",
        "answered", "error first", "error after the greeting", "half a JSON",
    ],
)  # fmt: skip
@in_virtual_time
async def test_whatever_fails_before_the_answer_holds_something_is_tried_again(failing):
    world = World(a=[failing(), streams()])
    attempts = world.attempts(at("a"))
    assert await text(await attempts.open()) == HELLO + WORD + DONE
    await attempts.aclose()
    assert world.exchange.attempts == len(world.asked)
    assert all(answer.stream.is_closed for answer in world.given)


@in_virtual_time
async def test_what_was_tried_is_in_the_record():
    world = World(a=[refuses(503), streams()])
    await world.attempts(at("a")).open()
    assert world.exchange.warnings == ("Attempt 1: the upstream “a” answered 503; tried again after 0 s.",)


@in_virtual_time
async def test_the_providers_hint_is_waited_for():
    world = World(a=[refuses(429, retry_after="7"), streams()])
    await world.attempts(at("a")).open()
    assert world.asked == [("a", 0), ("a", 7)]


@in_virtual_time
async def test_a_break_behind_the_first_word_is_for_whoever_reads_the_answer():
    world = World(a=[streams(HELLO, WORD, httpx.ReadError("reset"))])
    opened = await world.attempts(at("a")).open()
    with pytest.raises(UpstreamBroken):
        await text(opened)
    assert world.order == ["a"]


@in_virtual_time
async def test_a_target_that_breaks_off_again_and_again_is_left_alone():
    world = World(a=[streams(), streams(), streams()])
    for _ in range(3):
        attempts = world.attempts(at("a"))
        opened = await attempts.open()
        opened.broke_off()
        opened.broke_off()  # the same break
        assert [state.failures for state in world.targets.state(now())] == [len(world.asked)]
        await attempts.aclose()
    assert world.targets.health("a", now()) is Health.COOLING


BROKEN = UpstreamBroken("The upstream broke off.")


@in_virtual_time
async def test_what_broke_off_before_the_client_had_anything_is_tried_as_often_as_anything_else():
    world = World(a=[streams(), refuses(503), streams()], b=[streams()])
    attempts = world.attempts(at("a", max_retries=2), at("b", priority=1))
    opened = await attempts.open()
    for name in "ab":
        opened = await attempts.instead(opened.plan, Failed.broken(BROKEN))
        assert opened.plan.upstream.name == name
    assert await attempts.instead(opened.plan, Failed.broken(UpstreamError(400, "too long"))) is None
    assert world.order == ["a", "a", "a", "b"]
    assert all(answer.stream.is_closed for answer in world.given)
    assert [warning.partition(";")[2] for warning in world.exchange.warnings] == [
        " tried again after 0 s.",
        " tried again after 0 s.",
        " sent to b.",
    ]


@in_virtual_time
async def test_what_broke_off_waits_as_long_as_what_it_said_wants():
    world = World(a=[streams(), streams()])
    attempts = world.attempts(at("a"))
    opened = await attempts.open()
    await attempts.instead(opened.plan, Failed.broken(UpstreamError(429, "Too many. Please try again in 7s.")))
    assert world.asked == [("a", 0), ("a", 7)]


@in_virtual_time
async def test_what_broke_off_and_cannot_be_helped_has_nothing_in_its_place():
    world = World(a=[streams()])
    attempts = world.attempts(at("a", max_retries=0))
    opened = await attempts.open()
    assert await attempts.instead(opened.plan, Failed.broken(BROKEN)) is None
    opened.broke_off()
    assert [state.failures for state in world.targets.state(now())] == [1]


@in_virtual_time
async def test_when_all_tries_fail_the_client_gets_the_upstreams_own_last_answer():
    world = World(a=[refuses(503, b"first"), refuses(503, b"second"), refuses(503, b"last")])
    opened = await world.attempts(at("a", max_retries=2)).open()
    assert (opened.status, await opened.read()) == (503, b"last")


@in_virtual_time
async def test_an_error_in_the_first_event_becomes_an_answer_with_its_status():
    world = World(a=[streams(ERROR)])
    opened = await world.attempts(at("a", max_retries=0)).open()
    assert opened.status == 529
    assert orjson.loads(await opened.read())["error"]["message"] == "busy"
    assert opened.header("Content-Type") == "application/json"


@in_virtual_time
async def test_when_there_is_no_answer_at_all_the_error_is_raised():
    world = World(a=[httpx.ConnectError("refused")] * 3)
    attempts = world.attempts(at("a"))
    with pytest.raises(UpstreamUnreachable):
        await attempts.open()
    await attempts.aclose()
    assert world.running == 0


@in_virtual_time
async def test_the_next_target_has_its_turn():
    world = World(a=[httpx.ConnectError("refused")], b=[streams()])
    opened = await world.attempts(at("a"), at("b", priority=1)).open()
    assert opened.plan.upstream.name == "b"
    assert world.exchange.upstream == "b"
    assert "sent to b" in world.exchange.warnings[0]


@in_virtual_time
async def test_a_bad_request_goes_nowhere_else():
    world = World(a=[refuses(400, b"bad")], b=[streams()])
    opened = await world.attempts(at("a"), at("b", priority=1)).open()
    assert (opened.status, world.order) == (400, ["a"])


@in_virtual_time
async def test_a_target_that_cannot_take_the_request_is_passed_over():
    world = World(a=[refuses(500)], c=[streams()])
    attempts = world.attempts(at("a", max_retries=0), at("b", priority=1), at("c", priority=2), speaks="ac")
    assert (await attempts.open()).plan.upstream.name == "c"


@in_virtual_time
async def test_what_must_not_be_repeated_is_sent_once():
    world = World(a=[refuses(503)], b=[streams()])
    opened = await world.attempts(at("a"), at("b", priority=1), repeats=False).open()
    assert (opened.status, world.order) == (503, ["a"])


@in_virtual_time
async def test_what_needs_no_slot_takes_none():
    world = World([Limit(scope=Scope.GLOBAL, limit=1, queue_size=0)], a=[streams(), streams()])
    await world.attempts(at("a"), admits=False).open()
    await world.attempts(at("a")).open()
    assert world.running == 1


LOADING = b'{"error":{"code":503,"message":"Loading model"}}'


@in_virtual_time
async def test_a_model_that_is_being_loaded_is_waited_for():
    world = World(a=[refuses(503, LOADING)] * 5 + [streams()])
    await world.attempts(at("a", max_retries=0)).open()
    assert world.targets.state(now()) == ()
    assert len(world.asked) == 6


@in_virtual_time
async def test_a_target_that_keeps_failing_is_left_alone():
    world = World(a=[refuses(500)] * 3, b=[streams(), streams()])
    await world.attempts(at("a", max_retries=2), at("b", priority=1)).open()
    assert world.targets.health("a", now()) is Health.COOLING
    await world.attempts(at("a"), at("b", priority=1)).open()
    assert world.order == ["a", "a", "a", "b", "b"]


@in_virtual_time
async def test_the_slot_is_kept_from_the_first_try_to_the_last_byte():
    world = World([Limit(scope=Scope.MODEL, name="glm", limit=1)], a=[refuses(503, retry_after="5"), streams()])
    attempts = world.attempts(at("a"))
    opening = asyncio.get_running_loop().create_task(attempts.open())
    await asyncio.sleep(1)
    other = asyncio.get_running_loop().create_task(world.gatekeeper.admit("r", "glm", "a"))
    await opening
    assert not other.done()
    await attempts.aclose()
    (await other).release()


@in_virtual_time
async def test_the_wait_for_a_slot_may_take_too_long():
    limit = Limit(scope=Scope.UPSTREAM, name="a", limit=1, queue_timeout_seconds=3)
    world = World([limit], a=[streams()])
    await world.gatekeeper.admit("r", "glm", "a")
    attempts = world.attempts(at("a"))
    with pytest.raises(QueueTimeout):
        await attempts.open()
    await attempts.aclose()
    assert (world.running, world.asked) == (1, [])


@in_virtual_time
@pytest.mark.parametrize("patience", [{"queue_size": 0}, {"queue_timeout_seconds": 3}])
async def test_an_upstream_without_a_free_slot_leaves_the_request_to_the_next_target(patience):
    limit = Limit(scope=Scope.UPSTREAM, name="a", limit=1, **patience)
    world = World([limit], a=[], b=[streams()])
    await world.gatekeeper.admit("r", "glm", "a")
    attempts = world.attempts(at("a"), at("b", priority=1))
    opened = await attempts.open()
    assert await text(opened) == HELLO + WORD + DONE
    assert world.exchange.warnings == ("The upstream “a” has no free slot; sent to b.",)
    await attempts.aclose()
    assert (world.running, world.order) == (1, ["b"])


@in_virtual_time
@pytest.mark.parametrize("scope", [Scope.UPSTREAM, Scope.MODEL])
async def test_where_no_target_can_have_a_slot_the_request_is_refused(scope):
    names = ["a", "b"] if scope is Scope.UPSTREAM else ["glm"]
    world = World([Limit(scope=scope, name=name, limit=1, queue_size=0) for name in names], a=[], b=[])
    for number, upstream in enumerate(names):
        await world.gatekeeper.admit(str(number), "glm", upstream)
    attempts = world.attempts(at("a"), at("b", priority=1))
    with pytest.raises(QueueFull):
        await attempts.open()
    await attempts.aclose()
    assert (world.running, world.order) == (len(names), [])


def slowly(*pieces):
    return httpx.Response(200, headers=SSE, stream=Later(*pieces))


@in_virtual_time
async def test_the_first_token_may_take_too_long():
    world = World(a=[slowly(HELLO, 60, WORD)])
    attempts = world.attempts(at("a", max_retries=0, first_token_timeout_seconds=5))
    with pytest.raises(FirstTokenTimeout, match="within 5 s"):
        await attempts.open()
    assert now() == 5


@in_virtual_time
async def test_the_first_tokens_limit_ends_with_the_first_token():
    world = World(a=[slowly(HELLO, 4, WORD, 60, DONE)])
    opened = await world.attempts(at("a", first_token_timeout_seconds=5)).open()
    assert await text(opened) == HELLO + WORD + DONE


@pytest.mark.parametrize("pieces", [(60, WORD), (HELLO, WORD, 3, WORD, 60, DONE)])
@in_virtual_time
async def test_the_whole_answer_may_take_too_long(pieces):
    world = World(a=[slowly(*pieces)])
    attempts = world.attempts(at("a", max_retries=0, total_timeout_seconds=9))

    async def answer():
        return await text(await attempts.open())

    with pytest.raises(TotalTimeout, match="within 9 s"):
        await answer()
    assert now() == 9


@in_virtual_time
async def test_an_answer_that_is_in_time_is_left_alone():
    world = World(a=[slowly(HELLO, WORD, 3, DONE)])
    opened = await world.attempts(at("a", total_timeout_seconds=9)).open()
    assert await text(opened) == HELLO + WORD + DONE


async def hangs():
    await asyncio.sleep(1e6)


@pytest.mark.parametrize(
    ("phase", "script"),
    [
        ("queued", []),
        ("connecting", [hangs]),
        ("waiting for the first token", [lambda: asyncio.sleep(0, slowly(HELLO, 1e6))]),
        ("in backoff", [refuses(503, retry_after="200")]),
    ],
)
@in_virtual_time
async def test_a_client_that_leaves_leaves_nothing_behind_in_any_phase(phase, script):
    world = World([Limit(scope=Scope.UPSTREAM, name="a", limit=1)], a=list(script))
    holder = await world.gatekeeper.admit("r", "glm", "a") if phase == "queued" else None
    attempts = world.attempts(at("a"))
    opening = asyncio.get_running_loop().create_task(attempts.open())
    await settled()
    await asyncio.sleep(1)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await attempts.aclose()
    assert world.running == (1 if holder else 0)
    assert world.gatekeeper.state().slots.queued == 0


@pytest.mark.parametrize("number", range(1, 60))
@in_virtual_time
async def test_leaving_at_any_suspension_leaves_nothing_behind(number):
    """One refusal, a wait, a move to another upstream whose slot is taken for a while, an error first, an answer."""
    limits = [Limit(scope=Scope.UPSTREAM, name=name, limit=1) for name in "ab"]
    limits.append(Limit(scope=Scope.GLOBAL, limit=2))
    world = World(limits, a=[refuses(503, retry_after="2"), refuses(500)], b=[streams(ERROR), streams()])
    first, second = await world.gatekeeper.admit("1", "x", "a"), await world.gatekeeper.admit("2", "x", "b")
    loop = asyncio.get_running_loop()
    loop.call_later(1, first.release)
    loop.call_later(9, second.release)
    attempts = world.attempts(at("a", max_retries=1), at("b", priority=1))

    async def answer():
        try:
            return await text(await attempts.open())
        finally:
            await attempts.aclose()

    task = asyncio.current_task()
    try:
        await Stepped(answer(), number, task.cancel)
    except asyncio.CancelledError:
        task.uncancel()
    await asyncio.sleep(20)
    slots = world.gatekeeper.state().slots
    assert (slots.running, slots.queued, [one.used for one in slots.limits]) == (0, 0, [0, 0, 0])
    assert all(answer.stream.is_closed for answer in world.given)
