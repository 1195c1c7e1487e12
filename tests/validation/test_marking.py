import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.marking import MOST_PIECES, Piece, pieces


def test_a_loop_shows_its_first_copy_and_each_repeat():
    assert pieces("good. ababab!", 8, 12, 2) == [
        Piece("", "good. "),
        Piece("first", "ab"),
        Piece("repeat", "ab"),
        Piece("again", "ab"),
        Piece("rest", "!"),
    ]


def test_what_does_not_repeat_is_one_piece():
    assert pieces("good ☃☃☃", 5, None, 0) == [Piece("", "good "), Piece("repeat", "☃☃☃")]


def test_very_many_repeats_are_one_piece():
    text = "x" * (MOST_PIECES + 2)
    assert [len(piece.text) for piece in pieces(text, 1, None, 1)] == [1, MOST_PIECES + 1]


@pytest.mark.parametrize("onset", [None, -3, 99])
def test_an_onset_that_is_not_in_the_text_marks_nothing(onset):
    assert pieces("text", onset, 100, 2) == [Piece("", "text")]
    assert pieces("", onset, 100, 2) == []


@given(
    st.text(max_size=40),
    st.one_of(st.none(), st.integers(-5, 50)),
    st.one_of(st.none(), st.integers(-5, 50)),
    st.integers(0, 9),
)
def test_nothing_of_a_text_is_lost(text, onset, offset, period):
    assert "".join(piece.text for piece in pieces(text, onset, offset, period)) == text
