"""Completions at SGLang's /generate: sections 7.1 to 7.3 of the reference."""

import orjson
import pytest

from routing.dialects.conversion import choose
from routing.errors import BadRequest, DialectNotSpoken
from routing.kinds import Kind
from tests.routing.dialects.support import CHAT, COMPLETIONS, GENERATE, MESSAGES, converted, user


def sent(**fields):
    return converted(
        {"model": "asked", "prompt": "Once", "max_tokens": 9, **fields}, COMPLETIONS, GENERATE, Kind.SGLANG
    )


def parameters(**fields) -> dict:
    return sent(**fields).body["sampling_params"]


def test_7_3_the_prompt_is_text_and_the_rest_is_in_sampling_params():
    conversion = sent(temperature=0.2, top_p=0.9, stop=["END"], min_p=0.1)
    assert conversion.path == "generate"
    assert conversion.body == {
        "text": "Once",
        "sampling_params": {"temperature": 0.2, "top_p": 0.9, "min_p": 0.1, "max_new_tokens": 9, "stop": ["END"]},
    }


def test_8_107_sampling_params_are_there_even_when_nothing_was_asked():
    assert sent(max_tokens=-1).body == {"text": "Once", "sampling_params": {}}


def test_7_3_stream_stands_beside_them():
    assert sent(stream=True).body["stream"] is True
    assert "stream" not in sent(stream=False).body


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        ("seed", "sampling_seed"),
        ("min_tokens", "min_new_tokens"),
        ("repeat_penalty", "repetition_penalty"),
        ("include_stop_str_in_output", "no_stop_trim"),
        ("stop_token_ids", "stop_token_ids"),
        ("ignore_eos", "ignore_eos"),
    ],
)
def test_7_1_parameters_have_the_names_of_generate(asked, own):
    assert parameters(**{asked: 1}) == {own: 1, "max_new_tokens": 9}


@pytest.mark.parametrize("name", ["dry_multiplier", "guided_json", "mirostat", "return_logprob", "reasoning_effort"])
def test_7_1_a_name_that_it_would_refuse_is_left_out_with_a_warning(name):
    conversion = sent(**{name: 1})
    assert conversion.body == sent().body
    assert any(name in warning for warning in conversion.warnings)


@pytest.mark.parametrize("name", ["rid", "lora_path", "session_params", "custom_logit_processor", "priority"])
def test_7_2_3_what_is_no_sampling_parameter_stays_at_the_top(name):
    body = sent(**{name: "x"}).body
    assert body[name] == "x"
    assert name not in body["sampling_params"]


def test_what_is_null_stays_away():
    assert "rid" not in sent(rid=None).body


@pytest.mark.parametrize("off", [0, -1])
def test_8_110_top_k_off_is_minus_one(off):
    assert parameters(top_k=off)["top_k"] == -1


def test_8_108_one_parameter_under_two_names_is_sent_once():
    conversion = sent(repetition_penalty=1.1, repeat_penalty=1.05)
    assert conversion.body["sampling_params"]["repetition_penalty"] == 1.1
    assert any("repeat_penalty" in warning for warning in conversion.warnings)


def test_2_9_a_schema_travels_as_a_text():
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    assert orjson.loads(parameters(response_format=wanted)["json_schema"]) == schema
    assert orjson.loads(parameters(json_schema=schema)["json_schema"]) == schema
    assert parameters(json_schema='{"type": "array"}')["json_schema"] == '{"type": "array"}'


def test_2_9_any_object_is_a_schema_too():
    assert parameters(response_format={"type": "json_object"})["json_schema"] == '{"type":"object"}'


def test_2_9_text_is_what_it_writes_anyway():
    assert parameters(response_format={"type": "text"}) == {"max_new_tokens": 9}


def test_an_image_cannot_be_a_prompt():
    image = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    body = {"model": "m", "max_tokens": 9, "messages": [user([image])]}
    with pytest.raises(BadRequest, match="Only text"):
        converted(body, MESSAGES, GENERATE, Kind.SGLANG)


def test_completions_prefer_generate_to_a_conversation():
    assert choose(COMPLETIONS, {GENERATE, CHAT}) is GENERATE
    assert choose(COMPLETIONS, {COMPLETIONS, GENERATE}) is COMPLETIONS


def test_conversations_are_not_sent_to_generate():
    with pytest.raises(DialectNotSpoken):
        choose(CHAT, {GENERATE})
