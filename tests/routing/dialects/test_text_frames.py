"""Streams of completions and /generate that somebody looks into: they leave as they came, or as if they had."""

from itertools import product

import orjson
import pytest

from routing.dialects.events import End, Event, Failed, Finish, FinishReason, Start, Text, UpstreamError
from routing.dialects.sse import DONE_FRAME
from routing.dialects.text_frames import TextFrames
from tests.routing.dialects.support import COMPLETIONS, GENERATE, exchange, frames_of, pieces

STOP = {"type": "stop", "matched": 2}
META = {"id": "g1", "finish_reason": None, "prompt_tokens": 7, "completion_tokens": 3, "cached_tokens": 0}


def completion(text="", reason=None, **more):
    logprobs = {"tokens": [text], "token_logprobs": [-0.5], "top_logprobs": [{text: -0.5}], "text_offset": [0]}
    choice = {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": reason, "stop_reason": None}
    head = {"id": "cmpl-theirs", "object": "text_completion", "created": 5, "model": "theirs"}
    return {**head, "choices": [choice], **more}


def generated(text, reason=None, ids=(1, 2, 3)):
    return {"text": text, "output_ids": ids, "meta_info": {**META, "finish_reason": reason, "weight_version": "7"}}


def piece(text, reason=None):
    return generated(text, reason, ids=[3])


USAGE = {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}
PLAIN = frames_of(completion("Grüß"), completion(" dich"), completion(" 👋"), completion("", "stop"), "[DONE]")
WITH_USAGE = frames_of(
    completion("", usage=None),
    completion("Grüß", usage=None),
    completion(" dich 👋", "stop", usage=None),
    {**completion(), "choices": [], "usage": USAGE},
    "[DONE]",
)
ODD = (
    b"\r\n: a comment\r\n\r\nid: 1\r\nevent: x\r\ndata: "
    + orjson.dumps(completion("Grüß"))
    + b"\r\n\r\n: PROCESSING\n\n"
    + frames_of(completion(" dich 👋", "stop"))
    + b"\n\ndata: [DONE]\n"
)
CUMULATIVE = frames_of(
    generated("Grüß"), generated("Grüß dich"), generated("Grüß dich 👋"), generated("Grüß dich 👋", STOP), "[DONE]"
)
INCREMENTAL = frames_of(piece("Grüß"), piece(" dich"), piece(" 👋"), piece("", STOP), "[DONE]")
PENDING = frames_of(  # "ha" may be a piece, or the beginning of all: one frame waits for the next
    piece("ha"), piece("ha!"), piece(" so", STOP), "[DONE]"
)
STREAMS = [
    pytest.param(COMPLETIONS, PLAIN, id="plain"),
    pytest.param(COMPLETIONS, WITH_USAGE, id="with usage"),
    pytest.param(COMPLETIONS, ODD, id="odd"),
    pytest.param(GENERATE, CUMULATIVE, id="cumulative"),
    pytest.param(GENERATE, INCREMENTAL, id="incremental"),
    pytest.param(GENERATE, PENDING, id="pending"),
]
every_stream = pytest.mark.parametrize(("dialect", "data"), STREAMS)


class Holds:
    """Lets text go on that is so many characters behind; with the end, everything."""

    def __init__(self, size: int) -> None:
        self.size, self.text, self.rest, self.heard = size, "", [], ""

    def feed(self, event: Event) -> list[Event]:
        if type(event) is Text:
            self.heard += event.text
            self.text += event.text
            out, self.text = self.text[: -self.size or None], self.text[-self.size :] if self.size else ""
            return [Text(out)] if out else []
        if type(event) in (End, Failed):
            text, self.text = self.text, ""
            return [*([Text(text)] if text else []), *self.rest, event]
        self.rest.append(event)
        return []

    def close(self) -> list[Event]:
        return []


def frames(dialect, *transforms, **more):
    return TextFrames(exchange(dialect, dialect, **more), transforms)


def through(frames, data, size=0):
    chunks = pieces(data, size) if size else [data]
    return b"".join(map(frames.feed, chunks)) + frames.close()


def payloads(data):
    return [orjson.loads(line[6:]) for line in data.splitlines() if line.startswith(b"data: {")]


def text_of(dialect, data):
    """All that a client reads of a stream."""
    if dialect is COMPLETIONS:
        return "".join(choice["text"] for payload in payloads(data) for choice in payload["choices"])
    return next(payload["text"] for payload in reversed(payloads(data)))


class TestAGoodAnswer:
    @every_stream
    @pytest.mark.parametrize("held", [0, 1, 4, 100])
    @pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
    def test_leaves_as_the_very_bytes_that_came_however_they_came(self, dialect, data, held, size):
        assert through(frames(dialect, Holds(held)), data, size) == data

    @every_stream
    def test_leaves_so_without_anybody_who_looks(self, dialect, data):
        assert through(frames(dialect), data) == data

    @every_stream
    def test_is_heard_as_its_text_alone(self, dialect, data):
        hears = Holds(3)
        through(frames(dialect, hears), data, 5)
        assert hears.heard in ("Grüß dich 👋", "haha! so")

    def test_leaves_frame_by_frame_as_its_text_may_go_on(self):
        stream = frames(COMPLETIONS, Holds(4))
        first, second, third, last, done = (frame + b"\n\n" for frame in PLAIN.split(b"\n\n")[:-1])
        fed = [stream.feed(frame) for frame in (first, second, third, last, done)]
        assert fed == [b"", first, b"", b"", second + third + last + done]

    def test_is_renamed_where_the_target_has_another_name_for_the_model(self):
        out = through(frames(COMPLETIONS, Holds(2), renamed=True), PLAIN)
        assert {payload["model"] for payload in payloads(out)} == {"asked"}
        assert text_of(COMPLETIONS, out) == "Grüß dich 👋"

    def test_may_be_followed_by_more_which_passes(self):
        assert through(frames(COMPLETIONS, Holds(2)), PLAIN + b": bye\n\n") == PLAIN + b": bye\n\n"

    def test_that_is_one_document_comes_as_a_stream_of_one_frame(self):
        body = completion("Hi there", "stop")
        out = through(frames(COMPLETIONS, Holds(2)), b" \n" + orjson.dumps(body, option=orjson.OPT_INDENT_2), 9)
        assert out == frames_of(body) + DONE_FRAME

    def test_gives_comments_at_once_where_no_text_waits(self):
        stream = frames(COMPLETIONS, Holds(2))
        assert stream.feed(b": waiting\n\n") == b""  # it has not begun
        stream.feed(frames_of(completion("Hi there")))
        assert stream.feed(b": still here\n\n") == b""  # behind its text
        stream.say([Text("re")])
        assert stream.feed(b": and still\n\n").endswith(b": and still\n\n")

    @pytest.mark.parametrize("size", [0, 1])
    def test_that_is_numbers_alone_is_not_held_up(self, size):
        numbers = [{"output_ids": [number], "meta_info": {**META, "finish_reason": None}} for number in range(3)]
        last = {"output_ids": [4], "meta_info": {**META, "finish_reason": STOP}}
        hears = Holds(0)
        stream = frames(GENERATE, hears)
        first = frames_of(*numbers)
        assert b"".join(map(stream.feed, pieces(first, size or len(first)))) == first
        assert through(stream, frames_of(last, "[DONE]")) == frames_of(last, "[DONE]")
        assert Finish(FinishReason.LENGTH) in hears.rest
        assert "not judged" in stream.warnings[0]

    def test_that_is_said_again_in_every_frame_is_not_kept_again_and_again(self):
        texts = ["word " * 20_000 * count for count in range(1, 25)]
        stream = frames(GENERATE, Holds(10**9))
        out = b"".join(stream.feed(frames_of(generated(text))) for text in texts)
        assert (out, stream.size < 3 * len(texts[-1])) == (b"", True)
        end = frames_of(generated(texts[-1], STOP), "[DONE]")
        assert through(stream, end) == frames_of(generated(texts[-1])) + end

    def test_of_completions_is_kept_whole_however_long_it_is(self):
        data = frames_of(*(completion("word " * 20_000, ids=count) for count in range(25)), "[DONE]")
        assert through(frames(COMPLETIONS, Holds(10**9)), data) == data

    def test_whose_frames_differ_in_their_text_alone_is_the_same_whether_they_are_parsed_or_not(self):
        plain = [completion(text) for text in ("a", "b\n", "c\\", "d", "e", "f")]
        for frame in plain:
            frame["choices"][0]["logprobs"] = None
        data = frames_of(*plain, plain[0] | {"id": "another"}, *plain, completion("", "stop"), "[DONE]")
        for size, patience in product((0, 1, 150, 400), (0, 2, 5)):
            hears = Holds(3)
            stream = frames(COMPLETIONS, hears)
            stream.patience = patience
            assert through(stream, data, size) == data
            assert hears.heard == "ab\nc\\defa" + "ab\nc\\def"

    def test_of_little_text_may_be_read_together_to_its_last_word(self):
        plain = [completion(text) for text in "abcdefg"]
        for frame in plain:
            frame["choices"][0]["logprobs"] = None
        hears = Holds(0)
        stream = frames(COMPLETIONS, hears)
        stream.patience = 4
        fed = [stream.feed(frames_of(frame)) for frame in plain]
        assert [bool(out) for out in fed] == [True, True, False, False, False, True, False]
        rest = stream.end_answer()
        assert b"".join(fed) + rest[: rest.find(b'data: {"error"')] == frames_of(*plain)
        assert hears.heard == "abcdefg"

    def test_whose_every_frame_has_an_empty_reason_is_not_held_up(self):
        stream = frames(COMPLETIONS, Holds(0))
        data = frames_of(completion("Hi", ""), completion(" there", ""))
        assert stream.feed(data) == data

    def test_whose_beginning_is_blank_is_a_stream_nevertheless(self):
        assert through(frames(COMPLETIONS, Holds(2)), b"\n" + PLAIN, 1) == b"\n" + PLAIN


class TestAnswersThatFail:
    @pytest.mark.parametrize("dialect", [COMPLETIONS, GENERATE])
    def test_give_what_was_good_and_then_the_error(self, dialect):
        stream = frames(dialect, Holds(2))
        say = completion if dialect is COMPLETIONS else generated
        out = stream.feed(frames_of(say("Hi there")))
        out += stream.feed(frames_of({"error": {"message": "out of memory", "code": 500}}))
        assert b"out of memory" in out
        assert out.endswith(DONE_FRAME)
        assert stream.failure.message == "out of memory"
        assert stream.feed(frames_of(say("more"))) + stream.close() == b""

    def test_by_breaking_off_are_told_as_that(self):
        stream = frames(COMPLETIONS, Holds(2))
        out = through(stream, frames_of(completion("Hi")) + b"data: {")
        assert b"broke off" in out
        assert stream.failure.status == 502
        assert stream.warnings  # of the half event

    def test_that_the_relay_ends_are_ended_with_what_may_go_on_of_the_text(self):
        stream = frames(COMPLETIONS, Holds(3))
        out = stream.feed(frames_of(completion("Hi there"))) + stream.fail(UpstreamError(504, "too slow"))
        assert text_of(COMPLETIONS, out.split(b'data: {"error"')[0]) == "Hi th"
        assert b"too slow" in out
        assert stream.fail(UpstreamError(504, "again")) == b""

    def test_without_a_word_are_told_as_that(self):
        assert b"broke off" in frames(COMPLETIONS).close()

    @pytest.mark.parametrize(("body", "said"), [(b"<html>Bad gateway</html>", b"Bad gateway"), (b"[1]", b"[1]")])
    def test_because_they_are_none_are_told_as_that(self, body, said):
        stream = frames(COMPLETIONS)
        assert said in through(stream, body)
        assert stream.failure


def deviating(dialect, more):
    """A stream of which a part went on, when something else is said."""
    say = completion if dialect is COMPLETIONS else generated
    stream = frames(dialect, Holds(4), include_usage=True)
    out = stream.feed(frames_of(say("Once")) + frames_of(say("Once upon" if dialect is GENERATE else " upon")))
    return stream, out, out + stream.say(more)


class TestWhatIsNotTheUpstreamsOwn:
    @pytest.mark.parametrize("dialect", [COMPLETIONS, GENERATE])
    def test_is_written_in_payloads_like_those_that_came(self, dialect):
        stream, passed, out = deviating(dialect, [Text(". Sorry."), Finish(FinishReason.STOP), End()])
        assert passed
        assert text_of(dialect, out) == "Once . Sorry."
        assert out.endswith(DONE_FRAME)
        assert stream.close() == b""

    def test_of_completions_has_an_end_that_clients_understand(self):
        _, _, out = deviating(COMPLETIONS, [Text("!"), Finish(FinishReason.LENGTH), End()])
        *_, last, usage = payloads(out)
        assert (last["id"], last["choices"][0]["finish_reason"], last["choices"][0]["logprobs"]) == (
            "cmpl-theirs",
            "length",
            None,
        )
        assert usage["choices"] == []
        assert usage["usage"]["completion_tokens"] > 0

    def test_of_completions_tells_usage_in_the_end_alone(self):
        stream = frames(COMPLETIONS, Holds(2))
        out = stream.feed(frames_of(completion("Hi there", usage=USAGE)))
        out += stream.say([Text("!"), Finish(FinishReason.STOP), End()])
        assert [payload["usage"] for payload in payloads(out)] == [None, None]

    def test_of_generate_repeats_the_whole_text_as_its_server_does(self):
        _, _, out = deviating(GENERATE, [Text("!"), Finish(FinishReason.LENGTH), End()])
        texts = [payload["text"] for payload in payloads(out)]
        assert texts == ["Once", "Once !", "Once !"]
        last = payloads(out)[-1]
        assert last["meta_info"]["finish_reason"] == {"type": "length"}
        assert last["meta_info"]["weight_version"] == "7"
        assert "output_ids" not in last

    def test_of_generate_is_a_piece_where_its_server_sends_pieces(self):
        stream = frames(GENERATE, Holds(4))
        out = stream.feed(frames_of(piece("One, "), piece("two, "), piece("three")))
        out += stream.say([Text("four"), Finish(FinishReason.STOP_SEQUENCE, "five"), End()])
        *_, said, last = payloads(out)
        assert (said["text"], last["text"]) == ("tfour", "")
        assert last["meta_info"]["finish_reason"] == {"type": "stop", "matched": "five"}

    def test_may_begin_like_what_was_held_back(self):
        stream = frames(COMPLETIONS, Holds(5))
        out = stream.feed(frames_of(completion("Hello, "), completion("world")))
        out += stream.say([Text("worst"), Finish(FinishReason.STOP), End()])
        assert text_of(COMPLETIONS, out) == "Hello, worst"

    def test_is_another_end_than_the_upstreams(self):
        """The frame with the upstream's reason does not leave, although all of its text may."""
        stream = frames(COMPLETIONS, Holds(2))
        out = stream.feed(frames_of(completion("Hi "), completion("there", "stop")))
        out += stream.say([Text("re"), Finish(FinishReason.LENGTH), End()])
        assert [p["choices"][0]["finish_reason"] for p in payloads(out) if p["choices"]] == [None, None, "length"]
        assert text_of(COMPLETIONS, out) == "Hi there"


class TestAnotherAttempt:
    @pytest.mark.parametrize(("dialect", "data"), STREAMS[:2] + STREAMS[3:5])
    def test_passes_as_it_is_where_nothing_was_seen_of_the_one_before(self, dialect, data):
        say = completion if dialect is COMPLETIONS else generated
        stream = frames(dialect, Holds(100))
        assert stream.feed(frames_of(say("Bad bad"))) == b""
        stream.go_on(exchange(dialect, dialect), [Holds(3)])
        assert through(stream, data) == data

    def test_goes_on_in_payloads_like_those_of_the_one_before(self):
        stream = frames(COMPLETIONS, Holds(4))
        out = stream.feed(frames_of(completion("Hello, "), completion("you all")))
        out += stream.say([Text(" all")])
        stream.go_on(exchange(COMPLETIONS, COMPLETIONS), [Holds(2)])
        other = completion(" together") | {"id": "cmpl-2"}
        out += through(stream, frames_of(other, completion("", "stop"), "[DONE]"))
        assert text_of(COMPLETIONS, out) == "Hello, you all together"
        assert {payload["id"] for payload in payloads(out)} == {"cmpl-theirs"}
        assert payloads(out)[-1]["choices"][0]["finish_reason"] == "stop"
        assert out.endswith(DONE_FRAME)

    @pytest.mark.parametrize("rest", [generated(" together", STOP), generated(" together", {"type": "length"})])
    def test_of_generate_goes_on_from_the_text_so_far(self, rest):
        stream = frames(GENERATE, Holds(4))
        out = stream.feed(frames_of(generated("Hello, "), generated("Hello, you all")))
        stream.go_on(exchange(GENERATE, GENERATE), [])
        out += through(stream, frames_of(rest, "[DONE]"))
        assert text_of(GENERATE, out) == "Hello, you together"
        assert payloads(out)[-1]["meta_info"]["finish_reason"]["type"] == rest["meta_info"]["finish_reason"]["type"]
        assert payloads(out)[-1]["meta_info"]["completion_tokens"] == 3

    def test_may_be_followed_by_a_third_and_what_was_said_is_not_forgotten(self):
        stream = frames(COMPLETIONS, Holds(4))
        assert stream.feed(frames_of(completion("Hello, you"))) == b""
        stream.go_on(exchange(COMPLETIONS, COMPLETIONS), [])
        out = stream.leave()
        assert (text_of(COMPLETIONS, out), stream.leave()) == ("Hello,", b"")

    def test_is_told_of_with_the_warnings_of_the_one_before(self):
        stream = frames(COMPLETIONS)
        stream.feed(frames_of(completion("Hi"), "odd"))
        stream.go_on(exchange(COMPLETIONS, COMPLETIONS))
        assert len(stream.warnings) == 1


def test_a_client_that_waits_is_sent_comments():
    stream = frames(COMPLETIONS)
    stream.follow(None)
    assert stream.ping() == b": keep-alive\n\n"


def test_the_end_may_be_said_twice():
    stream = frames(COMPLETIONS)
    stream.feed(PLAIN)
    assert stream.end_answer() + stream.end_answer() + stream.close() == b""


def test_start_says_nothing():
    assert frames(COMPLETIONS).say([Start("a")]) == b""
