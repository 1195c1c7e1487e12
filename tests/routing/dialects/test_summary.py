import orjson
import pytest

from routing.dialects import Dialect
from routing.dialects.errors import error_frame
from routing.dialects.passing import Summary, has_finished, summary
from routing.errors import UpstreamBroken
from tests.routing.dialects.transcripts import COMPLETE_FROM, FINISH, TRANSCRIPTS, frame

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))
every_ending = pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])


@every_dialect
def test_a_streams_finish_reason_and_usage_are_read_off_its_end(dialect):
    assert summary(b"", b"".join(TRANSCRIPTS[dialect])) == Summary(FINISH[dialect], 10, 2, 4)


def test_usage_of_a_long_messages_stream_is_read_off_both_ends():
    first, *_, last, stop = TRANSCRIPTS[Dialect.MESSAGES]
    assert summary(first, last + stop) == Summary("end_turn", 10, 2, 4)


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ('"finish_reason": "length"', "length"),
        ('"finish_reason" : {"type":"abort","message":"x"}', "abort"),
        ('"stop_reason":"tool_use"', "tool_use"),
        ('"finish_reason":"stop","stop_reason":"</s>"', "stop"),
        ('"finish_reason":null', ""),
        ('"finish_reason":""', ""),
        ('"finish_reason":"tool_calls"},{"finish_reason":null', "tool_calls"),
        ('"native_finish_reason":"eos"', ""),
        ('"finish_reason":7', ""),
        (f'"finish_reason":"{"x" * 51}"', ""),
        ('"type":"response.incomplete"', "incomplete"),
        ('"type":"response.failed"', "failed"),
    ],
)
def test_forms_of_a_finish_reason(said, finish):
    assert summary(b"", f"{{{said}}}".encode()).finish_reason == finish


def test_a_finish_reason_that_is_no_utf8_does_not_disturb():
    assert summary(b"", b'{"finish_reason":"\xff"}').finish_reason == "�"


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ('"prompt_tokens": 12', 12),
        ('"input_tokens":12', 12),
        ('"prompt_tokens":0', 0),
        ('"prompt_tokens":null', None),
        ('"prompt_tokens":"12"', None),
        ('"prompt_tokens":12345678901', None),
        ('"prompt_tokens":3},{"prompt_tokens":5', 5),
        ('"prompt_tokens_details":{"audio_tokens":1}', None),
    ],
)
def test_forms_of_a_count(said, tokens):
    assert summary(b"", f"{{{said}}}".encode()).prompt_tokens == tokens


@every_dialect
@every_ending
def test_a_stream_has_finished_from_the_frame_on_that_says_so(dialect, ending):
    frames = [frame.replace(b"\n", ending) for frame in TRANSCRIPTS[dialect]]
    finished = [has_finished(dialect, b"".join(frames[:count])) for count in range(len(frames) + 1)]
    complete = COMPLETE_FROM[dialect] + 1
    assert finished == [False] * complete + [True] * (len(frames) + 1 - complete)


@every_dialect
def test_a_stream_that_ends_with_our_error_has_finished(dialect):
    assert has_finished(dialect, TRANSCRIPTS[dialect][0] + error_frame(dialect, UpstreamBroken("Gone."), "r"))


@every_dialect
@pytest.mark.parametrize("error", [{"error": {"message": "no"}}, {"error": "no"}, {"type": "error"}])
def test_an_upstreams_own_error_ends_a_stream(dialect, error):
    assert has_finished(dialect, TRANSCRIPTS[dialect][0] + frame(error))


WORDS = [
    "error",
    '"error": {"message": "no"}',
    '"type":"error"',
    '{"finish_reason":"stop"}',
    '"type":"message_stop"',
    '"type":"response.completed"',
    "data: [DONE]\n\n",
    '\n\ndata: {"error": "x"}\n\n',
]


@every_dialect
@pytest.mark.parametrize("text", WORDS)
def test_what_a_model_says_is_never_taken_for_the_end(dialect, text):
    """In whatever place a dialect puts it: as a text, or as arguments of a tool, which are a text too."""
    for place in ("text", "content", "delta", "partial_json", "arguments"):
        said = frame({"type": "x", place: text, "error": None, "finish_reason": None})
        assert not has_finished(dialect, TRANSCRIPTS[dialect][0] + said)
        assert summary(b"", said) == Summary()


def test_done_alone_ends_a_chat():
    assert has_finished(Dialect.CHAT, b"data:[DONE]\n\n")
    assert has_finished(Dialect.CHAT, b"data: x\r\rdata: [DONE]\r\r")


def test_the_end_of_a_huge_response_is_one_event_that_begins_with_its_type():
    said = orjson.dumps({"type": "response.completed", "response": {"output": "x" * 200_000}})
    assert has_finished(Dialect.RESPONSES, frame(said, "response.completed"))
