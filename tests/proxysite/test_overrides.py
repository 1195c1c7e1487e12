import pytest

from proxysite.environment import BadSetting
from proxysite.overrides import ONLY, Overrides
from routing.admission.limits import Limit, LimitTable, Scope, ThrottleRule, ThrottleTable
from routing.dialects import Dialect
from routing.kinds import Kind
from routing.snapshot import Binding, RoutingTable, Target, Upstream
from sampling.snapshot import Layer, Rule, SamplingTable
from tests.snapshots import unusable

NO_RULES = SamplingTable()


def upstream(name, base_url="http://127.0.0.1:8080", kind=Kind.AUTO, **fields):
    return Upstream(name=name, base_url=base_url, kind=kind, dialects=frozenset({Dialect.CHAT}), **fields)


def stored(*upstreams, pattern="glm-*"):
    targets = tuple(Target(upstream=upstream, model="m") for upstream in upstreams)
    bindings = (Binding(pattern=pattern, targets=targets),) if targets else ()
    return RoutingTable(upstreams=upstreams, bindings=bindings)


def routed(routing, **overrides):
    return Overrides(**overrides).applied_to(routing, NO_RULES)[0]


def test_a_command_line_that_overrides_nothing_leaves_the_configuration_as_it_is():
    routing = stored(upstream("a"))
    assert Overrides().applied_to(routing, NO_RULES) == (routing, NO_RULES)
    assert not Overrides()


def test_a_named_url_moves_that_upstream_and_its_bindings():
    routing = routed(stored(upstream("a", max_retries=7), upstream("b")), base_urls={"a": "http://new/v1/"})
    assert [one.base_url for one in routing.upstreams] == ["http://new/v1", "http://127.0.0.1:8080"]
    assert [target.upstream for target in routing.bindings[0].targets] == list(routing.upstreams)
    assert routing.upstreams[0].max_retries == 7
    assert routing.bindings[0].targets[0].model == "m"


def test_a_url_without_a_name_moves_the_only_upstream():
    assert routed(stored(upstream("a")), base_urls={ONLY: "http://new"}).upstreams == (upstream("a", "http://new"),)


def test_a_url_without_a_name_is_refused_where_there_are_several():
    with pytest.raises(BadSetting, match="must say which upstream it is for: name=http://new with one of a, b"):
        routed(stored(upstream("a"), upstream("b")), base_urls={ONLY: "http://new"})


def test_a_url_makes_a_proxy_of_an_empty_installation():
    routing = routed(RoutingTable(), base_urls={ONLY: "http://new"})
    assert routing.catch_all.targets[0].upstream.base_url == "http://new"
    assert routing.upstreams[0].name == "default"


def test_a_url_takes_the_place_of_a_catch_all_that_leads_nowhere_and_of_nothing_else():
    routing = routed(RoutingTable(bindings=(unusable("glm-*"), unusable("*"))), base_urls={ONLY: "http://new"})
    assert routing.catch_all.targets[0].upstream.base_url == "http://new"
    assert routing.binding("glm-5").targets == ()


def test_other_options_give_no_upstream_what_was_bound_elsewhere():
    routing = RoutingTable(upstreams=(upstream("a"),), bindings=(unusable("*"),))
    assert routed(routing, enforced={"top_p": 1}).bindings == (unusable("*"),)
    assert routed(routing, base_urls={ONLY: "http://new"}).bindings == (unusable("*"),)


def test_a_name_that_is_not_stored_is_a_further_upstream():
    routing = routed(stored(upstream("a")), base_urls={"b": "https://api.venice.ai/api/v1"})
    assert [(one.name, one.kind) for one in routing.upstreams] == [("a", Kind.AUTO), ("b", Kind.VENICE)]


@pytest.mark.parametrize(
    ("kind", "old", "new", "becomes"),
    [
        (Kind.ZAI, "https://api.z.ai", "http://127.0.0.1", Kind.AUTO),
        (Kind.AUTO, "http://127.0.0.1", "https://api.z.ai", Kind.ZAI),
        (Kind.VLLM, "http://127.0.0.1", "https://api.z.ai", Kind.VLLM),
    ],
)
def test_a_kind_that_the_url_told_is_told_by_the_new_url(kind, old, new, becomes):
    assert routed(stored(upstream("a", old, kind)), base_urls={"a": new}).upstreams[0].kind is becomes


def test_a_url_that_is_none_is_refused():
    with pytest.raises(BadSetting, match="--target-base-url nowhere: Enter a URL like"):
        routed(stored(upstream("a")), base_urls={"a": "nowhere"})


def test_bindings_replace_the_stored_ones():
    routing = routed(
        stored(upstream("a"), upstream("b")),
        bindings={
            "glm-4": "a",
            "qwen*": {"upstream": "b", "model": "qwen3"},
            "*": ["a", {"upstream": "b", "priority": 1, "weight": 3}],
        },
    )
    assert [
        (one.pattern, [(target.upstream.name, target.model, target.priority, target.weight) for target in one.targets])
        for one in routing.bindings
    ] == [
        ("glm-4", [("a", "", 0, 1)]),
        ("qwen*", [("b", "qwen3", 0, 1)]),
        ("*", [("a", "", 0, 1), ("b", "", 1, 3)]),
    ]


def test_no_bindings_at_all_are_bindings_too():
    assert routed(stored(upstream("a")), bindings={}).bindings == ()


@pytest.mark.parametrize(
    ("bindings", "sentence"),
    [
        (["a"], "--model-bindings must be a JSON object"),
        ({"*": "c"}, "--model-bindings names 'c', which is none of the upstreams: a"),
        ({"*": {}}, "--model-bindings names None"),
        ({"*": {"upstream": ["a"]}}, "which is none of the upstreams"),
        ({"*": 5}, "--model-bindings names 5"),
        ({"*": []}, "--model-bindings names no upstream for \\*"),
        ({"*": {"upstream": "a", "weight": 0}}, "makes no sense"),
        ({"*": {"upstream": "a", "weight": True}}, "makes no sense"),
        ({"*": {"upstream": "a", "priority": "first"}}, "makes no sense"),
        ({"*": {"upstream": "a", "model": 5}}, "makes no sense"),
    ],
)
def test_bindings_that_make_no_sense_are_refused(bindings, sentence):
    with pytest.raises(BadSetting, match=sentence):
        routed(stored(upstream("a")), bindings=bindings)


def test_enforced_parameters_beat_every_stored_rule():
    exact = Rule(layer=Layer.ENFORCED, pattern="glm-4", preset="stored", parameters={"temperature": 1, "top_p": 1})
    _, sampling = Overrides(enforced={"temperature": 0}).applied_to(RoutingTable(), SamplingTable(rules=(exact,)))
    enforced = sampling.layers("glm-4", Dialect.CHAT).enforced
    assert {name: (setting.value, setting.preset) for name, setting in enforced.items()} == {
        "temperature": (0, "command line"),
        "top_p": (1, "stored"),
    }


def test_other_overrides_leave_the_rules_alone():
    assert Overrides(base_urls={ONLY: "http://a"}).applied_to(RoutingTable(), NO_RULES)[1] == NO_RULES


@pytest.mark.parametrize(
    ("enforced", "sentence"),
    [
        (["temperature"], "--enforce-params must be a JSON object"),
        ({"temperature": "hot"}, "--enforce-params: temperature must be a number, got 'hot'"),
    ],
)
def test_enforced_parameters_that_make_no_sense_are_refused(enforced, sentence):
    with pytest.raises(BadSetting, match=sentence):
        Overrides(enforced=enforced).applied_to(RoutingTable(), NO_RULES)


def test_limits_and_pauses_stay_in_force_under_a_command_line():
    limits = LimitTable(limits=(Limit(scope=Scope.GLOBAL, limit=2),))
    throttles = ThrottleTable(rules=(ThrottleRule(start_pause_seconds=1.0),))
    routing = RoutingTable(upstreams=(upstream("a"),), limits=limits, throttles=throttles)
    overridden = routed(routing, base_urls={ONLY: "http://new"})
    assert (overridden.limits, overridden.throttles) == (limits, throttles)
