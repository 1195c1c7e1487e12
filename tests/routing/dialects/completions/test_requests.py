"""Completions requests at every other upstream: section 2.11 of the reference."""

import copy

import pytest

from routing.dialects.conversion import parse
from routing.errors import BadRequest
from routing.kinds import Kind
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    OPUS_48,
    RESPONSES,
    SONNET_45,
    converted,
    user,
)

UPSTREAMS = (CHAT, MESSAGES, RESPONSES, GENERATE)


def sent(upstream=CHAT, kind: Kind = Kind.VLLM, model: str = "", **fields):
    return converted({"model": "asked", "prompt": "Once", **fields}, COMPLETIONS, upstream, kind, model)


def test_2_11_the_prompt_becomes_the_users_only_message():
    assert sent().body["messages"] == [user("Once")]
    assert sent(MESSAGES, Kind.ANTHROPIC, SONNET_45).body["messages"] == [user("Once")]


def test_2_11_the_prompt_becomes_the_input_of_responses():
    assert "Once" in str(sent(RESPONSES, Kind.OPENAI, "gpt-4.1").body["input"])


def test_2_11_the_prompt_stays_a_prompt_at_generate():
    assert sent(GENERATE, Kind.SGLANG).body["text"] == "Once"


def test_a_list_of_one_prompt_is_that_prompt():
    assert sent(prompt=["Once"]).body["messages"] == [user("Once")]


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2, 3], [[1, 2], [3]], [[1, 2]], [1], [], {"text": "a"}, 7, None])
def test_2_11_anything_but_one_text_is_refused(upstream, prompt):
    with pytest.raises(BadRequest, match="prompt must be one text"):
        sent(upstream, prompt=prompt)


def test_an_empty_prompt_is_refused():
    with pytest.raises(BadRequest, match="prompt is empty"):
        sent(prompt="")


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize(
    ("field", "value"), [("suffix", "the end"), ("echo", True), ("best_of", 2), ("n", 2), ("prompt_embeds", "AAAA")]
)
def test_2_11_what_would_change_the_meaning_is_refused(upstream, field, value):
    with pytest.raises(BadRequest, match=field):
        sent(upstream, **{field: value})


def test_2_11_the_harmless_values_of_these_are_dropped():
    body = sent(suffix="", echo=False, best_of=1, n=1).body
    assert not body.keys() & {"suffix", "echo", "best_of", "n"}


def test_2_11_an_answer_is_16_tokens_long_when_nothing_is_said():
    assert sent().body["max_tokens"] == 16
    assert sent(max_tokens=None).body["max_tokens"] == 16
    assert sent(MESSAGES, Kind.ANTHROPIC, OPUS_48).body["max_tokens"] == 16
    assert sent(GENERATE, Kind.SGLANG).body["sampling_params"]["max_new_tokens"] == 16


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n_predict", "max_new_tokens"])
def test_7_2_2_a_limit_under_any_of_its_names_is_the_limit(name):
    body = sent(**{name: 50}).body
    assert body["max_tokens"] == 50
    assert name == "max_tokens" or name not in body


@pytest.mark.parametrize(
    ("upstream", "kind", "model", "name"),
    [
        (CHAT, Kind.OLLAMA, "", "max_tokens"),
        (CHAT, Kind.OPENAI, "gpt-5", "max_completion_tokens"),
        (RESPONSES, Kind.OPENAI, "gpt-5", "max_output_tokens"),
        (MESSAGES, Kind.ANTHROPIC, SONNET_45, "max_tokens"),
    ],
)
def test_8_28_the_limit_has_the_name_of_the_upstream(upstream, kind, model, name):
    assert sent(upstream, kind, model, max_tokens=100).body[name] == 100


def test_a_negative_limit_is_as_much_as_the_upstream_gives():
    assert "max_tokens" not in sent(max_tokens=-1).body
    assert sent(MESSAGES, Kind.ANTHROPIC, SONNET_45, max_tokens=-1).body["max_tokens"] > 1000


def test_a_limit_of_nothing_is_raised_to_one_token():
    conversion = sent(max_tokens=0)
    assert conversion.body["max_tokens"] == 1
    assert any("max_tokens 0" in warning for warning in conversion.warnings)


def test_2_1_stop_is_a_text_or_a_list():
    assert sent(stop="END").body["stop"] == ["END"]
    assert sent(stop=["a", "b"]).body["stop"] == ["a", "b"]
    assert sent(MESSAGES, Kind.ANTHROPIC, SONNET_45, stop="END").body["stop_sequences"] == ["END"]
    assert "stop" not in sent(stop=[]).body


def test_8_36_white_space_is_no_stop_sequence():
    conversion = sent(stop=["  "])
    assert "stop" not in conversion.body
    assert conversion.warnings


def test_2_1_a_stream_asks_for_its_usage_and_keeps_to_itself_whether_the_client_did():
    quiet = sent(stream=True)
    assert quiet.body["stream_options"] == {"include_usage": True}
    assert not quiet.exchange.include_usage
    assert sent(stream=True, stream_options={"include_usage": True}).exchange.include_usage
    assert "stream_options" not in sent(stream=False).body


@pytest.mark.parametrize(("value", "others"), [(0, None), (3, 3), (True, None)])
def test_2_1_20_the_number_of_logprobs_is_a_switch_and_a_number(value, others):
    conversion = sent(logprobs=value)
    assert conversion.body["logprobs"] is True
    assert conversion.body.get("top_logprobs") == others
    assert conversion.warnings == []


def test_2_1_logprobs_of_the_prompt_are_left_out_with_a_warning():
    assert "prompt_logprobs" in sent(prompt_logprobs=1).warnings[0]


@pytest.mark.parametrize("value", [None, False])
def test_logprobs_that_are_not_wanted_are_no_reason_for_a_warning(value):
    assert sent(logprobs=value).warnings == []


def test_8_47_what_anthropic_does_not_take_is_named():
    names = {"presence_penalty": 1, "frequency_penalty": 1, "seed": 7, "logit_bias": {"5": -100}, "min_p": 0.1}
    conversion = sent(MESSAGES, Kind.ANTHROPIC, SONNET_45, **names)
    assert not conversion.body.keys() & names.keys()
    for name in names:
        assert any(name in warning for warning in conversion.warnings)


def test_a_local_upstream_takes_every_parameter():
    names = {"presence_penalty": 1, "seed": 7, "top_k": 40, "temperature": 0.2}
    conversion = sent(**names)
    assert conversion.body.items() >= names.items()
    assert conversion.warnings == []


def test_what_is_null_is_not_sent():
    assert "seed" not in sent(seed=None).body


def test_2_1_the_user_goes_along():
    assert sent(user="u1").body["user"] == "u1"
    assert sent(MESSAGES, Kind.ANTHROPIC, SONNET_45, user="u1").body["metadata"] == {"user_id": "u1"}
    assert sent(safety_identifier="s1").body["user"] == "s1"


def test_2_1_what_only_openai_knows_is_dropped_at_local_upstreams_without_a_word():
    conversion = sent(prompt_cache_key="k", store=True)
    assert not conversion.body.keys() & {"prompt_cache_key", "store"}
    assert conversion.warnings == []


def test_2_9_a_schema_for_the_answer_goes_along():
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    assert sent(response_format=wanted).body["response_format"]["json_schema"]["schema"] == schema
    claude = sent(MESSAGES, Kind.ANTHROPIC, OPUS_48, response_format=wanted).body
    assert claude["output_config"]["format"] == {"type": "json_schema", "schema": schema}


def test_the_body_of_the_client_is_not_changed():
    body = {"model": "m", "prompt": ["a"], "stop": "x", "rid": "r", "seed": 1}
    before = copy.deepcopy(body)
    converted(body, COMPLETIONS, GENERATE, Kind.SGLANG)
    assert body == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("stop", 7), ("stop", [7]), ("max_tokens", "16"), ("max_tokens", 1.5), ("stream_options", [])],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_name(field, value):
    with pytest.raises(BadRequest, match=field):
        sent(**{field: value})


def test_a_model_that_is_no_text_is_refused():
    with pytest.raises(BadRequest, match="model"):
        parse({"model": 7, "prompt": "Once"}, COMPLETIONS)
