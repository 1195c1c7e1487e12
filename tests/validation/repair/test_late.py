"""A repair that is put off says what one would say that was there from the beginning, and mostly is never made."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects.events import End, Failed, Finish, FinishReason, Reasoning, Start, Text, UpstreamError, UsageSeen
from routing.dialects.events import Usage as Counts
from tests.validation.repair.support import TOOLS, answer, repair, told
from tests.validation.repair.test_trigger import WORDS
from tests.validation.test_gate import CALL
from validation.repair.grammar import grammar
from validation.repair.late import Late
from validation.repair.native_calls import MendArguments


class Making:
    """Remembers whether it was asked for a repair."""

    def __init__(self):
        self.is_asked = False

    def __call__(self):
        self.is_asked = True
        return repair(), MendArguments(TOOLS)


def late(make=None):
    return Late(grammar(None, True), make or Making())


@pytest.mark.parametrize(
    "last", [[Finish(FinishReason.STOP), End()], [Failed(UpstreamError(500, "broken"))], [Finish(FinishReason.LENGTH)]]
)
def test_an_answer_without_markup_needs_none(last):
    make = Making()
    events = [Start("a", "m"), Text("Hello"), Text(" world"), Text(" and so on."), UsageSeen(Counts(1, 2)), *last]
    judge = late(make)
    assert [passed for event in events for passed in judge.feed(event)] == events
    assert judge.close() == []
    assert not make.is_asked


@pytest.mark.parametrize("event", [Text(" a <"), Text("`"), Reasoning("Hm"), CALL[0]])
def test_what_could_be_markup_or_belong_to_a_call_is_looked_at(event):
    make = Making()
    judge = late(make)
    judge.feed(Text("Hello"))
    judge.feed(event)
    assert make.is_asked


def test_an_answer_that_begins_with_what_may_be_markup_is_looked_at():
    make = Making()
    late(make).feed(Text("  "))
    assert make.is_asked


PIECES = st.lists(st.tuples(st.sampled_from([Text, Text, Text, Reasoning]), st.sampled_from(WORDS)), max_size=25)


@given(PIECES, st.sampled_from([FinishReason.STOP, FinishReason.LENGTH]))
@settings(max_examples=300, deadline=None)
def test_it_makes_no_difference_when_the_repair_is_made(pieces, finish):
    events = [kind(text) for kind, text in pieces]
    put_off = late()
    assert told(answer(events, put_off, finish)) == told(answer(events, repair(), finish))


@given(st.lists(st.sampled_from(WORDS), max_size=12))
@settings(max_examples=100, deadline=None)
def test_nothing_stays_behind_where_nobody_says_that_it_is_over(words):
    made, put_off = repair(), late()
    out = [passed for word in words for passed in put_off.feed(Text(word))] + put_off.close()
    assert told(out) == told([passed for word in words for passed in made.feed(Text(word))] + made.close())
