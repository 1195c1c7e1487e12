"""What a client that waits is sent, and that its stream is valid whatever follows."""

import orjson
import pytest

from routing.dialects.events import Failed, Start, Text, UpstreamError, Usage, UsageSeen
from routing.dialects.life import Comments, Continued, EarlyResponse, LateStart, may_begin_early
from routing.dialects.sse import DONE_FRAME, KEEP_ALIVE, PING, data_frame, named_frame
from routing.dialects.streaming import StreamConverter
from tests.routing.dialects.checkers import check_chat, check_messages
from tests.routing.dialects.responses.checking import check, events_of
from tests.routing.dialects.support import CHAT, MESSAGES, RESPONSES, exchange


def chunk(delta, finish=None):
    return data_frame({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


FRAMES = [chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo"}), chunk({}, "stop"), DONE_FRAME]


def early(pings):
    life = EarlyResponse(lambda: exchange(client=RESPONSES, upstream=CHAT))
    return life, b"".join(life.ping() for _ in range(pings))


def converted(client, *, pings=0, follow=None):
    """The stream for a client, with a sign of life behind each piece of the upstream's."""
    converter = StreamConverter(exchange(client=client, upstream=CHAT))
    if follow:
        converter.follow(follow)
    out = b""
    for frame in FRAMES:
        out += converter.feed(frame)
        out += b"".join(converter.ping() for _ in range(pings))
    return out + converter.close()


def test_a_comment_is_one_in_every_dialect():
    assert Comments().ping() == Comments().ping() == KEEP_ALIVE


def test_an_early_response_is_made_with_its_first_event():
    life = EarlyResponse(lambda: pytest.fail("nobody waited"))
    assert life.count == 0


def test_an_early_response_is_created_once_and_then_in_progress():
    _, out = early(3)
    events = events_of(out)
    assert [event["type"] for event in events] == ["response.created", *["response.in_progress"] * 2]
    assert [event["sequence_number"] for event in events] == [0, 1, 2]
    assert {event["response"]["id"] for event in events} == {"resp_r1"}


@pytest.mark.parametrize("before", [0, 1, 2, 5])
@pytest.mark.parametrize("within", [0, 1, 2])
def test_a_converted_response_goes_on_from_there(before, within):
    life, out = early(before)
    found = check(out + converted(RESPONSES, pings=within, follow=life))
    assert found.kinds().count("created") == 1
    assert found.items[0]["content"][0]["text"] == "Hello"


def test_while_an_answer_is_only_awaited_its_early_events_go_on_and_then_no_more():
    life, _ = early(1)
    converter = StreamConverter(exchange(client=RESPONSES, upstream=CHAT))
    converter.follow(life)
    assert b"response.in_progress" in converter.ping()
    converter.feed(FRAMES[0])
    assert life.ping() == KEEP_ALIVE
    assert b"response.in_progress" in converter.ping()


def test_other_dialects_do_not_care_what_was_said_early():
    life, _ = early(0)
    converter = StreamConverter(exchange(client=CHAT, upstream=CHAT))
    converter.follow(life)
    assert b"chat.completion.chunk" in converter.feed(FRAMES[0])


@pytest.mark.parametrize("before", [0, 1, 3])
def test_an_error_behind_early_events_goes_on_from_there(before):
    life, out = early(before)
    converter = StreamConverter(exchange(client=RESPONSES, upstream=CHAT))
    converter.follow(life)
    found = check(out + converter.fail(UpstreamError(503, "Gone")))
    assert found.response["status"] == "failed"


def test_a_message_is_pinged_behind_its_start_only():
    stream = converted(MESSAGES, pings=1)
    check_messages(stream.replace(PING, b""))
    assert stream.count(PING) == len(FRAMES) - 1
    assert stream.index(b"message_start") < stream.index(PING)
    assert StreamConverter(exchange(client=MESSAGES, upstream=CHAT)).ping() == KEEP_ALIVE


def test_a_chat_is_kept_alive_by_comments():
    stream = converted(CHAT, pings=1)
    check_chat(stream)
    assert stream.count(KEEP_ALIVE) == len(FRAMES)


def test_a_response_that_has_not_begun_or_has_ended_is_not_in_progress():
    converter = StreamConverter(exchange(client=RESPONSES, upstream=CHAT))
    assert converter.ping() == KEEP_ALIVE
    for frame in FRAMES:
        converter.feed(frame)
    converter.close()
    assert converter.ping() == KEEP_ALIVE


def passed(size):
    """An upstream's own stream of responses behind two early events, in pieces."""
    life, out = early(2)
    continued = Continued(life)
    stream = converted(RESPONSES).replace(b"resp_r1", b"resp_theirs") + DONE_FRAME
    for start in range(0, len(stream), size):
        out += continued.feed(stream[start : start + size])
    return out + continued.close(b"")


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_response_that_passes_is_numbered_on_under_the_id_that_was_said(size):
    out = passed(size)
    assert out.endswith(DONE_FRAME)
    found = check(out.removesuffix(DONE_FRAME))
    assert found.kinds().count("created") == 1
    assert found.response["id"] == "resp_r1"
    assert b"resp_theirs" not in out


def test_what_is_no_event_of_it_is_left_out_and_a_last_event_may_lack_its_end():
    life, out = early(1)
    continued = Continued(life)
    out += continued.feed(b": comment\n\ndata: nonsense\n\ndata: 7\n\n")
    last = b'event: response.completed\ndata: {"response":{"id":"x","output":[]}}'
    out += continued.feed(last[:20]) + continued.close(last[20:])
    assert [event["sequence_number"] for event in events_of(out)] == [0, 1]
    assert orjson.loads(out.split(b"data: ")[-1])["response"]["id"] == "resp_r1"


def test_an_answer_that_was_not_streamed_becomes_its_events():
    life, out = early(1)
    item = {"id": "msg_1", "type": "message", "content": []}
    events = events_of(out + life.whole({"id": "theirs", "output": [item]}))
    assert [event["type"] for event in events] == [
        "response.created",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event["sequence_number"] for event in events] == [0, 1, 2, 3]
    assert events[-1]["response"] == {"id": "resp_r1", "output": [item]}


@pytest.mark.parametrize(
    ("body", "may"),
    [
        ({"store": False}, True),
        ({"store": False, "background": True}, False),
        ({"store": True}, False),
        ({}, False),
    ],
)
def test_a_response_begins_early_only_for_clients_that_never_ask_for_it_again(body, may):
    assert may_begin_early(body) is may


def test_a_frame_is_named_by_its_type():
    assert named_frame({"type": "ping"}) == PING


class TestAnAnswerThatBeginsLate:
    START, USAGE = Start("theirs"), UsageSeen(Usage(prompt=7))

    def test_begins_with_what_it_says_first(self):
        late = LateStart()
        assert [late.feed(event) for event in (self.START, self.USAGE)] == [[], []]
        assert late.feed(Text("Hi")) == [self.START, self.USAGE, Text("Hi")]
        assert late.feed(self.USAGE) == [self.USAGE]
        assert late.close() == []

    def test_does_not_begin_where_it_fails_before(self):
        late, failed = LateStart(), Failed(UpstreamError(500, "out of memory"))
        late.feed(self.START)
        assert late.feed(failed) == [failed]
