"""Whole texts or pieces: what is new in a frame of /generate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects.generate.growth import Growth

Frames = list[tuple[str, int, int]]  # text, number of output_ids, tokens so far


def grown(frames: Frames, *, with_ids: bool = True) -> list[str]:
    growth = Growth()
    found = []
    for position, (text, ids, tokens) in enumerate(frames):
        payload = {"text": text, "meta_info": {"completion_tokens": tokens}}
        if with_ids:
            payload["output_ids"] = [1] * ids
        found.append(growth.feed(text, payload, is_last=position == len(frames) - 1))
    return [*found, growth.close()]


def whole(pieces: list[str], *, cut_ids: bool = False) -> Frames:
    """What a server sends that repeats itself; an older one with cut ids."""
    sizes = range(1, len(pieces) + 1)
    return [("".join(pieces[:size]), 1 if cut_ids else size, size) for size in sizes]


def in_pieces(pieces: list[str]) -> Frames:
    return [(piece, 1, tokens) for tokens, piece in enumerate(pieces, 1)]


PIECES = st.lists(st.text(st.characters(codec="utf-8"), max_size=4) | st.sampled_from(["ha", "h", "\n"]), min_size=1)


@given(PIECES)
def test_whole_texts_are_cut_to_what_is_new(pieces):
    assert "".join(grown(whole(pieces))) == "".join(pieces)


@given(PIECES)
def test_whole_texts_are_known_without_ids(pieces):
    assert "".join(grown(whole(pieces), with_ids=False)) == "".join(pieces)


@given(PIECES)
def test_whole_texts_are_known_when_only_the_ids_are_cut(pieces):
    assert "".join(grown(whole(pieces, cut_ids=True))) == "".join(pieces)


def test_each_frame_gives_its_news_at_once():
    assert grown(whole(["a", "b", "c"])) == ["a", "b", "c", ""]
    assert grown(whole(["a", "b", "c"]), with_ids=False) == ["a", "b", "c", ""]
    assert grown(in_pieces(["a", "b", "c"])) == ["a", "b", "c", ""]


@pytest.mark.parametrize(
    "pieces",
    [
        ["ha", "ha", "!"],
        ["ha", "ha!", " ho"],
        ["\n", "\n\n", "x", ""],
        ["-", "--", ""],
        ["", "a", "b"],
        ["a", "", "b"],
        ["a", "", ""],
        ["Hello", " world", ""],
    ],
)
def test_a_piece_that_begins_like_the_one_before_is_still_a_piece(pieces):
    assert "".join(grown(in_pieces(pieces))) == "".join(pieces)


def test_a_frame_that_could_be_both_waits_for_the_next_one():
    assert grown(in_pieces(["ha", "ha", "!"])) == ["ha", "", "ha!", ""]
    assert grown(whole(["ha", "ha", "!"], cut_ids=True)) == ["ha", "", "ha!", ""]


def test_what_waits_is_not_lost_when_the_stream_ends():
    growth = Growth()
    payload = {"output_ids": [1], "meta_info": {"completion_tokens": 2}}
    assert growth.feed("a", payload, is_last=False) == "a"
    assert growth.feed("ab", payload, is_last=False) == ""
    assert growth.close() == "b"


def test_7_3_a_text_that_shrinks_at_the_end_takes_nothing_back():
    frames = [("Hello", 1, 1), ("Hello E", 2, 2), ("Hello EN", 3, 3), ("Hello", 4, 4)]
    assert grown(frames) == ["Hello", " E", "N", "", ""]
    assert grown(frames, with_ids=False) == ["Hello", " E", "N", "", ""]


@pytest.mark.parametrize("with_ids", [True, False])
def test_7_3_it_may_shrink_in_the_second_frame_already(with_ids):
    assert grown([("Hello E", 1, 1), ("Hello", 2, 2)], with_ids=with_ids) == ["Hello E", "", ""]


def test_a_whole_text_that_was_corrected_goes_on_where_it_was():
    assert grown([("Hallo", 1, 1), ("Hello you", 2, 2)]) == ["Hallo", " you", ""]
