"""Streams of conversations that somebody looks into, between two sides of one dialect: they leave as they came, and
whatever else is said fits to that."""

import re
from itertools import product
from unittest.mock import ANY

import orjson
import pytest

from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    Start,
    Text,
    ToolArguments,
    ToolStart,
    UpstreamError,
)
from routing.dialects.kept_frames import KeptFrames
from routing.dialects.sse import DONE_FRAME, KEEP_ALIVE, PING, named_frame
from tests.routing.dialects.checkers import check_chat, check_messages
from tests.routing.dialects.support import CHAT, COMPLETIONS, MESSAGES, exchange, frames_of, pieces


def chunk(delta, reason=None, **more):
    head = {"id": "gen-1", "object": "chat.completion.chunk", "created": 5, "model": "theirs", "provider": "p"}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason, "token_ids": [1]}
    return {**head, "choices": [choice], **more}


def says(*texts):
    return [chunk({"content": text}) for text in texts]


def calls(index, arguments="", **call):
    return chunk(
        {"tool_calls": [{"index": index, **call, "function": {"arguments": arguments, **call.get("function", {})}}]}
    )


ROLE = chunk({"role": "assistant", "content": ""})
CALL = {"id": "c1", "type": "function", "function": {"name": "f"}}
END = (chunk({}, "stop"), "[DONE]")
PLAIN = frames_of(ROLE, *says("Grüß", " dich", " 👋"), *END)
ODD = (
    b"\r\n: a comment\r\n\r\nid: 1\r\ndata: "
    + orjson.dumps(ROLE)
    + b"\r\n\r\n: PROCESSING\n\n"
    + frames_of(chunk({"content": ""}, prompt_progress={"total": 3}), *says("Grüß"))
    + frames_of(chunk({"reasoning": "Hm.", "content": " dich 👋"}), chunk({"content": ""}, "stop"))
    + frames_of({**ROLE, "choices": [], "usage": {"prompt_tokens": 1}, "timings": {}})
    + b"\n\ndata: [DONE]\n"
)
CALLING = frames_of(
    ROLE,
    *says("Grüß dich 👋"),
    calls(0, **CALL),
    calls(0, '{"a"'),
    calls(0, ":1}"),
    calls(1, "{}", **{**CALL, "id": "c2"}),
    chunk({}, "tool_calls"),
    "[DONE]",
)
NEVER_DONE = frames_of(ROLE, *says("Grüß dich", " 👋"), chunk({}, "stop"))


def typed(*payloads):
    return b"".join(map(named_frame, payloads))


def block(index, start, *deltas):
    return typed(
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index, "odd": 1},
    )


def text_block(index, *texts):
    deltas = ({"type": "text_delta", "text": text} for text in texts)
    return block(index, {"type": "text", "text": "", "citations": []}, *deltas)


def cut(data):
    """A block of which the end is missing."""
    return data[: data.rindex(b"event: content_block_stop")]


OPENING = typed(
    {
        "type": "message_start",
        "message": {
            "id": "msg_theirs",
            "role": "assistant",
            "model": "theirs",
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
    },
    {"type": "ping"},
)
UNKNOWN = block(0, {"type": "odd_block", "of": "a vendor"})
THOUGHT = block(1, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "Hm."})
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
USING = block(3, USE, {"type": "input_json_delta", "partial_json": '{"a":1}'})


def ending(reason):
    return typed(
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"odd": 1}}, {"type": "message_stop"}
    )


MESSAGE = OPENING + UNKNOWN + THOUGHT + text_block(2, "Grüß", " dich", " 👋") + ending("end_turn")
USED = OPENING + text_block(0, "Grüß dich 👋") + USING + ending("tool_use")
STREAMS = [
    pytest.param(CHAT, PLAIN, id="plain"),
    pytest.param(CHAT, ODD, id="odd"),
    pytest.param(CHAT, CALLING, id="calling"),
    pytest.param(CHAT, NEVER_DONE, id="never done"),
    pytest.param(MESSAGES, MESSAGE, id="message"),
    pytest.param(MESSAGES, USED, id="used"),
]
every_stream = pytest.mark.parametrize(("dialect", "data"), STREAMS)


class Holds:
    """Lets text go on that is so many characters behind, and all else behind the text that came before it."""

    def __init__(self, size: int) -> None:
        self.size, self.held, self.heard = size, list[Event](), ""

    def feed(self, event: Event) -> list[Event]:
        self.held.append(event)
        self.heard += event.text if type(event) is Text else ""
        if type(event) in (End, Failed):
            out, self.held = self.held, []
            return out
        return self.behind()

    def behind(self) -> list[Event]:
        out, room = [], sum(len(event.text) for event in self.held if type(event) is Text) - self.size
        while self.held and room > 0:
            event = self.held.pop(0)
            if type(event) is Text and len(event.text) > room:
                self.held.insert(0, Text(event.text[room:]))
                event = Text(event.text[:room])
            room -= len(event.text) if type(event) is Text else 0
            out.append(event)
        return out

    def close(self) -> list[Event]:
        return []


def frames(dialect, *transforms, **more):
    return KeptFrames(exchange(dialect, dialect, **more), transforms)


def through(stream, data, size=0):
    chunks = pieces(data, size) if size else [data]
    return b"".join(map(stream.feed, chunks)) + stream.close()


class TestAGoodAnswer:
    @every_stream
    @pytest.mark.parametrize("held", [0, 1, 4, 100])
    @pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
    def test_leaves_as_the_very_bytes_that_came_however_they_came(self, dialect, data, held, size):
        stream = frames(dialect, Holds(held))
        assert through(stream, data, size) == data
        assert stream.warnings == []
        assert stream.failure is None

    @every_stream
    def test_leaves_so_without_anybody_who_looks(self, dialect, data):
        assert through(frames(dialect), data) == data

    def test_leaves_frame_by_frame_as_its_text_may_go_on(self):
        stream = frames(CHAT, Holds(4))
        role, first, second, third, last, done = (frame + b"\n\n" for frame in PLAIN.split(b"\n\n")[:-1])
        fed = [stream.feed(frame) for frame in (role, first, second, third, last, done)]
        assert fed == [b"", b"", role + first, b"", b"", second + third + last + done]

    def test_whose_every_frame_has_an_empty_reason_is_not_held_up(self):
        data = frames_of(chunk({"role": "assistant", "content": ""}, ""), chunk({"content": "Hi"}, ""))
        stream = frames(CHAT, Holds(0))
        assert stream.feed(data) == data
        end = frames_of(chunk({}, "length"), "[DONE]")
        assert through(stream, end) == end

    def test_is_renamed_where_the_target_has_another_name_for_the_model(self):
        out = through(frames(CHAT, Holds(2), renamed=True), PLAIN)
        assert b"theirs" not in out
        assert b'"provider":"p"' in out

    @every_stream
    def test_may_be_followed_by_more_which_passes(self, dialect, data):
        stream = frames(dialect, Holds(2))
        assert through(stream, data + b"\n: bye\n\n") == data + b"\n: bye\n\n"

    def test_that_is_one_document_comes_as_a_stream(self):
        body = {"choices": [{"message": {"content": "Hi there"}, "finish_reason": "stop"}]}
        out = through(frames(CHAT, Holds(2)), b" \n" + orjson.dumps(body, option=orjson.OPT_INDENT_2), 9)
        assert check_chat(out).texts("text") == "Hi there"

    def test_whose_beginning_is_blank_is_a_stream_nevertheless(self):
        assert through(frames(CHAT, Holds(2)), b"\n" + PLAIN, 1) == b"\n" + PLAIN

    def test_whose_frames_differ_in_their_text_alone_is_the_same_whether_they_are_parsed_or_not(self):
        plain = says("a", "b\n", "c\\", "d", "e", "f")
        data = frames_of(ROLE, *plain, plain[0] | {"id": "another"}, *plain, *END)
        for size, patience in product((0, 1, 150, 400), (0, 2, 5)):
            hears = Holds(3)
            stream = frames(CHAT, hears)
            stream.patience = patience
            assert through(stream, data, size) == data
            assert hears.heard == "ab\nc\\defa" + "ab\nc\\def"

    def test_gives_a_sign_of_life_in_its_dialect(self):
        assert frames(CHAT).ping() == KEEP_ALIVE
        stream = frames(MESSAGES)
        stream.feed(OPENING + text_block(0, "Hi"))
        assert stream.ping() == PING


class TestFramesThatClientsWouldNotUnderstand:
    """They are mended, and so is all that follows."""

    def test_are_calls_without_an_id_or_an_index(self):
        call = {"type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
        data = frames_of(ROLE, *says("Hi."), chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), "[DONE]")
        out = through(frames(CHAT, Holds(2)), data)
        read = check_chat(out)
        assert read.tools()[0][1] == "f"
        assert read.finish == "tool_calls"

    @pytest.mark.parametrize("last", [chunk({}, "stop"), chunk({}, "eos")])
    def test_are_reasons_that_do_not_fit_to_the_calls(self, last):
        out = through(frames(CHAT), frames_of(ROLE, calls(0, "{}", **CALL), last, "[DONE]"))
        assert check_chat(out).finish == "tool_calls"

    def test_are_reasons_that_are_told_twice(self):
        out = through(frames(CHAT), frames_of(ROLE, *says("Hi"), END[0], *END))
        assert check_chat(out).finish == "stop"

    def test_are_calls_without_arguments(self):
        out = through(frames(CHAT), frames_of(ROLE, calls(0, **CALL), chunk({}, "tool_calls"), "[DONE]"))
        assert check_chat(out).tools()[0][2] == "{}"

    def test_are_calls_that_cannot_be_read_in_one_line(self):
        split = frames_of(calls(0, "{}", **CALL)).replace(b',"choices"', b'\ndata: ,"choices"')
        out = through(frames(CHAT), frames_of(ROLE) + split + frames_of(chunk({}, "tool_calls"), "[DONE]"))
        assert check_chat(out).tools()[0][2] == "{}"

    def test_are_ends_without_a_reason(self):
        assert check_chat(through(frames(CHAT), frames_of(ROLE, *says("Hi"), "[DONE]"))).finish == "stop"

    def test_are_messages_without_the_names_of_their_events(self):
        data = b"".join(line + b"\n" for line in MESSAGE.splitlines() if not line.startswith(b"event:"))
        assert check_messages(through(frames(MESSAGES), data)).texts("text") == "Grüß dich 👋"

    def test_are_calls_of_an_id_that_could_not_be_sent_back(self):
        data = OPENING + USING.replace(b"toolu_1", b"functions.f:0") + ending("tool_use")
        ((id, name, _),) = check_messages(through(frames(MESSAGES), data.replace(PING, b""))).tools()
        assert (re.fullmatch("functions_f_0_[0-9a-f]{8}", id), name) == (ANY, "f")

    def test_are_turns_that_end_behind_a_call(self):
        data = OPENING + text_block(0, "Hi") + USING + ending("end_turn")
        assert b'"stop_reason":"tool_use"' in through(frames(MESSAGES, Holds(1)), data)


class TestAnswersThatFail:
    def test_give_what_was_good_and_then_the_error(self):
        stream = frames(CHAT, Holds(2))
        out = stream.feed(frames_of(ROLE, *says("Hi there")))
        out += stream.feed(frames_of({"error": {"message": "out of memory", "code": 500}}))
        assert b'"provider":"p"' in out
        assert check_chat(out).error["message"] == "out of memory"
        assert stream.failure.message == "out of memory"
        assert stream.feed(frames_of(*says("more"))) + stream.close() == b""

    def test_by_breaking_off_are_told_as_that(self):
        stream = frames(CHAT, Holds(2))
        out = through(stream, frames_of(ROLE, *says("Hi")) + b"data: {")
        assert "broke off" in check_chat(out).error["message"]
        assert stream.failure.status == 502

    def test_that_the_relay_ends_are_ended_with_what_may_go_on_of_the_text(self):
        stream = frames(CHAT, Holds(3))
        out = stream.feed(frames_of(ROLE, *says("Hi there"))) + stream.fail(UpstreamError(504, "too slow"))
        read = check_chat(out)
        assert (read.texts("text"), read.error["message"]) == ("Hi th", "too slow")
        assert stream.fail(UpstreamError(504, "again")) == b""

    def test_by_a_transform_that_lets_no_end_go_on_are_told_as_that(self):
        class Swallows(Holds):
            def feed(self, event):
                return [] if type(event) is End else super().feed(event)

        assert check_chat(through(frames(CHAT, Swallows(2)), PLAIN)).error

    def test_without_a_word_are_told_as_that(self):
        assert b"broke off" in frames(CHAT).close()

    def test_because_they_are_none_are_told_as_that(self):
        stream = frames(CHAT)
        assert b"Bad gateway" in through(stream, b"<html>Bad gateway</html>")
        assert stream.failure


BYE = [Finish(FinishReason.STOP), End()]


class TestWhatIsNotTheUpstreamsOwn:
    def test_goes_on_as_a_part_of_the_same_answer(self):
        stream = frames(CHAT, Holds(4))
        out = stream.feed(frames_of(ROLE, *says("Once", " upon"))) + stream.say([Text(". Sorry."), *BYE])
        assert b'"provider":"p"' in out
        assert check_chat(out).texts("text") == "Once . Sorry."
        assert out.endswith(DONE_FRAME)
        assert stream.close() == b""

    def test_may_begin_like_what_was_held_back(self):
        stream = frames(CHAT, Holds(5))
        out = stream.feed(frames_of(ROLE, *says("Hello, ", "world"))) + stream.say([Text("worst"), *BYE])
        assert check_chat(out).texts("text") == "Hello, worst"

    def test_is_another_end_than_the_upstreams(self):
        """The frame with the upstream's reason does not leave, although all of its text may."""
        stream = frames(CHAT, Holds(2))
        out = stream.feed(frames_of(ROLE, *says("Hi "), chunk({"content": "there"}, "stop")))
        read = check_chat(out + stream.say([Text("re"), Finish(FinishReason.LENGTH), End()]))
        assert (read.finish, read.texts("text")) == ("length", "Hi there")

    def test_is_called_by_the_clients_name_of_the_model(self):
        stream = frames(CHAT, Holds(4), renamed=True)
        out = stream.feed(frames_of(ROLE, *says("Once", " upon"))) + stream.say([Text("!"), *BYE])
        assert b"theirs" not in out

    def test_is_another_call_in_the_place_of_the_text(self):
        stream = frames(CHAT, Holds(4))
        out = stream.feed(frames_of(ROLE, *says("Once", " upon")))
        out += stream.say([ToolStart(0, "c1", "f"), ToolArguments(0, "{}"), Finish(FinishReason.TOOL_CALLS), End()])
        assert check_chat(out).tools()[0][1] == "f"

    def test_are_other_arguments_behind_the_same_ones(self):
        stream = frames(CHAT, Holds(10**6))
        stream.feed(frames_of(ROLE, calls(0, **CALL), calls(0, '{"a":12')))
        start = [Start("gen-1", "theirs"), ToolStart(0, "c1", "f"), ToolArguments(0, '{"a":1')]
        read = check_chat(stream.say([*start, ToolArguments(0, ',"b":3}'), Finish(FinishReason.TOOL_CALLS), End()]))
        assert read.tools()[0][2] == '{"a":1,"b":3}'

    @pytest.mark.parametrize("last", [Text("?"), Reasoning("?")])
    @pytest.mark.parametrize(
        "open_block",
        [
            b"",
            cut(UNKNOWN.replace(b'"index":0', b'"index":3')),
            cut(text_block(3, "so")),
            cut(block(3, {"type": "thinking", "thinking": ""})),
        ],
        ids=["none", "unknown", "text", "thinking"],
    )
    def test_fits_to_the_blocks_of_a_message(self, open_block, last):
        stream = frames(MESSAGES)
        out = stream.feed(OPENING + UNKNOWN + THOUGHT + text_block(2, " ", "Once") + open_block)
        out += stream.say([last, Text("!"), *BYE])
        known = out.replace(b'"type":"odd_block"', b'"type":"thinking"').replace(PING, b"")
        assert check_messages(known).texts("text").endswith("?!" if type(last) is Text else "!")

    def test_fits_to_the_last_block_that_had_an_index(self):
        stream = frames(MESSAGES)
        nowhere = {"type": "content_block_start", "index": None, "content_block": {"type": "odd_block"}}
        stream.feed(OPENING + text_block(0, "Once") + typed(nowhere))
        assert b'"index":1' in stream.say([Text("!")])

    def test_goes_on_in_the_block_that_is_open(self):
        stream = frames(MESSAGES, Holds(4))
        out = stream.feed(OPENING + UNKNOWN + cut(text_block(1, "Once", " upon"))) + stream.say([Text("!"), *BYE])
        known = out.replace(b'"type":"odd_block"', b'"type":"thinking"').replace(PING, b"")
        assert check_messages(known).texts("text") == "Once !"
        assert out.count(b"content_block_start") == 4  # twice two, with the events' names


class TestAnotherAttempt:
    @every_stream
    def test_passes_as_it_is_where_nothing_was_seen_of_the_one_before(self, dialect, data):
        stream = frames(dialect, Holds(100))
        assert stream.feed(data[: len(data) // 2]) == b""
        assert stream.leave() == b""
        stream.go_on(exchange(dialect, dialect), [Holds(3)])
        assert through(stream, data) == data

    def test_goes_on_in_chunks_like_those_of_the_one_before(self):
        stream = frames(CHAT, Holds(4))
        out = stream.feed(frames_of(ROLE, *says("Hello, ", "you all"))) + stream.say([Text(" all")]) + stream.leave()
        stream.go_on(exchange(CHAT, CHAT), [Holds(2)])
        other = [payload | {"id": "gen-2"} for payload in says(" together")]
        out += through(stream, frames_of(ROLE, *other, *END))
        assert check_chat(out).texts("text") == "Hello, you all together"
        assert stream.leave() == b""

    def test_in_another_dialect_is_written_from_its_beginning_on(self):
        stream = frames(CHAT, Holds(100))
        stream.feed(frames_of(ROLE, *says("Bad bad")))
        stream.go_on(exchange(CHAT, COMPLETIONS), [Holds(3)])
        done = {"id": "cmpl-1", "choices": [{"text": "Good", "index": 0, "finish_reason": "stop"}]}
        assert check_chat(through(stream, frames_of(done, "[DONE]"))).texts("text") == "Good"
