"""The text of a wrapped custom tool, piece by piece."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects import free_text
from routing.dialects.free_text import FreeText


def fed(text: str, *cuts: int) -> str:
    free = FreeText()
    bounds = zip([0, *cuts], [*cuts, len(text)], strict=True)
    return "".join([free.feed(text[start:end]) for start, end in bounds])


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(ANY_TEXT, st.booleans(), st.sampled_from([None, 2]), st.data())
def test_it_is_the_text_that_was_wrapped_wherever_the_json_is_cut(text, ascii, indent, data):
    wrapped = json.dumps({"input": text}, ensure_ascii=ascii, indent=indent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wrapped)), max_size=6)))
    assert fed(wrapped, *cuts) == text
    assert fed(wrapped, *range(1, len(wrapped))) == text
    assert free_text.of(wrapped) == text


@pytest.mark.parametrize(
    ("wrapped", "text"),
    [
        ('{"input":"line\nline"}', "line\nline"),
        (r'{"input":"\d+ \/ \u12 \\u00e9 \u00e9"}', "\\d+ / \\u12 \\u00e9 é"),
        (r'{"input":"\ud83d\ude00 \ud83d."}', "😀 \ufffd."),
        ('{"input":"cut', "cut"),
        ('{"input":"cut\\', "cut"),
        ('{"input":"a","more":"b"} and more', "a"),
        (' {\n "input" : ""}', ""),
    ],
)
def test_it_reads_what_models_write(wrapped, text):
    assert fed(wrapped) == fed(wrapped, *range(1, len(wrapped))) == free_text.of(wrapped) == text


@pytest.mark.parametrize(
    ("wrapped", "text"),
    [
        ('{"more":"b","input":"a"}', "a"),
        ('{"more":"' + "b" * 80 + '","input":"a"}', "a"),
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"patch":"a"}', '{"patch":"a"}'),
    ],
)
def test_what_is_wrapped_otherwise_is_known_only_at_the_end(wrapped, text):
    assert fed(wrapped, *range(1, len(wrapped))) == ""
    assert free_text.of(wrapped) == text
