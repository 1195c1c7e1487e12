from types import SimpleNamespace

import orjson

from proxysite.gateway.status import report, target
from proxysite.live import LiveConfig
from routing.dialects import Dialect
from routing.problems import Problem
from routing.secrets import Secret
from routing.snapshot import CredentialMode, RoutingTable, Target
from sampling.snapshot import Layer, Rule, SamplingTable
from tests.snapshots import an_upstream, bound, routing_of

NUMBERS = SimpleNamespace(running=3, recorder=SimpleNamespace(waiting=4, dropped=5))
KEYED = an_upstream(
    "keyed", credential_mode=CredentialMode.OWN, key=Secret("planted-key"), dialects=frozenset({Dialect.CHAT})
)


def test_the_report_tells_what_runs_less_the_request_that_asks():
    told = report(LiveConfig(revision=7), NUMBERS)
    assert (told["running"], told["records_waiting"], told["records_dropped"]) == (2, 4, 5)
    assert (told["status"], told["revision"]) == ("ok", 7)


def test_the_report_tells_the_configuration():
    rule = Rule(layer=Layer.MODEL, pattern="glm", preset="careful", parameters={"top_p": 0.5})
    for_chat = Rule(layer=Layer.ENFORCED, pattern="*", preset="p", parameters={}, applies_to=Dialect.CHAT)
    config = LiveConfig(
        routing=routing_of(bound("glm", Target(upstream=KEYED, model="glm-4")), bound("*", KEYED)),
        sampling=SamplingTable(rules=(rule, for_chat)),
        problems=(Problem("upstream", "x", "is odd"),),
    )
    told = report(config, NUMBERS)
    assert told["upstreams"] == [{"name": "keyed", "base_url": "http://up", "kind": "other", "dialects": ["chat"]}]
    assert told["bindings"] == [
        {"pattern": "glm", "targets": [{"upstream": "keyed", "model": "glm-4"}]},
        {"pattern": "*", "targets": [{"upstream": "keyed", "model": None}]},
    ]
    assert [(rule["layer"], rule["applies_to"], rule["preset"]) for rule in told["rules"]] == [
        ("model", "all", "careful"),
        ("enforced", "chat", "p"),
    ]
    assert told["problems"] == ["upstream “x”: is odd"]


def test_the_report_is_json_and_shows_no_key():
    text = orjson.dumps(report(LiveConfig(routing=routing_of(bound("*", KEYED))), NUMBERS))
    assert b"planted-key" not in text


def test_the_target_is_where_most_requests_go():
    first, second = an_upstream("a", base_url="http://a"), an_upstream("b", base_url="http://b")
    assert target(LiveConfig(routing=routing_of(bound("x", first), bound("*", second, first)))) == "http://b"


def test_without_a_catch_all_the_target_is_every_upstream():
    upstreams = (an_upstream("a", base_url="http://a"), an_upstream("b", base_url="http://b"))
    assert target(LiveConfig(routing=RoutingTable(upstreams=upstreams))) == "http://a, http://b"
    assert target(LiveConfig()) == ""
