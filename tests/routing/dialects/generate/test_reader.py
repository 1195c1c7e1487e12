"""The answers of SGLang's /generate: section 7.3 of the reference."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects.conversion import convert_response
from routing.dialects.events import End, Failed, Finish, FinishReason, Start, Text, Usage, UsageSeen
from routing.dialects.generate.reader import OTHER_ANSWERS, GenerateReader
from routing.dialects.streaming import StreamConverter
from tests.routing.dialects.checkers import check_completions
from tests.routing.dialects.support import COMPLETIONS, GENERATE, exchange, frames_of, streamed

STOP = {"type": "stop", "matched": 2}


def frame(text: str, reason=None, **more) -> dict:
    return {"text": text, "meta_info": {"id": "g1", "finish_reason": reason}, **more}


def counted(text: str, reason=None) -> dict:
    meta = {"id": "g1", "finish_reason": reason, "prompt_tokens": 7, "completion_tokens": 3, "cached_tokens": 4}
    return {"text": text, "meta_info": meta}


CUMULATIVE = frames_of(counted("Grüß"), counted("Grüß dich"), counted("Grüß dich 👋", STOP), "[DONE]")
INCREMENTAL = frames_of(counted("Grüß"), counted(" dich"), counted(" 👋"), counted("", STOP), "[DONE]")


def of(**more):
    return exchange(COMPLETIONS, GENERATE, **more)


def read(*frames: dict | str, stops: frozenset[str] = frozenset()) -> list:
    reader = GenerateReader(of(stops=stops))
    payloads = [f.encode() if isinstance(f, str) else orjson.dumps(f) for f in frames]
    return [event for data in payloads for event in reader.feed((b"", data))] + reader.close()


def finish(reason, *, text: str = "a", stops: frozenset[str] = frozenset()) -> Finish:
    return next(event for event in read(frame(text, reason), stops=stops) if isinstance(event, Finish))


def failure(*frames: dict | str):
    last = read(*frames)[-1]
    assert isinstance(last, Failed)
    return last.error


@pytest.mark.parametrize("data", [CUMULATIVE, INCREMENTAL])
def test_7_3_both_kinds_of_stream_become_the_same_text(data):
    found = check_completions(streamed(data, of(include_usage=True)), include_usage=True)
    assert found.texts("text") == "Grüß dich 👋"
    assert found.finish == "stop"
    assert (found.usage["prompt_tokens"], found.usage["completion_tokens"]) == (7, 3)
    assert found.usage["prompt_tokens_details"]["cached_tokens"] == 4


@pytest.mark.parametrize("data", [CUMULATIVE, INCREMENTAL])
def test_8_84_it_is_the_same_one_byte_at_a_time(data):
    assert streamed(data, of(), 1) == streamed(data, of())


@given(st.sampled_from([CUMULATIVE, INCREMENTAL]), st.lists(st.integers(0, len(CUMULATIVE)), max_size=6))
def test_8_84_it_is_the_same_however_the_bytes_are_split(data, cuts):
    converter = StreamConverter(of())
    places = [0, *sorted(cuts), len(data)]
    out = b"".join(converter.feed(data[a:b]) for a, b in pairwise(places)) + converter.close()
    assert out == streamed(data, of())


def test_the_events_come_in_order():
    assert read(frame("a"), counted("ab", STOP), "[DONE]") == [
        Start("g1"),
        Text("a"),
        Text("b"),
        UsageSeen(Usage(prompt=7, output=3, cache_read=4)),
        Finish(FinishReason.STOP),
        End(),
    ]


def test_7_3_a_shrinking_text_takes_nothing_back():
    stopped = {"type": "stop", "matched": "END"}
    found = read(frame("Hello"), frame("Hello E"), frame("Hello", stopped), stops=frozenset({"END"}))
    assert [event.text for event in found if isinstance(event, Text)] == ["Hello", " E"]
    assert found[-2] == Finish(FinishReason.STOP_SEQUENCE, "END")


def test_7_3_of_a_batch_the_first_answer_counts():
    reader = GenerateReader(of())
    for data in (frame("a", index=0), frame("x", index=1), frame("xy", STOP, index=1)):
        found = reader.feed((b"", orjson.dumps(data)))
    assert found == []
    assert reader.feed((b"", orjson.dumps(frame("ab", STOP, index=0)))) == [Text("b")]
    assert reader.close() == [Finish(FinishReason.STOP), End()]
    assert reader.warnings == [OTHER_ANSWERS]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (STOP, Finish(FinishReason.STOP)),
        ({"type": "stop", "matched": "END"}, Finish(FinishReason.STOP_SEQUENCE, "END")),
        ({"type": "stop", "matched": "</s>"}, Finish(FinishReason.STOP)),
        ({"type": "stop"}, Finish(FinishReason.STOP)),
        ({"type": "length", "length": 9}, Finish(FinishReason.LENGTH)),
        ("stop", Finish(FinishReason.STOP)),
        ("length", Finish(FinishReason.LENGTH)),
        ({"type": "eos"}, Finish(FinishReason.STOP)),
        ({"type": 7}, Finish(FinishReason.STOP)),
        ({}, Finish(FinishReason.STOP)),
    ],
)
def test_7_3_why_it_stopped(reason, expected):
    assert finish(reason, stops=frozenset({"END"})) == expected


def test_an_empty_answer_that_says_why_is_an_answer():
    assert read(frame("", STOP))[1:] == [Finish(FinishReason.STOP), End()]


def test_3_3_an_empty_answer_for_an_unknown_reason_is_an_error():
    assert "without saying anything" in failure(frame("", {"type": "eos"})).message


def test_3_3_an_abort_is_an_error_with_its_own_status():
    error = failure(frame("a"), frame("ab", {"type": "abort", "message": "Queue is full", "status_code": 503}))
    assert (error.status, error.message) == (503, "Queue is full")


@pytest.mark.parametrize("status", [None, 200, "x"])
def test_3_3_an_abort_without_a_status_is_a_500(status):
    error = failure(frame("", {"type": "abort", "message": None, "status_code": status}))
    assert (error.status, error.message) == (500, "The upstream aborted the answer.")


def test_3_3_the_word_abort_alone_is_one_too():
    assert failure(frame("a", "abort")).status == 500


def test_7_3_an_error_in_the_stream_ends_it():
    data = frames_of(frame("a"), {"error": {"message": "It broke."}}, "[DONE]")
    found = check_completions(streamed(data, of(), 1))
    assert (found.texts("text"), found.error["message"]) == ("a", "It broke.")


def test_7_3_a_bare_message_has_the_status_it_would_have_had():
    assert failure({"error": {"message": "top_p must be in (0, 1]"}}).status == 400
    assert failure({"error": {"message": "No.", "code": 503}}).status == 503
    assert failure({"error": "No."}).status == 500


def test_8_98_a_prompt_that_is_too_long_is_known_by_its_words():
    sentence = "The input (9000 tokens) is longer than the model's context length (8192 tokens)."
    error = failure({"error": {"message": sentence}})
    assert (error.status, error.code) == (400, "context_length_exceeded")


def test_4_8_an_event_called_error_is_one():
    reader = GenerateReader(of())
    (failed,) = reader.feed((b"error", b'{"message":"No."}'))
    assert failed.error.message == "No."


def test_4_3_14_a_stream_that_breaks_off_is_an_error():
    assert "broke off" in failure(frame("a")).message
    assert "broke off" in failure().message


def test_4_3_13_done_without_a_reason_ends_an_answer_that_said_something():
    assert read(frame("a"), "[DONE]")[-2:] == [Finish(FinishReason.STOP), End()]
    assert "without saying anything" in failure("[DONE]").message


def test_4_3_13_a_reason_without_done_is_an_end():
    assert read(frame("a", STOP))[-1] == End()


def test_what_was_held_back_comes_before_the_end():
    pieces = [{**counted("a"), "output_ids": [1]}, {**counted("aa"), "output_ids": [1]}]
    assert [event.text for event in read(*pieces, "[DONE]") if isinstance(event, Text)] == ["a", "a"]


def test_4_3_17_nothing_counts_after_the_end():
    assert read(frame("a", STOP), "[DONE]", frame("late"), "[DONE]")[-1] == End()


def test_4_3_16_a_line_that_is_not_json_is_skipped_and_said():
    reader = GenerateReader(of())
    reader.feed((b"", orjson.dumps(frame("a"))))
    assert reader.feed((b"", b"{oops")) == []
    assert reader.feed((b"", b"7")) == []
    assert len(reader.warnings) == 1


def test_4_3_16_in_the_first_frame_it_is_an_error():
    assert "Bad Gateway" in failure("<html><title>Bad Gateway</title></html>").message


def test_frames_without_text_or_counts_are_heartbeats():
    assert read({"meta_info": {}}, {"text": None}, {}, frame("a", STOP)) == [
        Start(""),
        Text("a"),
        Finish(FinishReason.STOP),
        End(),
    ]


def whole(body) -> object:
    return convert_response(orjson.dumps(body), of(stops=frozenset({"END"})))


def test_7_3_a_whole_answer():
    answer = whole({"output_ids": [1, 2, 3], **counted("Hello", {"type": "length", "length": 3})}).body
    assert answer["choices"] == [{"text": "Hello", "index": 0, "logprobs": None, "finish_reason": "length"}]
    assert answer["usage"]["total_tokens"] == 10


def test_7_3_a_list_of_answers_gives_its_first():
    answer = whole([counted("Hello", STOP), counted("Bye", STOP)])
    assert answer.body["choices"][0]["text"] == "Hello"
    assert answer.warnings == [OTHER_ANSWERS]
    assert whole([counted("Hello", STOP)]).warnings == []


@pytest.mark.parametrize("body", [[], [7], 7, None])
def test_a_body_that_is_no_answer_is_an_error(body):
    assert whole(body).failure is not None


def test_a_whole_answer_without_a_reason_is_complete():
    assert whole(frame("Hello")).body["choices"][0]["finish_reason"] == "stop"


def test_7_3_whole_errors():
    refused = whole({"error": {"message": "top_p must be in (0, 1]"}})
    assert refused.failure.status == 400
    assert refused.body["error"]["message"] == "top_p must be in (0, 1]"
    assert whole(frame("a", {"type": "abort", "message": "Full", "status_code": 429})).failure.status == 429
    assert whole(frame("")).failure.status == 502


def test_8_95_json_although_a_stream_was_asked_for():
    found = check_completions(streamed(orjson.dumps(counted("Hello", STOP)), of(), 1))
    assert (found.texts("text"), found.finish) == ("Hello", "stop")


def test_a_stream_although_none_was_asked_for():
    assert convert_response(CUMULATIVE, of()).body["choices"][0]["text"] == "Grüß dich 👋"
