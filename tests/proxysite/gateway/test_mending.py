"""Chat answers towards chat clients: what stays byte for byte, and what is written anew."""

import re

import orjson
import pytest

from proxysite.gateway.chat_frames import ChatFrames
from proxysite.gateway.mending import MendingRelay, mended_whole
from routing.dialects import Dialect
from routing.dialects.events import Reasoning, Text, ToolEnd, ToolStart
from routing.dialects.exchange import Exchange
from routing.dialects.passing import Tap
from routing.errors import InternalError, UpstreamBroken
from tests.proxysite.gateway.menders import Menders
from tests.routing.dialects.transcripts import TRANSCRIPTS, chunks
from validation.repair import Repair
from validation.repair.native_calls import MendArguments

TOOLS = {"read": {"type": "object", "properties": {"line": {"type": "integer"}, "path": {"type": "string"}}}}
SUSPECT = re.compile(rb'<|"(?:tool_calls|function_call)":[\[{]|"finish_reason":"|DONE|"error"')
DONE = b"data: [DONE]\n\n"
HEAD = {"id": "up_1", "object": "chat.completion.chunk", "created": 7, "model": "theirs", "system_fingerprint": "f"}


class Markup:
    """Stands for a recogniser: `<tool_name>` is a call without arguments; an unfinished one is held, and given back."""

    def __init__(self):
        self.held = ""
        self.kind = Text
        self.count = 0

    def passes(self, data):
        return not self.held and SUSPECT.search(data) is None

    def may_wait(self):
        return not self.held

    def feed(self, event):
        if type(event) not in (Text, Reasoning):
            return [*self.close(), event]
        text, self.held, self.kind = self.held + event.text, "", type(event)
        before, mark, after = text.partition("<")
        if not mark:
            return [event] if text == event.text else [self.kind(text)]
        name, end, rest = after.partition(">")
        out = [self.kind(before)] if before else []
        if not end:
            self.held = mark + after
            return out
        key, self.count = 100 + self.count, self.count + 1
        out += [ToolStart(key, f"mended_{key}", name.removeprefix("tool_")), ToolEnd(key)]
        return out + (self.feed(self.kind(rest)) if rest else [])

    def close(self):
        held, self.held = self.held, ""
        return [self.kind(held)] if held else []


def frame(delta=None, finish=None, **fields):
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    return b"data: " + orjson.dumps({**HEAD, "choices": [choice], **fields}) + b"\n\n"


def said(text):
    return frame({"content": text})


def frames(*transforms, **options):
    menders = Menders(*(transforms or (Markup(), MendArguments(TOOLS))))
    menders.conversation = Exchange(
        client=Dialect.CHAT, upstream=Dialect.CHAT, request_id="1", known_tools=frozenset(TOOLS)
    )
    return ChatFrames(menders, **options)


def relayed(*data, size=0, **options):
    mending = MendingRelay("local", frames(**options), None, Tap(), "req_1")
    whole = b"".join(data)
    pieces = chunks(whole, size) if size else data
    return b"".join([*map(mending.feed, pieces), mending.close()])


def read(out):
    """The deltas put together as a client does, with the finish reasons that it saw."""
    content, reasoning, calls, reasons = "", "", {}, []
    for line in out.splitlines():
        if not line.startswith(b"data: {"):
            continue
        for choice in orjson.loads(line[6:])["choices"]:
            delta = choice["delta"]
            content += delta.get("content") or ""
            reasoning += delta.get("reasoning_content") or delta.get("reasoning") or ""
            for entry in delta.get("tool_calls") or ():
                call = calls.setdefault(entry["index"], {"id": "", "name": "", "arguments": ""})
                call["id"] += entry.get("id") or ""
                call["name"] += entry["function"].get("name") or ""
                call["arguments"] += entry["function"].get("arguments") or ""
            if choice["finish_reason"]:
                reasons.append(choice["finish_reason"])
    return content, reasoning, calls, reasons


def native(index=0, id=None, name=None, arguments="", **fields):
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    entry = {"index": index, "function": function, **fields}
    return {"tool_calls": [entry if id is None else {**entry, "id": id, "type": "function"}]}


PLAIN = [frame({"role": "assistant", "content": ""}), said("Hello"), b": ping\n\n", said(" there"), frame({}, "stop")]
USAGE = b'data: {"id":"up_1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2},"timings":{"x":1}}\n\n'
CALLED = [
    frame({"role": "assistant"}),
    frame(native(0, "a", "read", "")),
    frame(native(0, arguments='{"path": "a')),
    frame(native(0, arguments='b"}')),
    frame(native(1, "b", "read", '{"line": 1}')),
    frame({}, "tool_calls"),
    DONE,
]


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_an_answer_without_markup_leaves_byte_for_byte(size):
    for data in ([*PLAIN, USAGE, DONE], CALLED, list(TRANSCRIPTS[Dialect.CHAT])):
        assert relayed(*data, size=size) == b"".join(data)


def test_frames_that_hold_nothing_are_not_parsed():
    mending = frames()
    mending.feed(b"".join(frame({"content": "Hi"}, timing=number) for number in range(3)))

    assert mending.feed(b"data: {not json\n\n") == b"data: {not json\n\n"
    assert mending.feed(b"data: {not json\n\n" * 2 + said("<tool_read>")).startswith(b"data: {not json\n\n" * 2)
    assert mending.feed(said("d") + b"data: {not json\n\n") == said("d") + b"data: {not json\n\n"
    assert mending.warnings == []


def test_a_text_that_becomes_a_call_is_written_anew_and_the_rest_stays():
    data = [*PLAIN[:2], said(" a<tool_re"), said("ad>b"), said("c"), frame({}, "stop"), USAGE, DONE]

    out = relayed(*data)

    call = {"id": "mended_100", "name": "read", "arguments": "{}"}
    assert read(out) == ("Hello abc", "", {0: call}, ["tool_calls"])
    assert out.startswith(b"".join(data[:2]))
    assert out.endswith(USAGE + DONE)
    assert said("c") in out
    assert out.count(b'"role"') == 1
    written = orjson.loads(out.split(b"data: ")[3])
    assert {name: written[name] for name in HEAD} == HEAD


@pytest.mark.parametrize("size", [1, 5, 64])
def test_how_the_bytes_are_cut_makes_no_difference(size):
    data = [*PLAIN[:2], said("<tool_read"), said("> and <tool_other> too"), frame({}, "stop"), DONE]

    assert read(relayed(*data, size=size)) == read(relayed(*data))


def test_calls_after_a_mended_one_get_the_next_indices():
    data = [said("<tool_read>"), *CALLED[1:]]

    calls = read(relayed(*data))[2]

    assert [(index, call["id"]) for index, call in calls.items()] == [(0, "mended_100"), (1, "a"), (2, "b")]
    assert calls[1]["arguments"] == '{"path": "ab"}'


def test_arguments_that_do_not_fit_are_mended():
    out = relayed(frame(native(0, "a", "read", '{"line": "1"}')), frame({}, "tool_calls"), DONE)

    assert read(out)[2] == {0: {"id": "a", "name": "read", "arguments": '{"line": 1}'}}


def test_what_a_call_in_the_last_frame_becomes_comes_before_the_finish_reason():
    for last in ({"content": "<tool_read>"}, {"content": "", "reasoning_content": "<tool_read>"}):
        out = relayed(said("x"), frame(last, "stop"), DONE)
        assert read(out)[2][0]["name"] == "read"
        assert read(out)[3] == ["tool_calls"]
        assert out.index(b"mended_100") < out.index(b'"finish_reason":"tool_calls"')


def test_what_is_held_at_the_end_is_given_back_before_the_finish_reason():
    out = relayed(said("a <tool_b"), frame({}, "length"), DONE)

    assert read(out) == ("a <tool_b", "", {}, ["length"])


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_is_written_in_the_field_that_the_upstream_uses(field):
    out = relayed(frame({field: "so"}), frame({field: " a<tool_read>b"}), said("."), frame({}, "stop"), DONE)

    assert read(out)[1] == "so ab"
    assert set(re.findall(rb'"reasoning\w*"', out)) == {f'"{field}"'.encode()}


def test_reasoning_is_written_in_the_field_that_is_set():
    out = relayed(said("<tool_read>"), frame({"reasoning_content": "a<tool_read>b"}), DONE, reasoning_field="reasoning")

    assert b'"reasoning":"a"' in out


UNTIDY = [
    [frame({"tool_calls": [{"function": {"name": "read", "arguments": "{}"}}]})],
    [frame(native(3, "a", "read", "{}"))],
    [frame(native(0, "a", "read", "{")), frame(native(0, "a", "read", "}"))],
    [frame({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "read", "arguments": {}}}]})],
    [frame({"tool_calls": {"index": 0, "id": "a", "function": {"name": "read", "arguments": "{}"}}})],
    [frame({"tool_calls": [{"index": 0, "id": "a", "name": "read", "arguments": "{}"}]})],
    [frame({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "read"}}]})],
    [frame(native(0, "a", "read", "")), frame(native(0, "b", arguments="{}"))],
    [frame({"tool_calls": [None, native(0, "a", "read", "{}")["tool_calls"][0]]})],
    [frame(native(0, "a", "re")), frame(native(0, name="ad", arguments="{}"))],
    [frame(native(0, "a", "read", '{"line": 1}')), frame(native(0, arguments='{"line": 1}'))],
]


@pytest.mark.parametrize("data", UNTIDY, ids=range(len(UNTIDY)))
def test_calls_get_what_clients_need(data):
    _, _, calls, reasons = read(relayed(*data, frame({}, "stop"), DONE))

    (call,) = calls.values()
    assert list(calls) == [0]
    assert call["id"]
    assert call["name"] == "read"
    assert call["arguments"] in ("{}", '{"line": 1}')
    assert reasons == ["tool_calls"]


REASONS = [
    (["stop"], ["stop"]),
    (["tool_calls"], ["stop"]),
    (["eos"], ["stop"]),
    (["stop", "stop"], ["stop"]),
    ([], ["stop"]),
    (["length"], ["length"]),
]


@pytest.mark.parametrize(("said_reasons", "told"), REASONS)
def test_there_is_one_finish_reason_and_it_is_right(said_reasons, told):
    out = relayed(said("x"), *(frame({}, reason) for reason in said_reasons), DONE)

    assert read(out)[3] == told
    assert out.endswith(DONE)


def test_a_function_call_of_old_keeps_its_word():
    data = [frame({"function_call": {"name": "read", "arguments": "{}"}}), frame({}, "function_call"), DONE]

    assert relayed(*data) == b"".join(data)


def test_a_call_of_a_tool_that_the_upstream_misnamed_is_written_anew():
    repair = Repair(TOOLS, call_id=str)
    data = b"".join(CALLED).replace(b'"read"', b'"functions.Read"')

    out = b"".join([frames(repair, MendArguments(TOOLS)).feed(data)])

    assert [call["name"] for call in read(out)[2].values()] == ["read", "read"]
    assert [note.kind for note in repair.notes] == ["name", "name"]


def test_custom_calls_are_counted_too():
    entry = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "free", "input": "text"}}
    out = relayed(said("<tool_read>"), frame({"tool_calls": [entry]}), frame({}, "tool_calls"), DONE)

    assert b'{"index":1,"id":"c","type":"custom","custom":{"name":"free","input":""}}' in out
    assert b'{"index":1,"custom":{"input":"text"}}' in out


def test_a_frame_that_loses_its_text_keeps_what_else_it_says():
    first = frame({"role": "assistant", "content": "<tool_read>"})
    counted = frame({"content": "<tool_read>"}, usage={"prompt_tokens": 1, "completion_tokens": 1})
    scored = frame({"content": "<tool_read>", "reasoning_details": [{"text": "<"}]}, "stop").replace(
        b'"logprobs":null', b'"logprobs":{"content":[]}'
    )
    out = relayed(first, counted, scored, DONE)

    assert orjson.loads(out.split(b"\n")[0][6:])["choices"][0]["delta"] == {"role": "assistant"}
    assert b'"usage":{"prompt_tokens":1' in out
    assert b"reasoning_details" not in out
    assert b'"logprobs":{' not in out
    assert len(read(out)[2]) == 3


def test_seals_of_reasoning_stay():
    seal = {"reasoning_content": "a<tool_read>", "reasoning_details": [{"signature": "s"}]}

    assert b'"signature":"s"' in relayed(frame(seal), frame({}, "stop"), DONE)


def test_frames_between_the_finish_reason_and_the_end_keep_their_order():
    data = [said("x"), frame({}, "stop"), b": ping\n\n", USAGE, b"data: nonsense\n\n", DONE]

    out = relayed(*data)

    assert out.index(b'"stop"') < out.index(b'"timings"') < out.index(b"[DONE]")


@pytest.mark.parametrize("odd", [b"[1]", b'{"choices":[5],"tool_calls":[]}', b'{"choices":[],"tool_calls":[]}', b"7"])
def test_an_answer_without_choices_or_of_another_shape_passes(odd):
    odd = b"data: " + odd + b"\n\n"

    data = [frame({"role": "assistant"}), odd, *PLAIN, DONE]

    assert relayed(*data) == b"".join(data)


def test_an_error_inside_the_stream_passes_behind_what_was_held():
    error = b'data: {"error": {"message": "out of memory"}}\n\n'
    out = relayed(said("a <tool_b"), error)

    assert read(out.removesuffix(error))[0] == "a <tool_b"
    assert out.endswith(error)


def test_what_breaks_behind_the_end_gives_nothing_but_the_error():
    mending = MendingRelay("local", frames(), None, Tap(), "req_1")
    mending.feed(b"".join([*PLAIN, DONE]))

    assert mending.break_off(InternalError("It broke.")).startswith(b'data: {"error"')


def test_a_line_that_is_no_json_is_told_of():
    mending = MendingRelay("local", frames(), None, Tap(), "req_1")
    mending.feed(b"".join([PLAIN[0], b"data: nonsense\n\n"]))

    assert list(mending.warnings) == ["The upstream sent a line that is not JSON; it was skipped."]


def test_nothing_follows_the_end():
    late = said("late")

    assert relayed(said("x"), frame({}, "stop"), DONE, late).endswith(DONE + late)


def test_a_last_event_may_lack_its_blank_line():
    out = relayed(said("<tool_read>"), frame({}, "stop"), b"data: [DONE]")

    assert read(out)[3] == ["tool_calls"]
    assert out.rstrip().endswith(b"data: [DONE]")


def test_a_stream_that_ends_too_early_is_broken_and_gives_what_was_held():
    mending = MendingRelay("local", frames(), None, Tap(), "req_1")
    mending.feed(said("a <tool_b"))

    with pytest.raises(UpstreamBroken) as broken:
        mending.close()
    out = mending.break_off(broken.value)
    assert out.startswith(said("<tool_b").replace(b'"logprobs":null,', b""))
    assert b'"error"' in out
    assert mending.failure is None


def test_half_an_event_at_the_end_reaches_nobody():
    mending = MendingRelay("local", frames(), None, Tap(), "req_1")
    mending.feed(PLAIN[0] + PLAIN[1] + PLAIN[3][:40])

    with pytest.raises(UpstreamBroken) as broken:
        mending.close()
    assert mending.break_off(broken.value).startswith(b'data: {"error"')


def test_a_stream_that_breaks_gives_what_was_held_and_the_error():
    mending = MendingRelay("local", frames(), "mine", Tap(), "req_1")
    mending.feed(said("a <tool_b"))
    mending.feed(b"data: {half")

    out = mending.break_off(InternalError("It broke."))

    assert b'"content":"<tool_b"' in out
    assert b"It broke." in out
    assert b"theirs" not in out


def test_a_stream_without_the_end_mark_is_complete_when_it_gave_a_reason():
    assert read(relayed(said("<tool_read>"), frame({}, "stop")))[3] == ["tool_calls"]


def whole(message, finish="stop", **fields):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return orjson.dumps({"id": "up_1", "model": "theirs", "choices": [choice], "timings": {"x": 1}, **fields})


def mended(body, **options):
    exchange = Exchange(client=Dialect.CHAT, upstream=Dialect.CHAT, request_id="1", known_tools=frozenset(TOOLS))
    return mended_whole(body, exchange, (Markup(), MendArguments(TOOLS)), **options)


CALL = {"id": "a", "type": "function", "index": 0, "function": {"name": "read", "arguments": '{"line": 1}'}}
STAY = [
    whole({"content": "Hello", "annotations": []}),
    whole({"content": None, "tool_calls": [CALL]}, "tool_calls"),
    whole({"content": "a <tool_b"}),
    whole({"content": "Hello", "tool_calls": []}, "length"),
    whole({"content": "Hello"}, "content_filter"),
    b"not json",
    b'{"choices": []}',
    b'{"choices": [{"text": "x"}]}',
    b'{"error": {"message": "no"}}',
    b'{"choices": [{"message": {}, "finish_reason": "error"}]}',
]


@pytest.mark.parametrize("body", STAY, ids=range(len(STAY)))
def test_a_whole_answer_that_nothing_changes_leaves_byte_for_byte(body):
    assert mended(body) == body


def test_a_whole_answer_is_mended_in_place():
    answer = orjson.loads(mended(whole({"content": "a<tool_read>b", "reasoning": "c<tool_read>d"})))

    (choice,) = answer["choices"]
    message = choice["message"]
    assert choice["finish_reason"] == "tool_calls"
    assert (message["content"], message["reasoning"]) == ("ab", "cd")
    assert [call["id"] for call in message["tool_calls"]] == ["mended_100", "mended_101"]
    assert {call["function"]["arguments"] for call in message["tool_calls"]} == {"{}"}
    assert answer["timings"] == {"x": 1}


def test_a_whole_answer_that_is_only_a_call_has_no_content():
    message = orjson.loads(mended(whole({"content": "<tool_read>"}), reasoning_field="reasoning"))["choices"][0][
        "message"
    ]

    assert message["content"] is None
    assert list(message) == ["role", "content", "tool_calls"]


UNTIDY_WHOLE = [
    {"tool_calls": [{"function": {"name": "read", "arguments": "{}"}}]},
    {"tool_calls": [{**CALL, "function": {"name": "read", "arguments": {"line": 1}}}]},
    {"tool_calls": [{**CALL, "function": {"name": "read", "arguments": '{"line": "1"}'}}]},
    {"tool_calls": CALL},
    {"content": "", "tool_calls": [CALL], "extra": 1},
]


@pytest.mark.parametrize("message", UNTIDY_WHOLE, ids=range(len(UNTIDY_WHOLE)))
def test_calls_of_whole_answers_get_what_clients_need(message):
    choice = orjson.loads(mended(whole(message)))["choices"][0]

    (call,) = choice["message"]["tool_calls"]
    assert call["id"]
    assert call["type"] == "function"
    assert call["function"]["arguments"] in ("{}", '{"line":1}', '{"line": 1}')
    assert choice["finish_reason"] == "tool_calls"


def test_custom_calls_of_whole_answers_stay():
    custom = {"id": "c", "type": "custom", "custom": {"name": "free", "input": "text"}}
    message = orjson.loads(mended(whole({"content": "<tool_read>", "tool_calls": [custom]})))["choices"][0]["message"]

    assert message["tool_calls"][1] == custom


def test_a_reason_alone_is_corrected_in_place():
    message = {"content": "Hello", "extra": {"kept": True}}

    assert mended(whole(message, "tool_calls")) == whole(message, "stop")
