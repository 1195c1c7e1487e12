"""A wrong file is refused whole: every error at once, each with its path and what was there instead."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxysite import config_file
from routing.models import Upstream
from tests.json_strategies import json_values
from tests.proxysite.config_file.files import dump, imported, refusals, upstream

pytestmark = pytest.mark.django_db
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

AT = "upstreams[1]"


def refused(**fields):
    """What is said of the second of two upstreams, where the first is right."""
    return refusals({"upstreams": [upstream("fine"), {**upstream(), **fields}]})


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"timeout_seconds": "soon"}, 'upstreams[1].timeout_seconds: must be a number, got "soon"'),
        ({"timeout_seconds": True}, "upstreams[1].timeout_seconds: must be a number, got true"),
        ({"timeout_seconds": None}, "upstreams[1].timeout_seconds: must be a number, got null"),
        ({"timeout_seconds": -1}, "upstreams[1].timeout_seconds: must be at least 0, got -1"),
        ({"connect_timeout_seconds": -0.5}, "upstreams[1].connect_timeout_seconds: must be at least 0, got -0.5"),
        ({"first_token_timeout_seconds": [1]}, "upstreams[1].first_token_timeout_seconds: must be a number, got [1]"),
        ({"max_retries": True}, "upstreams[1].max_retries: must be a whole number, got true"),
        ({"max_retries": 1.5}, "upstreams[1].max_retries: must be a whole number, got 1.5"),
        ({"max_retries": 21}, "upstreams[1].max_retries: must be at most 20, got 21"),
        ({"enabled": 1}, "upstreams[1].enabled: must be true or false, got 1"),
        ({"supports_openai": "yes"}, 'upstreams[1].supports_openai: must be true or false, got "yes"'),
        ({"verify_tls": None}, "upstreams[1].verify_tls: must be true or false, got null"),
        ({"name": ["a"]}, 'upstreams[1].name: must be a text, got ["a"]'),
        ({"name": ""}, "upstreams[1].name: is missing"),
        ({"name": "  "}, "upstreams[1].name: is missing"),
        ({"base_url": None}, "upstreams[1].base_url: is missing"),
        (
            {"base_url": "box:8000"},
            'upstreams[1].base_url: enter a URL like http://127.0.0.1:8080 or https://host/v1, got "box:8000"',
        ),
        ({"credential_mode": "mine"}, 'upstreams[1].credential_mode: must be one of forward, own, none, got "mine"'),
        ({"key_style": []}, "upstreams[1].key_style: must be one of bearer, x-api-key, header, got []"),
        ({"tool_call_repair": ""}, "upstreams[1].tool_call_repair: must not be empty"),
        ({"extra_headers": None}, "upstreams[1].extra_headers: must be an object"),
        ({"drop_params": {}}, "upstreams[1].drop_params: must be a list, got {}"),
        ({"drop_params": [1]}, 'upstreams[1].drop_params: enter a list of field names: ["logprobs"], got [1]'),
        ({"set_params": []}, "upstreams[1].set_params: must be an object, got []"),
        (
            {"retry_statuses": [200]},
            "upstreams[1].retry_statuses: enter a list of statuses from 400 to 599: [418], got [200]",
        ),
        ({"key_style": "header"}, "upstreams[1].key_header: is missing: key_style is header"),
        (
            {"supports_openai": False},
            "upstreams[1]: must support at least one of openai, anthropic, responses, generate (supports_…)",
        ),
        (
            {"name": "FINE"},
            'upstreams[1].name: must be different from every other upstream\'s (case does not matter), got "FINE"',
        ),
    ],
)
def test_a_wrong_value_of_an_upstream_is_named_by_its_path(fields, refusal):
    assert refused(**fields) == [refusal]


def test_a_name_that_is_too_long_is_shown_in_part():
    (refusal,) = refused(name="n" * 101)
    assert refusal.startswith("upstreams[1].name: must have at most 100 characters, got ")
    assert refusal.endswith("n…")


@pytest.mark.parametrize(
    ("bindings", "refusal"),
    [
        ([], "model_upstream_binding: must be an object, got []"),
        ({"m": "nobody"}, 'model_upstream_binding["m"]: must be one of the upstreams (local), got "nobody"'),
        ({"m": {"model": "x"}}, 'model_upstream_binding["m"].upstream: must be one of the upstreams (local), got null'),
        ({"m": ["local", "no"]}, 'model_upstream_binding["m"][1]: must be one of the upstreams (local), got "no"'),
        (
            {"m": 5},
            'model_upstream_binding["m"]: must be an upstream\'s name, an object with “upstream”, or a list of those, '
            "got 5",
        ),
        ({"m": {"upstream": "local", "model": 0}}, 'model_upstream_binding["m"].model: must be a text, got 0'),
        (
            {"m": {"upstream": "local", "priority": True}},
            'model_upstream_binding["m"].priority: must be a whole number, got true',
        ),
        ({"m": {"upstream": "local", "weight": 0}}, 'model_upstream_binding["m"].weight: must be at least 1, got 0'),
        (
            {"m": {"upstream": "local", "wieght": 2}},
            'model_upstream_binding["m"].wieght: is not known; there are model, priority, upstream, weight',
        ),
        (
            {"m": {"targets": "local", "enabled": 1}},
            'model_upstream_binding["m"].enabled: must be true or false, got 1',
        ),
        (
            {"m": {"targets": "local", "position": -1}},
            'model_upstream_binding["m"].position: must be at least 0, got -1',
        ),
        (
            {"m": {"targets": ["x"]}},
            'model_upstream_binding["m"].targets[0]: must be one of the upstreams (local), got "x"',
        ),
        ({"m": ["local", "LOCAL"]}, 'model_upstream_binding["m"]: must not name the same upstream and model twice'),
        (
            {"m": "local", " M ": "local"},
            'model_upstream_binding[" M "]: must be different from every other pattern (case does not matter)',
        ),
        ({" ": "local"}, 'model_upstream_binding[" "]: must not be empty'),
    ],
)
def test_a_wrong_binding_is_named_by_its_path(bindings, refusal):
    assert refusals({"upstreams": [upstream()], "model_upstream_binding": bindings}) == [refusal]


def test_a_binding_is_not_blamed_for_its_upstream():
    file = {"upstreams": [upstream(timeout_seconds="soon")], "model_upstream_binding": {"*": "local"}}
    assert refusals(file) == ['upstreams[0].timeout_seconds: must be a number, got "soon"']


@pytest.mark.parametrize(
    ("file", "refusal"),
    [
        ([], "the file: must be an object, got []"),
        ({"upstreams": {}}, "upstreams: must be a list, got {}"),
        ({"upstreams": ["zai"]}, 'upstreams[0]: must be an object, got "zai"'),
        ({"listen": {"port": "8001x"}}, 'listen.port: must be a port from 0 to 65535, got "8001x"'),
        ({"listen": {"host": 1}}, "listen.host: must be a host name or address, got 1"),
        ({"listen": {"base_path": "/a b"}}, 'listen.base_path: must be a path like /llm, got "/a b"'),
        ({"listen": None}, "listen: must be an object, got null"),
        ({"logging": {"enable_debug_logs": "on"}}, 'logging.enable_debug_logs: must be true or false, got "on"'),
        ({"default_sampling_params": [1]}, "default_sampling_params: must be an object, got [1]"),
        (
            {"enforced_sampling_params": {"temperature": "hot"}},
            'enforced_sampling_params.temperature: must be a number, got "hot"',
        ),
        (
            {"enforced_sampling_params": {"temperature": True}},
            "enforced_sampling_params.temperature: must be a number, got true",
        ),
        ({"default_sampling_params": {"top_p": 2}}, "default_sampling_params.top_p: must be at most 1, got 2"),
        (
            {"model_sampling_params": {"GLM-4.5": {"top_k": 1.5}}},
            'model_sampling_params["GLM-4.5"].top_k: must be a whole number, got 1.5',
        ),
        ({"model_sampling_params": {"": {"top_k": 1}}}, 'model_sampling_params[""]: must not be empty'),
        ({"override": 5}, "override: must be an object, got 5"),
        ({"override": {"only_anthropic": 1}}, "override.only_anthropic: must be true or false, got 1"),
        ({"override": {"model_name": 1}}, "override.model_name: must be a text, got 1"),
        ({"override": {"sampling_params": {"n": "x"}}}, 'override.sampling_params.n: must be a whole number, got "x"'),
        ({"sampling": {"rule": []}}, "sampling.rule: is not known; sampling has presets and rules"),
        ({"sampling": {"presets": {"a": 1}}}, 'sampling.presets["a"]: must be an object, got 1'),
        ({"sampling": {"rules": [1]}}, "sampling.rules[0]: must be an object, got 1"),
        (
            {"sampling": {"presets": {"a": {}}, "rules": [{"preset": "b"}]}},
            'sampling.rules[0].preset: must be one of sampling.presets (a), got "b"',
        ),
        (
            {"sampling": {"presets": {"a": {}}, "rules": [{"preset": "a", "layer": "top"}]}},
            'sampling.rules[0].layer: must be one of default, model, enforced, got "top"',
        ),
        (
            {"sampling": {"presets": {"a": {}}, "rules": [{"preset": "a", "colour": 1}]}},
            "sampling.rules[0].colour: is not known; a rule has preset, layer, model_pattern, applies_to, position, "
            "enabled",
        ),
        ({"kept": {"x": [math.inf]}}, "kept.x[0]: must be a finite number, got Infinity"),
        (
            {"upstreams": [upstream(timeout_seconds=math.nan)]},
            "upstreams[0].timeout_seconds: must be a finite number, got NaN",
        ),
        (
            {"default_sampling_params": {"seed": -math.inf}},
            "default_sampling_params.seed: must be a finite number, got -Infinity",
        ),
        ({"kept": "\ud800"}, 'kept: must be Unicode text, got "\\ud800"'),
        ({"n" * 101: 1}, "n" * 101 + f': must have at most 100 characters, got "{"n" * 78}…'),
    ],
)
def test_a_wrong_section_is_named_by_its_path(file, refusal):
    assert refusals(file) == [refusal]


def test_a_name_that_is_no_unicode_is_refused_in_printable_words():
    (refusal,) = refusals({"kept": {"\ud800": 1}})
    assert refusal.encode() == rb'kept["\ud800"]: must have a name that is Unicode text'


def test_nesting_without_end_is_refused():
    content = []
    for _ in range(200):
        content = [content]
    (refusal,) = refusals({"kept": content})
    assert refusal.endswith("is nested too deeply: more than 100 levels")


def test_all_errors_are_reported_at_once():
    file = {
        "upstreams": [upstream(timeout_seconds="soon", enabled=1)],
        "model_upstream_binding": {"*": "nobody"},
        "listen": {"port": -1},
        "default_sampling_params": {"top_p": 7},
    }
    assert [refusal.partition(":")[0] for refusal in refusals(file)] == [
        "upstreams[0].timeout_seconds",
        "upstreams[0].enabled",
        'model_upstream_binding["*"]',
        "default_sampling_params.top_p",
        "listen.port",
    ]


KEY = "sk-planted-0123456789"


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": [KEY]},
        {"extra_headers": {"authorization": f"Bearer {KEY}"}},
        {"extra_headers": [KEY]},
        {"base_url": f"http://user:{KEY}@box"},
        {"base_url": f"http://box?key={KEY}"},
        {"token": KEY},
        {"apikey": KEY},
        {"more": {"client_secret": KEY}},
    ],
)
def test_a_key_in_the_wrong_place_is_refused_and_never_shown(fields):
    (refusal,) = refused(**fields)
    assert refusal.startswith(AT)
    assert KEY not in refusal


@pytest.mark.parametrize("section", ["validation", "listen", "logging", "override", "server"])
def test_a_key_among_what_is_only_kept_is_refused(section):
    (refusal,) = refusals({section: {"api_key": KEY}})
    why = "looks like a key; only an api_key of upstreams and validators is stored encrypted"
    assert refusal == f"{section}.api_key: {why}"


def test_a_reference_to_the_environment_is_no_key():
    imported({"anything": {"api_key": "env:SOME_KEY"}})
    assert config_file.export()["anything"] == {"api_key": "env:SOME_KEY"}


EXAMPLE = {
    "server": {"target_host": "a", "target_port": "1", "sampling_proxy_host": "h", "sampling_proxy_port": 1, "more": 1},
    "listen": {"host": "h", "port": 1, "base_path": "/x"},
    "logging": {"enable_debug_logs": True, "enable_override_logs": True},
    "upstreams": [
        {field.name: field.get_default() for field in Upstream._meta.concrete_fields if not field.primary_key}
        | {"name": "a", "base_url": "http://a", "unknown": 1},
    ],
    "model_upstream_binding": {
        "x": "a",
        "y": {"upstream": "a", "model": "m", "priority": 1, "weight": 2},
        "z": {"targets": [{"upstream": "a"}, {"upstream": "a", "model": "n"}], "enabled": True, "position": 7},
    },
    "default_sampling_params": {"temperature": 1},
    "enforced_sampling_params": {"stop": ["a"]},
    "model_sampling_params": {"m": {"top_k": 1}},
    "override": {"model_name": "m", "only_anthropic": False, "sampling_params": {"n": 1}},
    "sampling": {
        "presets": {"p": {"top_p": 1}},
        "rules": [
            {
                "preset": "p",
                "layer": "model",
                "model_pattern": "*",
                "applies_to": "all",
                "position": 1,
                "enabled": True,
            }
        ],
    },
    "validation": {
        "enabled": True,
        "validator_url": "http://v",
        "validator_model": "m",
        "supports_anthropic": True,
        "max_retries": 2,
        "detectors": ["repetition"],
        "ladder": ["seed", "penalty"],
        "delivery": "buffer",
        "unknown": 1,
        "per_model": {"x*": {"validator": "judge", "builtin": False, "position": 10}, "y": {"hold_seconds": 1}},
        "validators": {"judge": {"base_url": "http://j", "model": "j", "api_key": "env:X", "extra_params": {"n": 1}}},
    },
    "anything": {"enabled": False},
}


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def with_changed(value, path, new):
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = with_changed(value[path[0]], path[1:], new)
    return changed


odd = (
    json_values
    | st.sampled_from([math.nan, math.inf, 10**400, -(10**30), 2**63, "\ud800", "\0", "x" * 600, [[]], {"": None}])
    | st.sampled_from(["a", "A", "*", "env:X", "own", "demo:", "http://[", "http://a:b", "１"])
)


@settings(max_examples=150, deadline=None, suppress_health_check=UNCHECKED)
@given(path=st.sampled_from(list(places(EXAMPLE))), new=odd)
def test_any_json_in_any_place_is_taken_or_refused(path, new):
    try:
        imported(with_changed(EXAMPLE, path, new), replace=True)
    except config_file.ConfigFileError as refused:
        str(refused).encode()  # whatever is shown can be printed
        return
    exported = config_file.export()
    imported(exported, replace=True)
    assert config_file.export() == exported


def test_the_example_that_is_varied_is_itself_right():
    assert imported(EXAMPLE).changed


@pytest.mark.parametrize("replace", [False, True])
def test_nothing_is_changed_after_a_refusal(replace):
    imported(EXAMPLE)
    before = dump()
    wrong = {"upstreams": [upstream("new"), upstream("bad", timeout_seconds="soon")], "anything": {}}
    with pytest.raises(config_file.ConfigFileError):
        imported(wrong, replace=replace)
    assert dump() == before


def test_a_file_that_only_the_stored_rows_make_wrong_changes_nothing():
    imported({"upstreams": [upstream("a", supports_openai=False, supports_anthropic=True)]})
    before = dump()
    with pytest.raises(config_file.ConfigFileError) as refused:
        imported({"upstreams": [upstream("new"), upstream("a", supports_anthropic=False)]})
    assert refused.value.errors == [
        "upstreams[1]: must support at least one of openai, anthropic, responses, generate (supports_…)"
    ]
    assert dump() == before
