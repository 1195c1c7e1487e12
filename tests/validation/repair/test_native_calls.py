"""Calls with arguments that do not fit, on their way through the events of an answer."""

from routing.dialects.events import (
    End,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UpstreamError,
)
from validation.repair.native_calls import MendArguments, MendedCall

TOOLS = {
    "read": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "line": {"type": "integer"}},
        "required": ["path"],
    },
    "anything": None,
}
STOP, LENGTH = Finish(FinishReason.TOOL_CALLS), Finish(FinishReason.LENGTH)


def passed(*events, tools=TOOLS):
    transform = MendArguments(tools)
    return [new for event in events for new in transform.feed(event)] + transform.close(), transform.notes


def test_events_that_fit_are_the_same_events():
    events = [Reasoning("r"), Text("t"), ToolStart(0, "a", "read"), ToolArguments(0, '{"path": "a'), ToolEnd(0), STOP]
    result, notes = passed(*events)

    assert all(new is event for new, event in zip(result, events, strict=True))
    assert notes == []


def test_what_does_not_fit_is_mended_and_noted():
    result, notes = passed(
        ToolStart(0, "a", "read"), ToolArguments(0, '{"path": "a", "li'), ToolArguments(0, 'ne": "1"}'), STOP, End()
    )

    assert result == [
        ToolStart(0, "a", "read"),
        ToolArguments(0, '{"path": "a"'),
        ToolArguments(0, ', "line": 1}'),
        STOP,
        End(),
    ]
    before, after = '{"path": "a", "line": "1"}', '{"path": "a", "line": 1}'
    assert notes == [MendedCall("read", ("line: text read as integer",), before, after)]


def test_calls_that_interleave_are_told_apart():
    result, _ = passed(
        ToolStart(0, "a", "read"),
        ToolStart(1, "b", "read"),
        ToolArguments(0, '{"line": '),
        ToolArguments(1, '{"line": "2"'),
        ToolArguments(0, '"1", "path": "a"}'),
        ToolArguments(1, ', "path": "b"}'),
        ToolEnd(0),
        STOP,
    )

    texts = {key: "".join(e.text for e in result if type(e) is ToolArguments and e.key == key) for key in (0, 1)}
    assert texts == {0: '{"line": 1, "path": "a"}', 1: '{"line": 2, "path": "b"}'}


def test_custom_calls_and_unknown_tools_pass():
    events = [
        ToolStart(0, "a", "read", custom=True),
        ToolArguments(0, "{'line'"),
        ToolStart(1, "b", "other"),
        ToolArguments(1, "{'line': 1}"),
        ToolStart(2, "c", "read"),
        ToolArguments(1, "x"),
        ToolEnd(1),
        ToolEnd(2),
    ]

    assert passed(*events) == (events, [])


def test_a_call_that_a_limit_cut_is_not_completed():
    call = [ToolStart(0, "a", "read"), ToolArguments(0, '{"line": {}, "path"')]
    unfinished = [ToolStart(0, "a", "anything"), ToolArguments(0, '{"a": "x"')]

    assert passed(*call, LENGTH, End()) == ([*call, LENGTH, End()], [])
    assert passed(*unfinished, LENGTH)[0] == [*unfinished, LENGTH]
    assert passed(*unfinished, STOP)[0][1] == ToolArguments(0, '{"a": "x"}')


def test_an_answer_that_breaks_gives_what_was_held():
    call = [ToolStart(0, "a", "read"), ToolArguments(0, '{"line": "1"')]
    failed = Failed(UpstreamError(502, "gone"))

    assert passed(*call, failed) == ([*call, failed], [])
    assert passed(*call) == (call, [])


def test_bytes_may_go_around_it_while_no_call_is_open():
    transform = MendArguments(TOOLS)
    assert transform.passes(b"text")
    transform.feed(ToolStart(0, "a", "read"))
    assert not transform.passes(b"text")
    transform.feed(ToolEnd(0))
    assert transform.passes(b"text")
