"""A Responses upstream's answer as events: section 4.7 and 4.8 of the reference."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects.events import (
    Citation,
    End,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Refusal,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    Usage,
    UsageSeen,
)
from routing.dialects.responses.reader import ResponsesReader
from tests.routing.dialects.responses.making import events_in, exchange, frames

USAGE = {
    "input_tokens": 95,
    "input_tokens_details": {"cached_tokens": 80},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 102,
}
SEEN = UsageSeen(Usage(prompt=95, output=7, cache_read=80, reasoning=3))
CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5", "status": "in_progress"}}
START = Start("resp_1", "gpt-5")
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"x":1}'}
MESSAGE = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "Hello"}]}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
STOP, CALLED, CUT = Finish(FinishReason.STOP), Finish(FinishReason.TOOL_CALLS), Finish(FinishReason.LENGTH)


def completed(*output: dict, kind: str = "completed", **more) -> dict:
    response = {"id": "resp_1", "model": "gpt-5", "status": kind, "output": list(output), "usage": USAGE, **more}
    return {"type": f"response.{kind}", "response": response}


def added(item: dict, index: int = 0) -> dict:
    empty = {"arguments": ""} if "arguments" in item else {}
    return {"type": "response.output_item.added", "output_index": index, "item": {**item, **empty}}


def done(item: dict, index: int = 0) -> dict:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def delta(kind: str, text: str, index: int = 0, **more) -> dict:
    return {"type": f"response.{kind}.delta", "item_id": "x", "output_index": index, "delta": text, **more}


def ended(kind: str, index: int = 0, **more) -> dict:
    return {"type": f"response.{kind}.done", "item_id": "x", "output_index": index, **more}


def seen(*payloads: dict) -> list:
    return events_in([frames(*payloads)])


def read_whole(**body) -> list:
    return ResponsesReader(exchange()).whole(body)


STREAM = frames(
    CREATED,
    {"type": "response.in_progress", "response": CREATED["response"]},
    added(THOUGHT),
    {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0, "part": {}},
    delta("reasoning_summary_text", "hm", summary_index=0),
    ended("reasoning_summary_text", summary_index=0, text="hm"),
    done({**THOUGHT, "encrypted_content": "opaque"}),
    added(MESSAGE, 1),
    delta("output_text", "Hel", 1, content_index=0, logprobs=[]),
    delta("output_text", "lö", 1, content_index=0, obfuscation="abc"),
    ended("output_text", 1, content_index=0, text="Hello"),
    done(MESSAGE, 1),
    added(CALL, 2),
    delta("function_call_arguments", '{"x"', 2),
    delta("function_call_arguments", ":1}", 2),
    ended("function_call_arguments", 2, arguments='{"x":1}'),
    done(CALL, 2),
    completed({**THOUGHT, "encrypted_content": "opaque"}, MESSAGE, CALL),
)
EVENTS = [
    START,
    Reasoning("hm"),
    ReasoningEnd(encrypted="opaque", id="rs_1"),
    Text("Hel"),
    Text("lö"),
    ToolStart(0, "call_1", "f"),
    ToolArguments(0, '{"x"'),
    ToolArguments(0, ":1}"),
    ToolEnd(0),
    SEEN,
    CALLED,
    End(),
]


def test_4_7_a_stream_with_everything():
    assert events_in([STREAM]) == EVENTS


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_events_do_not_depend_on_how_the_bytes_arrive(size):
    assert events_in([STREAM[at : at + size] for at in range(0, len(STREAM), size)]) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
def test_events_do_not_depend_on_where_the_bytes_are_cut(cuts):
    bounds = zip([0, *cuts], [*cuts, len(STREAM)], strict=True)
    assert events_in([STREAM[start:end] for start, end in bounds]) == EVENTS


def test_a_whole_response_gives_the_same_content():
    output = [{**THOUGHT, "encrypted_content": "opaque"}, MESSAGE, CALL]
    assert read_whole(id="resp_1", model="gpt-5", status="completed", error=None, output=output, usage=USAGE) == [
        START,
        Reasoning("hm"),
        ReasoningEnd(encrypted="opaque", id="rs_1"),
        Text("Hello"),
        ToolStart(0, "call_1", "f"),
        ToolArguments(0, '{"x":1}'),
        ToolEnd(0),
        SEEN,
        CALLED,
        End(),
    ]


def test_8_93_arguments_that_come_only_at_the_end_come_once():
    found = seen(
        CREATED, added(CALL), ended("function_call_arguments", arguments='{"x":1}'), done(CALL), completed(CALL)
    )
    assert found[1:4] == [ToolStart(0, "call_1", "f"), ToolArguments(0, '{"x":1}'), ToolEnd(0)]
    assert len(found) == 7


def test_4_7_content_that_only_the_finished_items_have():
    found = seen(CREATED, done(THOUGHT), done(MESSAGE, 1), done(CALL, 2), completed())
    assert found == [
        START,
        Reasoning("hm"),
        ReasoningEnd(),
        Text("Hello"),
        ToolStart(0, "call_1", "f"),
        ToolArguments(0, '{"x":1}'),
        ToolEnd(0),
        SEEN,
        CALLED,
        End(),
    ]


def test_4_7_content_that_only_the_completed_response_has():
    assert seen(completed(MESSAGE)) == [START, Text("Hello"), SEEN, STOP, End()]


def test_4_7_nothing_is_repeated_from_a_final_list_in_another_order():
    found = seen(CREATED, added(MESSAGE, 5), delta("output_text", "Hello", 5), done(MESSAGE, 5), completed(MESSAGE))
    assert found == [START, Text("Hello"), SEEN, STOP, End()]


def test_what_the_final_list_has_beyond_the_stream_is_read():
    found = seen(CREATED, added(MESSAGE), delta("output_text", "Hello"), completed(MESSAGE, CALL))
    assert [type(event) for event in found[1:5]] == [Text, ToolStart, ToolArguments, ToolEnd]


@pytest.mark.parametrize(("kind", "member", "event"), [("output_text", "text", Text), ("refusal", "refusal", Refusal)])
def test_text_may_come_at_the_end_of_its_part(kind, member, event):
    found = seen(CREATED, ended(kind, content_index=0, **{member: "x"}), ended(kind, content_index=0, **{member: "x"}))
    assert found[1:-1] == [event("x")]


def test_3_3_a_refusal_is_the_reason_to_stop():
    found = seen(CREATED, delta("refusal", "no"), completed())
    assert found[1:] == [Refusal("no"), SEEN, Finish(FinishReason.REFUSAL), End()]
    part = {"type": "refusal", "refusal": "no"}
    assert Refusal("no") in seen(completed({"type": "message", "content": [part]}))


@pytest.mark.parametrize("kind", ["reasoning_text", "reasoning_summary_text"])
def test_4_7_parts_of_reasoning_are_paragraphs(kind):
    place = "content_index" if kind == "reasoning_text" else "summary_index"
    found = seen(
        CREATED,
        delta(kind, "a", **{place: 0}),
        delta(kind, "b", **{place: 0}),
        delta(kind, "", **{place: 1}),
        ended(kind, text="c", **{place: 1}),
    )
    assert found[1:-1] == [Reasoning("a"), Reasoning("b"), Reasoning("\n\n"), Reasoning("c")]


def test_reasoning_is_read_raw_or_as_a_summary_never_twice():
    both = {**THOUGHT, "content": [{"type": "reasoning_text", "text": "long"}]}
    assert seen(completed(both))[1:3] == [Reasoning("long"), ReasoningEnd()]
    found = seen(CREATED, delta("reasoning_summary_text", "hm", summary_index=0), done(both), completed(both))
    assert found[1:3] == [Reasoning("hm"), ReasoningEnd()]
    found = seen(CREATED, delta("reasoning_text", "long", content_index=0), delta("reasoning_summary_text", "hm"))
    assert found[1:-1] == [Reasoning("long")]


def test_reasoning_that_says_nothing_leaves_no_trace():
    assert seen(completed({"type": "reasoning", "summary": [], "encrypted_content": ""}))[1] == SEEN


def test_4_7_custom_calls():
    item = {"type": "custom_tool_call", "call_id": "c", "name": "p", "input": ""}
    found = seen(
        CREATED, added(item), delta("custom_tool_call_input", "ab"), ended("custom_tool_call_input", input="ab")
    )
    assert found[1:-1] == [ToolStart(0, "c", "p", custom=True), ToolArguments(0, "ab")]
    assert ToolArguments(0, "cd") in seen(completed({**item, "input": "cd"}))


def test_a_call_without_a_name_waits_for_it():
    nameless = {**CALL, "name": None}
    found = seen(CREATED, added(nameless), delta("function_call_arguments", "{"), done(CALL), completed(CALL))
    assert found[1:4] == [ToolStart(0, "call_1", "f"), ToolArguments(0, '{"x":1}'), ToolEnd(0)]
    assert seen(CREATED, done(nameless), completed(nameless))[1:] == [SEEN, STOP, End()]


@pytest.mark.parametrize(
    ("ids", "id"), [({"call_id": "c", "id": "fc"}, "c"), ({"call_id": "", "id": "fc"}, "fc"), ({}, "call_r1_0")]
)
def test_4_7_the_id_of_a_call_is_its_call_id(ids, id):
    item = {"type": "function_call", "name": "f", "arguments": "{}", **ids}
    assert seen(completed(item))[1] == ToolStart(0, id, "f")


def test_arguments_may_be_an_object():
    assert ToolArguments(0, '{"x":1}') in seen(completed({**CALL, "arguments": {"x": 1}}))


def test_parallel_calls_may_overlap():
    other = {**CALL, "id": "fc_2", "call_id": "call_2"}
    found = seen(
        CREATED,
        added(CALL),
        added(other, 1),
        delta("function_call_arguments", "{", 1),
        delta("function_call_arguments", "{", 0),
    )
    assert found[3:-1] == [ToolArguments(1, "{"), ToolArguments(0, "{")]


def test_items_are_told_apart_by_their_ids_where_no_place_is_given():
    other = {**CALL, "id": "fc_2", "call_id": "call_2"}

    def without_place(payload: dict, **more) -> dict:
        return {**{name: value for name, value in payload.items() if name != "output_index"}, **more}

    found = seen(
        CREATED,
        without_place(added(CALL)),
        without_place(added(other)),
        without_place(delta("function_call_arguments", "{"), item_id="fc_1"),
        without_place(delta("function_call_arguments", "["), item_id="call_2"),
        without_place(delta("function_call_arguments", "]"), item_id=None),
        without_place(done(CALL)),
        completed(CALL, other),
    )
    assert found[1:-3] == [
        ToolStart(0, "call_1", "f"),
        ToolStart(1, "call_2", "f"),
        ToolArguments(0, "{"),
        ToolArguments(1, "["),
        ToolArguments(1, "]"),
        ToolEnd(0),
        ToolEnd(1),
    ]


def test_text_without_any_item_is_still_text():
    assert seen({"type": "response.output_text.delta", "delta": "a"})[:2] == [Start(), Text("a")]
    assert seen({"type": "response.reasoning_text.delta", "delta": "a"})[:2] == [Start(), Reasoning("a")]


@pytest.mark.parametrize("delta", [None, "", 7])
def test_a_delta_of_nothing_says_nothing(delta):
    kinds = ("output_text", "refusal", "reasoning_text", "reasoning_summary_text", "function_call_arguments")
    payloads = [{"type": f"response.{kind}.delta", "output_index": 0, "delta": delta} for kind in kinds]
    assert seen(CREATED, added(CALL), *payloads)[2:-1] == []


def test_annotations_are_citations():
    cited = {"type": "url_citation", "url": "https://x", "title": "X", "start_index": 0, "end_index": 1}
    event = {"type": "response.output_text.annotation.added", "output_index": 0, "annotation": cited}
    finished = {**MESSAGE, "content": [{"type": "output_text", "text": "Hello", "annotations": [cited]}]}
    expected = [START, Text("Hello"), Citation("https://x", "X", 0, 1), SEEN, STOP, End()]
    assert seen(CREATED, delta("output_text", "Hello"), event, done(finished), completed(finished)) == expected
    assert seen(CREATED, done(finished), completed()) == expected
    assert seen(CREATED, {**event, "annotation": {"type": "file_citation"}}, completed())[1] == SEEN


@pytest.mark.parametrize(
    ("details", "finish"),
    [
        ({"reason": "max_output_tokens"}, CUT),
        ({"reason": "content_filter"}, Finish(FinishReason.REFUSAL)),
        (None, CUT),
    ],
)
def test_4_7_incomplete(details, finish):
    found = seen(completed(MESSAGE, kind="incomplete", incomplete_details=details))
    assert found == [START, Text("Hello"), SEEN, finish, End()]
    assert read_whole(status="incomplete", incomplete_details=details, output=[])[1] == finish


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ({"code": "context_length_exceeded", "message": "too long"}, 400, "context_length_exceeded"),
        ({"code": "rate_limit_exceeded", "message": "slow down"}, 429, "rate_limit_exceeded"),
        ({"code": "server_error", "message": "broken"}, 500, "server_error"),
        (None, 500, ""),
        ("broken", 500, ""),
    ],
)
def test_4_8_failed(error, status, code):
    (_, failed) = seen(CREATED, completed(kind="failed", error=error))
    assert isinstance(failed, Failed)
    assert (failed.error.status, failed.error.code) == (status, code)
    assert failed.error.message


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "error", "code": "server_error", "message": "broken", "param": None},
        {"type": "error", "error": {"type": "server_error", "message": "broken"}},
    ],
)
def test_4_8_error_events(payload):
    (failed,) = seen(payload)
    assert (failed.error.message, failed.error.status) == ("broken", 500)


def test_4_8_errors_without_a_type():
    (failed,) = events_in([b'data: {"error":{"message":"broken"}}\n\n'])
    assert failed.error.message == "broken"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_3_3_a_whole_response_that_failed(status):
    (failed,) = read_whole(status=status, error={"code": "server_error", "message": "broken"})
    assert failed.error.message == "broken"


def test_a_whole_body_that_is_an_error():
    assert read_whole(error={"message": "broken"})[0].error.message == "broken"
    assert read_whole(detail="broken")[0].error.message == "broken"


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_an_answer_that_was_put_off_is_an_error(status):
    assert "does not wait" in read_whole(status=status, output=[])[0].error.message


def test_4_3_a_stream_that_breaks_off_has_failed():
    found = seen(CREATED, added(MESSAGE), delta("output_text", "Hel"))
    assert isinstance(found[-1], Failed)
    assert events_in([])[0].error.status == 502


def test_1_4_done_is_tolerated():
    assert events_in([STREAM + b"data: [DONE]\n\n"]) == EVENTS
    found = events_in([frames(CREATED, done(MESSAGE)) + b"data: [DONE]\n\n"])
    assert found == [START, Text("Hello"), STOP, End()]


def test_done_in_the_middle_is_no_end():
    for payloads in ([CREATED], [CREATED, added(MESSAGE), delta("output_text", "Hel")]):
        assert isinstance(events_in([frames(*payloads) + b"data: [DONE]\n\n"])[-1], Failed)


def test_nothing_follows_the_end():
    assert seen(completed(MESSAGE), delta("output_text", "late"))[-1] == End()


def test_1_4_events_named_only_outside_of_their_data():
    data = orjson.dumps({"response": CREATED["response"]})
    assert events_in([b"event: response.created\ndata: " + data + b"\n\n"])[0] == START


def test_4_7_unknown_events_say_nothing():
    extra = {"type": "response.web_search_call.searching", "item_id": "x", "output_index": 0}
    assert seen(CREATED, extra, {"type": "keepalive"}, completed(MESSAGE))[1] == Text("Hello")


def test_items_of_no_type_are_left_out():
    assert seen(CREATED, added({"type": ["message"]}), done({"type": ["message"]}), completed())[1:] == [
        SEEN,
        STOP,
        End(),
    ]


def test_items_that_only_responses_have_are_left_out_with_a_warning():
    reader = ResponsesReader(exchange())
    assert reader.whole({"output": [{"type": "web_search_call", "id": "ws_1"}, "no item"]})[1:] == [STOP, End()]
    assert "web_search_call" in reader.warnings[0]


def test_a_line_that_is_no_json_is_skipped():
    found = events_in([frames(CREATED) + b"data: {oops\n\ndata: 7\n\n" + frames(completed(MESSAGE))])
    assert found == [START, Text("Hello"), SEEN, STOP, End()]


def test_a_first_line_that_is_no_json_is_an_error():
    (failed,) = events_in([b"data: <html><title>502 Bad Gateway</title></html>\n\n"])
    assert failed.error.message == "502 Bad Gateway"


def test_half_of_a_surrogate_pair_is_no_error():
    assert events_in([b'data: {"type":"response.output_text.delta","delta":"\\ud83d"}\n\n'])[1] == Text("\ufffd")


@pytest.mark.parametrize("usage", [None, {}, 7, {"input_tokens": None}])
def test_8_69_no_usage_is_no_report(usage):
    assert seen(completed(MESSAGE, usage=usage)) == [START, Text("Hello"), STOP, End()]


def test_a_call_into_a_namespace_has_the_flat_name():
    assert seen(completed({**CALL, "namespace": "crm"}))[1] == ToolStart(0, "call_1", "crm__f")
