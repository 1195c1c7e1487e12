"""Requests for a Responses upstream: section 2 of the reference, from chat and from messages to R."""

import pytest

from routing.dialects import Dialect
from routing.dialects.capabilities import capabilities
from routing.dialects.request import (
    Audio,
    Document,
    Image,
    Reasoning,
    Request,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Unknown,
)
from routing.dialects.responses.render import render
from routing.errors import BadRequest
from routing.kinds import Kind
from tests.routing.dialects.responses.making import PNG, from_chat, from_messages

OPENAI = capabilities(Kind.OPENAI, "gpt-5", Dialect.RESPONSES)
LOCAL = capabilities(Kind.OTHER, "qwen", Dialect.RESPONSES)


def items_of(*parts, role=Role.USER, of=OPENAI):
    request = Request(turns=[Turn(role, list(parts))])
    return render(request, of)["input"], request


def messages(*turns):
    return [dict(zip(("role", "content"), turn, strict=True)) for turn in turns]


def test_2_1_system_is_instructions_and_messages_are_input():
    sent, _ = from_messages(system="S", messages=messages(("user", "hi"), ("assistant", "yes"), ("user", "go")))
    assert sent["instructions"] == "S"
    assert sent["input"] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
    ]


def test_8_28_max_tokens_is_max_output_tokens():
    assert from_messages(max_tokens=100)[0]["max_output_tokens"] == 100
    assert from_chat(max_tokens=10, max_completion_tokens=20)[0]["max_output_tokens"] == 20


def test_2_1_sampling_that_responses_lack_is_left_out_with_a_warning():
    sent, request = from_chat(temperature=1.5, top_p=0.5, seed=1, presence_penalty=1, logit_bias={"1": 1}, stop=["END"])
    assert sent["temperature"] == 1.5
    assert sent["top_p"] == 0.5
    assert not {"seed", "presence_penalty", "logit_bias", "stop"} & set(sent)
    assert len(request.warnings) == 4


def test_7_2_models_that_think_take_no_temperature():
    sent, request = from_chat(model="gpt-5", temperature=0.5)
    assert "temperature" not in sent
    assert "temperature" in request.warnings[0]


def test_8_56_any_is_required():
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    assert from_messages(tools=tools, tool_choice={"type": "any"})[0]["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("choice", "sent"),
    [("auto", "auto"), ("none", "none"), ("required", "required")],
)
def test_2_5_choices_are_words(choice, sent):
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert from_chat(tools=tools, tool_choice=choice)[0]["tool_choice"] == sent


def test_2_5_a_chosen_tool_is_named_flat():
    tools = [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "p"}}]
    chosen = {"type": "function", "function": {"name": "f"}}
    assert from_chat(tools=tools, tool_choice=chosen)[0]["tool_choice"] == {"type": "function", "name": "f"}
    chosen = {"type": "custom", "custom": {"name": "p"}}
    assert from_chat(tools=tools, tool_choice=chosen)[0]["tool_choice"] == {"type": "custom", "name": "p"}


def test_2_5_one_call_at_a_time():
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    sent, _ = from_messages(tools=tools, tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ("auto", False)


def test_8_18_without_tools_there_is_no_choice():
    sent, _ = from_messages(tools=[], tool_choice={"type": "any"})
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(sent)


def test_2_4_functions_are_flat_and_say_that_they_are_not_strict():
    sent, _ = from_messages(tools=[{"name": "f", "description": "d"}])
    schema = {"type": "object", "properties": {}}
    assert sent["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": False}
    ]
    strict = {"type": "function", "function": {"name": "f", "strict": True}}
    assert from_chat(tools=[strict])[0]["tools"][0]["strict"] is True
    assert "strict" not in from_chat(Kind.OTHER, tools=[strict])[0]["tools"][0]


def test_2_4_custom_tools_are_flat_too():
    format = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    custom = {"type": "custom", "custom": {"name": "p", "format": format}}
    flat = {"type": "grammar", "syntax": "lark", "definition": "x"}
    assert from_chat(tools=[custom])[0]["tools"] == [{"type": "custom", "name": "p", "format": flat}]
    plain = {"type": "custom", "custom": {"name": "p"}}
    assert from_chat(tools=[plain])[0]["tools"] == [{"type": "custom", "name": "p"}]


def test_2_4_web_search_is_the_same_tool_by_another_name():
    place = {"type": "approximate", "city": "Bern"}
    tool = {
        "type": "web_search_20250305",
        "name": "web_search",
        "allowed_domains": ["a.org"],
        "user_location": place,
    }
    expected = {"type": "web_search", "user_location": place, "filters": {"allowed_domains": ["a.org"]}}
    assert from_messages(tools=[tool])[0]["tools"] == [expected]
    assert from_chat(web_search_options={})[0]["tools"] == [{"type": "web_search"}]


def test_2_4_other_tools_of_anthropics_servers_are_left_out_with_a_warning():
    sent, request = from_messages(tools=[{"type": "code_execution_20250825", "name": "code_execution"}])
    assert "tools" not in sent
    assert "code_execution" in request.warnings[0]


def test_2_6_calls_and_results_are_items():
    sent, _ = from_messages(
        messages=messages(
            ("user", "go"),
            (
                "assistant",
                [
                    {"type": "text", "text": "a"},
                    {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}},
                    {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
                ],
            ),
            (
                "user",
                [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "1"},
                    {"type": "tool_result", "tool_use_id": "t2"},
                    {"type": "text", "text": "on"},
                ],
            ),
        )
    )
    assert sent["input"][1:] == [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "function_call", "call_id": "t1", "name": "f", "arguments": '{"x":1}'},
        {"type": "function_call", "call_id": "t2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "t1", "output": "1"},
        {"type": "function_call_output", "call_id": "t2", "output": ""},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "on"}]},
    ]


def test_2_6_images_in_results_are_kept():
    inner = [Text("see"), Image("image/png", "AAAA", detail="low")]
    sent, _ = items_of(ToolResult("a", inner))
    assert sent[0]["output"] == [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
    ]


def test_2_6_custom_calls_stay_custom():
    sent, _ = items_of(ToolCall("a", "p", "text", custom=True), role=Role.ASSISTANT)
    assert sent == [{"type": "custom_tool_call", "call_id": "a", "name": "p", "input": "text"}]
    sent, _ = items_of(ToolResult("a", [Text("ok")], custom=True))
    assert sent == [{"type": "custom_tool_call_output", "call_id": "a", "output": "ok"}]


def test_2_3_images_and_documents():
    sent, _ = items_of(
        Image(url="https://x/y.png"),
        Document(data="QQ=="),
        Document(url="https://x/a.pdf"),
        Document(text="plain", title="T"),
        Document(parts=[Text("inner")]),
    )
    assert sent[0]["content"] == [
        {"type": "input_image", "image_url": "https://x/y.png"},
        {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,QQ=="},
        {"type": "input_file", "file_url": "https://x/a.pdf"},
        {"type": "input_text", "text": "T\nplain"},
        {"type": "input_text", "text": "inner"},
    ]


@pytest.mark.parametrize("part", [Image(file_id="f"), Document(file_id="f"), Audio("QQ==", "wav")])
def test_2_3_what_belongs_to_another_provider_is_refused(part):
    with pytest.raises(BadRequest):
        items_of(part)


def test_2_3_unknown_parts_are_left_out_with_their_type():
    sent, request = items_of(Text(""), Unknown("container_upload"))
    assert sent == []
    assert "container_upload" in request.warnings[0]


def test_parts_that_an_assistant_cannot_say_are_left_out_with_a_warning():
    sent, request = items_of(Image(url="x"), Unknown("mcp_call"), Text(""), Text("a"), role=Role.ASSISTANT)
    assert [item["content"][0]["text"] for item in sent] == ["a"]
    assert len(request.warnings) == 3  # two parts, and that the turn is the last one


def test_a_refusal_stays_a_refusal():
    sent, _ = from_chat(
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": None, "refusal": "no"},
            {"role": "user", "content": "please"},
        ]
    )
    assert sent["input"][1]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_2_2_a_system_message_in_the_middle_is_the_developers():
    turns = messages(("user", "a"), ("system", "b"), ("user", "c"))
    assert from_chat(messages=turns)[0]["input"][1]["role"] == "developer"
    assert from_chat(Kind.OTHER, messages=turns)[0]["input"][1]["role"] == "system"


def test_2_7_only_what_openai_sealed_goes_back_to_it_and_only_before_what_follows():
    sealed = Reasoning("short", encrypted="opaque", id="rs_1")
    parts = [Reasoning("loose"), sealed, ToolCall("a", "f", "{}"), Reasoning(encrypted="last")]
    sent, request = items_of(*parts, role=Role.ASSISTANT)
    assert sent == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "short"}],
            "encrypted_content": "opaque",
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
    ]
    assert "refuses it alone" in request.warnings[0]


def test_2_7_local_servers_get_the_text_of_the_reasoning():
    sent, _ = items_of(Reasoning("hm"), Text("a"), role=Role.ASSISTANT, of=LOCAL)
    assert sent[0] == {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, None),
        ({"output_config": {"effort": "high"}}, {"effort": "high"}),
        ({"thinking": {"type": "adaptive"}}, {"summary": "auto"}),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1500}}, {"effort": "minimal", "summary": "auto"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 20000}}, {"effort": "high", "summary": "auto"}),
        ({"thinking": {"type": "disabled"}}, None),
    ],
)
def test_2_8_thinking_becomes_effort_and_a_summary_is_asked_for(fields, sent):
    assert from_messages(**fields)[0].get("reasoning") == sent


def test_2_9_structured_output_is_flat_and_has_a_name():
    format = {"type": "json_schema", "schema": {"type": "object"}}
    sent, _ = from_messages(output_config={"format": format})
    assert sent["text"]["format"] == {**format, "name": "structured_output"}
    named = {"name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"}
    sent, _ = from_chat(response_format={"type": "json_schema", "json_schema": named})
    assert sent["text"]["format"] == {"type": "json_schema", **named}
    assert from_chat(response_format={"type": "json_object"})[0]["text"] == {"format": {"type": "json_object"}}


def test_2_1_verbosity_goes_into_text_where_it_is_known():
    assert from_chat(verbosity="low")[0]["text"] == {"verbosity": "low"}
    sent, request = from_chat(Kind.OTHER, verbosity="low")
    assert "text" not in sent
    assert "verbosity" in request.warnings[0]


def test_8_30_a_long_user_name_fits_the_safety_identifier():
    assert len(from_messages(metadata={"user_id": "u" * 300})[0]["safety_identifier"]) == 64
    assert from_messages(Kind.OTHER, metadata={"user_id": "u" * 300})[0]["user"] == "u" * 300


def test_2_1_what_openai_shares_is_kept_and_nothing_is_stored():
    sent, _ = from_chat(metadata={"a": "b"}, prompt_cache_key="k", service_tier="flex", prediction={"type": "content"})
    assert (sent["metadata"], sent["prompt_cache_key"], sent["service_tier"]) == ({"a": "b"}, "k", "flex")
    assert "prediction" not in sent
    assert sent["store"] is False
    assert from_chat(store=True)[0]["store"] is True


def test_2_1_models_that_think_are_asked_for_their_sealed_reasoning():
    assert from_messages()[0]["include"] == ["reasoning.encrypted_content"]
    assert "include" not in from_chat()[0]


def test_2_1_20_logprobs_are_included():
    sent, request = from_chat(logprobs=True, top_logprobs=2)
    assert (sent["include"], sent["top_logprobs"]) == (["message.output_text.logprobs"], 2)
    assert request.warnings == []


def test_2_1_a_stream_is_asked_for_without_stream_options():
    sent, _ = from_chat(stream=True, stream_options={"include_usage": True})
    assert sent["stream"] is True
    assert "stream_options" not in sent


def test_2_10_a_trailing_assistant_turn_is_warned_of():
    _, request = from_chat(messages=messages(("user", "a"), ("assistant", "b")))
    assert "does not continue" in request.warnings[0]
