import pytest
from hypothesis import given

from routing.dialects import Dialect
from routing.json_values import same
from routing.matching import MOST_KNOWN
from sampling.snapshot import Layer, Layers, Rule, SamplingTable, Setting
from tests.json_strategies import json_values


def rule(pattern="*", preset="careful", layer=Layer.MODEL, applies_to=None, above_all=False, **parameters):
    return Rule(
        layer=layer, pattern=pattern, preset=preset, parameters=parameters, applies_to=applies_to, above_all=above_all
    )


def values(*rules, model="glm-4", dialect=Dialect.CHAT, layer="model"):
    settings = getattr(SamplingTable(rules=rules).layers(model, dialect), layer)
    return {name: setting.value for name, setting in settings.items()}


def test_each_rule_acts_on_its_own_layer():
    layers = SamplingTable(
        rules=(
            rule(preset="a", layer=Layer.DEFAULT, temperature=1),
            rule(preset="b", layer=Layer.MODEL, temperature=2),
            rule(preset="c", layer=Layer.ENFORCED, temperature=3),
        )
    ).layers("glm-4", Dialect.CHAT)
    assert layers == Layers(
        default={"temperature": Setting(1, "a")},
        model={"temperature": Setting(2, "b")},
        enforced={"temperature": Setting(3, "c")},
    )


def test_a_rule_for_another_model_does_nothing():
    assert values(rule("qwen*", temperature=1)) == {}
    assert not SamplingTable(rules=(rule("qwen*", temperature=1),)).layers("glm-4", Dialect.CHAT)


def test_rules_of_one_layer_are_laid_over_each_other():
    assert values(rule("glm-*", temperature=1), rule("*", temperature=2, top_p=0.5)) == {"temperature": 1, "top_p": 0.5}


def test_an_exact_rule_beats_a_glob_that_stands_before_it():
    assert values(rule("*", temperature=1), rule("GLM-4", temperature=2)) == {"temperature": 2}


def test_a_rule_above_all_beats_exact_rules_too():
    assert values(rule("glm-4", temperature=1), rule("*", temperature=2, above_all=True)) == {"temperature": 2}


def test_null_switches_a_parameter_off_on_its_layer():
    assert values(rule("glm-4", temperature=None), rule("*", temperature=2, top_p=0.5)) == {"top_p": 0.5}


def test_null_on_one_layer_leaves_the_other_layers_alone():
    rules = (rule("*", temperature=None), rule(layer=Layer.DEFAULT, temperature=2))
    assert values(*rules, layer="default") == {"temperature": 2}


def test_a_rule_for_one_dialect_leaves_the_others_alone():
    only_messages = rule(applies_to=Dialect.MESSAGES, temperature=1)
    assert values(only_messages, dialect=Dialect.CHAT) == {}
    assert values(only_messages, dialect=Dialect.MESSAGES) == {"temperature": 1}


def test_two_spellings_of_one_parameter_are_one_parameter():
    assert values(rule("glm-4", repeat_penalty=1.1), rule("*", repetition_penalty=1.3)) == {"repeat_penalty": 1.1}
    assert values(rule("glm-4", max_tokens=None), rule("*", n_predict=10)) == {}


def test_objects_are_merged_across_rules():
    assert values(
        rule("glm-4", chat_template_kwargs={"thinking": False}),
        rule("*", chat_template_kwargs={"thinking": True, "effort": "low"}),
    ) == {"chat_template_kwargs": {"thinking": False, "effort": "low"}}


def test_null_inside_an_object_switches_that_key_off():
    assert values(
        rule("glm-4", options={"a": None, "deep": {"x": None}}), rule("*", options={"a": 1, "b": 2, "deep": {"x": 1}})
    ) == {"options": {"b": 2}}


def test_an_object_of_nothing_but_nulls_is_not_set():
    assert values(rule(options={"a": None})) == {}


@pytest.mark.parametrize("value", [{}, [], [None], 0, False, ""])
def test_empty_values_are_values(value):
    assert values(rule(options=value)) == {"options": value}


def test_a_setting_remembers_the_preset_it_comes_from():
    rules = (rule("glm-4", preset="mine", temperature=1), rule("*", preset="all", temperature=2, top_p=0.5))
    layers = SamplingTable(rules=rules).layers("glm-4", Dialect.CHAT)
    assert {name: setting.preset for name, setting in layers.model.items()} == {"temperature": "mine", "top_p": "all"}


def test_a_model_is_looked_up_once():
    table = SamplingTable(rules=(rule(temperature=1),))
    assert table.layers("glm-4", Dialect.CHAT) is table.layers("glm-4", Dialect.CHAT)


def test_names_from_clients_never_fill_the_memory():
    table = SamplingTable(rules=(rule(temperature=1),))
    for number in range(5000):
        table.layers(f"model-{number}", Dialect.CHAT)
    assert table.layers.cache_info().currsize == MOST_KNOWN


@given(json_values)
def test_a_value_without_nulls_arrives_as_it_is(value):
    if holds_null_in_object(value):
        return
    merged = values(rule(anything=value))
    assert merged == {} if value is None else same(merged["anything"], value)


def holds_null_in_object(value):
    return isinstance(value, dict) and any(item is None or holds_null_in_object(item) for item in value.values())
