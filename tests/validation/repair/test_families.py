"""Each format and variant of markup, whole, one character at a time, and cut anywhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects.events import Reasoning, Text
from tests.validation.repair import cases_markers, cases_tags
from tests.validation.repair.support import answer, calls_of, ids_of, repair, text_of, told

FAMILIES = {**cases_markers.FAMILIES, **cases_tags.FAMILIES}
CASES = [pytest.param(case, id=f"{family}: {case.name}") for family, cases in FAMILIES.items() for case in cases]
every_case = pytest.mark.parametrize("case", CASES)


def heard(case, pieces):
    return answer(pieces, repair(opened=case.opened), case.finish)


@every_case
def test_markup_becomes_what_it_should_have_been(case):
    """Rows 2.7.9 and 4.4.19 of the wire reference."""
    events = heard(case, [case.text])
    assert calls_of(events) == case.calls
    assert text_of(events) == case.says
    assert text_of(events, Reasoning) == case.thinks
    if case.ids:
        assert ids_of(events) == case.ids


@every_case
def test_one_character_at_a_time_says_the_same(case):
    assert told(heard(case, list(case.text))) == told(heard(case, [case.text]))


@pytest.mark.parametrize("cases", FAMILIES.values(), ids=FAMILIES)
@given(places=st.lists(st.floats(0, 1, width=16), min_size=1, max_size=8))
@settings(max_examples=10, deadline=None)
def test_cut_anywhere_it_says_the_same(cases, places):
    for case in cases:
        cuts = sorted({int(place * len(case.text)) for place in places})
        pieces = [case.text[start:end] for start, end in zip([0, *cuts], [*cuts, len(case.text)], strict=True)]
        assert told(heard(case, [piece for piece in pieces if piece])) == told(heard(case, [case.text])), case.name


@pytest.mark.parametrize("case", [parameter for parameter in CASES if not parameter.values[0].thinks])
def test_a_call_at_the_end_of_reasoning_is_a_call(case):
    if case.calls and not case.says and not case.opened:
        whole = answer([Reasoning(case.text)], repair(), case.finish)
        assert calls_of(whole) == case.calls
        assert told(answer([Reasoning(piece) for piece in case.text], repair(), case.finish)) == told(whole)
        assert text_of(whole, Text) == ""
