import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from proxysite.gateway.alarms import Alarms, StoredKey
from proxysite.gateway.rates import Rates
from proxysite.gateway.status import LimitLine, PauseLine, TargetLine, UpstreamLine, report, status, target
from proxysite.live import LiveConfig
from routing.admission.gatekeeper import Gatekeeper
from routing.admission.limits import Limit, LimitTable, Scope, ThrottleRule, ThrottleTable
from routing.admission.targets import FAILURES, Health, Targets
from routing.dialects import Dialect
from routing.kinds import Kind
from routing.secrets import Secret
from routing.snapshot import Binding, RoutingTable, Target, Upstream
from tests.snapshots import an_upstream, unusable
from validation.snapshot import Policy, ValidationTable, ValidatorTarget

LOCAL = Upstream(name="local", base_url="http://a", kind=Kind.OTHER, dialects=frozenset({Dialect.CHAT}))
TARGET, NAMED = Target(upstream=LOCAL), Target(upstream=LOCAL, model="Glm")
LIMITS = LimitTable(limits=(Limit(scope=Scope.MODEL, name="glm", limit=1), Limit(scope=Scope.GLOBAL, limit=9)))
TARGETS_WELL = (
    TargetLine("", ("*",), Health.WELL, 0, 0.0),
    TargetLine("b", ("b",), Health.WELL, 0, 0.0),
    TargetLine("Glm", ("b",), Health.WELL, 0, 0.0),
)
PAUSES = ThrottleTable(rules=(ThrottleRule(pattern="slow", start_pause_seconds=1000.0),))


@pytest.fixture
def config():
    bindings = (Binding(pattern="*", targets=(TARGET,)), Binding(pattern="b", targets=(TARGET, NAMED)))
    return LiveConfig(routing=RoutingTable(upstreams=(LOCAL,), bindings=bindings, limits=LIMITS, throttles=PAUSES))


def engine(running):
    recorder = SimpleNamespace(waiting=0, dropped=0, rates=Rates())
    gatekeeper = Gatekeeper(LIMITS, PAUSES)
    return SimpleNamespace(
        running=running, recorder=recorder, gatekeeper=gatekeeper, targets=Targets(), alarms=Alarms()
    )


async def test_it_is_one_value_of_what_runs_waits_and_pauses(config):
    numbers = engine(3)
    first = await numbers.gatekeeper.admit("1", "glm", "local")
    waiting = asyncio.ensure_future(numbers.gatekeeper.admit("2", "GLM", "local"))
    paced = await numbers.gatekeeper.admit("3", "slow", "local")
    await asyncio.sleep(0)
    found = status(config, numbers)
    assert (found.running, found.queued) == (2, 1)
    assert found.limits == (LimitLine("model", "glm", 1, 1, 1), LimitLine("global", "", 9, 2, 0))
    assert found.upstreams == (UpstreamLine("local", Health.WELL, 3, 0.0, TARGETS_WELL),)
    assert [type(line) for line in found.pauses] == [PauseLine]
    assert 0 < found.pauses[0].seconds_left <= 1000
    waiting.cancel()
    first.release()
    paced.release()


async def test_the_report_leaves_out_the_request_that_asks(config):
    said = report(config, engine(1))
    assert (said["running"], said["queued"], said["pauses"]) == (0, 0, [])
    assert said["limits"][0] == {"scope": "model", "name": "glm", "limit": 1, "used": 0, "queued": 0}
    assert said["upstreams"][0]["health"] == "healthy"


async def test_the_report_says_why_a_binding_leads_nowhere():
    bindings = (unusable("*", "“zai” is switched off"), Binding(pattern="b", targets=(TARGET,)))
    config = LiveConfig(routing=RoutingTable(upstreams=(LOCAL,), bindings=bindings))
    first, second = report(config, engine(1))["bindings"]
    assert first == {
        "pattern": "*",
        "targets": [],
        "why_unusable": "it has no usable upstream (“zai” is switched off)",
    }
    assert "why_unusable" not in second


def test_where_most_requests_go_is_no_catch_all_that_leads_nowhere():
    config = LiveConfig(routing=RoutingTable(upstreams=(LOCAL,), bindings=(unusable("*"),)))
    assert target(config) == LOCAL.base_url


async def test_each_target_has_its_own_health_and_the_upstream_the_worst(config):
    numbers = engine(1)
    for request in range(FAILURES):
        numbers.targets.asked_for("").failed(NAMED, request, asyncio.get_running_loop().time())
    (upstream,) = report(config, numbers)["upstreams"]
    assert upstream["health"] == "cooling down"
    assert [(target["model"], target["health"]) for target in upstream["targets"]] == [
        (None, "healthy"),
        ("b", "healthy"),
        ("Glm", "cooling down"),
    ]
    assert upstream["targets"][2]["bindings"] == ("b",)
    assert upstream["targets"][2]["failures"] == FAILURES


def fail(numbers, model, times=FAILURES, **more):
    for request in range(times):
        numbers.targets.asked_for(model).failed(TARGET, request, asyncio.get_running_loop().time(), **more)


async def test_a_model_that_only_a_glob_leads_to_is_shown_while_it_is_ill(config):
    numbers = engine(1)
    fail(numbers, "Dead[1m]")
    fail(numbers, "failed-once", times=1)
    fail(numbers, "B")
    (upstream,) = report(config, numbers)["upstreams"]
    assert [(target["model"], target["bindings"], target["health"]) for target in upstream["targets"]] == [
        (None, ("*",), "healthy"),
        ("b", ("b",), "cooling down"),
        ("Glm", ("b",), "healthy"),
        ("Dead", ("*",), "cooling down"),
    ]


async def test_an_upstream_that_cannot_be_reached_is_so_for_all_its_models(config):
    numbers = engine(1)
    fail(numbers, "any", unreachable=True)
    (upstream,) = report(config, numbers)["upstreams"]
    assert {target["health"] for target in upstream["targets"]} == {"cooling down"}


async def test_of_models_that_clients_make_up_only_the_latest_are_shown(config):
    numbers = engine(1)
    for number in range(50):
        fail(numbers, f"made-up-{number}")
    (upstream,) = report(config, numbers)["upstreams"]
    assert [target["model"] for target in upstream["targets"][3:]] == [f"made-up-{number}" for number in range(30, 50)]


async def test_a_refused_key_is_an_alarm_as_long_as_that_key_is_stored():
    numbers = engine(1)
    numbers.alarms.failed(StoredKey("zai", Secret("old")), "It is refused.", datetime.now(UTC))

    def told(**fields):
        routing = RoutingTable(upstreams=(an_upstream("zai", **fields),))
        return report(LiveConfig(routing=routing), numbers)["alarms"]

    assert told(key=Secret("old")) == ["It is refused."]
    assert told(key=Secret("new")) == told(key=None) == []


async def test_the_report_says_who_judges_and_which_validators_do_not():
    numbers = engine(1)
    judge = ValidatorTarget(name="judge", base_url="http://j", model="m")
    numbers.alarms.failed("judge", "It is down.", datetime.now(UTC))
    numbers.alarms.failed("one that nobody asks any more", "It is down, too.", datetime.now(UTC))
    policy = Policy(model_pattern="glm-*", validator=judge)
    said = report(LiveConfig(validation=ValidationTable(policies=(policy,))), numbers)
    assert said["alarms"] == ["It is down."]
    assert said["validation"] == [
        {
            "model_pattern": "glm-*",
            "builtin": False,
            "validator": "judge",
            "delivery": "hold_back",
            "max_retries": 1,
            "on_exhausted": "error",
        }
    ]
