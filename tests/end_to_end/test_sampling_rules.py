"""The four layers as an upstream sees them: enforced > request > model > default."""

import pytest

from tests.end_to_end.answers import json_answer, stream
from tests.end_to_end.exchanges import CHAT, COMPLETIONS, GENERATE, MESSAGES, RESPONSES


@pytest.fixture
def sent(client, upstream):
    """The body that the upstream gets for a request of this model with these fields."""

    def send(model, exchange=CHAT, **fields):
        upstream.reset()
        upstream.answer(json_answer(exchange.answer))
        answer = client.post(exchange.client_path, json=exchange.body(model, **fields), headers=exchange.headers)
        assert answer.status_code == 200, answer.text
        return upstream.call.json()

    return send


def _added(body, exchange=CHAT):
    return {name: value for name, value in body.items() if name != "model" and name not in exchange.request}


def test_each_layer_gives_way_to_the_one_above(sent):
    """Case 106 of the wire reference."""
    body = sent("four-layers", top_k=3, min_p=0.3)
    assert _added(body) == {"temperature": 0.1, "top_p": 0.2, "top_k": 3, "min_p": 0.4}


def test_every_field_of_the_request_stays(sent):
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    body = sent("four-layers", tools=tools, unheard_of={"a": [1, None]}, stream=False)
    assert body["messages"] == CHAT.request["messages"]
    assert body["tools"] == tools
    assert body["unheard_of"] == {"a": [1, None]}
    assert body["stream"] is False


def test_names_of_models_have_no_case(sent):
    assert _added(sent("Four-LAYERS"))["min_p"] == 0.4


def test_a_null_in_a_preset_switches_the_parameter_off(sent):
    assert _added(sent("disabled")) == {"top_p": 0.5}


def test_a_glob_is_for_every_name_it_matches(sent):
    assert _added(sent("disabling")) == {"temperature": 0.5, "top_p": 0.5}


def test_a_null_in_the_request_counts_as_set(sent):
    """Case 106 of the wire reference says that it does not: the design stands (docs/decisions.md)."""
    assert _added(sent("without-default", top_k=None)) == {"top_k": None}


def test_a_model_rule_needs_no_default_of_the_same_key(sent):
    assert _added(sent("without-default")) == {"top_k": 7}


def test_objects_merge_deeply(sent):
    body = sent("deep", chat_template_kwargs={"style": {"length": 2}, "mine": 1})
    assert body["chat_template_kwargs"] == {"thinking": True, "style": {"tone": "dry", "length": 2}, "mine": 1}


def test_values_keep_their_type(sent):
    body = sent("typed", enable_thinking=True, chat_template_kwargs={"y": 2})
    assert body["enable_thinking"] is False
    assert type(body["top_k"]) is int
    assert body["stop"] == ["END"]
    assert body["chat_template_kwargs"] == {"x": 1, "y": 2}


@pytest.mark.parametrize("exchange", [CHAT, COMPLETIONS, MESSAGES, RESPONSES], ids=str)
def test_rules_apply_in_every_dialect(sent, exchange):
    assert sent("nested", exchange)["temperature"] == 0.3


def test_generate_has_its_parameters_nested(sent):
    body = sent("nested", GENERATE, sampling_params={"top_p": 0.7})
    assert body["sampling_params"] == {"top_p": 0.7, "temperature": 0.3, "max_new_tokens": 7}
    assert set(body) == {"model", "text", "sampling_params"}


def test_generate_without_parameters_gets_them(sent):
    assert sent("nested", GENERATE)["sampling_params"] == {"temperature": 0.3, "max_new_tokens": 7}


def test_generate_with_a_list_of_parameters_gets_them_in_each(sent):
    body = sent("nested", GENERATE, text=["a", "b"], sampling_params=[{"temperature": 0}, {}])
    assert [item["temperature"] for item in body["sampling_params"]] == [0, 0.3]


def test_another_name_of_the_same_parameter_counts_as_set(sent):
    body = sent("nested", max_completion_tokens=99)
    assert body["max_completion_tokens"] == 99
    assert "max_tokens" not in body


def test_a_rule_for_messages_clients_is_for_no_others(sent):
    assert sent("scoped", MESSAGES)["temperature"] == 0.9
    assert "temperature" not in sent("scoped", CHAT)


def test_embeddings_are_left_alone(client, upstream):
    """Row 7.2.10 of the wire reference."""
    upstream.answer(json_answer({"data": []}))
    client.post("/v1/embeddings", json={"model": "four-layers", "input": "Hello"})
    assert upstream.call.json() == {"model": "four-layers", "input": "Hello"}


def test_rules_apply_to_streams_too(client, upstream):
    upstream.answer(stream(*CHAT.events))
    client.post("/v1/chat/completions", json=CHAT.body("four-layers", stream=True))
    assert upstream.call.json()["min_p"] == 0.4


def test_a_parameter_that_the_upstream_cannot_carry_is_left_out_with_a_warning(client, proxy, upstream):
    upstream.answer(json_answer(MESSAGES.answer))
    answer = client.post("/v1/messages", json=MESSAGES.body("via-anthropic"), headers=MESSAGES.headers)
    assert upstream.call.json()["top_k"] == 5
    assert "min_p" not in upstream.call.json()
    assert any("min_p" in warning for warning in proxy.record(answer)["warnings"])


def test_each_change_is_recorded_with_from_to_and_origin(client, proxy, upstream):
    upstream.answer(json_answer(CHAT.answer))
    answer = client.post("/v1/chat/completions", json=CHAT.body("four-layers", top_k=3, min_p=0.3))
    changes = {change["name"]: change for change in proxy.record(answer)["changes"]}
    assert set(changes) == {"temperature", "top_p", "min_p"}
    assert (changes["min_p"]["from"], changes["min_p"]["to"]) == (0.3, 0.4)
    assert "from" not in changes["top_p"]
    assert changes["top_p"]["origin"].startswith("model")
    assert changes["temperature"]["origin"].startswith("default")
    assert changes["min_p"]["origin"].startswith("enforced")


def test_each_change_is_logged_when_override_logs_are_on(client, proxy, upstream):
    upstream.answer(json_answer(CHAT.answer))
    client.post("/v1/chat/completions", json=CHAT.body("four-layers", min_p=0.3))
    line = next(line for line in proxy.log_since_mark().splitlines() if "min_p" in line)
    assert "INFO" in line
    assert "0.3" in line
    assert "0.4" in line
    assert upstream.call.header("x-request-id") in line
