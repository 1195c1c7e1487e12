"""What a Completions client gets: chunks by section 4.1, the whole answer by 2.11, finish reasons by 3.3."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion

from routing.dialects import events
from routing.dialects.completions import writer
from routing.dialects.completions.writer import CompletionsWriter
from routing.dialects.conversion import convert_response
from routing.dialects.events import FinishReason, UpstreamError, Usage
from routing.dialects.exchange import Exchange
from routing.dialects.streaming import StreamConverter
from tests.routing.dialects.checkers import check_completions
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    RESPONSES,
    delta,
    exchange,
    frames_of,
    named,
    payloads,
    streamed,
    tool_delta,
    whole,
)

HELLO = frames_of(
    delta(role="assistant", content=""),
    delta(content="Hel"),
    delta(content="lo ü"),
    delta("stop"),
    {"id": "chatcmpl-9", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}},
    "[DONE]",
)
USAGE = {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 1}
CLAUDE = named(
    {"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": [], "usage": USAGE}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello ü"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
)
ITEM = {"type": "message", "id": "m1", "role": "assistant", "content": []}
RESPONSE = named(
    {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": ITEM},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "m1", "delta": "Hello ü"},
    {
        "type": "response.completed",
        "response": {
            "id": "resp_1",
            "status": "completed",
            "output": [],
            "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
        },
    },
)


def of(upstream=CHAT, **more) -> Exchange:
    return exchange(COMPLETIONS, upstream, **more)


def written(*new: events.Event, **more) -> tuple[bytes, list[str]]:
    found = CompletionsWriter(of(**more))
    return found.feed(list(new)) + found.close(), found.warnings


def finished(reason: FinishReason, *before: events.Event) -> str:
    return check_completions(written(events.Start("x"), *before, events.Finish(reason), events.End())[0]).finish


@pytest.mark.parametrize(("upstream", "data"), [(CHAT, HELLO), (MESSAGES, CLAUDE), (RESPONSES, RESPONSE)])
def test_2_11_every_upstream_streams_text_completions(upstream, data):
    read = check_completions(streamed(data, of(upstream, include_usage=True)), include_usage=True)
    assert read.texts("text") == "Hello ü"
    assert read.finish == "stop"
    assert (read.usage["prompt_tokens"], read.usage["completion_tokens"], read.usage["total_tokens"]) == (5, 2, 7)


@pytest.mark.parametrize(("upstream", "data"), [(CHAT, HELLO), (MESSAGES, CLAUDE), (RESPONSES, RESPONSE)])
def test_8_84_the_stream_is_the_same_one_byte_at_a_time(upstream, data):
    assert streamed(data, of(upstream), 1) == streamed(data, of(upstream))


@given(st.lists(st.integers(0, len(HELLO)), max_size=6))
def test_8_84_the_stream_is_the_same_however_its_bytes_are_split(cuts):
    converter = StreamConverter(of())
    places = [0, *sorted(cuts), len(HELLO)]
    out = b"".join(converter.feed(HELLO[a:b]) for a, b in pairwise(places)) + converter.close()
    assert out == streamed(HELLO, of())


def test_4_1_chunks_satisfy_the_official_sdk():
    *_, finish, usage = payloads(streamed(HELLO, of(include_usage=True)))
    assert Completion.model_validate(finish).choices[0].finish_reason == "stop"
    assert Completion.model_validate(usage).usage.total_tokens == 7


def test_3_5_id_and_time_are_the_same_in_every_chunk():
    chunks = payloads(streamed(HELLO, of(include_usage=True)))
    assert {(c["id"], c["object"], c["created"], c["model"]) for c in chunks} == {
        ("cmpl-r1", "text_completion", 1_700_000_000, "asked")
    }


def test_3_5_an_id_of_this_dialect_is_kept():
    out, _ = written(events.Start("cmpl-77"), events.Text("a"), events.Finish(FinishReason.STOP), events.End())
    assert {chunk["id"] for chunk in payloads(out)} == {"cmpl-77"}


def test_a_second_start_does_not_change_the_id():
    again = events.Start("cmpl-1"), events.Start("cmpl-2"), events.Text("a")
    assert {c["id"] for c in payloads(written(*again, events.Finish(FinishReason.STOP), events.End())[0])} == {"cmpl-1"}


def test_8_87_without_include_usage_there_is_no_chunk_of_usage():
    chunks = payloads(streamed(HELLO, of()))
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)


def test_8_87_with_it_there_is_one_and_the_others_say_null():
    *others, last = payloads(streamed(CLAUDE, of(MESSAGES, include_usage=True)))
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == 5, "with what was read from the cache"
    assert all(chunk["choices"] and chunk["usage"] is None for chunk in others)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "stop"),
        (FinishReason.STOP_SEQUENCE, "stop"),
        (FinishReason.LENGTH, "length"),
        (FinishReason.CONTEXT, "length"),
        (FinishReason.REFUSAL, "content_filter"),
        (FinishReason.PAUSE, "stop"),
        (FinishReason.TOOL_CALLS, "stop"),
        (FinishReason.UNKNOWN, "stop"),
    ],
)
def test_3_3_every_reason_to_stop_has_a_word_of_this_dialect(reason, word):
    assert finished(reason, events.Text("a")) == word


def test_the_finish_comes_once_and_last_with_an_empty_text():
    chunks = payloads(streamed(HELLO, of()))
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, "stop"]
    assert chunks[-1]["choices"][0] == {"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}


def test_an_answer_without_text_has_a_finish_alone():
    out, _ = written(events.Start(), events.Finish(FinishReason.STOP), events.End())
    assert [chunk["choices"][0]["text"] for chunk in payloads(out)] == [""]
    assert out.endswith(b"data: [DONE]\n\n")


def test_a_refusal_is_text():
    out, _ = written(events.Start(), events.Refusal("No."), events.Finish(FinishReason.REFUSAL), events.End())
    read = check_completions(out)
    assert (read.texts("text"), read.finish) == ("No.", "content_filter")


def test_what_has_no_place_is_named_once():
    out, warnings = written(
        events.Start(usage=Usage(prompt=4)),
        events.Reasoning("hm"),
        events.Reasoning("m"),
        events.ReasoningEnd("c2ln"),
        events.Redacted("c2VjcmV0"),
        events.Text("Hi"),
        events.Citation("https://example.org"),
        events.ToolStart(0, "t1", "f"),
        events.ToolArguments(0, "{}"),
        events.ToolEnd(0),
        events.UsageSeen(Usage(output=9)),
        events.Finish(FinishReason.REFUSAL, explanation="Against the rules."),
        events.End(),
        include_usage=True,
    )
    read = check_completions(out, include_usage=True)
    assert read.texts("text") == "Hi"
    assert read.usage["total_tokens"] == 13
    assert warnings == [
        writer.NO_REASONING,
        writer.NO_CITATIONS,
        writer.NO_CALLS,
        "The model refused to answer: Against the rules.",
    ]


def test_3_4_tokens_that_nobody_counted_are_estimated():
    out, _ = written(
        events.Start(), events.Text("a" * 40), events.Finish(FinishReason.STOP), events.End(), include_usage=True
    )
    assert payloads(out)[-1]["usage"]["prompt_tokens"] == 9
    assert payloads(out)[-1]["usage"]["completion_tokens"] == 10


def test_4_8_an_error_ends_the_stream_without_a_finish():
    out, _ = written(
        events.Start(), events.Text("a"), events.Failed(UpstreamError(429, "Slow down.")), events.Text("b")
    )
    *chunks, failed = payloads(out)
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None]
    assert failed["error"]["message"] == "Slow down."
    assert failed["error"].keys() == {"message", "type", "param", "code"}
    assert out.endswith(b"data: [DONE]\n\n")


def test_4_8_a_stream_that_breaks_off_is_an_error():
    out, _ = written(events.Start(), events.Text("a"))
    assert "broke off" in check_completions(out).error["message"]


def test_8_82_an_error_of_the_upstream_comes_through():
    data = frames_of(delta(content="a"), {"error": {"message": "CUDA out of memory", "code": 500}})
    read = check_completions(streamed(data, of(), 1))
    assert read.texts("text") == "a"
    assert read.error["message"] == "CUDA out of memory"


def test_nothing_follows_the_end():
    found = CompletionsWriter(of())
    found.feed([events.Start(), events.Finish(FinishReason.STOP), events.End()])
    assert found.feed([events.Text("late")]) == b""
    assert found.close() == b""


def test_8_95_json_although_a_stream_was_asked_for_becomes_a_stream():
    body = {"id": "1", "choices": [{"message": {"content": "Hello"}, "finish_reason": "length"}]}
    read = check_completions(streamed(orjson.dumps(body), of(), 3))
    assert (read.texts("text"), read.finish) == ("Hello", "length")


def test_2_11_the_whole_answer_of_a_chat_upstream():
    body = {
        "id": "chatcmpl-9",
        "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
    answer = whole(body, COMPLETIONS, CHAT)
    assert answer == {
        "id": "cmpl-r1",
        "object": "text_completion",
        "created": 1_700_000_000,
        "model": "asked",
        "choices": [{"text": "Hello", "index": 0, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 2,
            "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }
    assert Completion.model_validate(answer).choices[0].text == "Hello"


def test_3_2_the_blocks_of_a_messages_answer_are_one_text():
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    body = {"id": "msg_1", "type": "message", "role": "assistant", "content": blocks, "stop_reason": "max_tokens"}
    choice = whole(body, COMPLETIONS, MESSAGES)["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == ("ab", "length")


def test_the_record_of_a_whole_answer_says_what_was_left_out():
    message = {
        "content": "Hi",
        "reasoning_content": "hm",
        "annotations": [{"type": "url_citation", "url_citation": {"url": "https://example.org"}}],
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    answer = convert_response(orjson.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}), of())
    assert answer.body["choices"][0]["finish_reason"] == "stop"
    assert set(answer.warnings) >= {writer.NO_REASONING, writer.NO_CALLS, writer.NO_CITATIONS}


def test_a_whole_answer_of_text_alone_leaves_nothing_out():
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    assert convert_response(orjson.dumps(body), of()).warnings == []


def test_a_whole_answer_that_is_an_error_is_one_in_this_dialect():
    answer = convert_response(b'{"error":{"message":"No.","type":"rate_limit_error"}}', of())
    assert answer.failure.status == 429
    assert answer.body["error"]["message"] == "No."


def test_a_stream_with_calls_that_nobody_asked_for_ends_with_stop():
    data = frames_of(
        tool_delta(index=0, id="c1", type="function", function={"name": "f", "arguments": "{}"}),
        delta("tool_calls"),
        "[DONE]",
    )
    assert check_completions(streamed(data, of())).finish == "stop"
