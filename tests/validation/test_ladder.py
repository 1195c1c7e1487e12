import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects import Dialect
from routing.dialects.capabilities import capabilities
from routing.kinds import Kind
from tests.json_strategies import json_values
from validation.ladder import Sent, climb
from validation.snapshot import LADDER, Rung


def sent(body=None, kind=Kind.VLLM, dialect=Dialect.CHAT, model="qwen3"):
    return Sent(body or {}, dialect, capabilities(kind, model, dialect))


def changed(rung, body=None, others=False, **upstream):
    step = climb(sent(body, **upstream), (rung,), 1, seed=7, others=others)
    return step.changed if step.rung is rung else None


CASES = [
    # rung, kind, dialect, body, what changes
    (Rung.SEED, Kind.VLLM, Dialect.CHAT, {}, {"seed": 7}),
    (Rung.SEED, Kind.SGLANG, Dialect.GENERATE, {}, {"sampling_seed": 7}),
    (Rung.SEED, Kind.ANTHROPIC, Dialect.MESSAGES, {}, None),
    (Rung.PENALTY, Kind.VLLM, Dialect.CHAT, {}, {"repetition_penalty": 1.1}),
    (Rung.PENALTY, Kind.VLLM, Dialect.CHAT, {"repetition_penalty": 1.1}, {"repetition_penalty": 1.2}),
    (Rung.PENALTY, Kind.VLLM, Dialect.CHAT, {"repetition_penalty": 1.25}, {"repetition_penalty": 1.3}),
    (Rung.PENALTY, Kind.VLLM, Dialect.CHAT, {"repetition_penalty": 1.5}, None),
    (Rung.PENALTY, Kind.VLLM, Dialect.CHAT, {"repetition_penalty": True}, {"repetition_penalty": 1.1}),
    (Rung.PENALTY, Kind.LLAMACPP, Dialect.CHAT, {}, {"repeat_penalty": 1.1}),
    (Rung.PENALTY, Kind.OTHER, Dialect.CHAT, {}, {"frequency_penalty": 0.4}),
    (Rung.PENALTY, Kind.ZAI, Dialect.CHAT, {}, None),
    (Rung.PENALTY, Kind.OPENAI, Dialect.RESPONSES, {}, None),
    (Rung.PENALTY, Kind.OTHER, Dialect.CHAT, {"tools": [{}]}, None),
    (Rung.PENALTY, Kind.OPENAI, Dialect.CHAT, {"model": "o3"}, None),
    (Rung.DRY, Kind.LLAMACPP, Dialect.CHAT, {}, {"dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 2}),
    (Rung.DRY, Kind.LLAMACPP, Dialect.CHAT, {"dry_multiplier": 0.8}, None),
    (Rung.DRY, Kind.LLAMACPP, Dialect.CHAT, {"tools": [{}]}, None),
    (Rung.DRY, Kind.VLLM, Dialect.CHAT, {}, None),
    (Rung.TEMPERATURE, Kind.VLLM, Dialect.CHAT, {}, {"temperature": 1.0}),
    (Rung.TEMPERATURE, Kind.VLLM, Dialect.CHAT, {"temperature": 0}, {"temperature": 0.7}),
    (
        Rung.TEMPERATURE,
        Kind.VLLM,
        Dialect.CHAT,
        {"temperature": 0.9, "top_p": 0.5},
        {"temperature": 1.0, "top_p": 0.95},
    ),
    (Rung.TEMPERATURE, Kind.VLLM, Dialect.CHAT, {"temperature": 1.2}, None),
    (Rung.TEMPERATURE, Kind.ANTHROPIC, Dialect.MESSAGES, {}, None),
    (Rung.NO_THINKING, Kind.VLLM, Dialect.CHAT, {}, {"chat_template_kwargs": {"enable_thinking": False}}),
    (Rung.NO_THINKING, Kind.ZAI, Dialect.CHAT, {}, {"thinking": {"type": "disabled"}}),
    (Rung.NO_THINKING, Kind.OTHER, Dialect.MESSAGES, {"thinking": {"type": "disabled"}}, None),
    (Rung.NO_THINKING, Kind.OPENAI, Dialect.CHAT, {}, None),
    (Rung.NEXT_TARGET, Kind.VLLM, Dialect.CHAT, {}, None),
]


@pytest.mark.parametrize(("rung", "kind", "dialect", "body", "expected"), CASES)
def test_a_rung_changes_what_this_upstream_knows(rung, kind, dialect, body, expected):
    assert changed(rung, body, kind=kind, dialect=dialect, model=body.get("model", "qwen3")) == expected


def test_other_switches_of_the_template_stay():
    body = {"chat_template_kwargs": {"style": "short"}}
    expected = {"chat_template_kwargs": {"style": "short", "enable_thinking": False}}
    assert changed(Rung.NO_THINKING, body) == expected


def test_a_model_that_always_thinks_is_left_alone():
    assert changed(Rung.NO_THINKING, kind=Kind.ANTHROPIC, dialect=Dialect.MESSAGES, model="claude-fable-5") is None


def test_the_next_target_is_a_rung_where_there_is_one():
    assert changed(Rung.NEXT_TARGET, others=True) == {}


def test_the_parameters_of_generate_stand_in_their_own_object():
    of = sent({"text": "a", "sampling_params": {"top_k": 3}}, Kind.SGLANG, Dialect.GENERATE)
    step = climb(of, (Rung.PENALTY,), 1, seed=7, others=False)
    assert step.body == {"text": "a", "sampling_params": {"top_k": 3, "repetition_penalty": 1.1}}
    assert of.body["sampling_params"] == {"top_k": 3}


def test_each_retry_climbs_one_rung_and_those_the_upstream_lacks_are_left_out():
    ladder = (Rung.DRY, Rung.PENALTY, Rung.TEMPERATURE)
    steps = [climb(sent({"temperature": 0.5}), ladder, retry, seed=7, others=False) for retry in (1, 2)]
    assert [step.rung for step in steps] == [Rung.PENALTY, Rung.TEMPERATURE]
    assert steps[0].body == {"temperature": 0.5, "repetition_penalty": 1.1}


def test_at_the_top_of_the_ladder_only_the_seed_changes():
    step = climb(sent(), (Rung.PENALTY,), 3, seed=7, others=False)
    assert step.rung is Rung.PENALTY
    assert step.body == {"repetition_penalty": 1.1, "seed": 7}
    step = climb(sent(kind=Kind.OTHER, dialect=Dialect.MESSAGES), (Rung.TEMPERATURE,), 2, seed=7, others=False)
    assert step.body == {"temperature": 1.0}


def test_a_ladder_without_a_rung_for_this_upstream_tries_the_same_again():
    step = climb(sent({"model": "a"}), (Rung.DRY,), 1, seed=7, others=False)
    assert (step.rung, step.body, step.changed) == (Rung.SAME, {"model": "a"}, {})
    assert climb(sent({"model": "a"}), (Rung.SAME,), 1, seed=7, others=False).body == {"model": "a"}


NAMES = st.sampled_from(["temperature", "top_p", "sampling_params", "chat_template_kwargs", "thinking", "tools", "x"])


@settings(max_examples=60)
@given(st.dictionaries(NAMES, json_values), st.sampled_from(Kind), st.sampled_from(Dialect), st.integers(1, 5))
def test_whatever_was_sent_a_step_keeps_all_other_fields(body, kind, dialect, retry):
    step = climb(sent(body, kind, dialect), (*LADDER, Rung.DRY, Rung.NO_THINKING), retry, seed=7, others=True)
    touched = {*step.changed, "sampling_params"}
    assert {name: step.body[name] for name in body if name not in touched} == {
        name: value for name, value in body.items() if name not in touched
    }
