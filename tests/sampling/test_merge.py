import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects import Dialect
from routing.json_values import deep_merge, same
from routing.kinds import Kind
from sampling.merge import ABSENT, Change, apply_layers
from sampling.parameters import spellings
from sampling.snapshot import Layers, Setting
from tests.json_strategies import json_objects, json_values


def layers(default=None, model=None, enforced=None):
    def settings(values, preset):
        return {name: Setting(value, preset) for name, value in (values or {}).items()}

    return Layers(settings(default, "house"), settings(model, "tuned"), settings(enforced, "strict"))


def applied(body, dialect=Dialect.CHAT, kind=Kind.AUTO, **presets):
    return apply_layers(body, layers(**presets), dialect, kind)


def sent(body, dialect=Dialect.CHAT, kind=Kind.AUTO, **presets):
    return applied(body, dialect, kind, **presets)[0]


# Precedence


def test_a_default_fills_what_nothing_else_sets():
    assert sent({}, default={"temperature": 0.1}) == {"temperature": 0.1}


def test_a_model_rule_beats_a_default():
    assert sent({}, default={"temperature": 0.1}, model={"temperature": 0.2}) == {"temperature": 0.2}


def test_a_request_value_beats_a_model_rule():
    assert sent({"temperature": 0.3}, model={"temperature": 0.2}) == {"temperature": 0.3}


def test_an_enforced_value_beats_the_request():
    assert sent({"temperature": 0.3}, enforced={"temperature": 0.4}) == {"temperature": 0.4}


def test_a_model_rule_applies_whether_or_not_there_is_a_default():
    assert sent({}, default={"top_p": 0.9}, model={"temperature": 0.2}) == {"top_p": 0.9, "temperature": 0.2}


def test_null_in_the_request_counts_as_set():
    assert sent({"temperature": None}, default={"temperature": 0.1}) == {"temperature": None}


def test_null_inside_an_object_of_the_request_counts_as_set():
    body = {"chat_template_kwargs": {"thinking": None}}
    assert sent(body, default={"chat_template_kwargs": {"thinking": True, "x": 1}}) == {
        "chat_template_kwargs": {"thinking": None, "x": 1}
    }


def test_null_in_the_request_does_not_resist_an_enforced_value():
    assert sent({"temperature": None}, enforced={"temperature": 0.4}) == {"temperature": 0.4}


sides = st.dictionaries(st.sampled_from(["top_p", "anything"]), json_values, max_size=2)


@given(sides, sides, sides, sides)
def test_enforced_beats_request_beats_model_beats_default(default, model, body, enforced):
    expected: dict = {}
    for layer in (default, model, body, enforced):
        expected = deep_merge(expected, layer)
    assert same(sent(body, default=default, model=model, enforced=enforced), expected)


@given(json_objects, json_objects, json_objects, json_objects, st.sampled_from(Dialect))
def test_a_merge_changes_none_of_its_inputs(default, model, body, enforced, dialect):
    body = {"sampling_params": body} if dialect is Dialect.GENERATE else body
    before = json.dumps([default, model, body, enforced])
    result = sent(body, dialect, default=default, model=model, enforced=enforced)
    assert json.dumps([default, model, body, enforced]) == before
    scribble(result)
    assert json.dumps([default, model, enforced]) == json.dumps([*json.loads(before)[:2], json.loads(before)[3]])


def scribble(value):
    for inner in list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()):
        scribble(inner)
    if isinstance(value, dict):
        value["scribbled"] = True
    elif isinstance(value, list):
        value.append("scribbled")


@given(json_objects, json_objects, json_objects, json_objects)
def test_the_changes_are_exactly_the_fields_that_differ(default, model, body, enforced):
    result, changes, _ = applied(body, default=default, model=model, enforced=enforced)
    differing = {
        name for name in body.keys() | result.keys() if not same(body.get(name, ABSENT), result.get(name, ABSENT))
    }
    assert sorted(change.name for change in changes) == sorted(differing)
    for change in changes:
        assert same(change.before, body.get(change.name, ABSENT))
        assert same(change.after, result.get(change.name, ABSENT))


@given(json_objects)
def test_a_body_that_nothing_changes_comes_back_as_the_very_same_object(body):
    assert sent(body, default=body, model=body) is body
    assert sent(body) is body


# Objects


def test_an_object_of_the_request_is_filled_up_from_the_layers_below():
    body = {"chat_template_kwargs": {"thinking": False}}
    result = sent(
        body,
        default={"chat_template_kwargs": {"thinking": True, "effort": "low", "deep": {"a": 1}}},
        model={"chat_template_kwargs": {"effort": "high", "deep": {"b": 2}}},
    )
    assert result == {"chat_template_kwargs": {"thinking": False, "effort": "high", "deep": {"a": 1, "b": 2}}}


def test_an_enforced_object_leaves_the_other_keys_of_the_request_alone():
    body = {"chat_template_kwargs": {"thinking": True, "effort": "low"}}
    result = sent(body, enforced={"chat_template_kwargs": {"thinking": False}})
    assert result == {"chat_template_kwargs": {"thinking": False, "effort": "low"}}


def test_an_enforced_value_of_another_type_replaces_an_object():
    assert sent({"x": {"a": 1}}, enforced={"x": 5}) == {"x": 5}
    assert sent({"x": 5}, enforced={"x": {"a": 1}}) == {"x": {"a": 1}}


def test_a_request_value_that_is_no_object_is_not_filled_up():
    assert sent({"x": 5}, default={"x": {"a": 1}}) == {"x": 5}


def test_true_inside_an_object_replaces_one():
    result, changes, _ = applied({"x": {"a": 1}}, enforced={"x": {"a": True}})
    assert same(result, {"x": {"a": True}})
    assert [change.name for change in changes] == ["x"]


# Names


@pytest.mark.parametrize("given_name", spellings("max_tokens"))
@pytest.mark.parametrize("rule_name", spellings("max_tokens"))
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", [Kind.AUTO, Kind.OPENAI, Kind.LLAMACPP])
def test_a_parameter_is_never_sent_under_two_names(given_name, rule_name, dialect, kind):
    def lengths(result):
        inner = result["sampling_params"] if dialect is Dialect.GENERATE else result
        return [value for name, value in inner.items() if name in spellings("max_tokens")]

    body = {"sampling_params": {given_name: 1}} if dialect is Dialect.GENERATE else {given_name: 1}
    assert lengths(sent(body, dialect, kind, default={rule_name: 2}, model={rule_name: 3})) == [1]
    assert lengths(sent(body, dialect, kind, enforced={rule_name: 4})) == [4]


def test_layers_that_use_different_names_for_one_parameter_send_it_once():
    assert sent({}, model={"repeat_penalty": 1.1}, default={"repetition_penalty": 1.2}) == {"repeat_penalty": 1.1}
    assert sent({}, model={"n_predict": 1}, enforced={"max_completion_tokens": 2}) == {"max_tokens": 2}


def test_an_enforced_value_keeps_the_name_of_the_request_where_the_dialect_has_it():
    assert sent({"max_completion_tokens": 1}, enforced={"max_tokens": 2}) == {"max_completion_tokens": 2}


def test_an_enforced_value_goes_under_the_name_that_the_server_knows():
    assert sent({"repetition_penalty": 1}, kind=Kind.LLAMACPP, enforced={"repetition_penalty": 1.2}) == {
        "repeat_penalty": 1.2
    }


def test_the_name_that_gave_way_is_reported_too():
    _, changes, _ = applied({"n_predict": 5}, enforced={"max_tokens": 7})
    assert changes == [
        Change("max_tokens", ABSENT, 7, "enforced: strict"),
        Change("n_predict", 5, ABSENT, "enforced: strict"),
    ]


def test_a_single_stop_text_becomes_a_list_for_messages():
    assert sent({}, Dialect.MESSAGES, default={"stop": "END"}) == {"stop_sequences": ["END"]}


def test_the_temperature_stays_in_the_range_of_anthropic():
    assert sent({}, Dialect.MESSAGES, Kind.ANTHROPIC, default={"temperature": 1.5}) == {"temperature": 1}


# What an upstream cannot carry


@pytest.mark.parametrize("layer", ["default", "model", "enforced"])
def test_a_parameter_that_the_upstream_cannot_carry_is_left_out_with_a_warning(layer):
    body = {"messages": []}
    result, changes, warnings = applied(body, Dialect.MESSAGES, Kind.ANTHROPIC, **{layer: {"min_p": 0.1}})
    assert result is body
    assert changes == []
    assert len(warnings) == 1
    assert warnings[0].startswith(f"min_p ({layer}, preset ")


def test_an_enforced_parameter_that_cannot_be_carried_leaves_the_request_as_it_is():
    body = {"repeat_penalty": 1.1, "repetition_penalty": 1.2}
    assert sent(body, kind=Kind.OPENAI, enforced={"repeat_penalty": 2}) is body


def test_nothing_is_warned_about_that_the_request_sets_anyway():
    assert applied({"min_p": 0.2}, Dialect.MESSAGES, Kind.ANTHROPIC, default={"min_p": 0.1})[2] == []


def test_a_warning_on_generate_leaves_the_body_alone():
    body = {"text": "hi"}
    result, _, warnings = applied(body, Dialect.GENERATE, Kind.SGLANG, default={"dry_base": 2})
    assert result is body
    assert len(warnings) == 1


# /generate


def test_on_generate_the_parameters_go_into_sampling_params():
    assert sent({"text": "hi"}, Dialect.GENERATE, default={"max_tokens": 9}) == {
        "text": "hi",
        "sampling_params": {"max_new_tokens": 9},
    }


def test_on_generate_a_null_in_place_of_the_parameters_counts_as_none():
    assert sent({"sampling_params": None}, Dialect.GENERATE, default={"top_p": 0.5}) == {
        "sampling_params": {"top_p": 0.5}
    }


def test_on_generate_every_prompt_of_a_batch_gets_the_parameters():
    batch = [{"temperature": 0.3}, {}, None]
    result, changes, _ = applied({"sampling_params": batch}, Dialect.GENERATE, default={"temperature": 0.1})
    assert result == {"sampling_params": [{"temperature": 0.3}, {"temperature": 0.1}, {"temperature": 0.1}]}
    assert changes == [Change("temperature", ABSENT, 0.1, "default: house")]


def test_on_generate_different_changes_of_a_batch_are_all_told():
    batch = [{"temperature": 0.3}, {"temperature": 0.4}]
    _, changes, _ = applied({"sampling_params": batch}, Dialect.GENERATE, enforced={"temperature": 0.1})
    assert [(change.before, change.after) for change in changes] == [(0.3, 0.1), (0.4, 0.1)]


def test_on_generate_a_warning_of_a_batch_is_told_once():
    _, _, warnings = applied({"sampling_params": [{}, {}]}, Dialect.GENERATE, default={"dry_base": 2})
    assert len(warnings) == 1


@pytest.mark.parametrize("nonsense", ["hot", 5, True, [], ["hot"], [[{}]]])
def test_on_generate_nonsense_is_left_for_the_upstream_to_refuse(nonsense):
    body = {"sampling_params": nonsense}
    assert sent(body, Dialect.GENERATE, enforced={"temperature": 0.1}) is body


# Where a value came from


def origins(body, **presets):
    return {change.name: change.origin for change in applied(body, **presets)[1]}


def test_each_change_names_the_layer_and_the_preset():
    assert origins({"top_k": 1}, default={"temperature": 1}, model={"top_p": 0.5}, enforced={"top_k": 2}) == {
        "top_p": "model: tuned",
        "temperature": "default: house",
        "top_k": "enforced: strict",
    }


def test_a_value_that_two_layers_agree_on_comes_from_the_higher_one():
    assert origins({}, default={"temperature": 1}, model={"temperature": 1}) == {"temperature": "model: tuned"}
    assert origins({}, default={"temperature": 1}, enforced={"temperature": 1}) == {"temperature": "enforced: strict"}


def test_an_object_made_by_several_layers_names_them_all():
    assert origins({}, default={"x": {"a": 1}}, model={"x": {"b": 1}}, enforced={"x": {"c": 1}}) == {
        "x": "model: tuned + default: house + enforced: strict"
    }


def test_a_layer_that_adds_nothing_to_an_object_is_not_an_origin():
    assert origins({}, default={"x": {"a": 1}}, model={"x": {"a": 2}}) == {"x": "model: tuned"}


def test_a_change_reads_as_a_line_of_the_log():
    assert str(Change("top_p", 0.9, 0.5, "model: tuned")) == "top_p: 0.9 → 0.5 (model: tuned)"
    assert str(Change("top_p", ABSENT, 0.5, "model: tuned")) == "top_p: (not set) → 0.5 (model: tuned)"


def test_a_change_is_stored_without_the_side_that_was_absent():
    assert Change("a", 1, 2, "x").as_dict() == {"name": "a", "origin": "x", "from": 1, "to": 2}
    assert Change("a", ABSENT, None, "x").as_dict() == {"name": "a", "origin": "x", "to": None}
    assert Change("a", None, ABSENT, "x").as_dict() == {"name": "a", "origin": "x", "from": None}
