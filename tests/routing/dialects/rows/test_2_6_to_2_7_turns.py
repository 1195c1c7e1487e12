"""Tables 2.6 and 2.7 of the reference, row by row: calls and results in the history, and the thinking there."""

import pytest

from routing.kinds import Kind
from tests.routing.dialects.rows.checking import ABSENT, GPT, a_to_r, a_tool_turns, c_to_r, c_tool_turns, holds, r_to_a
from tests.routing.dialects.support import (
    OPUS_48,
    a_to_c,
    assistant,
    c_to_a,
    call,
    r_to_c,
    text,
    tool_message,
    tool_result,
    tool_use,
    user,
)

OPENAI, VLLM, SGLANG = Kind.OPENAI, Kind.VLLM, Kind.SGLANG
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
IMAGE_URL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
INPUT_IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
R_CALL = {"type": "function_call", "call_id": "c1", "id": "fc_9", "name": "f", "arguments": '{"x":1}'}
R_OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "done"}
C_CALL = call("c1", "f", '{"x":1}')
LEGACY = [
    user("q"),
    assistant(None, function_call={"name": "f", "arguments": "{}"}),
    {"role": "function", "content": "r"},
]


def turns(*content, result: dict) -> list[dict]:
    return [user("q"), assistant([tool_use("t1")]), user([result, *content])]


def items(*given: dict) -> list[dict]:
    return [user("q"), *given]


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(
            lambda: a_to_c(
                messages=[
                    user("q"),
                    assistant([text("a"), text("b"), tool_use("t1", x=1), tool_use("t2", "g")]),
                    user([tool_result("t1", "r"), tool_result("t2", "r")]),
                ]
            ),
            {"messages.1": assistant("ab", tool_calls=[call("t1", "f", '{"x":1}'), call("t2", "g")])},
            "",
            id="2.6.1 text and calls",
        ),
        pytest.param(
            lambda: a_to_c(messages=a_tool_turns(content="r")), {"messages.1.content": None}, "", id="2.6.1 calls alone"
        ),
        pytest.param(
            lambda: a_to_c(messages=a_tool_turns(text("go"), IMAGE, content=[text("a"), text("b")])),
            {"messages.2": tool_message("t1", "a\nb"), "messages.3": user([text("go"), IMAGE_URL])},
            "",
            id="2.6.2 the rest comes after the results",
        ),
        *(
            pytest.param(
                lambda more=more: a_to_c(messages=a_tool_turns(**more)), {"messages.2.content": ""}, "", id="2.6.3"
            )
            for more in ({}, {"content": ""}, {"content": []})
        ),
        pytest.param(
            lambda: a_to_c(messages=turns(result={"type": "tool_result", "tool_use_id": "t1", "content": None})),
            {"messages.2.content": ""},
            "",
            id="2.6.3 null",
        ),
        pytest.param(lambda: a_to_c(messages=a_tool_turns(content="r")), {"messages.2.content": "r"}, "", id="2.6.4"),
        pytest.param(
            lambda: a_to_r(messages=a_tool_turns(content="r")), {"input.2.output": "r"}, "", id="2.6.4 responses"
        ),
        pytest.param(
            lambda: a_to_c(messages=a_tool_turns(content=[text("a"), text("b")])),
            {"messages.2.content": "a\nb"},
            "",
            id="2.6.5",
        ),
        pytest.param(
            lambda: a_to_c(messages=a_tool_turns(text("go"), content=[text("a"), IMAGE])),
            {"messages.2.content": "a", "messages.3.content": [IMAGE_URL, text("go")]},
            "after them",
            id="2.6.6 images move behind",
        ),
        pytest.param(
            lambda: a_to_c(messages=a_tool_turns(content=[IMAGE])),
            {"messages.2.content": "(see the attached content)", "messages.3.content": [IMAGE_URL]},
            "after them",
            id="2.6.6 an image alone",
        ),
        pytest.param(
            lambda: a_to_r(messages=a_tool_turns(content=[text("a"), IMAGE])),
            {"input.2.output": [{"type": "input_text", "text": "a"}, INPUT_IMAGE]},
            "",
            id="2.6.6 at responses",
        ),
        pytest.param(
            lambda: a_to_c(
                messages=a_tool_turns(
                    content=[
                        {"type": "document", "source": {"type": "text", "data": "D"}, "title": "T"},
                        {"type": "document", "source": {"type": "content", "content": [text("E"), IMAGE]}},
                    ]
                )
            ),
            {"messages.2.content": "T\nD\nE", "messages.3.content": [IMAGE_URL]},
            "after them",
            id="2.6.6 documents of text are text",
        ),
        pytest.param(
            lambda: a_to_c(messages=a_tool_turns(content="boom", is_error=True)),
            {"messages.2": tool_message("t1", "boom")},
            "",
            id="2.6.7 errors",
        ),
        pytest.param(
            lambda: c_to_a(messages=c_tool_turns()), {"messages.2.content.0.is_error": ABSENT}, "", id="2.6.7 unknown"
        ),
        pytest.param(
            lambda: a_to_c(messages=a_tool_turns(content=[{"type": "tool_reference", "tool_name": "g"}])),
            {"messages.2.content": "[tool: g]"},
            "reference",
            id="2.6.8",
        ),
        pytest.param(
            lambda: c_to_a(messages=c_tool_turns(user("go"))),
            {"messages.2.content": [tool_result("t1", "done"), text("go")], "messages.3": ABSENT},
            "",
            id="2.6.9",
        ),
        pytest.param(
            lambda: c_to_a(messages=[user("q"), assistant("a", tool_calls=[C_CALL]), tool_message("c1")]),
            {"messages.1.content": [text("a"), tool_use("c1", x=1)]},
            "",
            id="2.6.10",
        ),
        *(
            pytest.param(
                lambda given=given: c_to_a(messages=c_tool_turns(arguments=given)),
                {"messages.1.content.0.input": {}},
                "",
                id="2.6.11",
            )
            for given in ("", " ", None)
        ),
        pytest.param(
            lambda: r_to_c(input=items({**R_CALL, "arguments": ""}, R_OUTPUT)),
            {"messages.1.tool_calls.0.function.arguments": "{}"},
            "",
            id="2.6.11 at chat",
        ),
        *(
            pytest.param(
                lambda given=given: c_to_a(messages=c_tool_turns(arguments=given)),
                {"messages.1.content.0.input": {"raw": raw}},
                "no JSON object",
                id="2.6.12",
            )
            for given, raw in (("{bad", "{bad"), ("[1]", [1]))
        ),
        pytest.param(
            lambda: r_to_c(input=items({**R_CALL, "arguments": "{bad"}, R_OUTPUT)),
            {"messages.1.tool_calls.0.function.arguments": '{"raw":"{bad"}'},
            "",
            id="2.6.12 at chat",
        ),
        pytest.param(
            lambda: c_to_a(messages=LEGACY),
            {"messages.1.content.0.id": "call_legacy_1", "messages.2.content.0.tool_use_id": "call_legacy_1"},
            "",
            id="2.6.13",
        ),
        pytest.param(
            lambda: r_to_c(
                input=items(
                    {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
                    assistant("a"),
                    R_CALL,
                    {**R_CALL, "call_id": "c2"},
                    R_OUTPUT,
                    {**R_OUTPUT, "call_id": "c2"},
                )
            ),
            {
                "messages.1": assistant("a", reasoning="hm", tool_calls=[C_CALL, {**C_CALL, "id": "c2"}]),
                "messages.2": tool_message("c1"),
                "messages.3": tool_message("c2"),
            },
            "",
            id="2.6.14 at chat",
        ),
        pytest.param(
            lambda: r_to_a(input=items(assistant("a"), R_CALL, R_OUTPUT)),
            {"messages.1.content": [text("a"), tool_use("c1", x=1)], "messages.2.content": [tool_result("c1", "done")]},
            "",
            id="2.6.14 at messages",
        ),
        pytest.param(
            lambda: r_to_a(
                input=items(R_CALL, {**R_OUTPUT, "output": [{"type": "input_text", "text": "a"}, INPUT_IMAGE]})
            ),
            {"messages.2.content.0.content": [text("a"), IMAGE]},
            "",
            id="2.6.15",
        ),
        pytest.param(
            lambda: r_to_c(
                input=items(
                    {"type": "custom_tool_call", "call_id": "c1", "name": "p", "input": "x"},
                    {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
                )
            ),
            {"messages.1.tool_calls": [call("c1", "p", '{"input":"x"}')], "messages.2": tool_message("c1")},
            "",
            id="2.6.16 custom",
        ),
        *(
            pytest.param(
                lambda kind=kind, member=member: r_to_a(
                    input=items(
                        {"type": f"{kind}_call", "call_id": "c1", member: {"command": ["ls"]}},
                        {"type": f"{kind}_call_output", "call_id": "c1", "output": "done"},
                    )
                ),
                {
                    "messages.1.content": [tool_use("c1", kind, command=["ls"])],
                    "messages.2.content": [tool_result("c1", "done")],
                },
                "",
                id=f"2.6.16 {kind}",
            )
            for kind, member in (("local_shell", "action"), ("shell", "action"), ("apply_patch", "operation"))
        ),
        pytest.param(
            lambda: r_to_c(input=[user("q"), assistant("a"), user("b")]),
            {"messages": [user("q"), assistant("a"), user("b")]},
            "",
            id="2.6.17",
        ),
        *(
            pytest.param(
                lambda build=build, kind=kind: build(input=[user("q"), {"type": kind, "id": "x"}, user("b")]),
                {"messages.1": user("b")},
                word,
                id=f"2.6.18 {kind}",
            )
            for build in (r_to_c, r_to_a)
            for kind, word in (
                ("web_search_call", "web_search_call"),
                ("file_search_call", "file_search_call"),
                ("image_generation_call", "image_generation_call"),
                ("computer_call", "computer_call"),
                ("compaction", "only OpenAI can read"),
            )
        ),
        pytest.param(
            lambda: a_to_c(messages=[user("q"), assistant([{"type": "compaction", "content": "so far"}]), user("b")]),
            {"messages.1": assistant("so far")},
            "",
            id="2.6.18 Anthropic's summary can be read",
        ),
        pytest.param(
            lambda: a_to_c(messages=turns(text("go"), result=tool_result("other", "stray"))),
            {"messages.2": tool_message("t1", "(no result)"), "messages.3": user("stray\ngo")},
            "answers no call",
            id="2.6.19 from messages",
        ),
        pytest.param(
            lambda: c_to_a(messages=[*c_tool_turns()[:2], user("go")]),
            {"messages.2.content": [tool_result("t1", "(no result)"), text("go")]},
            "has no result",
            id="2.6.19 from chat",
        ),
        pytest.param(
            lambda: c_to_a(messages=c_tool_turns(tool_message("t1", "again"))),
            {"messages.2.content": [tool_result("t1", "again")]},
            "two results",
            id="2.6.20",
        ),
    ],
)
def test_turns(build, expected, warned):
    holds(build(), expected, warned)


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "Eq"}
REDACTED = {"type": "redacted_thinking", "data": "x"}
LOOP = [user("q"), assistant([THOUGHT, REDACTED, tool_use("t1")]), user([tool_result("t1", "r")])]
R_THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
DETAILS = [{"type": "reasoning.text", "text": "hm", "signature": "Eq", "format": "anthropic-claude-v1"}]


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(
            lambda: c_to_a(
                reasoning_effort="high",
                messages=[user("q"), assistant(None, reasoning_content="hm", tool_calls=[C_CALL]), tool_message("c1")],
            ),
            {"messages.1.content": [tool_use("c1", x=1)], "thinking": ABSENT},
            "signed thinking",
            id="2.7.2 a tool loop without its thinking",
        ),
        *(
            pytest.param(
                lambda kind=kind, model=model: a_to_c(kind, model, messages=LOOP),
                {f"messages.1.{field}": "hm", "messages.1.content": None},
                "",
                id=f"2.7.3 {kind}",
            )
            for kind, model, field in (
                (VLLM, "m", "reasoning"),
                (Kind.OLLAMA, "m", "reasoning"),
                (SGLANG, "m", "reasoning_content"),
                (Kind.LLAMACPP, "m", "reasoning_content"),
                (Kind.OTHER, "deepseek-v3.2", "reasoning_content"),
            )
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, messages=LOOP),
            {"messages.1.reasoning": ABSENT, "messages.1.reasoning_content": ABSENT},
            "",
            id="2.7.3 OpenAI",
        ),
        pytest.param(
            lambda: a_to_c(messages=[user("q"), assistant([REDACTED, text("a")]), user("b")]),
            {"messages.1": assistant("a")},
            "",
            id="2.7.4 chat",
        ),
        pytest.param(
            lambda: a_to_r(messages=[user("q"), assistant([REDACTED, text("a")]), user("b")]),
            {"input.1.type": "message"},
            "",
            id="2.7.4 responses",
        ),
        *(
            pytest.param(
                lambda model=model: a_to_c(Kind.OTHER, model, messages=a_tool_turns(content="r")),
                {"messages.1.reasoning_content": " "},
                "",
                id=f"2.7.5 {model}",
            )
            for model in ("deepseek-v3.2", "kimi-k2-thinking")
        ),
        pytest.param(
            lambda: a_to_c(
                Kind.OTHER, "deepseek-v3.2", messages=a_tool_turns(content="r"), thinking={"type": "disabled"}
            ),
            {"messages.1.reasoning_content": ABSENT},
            "",
            id="2.7.5 not without thinking",
        ),
        pytest.param(
            lambda: a_to_c(Kind.OTHER, "deepseek-r1", messages=LOOP),
            {"messages.1.reasoning_content": ABSENT},
            "",
            id="2.7.5 R1 refuses it",
        ),
        *(
            pytest.param(
                lambda field=field: c_to_a(OPUS_48, messages=[user("q"), assistant("a", **{field: "hm"}), user("b")]),
                {"messages.1": assistant("a")},
                "",
                id=f"2.7.6 {field}",
            )
            for field in ("reasoning_content", "reasoning")
        ),
        pytest.param(
            lambda: c_to_a(OPUS_48, messages=[user("q"), assistant("a", reasoning_details=DETAILS), user("b")]),
            {"messages.1.content": [THOUGHT, text("a")]},
            "",
            id="2.7.6 a seal that was stashed",
        ),
        *(
            pytest.param(
                lambda detail=detail: c_to_a(
                    OPUS_48, messages=[user("q"), assistant("a", reasoning_details=[detail]), user("b")]
                ),
                {"messages.1": assistant("a")},
                "",
                id="2.7.2 seals of others",
            )
            for detail in (
                {"text": "hm", "signature": "CiQ", "format": "google-gemini-v1"},
                {"data": "gAAA", "format": "xai-responses-v1"},
            )
        ),
        pytest.param(
            lambda: r_to_c(
                SGLANG, "m", input=items({**R_THOUGHT, "encrypted_content": "gAAA"}, assistant("a"), user("b"))
            ),
            {"messages.1": assistant("a", reasoning_content="hm")},
            "",
            id="2.7.7 chat",
        ),
        pytest.param(
            lambda: r_to_a(input=items({**R_THOUGHT, "encrypted_content": "gAAA"}, assistant("a"), user("b"))),
            {"messages.1": assistant("a")},
            "",
            id="2.7.7 messages",
        ),
        pytest.param(
            lambda: c_to_r(
                messages=[
                    user("q"),
                    assistant("a", reasoning_details=[{"data": "gAAA", "id": "rs_1", "format": "openai-responses-v1"}]),
                    user("b"),
                ]
            ),
            {
                "input.1": {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
                "input.2.type": "message",
            },
            "",
            id="2.7.8 with what follows it",
        ),
        pytest.param(
            lambda: c_to_r(
                messages=[
                    user("q"),
                    assistant(
                        None, reasoning_details=[{"data": "gAAA", "id": "rs_1", "format": "openai-responses-v1"}]
                    ),
                    user("b"),
                ]
            ),
            {"input.1.role": "user"},
            "nothing follows",
            id="2.7.8 never alone",
        ),
    ],
)
def test_thinking_in_the_history(build, expected, warned):
    holds(build(), expected, warned)
