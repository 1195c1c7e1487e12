"""Messages requests at chat upstreams: section 2 of the reference, and its edge cases 1 to 32."""

import copy

import orjson
import pytest

from routing.errors import BadRequest, ThreadNotKept
from routing.kinds import Kind
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    a_to_c,
    a_tool,
    assistant,
    converted,
    text,
    tool_result,
    tool_use,
    user,
)

PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}


def messages_of(*turns: dict, kind: Kind = Kind.VLLM, model: str = "", **fields) -> list[dict]:
    return a_to_c(kind, model, messages=list(turns), **fields).body["messages"]


def test_8_1_a_system_text_becomes_the_first_message_and_the_body_is_not_touched():
    body = {"model": "m", "max_tokens": 5, "system": "X", "messages": [user("hi")]}
    before = copy.deepcopy(body)
    sent = converted(body, MESSAGES, CHAT).body
    assert sent["messages"][0] == {"role": "system", "content": "X"}
    assert body == before


def test_8_2_system_blocks_become_one_message_without_cache_control():
    blocks = [text("A"), {**text("B"), "cache_control": {"type": "ephemeral"}}]
    cached = {"cache_control": {"type": "ephemeral"}}
    sent = a_to_c(system=blocks, tools=[a_tool(**cached)], messages=[user([{**text("hi"), **cached}])]).body
    assert sent["messages"][0] == {"role": "system", "content": "A\nB"}
    assert [m["role"] for m in sent["messages"]] == ["system", "user"]
    assert b"cache_control" not in orjson.dumps(sent)


@pytest.mark.parametrize("system", ["", [], None, [text("")]])
def test_8_3_an_empty_system_prompt_is_no_message(system):
    assert messages_of(user("hi"), system=system) == [user("hi")]


def test_8_4_the_billing_header_does_not_reach_a_local_upstream():
    sent = messages_of(user("hi"), system=[text("x-anthropic-billing-header: cc=1; hash"), text("B")])
    assert sent[0]["content"] == "B"


def test_8_5_a_text_and_a_list_of_one_text_are_the_same():
    assert messages_of(user("hi")) == messages_of(user([text("hi")]))


def test_8_6_text_and_two_calls_become_one_message_with_both():
    turns = assistant([text("a"), tool_use("t1"), tool_use("t2", "g")]), user([tool_result("t1"), tool_result("t2")])
    sent = messages_of(*turns)
    assert sent[0]["content"] == "a"
    assert [(c["id"], c["function"]["name"]) for c in sent[0]["tool_calls"]] == [("t1", "f"), ("t2", "g")]


def test_8_7_a_turn_of_calls_alone_has_null_content():
    sent = messages_of(assistant([tool_use("t1")]), user([tool_result("t1")]))
    assert sent[0]["content"] is None
    assert sent[0]["tool_calls"]


def test_8_8_an_empty_input_is_an_empty_object():
    sent = messages_of(assistant([tool_use("t1")]), user([tool_result("t1")]))
    assert sent[0]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_8_9_arguments_parse_back_to_the_input():
    given = {"text": 'ä "quoted" \\ 日本', "n": [1, None]}
    sent = messages_of(assistant([tool_use("t1", **given)]), user([tool_result("t1")]))
    assert orjson.loads(sent[0]["tool_calls"][0]["function"]["arguments"]) == given


def test_8_10_results_come_first_and_then_what_the_user_says():
    sent = messages_of(
        assistant([tool_use("t1"), tool_use("t2")]),
        user([tool_result("t1", "1"), tool_result("t2", "2"), text("go")]),
    )
    assert sent[1:] == [
        {"role": "tool", "tool_call_id": "t1", "content": "1"},
        {"role": "tool", "tool_call_id": "t2", "content": "2"},
        user("go"),
    ]


def test_8_11_text_before_a_result_goes_after_it():
    sent = messages_of(assistant([tool_use("t1")]), user([text("x"), tool_result("t1", "1")]))
    assert [m["role"] for m in sent] == ["assistant", "tool", "user"]


@pytest.mark.parametrize("content", [None, "", []])
def test_8_12_a_result_without_content_has_an_empty_text(content):
    sent = messages_of(assistant([tool_use("t1")]), user([tool_result("t1", content)]))
    assert sent[1]["content"] == ""


def test_8_13_a_list_of_texts_is_joined_and_never_written_as_a_list():
    sent = messages_of(assistant([tool_use("t1")]), user([tool_result("t1", [text("a"), text("b")])]))
    assert sent[1]["content"] == "a\nb"


def test_8_14_images_of_results_follow_all_results():
    sent = messages_of(
        assistant([tool_use("t1"), tool_use("t2")]),
        user([tool_result("t1", [PNG]), tool_result("t2", "2")]),
    )
    assert [m["role"] for m in sent] == ["assistant", "tool", "tool", "user"]
    assert sent[1]["content"]
    assert sent[3]["content"][0]["image_url"]["url"] == "data:image/png;base64,AAAA"


def test_8_15_an_error_keeps_its_text():
    sent = messages_of(assistant([tool_use("t1")]), user([tool_result("t1", "boom", is_error=True)]))
    assert "boom" in sent[1]["content"]


def test_8_16_any_is_required_and_one_at_a_time_is_said():
    sent = a_to_c(tools=[a_tool()], tool_choice={"type": "any", "disable_parallel_tool_use": True}).body
    assert sent["tool_choice"] == "required"
    assert sent["parallel_tool_calls"] is False


def test_8_17_a_named_tool_is_named():
    sent = a_to_c(tools=[a_tool()], tool_choice={"type": "tool", "name": "f"}).body
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("choice", "sent"), [("any", "required"), ({"type": "auto"}, "auto"), ({"type": "none"}, "none")]
)
def test_2_5_the_other_choices(choice, sent):
    assert a_to_c(tools=[a_tool()], tool_choice=choice).body["tool_choice"] == sent


def test_2_5_a_choice_that_nobody_knows_is_refused():
    with pytest.raises(BadRequest, match=r"tool_choice\.type"):
        a_to_c(tools=[a_tool()], tool_choice={"type": "maybe"})


def test_2_5_a_choice_of_an_absent_tool_is_refused():
    with pytest.raises(BadRequest, match="not among the tools"):
        a_to_c(tools=[a_tool()], tool_choice={"type": "tool", "name": "g"})


def test_8_18_without_tools_there_is_no_choice():
    sent = a_to_c(tools=[], tool_choice={"type": "any", "disable_parallel_tool_use": True}).body
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(sent)


def test_8_19_a_long_name_is_shortened_everywhere_and_known_again():
    long = "mcp__" + "x" * 75
    conversion = a_to_c(
        tools=[a_tool(long)],
        tool_choice={"type": "tool", "name": long},
        messages=[user("hi"), assistant([tool_use("t1", long)]), user([tool_result("t1")])],
    )
    sent = conversion.body["tools"][0]["function"]["name"]
    assert len(sent) <= 64
    assert conversion.body["tool_choice"]["function"]["name"] == sent
    assert conversion.body["messages"][1]["tool_calls"][0]["function"]["name"] == sent
    assert conversion.exchange.client_name(sent) == long


def test_2_4_long_names_that_differ_at_the_end_stay_two_tools():
    conversion = a_to_c(tools=[a_tool("x" * 80 + "1"), a_tool("x" * 80 + "2")])
    assert len({tool["function"]["name"] for tool in conversion.body["tools"]}) == 2


def test_8_20_a_custom_tool_is_a_function_with_the_same_schema():
    tool = a_tool(type="custom", description="d")
    (sent,) = a_to_c(tools=[tool]).body["tools"]
    assert sent == {
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": tool["input_schema"]},
    }


def test_8_21_a_server_tool_alone_leaves_no_tools_and_one_warning():
    conversion = a_to_c(tools=[{"type": "web_search_20250305", "name": "web_search"}], tool_choice={"type": "any"})
    assert "tools" not in conversion.body
    assert "tool_choice" not in conversion.body
    assert len(conversion.warnings) == 1
    assert "web_search" in conversion.warnings[0]


def test_8_22_images_by_data_and_by_address():
    url = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
    (message,) = messages_of(user([PNG, url, {"type": "image", "source": {"type": "base64", "data": "BB"}}]))
    assert [part["image_url"]["url"] for part in message["content"]] == [
        "data:image/png;base64,AAAA",
        "https://x/y.png",
        "data:image/jpeg;base64,BB",
    ]


def test_2_3_ollama_takes_no_addresses():
    with pytest.raises(BadRequest, match="base64"):
        messages_of(user([{"type": "image", "source": {"type": "url", "url": "https://x"}}]), kind=Kind.OLLAMA)


@pytest.mark.parametrize("part", ["image", "document"])
def test_2_3_files_by_id_are_refused(part):
    with pytest.raises(BadRequest, match="another provider"):
        messages_of(user([{"type": part, "source": {"type": "file", "file_id": "file_1"}}]))


def test_8_23_a_pdf_is_a_file_at_openai_and_refused_by_a_local_upstream():
    (message,) = messages_of(user([{**PDF, "title": "a.pdf"}]), kind=Kind.OPENAI)
    assert message["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
    ]
    with pytest.raises(BadRequest, match="application/pdf"):
        messages_of(user([PDF]))


def test_2_3_documents_of_text_are_text():
    plain = {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "D"}}
    parts = {"type": "document", "source": {"type": "content", "content": [text("P"), PNG]}}
    (message,) = messages_of(user([plain, parts]))
    assert [part["type"] for part in message["content"]] == ["text", "text", "image_url"]
    assert message["content"][0]["text"] == "T\nD"


def test_2_3_a_document_by_address_and_one_of_no_kind_are_refused():
    with pytest.raises(BadRequest, match="by address"):
        messages_of(user([{"type": "document", "source": {"type": "url", "url": "https://x"}}]))
    with pytest.raises(BadRequest, match=r"source\.type"):
        messages_of(user([{"type": "document", "source": {}}]))
    with pytest.raises(BadRequest, match=r"source\.type"):
        messages_of(user([{"type": "image", "source": {"type": "odd"}}]))


def test_2_3_search_results_and_tool_references_are_written_out_with_a_warning():
    result = {"type": "search_result", "source": "https://s", "title": "T", "content": [text("found")]}
    conversion = a_to_c(messages=[user([result, {"type": "tool_reference", "tool_name": "f"}])])
    assert "T\nhttps://s\nfound" in conversion.body["messages"][0]["content"]
    assert len(conversion.warnings) == 2


def test_2_3_an_unknown_block_is_named_in_a_warning():
    conversion = a_to_c(messages=[user([text("hi"), {"type": "container_upload", "file_id": "f"}])])
    assert conversion.body["messages"] == [user("hi")]
    assert "container_upload" in conversion.warnings[0]


def test_8_24_thinking_never_becomes_content():
    thought = {"type": "thinking", "thinking": "secret", "signature": "s"}
    (_, message) = messages_of(user("q"), assistant([thought, text("a")]), user("b"))[:2]
    assert message == {"role": "assistant", "content": "a", "reasoning": "secret"}


@pytest.mark.parametrize(
    ("kind", "model", "field"),
    [
        (Kind.SGLANG, "", "reasoning_content"),
        (Kind.VLLM, "", "reasoning"),
        (Kind.OPENAI, "gpt-5", None),
        (Kind.OTHER, "deepseek-r1", None),
    ],
)
def test_2_7_thinking_goes_to_the_field_that_the_upstream_reads(kind, model, field):
    thought = {"type": "thinking", "thinking": "secret", "signature": ""}
    message = messages_of(user("q"), assistant([thought, text("a")]), user("b"), kind=kind, model=model)[1]
    assert set(message) == {"role", "content"} | ({field} if field else set())


def test_2_7_models_that_need_their_reasoning_get_some():
    sent = messages_of(user("q"), assistant([tool_use("t1")]), user([tool_result("t1")]), model="deepseek-v3.2")
    assert sent[1]["reasoning"]


def test_8_25_redacted_thinking_disappears_and_the_rest_stays():
    turn = assistant([{"type": "redacted_thinking", "data": "x"}, text("a")])
    assert messages_of(user("q"), turn, user("b"))[1] == {"role": "assistant", "content": "a"}


def test_8_26_openai_gets_four_stop_sequences_and_vllm_all():
    stops = ["a", "b", "c", "d", "e"]
    official = a_to_c(Kind.OPENAI, "gpt-4o", stop_sequences=stops)
    assert official.body["stop"] == stops[:4]
    assert len(official.warnings) == 1
    assert a_to_c(stop_sequences=stops).body["stop"] == stops


@pytest.mark.parametrize("kind", [Kind.VLLM, Kind.LLAMACPP, Kind.SGLANG])
def test_8_27_top_k_stays_for_local_upstreams(kind):
    assert a_to_c(kind, top_k=40).body["top_k"] == 40


def test_8_27_top_k_is_left_out_for_openai_with_a_warning():
    conversion = a_to_c(Kind.OPENAI, "gpt-4o", top_k=40)
    assert "top_k" not in conversion.body
    assert "top_k" in conversion.warnings[0]


@pytest.mark.parametrize(
    ("kind", "model", "field"),
    [(Kind.OLLAMA, "", "max_tokens"), (Kind.OPENAI, "o3", "max_completion_tokens")],
)
def test_8_28_the_limit_has_the_name_that_the_upstream_knows(kind, model, field):
    assert a_to_c(kind, model).body[field] == 100


def test_8_28_the_limit_in_responses_and_generate():
    body = {"model": "m", "max_tokens": 100, "messages": [user("hi")]}
    assert converted(body, MESSAGES, RESPONSES, Kind.OPENAI).body["max_output_tokens"] == 100
    prompt = {"model": "m", "max_tokens": 100, "prompt": "hi"}
    assert converted(prompt, COMPLETIONS, GENERATE, Kind.SGLANG).body["sampling_params"]["max_new_tokens"] == 100


@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_8_29_a_schema_for_the_answer_gets_a_name(field):
    schema = {"type": "object", "properties": {}}
    wanted = {"type": "json_schema", "schema": schema}
    sent = a_to_c(**{field: {"format": wanted} if field == "output_config" else wanted}).body["response_format"]
    assert sent["json_schema"]["name"]
    assert sent["json_schema"]["schema"] == schema


def test_8_30_a_long_user_id_is_kept_for_local_upstreams_and_short_for_openai():
    metadata = {"user_id": "u" * 300}
    assert a_to_c(metadata=metadata).body["user"] == "u" * 300
    assert len(a_to_c(Kind.OPENAI, "gpt-4o", metadata=metadata).body["safety_identifier"]) <= 64


def test_8_31_a_system_turn_between_call_and_result_goes_after_the_result():
    sent = messages_of(
        user("q"),
        assistant([tool_use("t1")]),
        {"role": "system", "content": "note"},
        user([tool_result("t1", "1")]),
    )
    assert [m["role"] for m in sent] == ["user", "assistant", "tool", "system"]


def test_8_32_a_trailing_assistant_turn_is_continued_at_vllm():
    sent = a_to_c(messages=[user("hi"), assistant("He")]).body
    assert sent["continue_final_message"] is True
    assert sent["add_generation_prompt"] is False


def test_2_10_llamacpp_continues_by_itself_and_openai_does_not():
    turns = [user("hi"), assistant("He")]
    assert "continue_final_message" not in a_to_c(Kind.LLAMACPP, messages=turns).body
    assert "may not continue" in a_to_c(Kind.OPENAI, "gpt-4o", messages=turns).warnings[0]


def test_2_1_usage_is_always_asked_for_in_a_stream():
    sent = a_to_c(stream=True).body
    assert sent["stream_options"] == {"include_usage": True}
    assert "stream_options" not in a_to_c().body


def test_2_1_what_only_anthropic_has_is_left_out_with_a_warning():
    conversion = a_to_c(container="c", diagnostics={}, min_p=0.1, seed=None)
    assert not {"container", "diagnostics", "seed"} & set(conversion.body)
    assert conversion.body["min_p"] == 0.1
    assert conversion.warnings == ["container was left out: only Anthropic's API has it."]


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
def test_2_1_a_thread_is_refused_because_only_its_last_messages_are_here(thread):
    with pytest.raises(ThreadNotKept, match="Send all of it"):
        a_to_c(thread=thread)


def test_2_1_a_limit_of_zero_is_sent_as_one():
    assert a_to_c(max_tokens=0).body["max_tokens"] == 1


def test_2_2_an_unknown_role_is_the_users_with_a_warning():
    conversion = a_to_c(messages=[{"role": "ctx", "content": "hi"}])
    assert conversion.body["messages"] == [user("hi")]
    assert "ctx" in conversion.warnings[0]


def test_2_4_typed_client_tools_get_a_schema():
    tools = [
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
    ]
    bash, editor = (tool["function"] for tool in a_to_c(tools=tools).body["tools"])
    assert set(bash["parameters"]["properties"]) == {"command", "restart"}
    assert editor["parameters"]["required"] == ["command", "path"]


def test_2_4_deferred_tools_are_visible_with_a_warning_and_strict_is_for_openai():
    conversion = a_to_c(tools=[a_tool(defer_loading=True, strict=True)])
    assert "visible" in conversion.warnings[0]
    assert "strict" not in conversion.body["tools"][0]["function"]
    assert a_to_c(Kind.OPENAI, tools=[a_tool(strict=True)]).body["tools"][0]["function"]["strict"] is True


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}])
def test_2_4_a_schema_always_has_properties(schema):
    (tool,) = a_to_c(tools=[{"name": "f", "input_schema": schema}]).body["tools"]
    assert tool["function"]["parameters"] == {"type": "object", "properties": {}}


def test_2_4_the_same_tool_twice_is_one_and_two_of_one_name_are_refused():
    assert len(a_to_c(tools=[a_tool(), a_tool()]).body["tools"]) == 1
    with pytest.raises(BadRequest, match="twice"):
        a_to_c(tools=[a_tool(), a_tool(description="other")])


def test_2_6_a_stray_result_becomes_text_and_a_missing_one_is_made():
    conversion = a_to_c(messages=[user([tool_result("t9", "found")]), assistant([tool_use("t1")]), user("go on")])
    sent = conversion.body["messages"]
    assert sent[0] == user("found")
    assert sent[2] == {"role": "tool", "tool_call_id": "t1", "content": "(no result)"}
    assert len(conversion.warnings) == 2


def test_2_6_of_two_results_of_a_call_the_last_one_counts():
    conversion = a_to_c(messages=[assistant([tool_use("t1")]), user([tool_result("t1", "1"), tool_result("t1", "2")])])
    assert [m.get("content") for m in conversion.body["messages"]] == [None, "2"]
    assert "two results" in conversion.warnings[0]


def test_2_6_results_in_several_user_turns_come_together():
    sent = messages_of(
        assistant([tool_use("t1")]),
        assistant([tool_use("t2")]),
        user([tool_result("t1"), text("a")]),
        user([tool_result("t2")]),
    )
    assert [m["role"] for m in sent] == ["assistant", "tool", "tool", "user"]


@pytest.mark.parametrize(
    ("thinking", "config", "kind", "model", "expected"),
    [
        ({"type": "enabled", "budget_tokens": 1024}, {}, Kind.OPENAI, "gpt-5", {"reasoning_effort": "minimal"}),
        ({"type": "enabled", "budget_tokens": 4999}, {}, Kind.OPENAI, "gpt-5", {"reasoning_effort": "low"}),
        ({"type": "enabled", "budget_tokens": 9999}, {}, Kind.OPENAI, "gpt-5", {"reasoning_effort": "medium"}),
        ({"type": "enabled", "budget_tokens": 10000}, {}, Kind.OPENAI, "gpt-5", {"reasoning_effort": "high"}),
        ({"type": "adaptive"}, {}, Kind.OPENAI, "gpt-5", {}),
        ({"type": "adaptive"}, {"effort": "low"}, Kind.OPENAI, "gpt-5", {"reasoning_effort": "low"}),
        ({"type": "adaptive"}, {"effort": "max"}, Kind.VLLM, "", {"reasoning_effort": "high"}),
        ({"type": "adaptive"}, {"effort": "xhigh"}, Kind.OLLAMA, "", {"reasoning_effort": "max"}),
        ({"type": "adaptive"}, {}, Kind.VLLM, "Qwen3-8B", {"chat_template_kwargs": {"enable_thinking": True}}),
        ({"type": "disabled"}, {}, Kind.VLLM, "Qwen3-8B", {}),
        ({"type": "adaptive"}, {}, Kind.ZAI, "glm-5", {"thinking": {"type": "enabled"}}),
        ({"type": "disabled"}, {}, Kind.ZAI, "glm-5", {"thinking": {"type": "disabled"}}),
        (None, {}, Kind.ZAI, "glm-5", {}),
    ],
)
def test_2_8_thinking_and_effort(thinking, config, kind, model, expected):
    sent = a_to_c(kind, model, thinking=thinking, output_config=config).body
    about = {"reasoning_effort", "thinking", "chat_template_kwargs"}
    assert {name: value for name, value in sent.items() if name in about} == expected


@pytest.mark.parametrize("kind", ["hard", ["enabled"]])
def test_2_8_an_unknown_form_of_thinking_is_refused(kind):
    with pytest.raises(BadRequest, match=r"thinking\.type"):
        a_to_c(thinking={"type": kind})


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": "hi"},
        {"messages": ["hi"]},
        {"messages": [user([3])]},
        {"messages": [user(3)]},
        {"max_tokens": "many"},
        {"max_tokens": True},
        {"tools": [a_tool(strict="yes")]},
        {"thinking": "on"},
        {"stop_sequences": 3},
    ],
    ids=str,
)
def test_a_body_that_makes_no_sense_is_refused(fields):
    with pytest.raises(BadRequest):
        a_to_c(**fields)


def test_what_broken_clients_send_is_read_as_meant():
    lone = {"type": "text", "text": "lone"}
    assert messages_of(user(lone), user(["bare"]), user(None)) == [user("lone"), user("bare")]
