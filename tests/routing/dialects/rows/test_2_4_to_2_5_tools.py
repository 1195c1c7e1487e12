"""Tables 2.4 and 2.5 of the reference, row by row: tools and the choice among them."""

import pytest

from routing.errors import BadRequest
from routing.kinds import Kind
from tests.routing.dialects.checkers import check_chat
from tests.routing.dialects.rows.checking import ABSENT, GPT, O3, a_to_r, c_to_r, holds, r_to_a
from tests.routing.dialects.support import (
    CHAT,
    MESSAGES,
    RESPONSES,
    SONNET_45,
    a_to_c,
    a_tool,
    c_to_a,
    c_tool,
    call,
    converted,
    delta,
    exchange,
    frames_of,
    named,
    payloads,
    r_to_c,
    streamed,
    tool_delta,
    user,
    whole,
)

OPENAI = Kind.OPENAI
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
EMPTY = {"type": "object", "properties": {}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
C_CUSTOM = {
    "type": "custom",
    "custom": {"name": "p", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}}},
}
CHOSEN_CUSTOM = {"type": "custom", "custom": {"name": "p"}}
R_CUSTOM = {"type": "custom", "name": "p", "format": GRAMMAR}
ROME = {"type": "approximate", "city": "Rom"}
LONG = "mcp__" + "x" * 75


def r_tool(name: str = "f", **more) -> dict:
    return {"type": "function", "name": name, "parameters": SCHEMA, **more}


def strict(count: int) -> list[dict]:
    return [c_tool(f"f{number}", strict=True) for number in range(count)]


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(lambda: a_to_c(tools=[a_tool()]), {"tools": [c_tool()]}, "", id="2.4.1 messages to chat"),
        pytest.param(lambda: c_to_a(tools=[c_tool()]), {"tools": [a_tool()]}, "", id="2.4.1 chat to messages"),
        pytest.param(lambda: r_to_c(tools=[r_tool()]), {"tools": [c_tool()]}, "", id="2.4.1 responses to chat"),
        pytest.param(
            lambda: c_to_r(Kind.OTHER, "m", tools=[c_tool()]), {"tools": [r_tool()]}, "", id="2.4.1 chat to responses"
        ),
        *(
            pytest.param(
                lambda build=build: build(functions=[{"name": "f", "parameters": SCHEMA}]),
                {"tools.0.name": "f"},
                "",
                id=f"2.4.2 {build.__name__}",
            )
            for build in (c_to_a, c_to_r)
        ),
        pytest.param(lambda: c_to_r(tools=[C_CUSTOM]), {"tools": [R_CUSTOM]}, "", id="2.4.3 chat to responses"),
        pytest.param(lambda: r_to_c(OPENAI, GPT, tools=[R_CUSTOM]), {"tools": [C_CUSTOM]}, "", id="2.4.3 and back"),
        *(
            pytest.param(
                lambda kind=kind: a_to_c(tools=[a_tool(type=kind)]), {"tools": [c_tool()]}, "", id=f"2.4.4 {kind}"
            )
            for kind in (None, "custom")
        ),
        *(
            pytest.param(
                lambda given=given: c_to_a(tools=[{"type": "function", "function": {"name": "f", **given}}]),
                {"tools.0.input_schema": sent},
                "",
                id="2.4.5 schema",
            )
            for given, sent in (
                ({}, EMPTY),
                ({"parameters": {}}, EMPTY),
                ({"parameters": {"properties": {"x": {}}}}, {"type": "object", "properties": {"x": {}}}),
            )
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, tools=[{"name": "f", "input_schema": {"type": "object"}}]),
            {"tools.0.function.parameters": EMPTY},
            "",
            id="2.4.5 properties",
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, tools=[a_tool(strict=True)]), {"tools.0.function.strict": True}, "", id="2.4.6"
        ),
        pytest.param(
            lambda: a_to_c(tools=[a_tool(strict=True)]), {"tools.0.function.strict": ABSENT}, "", id="2.4.6 locally"
        ),
        pytest.param(lambda: a_to_r(tools=[a_tool()]), {"tools.0.strict": False}, "", id="2.4.6 not strict is said"),
        pytest.param(
            lambda: c_to_a(tools=strict(21)),
            {"tools.19.strict": True, "tools.20.strict": ABSENT, "tools.0.input_schema.additionalProperties": False},
            "first 20",
            id="2.4.6 twenty",
        ),
        pytest.param(
            lambda: c_to_a(
                tools=[
                    {
                        "type": "function",
                        "function": {
                            "name": "f",
                            "strict": True,
                            "parameters": {
                                "type": "object",
                                "properties": {
                                    "minimum": {"type": "integer", "minimum": 1, "enum": [{"maximum": 1}]},
                                    "l": {"type": "array", "minItems": 2, "items": {"type": "string", "maxLength": 3}},
                                },
                            },
                        },
                    }
                ]
            ),
            {
                "tools.0.input_schema.properties": {
                    "minimum": {"type": "integer", "enum": [{"maximum": 1}]},
                    "l": {"type": "array", "items": {"type": "string"}},
                }
            },
            "maxLength, minItems, minimum in the tool f",
            id="2.4.6 limits",
        ),
        pytest.param(
            lambda: a_to_c(
                tools=[a_tool(cache_control={}, eager_input_streaming=True, input_examples=[{}], allowed_callers=["x"])]
            ),
            {"tools": [c_tool()]},
            "",
            id="2.4.7 extras",
        ),
        pytest.param(
            lambda: a_to_r(tools=[a_tool(defer_loading=True)]), {"tools.0.defer_loading": ABSENT}, "visible", id="2.4.7"
        ),
        pytest.param(lambda: a_to_c(tools=[a_tool(), a_tool()]), {"tools": [c_tool()]}, "", id="2.4.9 the same twice"),
        *(
            pytest.param(
                lambda kind=kind, build=build: build(tools=[{"type": kind, "name": "t"}]),
                {"tools.0." + place: sorted(names)},
                "",
                id=f"2.4.10 {kind}",
            )
            for build, place in ((a_to_c, "function.parameters.required"), (a_to_r, "parameters.required"))
            for kind, names in (("bash_20250124", []), ("text_editor_20250728", ["command", "path"]))
        ),
        *(
            pytest.param(
                lambda kind=kind: a_to_c(tools=[{"type": kind}, a_tool()]),
                {"tools": [c_tool()]},
                kind[:6],
                id=f"2.4.10 {kind}",
            )
            for kind in (
                "memory_20250818",
                "computer_toolset_20260801",
                "computer_20251124",
                "browser_toolset_20260801",
            )
        ),
        pytest.param(
            lambda: a_to_r(tools=[{**SEARCH, "allowed_domains": ["a.org"], "user_location": {"type": "approximate"}}]),
            {
                "tools": [
                    {
                        "type": "web_search",
                        "user_location": {"type": "approximate"},
                        "filters": {"allowed_domains": ["a.org"]},
                    }
                ]
            },
            "",
            id="2.4.11 web search at responses",
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, "gpt-4o-search-preview", tools=[{**SEARCH, "user_location": ROME}]),
            {
                "tools": ABSENT,
                "web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": "Rom"}}},
            },
            "",
            id="2.4.11 at models of chat that search",
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, "gpt-5-search-api", tools=[SEARCH, a_tool()]),
            {"tools.0.function.name": "f", "web_search_options": {}},
            "",
            id="2.4.11 beside a function",
        ),
        pytest.param(lambda: a_to_c(OPENAI, GPT, tools=[SEARCH]), {"tools": ABSENT}, "web_search", id="2.4.11 others"),
        *(
            pytest.param(
                lambda kind=kind, build=build: build(tools=[{"type": kind, "name": "t"}]),
                {"tools": ABSENT},
                short,
                id=f"2.4.11 {kind}",
            )
            for build in (a_to_c, a_to_r)
            for kind, short in (
                ("web_fetch_20250910", "web_fetch"),
                ("code_execution_20250825", "code_execution"),
                ("tool_search_tool_regex_20251119", "tool_search_tool_regex"),
                ("mcp_toolset", "mcp_toolset"),
            )
        ),
        *(
            pytest.param(
                lambda kind=kind, build=build: build(tools=[{"type": kind}, r_tool()]),
                {place: "f"},
                kind,
                id=f"2.4.12 {kind}",
            )
            for build, place in ((r_to_c, "tools.0.function.name"), (r_to_a, "tools.0.name"))
            for kind in (
                "file_search",
                "code_interpreter",
                "image_generation",
                "computer",
                "mcp",
                "local_shell",
                "shell",
                "apply_patch",
                "tool_search",
            )
        ),
        pytest.param(
            lambda: r_to_c(tools=[{"type": "namespace", "name": "ns", "tools": [r_tool()]}]),
            {"tools.0.function.name": "ns__f"},
            "",
            id="2.4.12 namespaces",
        ),
        pytest.param(
            lambda: r_to_c(tools=[{"type": "web_search"}]), {"tools": ABSENT}, "web_search", id="2.4.12 search"
        ),
        *(
            pytest.param(
                lambda build=build, tool=tool: build(tools=[tool]),
                {place: {"input": {"type": "string"}}},
                "grammar",
                id=f"2.4.13 {build.__name__}",
            )
            for build, tool, place in (
                (c_to_a, C_CUSTOM, "tools.0.input_schema.properties"),
                (r_to_a, R_CUSTOM, "tools.0.input_schema.properties"),
                (r_to_c, R_CUSTOM, "tools.0.function.parameters.properties"),
            )
        ),
        pytest.param(
            lambda: r_to_c(input=[{"type": "additional_tools", "role": "developer", "tools": [r_tool()]}, user("hi")]),
            {"tools": [c_tool()], "messages": [user("hi")]},
            "",
            id="2.4.14 additional_tools",
        ),
    ],
)
def test_tools(build, expected, warned):
    holds(build(), expected, warned)


def test_2_4_8_names_are_legal_upstream_and_the_clients_own_in_answers():
    conversion = a_to_c(
        OPENAI,
        GPT,
        tools=[a_tool(LONG), a_tool("a.b")],
        tool_choice={"type": "tool", "name": LONG},
        messages=[
            user("q"),
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": LONG, "input": {}}]},
        ],
    )
    sent = conversion.body["tools"][0]["function"]["name"]
    assert len(sent) <= 64
    assert conversion.body["tool_choice"]["function"]["name"] == sent
    assert conversion.body["messages"][1]["tool_calls"][0]["function"]["name"] == sent
    answer = {"choices": [{"message": {"tool_calls": [call("c", sent)]}, "finish_reason": "tool_calls"}]}
    assert whole(answer, MESSAGES, CHAT, names=conversion.exchange.names)["content"][0]["name"] == LONG


def test_2_4_9_two_tools_of_one_name_are_refused():
    with pytest.raises(BadRequest, match="twice"):
        a_to_c(tools=[a_tool(), {"name": "f", "input_schema": EMPTY}])


@pytest.mark.parametrize(("client", "tool"), [(CHAT, C_CUSTOM), (RESPONSES, R_CUSTOM)])
def test_2_4_13_a_wrapped_call_comes_back_as_the_client_knows_it(client, tool):
    """Its result goes up as that of a function."""
    body = {"model": "asked", "tools": [tool], "messages": [user("q")], "input": "q"}
    exchange = converted(body, client, MESSAGES, Kind.ANTHROPIC, SONNET_45).exchange
    block = {"type": "tool_use", "id": "t", "name": "p", "input": {"input": "a\nb"}}
    answer = whole(
        {"type": "message", "content": [block], "stop_reason": "tool_use"}, client, MESSAGES, wrapped=exchange.wrapped
    )
    if client is CHAT:
        custom = {"name": "p", "input": "a\nb"}
        assert answer["choices"][0]["message"]["tool_calls"] == [{"id": "t", "type": "custom", "custom": custom}]
    else:
        item = answer["output"][0]
        assert (item["type"], item["input"], item["call_id"]) == ("custom_tool_call", "a\nb", "t")


NAMED = {"type": "function", "function": {"name": "f"}}


def choices(row: str, messages, chat, responses) -> list:
    """The same choice in three dialects, each way."""
    ways = (
        (a_to_c, a_tool(), messages, chat),
        (a_to_r, a_tool(), messages, responses),
        (c_to_a, c_tool(), chat, messages),
        (c_to_r, c_tool(), chat, responses),
        (r_to_a, r_tool(), responses, messages),
        (r_to_c, r_tool(), responses, chat),
    )
    return [
        pytest.param(
            lambda build=build, tool=tool, said=said: build(tools=[tool], tool_choice=said),
            {"tool_choice": sent},
            "",
            id=f"{row} {build.__name__}",
        )
        for build, tool, said, sent in ways
    ]


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        *choices("2.5.1 auto", {"type": "auto"}, "auto", "auto"),
        *choices("2.5.2 any", {"type": "any"}, "required", "required"),
        *choices("2.5.3 one tool", {"type": "tool", "name": "f"}, NAMED, {"type": "function", "name": "f"}),
        *choices("2.5.4 none", {"type": "none"}, "none", "none"),
        pytest.param(lambda: a_to_c(tools=[a_tool()]), {"tool_choice": ABSENT}, "", id="2.5.1 nothing said"),
        pytest.param(
            lambda: c_to_a(
                tools=[c_tool("f"), c_tool("g")],
                tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
            ),
            {"tools": [a_tool()], "tool_choice": {"type": "any"}},
            "",
            id="2.5.5 chat",
        ),
        pytest.param(
            lambda: r_to_c(
                tools=[r_tool("f"), r_tool("g")],
                tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
            ),
            {"tools": [c_tool()], "tool_choice": "auto"},
            "",
            id="2.5.5 responses",
        ),
        pytest.param(
            lambda: c_to_a(tools=[CHOSEN_CUSTOM], tool_choice=CHOSEN_CUSTOM),
            {"tool_choice": {"type": "tool", "name": "p"}},
            "",
            id="2.5.6 wrapped",
        ),
        pytest.param(
            lambda: r_to_c(OPENAI, GPT, tools=[R_CUSTOM], tool_choice={"type": "custom", "name": "p"}),
            {"tool_choice": {"type": "custom", "custom": {"name": "p"}}},
            "",
            id="2.5.6 custom",
        ),
        *(
            pytest.param(
                lambda build=build, kind=kind: build(tools=[r_tool()], tool_choice={"type": kind}),
                {"tool_choice": ABSENT},
                kind,
                id=f"2.5.7 {kind}",
            )
            for build in (r_to_c, r_to_a)
            for kind in ("web_search", "file_search", "mcp")
        ),
        pytest.param(
            lambda: a_to_r(tools=[SEARCH], tool_choice={"type": "tool", "name": "web_search"}),
            {"tool_choice": {"type": "web_search"}},
            "",
            id="2.5.7 a choice that Anthropic's clients can make too",
        ),
        pytest.param(
            lambda: a_to_c(tools=[a_tool()], tool_choice={"type": "any", "disable_parallel_tool_use": True}),
            {"tool_choice": "required", "parallel_tool_calls": False},
            "",
            id="2.5.2 one at a time",
        ),
        pytest.param(
            lambda: c_to_a(tools=[c_tool()], tool_choice="required", reasoning_effort="high"),
            {"tool_choice": {"type": "any"}, "thinking": ABSENT},
            "Thinking",
            id="2.5.2 forced calls and thinking",
        ),
        pytest.param(
            lambda: a_to_r(OPENAI, O3, tools=[a_tool()], tool_choice={"type": "any"}, thinking={"type": "adaptive"}),
            {"tool_choice": "required"},
            "",
            id="2.5.2 others do both",
        ),
    ],
)
def test_choices(build, expected, warned):
    holds(build(), expected, warned)


@pytest.mark.parametrize(
    ("build", "choice"),
    [(a_to_c, {"type": "tool", "name": "x"}), (c_to_a, {"type": "function", "function": {"name": "x"}})],
)
def test_2_5_3_an_absent_tool_cannot_be_chosen(build, choice):
    with pytest.raises(BadRequest, match="not among the tools"):
        build(tools=[a_tool() if build is a_to_c else c_tool()], tool_choice=choice)


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize(
    ("arguments", "said"), [('{"input":"a\\nb"}', "a\nb"), ('{"other":1}', '{"other":1}'), ("bare text", "bare text")]
)
def test_2_4_13_a_wrapped_call_is_custom_again_while_it_arrives(arguments, said, size):
    cuts = (arguments[:9], arguments[9:11], arguments[11:])
    pieces = [tool_delta(index=0, function={"arguments": piece}) for piece in cuts]
    begun = tool_delta(index=0, id="t", function={"name": "p", "arguments": ""})
    data = frames_of(begun, *pieces, delta("tool_calls"), "[DONE]")
    # From chat to chat, as when an answer is mended.
    stream = streamed(data, exchange(CHAT, CHAT, wrapped=frozenset({"p"})), size)
    entries = [entry for chunk in payloads(stream) for entry in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert entries[0] == {"index": 0, "id": "t", "type": "custom", "custom": {"name": "p", "input": ""}}
    assert "".join(entry["custom"]["input"] for entry in entries) == said


def test_2_4_13_a_wrapped_call_of_messages_ends_with_its_block():
    use = {"type": "tool_use", "id": "t", "name": "p", "input": {}}
    events = (
        {"type": "message_start", "message": {"id": "msg_1"}},
        {"type": "content_block_start", "index": 0, "content_block": use},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"x":1}'}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    )
    read = check_chat(streamed(named(*events), exchange(CHAT, MESSAGES, wrapped=frozenset({"p"}))))
    assert read.tools() == [("t", "p", '{"x":1}')]


SEARCHING = {"type": "tool_search", "execution": "client", "description": "Finds tools.", "parameters": SCHEMA}
ASKED = {"type": "tool_search_call", "call_id": "s1", "execution": "client", "arguments": {"query": "mail"}}
FOUND = {
    "type": "tool_search_output",
    "call_id": "s1",
    "execution": "client",
    "tools": [{"type": "namespace", "name": "mail", "tools": [r_tool("send", defer_loading=True)]}],
}


def test_2_4_12_a_search_that_the_client_runs_is_a_function():
    conversion = r_to_c(tools=[SEARCHING], input=[user("q"), ASKED, FOUND])
    assert [tool["function"]["name"] for tool in conversion.body["tools"]] == ["tool_search", "mail__send"]
    asked, found = conversion.body["messages"][1:]
    assert asked["tool_calls"] == [call("s1", "tool_search", '{"query":"mail"}')]
    assert found["tool_call_id"] == "s1"
    assert "mail__send" in found["content"]
    assert conversion.exchange.search == "tool_search"


def test_2_4_12_a_search_that_found_nothing_says_so():
    conversion = r_to_c(tools=[SEARCHING], input=[user("q"), ASKED, {**FOUND, "tools": []}])
    assert conversion.body["messages"][2]["content"] == "No tools were found."


def test_2_4_12_a_search_that_openai_ran_leaves_what_it_found():
    ran = [{**item, "execution": "server", "call_id": None} for item in (ASKED, FOUND)]
    conversion = r_to_c(input=[user("q"), *ran, user("b")])
    assert conversion.body["messages"] == [user("q"), user("b")]
    assert conversion.body["tools"][0]["function"]["name"] == "mail__send"


def test_2_4_12_the_models_search_is_an_item_of_its_own():
    begun = tool_delta(index=0, id="s1", function={"name": "tool_search", "arguments": '{"que'})
    data = frames_of(begun, tool_delta(index=0, function={"arguments": 'ry":"mail"}'}), delta("tool_calls"), "[DONE]")
    events = payloads(streamed(data, exchange(RESPONSES, CHAT, search="tool_search")))
    item = {"id": "tsc_r1_0", **ASKED}
    assert [event["type"] for event in events[2:]] == [
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]
    assert events[2]["item"] == {**item, "arguments": {}, "status": "in_progress"}
    assert events[3]["item"] == {**item, "status": "completed"}
    answer = {"choices": [{"message": {"tool_calls": [call("s1", "tool_search", '{"query":"mail"}')]}}]}
    answer["choices"][0]["finish_reason"] = "tool_calls"
    assert whole(answer, RESPONSES, CHAT, search="tool_search")["output"] == [{**item, "status": "completed"}]
