"""Chat requests at Messages upstreams: section 2 of the reference, and its edge cases 33 to 50."""

import orjson
import pytest

from routing.errors import BadRequest
from routing.kinds import Kind
from tests.routing.dialects.support import (
    CHAT,
    OPUS_48,
    RESPONSES,
    SONNET_45,
    assistant,
    c_to_a,
    c_tool,
    call,
    converted,
    text,
    tool_message,
    user,
)

URI = "data:image/png;base64,AAAA"


def messages_of(*turns: dict, model: str = SONNET_45, **fields) -> list[dict]:
    return c_to_a(model, messages=list(turns), **fields).body["messages"]


def test_8_33_all_system_messages_become_the_one_system_prompt():
    turns = [
        {"role": "system", "content": "A"},
        {"role": "developer", "content": [text("B")]},
        user("hi"),
        {"role": "system", "content": "C"},
    ]
    sent = c_to_a(messages=turns).body
    assert sent["system"] == "A\nB\nC"
    assert sent["messages"] == [user("hi")]


@pytest.mark.parametrize("limit", [{}, {"max_tokens": None}, {"max_tokens": -1}, {"max_tokens": 0}])
def test_8_34_there_is_always_a_limit(limit):
    assert c_to_a(**limit).body["max_tokens"] > 0


@pytest.mark.parametrize(
    ("model", "limit"), [("claude-3-opus", 4096), ("claude-3-7-sonnet-latest", 8192), (OPUS_48, 32000)]
)
def test_2_1_the_limit_that_nobody_gave_hangs_on_the_model(model, limit):
    assert c_to_a(model).body["max_tokens"] == limit


def test_8_35_the_newer_limit_wins():
    assert c_to_a(max_tokens=10, max_completion_tokens=20).body["max_tokens"] == 20


def test_8_36_stop_sequences():
    assert c_to_a(stop="END").body["stop_sequences"] == ["END"]
    assert "stop_sequences" not in c_to_a(stop=None).body
    blank = c_to_a(stop=["  "])
    assert "stop_sequences" not in blank.body
    assert blank.warnings


def test_8_37_temperature_is_lowered_or_left_out():
    lowered = c_to_a(temperature=1.7)
    assert lowered.body["temperature"] == 1
    assert lowered.warnings
    for left_out in (c_to_a(temperature=1.7, version="2026-10-21"), c_to_a(OPUS_48, temperature=0.5)):
        assert "temperature" not in left_out.body
        assert left_out.warnings


def test_7_2_4_temperature_and_top_p_are_not_sent_together():
    conversion = c_to_a(temperature=0.5, top_p=0.9)
    assert conversion.body["temperature"] == 0.5
    assert "top_p" not in conversion.body
    both = c_to_a("claude-3-5-sonnet-20241022", temperature=0.5, top_p=0.9).body
    assert both["top_p"] == 0.9


def test_8_38_only_one_answer_can_be_asked_for():
    with pytest.raises(BadRequest, match="n must be 1"):
        c_to_a(n=2)
    assert "n" not in c_to_a(n=1).body


def test_8_39_results_and_the_user_after_them_are_one_turn():
    sent = messages_of(
        user("q"),
        assistant(None, tool_calls=[call("a"), call("b")]),
        tool_message("a"),
        tool_message("b"),
        user("go"),
    )
    assert [block["type"] for block in sent[2]["content"]] == ["tool_result", "tool_result", "text"]
    assert len(sent) == 3


@pytest.mark.parametrize(
    ("arguments", "given"),
    [("", {}), (" ", {}), (None, {}), ('{"x":1}', {"x": 1}), ("{bad", {"raw": "{bad"}), ("[1]", {"raw": [1]})],
)
def test_8_40_arguments_are_always_an_object(arguments, given):
    sent = messages_of(user("q"), assistant(None, tool_calls=[call("a", arguments=arguments)]), tool_message("a"))
    assert sent[1]["content"][0]["input"] == given


def test_2_6_arguments_that_are_an_object_already_are_taken():
    entry = call("a", arguments={"x": 1})
    sent = messages_of(user("q"), assistant(None, tool_calls=[entry]), tool_message("a"))
    assert sent[1]["content"][0]["input"] == {"x": 1}


def test_8_41_null_content_makes_no_text_block():
    sent = messages_of(user("q"), assistant(None, tool_calls=[call("a")]), tool_message("a"))
    assert [block["type"] for block in sent[1]["content"]] == ["tool_use"]


def test_8_42_one_call_at_a_time_without_a_choice():
    sent = c_to_a(tools=[c_tool()], parallel_tool_calls=False).body
    assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" not in c_to_a(tools=[c_tool()], parallel_tool_calls=True).body


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("none", {"type": "none"}),
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
        ({"type": "required"}, {"type": "any"}),
        ({"name": "f"}, {"type": "tool", "name": "f"}),
    ],
)
def test_8_43_and_2_5_choices(choice, sent):
    assert c_to_a(tools=[c_tool()], tool_choice=choice).body["tool_choice"] == sent


def test_2_5_one_at_a_time_goes_into_the_choice_but_not_into_none():
    fields = {"tools": [c_tool()], "parallel_tool_calls": False}
    assert c_to_a(tool_choice="required", **fields).body["tool_choice"]["disable_parallel_tool_use"] is True
    assert c_to_a(tool_choice="none", **fields).body["tool_choice"] == {"type": "none"}


def test_2_5_a_choice_among_some_tools_sends_those_alone():
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    sent = c_to_a(tools=[c_tool("f"), c_tool("g")], tool_choice=choice).body
    assert [tool["name"] for tool in sent["tools"]] == ["f"]
    assert sent["tool_choice"] == {"type": "any"}


def test_2_5_an_unknown_choice_is_refused():
    with pytest.raises(BadRequest, match="tool_choice"):
        c_to_a(tools=[c_tool()], tool_choice="maybe")


def test_8_44_effort_is_a_budget_up_to_4_5_and_adaptive_after():
    old = c_to_a(SONNET_45, reasoning_effort="high", max_tokens=20000, temperature=0.5, top_k=5).body
    assert old["thinking"]["type"] == "enabled"
    assert 1024 <= old["thinking"]["budget_tokens"] < old["max_tokens"]
    new = c_to_a(OPUS_48, reasoning_effort="high", temperature=0.5, top_k=5).body
    assert new["thinking"] == {"type": "adaptive"}
    assert new["output_config"] == {"effort": "high"}
    assert not {"temperature", "top_k"} & (set(old) | set(new))


@pytest.mark.parametrize("limit", [1, 500, 1024, 1025, 1366, 4000, 16000, 16001])
@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "max"])
def test_2_8_the_budget_is_never_invalid(limit, effort):
    sent = c_to_a(SONNET_45, reasoning_effort=effort, max_tokens=limit).body
    assert 1024 <= sent["thinking"]["budget_tokens"] < sent["max_tokens"]


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "config"),
    [
        (OPUS_48, "none", {"type": "disabled"}, None),
        (SONNET_45, "none", {"type": "disabled"}, None),
        ("claude-fable-5", "none", None, None),
        (OPUS_48, "minimal", {"type": "adaptive"}, {"effort": "low"}),
        (OPUS_48, "xhigh", {"type": "adaptive"}, {"effort": "xhigh"}),
        ("claude-unknown", "low", {"type": "adaptive"}, {"effort": "low"}),
    ],
)
def test_2_8_efforts_and_models(model, effort, thinking, config):
    sent = c_to_a(model, reasoning_effort=effort).body
    assert sent.get("thinking") == thinking
    assert sent.get("output_config") == config


def test_2_5_a_model_that_must_use_a_tool_does_not_think():
    fields = {"tools": [c_tool()], "tool_choice": "required", "reasoning_effort": "high"}
    old = c_to_a(SONNET_45, **fields)
    assert "thinking" not in old.body
    assert "Thinking was switched off" in old.warnings[0]
    assert "thinking" in c_to_a(OPUS_48, **fields).body


def test_2_7_a_tool_loop_without_signed_thinking_goes_on_without_thinking():
    turns = [user("q"), assistant(None, tool_calls=[call("a")]), tool_message("a")]
    conversion = c_to_a(SONNET_45, reasoning_effort="high", messages=turns)
    assert "thinking" not in conversion.body
    assert "signed" in conversion.warnings[0]


def test_2_7_a_seal_that_the_client_sent_back_is_restored():
    sealed = {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "anthropic-claude-v1"}
    hidden = {"type": "reasoning.encrypted", "data": "zzz", "format": "anthropic-claude-v1"}
    turn = assistant(None, reasoning_content="hm", reasoning_details=[sealed, hidden], tool_calls=[call("a")])
    sent = c_to_a(SONNET_45, reasoning_effort="high", messages=[user("q"), turn, tool_message("a")]).body
    assert sent["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "zzz"},
    ]
    assert sent["thinking"]["type"] == "enabled"


def test_0_top_p_is_narrow_while_a_model_thinks():
    narrow = c_to_a(SONNET_45, reasoning_effort="high", top_p=0.5)
    assert "top_p" not in narrow.body
    assert c_to_a(SONNET_45, reasoning_effort="high", top_p=0.97).body["top_p"] == 0.97


@pytest.mark.parametrize(
    ("uri", "media_type", "data"),
    [
        ("DATA:image/PNG;base64,AAAA", "image/png", "AAAA"),
        ("data:image/png;charset=utf-8;base64,AA AA\n", "image/png", "AAAA"),
        ("data:;base64,AAAA", "image/jpeg", "AAAA"),
    ],
)
def test_8_45_data_addresses_of_all_sorts(uri, media_type, data):
    (message,) = messages_of(user([{"type": "image_url", "image_url": {"url": uri, "detail": "low"}}]))
    assert message["content"][0]["source"] == {"type": "base64", "media_type": media_type, "data": data}


def test_2_3_an_image_address_may_be_a_bare_text():
    (message,) = messages_of(user([{"type": "image_url", "image_url": "https://x/y.png"}]))
    assert message["content"][0]["source"] == {"type": "url", "url": "https://x/y.png"}


@pytest.mark.parametrize("uri", ["data:image/png,plain", "data:image/bmp;base64,AAAA"])
def test_2_3_images_that_anthropic_does_not_take_are_refused(uri):
    with pytest.raises(BadRequest):
        messages_of(user([{"type": "image_url", "image_url": {"url": uri}}]))


def test_8_46_audio_is_refused_by_name():
    part = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    with pytest.raises(BadRequest, match="input_audio"):
        messages_of(user([part]))
    with pytest.raises(BadRequest, match="audio"):
        c_to_a(modalities=["text", "audio"], audio={"voice": "x"})


def test_8_47_what_anthropic_does_not_have_is_left_out_and_each_is_said():
    fields = {"presence_penalty": 1, "seed": 3, "logit_bias": {"1": 2}, "min_p": 0.1}
    conversion = c_to_a(**fields)
    assert not set(fields) & set(conversion.body)
    assert [warning.split()[0] for warning in conversion.warnings] == list(fields)


def test_8_109_top_k_is_not_sent_to_models_that_refuse_it():
    conversion = c_to_a(OPUS_48, top_k=20)
    assert "top_k" not in conversion.body
    assert "top_k" in conversion.warnings[0]


def test_8_48_an_id_is_made_legal_always_in_the_same_way():
    def ids() -> list[str]:
        turns = user("q"), assistant(None, tool_calls=[call("functions.get:0")]), tool_message("functions.get:0")
        sent = messages_of(*turns)
        return [sent[1]["content"][0]["id"], sent[2]["content"][0]["tool_use_id"]]

    one, other = ids()
    assert one == other
    assert one.replace("_", "").replace("-", "").isalnum()
    assert ids() == [one, other]


def test_2_6_an_id_that_comes_again_in_a_later_turn_is_another_id():
    turn = [assistant(None, tool_calls=[call("a")]), tool_message("a")]
    sent = messages_of(user("q"), *turn, *turn)
    ids = [sent[1]["content"][0]["id"], sent[3]["content"][0]["id"]]
    assert len(set(ids)) == 2
    assert [sent[2]["content"][0]["tool_use_id"], sent[4]["content"][0]["tool_use_id"]] == ids


def test_8_49_unsigned_reasoning_is_no_thinking_block():
    sent = messages_of(user("q"), assistant("a", reasoning_content="hm"), user("b"))
    assert sent[1] == assistant("a")


def test_8_50_an_empty_assistant_message_leaves_no_empty_block():
    sent = messages_of(user("q"), assistant(""), user("b"))
    assert [message["content"] for message in sent] == ["q", "b"]


def test_2_3_a_message_of_unknown_parts_alone_is_refused():
    with pytest.raises(BadRequest, match="only odd, which this upstream does not know"):
        messages_of(user([{"type": "odd"}]))
    with pytest.raises(BadRequest, match="nothing that this upstream knows"):
        messages_of(user("hi"), assistant([{"type": "odd"}]), user("go"))


def test_2_3_files_and_refusals():
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
    sent = messages_of(user([file]), assistant([{"type": "refusal", "refusal": "no"}]), user("b"))
    assert sent[0]["content"][0] == {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
        "title": "a.pdf",
    }
    assert sent[1] == assistant("no")
    assert messages_of(user("q"), assistant(None, refusal="never"), user("b"))[1] == assistant("never")
    with pytest.raises(BadRequest, match="file by its id"):
        messages_of(user([{"type": "file", "file": {"file_id": "file-1"}}]))


def test_2_9_a_schema_is_closed_and_json_object_is_left_out():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "object"}, "b": {"type": "array", "items": [{"type": "object"}]}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    sent = c_to_a(response_format=wanted).body["output_config"]["format"]
    assert orjson.dumps(sent).count(b'"additionalProperties":false') == 3
    assert c_to_a(response_format={"type": "json_object"}).warnings
    assert "output_config" not in c_to_a(response_format={"type": "text"}).body


@pytest.mark.parametrize("model", [OPUS_48, SONNET_45])
def test_2_10_prefill(model):
    turns = [user("q"), assistant("He ")]
    if model == SONNET_45:
        assert messages_of(*turns)[1]["content"] == "He"
        with pytest.raises(BadRequest, match="does not continue"):
            c_to_a(model, messages=turns, reasoning_effort="high")
        return
    with pytest.raises(BadRequest, match="does not continue"):
        c_to_a(model, messages=turns)


def test_2_10_prefill_after_sealed_thinking():
    sealed = {"type": "reasoning.text", "text": "hm", "signature": "sig"}
    sent = messages_of(user("q"), assistant("He ", reasoning_details=[sealed]))
    assert sent[1]["content"][-1] == text("He")


def test_2_4_strict_and_free_form_tools():
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}
    custom = {"type": "custom", "custom": {"name": "patch", "description": "p", "format": grammar}}
    conversion = c_to_a(tools=[c_tool(strict=True), custom])
    function, wrapped = conversion.body["tools"]
    assert function["strict"] is True
    assert wrapped["input_schema"]["required"] == ["input"]
    assert "start: X" in wrapped["description"]
    assert "grammar" in conversion.warnings[0]


def test_2_4_functions_of_before_there_were_tools():
    sent = c_to_a(
        functions=[{"name": "f", "parameters": {}}],
        function_call={"name": "f"},
        messages=[
            user("q"),
            assistant(None, function_call={"name": "f", "arguments": '{"x":1}'}),
            {"role": "function", "name": "f", "content": "1"},
        ],
    ).body
    assert sent["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    assert sent["tool_choice"] == {"type": "tool", "name": "f"}
    assert sent["messages"][1]["content"][0]["id"] == sent["messages"][2]["content"][0]["tool_use_id"]


def test_2_4_web_search_is_anthropics_own():
    tool = {"type": "web_search", "filters": {"allowed_domains": ["a.org"]}}
    (sent,) = c_to_a(tools=[tool]).body["tools"]
    assert sent == {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.org"]}
    assert c_to_a(web_search_options={}).body["tools"][0]["name"] == "web_search"


def test_2_1_users_tiers_and_the_rest_of_openais_fields():
    conversion = c_to_a(user="u", service_tier="default", store=True, metadata={"a": "b"}, verbosity="low", stream=True)
    assert conversion.body["metadata"] == {"user_id": "u"}
    assert conversion.body["service_tier"] == "standard_only"
    assert conversion.body["stream"] is True
    assert "store" not in conversion.body
    assert conversion.warnings == ["verbosity was left out: Anthropic's Messages have nothing like it."]


def test_6_3_blocks_of_anthropic_inside_chat_messages_are_understood():
    sent = messages_of(
        user("q"),
        assistant([{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]),
        user([{"type": "tool_result", "tool_use_id": "a", "content": "1"}, text("go")]),
    )
    assert sent[1]["content"][0]["input"] == {"x": 1}
    assert [block["type"] for block in sent[2]["content"]] == ["tool_result", "text"]


def test_6_3_empty_fields_of_some_clients_are_absent():
    sent = c_to_a(stop=[], tools=[], logit_bias=None, max_tokens=-1, tool_choice=None).body
    assert set(sent) == {"model", "max_tokens", "messages"}


def test_a_local_messages_upstream_takes_what_a_local_one_takes():
    turns = [user("q"), assistant("a", reasoning_content="hm"), user("b")]
    sent = c_to_a("qwen", Kind.LMSTUDIO, messages=turns, min_p=0.1, temperature=1.7, reasoning_effort="low").body
    assert sent["min_p"] == 0.1
    assert sent["temperature"] == 1.7
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert sent["messages"][1]["content"][0] == {"type": "thinking", "thinking": "hm", "signature": ""}


def test_an_unknown_role_is_the_users():
    conversion = c_to_a(messages=[{"role": "msg", "content": "hi"}])
    assert conversion.body["messages"] == [user("hi")]
    assert "msg" in conversion.warnings[0]


def chat_to_responses(kind: Kind = Kind.OPENAI, model: str = "gpt-5", **fields) -> dict:
    return converted({"model": "asked", "messages": [user("hi")], **fields}, CHAT, RESPONSES, kind, model).body


def test_chat_to_responses():
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True, "description": "d"}}
    sent = chat_to_responses(
        messages=[
            {"role": "system", "content": "S"},
            user([text("q"), {"type": "image_url", "image_url": {"url": URI, "detail": "low"}}]),
            assistant(
                "a", tool_calls=[call("c1"), {"id": "c2", "type": "custom", "custom": {"name": "p", "input": "x"}}]
            ),
            tool_message("c1"),
            tool_message("c2"),
            assistant(None, refusal="no"),
            {"role": "developer", "content": "D"},
        ],
        tools=[c_tool(), {"type": "custom", "custom": {"name": "p", "format": grammar}}, {"type": "web_search"}],
        tool_choice={"type": "custom", "custom": {"name": "p"}},
        parallel_tool_calls=False,
        response_format=wanted,
        reasoning_effort="high",
        verbosity="low",
        user="u" * 70,
        store=True,
        service_tier="flex",
        max_completion_tokens=9,
        temperature=1,
        stop="x",
    )
    assert sent["instructions"] == "S"
    assert [item["type"] for item in sent["input"]] == [
        "message",
        "message",
        "function_call",
        "custom_tool_call",
        "function_call_output",
        "custom_tool_call_output",
        "message",
        "message",
    ]
    assert sent["input"][0]["content"][1] == {"type": "input_image", "image_url": URI, "detail": "low"}
    assert sent["tools"][0]["strict"] is False
    assert sent["tools"][1]["format"] == {"type": "grammar", "syntax": "regex", "definition": "a+"}
    assert sent["tools"][2] == {"type": "web_search"}
    assert sent["tool_choice"] == {"type": "custom", "name": "p"}
    assert sent["text"]["format"]["name"] == "n"
    assert sent["text"]["verbosity"] == "low"
    assert sent["reasoning"] == {"effort": "high"}
    assert len(sent["safety_identifier"]) == 64
    assert (sent["store"], sent["service_tier"], sent["max_output_tokens"]) == (True, "flex", 9)
    assert not {"temperature", "stop"} & set(sent)
