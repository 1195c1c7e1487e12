"""Bytes that go around the transform are those that it would have given on as they are."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects.events import End, Finish, FinishReason, Reasoning, Text
from tests.validation.repair.support import answer, repair, told
from tests.validation.repair.test_no_false_alarms import ALPHABET
from validation.repair import IN_TEXT, could_go_on, holds_marker, is_suspect
from validation.repair.grammar import grammar

WORDS = [
    *ALPHABET,
    "words ",
    " of",
    "if",
    "\n\n",
    "\n  ",
    "“",
    "◁think▷",
    "'",
    '"',
    "to=functions.noop ",
    "{}",
    "é",
    "\\n",
]


def frame(event, ascii=False):
    name = "content" if isinstance(event, Text) else "reasoning_content"
    choice = {"index": 0, "delta": {name: event.text, "tool_calls": None}, "finish_reason": None}
    return (
        b"data: "
        + json.dumps(
            {"id": "chatcmpl-1f", "object": "chat.completion.chunk", "choices": [choice]}, ensure_ascii=ascii
        ).encode()
        + b"\n\n"
    )


_WORD = frame(Text(" word"))


@pytest.mark.parametrize("ascii", [False, True])
def test_plain_words_do_not_trigger(ascii):
    for text in ("Hello", " world", " é", "a, b.", " 1 + 2", "line\n\nline", "{", " often"):
        assert IN_TEXT.search(frame(Text(text), ascii)) is None


@pytest.mark.parametrize(
    "text",
    ["a <", "a `", "~", "[TOOL", "[", "x]", "func", "if", "to", "◁", "a\n", "a\n  ", "a\n> b", 'a "', "a '", "a “"],
)
@pytest.mark.parametrize("ascii", [False, True])
def test_what_could_begin_markup_triggers(text, ascii):
    assert IN_TEXT.search(frame(Text(text), ascii))


def test_escaped_characters_trigger():
    assert IN_TEXT.search(rb'{"content":"\u003ctool_call>"}')
    assert IN_TEXT.search(rb'{"content":"\u000a"}')


@pytest.mark.parametrize(
    "data",
    [
        b'{"tool_calls":[{"index":0}]}', b'{"tool_calls": [ {}]}', b'{"function_call": {"name":"a"}}',
        b'{"finish_reason":"tool_calls"}', b'{"finish_reason": "function_call"}', b'{"finish_reason":"stopped"}',
    ],
)  # fmt: skip
def test_calls_trigger(data):
    assert IN_TEXT.search(data)


@pytest.mark.parametrize("data", [b'{"finish_reason":"stop"}', b'{"finish_reason": "length"}', b"data: [DONE]"])
def test_an_end_that_needs_no_correction_does_not(data):
    assert IN_TEXT.search(data) is None


@pytest.mark.parametrize(
    ("text", "could"),
    [
        ("plain", 0),
        ("of", 1),
        ("off", 1),
        ("cat", 0),
        ("at t", 1),
        ("write to", 2),
        ("a function", 8),
        ("a <", 1),
        ("</th", 4),
        ("a]", 1),
        ("a``", 0),
        ("a\nb", 0),
        ("a\n", 0),
    ],
)
def test_the_end_of_a_text_may_be_the_beginning_of_a_marker(text, could):
    assert could_go_on(json.dumps(text).encode()[1:-1]) == could


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>",
        "a functions.b",
        "to=functions.b",
        "</think>",
        "[TOOL_CALLS]",
        "◁/think▷",
        "<｜DSML｜",
        "functools[",
    ],
)
def test_a_marker_within_a_text_is_seen(text, ascii):
    spelled = json.dumps(f"a {text} b", ensure_ascii=ascii).encode()[1:-1]
    for one in (spelled, spelled.replace(b"/", rb"\/"), spelled.replace(b"<", rb"\u003c")):
        assert holds_marker(one)


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_is_suspect_in_a_text_is_so_in_its_frame(words, ascii):
    text = "".join(words)
    spelled = json.dumps(text, ensure_ascii=ascii).encode()[1:-1]
    suspect = is_suspect(spelled)
    assert suspect or not (holds_marker(spelled) or could_go_on(spelled))
    assert not suspect or IN_TEXT.search(frame(Text(text), ascii))


@pytest.mark.parametrize("text", ["a < b", "<div>", "</table>", "function (a) {", "list[0]", "`a`", "\n> a", "é ◁"])
def test_a_text_without_markers_holds_none(text):
    assert not holds_marker(json.dumps(text + " ", ensure_ascii=False).encode()[1:-1])


def is_idle(transform):
    return transform.passes(_WORD)


def test_it_is_idle_only_in_the_middle_of_text():
    transform = repair()
    assert not is_idle(transform)
    transform.feed(Text("Hello"))
    assert is_idle(transform)
    for text, idle in (
        (" <", False),
        (" b", True),
        ("\n", False),
        ("a", True),
        ("`", False),
        ("b", False),
        ("`", False),
        (" c", True),
        (" d'", False),
    ):
        transform.feed(Text(text))
        assert is_idle(transform) is idle, text


def test_after_a_change_it_is_never_idle():
    transform = repair()
    for text in ("<think>a", "</think>", "Yes.", " And so on"):
        transform.feed(Text(text))
        assert not is_idle(transform)


def test_reasoning_may_pass_but_text_that_follows_it_may_not():
    transform = repair()
    assert not may_pass(transform, frame(Reasoning(" so")))
    transform.feed(Reasoning("Hm"))
    assert may_pass(transform, frame(Reasoning(" so")))
    assert not may_pass(transform, frame(Text("Hello")))
    assert not is_idle(transform)
    transform.feed(Text("Hello"))
    assert may_pass(transform, frame(Text(" world")))


@given(st.lists(st.sampled_from(WORDS), max_size=8))
@settings(max_examples=300, deadline=None)
def test_a_whole_answer_that_leaves_is_one_that_nothing_changes(words):
    text = "".join(words)
    if text and leaves(text):
        assert told(answer([Text(text)], repair())) == told([Text(text), Finish(FinishReason.STOP), End()])


def test_plain_whole_answers_leave_and_others_do_not():
    assert leaves("Hello. It is 3 o'clock\nor `later`, often [of")
    for text in ("<think>", " \n</think>a", '{"name": "ping"}', "a functions.b", "a [TOOL_CALLS]"):
        assert not leaves(text), text


leaves = grammar(None, True).leaves


def may_pass(transform, data):
    return transform.passes(data)


@given(st.lists(st.tuples(st.sampled_from([Text, Reasoning]), st.sampled_from(WORDS)), max_size=25), st.booleans())
@settings(max_examples=300, deadline=None)
def test_going_around_makes_no_difference(pieces, ascii):
    events = [kind(text) for kind, text in pieces]
    around = repair()
    out = []
    for event in events:
        out += [event] if may_pass(around, frame(event, ascii)) else around.feed(event)
    assert told(out + answer([], around)) == told(answer(events, repair()))


FIRST_WORDS = [
    "Let",
    "it",
    "Got",
    "goto",
    "to",
    "t",
    "Tito=",
    "for",
    "of",
    "a",
    " ",
    "\n",
    "<",
    "functions",
    "1t",
    "ét",
]


@given(st.lists(st.sampled_from(FIRST_WORDS), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_of_a_text_that_an_answer_may_begin_with_unread_nothing_is_held(words):
    """It has left by then, so what is held of it would be said twice."""
    text = "".join(words)
    if grammar(None, True).begins(text):
        assert repair().feed(Text(text)) == [Text(text)]


@pytest.mark.parametrize("before", ["Looking. ", "Let it: ", "So:\n\n", "go "])
@pytest.mark.parametrize("size", [1, 3])
def test_a_word_that_opens_counts_whatever_passed_before_it(before, size):
    text = f"{before}to=functions.noop {{}}"
    transform = repair()
    events = []
    for piece in (text[start : start + size] for start in range(0, len(text), size)):
        data = frame(Text(piece))
        events += [Text(piece)] if transform.passes(data) == len(data) else transform.feed(Text(piece))
    events += answer([], transform)
    assert [item for item in told(events) if isinstance(item, list)] == [["call_0", "noop", "{}"]]
    assert told(events)[0] == ("Text", before)
