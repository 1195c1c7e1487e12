"""Export, then import: the same configuration."""

import json

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxysite import config_file
from routing.kinds import Kind
from routing.models import BindingTarget, ConfigSection, ModelBinding, ParallelLimit, ThrottleRule, Upstream
from sampling.models import SamplingPreset, SamplingRule
from tests.json_strategies import json_objects, json_values, texts
from tests.proxysite.config_file.files import TABLES, facts, imported
from tests.rows import make_binding, make_policy, make_upstream
from validation.models import Validator

pytestmark = pytest.mark.django_db
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=6)
seconds = st.floats(0, 1e6)
words = st.text("abcxyz_", min_size=1, max_size=5)


def unlike(strategy, *, size):
    """Names that differ in more than case."""
    return st.lists(strategy, max_size=size, unique_by=str.casefold)


upstreams = st.fixed_dictionaries(
    {
        "base_url": st.sampled_from(["http://a:1", "https://b.example/v1", "demo:"]),
        "enabled": st.booleans(),
        "kind": st.sampled_from([kind.value for kind in Kind]),
        "supports_openai": st.booleans(),
        "supports_anthropic": st.just(True),
        "supports_generate": st.booleans(),
        "credential_mode": st.sampled_from(["forward", "none", "own"]),
        "api_key": st.sampled_from(["", "env:SOME_KEY"]),
        "extra_headers": st.dictionaries(words, words, max_size=2),
        "timeout_seconds": seconds,
        "total_timeout_seconds": st.none() | seconds,
        "drop_params": st.lists(words, max_size=2),
        "rename_params": st.dictionaries(words, words, max_size=2),
        "set_params": json_objects,
        "strip_billing_header": st.none() | st.booleans(),
        "max_retries": st.integers(0, 20),
        "retry_statuses": st.lists(st.integers(400, 599), max_size=2),
    }
)
targets = st.tuples(st.integers(0, 9), st.just("") | names, st.integers(-3, 3), st.integers(1, 9))
bindings = st.tuples(st.integers(0, 40), st.booleans(), st.lists(targets, max_size=3))
rules = st.tuples(
    st.integers(0, 9),
    st.sampled_from(["default", "model", "enforced"]),
    names,
    st.sampled_from(["all", "chat", "messages"]),
    st.integers(0, 30),
    st.booleans(),
)
places = st.fixed_dictionaries({"position": st.integers(0, 30), "enabled": st.booleans()})
limits = st.fixed_dictionaries(
    {
        "limit": st.integers(1, 9),
        "queue_size": st.none() | st.integers(0, 9),
        "queue_timeout_seconds": st.none() | seconds,
    }
)
pauses = st.fixed_dictionaries({"start_pause_seconds": st.none() | seconds, "end_pause_seconds": st.none() | seconds})
validators = st.fixed_dictionaries(
    {
        "base_url": st.sampled_from(["http://a:1", "https://b.example/v1"]),
        "model": names,
        "supports_openai": st.just(True),
        "supports_anthropic": st.booleans(),
        "api_key": st.sampled_from(["", "env:SOME_KEY"]),
        "timeout_seconds": st.just(300.0) | seconds,
        "prompt": st.just("") | names,
        "extra_params": st.just({}) | json_objects,
    }
)
policies = st.fixed_dictionaries(
    {
        "builtin": st.booleans(),
        "detectors": st.lists(st.sampled_from(["repetition", "nonsense"]), max_size=2),
        "validate_on": st.sampled_from(["always", "suspicion"]),
        "mid_stream_validation_interval_words": st.integers(1, 900),
        "confidence_threshold": st.floats(0, 1),
        "delivery": st.sampled_from(["hold_back", "buffer"]),
        "max_retries": st.integers(0, 20),
        "ladder": st.lists(st.sampled_from(["same", "seed", "penalty"]), max_size=3),
        "on_exhausted": st.sampled_from(["error", "message", "deliver"]),
    }
)
patterns = st.sampled_from(["global", "Global’", "upstream a", "glm-*"]) | names


@st.composite
def configurations(draw):
    return {
        "upstreams": {name: draw(upstreams) for name in draw(unlike(names, size=3))},
        "bindings": {pattern: draw(bindings) for pattern in draw(unlike(names, size=4))},
        "presets": {name: draw(json_objects) for name in draw(unlike(names, size=3))},
        "rules": draw(st.lists(rules, max_size=4)),
        "limits": {name: draw(limits) | draw(places) for name in draw(unlike(patterns, size=3))},
        "scopes": draw(st.tuples(st.none() | limits, st.none() | limits)),
        "pauses": {name: draw(pauses) | draw(places) for name in draw(unlike(st.just("") | patterns, size=3))},
        "validators": {name: draw(validators) for name in draw(unlike(st.just("validator") | names, size=2))},
        "policies": {name: draw(policies) | draw(places) for name in draw(unlike(st.just("*") | patterns, size=3))},
        "sections": draw(st.dictionaries(texts.map(lambda text: f"section {text}"), json_values, max_size=2)),
    }


def save(configuration):
    made = [make_upstream(name=name, **fields) for name, fields in configuration["upstreams"].items()]
    for pattern, (position, enabled, wanted) in configuration["bindings"].items():
        binding = ModelBinding.objects.create(
            pattern=pattern, position=position, enabled=enabled, session_affinity=position % 2 == 1
        )
        pairs = {(number % len(made), model): rest for number, model, *rest in wanted} if made else {}
        for (number, model), (priority, weight) in pairs.items():
            BindingTarget.objects.create(
                binding=binding, upstream=made[number], upstream_model=model, priority=priority, weight=weight
            )
    presets = [SamplingPreset.objects.create(name=name, parameters=p) for name, p in configuration["presets"].items()]
    for number, layer, pattern, applies_to, position, enabled in configuration["rules"] if presets else []:
        SamplingRule.objects.create(
            preset=presets[number % len(presets)],
            layer=layer,
            model_pattern=pattern,
            applies_to=applies_to,
            position=position,
            enabled=enabled,
        )
    for pattern, fields in configuration["limits"].items():
        ParallelLimit.objects.create(model_pattern=pattern, **fields)
    of_all, of_upstream = configuration["scopes"]
    if of_all:
        ParallelLimit.objects.create(scope="global", **of_all)
    if of_upstream and made:
        ParallelLimit.objects.create(scope="upstream", upstream=made[0], **of_upstream)
    for pattern, fields in configuration["pauses"].items():
        ThrottleRule.objects.create(model_pattern=pattern, **fields)
    judges = [Validator.objects.create(name=name, **fields) for name, fields in configuration["validators"].items()]
    for number, (pattern, fields) in enumerate(configuration["policies"].items()):
        make_policy(pattern, validator=judges[number] if number < len(judges) else None, **fields)
    for name, content in configuration["sections"].items():
        config_file.import_document(config_file.parse({name: content}))


def clear():
    for table in TABLES:
        table.objects.all().delete()


def through_a_file(content):
    return json.loads(json.dumps(content))


@settings(max_examples=15, deadline=None, suppress_health_check=UNCHECKED)
@given(configuration=configurations(), other=configurations())
def test_an_export_imports_to_the_same_rows_whatever_was_there(configuration, other):
    with transaction.atomic():
        save(configuration)
        exported, rows = through_a_file(config_file.export()), facts()
        assert not imported(exported, replace=True).changed
        clear()
        save(other)
        for table in (Upstream, Validator):
            table.objects.update(api_key="")  # a stored key would outlive the import, see test_keys.py
        imported(exported, replace=True)
        assert facts() == rows
        assert through_a_file(config_file.export()) == exported
        transaction.set_rollback(True)


def test_positions_are_written_only_where_the_order_does_not_tell_them():
    row = make_upstream()
    for position, pattern in ((10, "a"), (20, "b"), (25, "c"), (35, "d")):
        make_binding(pattern, row, position=position)
    assert config_file.export()["model_upstream_binding"] == {
        "a": "local",
        "b": "local",
        "c": {"targets": "local", "position": 25},
        "d": "local",
    }


def test_a_plain_configuration_is_exported_plainly():
    bindings = {
        "a": "local",
        "b": {"upstream": "local", "model": "m"},
        "c": [{"upstream": "local", "weight": 2}, {"upstream": "local", "model": "n", "priority": 1}],
        "d": {"targets": "local", "enabled": False},
    }
    imported({"upstreams": [{"name": "local", "base_url": "http://a"}], "model_upstream_binding": bindings})
    assert config_file.export()["model_upstream_binding"] == bindings


def test_every_field_of_an_upstream_is_exported_but_the_key():
    make_upstream()
    fields = {field.name for field in Upstream._meta.concrete_fields} - {"id", "api_key"}
    assert set(config_file.export()["upstreams"][0]) == fields


def test_a_field_that_was_unknown_once_is_exported_as_it_is_now():
    make_upstream(name="local", timeout_seconds=5)
    ConfigSection.objects.create(name="upstreams", content={"local": {"timeout_seconds": 99, "odd": 1}})
    exported = config_file.export()["upstreams"][0]
    assert (exported["timeout_seconds"], exported["odd"]) == (5.0, 1)
