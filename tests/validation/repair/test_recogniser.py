"""The transform as a whole: order, drafts, the upstream's own calls, ids, finish reasons and notes."""

from dataclasses import dataclass

import pytest

from routing.dialects.events import (
    End,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UpstreamError,
    Usage,
    UsageSeen,
)
from tests.validation.repair.support import answer, calls_of, ids_of, repair, text_of, told
from validation.repair import FAMILIES, Note

X1 = '<tool_call>{"name": "get_x", "arguments": {"x": 1}}</tool_call>'
NOOP = "<|tool_call_begin|>functions.noop:0<|tool_call_argument_begin|>{}<|tool_call_end|>"
OPENING = "<|tool_calls_section_begin|>"


def native(name="get_x", arguments='{"x": 1}', key=0):
    return [ToolStart(key, f"own_{key}", name), ToolArguments(key, arguments), ToolEnd(key)]


def finish_of(events):
    return next(event for event in events if isinstance(event, Finish)).reason


def test_events_keep_their_order():
    events = answer([Start(), Reasoning("Hm."), Text(f"Ok.{X1}"), UsageSeen(Usage(1, 2))], repair())
    assert [type(event) for event in events] == [
        Start, Reasoning, Text, ToolStart, ToolArguments, ToolEnd, UsageSeen, Finish, End,
    ]  # fmt: skip


@pytest.mark.parametrize("said", [FinishReason.STOP, FinishReason.UNKNOWN, FinishReason.STOP_SEQUENCE])
def test_the_finish_reason_says_that_there_are_calls(said):
    assert finish_of(answer([X1], repair(), said)) is FinishReason.TOOL_CALLS
    assert finish_of(answer(native(), repair(), said)) is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("said", [FinishReason.LENGTH, FinishReason.REFUSAL, FinishReason.CONTEXT])
def test_other_finish_reasons_are_kept(said):
    assert finish_of(answer([X1], repair(), said)) is said


def test_without_calls_the_finish_reason_stays():
    assert finish_of(answer(["Hi."], repair())) is FinishReason.STOP


def test_an_answer_that_ends_without_a_reason_is_settled_too():
    transform = repair()
    events = transform.feed(Reasoning(X1)) + transform.feed(End())
    assert calls_of(events) == [("get_x", {"x": 1})]
    transform = repair()
    assert calls_of(transform.feed(Text(X1[:-3])) + transform.close()) == [("get_x", {"x": 1})]


def test_a_native_id_is_given_on_and_missing_ones_are_made():
    assert ids_of(answer([NOOP, X1], repair())) == ("functions.noop:0", "call_1")


def test_an_id_that_comes_twice_is_replaced():
    other = NOOP.replace("{}", '{"a": 1}')
    assert ids_of(answer([NOOP, other], repair())) == ("functions.noop:0", "call_1")


def test_a_call_that_comes_twice_is_given_out_once():
    transform = repair()
    assert calls_of(answer([X1, X1], transform)) == [("get_x", {"x": 1})]
    assert [note.kind for note in transform.notes] == ["call", "duplicate", "finish"]


def test_the_same_call_under_another_id_is_another_call():
    assert len(calls_of(answer([NOOP, NOOP.replace(":0", ":1")], repair()))) == 2


def test_calls_of_the_upstream_pass():
    events = native() + native("noop", "", 1)
    assert answer(events, repair())[:-2] == events


@pytest.mark.parametrize("name", ["functions.noop", "Noop", "noop<|channel|>commentary"])
def test_a_native_call_is_one_of_the_tool_that_was_meant(name):
    transform = repair()
    assert told(answer([ToolStart(0, "a", name), ToolArguments(0, "{}"), ToolEnd(0)], transform))[0] == [
        "a",
        "noop",
        "{}",
    ]
    assert transform.notes[0] == Note("name", "", name, "noop")


def test_other_names_of_native_calls_stay():
    start = ToolStart(0, "a", "Noop", custom=True)
    assert answer([start], repair())[0] == start
    assert answer([ToolStart(0, "a", "unknown")], repair())[0] == ToolStart(0, "a", "unknown")


def test_a_leaked_copy_of_a_call_is_dropped():
    assert answer([*native(), Text(X1)], repair())[:-2] == native()


def test_a_call_that_was_leaked_before_is_not_given_out_again():
    events = answer([Text(X1), *native(), *native("get_x", '{"x": 2}', 1), *native("noop", "{}", 2)], repair())
    assert calls_of(events) == [("get_x", {"x": 1}), ("get_x", {"x": 2}), ("noop", {})]
    assert ids_of(events) == ("call_0", "own_1", "own_2")


def test_a_copy_that_the_upstream_does_not_close_is_judged_at_the_end():
    assert len(calls_of(answer([Text(X1), *native()[:2]], repair()))) == 1
    assert len(calls_of(answer([Text(X1), *native(arguments="{}")[:2]], repair()))) == 2


def test_arguments_of_a_call_nobody_began_pass():
    events = [ToolArguments(7, "{}"), ToolEnd(7)]
    assert answer(events, repair())[:-2] == events


def test_markup_that_is_left_behind_a_native_call_vanishes():
    assert answer([*native(), Text("\n</tool_call>\n")], repair())[:-2] == native()


def test_text_behind_a_native_call_stays():
    assert text_of(answer([*native(), Text("\nDone.")], repair())) == "\nDone."


def test_markup_that_a_native_call_interrupts_is_text():
    assert text_of(answer([Text("a <tool_ca"), *native()], repair())) == "a <tool_ca"


@pytest.mark.parametrize("opening", ["<｜DSML｜function_calls>", OPENING])
def test_an_opening_that_is_left_over_beside_a_native_call_vanishes(opening):
    assert text_of(answer([Text(f"Ok.{opening}"), *native()], repair())) == "Ok."
    assert text_of(answer([*native(), Text(opening)], repair())) == ""


@pytest.mark.parametrize(
    "after",
    [[Reasoning(" No.")], [Text("No.")], native("noop", "{}"), [Text(NOOP)], [Failed(UpstreamError(500, "broken"))]],
    ids=["more reasoning", "an answer", "a call of the upstream", "a leaked call", "a failure"],
)
def test_a_call_in_reasoning_that_something_follows_is_a_draft(after):
    events = answer([Reasoning(f"Hm. {X1}\n"), *after], repair())
    assert ("get_x", {"x": 1}) not in calls_of(events)
    assert text_of(events, Reasoning).startswith(f"Hm. {X1}")


def test_white_space_behind_a_call_in_reasoning_does_not_make_it_a_draft():
    events = answer([Reasoning(f"Hm. {X1}"), Reasoning("\n"), Text("\n\n")], repair())
    assert calls_of(events) == [("get_x", {"x": 1})]


def test_several_calls_at_the_end_of_reasoning_are_calls():
    events = answer([Reasoning(f"Hm. {NOOP}\n{X1}\n")], repair())
    assert calls_of(events) == [("noop", {}), ("get_x", {"x": 1})]
    assert text_of(events, Reasoning) == "Hm. "


def test_an_answer_that_the_upstream_took_for_reasoning_is_the_answer():
    events = answer([Reasoning("Hm."), Reasoning("</think>\n\nYes."), Reasoning(f" Now.{X1}")], repair())
    assert told(events)[:2] == [("Reasoning", "Hm."), ("Text", "Yes. Now.")]
    assert calls_of(events) == [("get_x", {"x": 1})]


def test_an_opener_in_reasoning_vanishes():
    assert told(answer([Reasoning("<think>Hm."), Text("Yes.")], repair({})))[:2] == [
        ("Reasoning", "Hm."),
        ("Text", "Yes."),
    ]


def test_what_reasoning_held_back_comes_before_the_answer():
    assert told(answer([Reasoning("a <tool"), Text("Yes.")], repair()))[:2] == [
        ("Reasoning", "a <tool"),
        ("Text", "Yes."),
    ]


def test_what_reasoning_held_back_comes_before_its_seal():
    events = answer([Reasoning("a <"), ReasoningEnd("seal")], repair())
    assert events[:3] == [Reasoning("a "), Reasoning("<"), ReasoningEnd("seal")]


def test_a_failure_comes_behind_what_was_held_back():
    transform = repair()
    failure = Failed(UpstreamError(500, "broken"))
    assert told(transform.feed(Text(f"a{X1[:40]}")) + transform.feed(failure)) == [("Text", f"a{X1[:40]}"), failure]


def test_a_text_that_stays_keeps_what_else_it_says():
    text = Text("a <b>")
    assert repair().feed(text)[0] is text


def test_an_empty_text_changes_nothing():
    assert answer([Text(""), Text("a"), Text("")], repair())[:-2] == [Text("a")]


@pytest.mark.parametrize("size", [255, 256, 9000])
def test_much_white_space_at_the_beginning_is_kept(size):
    text = " " * size + "Yes."
    assert text_of(answer(list(text), repair())) == text_of(answer([text], repair())) == text


def test_white_space_alone_is_kept():
    assert text_of(answer([" \n", " "], repair())) == " \n "


def test_the_same_instance_counts_on_over_kinds_of_text():
    events = answer([Text("a"), Reasoning("b"), Text("c"), Reasoning("`"), Text("d")], repair())
    assert told(events)[:-2] == [("Text", "a"), ("Reasoning", "b"), ("Text", "c"), ("Reasoning", "`"), ("Text", "d")]


def test_notes_say_what_was_repaired():
    transform = repair()
    answer([f"<think>Hm.</think>{X1}"], transform)
    assert transform.notes == [
        Note("thinking", "", "<think>", ""),
        Note("thinking", "", "</think>", ""),
        Note("call", "hermes", X1, 'get_x({"x": 1})'),
        Note("finish", "", "stop", "tool_calls"),
    ]


@dataclass
class Mended:
    text: str
    changes: tuple[str, ...] = ()


def test_arguments_are_mended_with_the_schema_of_the_tool():
    asked = []

    def mend(arguments, schema):
        asked.append((arguments, schema))
        return Mended('{"x": 5}', ("x: text to number",))

    transform = repair(mend_arguments=mend)
    assert calls_of(answer([X1.replace("1", '"5"')], transform)) == [("get_x", {"x": 5})]
    assert asked == [('{"x": "5"}', {"type": "object", "properties": {"x": {"type": "integer"}}})]
    assert Note("arguments", "hermes", "x: text to number", '{"x": 5}') in transform.notes


def test_arguments_that_only_mending_makes_an_object_make_a_call():
    broken = NOOP.replace("{}", "{a: 1,}")
    assert text_of(answer([broken], repair())) == broken
    assert calls_of(answer([broken], repair(mend_arguments=lambda *_: Mended('{"a": 1}')))) == [("noop", {"a": 1})]


def test_mending_that_goes_wrong_is_ignored():
    assert calls_of(answer([X1], repair(mend_arguments=lambda *_: Mended("[")))) == [("get_x", {"x": 1})]


def test_the_only_tool_is_meant_where_no_name_is_said():
    counted = NOOP.replace("functions.noop:0", "3")
    assert calls_of(answer([counted], repair({"only": {}}))) == [("only", {})]


def test_an_object_whose_schema_has_no_type_is_an_object():
    schema = {"properties": {"x": {"properties": {}}}}
    text = "<tool_call><function=f><parameter=x>{}</parameter></function></tool_call>"
    assert calls_of(answer([text], repair({"f": schema}))) == [("f", {"x": {}})]


def test_python_without_an_end_is_not_read():
    text = f"<|tool_call_start|>[trim(name=[{'1,' * 50_001}])]<|tool_call_end|>"
    assert text_of(answer([text], repair())) == text


def test_a_long_text_in_python_is_no_reason_not_to_read_it():
    text = 'it\'s "so"\n' * 20_000
    assert calls_of(answer([f"<|tool_call_start|>[trim(name={text!r})]<|tool_call_end|>"], repair())) == [
        ("trim", {"name": text})
    ]


def test_every_family_of_the_table_can_be_chosen_alone():
    for family in FAMILIES:
        assert text_of(answer(["a < b"], repair(families=[family]))) == "a < b"


def test_a_schema_may_be_anything():
    for schema in (
        None,
        True,
        {},
        {"properties": []},
        {"required": "x"},
        {"type": ["object", 1]},
        {"properties": {"x": True}},
    ):
        events = answer(
            ["<tool_call><function=f><parameter=x>1</parameter></function></tool_call>"], repair({"f": schema})
        )
        assert calls_of(events) == [("f", {"x": "1"})]
