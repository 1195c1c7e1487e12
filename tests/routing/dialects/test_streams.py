"""Streams: tables 4.3 to 4.8 and the edge cases 70 to 95 of the reference."""

import orjson
import pytest

from routing.dialects import Dialect, events
from routing.dialects.events import Event, Text, ToolArguments, ToolEnd, ToolStart
from routing.dialects.messages.writer import MessagesWriter
from routing.dialects.streaming import StreamConverter
from tests.routing.dialects.checkers import Read, check_chat, check_messages, check_responses
from tests.routing.dialects.support import (
    CHAT,
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

DONE = "[DONE]"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}}
USAGE_CHUNK = {"id": "chatcmpl-9", "choices": [], "usage": USAGE}


def to_messages(*chunks, **more) -> Read:
    return check_messages(streamed(frames_of(*chunks), exchange(MESSAGES, CHAT, **more)))


def to_responses(*chunks, **more) -> Read:
    return check_responses(streamed(frames_of(*chunks), exchange(RESPONSES, CHAT, **more)))


def piece(arguments: str | None = None, name: str | None = None, **entry) -> dict:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return tool_delta(**entry, function=function)


def tools_of(*chunks, **more) -> list[tuple[str, str]]:
    """(name, arguments) of the calls, after a finish that says nothing of them."""
    read = to_messages(*chunks, delta("stop"), DONE, **more)
    assert read.finish == "tool_use"
    return [(name, arguments) for _, name, arguments in read.tools()]


def test_8_70_plain_text():
    chunks = delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo"), delta("stop"), USAGE_CHUNK
    read = to_messages(*chunks, DONE)
    assert read.parts == [("text", "Hello")]
    assert read.finish == "end_turn"
    assert (read.usage["input_tokens"], read.usage["cache_read_input_tokens"], read.usage["output_tokens"]) == (
        40,
        60,
        20,
    )


def test_8_71_thinking_text_and_a_call_are_blocks_in_a_row():
    read = to_messages(
        delta(reasoning_content="hm"), delta(content="a"), piece("{}", "f", index=0, id="c"), delta("tool_calls"), DONE
    )
    assert [kind for kind, _ in read.parts] == ["thinking", "text", "tool"]


def test_8_72_thinking_after_a_call_is_a_new_block():
    read = to_messages(
        delta(reasoning="hm"), piece("{}", "f", index=0, id="c"), delta(reasoning="again"), delta("tool_calls"), DONE
    )
    assert [kind for kind, _ in read.parts] == ["thinking", "tool", "thinking"]


def test_8_73_one_chunk_may_hold_everything():
    entry = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    read = to_messages(delta("stop", reasoning="r", content="a", tool_calls=[entry]), DONE)
    assert read.parts == [("thinking", "r"), ("text", "a"), ("tool", ("c", "f", "{}"))]


def test_8_74_interleaved_calls_become_blocks_one_after_the_other():
    chunks = (
        piece('{"a":', "f", index=0, id="c1"),
        piece('{"b":', "g", index=1, id="c2"),
        piece('{"c":3}', "h", index=2, id="c3"),
        piece("1}", index=0),
        piece("2}", index=1),
    )
    assert tools_of(*chunks) == [("f", '{"a":1}'), ("g", '{"b":2}'), ("h", '{"c":3}')]


def test_4_3_9_calls_that_never_become_complete_are_written_at_the_end():
    chunks = (
        piece('{"a":', "f", index=0, id="c1"),
        piece('{"b":2}', "g", index=1, id="c2"),
        piece("", "h", index=2, id="c3"),
    )
    read = to_messages(*chunks, delta("length"), DONE)
    assert [called[1:] for called in read.tools()] == [("f", '{"a":'), ("g", '{"b":2}'), ("h", "")]


def test_4_3_9_text_closes_the_open_call_and_writes_those_that_wait():
    converter = StreamConverter(exchange(MESSAGES, CHAT))
    chunks = (
        piece('{"a":', "f", index=0, id="c1"),
        piece('{"b":2}', "g", index=1, id="c2"),
        delta(content="text"),
        piece("1}", index=0),
        delta("tool_calls"),
        DONE,
    )
    read = check_messages(converter.feed(frames_of(*chunks)) + converter.close())
    assert [kind for kind, _ in read.parts] == ["tool", "tool", "text"]
    assert converter.warnings == ["A piece of a tool call came after the call was closed; it was dropped."]


@pytest.mark.parametrize("index", [None, -1, "0", 0.5, True])
def test_8_75_calls_without_a_usable_index_are_told_apart_by_their_ids(index):
    entry = {} if index is None else {"index": index}
    chunks = (
        piece('{"a":', "f", id="c1", **entry),
        piece("1}", **entry),
        piece('{"b":', "g", id="c2", **entry),
        piece("2}", **entry),
    )
    assert tools_of(*chunks) == [("f", '{"a":1}'), ("g", '{"b":2}')]


def test_8_75_a_call_without_id_gets_one_once():
    read = to_messages(piece("{", "f", index=0), piece("}", index=0, id=""), delta("stop"), DONE)
    assert read.tools() == [("toolu_r1_0", "f", "{}")]


def test_4_4_whole_calls_without_index_and_id_are_separate_calls():
    chunks = piece("{}", "f"), piece("{}", "f"), tool_delta(function={"name": "g", "arguments": {"x": 1}})
    assert tools_of(*chunks) == [("f", "{}"), ("f", "{}"), ("g", '{"x":1}')]


def test_8_76_same_index_with_a_new_id_and_a_name_is_a_new_call():
    assert tools_of(piece("{}", "f", index=0, id="c1"), piece("{}", "g", index=0, id="c2")) == [
        ("f", "{}"),
        ("g", "{}"),
    ]


def test_4_4_same_index_and_another_name_after_a_whole_call_is_a_new_call():
    assert tools_of(piece("{}", "f", index=0), piece("{}", "g", index=0)) == [("f", "{}"), ("g", "{}")]


def test_4_4_pieces_of_two_calls_at_one_index_are_placed_by_their_ids():
    chunks = (
        piece('{"a":', "f", index=0, id="c1"),
        piece('{"b":', "g", index=0, id="c2"),
        piece("1}", index=0, id="c1"),
        piece("2}", index=0, id="c2"),
    )
    assert tools_of(*chunks) == [("f", '{"a":1}'), ("g", '{"b":2}')]


def test_8_77_repeated_ids_and_names_say_nothing_new():
    chunks = [piece(text, "f", index=0, id="c1") for text in ('{"a"', ":", "1}")]
    assert tools_of(*chunks) == [("f", '{"a":1}')]


def test_4_3_the_whole_arguments_once_more_are_not_appended():
    chunks = piece('{"a":', "f", index=0, id="c"), piece("1}", index=0), piece('{"a": 1}', index=0)
    assert tools_of(*chunks) == [("f", '{"a":1}')]


def test_4_4_a_name_that_comes_late_or_in_pieces():
    known = {"known_tools": frozenset({"weather"})}
    late = piece("{", "", index=0, id="c"), piece("}", None, index=0), piece("", "weather", index=0)
    assert tools_of(*late, **known) == [("weather", "{}")]
    split = piece("", "wea", index=0, id="c"), piece("", "ther", index=0), piece("{}", index=0)
    assert tools_of(*split, **known) == [("weather", "{}")]
    unknown = (piece("", "other", index=0, id="c"),)
    assert tools_of(*unknown, **known) == [("other", "")]


def test_4_4_a_call_that_never_gets_a_name_is_no_call():
    read = to_messages(delta(content="a"), piece("{}", "", index=0, id="c"), delta("stop"), DONE)
    assert read.parts == [("text", "a")]
    assert read.finish == "end_turn"


def test_4_4_what_is_no_function_is_ignored_and_a_lone_object_is_read():
    chunks = (
        tool_delta(index=1, type="retrieval", retrieval={}),
        delta(tool_calls={"index": 0, "id": "c", "name": "f", "arguments": "{}"}),
        delta(tool_calls=["odd"]),
    )
    assert tools_of(*chunks) == [("f", "{}")]


def test_2_4_legacy_function_calls_are_calls():
    chunks = delta(function_call={"name": "f", "arguments": '{"a"'}), delta(function_call={"arguments": ":1}"})
    assert tools_of(*chunks) == [("f", '{"a":1}')]


def test_8_78_a_call_without_arguments_is_an_empty_object():
    assert tools_of(piece("", "f", index=0, id="c")) == [("f", "")]
    chat = check_chat(streamed(frames_of(piece("", "f", index=0, id="c"), delta("stop"), DONE), exchange(CHAT, CHAT)))
    assert chat.tools() == [("c", "f", "{}")]


@pytest.mark.parametrize("space", [" ", "\n\n", "\u3000"])
def test_8_79_white_space_before_a_call_is_no_block(space):
    read = to_messages(
        delta(content=space), piece("{}", "f", index=0, id="c"), delta(content=space), delta("stop"), DONE
    )
    assert [kind for kind, _ in read.parts] == ["tool"]


def test_4_3_7_white_space_before_text_belongs_to_it():
    read = to_messages(delta(content="\n"), delta(reasoning="r"), delta(content=" a"), delta("stop"), DONE)
    assert read.parts == [("thinking", "r"), ("text", "\n a")]


def test_8_80_usage_after_the_finish_counts():
    assert to_messages(delta(content="a"), delta("stop"), USAGE_CHUNK, DONE).usage["output_tokens"] == 20


def test_8_81_a_first_frame_without_choices_ends_nothing():
    read = to_messages({"choices": [], "prompt_filter_results": []}, delta(content="a"), delta("stop"), DONE)
    assert read.texts("text") == "a"


ERRORS = [
    frames_of({"error": {"message": "boom", "type": "server_error"}}),
    frames_of({"error": "boom"}),
    frames_of({"object": "error", "message": "boom", "code": 500}),
    frames_of({"detail": "boom"}),
    frames_of({"type": "error", "error": {"type": "api_error", "message": "boom"}}),
    b'event: error\ndata: {"message":"boom"}\n\n',
    frames_of({"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}], "error": {"message": "boom"}}),
    frames_of({"choices": [{"index": 0, "delta": {}, "finish_reason": "abort", "message": "boom"}]}),
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    ("client", "check"), [(MESSAGES, check_messages), (CHAT, check_chat), (RESPONSES, check_responses)]
)
def test_8_82_an_error_after_some_text_ends_the_stream(error, client, check):
    converter = StreamConverter(exchange(client, CHAT))
    out = converter.feed(frames_of(delta(content="a")) + error + frames_of(delta(content="more"), delta("stop"), DONE))
    read = check(out + converter.close())
    assert read.error is not None
    assert "boom" in read.error["message"]
    assert converter.failure is not None
    assert "boom" in converter.failure.message


@pytest.mark.parametrize("error", ERRORS)
def test_4_8_an_error_as_the_first_frame_is_told_before_anything_was_sent(error):
    converter = StreamConverter(exchange(CHAT, CHAT))
    out = converter.feed(error)
    assert converter.failure is not None
    assert converter.failure.status == 500
    assert b"chat.completion.chunk" not in out


@pytest.mark.parametrize(
    ("client", "check"), [(MESSAGES, check_messages), (CHAT, check_chat), (RESPONSES, check_responses)]
)
def test_8_83_an_end_without_a_finish_is_an_error(client, check):
    read = check(streamed(frames_of(delta(content="a")), exchange(client, CHAT)))
    assert "broke off" in read.error["message"]


def test_4_3_14_an_end_after_the_finish_is_an_end():
    assert to_messages(delta(content="a"), delta("stop")).finish == "end_turn"


def test_4_3_13_done_without_a_finish_is_an_end_when_something_was_said():
    assert to_messages(delta(content="a"), DONE).finish == "end_turn"
    assert to_messages(piece("{}", "f", index=0, id="c"), DONE).finish == "tool_use"
    assert "without saying anything" in to_messages(delta(role="assistant"), DONE).error["message"]


@pytest.mark.parametrize("reason", ["eos", "", "insufficient_system_resource", 3])
def test_3_3_words_that_nobody_knows_are_a_stop_if_there_is_content(reason):
    assert to_messages(delta(content="a"), delta(reason), DONE).finish == "end_turn"
    assert to_messages(delta(reason), DONE).error is not None


def test_4_3_12_calls_upgrade_a_stop_and_nothing_else_changes_the_first_word():
    chunks = piece("{}", "f", index=0, id="c"), delta("stop"), delta("tool_calls"), delta("length"), DONE
    assert to_messages(*chunks).finish == "tool_use"


@pytest.mark.parametrize("first", [b"data: <html>Bad gateway</html>\n\n", b"data: 3\n\n"])
def test_4_3_16_a_first_frame_that_is_no_json_is_an_error(first):
    assert check_messages(streamed(first, exchange(MESSAGES, CHAT))).error is not None


def test_4_3_16_later_lines_that_are_no_json_are_skipped():
    converter = StreamConverter(exchange(MESSAGES, CHAT))
    stream = frames_of(delta(content="a"), "{broken", "3", delta(content="b"), delta("stop"), DONE, delta(content="c"))
    assert check_messages(converter.feed(stream) + converter.close()).texts("text") == "ab"
    assert len(converter.warnings) == 2


def test_4_3_15_other_choices_are_ignored():
    other = {"choices": [{"index": 1, "delta": {"content": "x"}}, {"index": 0, "delta": {"content": "a"}}, "odd"]}
    assert to_messages(other, delta("stop"), DONE).texts("text") == "a"


def test_4_3_5_a_message_instead_of_a_delta_and_a_missing_delta():
    odd = {"choices": [{"index": 0, "message": {"content": "a"}}]}
    assert to_messages(odd, {"choices": [{"finish_reason": "stop", "delta": None}]}, DONE).texts("text") == "a"


def test_4_3_6_aliases_of_reasoning_are_never_summed():
    details = [{"type": "reasoning.text", "text": "r"}]
    read = to_messages(
        delta(reasoning="r", reasoning_content="r", reasoning_details=details), delta("stop", content="a"), DONE
    )
    assert read.texts("thinking") == "r"
    read = to_messages(delta(reasoning_details=[*details, "odd"]), delta("stop", content="a"), DONE)
    assert read.texts("thinking") == "r"


def test_2_7_seals_of_other_relays_are_passed_on():
    details = [
        {"type": "reasoning.text", "text": "r", "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "zz"},
    ]
    out = streamed(
        frames_of(delta(reasoning_details=details), delta("stop", content="a"), DONE), exchange(MESSAGES, CHAT)
    )
    assert [kind for kind, _ in check_messages(out).parts] == ["thinking", "redacted_thinking", "text"]
    assert b'"signature":"sig"' in out


def test_2_7_2_seals_of_makers_that_no_client_can_give_back_are_left_out():
    details = [
        {"type": "reasoning.text", "text": "r", "signature": "CiQ", "format": "google-gemini-v1"},
        {"type": "reasoning.encrypted", "data": "zz", "format": "google-gemini-v1"},
    ]
    read = to_messages(delta(reasoning_details=details), delta("stop", content="a"), DONE)
    assert read.parts == [("thinking", "r"), ("text", "a")]


def test_4_3_7_content_as_a_list_of_parts():
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}, {"type": "text", "text": "a"}, "b", 3]
    plain = [{"type": "thinking", "thinking": "s"}]
    read = to_messages(delta(content=plain), delta(content=parts), delta("stop"), DONE)
    assert read.parts == [("thinking", "sr"), ("text", "ab")]


def test_4_3_8_a_refusal_is_text_for_anthropics_clients():
    read = to_messages(delta(refusal="no"), delta("content_filter"), DONE)
    assert read.parts == [("text", "no")]
    assert read.finish == "refusal"
    chat = check_chat(streamed(frames_of(delta(refusal="no"), delta("content_filter"), DONE), exchange(CHAT, CHAT)))
    assert chat.parts == [("refusal", "no")]


def test_8_85_a_cut_in_the_middle_of_arguments():
    read = to_messages(piece('{"a":', "f", index=0, id="c"), delta("length"), DONE)
    assert read.finish == "max_tokens"
    assert read.tools() == [("c", "f", '{"a":')]


def test_8_65_a_matched_stop_is_named_when_it_was_asked_for():
    def stopped(**said) -> list:
        last = {"id": "chatcmpl-9", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", **said}]}
        out = streamed(frames_of(delta(content="a"), last, DONE), exchange(MESSAGES, CHAT, stops=frozenset({"END"})))
        final = payloads(out)[-2]["delta"]
        return [final["stop_reason"], final["stop_sequence"]]

    assert stopped(stop_reason="END") == ["stop_sequence", "END"]
    assert stopped(matched_stop="END") == ["stop_sequence", "END"]
    assert stopped(stop_reason=2) == ["end_turn", None]
    assert stopped(stop_reason="other") == ["end_turn", None]


def test_3_4_usage_in_other_places():
    groq = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "x_groq": {"usage": USAGE}}
    assert to_messages(delta(content="a"), groq, DONE).usage["output_tokens"] == 20
    odd = {"choices": [], "usage": "many", "timings": 3}
    assert to_messages(delta(content="abcdefgh"), odd, delta("stop"), DONE).usage["output_tokens"] == 2
    idle = {"choices": [], "timings": {"cache_n": 3}}
    assert to_messages(delta(content="a"), idle, delta("stop"), DONE).usage["input_tokens"] == 9


def test_a_lone_half_of_a_surrogate_pair_does_not_break_the_stream():
    broken = b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}],"x":[1]}\n\n'
    assert check_messages(streamed(broken, exchange(MESSAGES, CHAT))).texts("text") == "a\ufffd"


def test_annotations_become_citations():
    cited = {
        "type": "url_citation",
        "url_citation": {"url": "https://x", "title": "T", "start_index": 0, "end_index": 1},
    }
    stream = frames_of(delta(content="a"), delta(annotations=[cited, "odd"]), delta("stop"), DONE)
    assert b'"annotations":[{"type":"url_citation"' in streamed(stream, exchange(CHAT, CHAT))
    converter = StreamConverter(exchange(MESSAGES, CHAT))
    converter.feed(stream)
    assert "citation" in converter.warnings[0]
    assert b"https://x" in streamed(stream, exchange(RESPONSES, CHAT))


# Messages upstreams

START = {
    "type": "message_start",
    "message": {"id": "msg_1", "usage": {"input_tokens": 10, "cache_read_input_tokens": 80}},
}
STOP = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}}
END = {"type": "message_stop"}


def block(index: int, kind: str, *deltas: dict, **start) -> list[dict]:
    return [
        {"type": "content_block_start", "index": index, "content_block": {"type": kind, **start}},
        *({"type": "content_block_delta", "index": index, "delta": item} for item in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def said(kind: str, **value) -> dict:
    return {"type": kind, **value}


def to_chat(*events: dict, include_usage: bool = False, **more) -> Read:
    out = streamed(named(*events), exchange(CHAT, MESSAGES, include_usage=include_usage, **more))
    return check_chat(out, include_usage=include_usage)


TWO_TOOLS = [
    START,
    *block(0, "text", said("text_delta", text="a"), text=""),
    *block(1, "tool_use", said("input_json_delta", partial_json='{"x":1}'), id="t1", name="f", input={}),
    *block(2, "tool_use", id="t2", name="g", input={}),
    STOP,
    END,
]


def test_8_86_tools_are_counted_from_zero():
    read = to_chat(*TWO_TOOLS)
    assert read.tools() == [("t1", "f", '{"x":1}'), ("t2", "g", "{}")]
    assert read.finish == "tool_calls"


def test_8_87_usage_is_sent_only_to_those_who_asked():
    assert to_chat(*TWO_TOOLS).usage == {}
    usage = to_chat(*TWO_TOOLS, include_usage=True).usage
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (90, 7, 97)


def test_8_88_pings_and_unknown_events_are_nothing():
    noise = [{"type": "ping"}, {"type": "new_thing"}, {"type": "content_block_delta", "index": 9, "delta": {}}]
    assert to_chat(START, *noise, *TWO_TOOLS[1:]).parts == to_chat(*TWO_TOOLS).parts


def test_8_89_a_call_without_deltas_has_its_input_or_an_empty_object():
    events = [START, *block(0, "tool_use", id="t1", name="f", input={"x": 1}), STOP, END]
    assert to_chat(*events).tools() == [("t1", "f", '{"x":1}')]
    assert to_chat(*TWO_TOOLS).tools()[1][2] == "{}"


def test_8_90_an_error_event_is_an_error_frame():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    read = to_chat(START, error, END)
    assert read.error["message"] == "busy"
    assert read.error["code"] == "server_is_overloaded"


def test_4_5_events_that_foreign_servers_leave_out():
    text = block(0, "text", text="whole")
    assert to_chat(*text, STOP, END).texts("text") == "whole"
    assert to_chat(START, START, *text, STOP).texts("text") == "whole"
    assert to_chat(START, *text, END).finish == "stop"
    assert "broke off" in to_chat(START, *text).error["message"]
    assert to_chat(END, *text).finish == "stop"
    closed = streamed(named(START, *text, STOP) + b"data: [DONE]\n\n", exchange(CHAT, MESSAGES))
    assert check_chat(closed).finish == "stop"


def test_4_5_odd_blocks_and_deltas_do_no_harm():
    odd = block(
        0,
        "text",
        said("text_delta", text=None),
        said("thinking_delta", thinking=""),
        said("input_json_delta", partial_json="x"),
        said("signature_delta"),
        text=3,
    )
    nothing = [{"type": "content_block_stop", "index": 7}, {"type": "message_delta", "delta": None}]
    thought = block(1, "thinking", thinking="hm", signature="sig")
    empty = block(2, "redacted_thinking")
    read = to_chat(START, *odd, *nothing, *thought, *empty, {**STOP, "usage": None}, END)
    assert read.parts == [("thinking", "hm")]


def test_4_5_a_stream_of_messages_that_is_no_json():
    broken = b"event: message_start\ndata: oops\n\n"
    assert check_chat(streamed(broken, exchange(CHAT, MESSAGES))).error is not None
    later = named(*TWO_TOOLS[:4]) + b"data: oops\n\ndata: 3\n\n" + named(*TWO_TOOLS[4:]) + named(START)
    assert len(check_chat(streamed(later, exchange(CHAT, MESSAGES))).tools()) == 2
    unnamed = b'data: {"error":{"message":"boom"}}\n\n'
    assert check_chat(streamed(unnamed, exchange(CHAT, MESSAGES))).error["message"] == "boom"
    by_name = b"event: ping\ndata: {}\n\n" + named(*TWO_TOOLS)
    assert check_chat(streamed(by_name, exchange(CHAT, MESSAGES))).tools()


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
        ("compaction", "stop"),
        ("unheard_of", "stop"),
    ],
)
def test_8_64_reasons_to_stop(reason, finish):
    stop = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_details": {"explanation": "why"}}}
    read = to_chat(START, *block(0, "text", text="a"), stop, END)
    assert read.finish == finish
    assert read.texts("refusal") == ("why" if reason == "refusal" else "")


def test_3_3_messages_to_messages_keeps_stop_sequences_and_refusals():
    for reason in ("stop_sequence", "refusal", "pause_turn", "model_context_window_exceeded"):
        delta = {"stop_reason": reason, "stop_sequence": "END", "stop_details": {"explanation": "why"}}
        stop = {"type": "message_delta", "delta": delta}
        out = streamed(named(START, *block(0, "text", text="a"), stop, END), exchange(MESSAGES, MESSAGES))
        final = payloads(out)[-2]["delta"]
        assert final["stop_reason"] == reason
        assert ("stop_details" in final) == (reason == "refusal")
        assert final["stop_sequence"] == ("END" if reason == "stop_sequence" else None)


def test_3_2_citations_that_point_into_documents_are_left_out():
    cited = said("citations_delta", citation={"type": "char_location"})
    converter = StreamConverter(exchange(CHAT, MESSAGES))
    converter.feed(named(START, *block(0, "text", cited, text="a"), STOP, END))
    assert "citation" in converter.warnings[0]


# Responses


def test_8_91_and_8_92_a_response_is_complete_and_in_order():
    read = to_responses(
        delta(content="a"), piece('{"x":', "f", index=0, id="c"), piece("1}", index=0), delta("stop"), DONE
    )
    assert read.parts == [("text", "a"), ("tool", ("c", "f", '{"x":1}'))]
    assert read.finish == "completed"


def test_8_59_a_cut_response_is_incomplete():
    assert to_responses(delta(content="a"), delta("length"), DONE).finish == "max_output_tokens"


def test_8_93_arguments_that_come_only_when_they_are_done():
    item = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": ""}
    position = {"output_index": 0, "item_id": "fc_1"}
    final = {"id": "resp_1", "status": "completed", "output": []}
    events = [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.function_call_arguments.done", **position, "arguments": '{"x":1}'},
        {"type": "response.output_item.done", "output_index": 0, "item": {**item, "arguments": '{"x":1}'}},
        {"type": "response.completed", "response": final},
    ]
    read = check_messages(streamed(named(*events), exchange(MESSAGES, RESPONSES)))
    assert read.tools() == [("c", "f", '{"x":1}')]


# What holds for all


@pytest.mark.parametrize("client", [CHAT, MESSAGES, RESPONSES])
def test_8_95_json_in_place_of_a_stream_becomes_a_stream(client):
    message = {"role": "assistant", "content": "a", "reasoning_content": "r"}
    body = {"id": "chatcmpl-1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USAGE}
    data = b"\n " + orjson.dumps(body)
    out = streamed(data, exchange(client, CHAT))
    assert out == streamed(data, exchange(client, CHAT), 1)
    check = {CHAT: check_chat, MESSAGES: check_messages, RESPONSES: check_responses}[client]
    assert check(out).parts == [("thinking", "r"), ("text", "a")]


@pytest.mark.parametrize("body", [b"<html><title>502 Bad gateway</title></html>", b"[]", b"Internal error", b'"x"'])
def test_4_8_a_page_in_place_of_a_stream_is_a_bad_gateway(body):
    converter = StreamConverter(exchange(CHAT, CHAT))
    assert check_chat(converter.feed(body) + converter.close()).error is not None
    assert converter.failure is not None
    assert converter.failure.status == 502


def test_an_upstream_that_says_nothing_at_all_broke_off():
    for data in (b"", b": ping\n\n", b" \n"):
        assert check_chat(streamed(data, exchange(CHAT, CHAT))).error is not None


class Shout:
    """A transform, as repairs and gates are: it may change events, add some, and have a last word."""

    def feed(self, event: Event) -> list[Event]:
        return [Text(event.text.upper())] if isinstance(event, Text) else [event]

    def close(self) -> list[Event]:
        return []


@pytest.mark.parametrize("client", [CHAT, MESSAGES, RESPONSES])
def test_transforms_stand_between_reader_and_writer(client: Dialect):
    check = {CHAT: check_chat, MESSAGES: check_messages, RESPONSES: check_responses}[client]
    converter = StreamConverter(exchange(client, CHAT), [Shout(), Shout()])
    out = converter.feed(frames_of(delta(content="a"), delta("stop"), DONE)) + converter.close()
    assert check(out).texts("text") == "A"


def test_the_writer_takes_the_ends_of_calls_in_any_order():
    writer = MessagesWriter(exchange(MESSAGES, CHAT))
    calls = [ToolStart(0, "a", "f"), ToolStart(1, "b", "g"), ToolArguments(1, "{}"), ToolEnd(1), ToolEnd(0), ToolEnd(7)]
    out = writer.feed([events.Start(), *calls, events.Finish(events.FinishReason.STOP), events.End()])
    assert check_messages(out + writer.close()).tools() == [("a", "f", ""), ("b", "g", "{}")]
    assert writer.feed([events.Start()]) == b""


def test_8_19_names_come_back_as_the_client_knows_them():
    stream = frames_of(piece("{}", "short_1", index=0, id="c"), delta("stop"), DONE)
    for client, check in ((CHAT, check_chat), (MESSAGES, check_messages), (RESPONSES, check_responses)):
        assert check(streamed(stream, exchange(client, CHAT, names={"short_1": "long"}))).tools()[0][1] == "long"
