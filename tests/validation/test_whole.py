"""What only the end of a call, or of the answer, tells: through the gate, as in the request flow."""

from functools import partial

import pytest

from routing.dialects import Dialect
from routing.dialects.events import End, Finish, FinishReason, Start, Text, ToolArguments, ToolEnd, ToolStart
from tests.validation.test_gate import fed, said
from validation.detectors import DETECTORS
from validation.gate import Gate
from validation.judges import judges
from validation.snapshot import Policy
from validation.whole import LATEST, WholeAnswer, request_of

SCHEMA = {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}
READ = {"type": "function", "function": {"name": "read", "parameters": SCHEMA}}
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Read it."}], "tools": [READ]}
STOP, CALLED, CUT = (
    [Finish(reason), End()] for reason in (FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.LENGTH)
)
OPEN = "Here it is:\n\n```python\nflags = first | sec"


def gate(asked=ASKED, names=str, **fields):
    policy = Policy(model_pattern="*", **{"detectors": frozenset(DETECTORS), **fields})
    return Gate(policy, judges(policy), ends=WholeAnswer(policy, partial(request_of, asked, Dialect.CHAT), names))


def call(arguments, key=0, name="read", custom=False):
    return [ToolStart(key, f"c{key}", name, custom), ToolArguments(key, arguments), ToolEnd(key)]


def detector(judge):
    return judge.verdict and judge.verdict.detector


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ('{"path": "a"}', None),
        ('{"path": "a"', "tool_arguments"),
        ("{'path': 'a'}", "tool_arguments"),
        ("[]", "tool_arguments"),
        ("{}", "tool_arguments"),
        ('{"path": 1}', None),  # clients put such things right, or tell the model
    ],
)
@pytest.mark.parametrize("told", [True, False], ids=["told where it ends", "not told"])
def test_a_call_that_a_client_can_do_nothing_with_is_garbage(arguments, found, told):
    judge = gate()
    out = fed(judge, [Start(), *call(arguments)[: 3 if told else 2], *CALLED])
    assert detector(judge) == found
    assert any(isinstance(event, ToolStart) for event in out) is (found is None)


def test_of_an_answer_that_reached_its_limit_the_client_knows_that_its_call_is_half():
    judge = gate()
    out = fed(judge, [Start(), *call('{"path": "a'), *CUT])
    assert judge.verdict is None
    assert out[-2:] == CUT


def test_a_malformed_call_holds_what_comes_after_it():
    judge = gate()
    events = [Start(), *call('{"path": "a'), *call('{"path": "b"}', 1)]
    assert fed(judge, events) == []
    assert fed(judge, CALLED) == []
    assert judge.verdict.explanation.startswith("read")


def test_what_is_not_sure_enough_is_not_said():
    judge = gate(confidence_threshold=0.8)
    fed(judge, [Start(), *call('{"path": 1}'), *CALLED])
    assert detector(judge) == "tool_arguments"


@pytest.mark.parametrize(
    "asked",
    [
        {**ASKED, "tools": [READ, {"type": "web_search"}]},
        {**ASKED, "tools": "none"},
        {**ASKED, "messages": "Read it."},
    ],
)
def test_of_a_request_whose_tools_are_not_known_the_calls_must_be_json_only(asked):
    for arguments, found in (("{}", None), ("{", "tool_arguments")):
        judge = gate(asked, confidence_threshold=0.5)
        fed(judge, [Start(), *call(arguments), *CALLED])
        assert detector(judge) == found


def test_tools_of_a_namespace_go_by_other_names():
    tools = [
        {"type": "namespace", "name": "files", "tools": [{"type": "function", "name": "read", "parameters": SCHEMA}]}
    ]
    asked = request_of({"model": "m", "input": "Read it.", "tools": tools}, Dialect.RESPONSES)
    policy = Policy(model_pattern="*", detectors=frozenset(DETECTORS), confidence_threshold=0.5)
    judge = Gate(policy, judges(policy), ends=WholeAnswer(policy, lambda: asked))
    fed(judge, [Start(), *call("{}", name="files__read"), *CALLED])
    assert judge.verdict is None


def test_a_tool_is_known_by_the_name_that_the_client_gave_it():
    judge = gate(names={"read_1": "read"}.get)
    fed(judge, [Start(), *call("{}", name="read_1"), *CALLED])
    assert "'path' is missing" in judge.verdict.explanation


def test_free_text_of_a_custom_tool_is_good_as_it_is():
    judge = gate()
    fed(judge, [Start(), *call("*** Begin", name="patch", custom=True), *CALLED])
    assert judge.verdict is None


def test_the_same_call_again_and_again_in_one_answer_is_cut():
    judge = gate()
    out = fed(judge, [Start(), *(event for key in range(9) for event in call('{"path": "a"}', key))])
    assert detector(judge) == "repeated_calls"
    assert sum(isinstance(event, ToolStart) for event in out) == 4


def test_the_same_call_again_and_again_is_found_at_the_end_of_a_dialect_that_ends_no_call():
    judge = gate()
    fed(judge, [Start(), *(event for key in range(9) for event in call('{"path": "a"}', key)[:2]), *CALLED])
    assert detector(judge) == "repeated_calls"


def test_dice_may_be_rolled_three_times():
    judge = gate()
    fed(judge, [Start(), *(event for key in range(3) for event in call('{"path": "a"}', key)), *CALLED])
    assert judge.verdict is None


def history(times, result="It is not there yet.", arguments='{"path": "a"}'):
    messages = [{"role": "user", "content": "Go on."}]
    for number in range(times):
        made = {"id": f"c{number}", "type": "function", "function": {"name": "read", "arguments": arguments}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [made]})
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": result.format(number)})
    return {**ASKED, "messages": messages}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (history(3), None),
        (history(8), "repeated_calls"),
        (history(LATEST), "repeated_calls"),
        (history(9, "{} % are done."), None),
        (history(9, arguments='{"path": "b"}'), None),
    ],
    ids=["now and then", "again and again", "a long conversation", "the results change", "another file"],
)
def test_a_call_that_was_made_turn_after_turn_with_the_same_result_is_garbage(asked, found):
    judge = gate(asked)
    fed(judge, [Start(), Text("Let me look once more."), *call('{"path": "a"}'), *CALLED])
    assert detector(judge) == found


@pytest.mark.parametrize(
    ("text", "end", "asked", "found"),
    [
        (OPEN, STOP, ASKED, "truncation"),
        (OPEN, CUT, ASKED, None),
        (OPEN + "ond\n```\n", STOP, ASKED, None),
        ("```python\nprint(1)\n", STOP, ASKED, None),
        (OPEN, STOP, {**ASKED, "stop": ["```"]}, None),
        ("x = 1\n```\nso", STOP, {**ASKED, "messages": [{"role": "assistant", "content": "```python\n"}]}, None),
        (OPEN, STOP, {**ASKED, "messages": "Read it."}, None),
    ],
    ids=["cut", "at its limit", "closed", "only the fence is missing", "stop sequence", "prefilled", "unknown"],
)
def test_an_answer_that_stops_in_the_middle_of_its_code_was_truncated(text, end, asked, found):
    judge = gate(asked)
    out = fed(judge, [Start(), Text(text), *end])
    assert detector(judge) == found
    assert found or said(out) == text


def test_nothing_is_judged_that_the_policy_does_not_name():
    judge = gate(detectors=frozenset({"repetition"}))
    events = [Start(), Text(OPEN), *(event for key in range(9) for event in call("{", key)), *STOP]
    out = fed(judge, events)
    assert said(out) == OPEN
    assert sum(isinstance(event, ToolEnd) for event in out) == 9
