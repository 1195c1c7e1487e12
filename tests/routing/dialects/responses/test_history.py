"""The items of a Responses request become turns: section 2.6 and 2.7 of the reference, column R."""

import pytest

from routing.dialects.request import (
    Audio,
    Document,
    Image,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Unknown,
)
from routing.errors import BadRequest
from tests.routing.dialects.responses.making import PNG, call, function, output, parsed, read, said, to_chat


def test_8_51_a_text_is_one_user_message():
    assert parsed(input="hi").turns == read(said("user", "hi")).turns == [Turn(Role.USER, [Text("hi")])]


def test_8_52_an_item_with_a_role_and_no_type_is_a_message():
    item = said("user", [{"type": "input_text", "text": "hi"}])
    assert read(item).turns == read({"type": "message", **item}).turns == [Turn(Role.USER, [Text("hi")])]


def test_8_53_two_calls_and_their_outputs_are_one_turn_each():
    turns = read(call("a", "f", '{"x":1}', id="fc_1"), call("b", "g"), output("b", "2"), output("a", "1")).turns
    assert turns == [
        Turn(Role.ASSISTANT, [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")]),
        Turn(Role.USER, [ToolResult("b", [Text("2")]), ToolResult("a", [Text("1")])]),
    ]


def test_8_53_a_chat_upstream_gets_one_message_with_both_calls():
    sent, _, _ = to_chat(input=[said("user", "go"), call("a"), call("b"), output("a", "1"), output("b", "2")])
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [one["id"] for one in sent["messages"][1]["tool_calls"]] == ["a", "b"]
    assert [message["tool_call_id"] for message in sent["messages"][2:]] == ["a", "b"]


def test_8_57_reasoning_without_id_and_with_null_content_is_accepted():
    item = {"type": "reasoning", "content": None, "summary": [{"type": "summary_text", "text": "so"}]}
    assert read(item).turns == [Turn(Role.ASSISTANT, [Reasoning("so")])]


def test_reasoning_that_says_nothing_leaves_no_trace():
    assert read({"type": "reasoning", "summary": [], "content": None, "encrypted_content": None}).turns == []


def test_raw_reasoning_goes_before_its_summary():
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "short"}],
        "content": [{"type": "reasoning_text", "text": "long"}],
        "encrypted_content": "opaque",
    }
    assert read(item).turns[0].parts == [Reasoning("long", encrypted="opaque", id="rs_1")]


def test_parts_of_a_summary_are_paragraphs():
    summary = [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}]
    assert read({"type": "reasoning", "summary": summary}).turns[0].parts == [Reasoning("one\n\ntwo")]


def test_2_6_reasoning_message_and_calls_are_one_assistant_turn():
    items = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        said("assistant", [{"type": "output_text", "text": "I look."}]),
        call("a"),
    ]
    assert read(*items).turns == [Turn(Role.ASSISTANT, [Reasoning("hm"), Text("I look."), ToolCall("a", "f", "{}")])]


def test_two_assistant_messages_in_a_row_stay_two():
    turns = read(said("assistant", "one"), said("assistant", "two")).turns
    assert turns == [Turn(Role.ASSISTANT, [Text("one")]), Turn(Role.ASSISTANT, [Text("two")])]


def test_a_message_after_a_call_belongs_to_the_same_turn():
    assert read(call("a"), said("assistant", "wait")).turns[0].parts == [ToolCall("a", "f", "{}"), Text("wait")]


def test_the_user_message_after_outputs_joins_them():
    turns = read(call("a"), output("a"), said("user", "go"), said("user", "on")).turns[1:]
    assert turns == [
        Turn(Role.USER, [ToolResult("a", [Text("done")]), Text("go")]),
        Turn(Role.USER, [Text("on")]),
    ]


def test_2_2_instructions_come_first_then_leading_system_and_developer_messages():
    request = parsed(
        instructions="A",
        input=[said("developer", [{"type": "input_text", "text": "B"}]), said("system", "C"), said("user", "hi")],
    )
    assert [part.text for part in request.system] == ["A", "B", "C"]
    assert request.turns == [Turn(Role.USER, [Text("hi")])]


def test_2_2_a_developer_message_in_the_middle_stays_there():
    assert read(said("user", "a"), said("developer", "b")).turns[1] == Turn(Role.SYSTEM, [Text("b")])


def test_2_2_an_unknown_role_is_the_users_with_a_warning():
    request = read(said("ctx", "x"))
    assert request.turns == [Turn(Role.USER, [Text("x")])]
    assert "“ctx”" in request.warnings[0]


def test_2_3_every_kind_of_content_part():
    content = [
        "bare",
        {"text": "untyped"},
        {"type": "input_text", "text": "t"},
        {"type": "input_image", "image_url": PNG, "detail": "high"},
        {"type": "input_image", "image_url": "https://x/y.png"},
        {"type": "input_image", "image_url": {"url": "https://x/z.png", "detail": "low"}},
        {"type": "input_image", "file_id": "file_1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="},
        {"type": "input_file", "file_url": "https://x/a.pdf"},
        {"type": "input_file", "file_id": "file_2"},
        {"type": "refusal", "refusal": "no"},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
        {"type": "hologram"},
    ]
    assert read(said("user", content)).turns[0].parts == [
        Text("bare"),
        Text("untyped"),
        Text("t"),
        Image("image/png", "AAAA", detail="high"),
        Image(url="https://x/y.png"),
        Image(url="https://x/z.png", detail="low"),
        Image(file_id="file_1"),
        Document(data="QQ==", title="a.pdf"),
        Document(url="https://x/a.pdf"),
        Document(file_id="file_2"),
        Refusal("no"),
        Audio("QQ==", "wav"),
        Unknown("hologram", {"type": "hologram"}),
    ]


@pytest.mark.parametrize("content", [None, "", []])
def test_a_message_may_be_empty(content):
    assert read(said("user", content)).turns == [Turn(Role.USER, [])]


def test_2_6_an_output_is_a_text_or_a_list_of_parts():
    parts = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": PNG}]
    results = read(call("a"), call("b"), call("c"), output("a", None), output("b", parts), output("c", "x")).turns[1]
    assert results.results() == [
        ToolResult("a", []),
        ToolResult("b", [Text("see"), Image("image/png", "AAAA")]),
        ToolResult("c", [Text("x")]),
    ]


@pytest.mark.parametrize("said", [{"content": "x", "success": True}, [{"stdout": "x", "stderr": ""}]])
def test_any_other_output_is_told_as_json(said):
    (result,) = read(call("a"), output("a", said)).turns[1].results()
    assert isinstance(result.parts[0], Text)
    assert result.parts[0].text.startswith(("{", "["))


def test_2_6_custom_calls_and_their_outputs_keep_being_custom():
    turns = read(
        {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"},
    ).turns
    assert turns[0].parts == [ToolCall("a", "apply_patch", "*** Begin", custom=True)]
    assert turns[1].parts == [ToolResult("a", [Text("ok")], custom=True)]


def test_2_6_the_calls_of_built_in_tools_become_functions():
    turns = read(
        {"type": "local_shell_call", "id": "ls_1", "action": {"command": ["ls"]}},
        {"type": "local_shell_call_output", "id": "ls_1", "output": "a"},
        {"type": "shell_call", "call_id": "s", "action": {"commands": ["ls"]}},
        {"type": "shell_call_output", "call_id": "s", "output": [{"stdout": "a"}]},
        {"type": "apply_patch_call", "call_id": "p", "operation": None},
        {"type": "apply_patch_call_output", "call_id": "p", "output": "ok"},
    ).turns
    assert [turn.calls() for turn in turns[::2]] == [
        [ToolCall("ls_1", "local_shell", '{"command":["ls"]}')],
        [ToolCall("s", "shell", '{"commands":["ls"]}')],
        [ToolCall("p", "apply_patch", "{}")],
    ]
    assert [turn.results()[0].id for turn in turns[1::2]] == ["ls_1", "s", "p"]


@pytest.mark.parametrize(("given", "text"), [("", ""), (None, ""), ({"x": 1}, '{"x":1}'), ("{bad", "{bad")])
def test_arguments_are_a_text_whatever_was_sent(given, text):
    assert read(call("a", "f", given)).turns[0].calls()[0].arguments == text


def test_a_call_into_a_namespace_has_the_flat_name():
    assert read(call("a", "find", namespace="crm")).turns[0].calls()[0].name == "crm__find"


@pytest.mark.parametrize(
    "kind", ["web_search_call", "file_search_call", "image_generation_call", "computer_call", None, ["list"]]
)
def test_2_6_items_that_only_openai_knows_are_left_out_with_a_warning(kind):
    request = read(said("user", "hi"), {"type": kind, "id": "x"})
    assert request.turns == [Turn(Role.USER, [Text("hi")])]
    assert str(kind or "unknown") in request.warnings[0]


def test_2_4_additional_tools_join_the_tools_once():
    tools = [function("f", description="other"), function("g")]
    request = parsed(
        tools=[function("f")],
        input=[{"type": "additional_tools", "role": "developer", "tools": tools}, said("user", "hi")],
    )
    assert [(tool.name, tool.description) for tool in request.functions()] == [("f", ""), ("g", "")]
    assert request.turns == [Turn(Role.USER, [Text("hi")])]
    assert request.warnings == []


def test_tools_that_a_search_found_join_the_tools():
    request = read(
        {"type": "tool_search_call", "call_id": "t", "arguments": {"query": "f"}},
        {"type": "tool_search_output", "call_id": "t", "tools": [function("f")]},
    )
    assert [tool.name for tool in request.functions()] == ["f"]
    assert [turn.calls()[0].name for turn in request.turns[:1]] == ["tool_search"]
    assert [result.id for result in request.turns[1].results()] == ["t"]


def test_2_1_an_item_reference_is_refused():
    with pytest.raises(BadRequest, match="item itself"):
        read({"type": "item_reference", "id": "msg_1"})


@pytest.mark.parametrize(
    "given",
    [7, [7], [{"role": "user", "content": 7}], [{"role": "user", "content": [7]}], [call("a", 7)]],
)
def test_what_makes_no_sense_is_refused_with_its_place(given):
    with pytest.raises(BadRequest, match="input"):
        parsed(input=given)


def test_a_list_of_texts_is_a_list_of_user_messages():
    assert read("a", "b").turns == [Turn(Role.USER, [Text("a")]), Turn(Role.USER, [Text("b")])]
