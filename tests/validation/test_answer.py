"""What is judged when an answer is complete."""

import pytest

from routing.dialects.request import Request, Role, Text, ToolCall, ToolResult, Turn
from validation.detectors import answer

SCHEMA = {
    "type": "object",
    "required": ["path"],
    "properties": {
        "path": {"type": "string"}, "line": {"type": "integer"}, "deep": {"type": "number"}, "any": {}, "odd": True,
        "either": {"type": ["string", "null"]},
    },
}  # fmt: skip


def call(arguments, name="read", id="1"):
    return ToolCall(id, name, arguments)


@pytest.mark.parametrize(("text", "calls", "bad"), [("", 0, True), (" \n", 0, True), ("", 1, False), ("Hi", 0, False)])
def test_an_answer_needs_text_or_a_tool_call(text, calls, bad):
    assert bool(answer.empty(text, calls=calls)) is bad


@pytest.mark.parametrize(
    ("text", "reason", "calls", "bad"),
    [
        ("All is said.", "stop", 0, False),
        ("It ended in the mid", "length", 0, True),
        ("It ended in the mid", "max_tokens", 0, True),
        ("It ended", "", 0, True),
        ("```python\nprint(1)", "stop", 0, True),
        ("```python\nprint(1)", "tool_calls", 1, False),
        ("```python\nprint(1)\n```", "stop", 0, False),
        ("```markdown\n```sh\nls\n```\n```", "end_turn", 0, False),
    ],
)
def test_an_answer_that_breaks_off_is_truncated(text, reason, calls, bad):
    assert bool(answer.truncated(text, reason, calls=calls)) is bad


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"path": "a", "line": 1, "deep": 1.5, "any": [], "odd": 1, "either": null}', None),
        ('{"path": "a", "line": 2.0}', None),
        ('{"path": "a", "line": 2.5}', "'line' is no integer"),
        ('{"path": "a", "line": true}', "'line' is no integer"),
        ('{"path": 1}', "'path' is no string"),
        ("{}", "'path' is missing"),
        ("", "'path' is missing"),
        ("[1]", "no JSON object"),
        ("{'path': 'a'}", "not JSON"),
        ('{"path": "a"', "not JSON"),
    ],
)
def test_arguments_must_be_json_and_fit_the_schema(arguments, expected):
    verdict = answer.arguments(call(arguments), {"read": SCHEMA})
    assert verdict is None if expected is None else expected in verdict.explanation


def test_a_tool_that_the_request_does_not_have_cannot_be_called():
    assert answer.arguments(call("{}", "write"), {"read": SCHEMA})
    assert answer.arguments(call("{}", "write")) is None


@pytest.mark.parametrize("schema", [None, {}, {"required": 1, "properties": []}])
def test_a_schema_that_says_nothing_is_always_met(schema):
    assert answer.arguments(call('{"a": 1}'), {"read": schema}) is None


def test_free_text_of_a_custom_tool_is_not_judged():
    assert answer.arguments(ToolCall("1", "patch", "*** Begin", custom=True), {"patch": None}) is None


def test_the_same_call_three_times_in_one_answer_is_a_loop():
    one, two = call('{"a": 1, "b": 2}'), call('{"b":2,"a":1}')
    assert answer.repeated_in_answer([one, two, one])
    assert answer.repeated_in_answer([one, two]) is None
    assert answer.repeated_in_answer([one, call("{}"), one]) is None
    assert answer.repeated_in_answer([one, call("{}"), call("x")] * 3)


def conversation(times, results=("same",), arguments="{}"):
    turns = [Turn(Role.USER, [Text("Go on.")])]
    for number in range(times):
        turns.append(Turn(Role.ASSISTANT, [call(arguments, id=str(number))]))
        turns.append(Turn(Role.USER, [ToolResult(str(number), [Text(results[number % len(results)])])]))
    return Request(turns=turns)


def test_the_same_call_with_the_same_result_turn_after_turn_is_a_loop():
    assert answer.repeated_over_turns(conversation(3), call("{}"))
    assert answer.repeated_over_turns(conversation(2), call("{}")) is None


def test_polling_is_no_loop_while_the_results_change():
    assert answer.repeated_over_turns(conversation(6, ("10%", "20%", "30%")), call("{}")) is None


def test_another_call_or_a_turn_without_a_call_ends_the_row():
    assert answer.repeated_over_turns(conversation(5), call('{"a": 1}')) is None
    request = conversation(3)
    request.turns.insert(3, Turn(Role.ASSISTANT, [Text("Let me think.")]))
    assert answer.repeated_over_turns(request, call("{}")) is None


def test_a_long_conversation_is_read_from_its_end_only():
    assert "times" in answer.repeated_over_turns(conversation(500), call("{}")).explanation
