"""Tables 4.5 to 4.8 of the reference, row by row: streams of messages and responses, and errors in streams."""

import pytest

from routing.dialects import Dialect
from routing.dialects.streaming import StreamConverter
from tests.routing.dialects.checkers import check_chat, check_messages, check_responses
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    delta,
    exchange,
    frames_of,
    named,
    payloads,
    streamed,
    tool_delta,
)

START = {
    "type": "message_start",
    "message": {"id": "msg_1", "usage": {"input_tokens": 10, "cache_read_input_tokens": 80}},
}
STOP = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
END = {"type": "message_stop"}
ROLE = {"role": "assistant", "content": ""}


def block(kind: str, *deltas: dict, index: int = 0, **start) -> list[dict]:
    return [
        {"type": "content_block_start", "index": index, "content_block": {"type": kind, **start}},
        *({"type": "content_block_delta", "index": index, "delta": item} for item in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def typed(kind: str, **members) -> dict:
    return {"type": kind, **members}


def deltas(*events: dict, upstream: Dialect = MESSAGES) -> list[dict]:
    """What a chat client gets between the role and the finish."""
    chunks = payloads(streamed(named(*events), exchange(CHAT, upstream)))
    found = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert (found[0], found[-1]) == (ROLE, {})
    return found[1:-1]


CALL_START = {"index": 0, "id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}


def arguments(said: str) -> dict:
    return {"tool_calls": [{"index": 0, "function": {"arguments": said}}]}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [], id="4.5.1 message_start is the role"),
        pytest.param(block("text", text=""), [], id="4.5.2 text begins"),
        pytest.param(block("text", text="a"), [{"content": "a"}], id="4.5.2 text begins with text"),
        pytest.param(block("text", typed("text_delta", text="a"), text=""), [{"content": "a"}], id="4.5.3"),
        pytest.param(
            block("thinking", typed("thinking_delta", thinking="hm"), thinking=""),
            [{"content": None, "reasoning_content": "hm"}],
            id="4.5.4",
        ),
        pytest.param(
            block("thinking", typed("signature_delta", signature="Eq"), thinking="hm"),
            [
                {"content": None, "reasoning_content": "hm"},
                {
                    "content": None,
                    "reasoning_details": [
                        {
                            "type": "reasoning.text",
                            "text": "hm",
                            "signature": "Eq",
                            "format": "anthropic-claude-v1",
                            "index": 0,
                        }
                    ],
                },
            ],
            id="4.5.5 a seal is stashed",
        ),
        pytest.param(
            [*block("text", text=""), *block("tool_use", index=1, id="t1", name="f", input={"x": 1})],
            [{"tool_calls": [CALL_START]}, arguments('{"x":1}')],
            id="4.5.6 counted among the calls",
        ),
        pytest.param(
            block(
                "tool_use",
                typed("input_json_delta", partial_json=""),
                typed("input_json_delta", partial_json="{}"),
                id="t1",
                name="f",
                input={},
            ),
            [{"tool_calls": [CALL_START]}, arguments("{}")],
            id="4.5.7",
        ),
        pytest.param(
            block("tool_use", id="t1", name="f", input={}), [{"tool_calls": [CALL_START]}, arguments("{}")], id="4.5.8"
        ),
        pytest.param(
            [
                *block("server_tool_use", typed("input_json_delta", partial_json="{}"), id="s", name="web_search"),
                *block("web_search_tool_result", index=1, content=[]),
                *block(
                    "text", typed("citations_delta", citation={"url": "https://x", "title": "T"}), index=2, text="a"
                ),
            ],
            [
                {"content": "a"},
                {
                    "annotations": [
                        {
                            "type": "url_citation",
                            "url_citation": {"start_index": 0, "end_index": 0, "title": "T", "url": "https://x"},
                        }
                    ]
                },
            ],
            id="4.5.9",
        ),
        pytest.param([{"type": "ping"}], [], id="4.5.10"),
    ],
)
def test_messages_to_chat(events, expected):
    assert deltas(START, *events, STOP, END) == expected


def test_4_5_5_redacted_thinking_is_stashed_too():
    (found,) = deltas(START, *block("redacted_thinking", data="x"), STOP, END)
    assert found["reasoning_details"][0]["data"] == "x"


def test_4_5_11_and_4_5_12_the_finish_then_usage_then_done():
    stream = streamed(named(START, *block("text", text="a"), STOP, END), exchange(CHAT, MESSAGES, include_usage=True))
    *_, finish, usage = payloads(stream)
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["prompt_tokens"] == 90
    assert usage["usage"]["completion_tokens"] == 7
    assert stream.endswith(b"data: [DONE]\n\n")


def test_4_5_13_and_4_8_2_an_error_is_a_frame_and_the_end():
    error = {"type": "error", "error": {"type": "api_error", "message": "boom"}}
    for client in (CHAT, COMPLETIONS):
        stream = streamed(named(START, *block("text", text="a"), error, STOP, END), exchange(client, MESSAGES))
        *before, last = payloads(stream)
        assert last == {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}}
        assert not any(chunk["choices"][0]["finish_reason"] for chunk in before)
        assert stream.endswith(b"data: [DONE]\n\n")


# What is written for clients of Responses


def piece(arguments: str, **entry) -> dict:
    name = {"name": entry.pop("name")} if "name" in entry else {}
    return tool_delta(index=0, **entry, function={**name, "arguments": arguments})


CITED = {"start_index": 0, "end_index": 1, "title": "T", "url": "https://x"}
WRITTEN = payloads(
    streamed(
        frames_of(
            delta(reasoning="hm"),
            delta(content="a"),
            delta(annotations=[{"type": "url_citation", "url_citation": CITED}]),
            delta(refusal="no"),
            piece('{"x":', id="c1", name="f"),
            piece("1}"),
            tool_delta(index=1, id="c2", function={"name": "p", "arguments": '{"input":"ls"}'}),
            delta("tool_calls"),
            "[DONE]",
        ),
        exchange(RESPONSES, CHAT, wrapped=frozenset({"p"})),
    )
)


def of(kind: str) -> list[dict]:
    """The events of a kind, without what all of them have."""
    found = [event for event in WRITTEN if event["type"] == f"response.{kind}"]
    return [
        {name: value for name, value in event.items() if name not in ("type", "sequence_number")} for event in found
    ]


RS = {"item_id": "rs_r1_0", "output_index": 0}
MSG = {"item_id": "msg_r1_1", "output_index": 1}
FC = {"item_id": "fc_r1_2", "output_index": 2}
CTC = {"item_id": "ctc_r1_3", "output_index": 3}


def test_4_6_1_a_response_begins_empty():
    for kind in ("created", "in_progress"):
        ((begun,),) = [[event["response"] for event in of(kind)]]
        assert (begun["status"], begun["output"]) == ("in_progress", [])


def test_4_6_2_a_response_ends_with_everything():
    (final,) = [event["response"] for event in of("completed")]
    assert final["output"] == [event["item"] for event in of("output_item.done")]
    assert final["usage"]["total_tokens"]


def test_4_6_3_items_are_announced_and_done():
    added, done = of("output_item.added"), of("output_item.done")
    assert [event["output_index"] for event in added] == [event["output_index"] for event in done] == [0, 1, 2, 3]
    assert [event["item"]["type"] for event in added] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
    ]
    assert [event["item"]["id"] for event in added] == [event["item"]["id"] for event in done]


TEXT = {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation", **CITED}], "logprobs": []}


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        pytest.param(
            "content_part.added",
            [
                {**MSG, "content_index": 0, "part": {**TEXT, "text": "", "annotations": []}},
                {**MSG, "content_index": 1, "part": {"type": "refusal", "refusal": ""}},
            ],
            id="4.6.4 added",
        ),
        pytest.param(
            "content_part.done",
            [
                {**MSG, "content_index": 0, "part": TEXT},
                {**MSG, "content_index": 1, "part": {"type": "refusal", "refusal": "no"}},
            ],
            id="4.6.4 done",
        ),
        pytest.param(
            "output_text.delta",
            [{**MSG, "content_index": 0, "delta": "a", "logprobs": []}],
            id="4.6.5 output_text.delta",
        ),
        pytest.param(
            "output_text.done", [{**MSG, "content_index": 0, "text": "a", "logprobs": []}], id="4.6.6 output_text.done"
        ),
        pytest.param(
            "output_text.annotation.added",
            [
                {
                    **MSG,
                    "content_index": 0,
                    "annotation_index": 0,
                    "annotation": {"type": "url_citation", **CITED},
                }
            ],
            id="4.6.7",
        ),
        pytest.param("refusal.delta", [{**MSG, "content_index": 1, "delta": "no"}], id="4.6.8 delta"),
        pytest.param("refusal.done", [{**MSG, "content_index": 1, "refusal": "no"}], id="4.6.8 done"),
        pytest.param(
            "function_call_arguments.delta", [{**FC, "delta": '{"x":'}, {**FC, "delta": "1}"}], id="4.6.9 delta"
        ),
        pytest.param("function_call_arguments.done", [{**FC, "arguments": '{"x":1}'}], id="4.6.9 done"),
        pytest.param("custom_tool_call_input.delta", [{**CTC, "delta": "ls"}], id="4.6.10 delta"),
        pytest.param("custom_tool_call_input.done", [{**CTC, "input": "ls"}], id="4.6.10 done"),
        pytest.param(
            "reasoning_summary_part.added",
            [{**RS, "summary_index": 0, "part": {"type": "summary_text", "text": ""}}],
            id="4.6.11 added",
        ),
        pytest.param(
            "reasoning_summary_part.done",
            [{**RS, "summary_index": 0, "part": {"type": "summary_text", "text": "hm"}}],
            id="4.6.11 done",
        ),
        pytest.param("reasoning_summary_text.delta", [{**RS, "summary_index": 0, "delta": "hm"}], id="4.6.12 delta"),
        pytest.param("reasoning_summary_text.done", [{**RS, "summary_index": 0, "text": "hm"}], id="4.6.12 done"),
    ],
)
def test_events_have_their_members(kind, events):
    assert of(kind) == events


def test_4_6_9_the_finished_call_has_name_and_arguments():
    item = of("output_item.done")[2]["item"]
    assert (item["name"], item["call_id"], item["arguments"]) == ("f", "c1", '{"x":1}')


# What comes from upstreams of Responses

CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}
PLACE = {"item_id": "i", "output_index": 0}
R_USAGE = {"input_tokens": 9, "output_tokens": 3}


def finished(status: str = "completed", **more) -> dict:
    return typed(f"response.{status}", response={"id": "resp_1", "status": status, "usage": R_USAGE, **more})


def r(kind: str, **members) -> dict:
    return typed(f"response.{kind}", **{**PLACE, **members})


def added(kind: str, **more) -> dict:
    return r("output_item.added", item={"type": kind, "id": "i", **more})


def done(kind: str, **more) -> dict:
    return r("output_item.done", item={"type": kind, "id": "i", **more})


CALL = {"call_id": "t1", "name": "f"}
STARTED = {"tool_calls": [CALL_START]}
HOSTED = {
    "4.6.14 searches": ("web_search_call.in_progress", "web_search_call.searching", "file_search_call.completed"),
    "4.6.15 code": ("code_interpreter_call.interpreting", "code_interpreter_call_code.delta"),
    "4.6.16 images": ("image_generation_call.generating", "image_generation_call.partial_image"),
    "4.6.17 mcp": ("mcp_call_arguments.delta", "mcp_call.failed", "mcp_list_tools.completed"),
    "4.6.18 shell": ("shell_call_command.delta", "shell_call_output_content.done"),
    "4.6.19 audio": ("audio.delta", "audio.transcript.done"),
    "4.6.20 compaction": ("compaction.compacting",),
    "4.6.21 steer": ("steer.accepted", "steer.failed"),
    "4.7.12 unknown": ("new_thing.delta",),
}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [], id="4.7.1 created is the role"),
        pytest.param([added("message", content=[])], [], id="4.7.2"),
        pytest.param([r("output_text.delta", content_index=0, delta="a")], [{"content": "a"}], id="4.7.3 text"),
        pytest.param(
            [r("refusal.delta", content_index=0, delta="no")], [{"content": None, "refusal": "no"}], id="4.7.3 refusal"
        ),
        pytest.param(
            [
                r("reasoning_summary_text.delta", summary_index=0, delta="a"),
                r("reasoning_summary_text.delta", summary_index=1, delta="b"),
            ],
            [{"content": None, "reasoning_content": said} for said in ("a", "\n\n", "b")],
            id="4.7.4 summary",
        ),
        pytest.param(
            [
                r("reasoning_text.delta", content_index=0, delta="a"),
                r("reasoning_text.done", content_index=0, text="a"),
            ],
            [{"content": None, "reasoning_content": "a"}],
            id="4.6.13 and 4.7.4 raw reasoning",
        ),
        pytest.param(
            [added("function_call", **CALL), r("function_call_arguments.delta", delta='{"x":1}')],
            [STARTED, arguments('{"x":1}')],
            id="4.7.5 and 4.7.6",
        ),
        pytest.param(
            [added("function_call", **CALL), r("function_call_arguments.delta", delta="{"), r("x.y", delta="}")],
            [STARTED, arguments("{")],
            id="4.7.6 nothing is added",
        ),
        pytest.param(
            [
                added("function_call", **CALL),
                r("function_call_arguments.done", arguments='{"x":1}'),
                done("function_call", **CALL, arguments='{"x":1}'),
            ],
            [STARTED, arguments('{"x":1}')],
            id="4.7.7 at the end",
        ),
        pytest.param(
            [done("function_call", **CALL, arguments='{"x":1}')],
            [STARTED, arguments('{"x":1}')],
            id="4.7.7 with the item",
        ),
        *(
            pytest.param(
                [r(kind, delta="x", partial_image_b64="x", item={"type": "x"}) for kind in kinds], [], id=label
            )
            for label, kinds in HOSTED.items()
        ),
    ],
)
def test_responses_to_chat(events, expected):
    assert deltas(
        CREATED, *events, r("output_text.delta", content_index=7, delta="."), finished(), upstream=RESPONSES
    ) == [
        *expected,
        {"content": "."},
    ]


def to_messages(*events: dict):
    return check_messages(streamed(named(CREATED, *events), exchange(MESSAGES, RESPONSES)))


def test_4_6_13_raw_reasoning_is_read_once():
    said = [r("reasoning_text.delta", content_index=0, delta="hm"), done("reasoning", content=[{"text": "hm"}])]
    assert to_messages(*said, finished()).parts == [("thinking", "hm")]


def test_4_7_1_to_4_7_6_are_the_same_blocks_for_messages():
    """Rows 4.7.3, 4.7.4, 4.7.5 and 4.7.6 of the wire reference."""
    read = to_messages(
        r("reasoning_summary_text.delta", summary_index=0, delta="hm"),
        r("output_text.delta", output_index=1, item_id="j", content_index=0, delta="a"),
        typed("response.output_item.added", output_index=2, item={"type": "function_call", "id": "k", **CALL}),
        typed("response.function_call_arguments.delta", output_index=2, item_id="k", delta='{"x":1}'),
        finished(),
    )
    assert read.parts == [("thinking", "hm"), ("text", "a"), ("tool", ("t1", "f", '{"x":1}'))]
    assert read.finish == "tool_use"


def test_4_7_8_free_text_is_wrapped_for_messages():
    read = to_messages(
        added("custom_tool_call", **CALL),
        r("custom_tool_call_input.delta", delta='a"'),
        r("custom_tool_call_input.delta", delta="\n"),
        finished(),
    )
    assert read.tools() == [("t1", "f", '{"input":"a\\"\\n"}')]


@pytest.mark.parametrize(
    ("last", "in_chat", "in_messages"),
    [
        pytest.param(finished(), "stop", "end_turn", id="4.7.9"),
        pytest.param(
            finished("incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "length",
            "max_tokens",
            id="4.7.10",
        ),
        pytest.param(
            finished("incomplete", incomplete_details={"reason": "content_filter"}),
            "content_filter",
            "refusal",
            id="4.7.10 filtered",
        ),
    ],
)
def test_ends_of_responses(last, in_chat, in_messages):
    said = r("output_text.delta", content_index=0, delta="a")
    read = check_chat(
        streamed(named(CREATED, said, last), exchange(CHAT, RESPONSES, include_usage=True)), include_usage=True
    )
    assert (read.finish, read.usage["total_tokens"]) == (in_chat, 12)
    assert to_messages(said, last).finish == in_messages


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(finished("failed", error={"code": "server_error", "message": "boom"}), id="4.7.11 failed"),
        pytest.param({"type": "error", "code": "server_error", "message": "boom", "param": None}, id="4.6.22 error"),
    ],
)
def test_failures_of_responses(last):
    said = r("output_text.delta", content_index=0, delta="a")
    for client, check in ((CHAT, check_chat), (MESSAGES, check_messages), (RESPONSES, check_responses)):
        read = check(streamed(named(CREATED, said, last), exchange(client, RESPONSES)))
        assert read.error["message"] == "boom"


# Errors in the middle


def test_4_8_3_a_failed_response_says_what_there_was():
    stream = streamed(frames_of(delta(content="a"), {"error": {"message": "boom"}}), exchange(RESPONSES, CHAT))
    last = payloads(stream)[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"] == {"code": "server_error", "message": "boom"}


def test_4_8_4_an_error_of_generate_reaches_a_client_of_completions():
    stream = streamed(
        frames_of({"text": "a"}, {"error": {"message": "boom"}}, "[DONE]"), exchange(COMPLETIONS, GENERATE)
    )
    assert payloads(stream)[-1]["error"]["message"] == "boom"


INBOUND = [
    frames_of({"error": {"message": "boom"}}),
    frames_of({"error": "boom"}),
    frames_of({"object": "error", "message": "boom"}),
    b'event: error\ndata: {"message":"boom"}\n\n',
    b'event: error\ndata: {"type":"error","error":{"message":"boom"}}\n\n',
    frames_of({"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"message": "boom"}}]}),
    frames_of({"detail": "boom"}),
    frames_of({"type": "error", "error": {"message": "boom"}}),
]


@pytest.mark.parametrize("frame", INBOUND)
def test_4_8_2_errors_of_every_form_are_recognised(frame):
    converter = StreamConverter(exchange(CHAT, CHAT))
    read = check_chat(converter.feed(frames_of(delta(content="a")) + frame) + converter.close())
    assert read.error["message"] == "boom"
    assert converter.failure is not None
