"""The fields of a Responses request: sections 2.1, 2.4, 2.5, 2.8 and 2.9 of the reference, column R."""

import pytest

from routing.dialects.request import Choice, ServerTool, Text, Tool, ToolChoice
from routing.dialects.responses.parse import echo
from routing.errors import BadRequest
from tests.routing.dialects.responses.making import call, function, output, parsed, said, to_chat, to_messages

GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
APPLY_PATCH = {"type": "custom", "name": "apply_patch", "description": "Edit files.", "format": GRAMMAR}


def test_the_plain_fields():
    request = parsed(
        model="m",
        instructions="be brief",
        max_output_tokens=20,
        stream=True,
        user="u",
        service_tier="flex",
        temperature=1.5,
        top_p=0.5,
        stop=["END", " "],
    )
    assert (request.model, request.max_tokens, request.stream) == ("m", 20, True)
    assert (request.user, request.service_tier) == ("u", "flex")
    assert request.system == [Text("be brief")]
    assert request.sampling == {"temperature": 1.5, "top_p": 0.5}
    assert request.stop == ["END"]
    assert "white space" in request.warnings[0]


def test_null_and_absent_are_the_same():
    names = ("instructions", "tools", "tool_choice", "text", "reasoning", "previous_response_id", "max_output_tokens")
    assert parsed(**dict.fromkeys((*names, "temperature", "include", "metadata", "input"))) == parsed(input=[])


def test_the_model_may_be_missing():
    assert parsed(model=None).model == ""


@pytest.mark.parametrize("limit", [0, -1, None])
def test_no_limit_is_no_limit(limit):
    assert parsed(max_output_tokens=limit).max_tokens is None


def test_6_2_codex_probes_with_empty_input():
    sent, _, _ = to_chat(instructions="You are Codex.", input=[], max_output_tokens=1)
    assert sent["messages"] == [{"role": "system", "content": "You are Codex."}]
    assert sent["max_tokens"] == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("previous_response_id", "resp_x"),
        ("conversation", {"id": "conv_1"}),
        ("prompt", {"id": "pmpt_1"}),
        ("background", True),
    ],
)
def test_8_54_what_needs_a_memory_is_refused_and_never_lost(name, value):
    with pytest.raises(BadRequest, match=name):
        parsed(**{name: value})


def test_8_55_functions_survive_among_tools_that_the_upstream_cannot_run():
    tools = [
        function("f"),
        {"type": "web_search"},
        {"type": "namespace", "name": "crm", "description": "d", "tools": [function("find")]},
        {"type": "image_generation"},
        {"type": "tool_search"},
    ]
    sent, request, renamed = to_chat(tools=tools)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["f", "crm__find"]
    assert renamed.namespaces == {"crm__find": ("crm", "find")}
    assert [warning.split()[2] for warning in request.warnings] == ["web_search", "image_generation", "tool_search"]


def test_2_4_functions_are_flat_and_may_be_written_like_those_of_chat():
    schema = {"type": "object", "properties": {}}
    flat = {"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": True}
    nested = {"function": {"name": "f", "description": "d", "parameters": schema, "strict": True}}
    assert parsed(tools=[flat]).tools == parsed(tools=[nested]).tools == [Tool("f", "d", schema, True)]


def test_2_4_custom_tools_keep_their_format():
    assert parsed(tools=[APPLY_PATCH]).tools == [Tool("apply_patch", "Edit files.", custom=True, format=GRAMMAR)]


def test_2_4_a_custom_tool_is_a_function_with_one_text_for_others():
    sent, request, renamed = to_chat(tools=[APPLY_PATCH])
    (tool,) = sent["tools"]
    assert tool["function"]["parameters"]["required"] == ["input"]
    assert "start: /.+/" in tool["function"]["description"]
    assert renamed.wrapped == {"apply_patch"}
    assert "grammar" in request.warnings[0]


def test_2_4_the_history_of_a_custom_tool_is_wrapped_too():
    items = [
        said("user", "go"),
        {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": 'say "hi"'},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"},
    ]
    sent, _, _ = to_chat(tools=[APPLY_PATCH], input=items)
    assert sent["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"input":"say \\"hi\\""}'
    assert sent["messages"][2] == {"role": "tool", "tool_call_id": "a", "content": "ok"}


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview", "web_search_2025_08_26"])
def test_2_4_web_search_has_one_name(kind):
    assert parsed(tools=[{"type": kind}]).tools == [ServerTool("web_search", {"type": kind})]


def test_2_4_a_namespace_holds_what_its_members_are():
    members = [function("a"), {"type": "custom", "name": "b"}, {"type": "mcp"}]
    tools = parsed(tools=[{"type": "namespace", "name": "n", "tools": members}]).tools
    assert [(tool.name, tool.namespace) for tool in tools[:2]] == [("n__a", "n"), ("n__b", "n")]
    assert tools[2] == ServerTool("mcp", {"type": "mcp"})


def test_2_4_a_tool_that_was_to_be_loaded_later_is_there_at_once_with_a_warning():
    assert "visible at once" in parsed(tools=[function("f", defer_loading=True)]).warnings[0]


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        (None, None),
        ("auto", ToolChoice(Choice.AUTO)),
        ("required", ToolChoice(Choice.REQUIRED)),
        ("any", ToolChoice(Choice.REQUIRED)),
        ("none", ToolChoice(Choice.NONE)),
        ({"type": "required"}, ToolChoice(Choice.REQUIRED)),
        ({"type": "function", "name": "f"}, ToolChoice(Choice.TOOL, "f")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(Choice.TOOL, "f")),
        ({"type": "function", "namespace": "n", "name": "f"}, ToolChoice(Choice.TOOL, "n__f")),
        ({"type": "custom", "name": "p"}, ToolChoice(Choice.TOOL, "p")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice(Choice.REQUIRED, allowed=["f"]),
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]},
            ToolChoice(Choice.AUTO, allowed=["web_search"]),
        ),
    ],
)
def test_2_5_every_form_of_tool_choice(choice, meant):
    assert parsed(tool_choice=choice).tool_choice == meant


def test_2_5_a_hosted_tool_as_the_choice_is_left_out_with_a_warning():
    request = parsed(tool_choice={"type": "web_search"})
    assert request.tool_choice is None
    assert "web_search" in request.warnings[0]


def test_2_5_an_unknown_choice_is_refused():
    with pytest.raises(BadRequest, match="tool_choice “maybe”"):
        parsed(tool_choice="maybe")


def test_2_5_calls_one_after_another():
    assert parsed(parallel_tool_calls=False).parallel_tool_calls is False
    assert parsed(parallel_tool_calls=True).parallel_tool_calls is None


def test_2_8_effort_and_summary():
    request = parsed(reasoning={"effort": "high", "summary": "auto"})
    assert (request.effort, request.summary) == ("high", "auto")


def test_2_8_effort_reaches_the_other_dialects():
    assert to_chat(reasoning={"effort": "low"})[0]["reasoning_effort"] == "low"
    assert to_messages("claude-opus-4-8", reasoning={"effort": "high"})["thinking"] == {"type": "adaptive"}
    assert to_messages(reasoning={"effort": "none"})["thinking"] == {"type": "disabled"}


def test_2_9_structured_output():
    format = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    sent, _, _ = to_chat(text={"format": format})
    assert sent["response_format"]["json_schema"] == {"name": "n", "schema": {"type": "object"}, "strict": True}
    assert to_chat(text={"format": {"type": "json_object"}})[0]["response_format"] == {"type": "json_object"}
    assert "response_format" not in to_chat(text={"format": {"type": "text"}})[0]


def test_2_1_verbosity_and_what_openai_shares():
    shared = {"metadata": {"a": "b"}, "prompt_cache_key": "k", "store": True}
    assert parsed(text={"verbosity": "low"}, **shared).openai == {"verbosity": "low", **shared}


def test_2_1_what_only_the_responses_api_can_do_is_left_out_with_a_warning():
    request = parsed(max_tool_calls=3, context_management=[{"type": "odd"}], truncation="auto")
    assert [warning.split()[0] for warning in request.warnings] == [
        "context_management",
        "truncation",
        "max_tool_calls",
    ]
    assert request.sampling == request.openai == {}


def test_2_1_what_changes_nothing_is_left_out_without_a_word():
    request = parsed(
        include=["reasoning.encrypted_content"],
        truncation="disabled",
        stream_options={"include_obfuscation": False},
        client_metadata={"x": "y"},
        background=False,
    )
    assert request == parsed()


def test_2_1_20_logprobs_are_asked_for():
    request = parsed(include=["message.output_text.logprobs"], top_logprobs=3)
    assert request.sampling == {"logprobs": True, "top_logprobs": 3}
    assert request.warnings == []


@pytest.mark.parametrize(
    ("fields", "sampling"),
    [
        ({"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"top_logprobs": 0}, {}),
        ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
    ],
)
def test_2_1_chat_takes_top_logprobs_only_beside_logprobs(fields, sampling):
    sent, _, _ = to_chat(**fields)
    assert {name: value for name, value in sent.items() if "logprobs" in name} == sampling


def test_2_8_a_summary_that_was_asked_for_is_asked_of_anthropic_too():
    sent = to_messages("claude-opus-4-8", reasoning={"effort": "high", "summary": "auto"})
    assert sent["thinking"] == {"type": "adaptive", "display": "summarized"}


def test_fields_that_nobody_defines_are_kept_for_local_servers():
    assert to_chat(min_p=0.1)[0]["min_p"] == 0.1


def test_instructions_may_be_messages():
    assert parsed(instructions=[said("developer", "A")]).system == [Text("A")]


@pytest.mark.parametrize("fields", [{"instructions": 7}, {"tools": "f"}, {"reasoning": "high"}, {"tools": [7]}])
def test_a_field_of_the_wrong_type_is_refused_by_name(fields):
    with pytest.raises(BadRequest, match=next(iter(fields))):
        parsed(**fields)


def test_8_28_the_limit_has_the_name_that_the_upstream_knows():
    assert to_chat(max_output_tokens=100)[0]["max_tokens"] == 100
    assert to_messages(max_output_tokens=100)["max_tokens"] == 100


def test_the_answer_repeats_what_was_asked():
    body = {
        "model": "m",
        "input": "x",
        "tools": [function("f")],
        "instructions": "i",
        "temperature": None,
        "text": {"verbosity": "low"},
    }
    assert echo(body) == {
        "instructions": "i",
        "tools": [function("f")],
        "text": {"format": {"type": "text"}, "verbosity": "low"},
    }
    assert echo({"text": "wrong"}) == {"text": "wrong"}


def test_a_conversation_reaches_anthropic_in_its_order():
    items = [said("developer", "rules"), said("user", "go"), call("a", "f", '{"x":1}'), output("a", "1")]
    sent = to_messages(input=items, instructions="You are Codex.")
    assert sent["system"] == "You are Codex.\nrules"
    assert sent["messages"] == [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]},
    ]
